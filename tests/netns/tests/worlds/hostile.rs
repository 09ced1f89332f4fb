//! Clients that mean harm, or are broken, against the running daemon.

use pontoon_test_support::{World, until_true};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

fn connect(socket: &Path) -> UnixStream {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The whole answer to `request`, after which the connection is closed by the daemon.
fn answer(socket: &Path, request: &[u8]) -> String {
    let mut stream = connect(socket);
    // A daemon that refuses early closes early.
    let _ = stream.write_all(request);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

const PING: &[u8] = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn alive(world: &World) {
    let begun = Instant::now();
    assert_eq!(status(&answer(&world.daemon().socket(), PING)), "200");
    assert!(begun.elapsed() < Duration::from_secs(5), "it answers, but only after {:?}", begun.elapsed());
}

/// Open descriptors of the daemon.
fn descriptors(world: &World) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", world.daemon().pid())).unwrap().count()
}

/// Resident memory of the daemon, in KiB.
fn memory(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.daemon().pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_requests_at_once_are_each_answered_and_nothing_is_left_of_them() {
    const THREADS: usize = 20;
    const EACH: usize = 500;
    let Some(world) = World::new() else { return };
    world.network("front");
    let socket = world.daemon().socket();
    // 10,000 connections of our own and as many of the daemon's.
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, 16_384, 16_384);
    alive(&world);
    let before = descriptors(&world);
    let request = b"GET /v1.45/networks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answers: Vec<String> = std::thread::scope(|scope| {
        let one = || {
            let mut streams: Vec<UnixStream> = (0..EACH).map(|_| connect(&socket)).collect();
            streams.iter_mut().for_each(|stream| stream.write_all(request).unwrap());
            let read = |mut stream: UnixStream| {
                let mut text = Vec::new();
                stream.read_to_end(&mut text).unwrap();
                status(&String::from_utf8_lossy(&text)).to_owned()
            };
            streams.into_iter().map(read).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), THREADS * EACH);
    let good = answers.iter().filter(|status| *status == "200").count();
    let busy = answers.iter().filter(|status| *status == "503").count();
    assert_eq!(good + busy, answers.len(), "{good} answered, {busy} told to come back later, the others were lost");
    assert!(good > answers.len() / 2, "only {good} were answered");
    alive(&world);
    until_true("their descriptors are closed", Duration::from_secs(10), || descriptors(&world) <= before + 4);
    assert!(memory(&world) < 200 * 1024, "{} KiB", memory(&world));
}

#[test]
fn ten_thousand_changes_at_once_are_made_one_after_the_other_or_refused() {
    const THREADS: usize = 50;
    const EACH: usize = 200;
    let Some(world) = World::new() else { return };
    let socket = world.daemon().socket();
    let body = r#"{"Name":"only-one","CheckDuplicate":true}"#;
    let request = format!(
        "POST /networks/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let made: usize = std::thread::scope(|scope| {
        let one = || (0..EACH).filter(|_| status(&answer(&socket, request.as_bytes())) == "201").count();
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(made, 1, "one name, one network");
    alive(&world);
    world.told("network rm only-one");
}

#[test]
fn half_closed_and_silent_clients_hold_nobody_up() {
    let Some(world) = World::new() else { return };
    let socket = world.daemon().socket();
    // The request is whole, the client's end closed: it still wants its answer.
    let mut half = connect(&socket);
    half.write_all(PING).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    half.read_to_string(&mut text).unwrap();
    assert_eq!(status(&text), "200");
    // These never finish what they began, and stay.
    let begun: [&[u8]; 5] = [
        b"",
        b"GET /networks HT",
        b"POST /networks/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"Name\"",
        b"POST /networks/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    let silent: Vec<UnixStream> = (0..300)
        .map(|number| {
            let mut stream = connect(&socket);
            stream.write_all(begun[number % begun.len()]).unwrap();
            stream
        })
        .collect();
    alive(&world);
    world.network("front");
    // And those that go in the middle of it.
    let before = descriptors(&world);
    for stream in &silent {
        let _ = stream.shutdown(Shutdown::Both);
    }
    drop(silent);
    until_true("their descriptors are closed", Duration::from_secs(30), || descriptors(&world) + 250 < before);
    alive(&world);
}

#[test]
fn garbage_is_refused_with_a_status_or_by_closing_and_never_obeyed() {
    let Some(world) = World::new() else { return };
    let socket = world.daemon().socket();
    let long_header = format!("GET /_ping HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_headers = format!("GET /_ping HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(10_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(1 << 20));
    let huge = "POST /networks/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\
                Content-Length: 99999999999\r\n\r\n{"
        .to_owned();
    let twice =
        "POST /networks/create HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 400\r\n\r\nnull".to_owned();
    let noise: Vec<u8> = (0..65_536u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let tls = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let cases: Vec<Vec<u8>> = vec![
        long_header.into(),
        many_headers.into(),
        long_path.into(),
        twice.into(),
        noise,
        tls,
        b"\r\n\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET\0/ HTTP/1.1\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
    ];
    for case in cases {
        let mut stream = connect(&socket);
        let _ = stream.write_all(&case);
        let _ = stream.shutdown(Shutdown::Write);
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.is_empty() || status(&text).starts_with('4') || status(&text) == "505", "{text}");
    }
    // A body that is far too large is refused before it is sent.
    assert!(status(&answer(&socket, huge.as_bytes())).starts_with('4'));
    alive(&world);
    assert_eq!(world.api().networks(&Default::default()).unwrap().len(), 3);
}

#[test]
fn hostile_names_and_values_are_clear_errors() {
    let Some(world) = World::new() else { return };
    let long = "x".repeat(300);
    let post = |path: &str, body: &str| world.api().post(path, Some(body.as_bytes())).unwrap();
    let cases = [
        ("/networks/create", "{".to_owned()),
        ("/networks/create", "[]".to_owned()),
        ("/networks/create", format!(r#"{{"Name":"{long}"}}"#)),
        ("/networks/create", r#"{"Name":"a\u0000b"}"#.to_owned()),
        ("/networks/create", r#"{"Name":"a\nb"}"#.to_owned()),
        ("/networks/create", r#"{"Name":7}"#.to_owned()),
        ("/networks/create", r#"{"Name":""}"#.to_owned()),
        ("/networks/create", r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.0.0.0/33"}]}}"#.to_owned()),
        (
            "/networks/create",
            r#"{"Name":"n","IPAM":{"Config":[{"Subnet":"10.0.0.0/24","Gateway":"10.1.0.1"}]}}"#.to_owned(),
        ),
        (
            "/networks/create",
            r#"{"Name":"n","Options":{"com.docker.network.bridge.name":"a name that is too long"}}"#.to_owned(),
        ),
        ("/networks/create", r#"{"Name":"n","Options":{"com.docker.network.bridge.name":"../../x"}}"#.to_owned()),
        ("/networks/create", r#"{"Name":"n","Driver":"nonsense"}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", format!(r#"{{"Name":"{long}"}}"#)),
        ("/pontoon/v1/sandboxes/create", r#"{"Name":"../x"}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", r#"{"Hostname":"a b\n"}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", r#"{"Sysctls":{"kernel.panic":"1"}}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", r#"{"Sysctls":{"net.ipv4/../../kernel/panic":"1"}}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", r#"{"Namespace":{"Path":"/etc/passwd"}}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", r#"{"Namespace":{"Pid":4194303}}"#.to_owned()),
        ("/pontoon/v1/sandboxes/create", r#"{"PortBindings":{"80/tcp":[{"HostPort":"99999"}]}}"#.to_owned()),
        ("/networks/bridge/connect", r#"{"Container":"nobody"}"#.to_owned()),
        ("/networks/nowhere/connect", r#"{"Container":"nobody"}"#.to_owned()),
    ];
    let before = world.snapshot();
    for (path, body) in cases {
        let answer = post(path, &body);
        let told = answer.status.as_u16();
        let text = answer.text();
        assert!((400..500).contains(&told), "{path} {body}: {told} {text}");
        assert!(text.contains("\"message\""), "{path} {body}: {text}");
    }
    alive(&world);
    assert_eq!(before.difference(&world.snapshot()), Vec::<String>::new());
    assert_eq!(world.api().sandboxes(&Default::default()).unwrap(), Vec::new());
    // Docker takes these too.
    for name in [&long[..255], "a/../b", "..", "%2e%2e", "名前"] {
        let made = world.pontoon(&["network", "create", name]);
        assert!(made.status.success(), "{name:?}: {made:?}");
        assert_eq!(world.api().network(name, false, "").unwrap().name, name);
        world.api().remove_network(name).unwrap();
    }
    world.returns_to(&before, Duration::from_secs(5));
}
