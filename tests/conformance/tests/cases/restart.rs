//! Restarts: asked for, by policy, and what health checks find.

use pontoon_conformance::{Container, Engine, json, until_true};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// How often it was started again by its policy.
fn restarts(container: &Container<'_>) -> i64 {
    container.inspect()["RestartCount"].as_i64().unwrap()
}

#[test]
fn a_restart_is_a_new_process_with_the_same_files() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    web.tell("echo kept > /tmp/file");
    let before = web.inspect()["State"].clone();
    web.post("restart?t=5").is(204);
    let after = web.inspect()["State"].clone();
    assert_eq!(after["Running"], true);
    assert_ne!(after["Pid"], before["Pid"]);
    assert_ne!(after["StartedAt"], before["StartedAt"]);
    assert_eq!(web.tell("cat /tmp/file"), "kept\n");
    assert_eq!(restarts(&web), 0);
    web.stop();
    web.post("restart").is(204);
    assert_eq!(web.status(), "running");
}

#[test]
fn a_policy_restarts_what_fails_so_often_and_no_more() {
    let Some(engine) = Engine::start() else { return };
    let policy = json!({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}});
    let failing = engine.run("failing", json!({"Cmd": ["sh", "-c", "echo once; exit 1"], "HostConfig": policy}));
    until_true("it is given up", PATIENCE, || restarts(&failing) == 2 && failing.status() == "exited");
    assert_eq!(failing.logs()[0], "once\n".repeat(3));
    let fine = engine.run("fine", json!({"Cmd": ["sh", "-c", "exit 0"], "HostConfig": policy}));
    assert_eq!(fine.wait(), 0);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((fine.status(), restarts(&fine)), ("exited".to_owned(), 0));
}

#[test]
fn what_is_always_restarted_stays_stopped_when_it_was_stopped() {
    let Some(engine) = Engine::start() else { return };
    for policy in ["always", "unless-stopped"] {
        let policy = json!({"RestartPolicy": {"Name": policy}});
        let command = json!(["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait; exit 1"]);
        let always = engine.run("", json!({"Cmd": command, "HostConfig": policy}));
        let first = always.inspect()["State"]["Pid"].clone();
        // The process is killed, but nobody asked for a stop.
        always.exec("kill -9 -1");
        until_true("it runs again", PATIENCE, || {
            let state = always.inspect()["State"].clone();
            state["Running"] == true && state["Pid"] != first && restarts(&always) >= 1
        });
        always.stop();
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(always.status(), "exited", "{policy}");
    }
}

#[test]
fn a_health_check_finds_when_a_container_is_well_and_when_not() {
    let Some(engine) = Engine::start() else { return };
    let check = json!({
        "Test": ["CMD-SHELL", "echo looked; test -e /tmp/well"], "Interval": 100_000_000u64, "Timeout": 5_000_000_000u64, "Retries": 2,
    });
    let web = engine.run("web", json!({"Healthcheck": check}));
    let health = || web.inspect()["State"]["Health"].clone();
    web.tell("touch /tmp/well");
    until_true("it is well", PATIENCE, || health()["Status"] == "healthy");
    let entry = health()["Log"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&entry["ExitCode"], &entry["Output"]), (&json!(0), &json!("looked\n")));
    web.tell("rm /tmp/well");
    until_true("it is not", PATIENCE, || health()["Status"] == "unhealthy");
    assert!(health()["FailingStreak"].as_i64().unwrap() >= 2);
    assert!(health()["Log"].as_array().unwrap().len() <= 5);
    let list = engine.get_with("/containers/json", &[("filters", "{\"health\":[\"unhealthy\"]}")]).ok();
    assert_eq!(list[0]["Id"], json!(web.id));
    assert!(list[0]["Status"].as_str().unwrap().ends_with("(unhealthy)"), "{}", list[0]["Status"]);
}
