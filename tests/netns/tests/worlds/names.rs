//! Names in sandboxes, asked for with `dig` as anybody would.

use pontoon_test_support::{Member, Nameserver, Place, Shape, World, Zone, until_true};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What `dig` says: the status, and the data of the answers in any order.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    status: String,
    answers: BTreeSet<String>,
}

impl Said {
    fn new(status: &str, answers: &[&str]) -> Self {
        Self { status: status.to_owned(), answers: answers.iter().map(|answer| (*answer).to_owned()).collect() }
    }
}

/// Asks from a place; `question` is `dig`'s.
fn dig(place: &Place, question: &str) -> Said {
    let server = if question.contains('@') { "" } else { "@127.0.0.11" };
    let output = place.tell(&format!("dig +noall +comments +answer +tries=1 +timeout=10 {server} {question}"));
    let status = output.split("status: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("none").to_owned();
    let answers = output.lines().filter(|line| !line.starts_with(';') && !line.trim().is_empty());
    Said { status, answers: answers.filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect() }
}

/// Fails with every question that is not answered as wanted.
fn check(questions: &[(&Member, String, Said)]) {
    let wrong = questions.iter().filter_map(|(member, question, wanted)| {
        let said = dig(member, question);
        (said != *wanted).then(|| format!("{} asks {question}: {said:?}, wanted {wanted:?}", member.name()))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(!questions.is_empty() && wrong.is_empty(), "{}", wrong.join("\n"));
}

fn text(ip: IpAddr) -> String {
    ip.to_string()
}

/// The outside's name server on `wan`, which the host's resolv.conf names.
fn outside(world: &World) -> Nameserver {
    let zone = Zone::of(&[("outside.example", "203.0.113.7"), ("outside.example", "2001:db8:7::7")]);
    Nameserver::start(world.wan(), world.wan().own[0], zone)
}

#[test]
fn sandboxes_find_each_other_by_every_name_in_their_own_networks_only() {
    let Some(world) = World::new() else { return };
    let outside = outside(&world);
    world.network("--ipv6 front");
    world.network("--ipv6 back");
    world.network("old");
    let web = world.sandbox("web", "--hostname www --network name=front,alias=shop --network name=back,alias=store");
    let db = world.sandbox("db", "--network back --network-alias data");
    let old = world.sandbox("old1", "--network old");
    let other = world.sandbox("old2", "--network old");
    let client = world.sandbox("client", "--network front --link web:mine");
    let (web4, web6) = (text(web.ip4("front")), text(web.ip6("front")));
    let (back4, db4, db6) = (text(web.ip4("back")), text(db.ip4("back")), text(db.ip6("back")));
    let ok = |answer: &str| Said::new("NOERROR", &[answer]);
    let none = || Said::new("NXDOMAIN", &[]);
    let ask = |member, question: &str, said| (member, question.to_owned(), said);
    check(&[
        ask(&client, "web A", ok(&web4)),
        ask(&client, "web AAAA", ok(&web6)),
        ask(&client, "WEB. A", ok(&web4)),
        ask(&client, "web.front A", ok(&web4)),
        ask(&client, "web.FRONT A", none()),
        ask(&client, "www A", ok(&web4)),
        ask(&client, "shop A", ok(&web4)),
        ask(&client, "store A", none()),
        ask(&client, "mine A", ok(&web4)),
        ask(&client, "mine AAAA", ok(&web6)),
        ask(&client, &format!("{} A", &web.id()[..12]), ok(&web4)),
        ask(&client, "+tcp web A", ok(&web4)),
        ask(&client, &format!("-x {web4}"), ok("web.front.")),
        ask(&client, &format!("-x {web6}"), ok("web.front.")),
        ask(&client, "client A", ok(&text(client.ip4("front")))),
        ask(&client, "db A", none()),
        ask(&db, "web A", ok(&back4)),
        ask(&db, "store A", ok(&back4)),
        ask(&db, "shop A", none()),
        ask(&db, "mine A", none()),
        ask(&db, "client A", none()),
        ask(&web, "db A", ok(&db4)),
        ask(&web, "db AAAA", ok(&db6)),
        ask(&web, "data.back A", ok(&db4)),
        ask(&web, "client A", ok(&text(client.ip4("front")))),
        ask(&old, "old2 A", ok(&text(other.ip4("old")))),
    ]);
    // What a name of ours has not got is no reason to ask elsewhere.
    let before = outside.asked();
    let nothing = || Said::new("NOERROR", &[]);
    check(&[ask(&old, "old2 AAAA", nothing()), ask(&client, "web MX", nothing()), ask(&client, "web TXT", nothing())]);
    assert_eq!(outside.asked(), before);
    assert!(before.contains(&"db 1".to_owned()), "{before:?}");
}

#[test]
fn names_of_the_outside_come_from_the_hosts_name_server() {
    let Some(world) = World::new() else { return };
    let outside = outside(&world);
    world.network("--ipv6 front");
    let client = world.sandbox("client", "--network front");
    let ask = |question: &str, said| (&client, question.to_owned(), said);
    check(&[
        ask("outside.example A", Said::new("NOERROR", &["203.0.113.7"])),
        ask("outside.example AAAA", Said::new("NOERROR", &["2001:db8:7::7"])),
        ask("+tcp outside.example A", Said::new("NOERROR", &["203.0.113.7"])),
        ask("nowhere.example A", Said::new("NXDOMAIN", &[])),
        ask("single A", Said::new("NXDOMAIN", &[])),
    ]);
    assert!(outside.asked().contains(&"outside.example 1".to_owned()));
    // Names of others than the host are the host's own business: nothing answers outside the sandbox.
    let host = world.host().output("dig", &["+tries=1", "+timeout=1", "@127.0.0.11", "client"]);
    assert!(!host.status.success());
}

#[test]
fn an_internal_network_never_leaks_a_question() {
    // As with systemd-resolved: the host's server listens on a loopback address of the host.
    let resolv_conf = Some("nameserver 127.0.0.53\n".to_owned());
    let Some(world) = World::shaped(Shape { resolv_conf, ..Shape::default() }) else { return };
    let zone = Zone::of(&[("outside.example", "203.0.113.7")]);
    let host = Nameserver::start(world.host(), "127.0.0.53".parse().unwrap(), zone);
    world.network("--ipv6 --internal inner");
    world.network("front");
    let within = world.sandbox("within", "--network inner");
    let server = world.sandbox("server", "--network inner");
    let questions = [
        "secret1.example A",
        "secret2.example AAAA",
        "secret3.example TXT",
        "+tcp secret4.example A",
        "-x 203.0.113.9",
    ];
    for question in questions {
        assert_eq!(dig(&within, question), Said::new("SERVFAIL", &[]), "{question}");
    }
    assert_eq!(dig(&within, "server A").status, "NOERROR");
    assert_eq!(host.asked(), Vec::<String>::new());
    // A way out, and no way out again.
    world.told("network connect front within");
    assert_eq!(dig(&within, "outside.example A"), Said::new("NOERROR", &["203.0.113.7"]));
    world.told("network disconnect front within");
    let asked = host.asked();
    assert_eq!(dig(&within, "secret5.example A").status, "SERVFAIL");
    assert_eq!(host.asked(), asked);
    // A server inside the network is asked from inside it.
    let own = Nameserver::start(&server, server.ip4("inner"), Zone::of(&[("own.example", "203.0.113.8")]));
    let guest = world.sandbox("guest", &format!("--network inner --dns {}", server.ip4("inner")));
    assert_eq!(dig(&guest, "own.example A"), Said::new("NOERROR", &["203.0.113.8"]));
    assert_eq!(own.asked(), ["own.example 1"]);
    assert_eq!(host.asked(), asked);
}

#[test]
fn a_server_that_refuses_is_passed_over() {
    let Some(world) = World::new() else { return };
    let outside = outside(&world);
    let refuses = Zone { refuses: true, ..Zone::default() };
    let refusing = Nameserver::start(world.lan(), world.lan().own[0], refuses);
    world.network("front");
    let servers = format!("--dns {} --dns {}", world.lan().own[0], world.wan().own[0]);
    let client = world.sandbox("client", &format!("--network front {servers}"));
    assert_eq!(dig(&client, "outside.example A"), Said::new("NOERROR", &["203.0.113.7"]));
    assert!(!outside.asked().is_empty());
    let only = world.sandbox("only", &format!("--network front --dns {}", world.lan().own[0]));
    assert_eq!(dig(&only, "other.example A"), Said::new("SERVFAIL", &[]));
    assert!(refusing.asked().contains(&"other.example 1".to_owned()));
}

#[test]
fn the_hosts_resolv_conf_is_followed() {
    let Some(world) = World::shaped(Shape { resolv_conf: Some(String::new()), ..Shape::default() }) else { return };
    let _outside = outside(&world);
    world.network("front");
    let client = world.sandbox("client", "--network front");
    assert_eq!(dig(&client, "outside.example A"), Said::new("SERVFAIL", &[]));
    std::fs::write(world.folder().join("resolv.conf"), format!("nameserver {}\n", world.wan().own[0])).unwrap();
    until_true("the new name server is asked", Duration::from_secs(5), || {
        dig(&client, "outside.example A") == Said::new("NOERROR", &["203.0.113.7"])
    });
    std::fs::write(world.folder().join("resolv.conf"), format!("nameserver {}\noptions ndots:1\n", world.wan().own[0]))
        .unwrap();
    until_true("single labels are not asked for any more", Duration::from_secs(5), || {
        dig(&client, "single A") == Said::new("NOERROR", &[])
    });
}

#[test]
fn a_service_on_port_53_inside_is_not_disturbed() {
    let Some(world) = World::new() else { return };
    world.network("front");
    let (server, client) = (world.sandbox("server", "--network front"), world.sandbox("client", "--network front"));
    let own = server.ip4("front");
    let zone = || Zone::of(&[("served.example", "203.0.113.5")]);
    let (_at_address, _at_loopback) =
        (Nameserver::start(&server, own, zone()), Nameserver::start(&server, "127.0.0.1".parse().unwrap(), zone()));
    let served = || Said::new("NOERROR", &["203.0.113.5"]);
    for transport in ["", "+tcp"] {
        assert_eq!(dig(&client, &format!("{transport} @{own} served.example A")), served());
        assert_eq!(dig(&server, &format!("{transport} @127.0.0.1 served.example A")), served());
        assert_eq!(dig(&server, &format!("{transport} @{own} served.example A")), served());
        assert_eq!(dig(&server, &format!("{transport} client A")).status, "NOERROR");
    }
}

#[test]
fn many_addresses_are_truncated_over_udp_and_whole_over_tcp() {
    const MANY: usize = 40;
    let Some(world) = World::new() else { return };
    world.network("front");
    let client = world.sandbox("client", "--network front");
    let many: BTreeSet<String> = (0..MANY)
        .map(|number| text(world.sandbox(&format!("m{number}"), "--network name=front,alias=many").ip4("front")))
        .collect();
    assert_eq!(many.len(), MANY);
    assert_eq!(dig(&client, "+tcp many A").answers, many);
    let whole = |question: &str| {
        let Output { stdout, .. } =
            client.output("dig", &format!("@127.0.0.11 {question} many A").split(' ').collect::<Vec<_>>());
        String::from_utf8(stdout).unwrap()
    };
    let plain = whole("+noedns +ignore");
    assert!(plain.contains(" tc ") || plain.contains(" tc;"), "{plain}");
    let size: usize = plain.split("MSG SIZE  rcvd: ").nth(1).and_then(|rest| rest.trim().parse().ok()).expect("a size");
    assert!(size <= 512, "{size}");
    assert!(!whole("+ignore +bufsize=4096").contains(" tc"));
    // Whoever asks as usual notices nothing.
    assert_eq!(dig(&client, "+noedns many A").answers, many);
}

#[test]
fn no_question_goes_unanswered_while_names_come_and_go() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    let (client, web) = (world.sandbox("client", "--network front"), world.sandbox("web", "--network front"));
    let done = AtomicBool::new(false);
    let wanted = match web.ip4("front") {
        IpAddr::V4(ip) => ip.octets(),
        IpAddr::V6(_) => unreachable!(),
    };
    let asked = std::thread::scope(|scope| {
        let asking = scope.spawn(|| client.run(|| ask_all_the_time(&done, wanted)));
        for round in 0..20 {
            let name = format!("guest{round}");
            world.sandbox(&name, "--network name=front,alias=guest");
            world.told(&format!("network disconnect front {name}"));
            world.told(&format!("network connect front {name}"));
            world.told(&format!("sandbox rm --force {name}"));
        }
        done.store(true, Ordering::SeqCst);
        asking.join().unwrap()
    });
    assert!(asked > 100, "only {asked} questions were asked");
}

/// Asks for `web` over UDP until `done`; fails when one question is not answered with the address.
fn ask_all_the_time(done: &AtomicBool, wanted: [u8; 4]) -> u32 {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect(SocketAddr::from(([127, 0, 0, 11], 53))).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut asked = 0u32;
    while !done.load(Ordering::SeqCst) {
        let id = u16::try_from(asked % 65_536).unwrap().to_be_bytes();
        // Recursion desired, one question: web., A, IN.
        let query = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3], b"web", &[0, 0, 1, 0, 1]].concat();
        socket.send(&query).unwrap();
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).unwrap_or_else(|error| panic!("question {asked}: {error}"));
        assert_eq!((&answer[..2], answer[3] & 15), (&id[..], 0), "question {asked}");
        assert!(answer[..length].ends_with(&wanted), "question {asked}");
        asked += 1;
    }
    asked
}

#[test]
fn names_are_served_again_after_a_restart_and_resolv_conf_leads_there() {
    let Some(world) = World::new() else { return };
    let _outside = outside(&world);
    world.network("--ipv6 front");
    let (client, web) = (world.sandbox("client", "--network front"), world.sandbox("web", "--network front"));
    let ask = || {
        assert_eq!(dig(&client, "web A"), Said::new("NOERROR", &[&text(web.ip4("front"))]));
        assert_eq!(dig(&client, "+tcp outside.example A"), Said::new("NOERROR", &["203.0.113.7"]));
    };
    ask();
    world.kill9_daemon();
    world.start_daemon();
    ask();
    // By the library's own way: resolv.conf and hosts.
    let found = world.told("exec client -- getent ahostsv4 outside.example");
    assert!(found.starts_with("203.0.113.7"), "{found}");
    let own = world.told("exec client -- getent ahostsv6 web");
    assert!(own.starts_with(&text(web.ip6("front"))), "{own}");
}

#[test]
fn a_name_server_at_a_link_local_address_is_asked_by_its_link() {
    let Some(world) = World::shaped(Shape { resolv_conf: Some(String::new()), ..Shape::default() }) else { return };
    let text = world.wan().tell("ip -6 -o address show dev eth0 scope link");
    let local = text.split_whitespace().nth(3).unwrap().split('/').next().unwrap().to_owned();
    let index = world.wan().run(|| nix::net::if_::if_nametoindex("eth0").unwrap());
    let at = std::net::SocketAddrV6::new(local.parse().unwrap(), 53, 0, index);
    let zone = Zone::of(&[("outside.example", "203.0.113.7")]);
    let server = Nameserver::start_at(world.wan(), at.into(), zone);
    world.network("front");
    world.sandbox("web", "--network front");
    // One on a link that is not there is passed over. Asked with the sandbox's own files: dig refuses the host's.
    let conf = format!("nameserver fe80::9%nowhere\nnameserver {local}%wan\n");
    std::fs::write(world.folder().join("resolv.conf"), conf).unwrap();
    until_true("the server is asked", Duration::from_secs(30), || {
        let words = ["exec", "web", "--", "dig", "+short", "+tries=1", "+timeout=5", "outside.example"];
        String::from_utf8_lossy(&world.pontoon(&words).stdout).trim() == "203.0.113.7"
    });
    assert!(!server.asked().is_empty());
}
