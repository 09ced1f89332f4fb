//! What goes on in a container that runs: streams, commands, health; and what it keeps: volumes and networks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

#[path = "../../drivers/bridge/tests/common/mod.rs"]
mod common;
mod town;

use pontoon_containers::{HealthStatus, NewExec, RemoveWish, Status, VolumeRequest};
use pontoon_runtime::{Attachment, PACKET, Stream};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use town::{PATIENCE, Town, host, new, told};

fn first(attachment: &Attachment) -> (Stream, Vec<u8>) {
    assert!(attachment.wait(PATIENCE).unwrap(), "nothing comes");
    let mut buffer = vec![0; PACKET];
    let (stream, data) = attachment.read(&mut buffer).unwrap().unwrap();
    (stream, data.to_vec())
}

#[test]
fn who_attaches_before_the_start_gets_the_first_byte_and_the_end() {
    let town = Town::new();
    let mut wish = new("web", host(json!({})));
    wish.config.open_stdin = true;
    wish.config.stdin_once = true;
    let id = town.try_create(wish).unwrap().id;
    let attached = town.containers.attach("web", true).unwrap();
    assert!(attached.closes_stdin && !attached.tty);
    let streams = town.spawn(attached.attachment);
    town.start("web").unwrap();
    let streams = town.run(streams).unwrap().unwrap();
    town.runtime.print(&id, Stream::Stderr, b"hello").unwrap();
    assert_eq!(first(&streams), (Stream::Stderr, b"hello".to_vec()));
    streams.write(b"input").unwrap();
    assert_eq!(town.runtime.read(&id).unwrap().0, b"input");
    let later = town.run(town.containers.attach("web", false).unwrap().attachment).unwrap();
    town.runtime.exit(&id, 0).unwrap();
    for streams in [streams, later] {
        assert!(streams.wait(PATIENCE).unwrap());
        assert!(streams.read(&mut vec![0; PACKET]).unwrap().is_none(), "the end");
    }
}

#[test]
fn who_waits_for_streams_of_a_container_that_goes_gets_none() {
    let town = Town::new();
    town.create("web", host(json!({})));
    let attached = town.containers.attach("web", false).unwrap();
    town.run(town.containers.remove("web", RemoveWish::default())).unwrap();
    assert!(town.run(attached.attachment).is_none());
    assert_eq!(told(town.containers.attach("web", false).map(drop)), "No such container: web");
}

fn command(words: &[&str]) -> NewExec {
    NewExec {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        attach_stdout: true,
        ..NewExec::default()
    }
}

#[test]
fn commands_are_prepared_run_once_and_remembered() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    assert_eq!(told(town.containers.create_exec("web", command(&["ls"]))), format!("container {id} is not running"));
    town.start("web").unwrap();
    assert_eq!(told(town.containers.create_exec("web", command(&[]))), "No exec command specified");
    let exec = town.containers.create_exec("web", command(&["ls", "-l"])).unwrap();
    assert_eq!(town.view("web").execs, [exec]);
    let term = exec.to_string();
    let streams = town.run(town.containers.start_exec(&term, None, false)).unwrap().unwrap();
    assert!(town.containers.exec(&term).unwrap().running);
    town.runtime.exec_print(&id, &exec, Stream::Stdout, b"total 0").unwrap();
    assert_eq!(first(&streams), (Stream::Stdout, b"total 0".to_vec()));
    town.runtime.exec_exit(&id, &exec, 6).unwrap();
    let events = town.until_event("container exec_die");
    for wanted in ["container exec_create: ls -l", "container exec_start: ls -l"] {
        assert!(events.contains(&wanted.to_owned()), "{events:#?}");
    }
    let view = town.containers.exec(&term).unwrap();
    assert_eq!((view.running, view.pid, view.exit_code), (false, 0, Some(6)));
    assert!(town.view("web").execs.is_empty());
    assert_eq!(
        told(town.run(town.containers.start_exec(&term, None, false)).map(drop)),
        format!("Error: Exec command {exec} has already run")
    );
    let goes_down = town.containers.create_exec("web", command(&["top"])).unwrap().to_string();
    assert!(town.run(town.containers.start_exec(&goes_down, None, true)).unwrap().is_none());
    town.runtime.exit(&id, 0).unwrap();
    town.until_status("web", Status::Exited);
    assert_eq!(town.containers.exec(&goes_down).unwrap().exit_code, Some(137));
}

#[test]
fn a_command_that_cannot_be_run_has_the_runtimes_exit_code() {
    let town = Town::new();
    town.started("web", host(json!({})));
    let exec = town.containers.create_exec("web", command(&["nope"])).unwrap().to_string();
    town.runtime.fail_next(
        |call| matches!(call, pontoon_runtime::fake::Call::Exec(..)),
        pontoon_runtime::Error::Refused {
            prefix: "",
            act: "exec",
            message: "nope: not found".into(),
            refusal: pontoon_runtime::Refusal::CommandNotFound,
        },
    );
    assert_eq!(
        told(town.run(town.containers.start_exec(&exec, None, false)).map(drop)),
        "OCI runtime exec failed: nope: not found"
    );
    assert_eq!(town.containers.exec(&exec).unwrap().exit_code, Some(127));
}

#[test]
fn health_is_checked_and_told() {
    let town = Town::new();
    let well = Arc::new(AtomicBool::new(true));
    let answer = well.clone();
    town.runtime.answer(move |plan| {
        assert_eq!(plan.process.args, ["/bin/sh", "-c", "check"]);
        Some((i32::from(!answer.load(Ordering::SeqCst)), "output".into()))
    });
    let mut wish = new("web", host(json!({})));
    wish.config.healthcheck = Some(
        serde_json::from_value(json!({"Test": ["CMD-SHELL", "check"], "Interval": 5_000_000, "Retries": 2})).unwrap(),
    );
    town.try_create(wish).unwrap();
    assert!(town.view("web").state.health.is_none());
    town.start("web").unwrap();
    let healthy = |status| {
        move |view: &pontoon_containers::ContainerView| view.state.health.as_ref().is_some_and(|h| h.status == status)
    };
    let view = town.until("web", healthy(HealthStatus::Healthy));
    assert_eq!(view.state.health.unwrap().log[0].output, "output");
    town.until_event("container health_status: healthy");
    well.store(false, Ordering::SeqCst);
    let view = town.until("web", healthy(HealthStatus::Unhealthy));
    let health = view.state.health.unwrap();
    assert!(health.failing_streak >= 2 && health.log.len() <= 5);
    town.until_event("container health_status: unhealthy");
    let town = town.killed();
    well.store(true, Ordering::SeqCst);
    town.until("web", healthy(HealthStatus::Healthy));
}

#[test]
fn a_health_check_that_hangs_is_ended() {
    let town = Town::new();
    let mut wish = new("web", host(json!({})));
    let check = json!({"Test": ["CMD", "hang"], "Interval": 5_000_000, "Timeout": 20_000_000, "Retries": 1});
    wish.config.healthcheck = Some(serde_json::from_value(check).unwrap());
    town.try_create(wish).unwrap();
    town.start("web").unwrap();
    let view =
        town.until("web", |view| view.state.health.as_ref().is_some_and(|h| h.status == HealthStatus::Unhealthy));
    let last = view.state.health.unwrap().log.remove(0);
    assert_eq!(last.exit_code, -1);
    assert!(last.output.starts_with("Health check exceeded timeout (20ms)"), "{}", last.output);
    let begun = std::time::Instant::now();
    while !town.runtime.calls().iter().any(|call| matches!(call, pontoon_runtime::fake::Call::ExecKill(_, 9))) {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn volumes_are_made_shared_kept_and_removed_when_nobody_has_them() {
    let town = Town::new();
    let root = town.images.folder();
    std::fs::create_dir_all(root.join("data")).unwrap();
    std::fs::write(root.join("data/file"), "of the image").unwrap();
    let id = town.create("web", host(json!({"Binds": ["shared:/data", "/opt/made:/opt"]})));
    let volume = town.containers.volume("shared").unwrap();
    assert_eq!(std::fs::read_to_string(volume.mountpoint.join("file")).unwrap(), "of the image");
    assert_eq!((volume.users, volume.volume.is_anonymous()), (1, false));
    let error = told(town.run(town.containers.remove_volume("shared", false)));
    assert_eq!(error, format!("remove shared: volume is in use - [{id}]"));
    let other = town.create("other", host(json!({"VolumesFrom": ["web:ro"]})));
    assert_eq!(town.containers.volume("shared").unwrap().users, 2, "{other}");
    let mounts = town.view("other").definition.mounts.clone();
    assert!(mounts.iter().any(|mount| mount.name == "shared" && !mount.writable));
    let town = town.killed();
    for name in ["web", "other"] {
        town.run(town.containers.remove(name, RemoveWish { force: true, volumes: true })).unwrap();
    }
    assert!(volume.mountpoint.join("file").exists(), "a named one stays");
    town.run(town.containers.remove_volume("shared", false)).unwrap();
    assert!(!volume.mountpoint.exists());
    assert_eq!(told(town.run(town.containers.remove_volume("shared", false))), "get shared: no such volume");
    town.run(town.containers.remove_volume("shared", true)).unwrap();
}

#[test]
fn volumes_are_made_by_name_and_pruned() {
    let town = Town::new();
    let request = |name: &str| VolumeRequest { name: name.into(), ..VolumeRequest::default() };
    let made = town.run(town.containers.create_volume(request("data"))).unwrap();
    let again = town.run(town.containers.create_volume(request("data"))).unwrap();
    assert_eq!(made.volume, again.volume);
    for (request, error) in [
        (request("a/b"), "\"a/b\" includes invalid characters for a local volume name"),
        (VolumeRequest { driver: "nfs".into(), ..request("x1") }, "create x1: error looking up volume plugin nfs"),
        (
            VolumeRequest { options: [("type".into(), "tmpfs".into())].into(), ..request("x1") },
            "the option type of volumes (DriverOpts) is not supported by Pontoon",
        ),
    ] {
        let text = told(town.run(town.containers.create_volume(request)));
        assert!(text.starts_with(error), "{text}");
    }
    town.create("web", host(json!({"Binds": ["used:/data"]})));
    std::fs::write(made.mountpoint.join("file"), "12345").unwrap();
    let (names, bytes) = town.run(town.containers.prune_volumes(Box::new(|_| true))).unwrap();
    assert_eq!((names, bytes), (vec!["data".to_owned()], 5));
    assert_eq!(town.containers.volumes().len(), 1);
}

#[test]
fn networks_are_connected_in_every_state_and_kept() {
    let town = Town::new();
    town.world.core.create_network(common::v4("one")).unwrap();
    town.world.core.create_network(common::v4("two")).unwrap();
    let id = town.create("web", host(json!({"NetworkMode": "one"})));
    let settings = || serde_json::from_value(json!({"Aliases": ["www"]})).unwrap();
    town.run(town.containers.connect("two", "web", settings())).unwrap();
    assert!(town.kept(id).unwrap().definition.endpoints.contains_key("two"), "durably");
    town.start("web").unwrap();
    let endpoints = |town: &Town| town.view("web").sandbox.unwrap().record.endpoints.len();
    assert_eq!(endpoints(&town), 2);
    town.run(town.containers.disconnect("two", "web", false)).unwrap();
    assert_eq!(endpoints(&town), 1);
    let town = town.killed();
    assert_eq!(endpoints(&town), 1);
    assert_eq!(town.view("web").definition.endpoints.len(), 1);
    town.run(town.containers.connect("two", "web", settings())).unwrap();
    assert_eq!(town.kept(id).unwrap().definition.endpoints.len(), 2);
}

#[test]
fn namespaces_of_other_containers_are_shared_while_those_run() {
    let town = Town::new();
    let id = town.create("donor", host(json!({"IpcMode": "shareable"})));
    town.create(
        "guest",
        host(json!({"PidMode": "container:donor", "IpcMode": "container:donor", "NetworkMode": "container:donor"})),
    );
    let error = told(town.start("guest"));
    assert_eq!(error, "cannot join PID namespace of a non running container: container donor is created");
    town.start("donor").unwrap();
    town.start("guest").unwrap();
    let guest = town.view("guest");
    assert_eq!(guest.state.shares, Some(id));
    assert!(guest.sandbox.is_some() && !guest.has_own_sandbox());
    let pid = town.view("donor").state.pid;
    let plan = town.runtime.plan(&guest.definition.id).unwrap();
    assert_eq!(plan.namespaces.pid, pontoon_runtime::Namespace::At(format!("/proc/{pid}/ns/pid").into()));
}
