//! The daemon dies and comes back, or the whole machine does: what runs goes on, what ended is known, what should run is
//! started, what was half made is gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

#[path = "../../drivers/bridge/tests/common/mod.rs"]
mod common;
mod town;

use pontoon_containers::{Status, StopWish};
use serde_json::json;
use std::time::{Duration, Instant};
use town::{PATIENCE, Town, host};

/// Waits until the durable store knows what is `wanted` of a container.
fn until_kept(town: &Town, id: pontoon_types::ContainerId, wanted: impl Fn(&pontoon_containers::State) -> bool) {
    let begun = Instant::now();
    while !town.kept(id).is_some_and(|record| wanted(&record.state)) {
        assert!(begun.elapsed() < PATIENCE, "never kept");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_runs_goes_on_and_is_looked_after_again() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "on-failure"}})));
    let before = town.view("web").state;
    let town = town.killed();
    let after = town.view("web").state;
    assert_eq!((after.status, after.pid, after.started_at), (Status::Running, before.pid, before.started_at));
    assert!(town.view("web").has_own_sandbox());
    town.runtime.exit(&id, 1).unwrap();
    town.until("web", |view| view.state.restart_count == 1 && view.state.status == Status::Running);
}

#[test]
fn an_end_that_nobody_saw_is_known_with_its_exit_code() {
    let town = Town::new();
    let id = town.started("web", host(json!({})));
    let again = town.started("again", host(json!({"RestartPolicy": {"Name": "always"}})));
    let goes = town.started("goes", host(json!({"AutoRemove": true})));
    let town = town.killed_while(|runtime| {
        for id in [id, again, goes] {
            runtime.exit(&id, 5).unwrap();
        }
    });
    let ended = town.view("web").state;
    assert_eq!((ended.status, ended.exit_code), (Status::Exited, 5));
    town.until_status("again", Status::Running);
    assert!(town.containers.get("goes").is_err());
    let sandboxes = town.world.core.sandboxes().len();
    assert_eq!(sandboxes, 1, "only what runs has a network");
}

#[test]
fn a_paused_container_is_still_paused() {
    let town = Town::new();
    town.started("web", host(json!({})));
    town.run(town.containers.pause("web")).unwrap();
    let town = town.killed();
    assert_eq!(town.status("web"), Status::Paused);
    town.run(town.containers.unpause("web")).unwrap();
}

#[test]
fn a_start_that_was_not_finished_is_undone() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    let stray = pontoon_types::ContainerId::random();
    let root = town.world.dir.path().to_owned();
    let town = town.killed_while(|runtime| {
        use pontoon_runtime::{ContainerPlan, Runtime as _};
        for id in [id, stray] {
            runtime.create(&ContainerPlan::new(id, "/nowhere", &["sleep"])).unwrap();
        }
        std::fs::create_dir_all(root.join("containers").join(stray.to_string())).unwrap();
        std::fs::create_dir_all(root.join("volumes/stray/_data")).unwrap();
    });
    assert_eq!(town.status("web"), Status::Created);
    town.assert_nothing_runs("after the daemon came back");
    assert!(!root.join("containers").join(stray.to_string()).exists() && !root.join("volumes/stray").exists());
    assert!(town.start("web").unwrap());
}

#[test]
fn a_start_that_was_not_noted_is_known_all_the_same() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    let town = town.killed_while(|runtime| {
        use pontoon_runtime::{ContainerPlan, Runtime as _};
        runtime.create(&ContainerPlan::new(id, "/nowhere", &["sleep"])).unwrap();
        runtime.start(&id).unwrap();
    });
    let state = town.view("web").state;
    assert!(state.status == Status::Running && state.pid > 0 && state.started_at.is_some());
}

#[test]
fn after_a_power_loss_policies_say_what_is_started() {
    let town = Town::new();
    let policy = |name: &str| host(json!({"RestartPolicy": {"Name": name}}));
    for (name, word) in [("no", "no"), ("always", "always"), ("unless", "unless-stopped"), ("failure", "on-failure")] {
        town.started(name, policy(word));
    }
    for (name, word) in [("stopped-always", "always"), ("stopped-unless", "unless-stopped")] {
        town.started(name, policy(word));
        town.run(town.containers.stop(name, StopWish { signal: None, timeout: Some(30) })).unwrap();
    }
    let never = town.create("never", policy("always"));
    town.started("guest", host(json!({"NetworkMode": "container:always", "RestartPolicy": {"Name": "always"}})));
    for name in ["no", "always", "unless", "failure", "guest"] {
        until_kept(&town, town.view(name).definition.id, |state| state.status == Status::Running);
    }
    let town = town.after_power_loss();
    for name in ["always", "unless", "failure", "stopped-always", "guest"] {
        town.until_status(name, Status::Running);
    }
    let no = town.view("no").state;
    assert_eq!((no.status, no.exit_code), (Status::Exited, 255));
    assert_eq!(town.status("stopped-unless"), Status::Exited);
    assert_eq!(town.status("never"), Status::Created, "{never}");
    assert_eq!(town.view("guest").state.shares, Some(town.view("always").definition.id));
}

#[test]
fn a_restart_that_was_waited_for_happens() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "always"}})));
    for _ in 0..4 {
        town.until_status("web", Status::Running);
        town.runtime.exit(&id, 1).unwrap();
        town.until_status("web", Status::Restarting);
    }
    let town = town.killed();
    town.until_status("web", Status::Running);
}

#[test]
fn a_daemon_that_ends_in_order_leaves_everything_running() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "always"}})));
    town.run(town.containers.close());
    assert_eq!(town.kept(id).unwrap().state.status, Status::Running, "written before the end");
    let error = town.start("web").unwrap_err();
    assert_eq!(error.to_string(), "the daemon is shutting down");
    let town = town.killed();
    assert_eq!(town.status("web"), Status::Running);
}

#[test]
fn a_daemon_that_ends_does_not_wait_for_a_container_that_never_stops() {
    let town = Town::new();
    town.runtime.ignore(&[15]);
    town.started("web", host(json!({})));
    let handle = town.containers.clone();
    let stop = town.spawn(async move { handle.stop("web", StopWish { signal: None, timeout: Some(-1) }).await });
    town.until_event("container kill");
    town.run(town.containers.close());
    assert_eq!(town.run(stop).unwrap().unwrap_err().to_string(), "the daemon is shutting down");
    assert_eq!(town.killed().status("web"), Status::Running);
}

#[test]
fn a_thousand_containers_come_back_and_are_listed() {
    let town = Town::new();
    let made: Vec<_> = (0..1000)
        .map(|number| {
            let handle = town.containers.clone();
            town.spawn(async move { handle.create(town::new(&format!("c{number}"), host(json!({})))).await })
        })
        .collect();
    for made in made {
        town.run(made).unwrap().unwrap();
    }
    assert!(town.stores.commits() < 1000, "commits are shared: {}", town.stores.commits());
    let town = town.killed();
    assert_eq!(town.containers.list().len(), 1000);
    let newest = town.containers.list();
    assert!(newest.windows(2).all(|pair| pair[0].definition.created >= pair[1].definition.created));
}
