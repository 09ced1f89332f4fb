//! The daemon dies and comes back: nothing is lost, nothing leaks, and where nothing changed nothing is written.

use pontoon_api_types::{CreateNetworkRequest, CreateSandboxRequest, HostBinding, Ordered};
use pontoon_client::blocking::Client;
use pontoon_test_support::{Member, Place, Snapshot, Stream, World, serve_all};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Pings a hundred times a second for four seconds.
fn ping(from: &Place, to: std::net::IpAddr) -> Child {
    let mut command = Command::new("ping");
    command.args(["-q", "-i", "0.01", "-c", "400", &to.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    from.spawn(command)
}

fn lost_nothing(ping: Child) {
    let output = ping.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("400 received"), "{said}");
}

#[test]
fn a_restart_changes_nothing_writes_nothing_and_no_flow_notices() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    world.network("--ipv6 --internal inner");
    let ports = "-p 8080:80/tcp -p 8080:80/udp -p 20000-20099:20000-20099/tcp -p 127.0.0.1:8081:80";
    let web = world.sandbox("web", &format!("--network front --network inner {ports}"));
    let near = world.sandbox("near", "--network front");
    serve_all(&web, &[80]);
    let (lan, wan) = (world.lan(), world.wan());
    let streams = lan.host.map(|host| Stream::start(lan, SocketAddr::new(host, 8080)));
    let pings = [
        ping(&near, wan.own[0]),
        ping(&near, wan.own[1]),
        ping(&near, web.ip4("front")),
        ping(&web, near.ip6("front")),
    ];
    let state = || {
        let inside = [&web, &near].map(|member| Snapshot::take(member, Path::new("/nowhere")));
        (
            world.snapshot(),
            inside,
            world.api().sandbox("web").unwrap(),
            world.api().networks(&Default::default()).unwrap(),
        )
    };
    let before = state();
    for _ in 0..3 {
        world.kill9_daemon();
        world.start_daemon();
        assert_eq!(world.daemon().at_start("kernel_writes"), 0);
    }
    let after = state();
    assert_eq!(before.0.difference(&after.0), Vec::<String>::new());
    for (before, after) in before.1.iter().zip(&after.1) {
        assert_eq!(before.difference(after), Vec::<String>::new());
    }
    assert_eq!((before.2, before.3), (after.2, after.3));
    pings.into_iter().for_each(lost_nothing);
    for stream in streams {
        let report = stream.finish();
        assert!(report.round_trips > 100 && report.longest < Duration::from_secs(1), "{report:?}");
    }
}

#[test]
fn published_ports_work_while_the_daemon_is_away_and_stay_taken_after() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    let web = world.sandbox("web", "--network front -p 8080:80");
    serve_all(&web, &[80]);
    let lan = world.lan();
    world.kill9_daemon();
    for family in [0, 1] {
        let told = pontoon_test_support::patient(
            lan,
            pontoon_test_support::Transport::Tcp,
            SocketAddr::new(lan.host[family], 8080),
        );
        assert_eq!(told.unwrap(), format!("web sees {}", lan.own[family]));
    }
    world.start_daemon();
    let refused = world.pontoon(&["sandbox", "create", "--network", "front", "-p", "8080:80"]);
    assert!(!refused.status.success());
    let taken = world.host().run(|| std::net::TcpListener::bind("0.0.0.0:8080"));
    assert!(taken.is_err(), "another program takes the port");
}

/// What the threads of a load know to be so, because the daemon said it.
#[derive(Default)]
struct Known {
    /// By name: whether it is there; absent where a request was under way.
    networks: Mutex<BTreeMap<String, bool>>,
    sandboxes: Mutex<BTreeMap<String, bool>>,
}

/// How many threads ask for things.
const THREADS: usize = 4;
/// How often the daemon is killed.
const ROUNDS: usize = 8;

/// Makes, connects and removes things until the daemon is gone.
fn load(client: &Client, known: &Known, round: usize, thread: usize) -> Option<()> {
    for number in 0.. {
        let network = format!("n-{round}-{thread}-{number}");
        let sandbox = format!("s-{round}-{thread}-{number}");
        let set = |map: &Mutex<BTreeMap<String, bool>>, name: &str, there: Option<bool>| {
            let mut map = map.lock().unwrap();
            match there {
                Some(there) => map.insert(name.to_owned(), there),
                None => map.remove(name),
            };
        };
        let request = CreateNetworkRequest { name: network.clone(), enable_ipv6: Some(true), ..Default::default() };
        client.create_network(&request).ok()?;
        set(&known.networks, &network, Some(true));
        let port = u16::try_from(21_000 + 1000 * thread + 100 * round + number % 100).unwrap();
        let binding = HostBinding { host_port: port.to_string(), ..Default::default() };
        let request = CreateSandboxRequest {
            name: sandbox.clone(),
            networks: Ordered(vec![(network.clone(), Some(Default::default()))]),
            port_bindings: Ordered(vec![("80/tcp".to_owned(), Some(vec![binding]))]),
            ..Default::default()
        };
        client.create_sandbox(&request).ok()?;
        set(&known.sandboxes, &sandbox, Some(true));
        client.connect("kept", &sandbox, None).ok()?;
        client.disconnect(&network, &sandbox, false).ok()?;
        // Every third one stays.
        if number % 3 != 0 {
            set(&known.sandboxes, &sandbox, None);
            client.remove_sandbox(&sandbox, true).ok()?;
            set(&known.sandboxes, &sandbox, Some(false));
            set(&known.networks, &network, None);
            client.remove_network(&network).ok()?;
            set(&known.networks, &network, Some(false));
        } else {
            client.disconnect("kept", &sandbox, false).ok()?;
        }
    }
    None
}

/// What the daemon says there is must be what it said before, and what the kernel has.
fn check(world: &World, known: &Known, round: usize) {
    let client = world.api();
    let networks: BTreeSet<String> =
        client.networks(&Default::default()).unwrap().into_iter().map(|network| network.name).collect();
    let sandboxes = client.sandboxes(&Default::default()).unwrap();
    let names: BTreeSet<String> = sandboxes.iter().map(|sandbox| sandbox.name.clone()).collect();
    for (map, there) in [(&known.networks, &networks), (&known.sandboxes, &names)] {
        for (name, wanted) in map.lock().unwrap().iter() {
            assert_eq!(there.contains(name), *wanted, "round {round}: {name}");
        }
    }
    assert!(sandboxes.iter().all(|sandbox| sandbox.state.running), "round {round}");
    let endpoints: usize = sandboxes.iter().map(|sandbox| sandbox.network_settings.networks.len()).sum();
    let ports: usize = sandboxes
        .iter()
        .map(|sandbox| sandbox.network_settings.ports.iter().filter(|(_, hosts)| hosts.is_some()).count())
        .sum();
    // `host` and `none` have no bridge.
    let wanted = Kernel { bridges: networks.len() - 2, pairs: endpoints, namespaces: sandboxes.len(), ports };
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let has = Kernel::read(world);
        if has == wanted {
            return;
        }
        // Links are reaped a while after they were let go.
        assert!(Instant::now() < end, "round {round}: the kernel has {has:?}, wanted {wanted:?}");
    }
}

/// How much of ours the kernel has.
#[derive(Debug, PartialEq, Eq)]
struct Kernel {
    bridges: usize,
    pairs: usize,
    namespaces: usize,
    ports: usize,
}

impl Kernel {
    fn read(world: &World) -> Self {
        let snapshot = world.snapshot();
        let links = |kind: &str| {
            let peers = [" lan ", " wan "];
            let ours = |link: &&&str| link.contains(kind) && !peers.iter().any(|peer| link.contains(peer));
            snapshot.of("link").iter().filter(ours).count()
        };
        let ports = world.host().tell("nft list map inet pontoon dnat4_any");
        Self {
            bridges: links("kind=bridge"),
            pairs: links("kind=veth"),
            namespaces: snapshot.of("namespace").len(),
            ports: ports.matches("tcp . ").count(),
        }
    }
}

#[test]
fn killed_at_any_moment_under_load_it_loses_and_leaks_nothing() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 --subnet 10.9.0.0/26 kept");
    let before = world.snapshot();
    let known = Known::default();
    let mut delays = Vec::new();
    for round in 0..ROUNDS {
        let random = RandomState::new().hash_one(round);
        let delay = Duration::from_millis(20 + random % 280);
        delays.push(delay);
        let clients: Vec<Client> = (0..THREADS).map(|_| world.api()).collect();
        std::thread::scope(|scope| {
            for (thread, client) in clients.iter().enumerate() {
                let known = &known;
                scope.spawn(move || load(client, known, round, thread));
            }
            std::thread::sleep(delay);
            world.kill9_daemon();
        });
        world.start_daemon();
        eprintln!("killed after {delays:?}; {} networks known", known.networks.lock().unwrap().len());
        check(&world, &known, round);
    }
    assert!(!known.networks.lock().unwrap().is_empty(), "the daemon did nothing between its deaths: {delays:?}");
    remove_all(&world);
    world.returns_to(&before, Duration::from_secs(10));
    full_again(&world);
}

/// Removes all sandboxes, and all networks but `kept`.
fn remove_all(world: &World) {
    let client = world.api();
    for sandbox in client.sandboxes(&Default::default()).unwrap() {
        client.remove_sandbox(&sandbox.id, true).unwrap();
    }
    for network in client.networks(&Default::default()).unwrap() {
        if network.name.starts_with("n-") {
            client.remove_network(&network.id).unwrap();
        }
    }
}

/// Every address of `kept` is free: 64 but the network's own, the broadcast and the gateway's. And every port is.
fn full_again(world: &World) {
    let members: Vec<Member> = (0..61).map(|number| world.sandbox(&format!("f{number}"), "--network kept")).collect();
    let addresses: BTreeSet<_> = members.iter().map(|member| member.ip4("kept")).collect();
    assert_eq!(addresses.len(), 61);
    assert!(!world.pontoon(&["sandbox", "create", "--network", "kept"]).status.success());
    let ports: Vec<String> = (0..THREADS)
        .map(|thread| {
            let (first, last) = (21_000 + 1000 * thread, 21_999 + 1000 * thread);
            format!("{first}-{last}:{first}-{last}")
        })
        .collect();
    world.told("network disconnect kept f0");
    world.told("sandbox rm --force f0");
    world.sandbox("ports", &format!("--network kept -p {}", ports.join(" -p ")));
}

#[test]
fn asked_to_stop_under_load_it_answers_what_it_began_and_starts_again_without_a_write() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 kept");
    let known = Known::default();
    let clients: Vec<Client> = (0..THREADS).map(|_| world.api()).collect();
    let status = std::thread::scope(|scope| {
        for (thread, client) in clients.iter().enumerate() {
            let known = &known;
            scope.spawn(move || load(client, known, 0, thread));
        }
        pontoon_test_support::until_true("something was made", Duration::from_secs(10), || {
            known.sandboxes.lock().unwrap().len() > 3
        });
        world.daemon().stop()
    });
    assert!(status.unwrap().success());
    world.start_daemon();
    check(&world, &known, 0);
    remove_all(&world);
}
