//! What others do to the host, and what the daemon makes of it.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pontoon_test_support::{Member, Transport, World, answer, patient, serve_all, until_true};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How soon a repair must be done.
const SOON: Duration = Duration::from_secs(2);

/// A world with a sandbox whose port 80 is published as 8080.
fn published() -> Option<(World, Member)> {
    let world = World::new()?;
    world.network("--ipv6 front");
    let web = world.sandbox("web", "--network front -p 8080:80/tcp -p 8080:80/udp");
    serve_all(&web, &[80]);
    Some((world, web))
}

/// Whether the published port works from the LAN, over both families and transports.
fn works(world: &World) -> Result<(), String> {
    let lan = world.lan();
    for transport in Transport::BOTH {
        for family in [0, 1] {
            let got = patient(lan, transport, SocketAddr::new(lan.host[family], 8080));
            let wanted = answer("web", lan.own[family]);
            if got.as_ref().ok() != Some(&wanted) {
                return Err(format!("{transport:?} over {}: {got:?}", lan.host[family]));
            }
        }
    }
    Ok(())
}

/// The rules without their handles, which differ when they were made anew.
fn rules(world: &World) -> String {
    world.host().tell("nft -s list ruleset")
}

/// Damages the host and waits until everything is as it was.
fn repaired(damage: &str) {
    let Some((world, _web)) = published() else { return };
    works(&world).unwrap();
    let before = rules(&world);
    world.host().tell(damage);
    until_true(&format!("the rules are back after {damage}"), SOON, || rules(&world) == before);
    let links_are_back = || {
        world.snapshot().of("link").iter().filter(|link| link.contains(" br-") && link.contains("kind=veth")).count()
            == 1
    };
    until_true(&format!("the links are back after {damage}"), SOON, links_are_back);
    works(&world).unwrap();
}

#[test]
fn a_flushed_rule_set_is_repaired_within_two_seconds() {
    repaired("nft flush ruleset");
}

#[test]
fn a_deleted_table_is_repaired_within_two_seconds() {
    repaired("nft delete table inet pontoon");
}

#[test]
fn a_deleted_set_element_is_repaired_within_two_seconds() {
    repaired("nft flush map inet pontoon dnat4_any");
}

#[test]
fn a_deleted_bridge_is_repaired_within_two_seconds() {
    let Some((world, _web)) = published() else { return };
    works(&world).unwrap();
    let bridge = format!("br-{}", &world.api().network("front", false, "").unwrap().id[..12]);
    let addresses = |world: &World| {
        let text = world.host().output("ip", &["-o", "address", "show", "dev", &bridge]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        text.lines().filter(|line| line.contains("scope global")).count()
    };
    assert_eq!(addresses(&world), 2);
    world.host().tell(&format!("ip link delete {bridge}"));
    until_true("the bridge is back", SOON, || addresses(&world) == 2);
    until_true("its ports are back", SOON, || {
        world
            .snapshot()
            .of("link")
            .iter()
            .any(|link| link.contains(&format!(" {bridge} ")) && link.contains("kind=veth"))
    });
    works(&world).unwrap();
}

#[test]
fn what_is_taken_away_inside_a_sandbox_is_put_back() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    world.network("--ipv6 back");
    let web = world.sandbox("web", "--network front --network back -p 8080:80/tcp -p 8080:80/udp");
    let other = world.sandbox("other", "--network front");
    serve_all(&web, &[80]);
    let state = || {
        let rules = web.tell("nft -s list ruleset");
        let addresses = web.tell("ip -br address show scope global");
        let mut routes: Vec<String> = ["ip -4 route", "ip -6 route"].into_iter().map(|line| web.tell(line)).collect();
        // A route that came with an address and one that was put back differ in who made them, and nothing else.
        routes.iter_mut().for_each(|text| *text = destinations(text));
        (rules, addresses, routes)
    };
    let before = state();
    let repairs = || world.told("events --since 1h --until 0s --filter event=repair").lines().count();
    works(&world).unwrap();
    for (count, damage) in (1..).zip([
        "nft delete table ip pontoon",
        "nft flush ruleset",
        "ip route del default",
        "ip -6 route del default",
        "ip address flush dev eth0 scope global",
        "ip address flush dev eth1 scope global",
        "ip route flush dev eth0",
        "ip link set eth1 down",
    ]) {
        web.tell(damage);
        until_true(&format!("all is back after {damage}"), Duration::from_secs(30), || state() == before);
        until_true("and that is told", Duration::from_secs(30), || repairs() >= count);
    }
    works(&world).unwrap();
    let name = other.output("dig", &["+short", "+time=2", "web", "@127.0.0.11"]);
    assert!(!name.stdout.is_empty(), "names work as ever");
    // Nobody looks where nothing went.
    let quiet = repairs();
    other.tell("ip link add foo type veth peer name bar");
    other.tell("ip address add 10.77.0.1/24 dev foo");
    other.tell("ip link delete foo");
    web.tell("nft add table ip theirs");
    web.tell("nft delete table ip theirs");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(repairs(), quiet);
}

/// Where routes lead, without who made them.
fn destinations(routes: &str) -> String {
    let first = |line: &str| {
        line.split(" proto ").next().unwrap_or_default().split(" scope ").next().unwrap_or_default().to_owned()
    };
    let mut all: Vec<String> = routes.lines().map(first).filter(|line| !line.starts_with("fe80")).collect();
    all.sort();
    all.join("\n")
}

#[test]
fn other_peoples_rules_are_never_touched() {
    let Some((world, _web)) = published() else { return };
    let foreign = "table inet others { chain c { type filter hook forward priority 10; policy accept; counter; }; }";
    world.host().nft(foreign);
    let list = |world: &World| world.host().tell("nft -s -a list table inet others");
    let before = list(&world);
    world.network("another");
    world.host().tell("nft delete table inet pontoon");
    until_true("our table is back", SOON, || rules(&world).contains("table inet pontoon"));
    world.kill9_daemon();
    world.start_daemon();
    assert_eq!(list(&world), before);
    world.daemon().stop();
    assert!(world.daemon().run(&["--cleanup"]).status.success());
    assert_eq!(list(&world), before);
    world.host().tell("nft delete table inet others");
}

#[test]
fn a_sandbox_whose_process_dies_is_gone() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    let mut command = Command::new("unshare");
    command.args(["--net", "sleep", "1000"]).stdin(Stdio::null());
    let mut owner = world.host().spawn(command);
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();
    let host = world.host().run(|| std::fs::read_link("/proc/thread-self/ns/net").unwrap());
    until_true("the process has a namespace of its own", Duration::from_secs(10), || {
        let its = std::fs::read_link(format!("/proc/{}/ns/net", owner.id()));
        its.is_ok_and(|its| its != own && its != host)
    });
    let before = world.snapshot();
    let adopted = world.sandbox("adopted", &format!("--pid {} --network front -p 8080:80", world.pid_inside(&owner)));
    assert!(adopted.has_link("eth0"));
    drop(adopted);
    kill(Pid::from_raw(i32::try_from(owner.id()).unwrap()), Signal::SIGKILL).unwrap();
    owner.wait().unwrap();
    until_true("the sandbox is gone", SOON, || world.api().sandbox("adopted").is_err());
    let network = world.api().network("front", false, "").unwrap();
    assert_eq!(network.containers.unwrap().len(), 0);
    world.returns_to(&before, SOON);
    // Its port and name are free again.
    world.sandbox("adopted", "--network front -p 8080:80");
}

#[test]
fn a_sandbox_whose_namespace_is_unmounted_is_gone() {
    let Some(world) = World::new() else { return };
    world.network("front");
    let web = world.sandbox("web", "--network front -p 8080:80");
    let key = web.sandbox().network_settings.sandbox_key.clone();
    drop(web);
    world.host().tell(&format!("umount {key}"));
    until_true("the sandbox is gone", SOON, || world.api().sandbox("web").is_err());
    world.sandbox("web", "--network front -p 8080:80");
}

#[test]
fn a_second_daemon_on_the_same_folders_is_refused_and_harms_nothing() {
    let Some((world, _web)) = published() else { return };
    let before = world.snapshot();
    for flags in [&[][..], &["--cleanup"]] {
        let second = world.daemon().run(flags);
        assert!(!second.status.success());
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(said.contains("hint:"), "{flags:?}: {said}");
    }
    assert_eq!(before.difference(&world.snapshot()), Vec::<String>::new());
    assert!(world.daemon().running());
    works(&world).unwrap();
}

#[test]
fn cleaning_up_removes_everything_and_the_next_start_brings_the_networks_back() {
    let Some((world, web)) = published() else { return };
    world.network("--ipv6 --internal inner");
    drop(web);
    assert_eq!(world.end(), Vec::<String>::new());
    world.start_daemon();
    let names = |world: &World| {
        let mut names: Vec<String> =
            world.api().networks(&Default::default()).unwrap().into_iter().map(|n| n.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&world), ["bridge", "front", "host", "inner", "none"]);
    assert_eq!(world.api().sandboxes(&Default::default()).unwrap(), Vec::new());
    let web = world.sandbox("web", "--network front -p 8080:80/tcp -p 8080:80/udp");
    serve_all(&web, &[80]);
    works(&world).unwrap();
}

#[test]
fn the_api_socket_is_for_its_owner_and_group_only() {
    let Some(world) = World::new() else { return };
    let mode = |world: &World| std::fs::metadata(world.daemon().socket()).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&world), 0o660);
    world.kill9_daemon();
    world.start_daemon();
    assert_eq!(mode(&world), 0o660);
}

#[test]
fn a_hangup_reloads_the_settings_and_serves_on() {
    let Some((world, _web)) = published() else { return };
    std::fs::write(world.folder().join("daemon.json"), r#"{"debug": true, "labels": ["a=b"]}"#).unwrap();
    world.daemon().signal(Signal::SIGHUP);
    let reloaded = || world.api().info().unwrap().labels.iter().any(|label| label == "a=b");
    until_true("the label is shown", Duration::from_secs(10), reloaded);
    std::fs::write(world.folder().join("daemon.json"), "{broken").unwrap();
    world.daemon().signal(Signal::SIGHUP);
    until_true("the mistake is logged", Duration::from_secs(10), || {
        world.daemon().log().contains("Error reloading configuration")
    });
    assert!(reloaded());
    works(&world).unwrap();
    std::fs::write(world.folder().join("daemon.json"), "{}").unwrap();
}
