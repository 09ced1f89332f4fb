//! The life of containers on a fake runtime and a fake host: every state, every way out of it, in Docker's order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

#[path = "../../drivers/bridge/tests/common/mod.rs"]
mod common;
mod town;

use pontoon_containers::{RemoveWish, Status, StopWish, Update, WaitCondition};
use pontoon_runtime::Runtime as _;
use pontoon_types::{ErrorKind, Kind};
use serde_json::json;
use std::time::Duration;
use town::{Town, config, host, new, told};

fn within(seconds: i64) -> StopWish {
    StopWish { timeout: Some(seconds), ..StopWish::default() }
}

#[test]
fn a_container_starts_ends_and_tells_of_it_in_dockers_order() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    let made = town.view("web");
    assert_eq!((made.state.status, made.state.pid, made.sandbox.is_none()), (Status::Created, 0, true));
    assert!(town.start("web").unwrap());
    let runs = town.view("web");
    assert!(runs.state.pid > 0 && runs.state.started_at.is_some() && runs.has_own_sandbox());
    assert!(!town.start("/web").unwrap(), "it runs already");
    town.runtime.exit(&id, 3).unwrap();
    let ended = town.until_status("web", Status::Exited);
    assert_eq!((ended.state.exit_code, ended.state.pid, ended.sandbox.is_none()), (3, 0, true));
    assert!(ended.state.finished_at >= ended.state.started_at);
    town.until_event("container die");
    town.assert_nothing_runs("after its end");
    let events: Vec<String> = town.events().into_iter().filter(|event| !event.starts_with("network create")).collect();
    let wanted = ["container create", "network connect", "container start", "network disconnect", "container die"];
    assert_eq!(events, wanted);
    let past = town.past();
    let die = past.last().unwrap();
    assert_eq!((die.attributes["name"].as_str(), die.attributes["image"].as_str()), ("web", "img"));
    assert_eq!((die.attributes["exitCode"].as_str(), die.attributes["execDuration"].as_str()), ("3", "0"));
    assert!(town.start("web").unwrap(), "it can be started again");
    assert_eq!(town.view("web").state.exit_code, 0);
}

#[test]
fn containers_are_found_by_id_name_and_the_beginning_of_an_id() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    for term in [id.to_string(), id.short(), "web".into(), "/web".into(), id.to_string()[..20].into()] {
        assert_eq!(town.view(&term).definition.id, id, "{term}");
    }
    assert_eq!(told(town.containers.get("we").map(drop)), "No such container: we");
    assert_eq!(told(town.containers.get("").map(drop)), "No such container: ");
}

#[test]
fn names_are_taken_once_and_given_when_there_is_none() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    let error = town.try_create(new("/web", host(json!({})))).unwrap_err();
    assert_eq!(
        (error.to_string(), error.kind()),
        (
            format!(
                "Conflict. The container name \"/web\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
            ),
            ErrorKind::Conflict
        )
    );
    let other = town.create("", host(json!({})));
    assert!(town.view(&other.to_string()).definition.name.contains('_'));
    assert_eq!(told(town.run(town.containers.rename("web", ""))), "Neither old nor new names may be empty");
    assert_eq!(
        told(town.run(town.containers.rename("web", "web"))),
        "Renaming a container with the same name as its current name"
    );
    town.run(town.containers.rename("web", "www")).unwrap();
    assert!(town.containers.get("web").is_err());
    town.create("web", host(json!({})));
    let error = told(town.run(town.containers.rename("www", "web")));
    assert!(error.starts_with("Error when allocating new name: Conflict. The container name \"/web\""), "{error}");
    town.start("www").unwrap();
    town.run(town.containers.rename("www", "wow")).unwrap();
    assert_eq!(town.world.core.sandbox("wow").unwrap().record.id.to_string(), id.to_string());
}

#[test]
fn requests_for_what_is_not_there_are_refused_by_name() {
    let town = Town::new();
    let mut other = new("x", host(json!({})));
    other.config.image = "none".into();
    assert_eq!(told(town.try_create(other)), "No such image: none:latest");
    for (body, what) in [
        (json!({"Isolation": "hyperv"}), "HostConfig.Isolation"),
        (json!({"StorageOpt": {"size": "1G"}}), "HostConfig.StorageOpt"),
        (json!({"DeviceRequests": [{"Count": -1}]}), "HostConfig.DeviceRequests (GPUs)"),
        (json!({"LogConfig": {"Type": "syslog"}}), "the log driver syslog (HostConfig.LogConfig.Type)"),
        (json!({"UsernsMode": "private"}), "HostConfig.UsernsMode"),
    ] {
        let error = town.try_create(new("x", host(body))).unwrap_err();
        assert_eq!(
            (error.to_string(), error.kind()),
            (format!("{what} is not supported by Pontoon"), ErrorKind::NotImplemented)
        );
    }
    assert!(town.containers.list().is_empty() && town.images.owners().is_empty());
}

#[test]
fn who_waits_is_told_of_the_next_end_and_of_the_removal() {
    let town = Town::new();
    let id = town.create("web", host(json!({"AutoRemove": true})));
    let now = town.run(town.containers.wait("web", WaitCondition::NotRunning).unwrap());
    assert_eq!(now.exit_code, 0, "it does not run");
    let next = town.spawn(town.containers.wait("web", WaitCondition::NextExit).unwrap());
    let gone = town.spawn(town.containers.wait("web", WaitCondition::Removed).unwrap());
    town.start("web").unwrap();
    town.runtime.exit(&id, 7).unwrap();
    assert_eq!(town.run(next).unwrap().exit_code, 7);
    assert_eq!(town.run(gone).unwrap().exit_code, 7);
    town.until_gone("web");
    assert_eq!(told(town.containers.wait("web", WaitCondition::Removed).map(drop)), "No such container: web");
}

#[test]
fn a_container_that_is_to_go_when_it_ends_leaves_nothing() {
    let town = Town::new();
    let id = town.started("web", host(json!({"AutoRemove": true, "Mounts": [{"Type": "volume", "Target": "/data"}]})));
    assert_eq!(town.containers.volumes().len(), 1);
    town.runtime.exit(&id, 0).unwrap();
    town.until_gone("web");
    assert!(town.containers.volumes().is_empty() && town.images.owners().is_empty());
    assert!(town.kept(id).is_none());
    town.assert_nothing_runs("after it went");
}

#[test]
fn a_container_that_always_restarts_does_so_until_it_is_stopped() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "always"}})));
    for count in 1..=3 {
        town.runtime.exit(&id, 1).unwrap();
        let view = town.until("web", |view| view.state.restart_count == count && view.state.status == Status::Running);
        assert!(view.has_own_sandbox());
    }
    assert!(town.run(town.containers.stop("web", within(30))).unwrap());
    let stopped = town.view("web").state;
    assert_eq!((stopped.status, stopped.exit_code, stopped.manually_stopped), (Status::Exited, 143, true));
    assert!(!town.run(town.containers.stop("web", within(30))).unwrap(), "it is stopped already");
    assert!(town.start("web").unwrap());
    assert_eq!(town.view("web").state.restart_count, 0);
}

#[test]
fn a_restart_that_is_waited_for_is_given_up_when_somebody_stops_it() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "on-failure"}})));
    // Each wait is longer than the one before.
    for _ in 0..3 {
        town.until_status("web", Status::Running);
        town.runtime.exit(&id, 1).unwrap();
        town.until_status("web", Status::Restarting);
    }
    assert!(!town.start("web").unwrap(), "it will be started anyway");
    assert!(town.run(town.containers.stop("web", within(30))).unwrap());
    assert_eq!(town.status("web"), Status::Exited);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(town.status("web"), Status::Exited);
    town.assert_nothing_runs("after the stop");
}

#[test]
fn a_failing_container_is_tried_as_often_as_its_policy_says() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}})));
    for count in 0..=2 {
        town.until("web", |view| view.state.status == Status::Running && view.state.restart_count == count);
        town.runtime.exit(&id, 9).unwrap();
    }
    let ended = town.until_status("web", Status::Exited).state;
    assert_eq!((ended.restart_count, ended.exit_code), (2, 9));
}

#[test]
fn a_stop_is_followed_by_a_kill_and_holds_nobody_up_meanwhile() {
    let town = Town::new();
    town.runtime.ignore(&[15]);
    let id = town.started("web", host(json!({})));
    let handle = town.containers.clone();
    let stop = town.spawn(async move { handle.stop("web", StopWish { signal: None, timeout: Some(-1) }).await });
    town.until_event("container kill");
    // For ever is long: everything else goes on.
    assert_eq!(town.status("web"), Status::Running);
    town.run(town.containers.kill("web", "KILL")).unwrap();
    assert!(town.run(stop).unwrap().unwrap());
    assert_ne!(town.view("web").state.exit_code, 0);
    town.start("web").unwrap();
    assert!(town.run(town.containers.stop("web", within(0))).unwrap());
    assert_eq!(town.view("web").state.exit_code, 137);
    let kills = town.past();
    let kills: Vec<_> =
        kills.iter().filter(|event| event.action == "kill").map(|event| event.attributes["signal"].clone()).collect();
    assert_eq!(kills[0], "15");
    assert_eq!(kills.last().unwrap(), "9");
    assert!(town.runtime.state(&id).unwrap().is_none());
}

#[test]
fn signals_reach_what_runs_and_nothing_else() {
    let town = Town::new();
    town.runtime.ignore(&[1]);
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "always"}})));
    town.run(town.containers.kill("web", "HUP")).unwrap();
    assert!(!town.view("web").state.manually_stopped, "it was not told to end");
    town.run(town.containers.kill("web", "")).unwrap();
    let killed = town.view("web").state;
    assert_eq!((killed.status, killed.exit_code), (Status::Exited, 137));
    assert_eq!(
        told(town.run(town.containers.kill("web", "TERM"))),
        format!("cannot kill container: web: container {id} is not running")
    );
    assert_eq!(told(town.run(town.containers.kill("web", "NOPE"))), "invalid signal: NOPE");
}

#[test]
fn a_restart_keeps_a_container_that_is_to_go_when_it_ends() {
    let town = Town::new();
    town.started("web", host(json!({"AutoRemove": true})));
    let first = town.view("web").state.pid;
    town.run(town.containers.restart("web", within(30))).unwrap();
    let again = town.view("web").state;
    assert_eq!(again.status, Status::Running);
    assert_ne!(again.pid, first);
    let events = town.events();
    let order: Vec<_> = events.iter().filter(|event| event.starts_with("container ")).collect();
    assert_eq!(
        order[1..],
        [
            "container start",
            "container kill",
            "container die",
            "container stop",
            "container start",
            "container restart"
        ]
    );
    town.run(town.containers.stop("web", within(30))).unwrap();
    town.until_gone("web");
    let idle = town.create("idle", host(json!({})));
    town.run(town.containers.restart(&idle.to_string(), within(1))).unwrap();
    assert_eq!(town.status("idle"), Status::Running);
}

#[test]
fn a_paused_container_keeps_its_network_and_refuses_what_docker_refuses() {
    let town = Town::new();
    let id = town.started("web", host(json!({})));
    town.run(town.containers.pause("web")).unwrap();
    assert_eq!(town.status("web"), Status::Paused);
    assert!(town.view("web").has_own_sandbox());
    assert_eq!(told(town.run(town.containers.pause("web"))), format!("Container {id} is already paused"));
    assert_eq!(told(town.start("web")), "cannot start a paused container, try unpause instead");
    assert_eq!(
        told(town.run(town.containers.remove("web", RemoveWish::default()))),
        "cannot remove container \"/web\": container is paused and must be unpaused first"
    );
    town.run(town.containers.unpause("web")).unwrap();
    assert_eq!(told(town.run(town.containers.unpause("web"))), format!("Container {id} is not paused"));
    town.run(town.containers.pause("web")).unwrap();
    assert!(town.run(town.containers.stop("web", within(1))).unwrap(), "a paused one can be stopped");
    assert_eq!(told(town.run(town.containers.pause("web"))), format!("container {id} is not running"));
}

#[test]
fn a_running_container_is_removed_by_force_only() {
    let town = Town::new();
    let id = town.started("web", host(json!({"RestartPolicy": {"Name": "always"}})));
    let refused = town.run(town.containers.remove("web", RemoveWish::default())).unwrap_err();
    assert_eq!(
        (refused.to_string(), refused.kind()),
        (
            "cannot remove container \"/web\": container is running: stop the container before removing or force remove".into(),
            ErrorKind::Conflict
        )
    );
    town.run(town.containers.remove("web", RemoveWish { force: true, volumes: false })).unwrap();
    assert!(town.containers.get(&id.to_string()).is_err() && town.kept(id).is_none());
    town.assert_nothing_runs("after it was removed");
    assert_eq!(town.events().last().unwrap(), "container destroy");
    town.create("web", host(json!({})));
}

#[test]
fn a_start_that_fails_says_why_and_leaves_a_container_that_can_be_started() {
    let town = Town::new();
    let id = town.create("web", host(json!({})));
    town.runtime.fail_next(
        |call| matches!(call, pontoon_runtime::fake::Call::Start(_)),
        pontoon_runtime::Error::Refused {
            prefix: "failed to create task for container: ",
            act: "start",
            message: "no such program".into(),
            refusal: pontoon_runtime::Refusal::CommandNotFound,
        },
    );
    let error = town.start("web").unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        ("failed to create task for container: OCI runtime start failed: no such program", ErrorKind::Invalid)
    );
    let state = town.view("web").state;
    assert_eq!((state.status, state.exit_code), (Status::Created, 127));
    assert!(state.error.contains("no such program"));
    town.assert_nothing_runs("after the failure");
    assert!(town.start("web").unwrap());
    let state = town.view("web").state;
    assert_eq!((state.error.as_str(), state.exit_code), ("", 0));
    town.runtime.run_out_of_memory(&id).unwrap();
    let state = town.until_status("web", Status::Exited).state;
    assert!(state.oom_killed && state.exit_code == 137);
    assert!(town.until_event("container die").contains(&"container oom".to_owned()));
}

#[test]
fn fifty_containers_start_side_by_side_and_end_so() {
    let town = Town::new();
    town.world.core.create_network(common::v4("net")).unwrap();
    let names: Vec<String> = (0..50).map(|number| format!("c{number}")).collect();
    let all = names.iter().map(|name| {
        let (handle, name) = (town.containers.clone(), name.clone());
        town.spawn(async move {
            handle.create(new(&name, host(json!({"NetworkMode": "net"})))).await?;
            handle.start(&name).await
        })
    });
    for started in all.collect::<Vec<_>>() {
        assert!(town.run(started).unwrap().unwrap());
    }
    assert_eq!(town.containers.counts().running, 50);
    let all = names.iter().map(|name| {
        let (handle, name) = (town.containers.clone(), name.clone());
        town.spawn(async move { handle.remove(&name, RemoveWish { force: true, volumes: true }).await })
    });
    for removed in all.collect::<Vec<_>>() {
        town.run(removed).unwrap().unwrap();
    }
    town.assert_nothing_runs("after all");
    town.world.core.remove_network("net").unwrap();
}

#[test]
fn limits_and_policy_of_a_running_container_are_changed() {
    let town = Town::new();
    let id = town.started("web", host(json!({"Memory": 64 << 20})));
    let update = Update {
        resources: host(json!({"Memory": 32 << 20, "CpuShares": 512, "PidsLimit": 10})),
        restart_policy: serde_json::from_value(json!({"Name": "unless-stopped"})).unwrap(),
    };
    assert!(town.run(town.containers.update("web", update)).unwrap().is_empty());
    let plan = town.runtime.plan(&id).unwrap().resources;
    assert_eq!((plan.memory, plan.memory_swap, plan.cpu_shares), (Some(32 << 20), Some(64 << 20), Some(512)));
    let kept = town.kept(id).unwrap().definition.host_config;
    assert_eq!((kept.memory, kept.restart_policy.name.as_str()), (32 << 20, "unless-stopped"));
    let wrong = Update { resources: host(json!({"Memory": 5})), ..Update::default() };
    assert_eq!(
        told(town.run(town.containers.update("web", wrong))),
        format!("Cannot update container {id}: Minimum memory limit allowed is 6MB")
    );
}

#[test]
fn what_a_container_runs_is_joined_with_its_image() {
    let town = Town::new();
    town.images.set_config(config(json!({
        "Entrypoint": ["/entry"], "Cmd": ["arg"], "Env": ["A=1", "B=2"], "WorkingDir": "/w", "User": "u",
        "Volumes": {"/data": {}}, "Labels": {"from": "image"}, "StopSignal": "SIGINT",
    })));
    let mut wish = new("web", host(json!({"Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}]})));
    wish.config.env = Some(vec!["B=3".into()]);
    wish.config.open_stdin = true;
    let id = town.try_create(wish).unwrap().id;
    town.start("web").unwrap();
    let plan = town.runtime.plan(&id).unwrap();
    assert_eq!(plan.process.args, ["/entry", "arg"]);
    assert!(plan.process.env.contains(&"A=1".to_owned()) && plan.process.env.contains(&"B=3".to_owned()));
    assert!(plan.process.env.contains(&format!("HOSTNAME={}", id.short())));
    assert_eq!((plan.process.cwd.as_str(), plan.process.user.as_str()), ("/w", "u"));
    assert_eq!(plan.process.stdin, pontoon_runtime::Stdin::Open);
    assert_eq!(plan.process.rlimits[0].hard, 20);
    let targets: Vec<_> = plan.mounts.iter().map(|mount| mount.target.display().to_string()).collect();
    assert_eq!(targets, ["/data", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"]);
    town.run(town.containers.stop("web", within(30))).unwrap();
    assert_eq!(town.view("web").state.exit_code, 130, "SIGINT stops it");
}
