//! The life of a container: made, started, stopped, killed, removed, and what each says when it does not fit.

use pontoon_conformance::{BUSYBOX, Engine, Recipe, Value, json};

#[test]
fn a_container_is_made_started_stopped_and_removed() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({"Labels": {"a": "b"}, "Env": ["A=b"], "WorkingDir": "/tmp"}));
    let made = web.inspect();
    assert_eq!(made["Id"], json!(web.id));
    assert_eq!(made["Name"], "/web");
    assert_eq!(made["State"]["Status"], "created");
    assert_eq!(made["State"]["StartedAt"], "0001-01-01T00:00:00Z");
    assert_eq!(made["Config"]["Labels"], json!({"a": "b"}));
    assert_eq!(made["Config"]["Image"], BUSYBOX);
    assert_eq!(made["Config"]["Hostname"], json!(&web.id[..12]));
    assert!(made["Image"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(made["Path"], "sh");
    assert_eq!(made["RestartCount"], 0);
    web.start();
    let state = web.inspect()["State"].clone();
    assert_eq!((&state["Status"], &state["Running"]), (&json!("running"), &json!(true)));
    assert!(state["Pid"].as_i64().unwrap() > 1);
    assert_ne!(state["StartedAt"], "0001-01-01T00:00:00Z");
    assert_eq!(web.tell("echo $A; pwd; hostname"), format!("b\n/tmp\n{}\n", &web.id[..12]));
    web.stop();
    let state = web.inspect()["State"].clone();
    assert_eq!((&state["Status"], &state["Pid"], &state["ExitCode"]), (&json!("exited"), &json!(0), &json!(0)));
    assert_ne!(state["FinishedAt"], "0001-01-01T00:00:00Z");
    web.remove();
    engine.get("/containers/web/json").refuses(404, "No such container: web");
}

#[test]
fn a_container_is_found_by_name_id_and_beginning_of_id() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({}));
    for term in ["web", &web.id, &web.id[..12], &web.id[..4]] {
        let found = engine.get(&format!("/containers/{}/json", term)).ok();
        assert_eq!(found["Id"], json!(web.id), "{term}");
    }
    let unknown = ["start", "stop", "kill", "restart", "pause", "unpause", "wait", "rename?name=x", "update"];
    for action in unknown {
        let answer = engine.post_json(&format!("/containers/nobody/{action}"), &json!({}));
        answer.refuses(404, "No such container: nobody");
    }
    for thing in ["json", "logs?stdout=1", "top", "changes", "stats?stream=0"] {
        engine.get(&format!("/containers/nobody/{thing}")).refuses(404, "No such container: nobody");
    }
    engine.delete("/containers/nobody").refuses(404, "No such container: nobody");
}

#[test]
fn doing_it_again_changes_nothing_and_says_so() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    let pid = web.inspect()["State"]["Pid"].clone();
    web.post("start").is(304);
    assert_eq!(web.inspect()["State"]["Pid"], pid);
    web.stop();
    web.post("stop").is(304);
    web.post("kill").refuses(409, &format!("container {} is not running", web.id));
    web.post("pause").refuses(409, "is not running");
    assert!(web.post("unpause").status >= 400);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({}));
    let create = |query: &str, body: Value| engine.post_json(&format!("/containers/create{query}"), &body);
    let taken = format!(
        "Conflict. The container name \"/web\" is already in use by container \"{}\". You have to remove (or rename) \
         that container to be able to reuse that name.",
        web.id
    );
    create("?name=web", engine.creation(json!({}))).refuses(409, &taken);
    let named = "Invalid container name (a%20b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed".replace("%20", " ");
    create("?name=a%20b", engine.creation(json!({}))).refuses(400, &named);
    create("", json!({"Image": "no-such", "Cmd": ["true"]})).refuses(404, "No such image: no-such:latest");
    let bare = Recipe {
        tags: vec!["bare:latest".into()],
        config: json!({"Cmd": null}).as_object().unwrap().clone(),
        ..Recipe::default()
    };
    engine.load(bare.archive().unwrap());
    create("", json!({"Image": "bare"})).refuses(400, "no command specified");
    create("", json!({"Image": BUSYBOX, "WorkingDir": "relative"}))
        .refuses(400, "the working directory 'relative' is invalid");
    create("", json!({"Image": BUSYBOX, "HostConfig": {"Memory": 1024}}))
        .refuses(400, "Minimum memory limit allowed is 6MB");
    let binds = json!({"Image": BUSYBOX, "HostConfig": {"Binds": ["/a:relative"]}});
    // Whose mistake that is, engines do not agree on.
    assert!(create("", binds).message().contains("invalid volume specification: '/a:relative'"));
    let mounts =
        json!({"Image": BUSYBOX, "HostConfig": {"Mounts": [{"Type": "bind", "Source": "/no/such", "Target": "/x"}]}});
    create("", mounts).refuses(400, "bind source path does not exist: /no/such");
    let restart = json!({"Image": BUSYBOX, "HostConfig": {"RestartPolicy": {"Name": "sometimes"}}});
    create("", restart).refuses(400, "sometimes");
    let both = json!({"Image": BUSYBOX, "HostConfig": {"AutoRemove": true, "RestartPolicy": {"Name": "always"}}});
    create("", both).refuses(400, "can't create 'AutoRemove' container with restart policy");
    assert_eq!(engine.get_with("/containers/json", &[("all", "1")]).ok().as_array().unwrap().len(), 1);
}

#[test]
fn a_container_without_a_name_gets_one() {
    let Some(engine) = Engine::start() else { return };
    let names: Vec<String> =
        (0..3).map(|_| engine.create("", json!({})).inspect()["Name"].as_str().unwrap().to_owned()).collect();
    for name in &names {
        let (left, right) = name.strip_prefix('/').unwrap().split_once('_').unwrap();
        let letters = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        assert!(letters(left) && letters(right.trim_end_matches(|last: char| last.is_ascii_digit())), "{name}");
    }
    assert!(names[0] != names[1] && names[1] != names[2]);
}

#[test]
fn exit_statuses_are_those_of_the_process_of_the_signal_or_of_the_attempt() {
    let Some(engine) = Engine::start() else { return };
    assert_eq!(engine.output("exit 0", json!({})).code, 0);
    assert_eq!(engine.output("exit 7", json!({})).code, 7);
    let killed = engine.run("killed", json!({"Cmd": ["sleep", "3600"]}));
    killed.post("kill").is(204);
    assert_eq!(killed.wait(), 137);
    let asked = engine.run("asked", json!({"Cmd": ["sh", "-c", "trap 'exit 9' USR1; echo ready; sleep 3600 & wait"]}));
    pontoon_conformance::until_true("it listens", std::time::Duration::from_secs(30), || asked.logs()[0] == "ready\n");
    asked.post("kill?signal=USR1").is(204);
    assert_eq!(asked.wait(), 9);
    killed.start();
    killed.post("kill?signal=NOSUCH").refuses(400, "invalid signal: NOSUCH");
    for (command, code, part) in
        [("no-such-program", 127, "executable file not found"), ("/etc/passwd", 126, "permission denied")]
    {
        let failed = engine.create("", json!({"Cmd": [command]}));
        failed.post("start").refuses(400, part);
        let state = failed.inspect()["State"].clone();
        assert_eq!((&state["Status"], &state["ExitCode"]), (&json!("created"), &json!(code)), "{command}");
        assert!(state["Error"].as_str().unwrap().contains(part), "{state}");
    }
}

#[test]
fn stop_sends_the_stop_signal_then_kills() {
    let Some(engine) = Engine::start() else { return };
    let trap =
        |signal: &str| json!(["sh", "-c", format!("trap 'exit 3' {signal}; echo ready; while :; do sleep 0.1; done")]);
    for (fields, code) in [
        (json!({"Cmd": trap("TERM")}), 3),
        (json!({"Cmd": trap("QUIT"), "StopSignal": "SIGQUIT"}), 3),
        (json!({"Cmd": trap("TERM"), "StopSignal": "9"}), 137),
        (json!({"Cmd": trap("USR2"), "StopTimeout": 0}), 137),
    ] {
        let container = engine.run("", fields.clone());
        pontoon_conformance::until_true("it listens", std::time::Duration::from_secs(30), || {
            container.logs()[0] == "ready\n"
        });
        let action = if fields.get("StopTimeout").is_some() { "stop" } else { "stop?t=30" };
        container.post(action).is(204);
        assert_eq!(container.inspect()["State"]["ExitCode"], code, "{fields}");
    }
}

#[test]
fn a_running_container_is_removed_only_by_force() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    let running = engine.since(
        "1.44",
        "cannot remove container \"/web\": container is running: stop the container before removing or force remove",
        "You cannot remove a running container",
        "the text was another",
    );
    engine.delete("/containers/web").refuses(409, running);
    web.post("pause").is(204);
    let paused = engine.since(
        "1.44",
        "container is paused and must be unpaused first",
        "You cannot remove a paused container",
        "the text was another",
    );
    engine.delete("/containers/web").refuses(409, paused);
    engine.delete("/containers/web?force=1").is(204);
    engine.get("/containers/web/json").is(404);
}

#[test]
fn a_container_that_removes_itself_is_gone_after_its_end() {
    let Some(engine) = Engine::start() else { return };
    let short = engine.create("short", json!({"Cmd": ["sh", "-c", "exit 5"], "HostConfig": {"AutoRemove": true}}));
    let wait = {
        let http = engine.at("1.41");
        std::thread::spawn(move || http.post("/containers/short/wait?condition=removed").ok())
    };
    std::thread::sleep(std::time::Duration::from_millis(300));
    short.start();
    assert_eq!(wait.join().unwrap()["StatusCode"], 5);
    engine.get("/containers/short/json").is(404);
    // The name is free.
    engine.create("short", json!({}));
}

#[test]
fn waiting_ends_when_what_is_waited_for_happens() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({"Cmd": ["sh", "-c", "exit 4"]}));
    // It does not run: the first condition is met, the second is not.
    assert_eq!(web.wait(), 0);
    let next = {
        let http = engine.at("1.41");
        std::thread::spawn(move || http.post("/containers/web/wait?condition=next-exit").ok())
    };
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!next.is_finished());
    web.start();
    assert_eq!(next.join().unwrap()["StatusCode"], 4);
    assert_eq!(web.wait(), 4);
    if !engine.before("1.44", "an unknown condition was taken for the first one") {
        web.post("wait?condition=sometime").refuses(400, "invalid condition: \"sometime\"");
    }
}

#[test]
fn pause_holds_every_process_and_unpause_lets_them_go_on() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({"Cmd": ["sh", "-c", "while :; do echo tick; sleep 0.05; done"]}));
    pontoon_conformance::until_true("it runs", std::time::Duration::from_secs(30), || !web.logs()[0].is_empty());
    web.post("pause").is(204);
    let state = web.inspect()["State"].clone();
    assert_eq!((&state["Status"], &state["Paused"], &state["Running"]), (&json!("paused"), &json!(true), &json!(true)));
    let ticks = web.logs()[0].len();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(web.logs()[0].len(), ticks);
    web.post("pause").refuses(409, "is already paused");
    let path = format!("/containers/{}/exec", web.id);
    engine.post_json(&path, &json!({"Cmd": ["true"]})).refuses(409, "is paused, unpause the container before exec");
    web.post("unpause").is(204);
    assert_eq!(web.status(), "running");
    pontoon_conformance::until_true("it goes on", std::time::Duration::from_secs(30), || web.logs()[0].len() > ticks);
    assert!(web.post("unpause").status >= 400);
}

#[test]
fn a_container_is_renamed_running_or_not() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({}));
    engine.create("other", json!({}));
    web.post("rename?name=other")
        .refuses(409, "Conflict. The container name \"/other\" is already in use by container");
    web.post("rename?name=a%20b").refuses(400, "Invalid container name (");
    web.post("rename?name=").refuses(400, "Neither old nor new names may be empty");
    web.post("rename?name=web").refuses(400, "Renaming a container with the same name as its current name");
    web.post("rename?name=shop").is(204);
    assert_eq!(web.inspect()["Name"], "/shop");
    engine.get("/containers/web/json").is(404);
    web.start();
    web.post("rename?name=web").is(204);
    assert_eq!(engine.get("/containers/web/json").ok()["Id"], json!(web.id));
    engine.get("/containers/shop/json").is(404);
}

#[test]
fn prune_removes_what_does_not_run() {
    let Some(engine) = Engine::start() else { return };
    let running = engine.run("running", json!({}));
    let stopped = engine.run("stopped", json!({"Cmd": ["true"], "Labels": {"keep": "no"}}));
    stopped.wait();
    let made = engine.create("made", json!({}));
    let filters = |filters: Value| {
        format!(
            "/containers/prune?filters={}",
            filters.to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D")
        )
    };
    let pruned = engine.post(&filters(json!({"label": ["keep=no"]}))).ok();
    assert_eq!(pruned["ContainersDeleted"], json!([stopped.id]));
    assert!(pruned["SpaceReclaimed"].is_u64());
    let pruned = engine.post("/containers/prune").ok();
    assert_eq!(pruned["ContainersDeleted"], json!([made.id]));
    assert_eq!(engine.post("/containers/prune").ok()["ContainersDeleted"], Value::Null);
    assert_eq!(running.status(), "running");
}

#[test]
fn a_changed_setting_shows_and_holds() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({"HostConfig": {"Memory": 64 << 20}}));
    let path = "/containers/web/update";
    let update = json!({"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "Memory": 128 << 20, "MemorySwap": -1, "CpuShares": 512});
    engine.post_json(path, &update).ok();
    let host = web.inspect()["HostConfig"].clone();
    assert_eq!(
        (&host["RestartPolicy"], &host["Memory"], &host["CpuShares"]),
        (&update["RestartPolicy"], &json!(128 << 20), &json!(512))
    );
    engine.post_json(path, &json!({"RestartPolicy": {"Name": "sometimes"}})).refuses(400, "sometimes");
}
