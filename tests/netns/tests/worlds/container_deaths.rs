//! Containers live through the daemon's death and die with their monitors; and what neighbours reach of them.

use pontoon_client::blocking::Client;
use pontoon_test_support::{
    Container, Place, Stream, Transport, World, answer, ask, patient, reach, serve, serve_all, until_true,
};
use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn publishing(network: &str, bindings: Value) -> Value {
    json!({"HostConfig": {"NetworkMode": network, "PortBindings": bindings}})
}

/// The processes of the world whose program has that name.
fn processes(world: &World, program: &str) -> Vec<i32> {
    let listed = world.host().output("pgrep", &["-r", "D,R,S,T", "-x", program]);
    String::from_utf8(listed.stdout).unwrap().lines().map(|pid| pid.parse().unwrap()).collect()
}

fn kill9(world: &World, pids: &[i32]) {
    for pid in pids {
        world.host().output("kill", &["-9", &pid.to_string()]);
    }
}

#[test]
fn neighbours_reach_published_ports_of_containers_and_nothing_else() {
    let Some(world) = World::with_image() else { return };
    world.network("--ipv6 front");
    world.network("--ipv6 back");
    let bindings = json!({
        "80/tcp": [{"HostPort": "8080"}], "80/udp": [{"HostPort": "8080"}], "81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}],
    });
    let web = world.run("web", &publishing("front", bindings));
    let other = world.run("other", &publishing("back", json!({})));
    let (place, other) = (world.place_of(&web), world.place_of(&other));
    serve_all(&place, &[80, 81, 82]);
    let lan = world.lan();
    for family in [0, 1] {
        for transport in Transport::BOTH {
            let told = patient(lan, transport, SocketAddr::new(lan.host[family], 8080)).unwrap();
            assert_eq!(told, answer("web", lan.own[family]));
        }
        let own = web.addresses("front")[family].unwrap();
        for port in [80, 81, 82] {
            assert!(!reach(lan, Transport::Tcp, SocketAddr::new(own, port)), "{own}:{port} from the lan");
            assert!(!reach(&other, Transport::Tcp, SocketAddr::new(own, port)), "{own}:{port} from another network");
        }
        assert!(!reach(lan, Transport::Tcp, SocketAddr::new(lan.host[family], 8081)));
        assert!(!reach(lan, Transport::Tcp, SocketAddr::new(lan.host[family], 82)));
    }
    assert!(patient(world.host(), Transport::Tcp, "127.0.0.1:8081".parse().unwrap()).is_ok());
    // A stopped container has nothing: neither ports nor an address that answers.
    web.call("stop?t=5").unwrap();
    assert!(ask(lan, Transport::Tcp, SocketAddr::new(lan.host[0], 8080)).is_err());
}

#[test]
fn containers_live_through_the_daemons_death_and_it_knows_what_happened() {
    let Some(world) = World::with_image() else { return };
    world.network("--ipv6 front");
    let script = "echo begun; while ! test -e /tmp/go; do sleep 0.05; done; echo ended; exit 7";
    let short = world.run("short", &json!({"Cmd": ["sh", "-c", script], "HostConfig": {"NetworkMode": "front"}}));
    let web = world.run("web", &publishing("front", json!({"80/tcp": [{"HostPort": "8080"}]})));
    serve_all(&world.place_of(&web), &[80]);
    let lan = world.lan();
    let streams = lan.host.map(|host| Stream::start(lan, SocketAddr::new(host, 8080)));
    let before = web.inspect();
    for _ in 0..3 {
        world.kill9_daemon();
        std::thread::sleep(Duration::from_millis(200));
        world.start_daemon();
    }
    let (client, settings) = (world.api(), "NetworkSettings");
    let (web, short) = (web.over(&client), short.over(&client));
    let after = web.inspect();
    assert_eq!((&before["State"]["Pid"], &before[settings]), (&after["State"]["Pid"], &after[settings]));
    for stream in streams {
        let report = stream.finish();
        assert!(report.round_trips > 50 && report.longest < Duration::from_secs(2), "{report:?}");
    }
    assert_eq!(short.logs(), "begun\n");
    // One ends while nobody is there to see it.
    let pid = short.inspect()["State"]["Pid"].as_i64().unwrap();
    world.kill9_daemon();
    world.host().tell(&format!("touch /proc/{pid}/root/tmp/go"));
    until_true("it ended", PATIENCE, || !world.host().output("kill", &["-0", &pid.to_string()]).status.success());
    world.start_daemon();
    let short = short.over(&world.api());
    short.until_state("Status", "exited");
    assert_eq!(short.inspect()["State"]["ExitCode"], 7);
    assert_eq!(short.logs(), "begun\nended\n");
    // And can be started again.
    short.call("start").unwrap();
    assert_eq!(short.inspect()["State"]["Running"], true);
    remove_all(&world.api());
}

#[test]
fn a_monitor_that_is_killed_is_the_end_of_its_container_and_of_nothing_else() {
    let Some(world) = World::with_image() else { return };
    world.network("front");
    let web = world.run("web", &publishing("front", json!({"80/tcp": [{"HostPort": "8080"}]})));
    let monitors = processes(&world, "conmon");
    assert_eq!(monitors.len(), 1, "one monitor for each container");
    let other = world.run("other", &publishing("front", json!({})));
    kill9(&world, &monitors);
    web.until_state("Running", false);
    assert_eq!(other.inspect()["State"]["Running"], true);
    assert_eq!(web.addresses("front"), [None, None]);
    until_true("the port is free", PATIENCE, || {
        world.host().run(|| std::net::TcpListener::bind("0.0.0.0:8080").is_ok())
    });
    web.call("start").unwrap();
    assert_eq!(web.inspect()["State"]["Running"], true);
    // The process itself: its monitor tells.
    let pid = i32::try_from(web.inspect()["State"]["Pid"].as_i64().unwrap()).unwrap();
    kill9(&world, &[pid]);
    web.until_state("Status", "exited");
    assert_eq!(web.inspect()["State"]["ExitCode"], 137);
    // Also while the daemon is away.
    let pid = i32::try_from(other.inspect()["State"]["Pid"].as_i64().unwrap()).unwrap();
    world.kill9_daemon();
    kill9(&world, &processes(&world, "conmon"));
    kill9(&world, &[pid]);
    world.start_daemon();
    let other = other.over(&world.api());
    other.until_state("Running", false);
    remove_all(&world.api());
    assert_eq!(processes(&world, "conmon"), Vec::<i32>::new());
}

/// How many threads ask for things, and how often everything is killed.
const THREADS: usize = 3;
const ROUNDS: usize = 6;

/// Makes, starts, connects, stops and removes containers until the daemon is gone.
fn load(client: &Client, round: usize, thread: usize) -> Option<()> {
    for number in 0.. {
        let name = format!("c-{round}-{thread}-{number}");
        let port = 21_000 + 1000 * thread + 100 * round + number % 100;
        let bindings = json!({"80/tcp": [{"HostPort": port.to_string()}]});
        let container = Container::create(client, &name, &publishing("front", bindings)).ok()?;
        container.call("start").ok()?;
        let body = json!({"Container": container.id}).to_string();
        let network =
            |action: &str| client.post(&format!("/networks/kept/{action}"), Some(body.as_bytes())).ok()?.success().ok();
        network("connect")?;
        network("disconnect")?;
        // Every third one stays.
        if number % 3 != 0 {
            container.call("stop?t=1").ok()?;
            container.remove().ok()?;
        }
    }
    None
}

/// All containers, as the list shows them.
fn listed(client: &Client) -> Vec<Value> {
    let answer = client.get("/containers/json?all=1").and_then(|answer| answer.success()?.json::<Value>());
    answer.unwrap().as_array().unwrap().clone()
}

fn remove_all(client: &Client) {
    for one in listed(client) {
        let container = client.delete(&format!("/containers/{}?force=1&v=1", one["Id"].as_str().unwrap()));
        container.and_then(|answer| answer.success()).unwrap();
    }
}

#[test]
fn killed_at_any_moment_with_its_helpers_it_leaves_no_container_half_made() {
    let Some(world) = World::with_image() else { return };
    world.network("--ipv6 front");
    world.network("kept");
    let before = world.snapshot();
    for round in 0..ROUNDS {
        let random = RandomState::new().hash_one(round);
        let delay = Duration::from_millis(100 + random % 700);
        let clients: Vec<Client> = (0..THREADS).map(|_| world.api()).collect();
        std::thread::scope(|scope| {
            for (thread, client) in clients.iter().enumerate() {
                scope.spawn(move || load(client, round, thread));
            }
            std::thread::sleep(delay);
            // Every other time a monitor and a runtime die a moment before.
            if round % 2 == 1 {
                kill9(&world, &processes(&world, "crun"));
                kill9(&world, &processes(&world, "conmon").into_iter().take(1).collect::<Vec<_>>());
            }
            world.kill9_daemon();
        });
        world.start_daemon();
        eprintln!("round {round}: killed after {delay:?}");
        check(&world, round);
    }
    remove_all(&world.api());
    world.returns_to(&before, Duration::from_secs(30));
    assert_eq!(processes(&world, "conmon"), Vec::<i32>::new());
    assert_eq!(processes(&world, "crun"), Vec::<i32>::new());
}

/// What the daemon says runs is a process with a working network; what it says does not run has none, and can be started.
fn check(world: &World, round: usize) {
    let client = world.api();
    for one in listed(&client) {
        let container = Container::over_id(&client, one["Id"].as_str().unwrap());
        let about = container.inspect();
        let state = &about["State"];
        let pid = state["Pid"].as_i64().unwrap();
        let alive = pid > 0 && world.host().output("kill", &["-0", &pid.to_string()]).status.success();
        assert_eq!(state["Running"] == true, alive, "round {round}: {state}");
        if alive {
            works(world, &world.place_of(&container), &about, round);
        } else {
            assert_eq!(container.addresses("front"), [None, None], "round {round}: {about}");
            container.call("start").unwrap_or_else(|error| panic!("round {round}: {error}: {about}"));
        }
    }
}

fn works(world: &World, place: &Place, about: &Value, round: usize) {
    let port: u16 = about["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
        .as_str()
        .unwrap_or_else(|| panic!("round {round}: {}", about["NetworkSettings"]))
        .parse()
        .unwrap();
    let lan = world.lan();
    // From an earlier round somebody may serve there already.
    if !reach(place, Transport::Tcp, "127.0.0.1:80".parse().unwrap()) {
        serve(place, Transport::Tcp, "0.0.0.0:80");
    }
    let told = patient(lan, Transport::Tcp, SocketAddr::new(lan.host[0], port)).unwrap();
    assert_eq!(told, answer(place.name(), lan.own[0]), "round {round}");
}
