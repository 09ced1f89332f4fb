//! A host that fails the daemon: full and read-only disks, missing rights. What was promised is kept, what cannot be
//! done is said with the remedy, and all goes on once the trouble is over.

use pontoon_test_support::{Ground, Scene, Shape, Snapshot, World, binary, until_true};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// How soon things are as they were.
const SOON: Duration = Duration::from_secs(30);

/// A world whose folder `place` is a file system of its own of `size`.
fn on_a_small_disk(place: &str, size: &str) -> Option<World> {
    let before = match place {
        "run" => vec![format!("mount -o remount,size={size} @/run")],
        _ => vec![format!("mkdir -p @/{place}"), format!("mount -t tmpfs -o size={size} none @/{place}")],
    };
    World::shaped(Shape { before, ..Shape::default() })
}

/// Writes zeros until the disk is full.
fn fill(world: &World, place: &str) {
    let filler = world.folder().join(place).join("filler");
    let output = world.host().output("dd", &["if=/dev/zero", &format!("of={}", filler.display()), "bs=4k"]);
    assert!(!output.status.success(), "the disk is full at last");
}

fn empty(world: &World, place: &str) {
    world.host().tell(&format!("rm {}", world.folder().join(place).join("filler").display()));
}

/// What `pontoon LINE` complains about; it must fail.
#[track_caller]
fn refused(world: &World, line: &str) -> String {
    let output = world.pontoon(&line.split_whitespace().collect::<Vec<_>>());
    assert!(!output.status.success(), "pontoon {line}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_full_data_root_refuses_new_networks_and_nothing_else() {
    let Some(world) = on_a_small_disk("data", "8m") else { return };
    world.network("old");
    world.sandbox("web", "--network old -p 8080:80/tcp");
    fill(&world, "data");
    let large = "x".repeat(60_000);
    let mut names = vec!["old".to_owned()];
    let told = loop {
        let (name, label) = (format!("n{}", names.len()), format!("--label=k={large}"));
        let output = world.pontoon(&["network", "create", &label, &name]);
        if !output.status.success() {
            break String::from_utf8(output.stderr).unwrap();
        }
        names.push(name);
        assert!(names.len() < 500, "the disk is full, and still everything is stored");
    };
    assert!(told.contains("No space left") && told.contains("hint:"), "{told}");
    let before = settled(&world);
    for number in 0..5 {
        let told = refused(&world, &format!("network create --label=k={large} again{number}"));
        assert!(told.contains("No space left"), "{told}");
    }
    world.returns_to(&before, SOON);
    let listed = || {
        let all = world.told("network ls --format {{.Name}}");
        let mut all: Vec<_> = all.lines().map(ToOwned::to_owned).collect();
        all.retain(|name| !["bridge", "host", "none"].contains(&name.as_str()));
        all.sort();
        all
    };
    names.sort();
    assert_eq!(listed(), names);
    // What needs no definition goes on.
    world.sandbox("db", "--network old");
    world.told("network disconnect old db");
    world.told("sandbox rm -f db");
    // Nor does a start need room.
    world.kill9_daemon();
    world.start_daemon();
    assert_eq!(listed(), names);
    empty(&world, "data");
    world.network("after");
    world.kill9_daemon();
    world.start_daemon();
    names.push("after".into());
    names.sort();
    assert_eq!(listed(), names);
    assert_eq!(world.told("port web"), "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080");
}

#[test]
fn a_full_exec_root_refuses_new_sandboxes_and_lets_old_ones_go() {
    let Some(world) = on_a_small_disk("run", "1m") else { return };
    world.network("front");
    world.network("back");
    world.sandbox("web", "--network front -p 8080:80/tcp");
    world.sandbox("old", "--network front");
    fill(&world, "run");
    let before = settled(&world);
    for line in ["sandbox create --name new --network front -p 81:80/tcp", "network connect back web"] {
        let told = refused(&world, line);
        assert!(told.contains("No space left") && told.contains("hint:"), "{line}: {told}");
        world.returns_to(&before, SOON);
    }
    assert_eq!(world.told("sandbox ls --format {{.Name}}").lines().count(), 2);
    // Networks are kept elsewhere, and what goes needs no room.
    world.network("other");
    world.told("network rm other");
    world.told("sandbox rm -f old");
    world.kill9_daemon();
    world.start_daemon();
    assert_eq!(world.told("sandbox ls --format {{.Name}}"), "web");
    empty(&world, "run");
    world.sandbox("new", "--network front -p 81:80/tcp");
    world.told("network connect back web");
}

/// What the kernel has once nothing waits any more to be deleted.
fn settled(world: &World) -> Snapshot {
    until_true("links that were cut off are deleted", SOON, || {
        !world.snapshot().of("link").iter().any(|link| link.contains(" pon-"))
    });
    world.snapshot()
}

/// Runs `pontoond` in a world to its end, which must be a refusal to start; gives what it said.
#[track_caller]
fn does_not_start(scene: &Scene, wrapper: &[&str]) -> String {
    let at = |name: &str| scene.folder().join(name).display().to_string();
    let mut words: Vec<String> = wrapper.iter().map(|word| (*word).to_owned()).collect();
    words.push(binary("pontoond").display().to_string());
    for (flag, value) in [("--data-root", at("data")), ("--exec-root", at("run")), ("--pidfile", at("pid"))] {
        words.extend([flag.to_owned(), value]);
    }
    words.extend(["-H".to_owned(), format!("unix://{}", at("pontoon.sock"))]);
    let mut command = Command::new("timeout");
    command.arg("60").args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output: Output = scene.host().spawn(command).wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "it says no and ends: {told}");
    told
}

#[test]
fn a_read_only_root_is_named_before_anything_is_changed() {
    for place in ["data", "run"] {
        let Some(scene) = Scene::new(Ground::default()) else { return };
        let folder = scene.folder().join(place).display().to_string();
        scene.host().tell(&format!("mkdir -p {folder}"));
        scene.host().tell(&format!("mount -t tmpfs -o ro none {folder}"));
        let before = scene.snapshot();
        let told = does_not_start(&scene, &[]);
        assert!(told.contains(&folder) && told.contains("Read-only file system"), "{told}");
        assert!(told.contains("hint:"), "{told}");
        assert_eq!(before.difference(&scene.snapshot()), Vec::<String>::new());
    }
}

#[test]
fn a_missing_right_is_named_before_anything_is_changed() {
    for right in ["net_admin", "sys_admin"] {
        let Some(scene) = Scene::new(Ground::default()) else { return };
        let before = scene.snapshot();
        let without = format!("-{right}");
        let told = does_not_start(&scene, &["setpriv", "--bounding-set", &without, "--inh-caps", &without]);
        let name = format!("CAP_{}", right.to_uppercase());
        assert!(told.contains(&name) && told.contains("hint:"), "{told}");
        assert!(told.to_lowercase().contains("operation not permitted"), "{told}");
        assert_eq!(before.difference(&scene.snapshot()), Vec::<String>::new(), "without {right}");
    }
}

#[test]
fn a_socket_folder_that_cannot_be_written_is_named() {
    let Some(scene) = Scene::new(Ground::default()) else { return };
    let folder = scene.folder().join("pontoon.sock");
    std::fs::create_dir(&folder).unwrap();
    let told = does_not_start(&scene, &[]);
    assert!(told.contains(folder.to_str().unwrap()), "{told}");
}

#[test]
fn networks_that_cannot_be_made_leave_nothing_and_tell_why() {
    let Some(world) = World::new() else { return };
    let before = world.snapshot();
    // A bridge of that name cannot be made, as something else has it.
    world.host().tell("ip link add taken type veth peer name other");
    let told = refused(&world, "network create -o com.docker.network.bridge.name=taken x");
    assert!(told.contains("existing interface taken is not a bridge"), "{told}");
    world.host().tell("ip link delete taken");
    world.host().sysctl("net/ipv4/ip_forward", "0");
    let told = refused(&world, "network create x");
    assert!(told.contains("IPv4 forwarding is disabled"), "{told}");
    world.host().sysctl("net/ipv4/ip_forward", "1");
    world.returns_to(&before, SOON);
    until_true("and then it can", SOON, || world.pontoon(&["network", "create", "x"]).status.success());
}
