//! Lists of containers, what the engine says of itself, and events of containers.

use pontoon_conformance::{Engine, Value, json};

fn listed(engine: &Engine, all: bool, filters: &Value) -> Vec<String> {
    let query = [("all", if all { "1" } else { "0" }), ("filters", &*filters.to_string())];
    let list = engine.get_with("/containers/json", &query).is(200).json();
    let name = |one: &Value| one["Names"][0].as_str().unwrap().trim_start_matches('/').to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn containers_are_listed_newest_first_and_by_filters() {
    let Some(engine) = Engine::start() else { return };
    engine.network("front", &json!({}));
    let web = engine.run("web", json!({"Labels": {"team": "x", "tier": "1"}, "HostConfig": {"NetworkMode": "front"}, "ExposedPorts": {"80/tcp": {}}}));
    let done = engine.run("done", json!({"Cmd": ["sh", "-c", "exit 3"], "Labels": {"team": "y"}}));
    done.wait();
    let paused = engine.run(
        "paused",
        json!({"ExposedPorts": {"81/tcp": {}}, "HostConfig": {"PortBindings": {"81/tcp": [{"HostPort": "8081"}]}}}),
    );
    paused.post("pause").is(204);
    engine.create("made", json!({"HostConfig": {"Binds": ["data:/data"]}}));
    assert_eq!(listed(&engine, true, &json!({})), ["made", "paused", "done", "web"]);
    assert_eq!(listed(&engine, false, &json!({})), ["paused", "web"]);
    for (filters, wanted) in [
        (json!({"status": ["exited"]}), &["done"][..]),
        (json!({"status": ["created", "paused"]}), &["made", "paused"]),
        (json!({"exited": ["3"]}), &["done"]),
        (json!({"label": ["team"]}), &["done", "web"]),
        (json!({"label": ["team=x", "tier=1"]}), &["web"]),
        (json!({"name": ["pa"]}), &["paused"]),
        (json!({"name": ["^/we"]}), &["web"]),
        (json!({"id": [&web.id[..8]]}), &["web"]),
        (json!({"network": ["front"]}), &["web"]),
        (json!({"network": ["bridge"]}), &["made", "paused", "done"]),
        (json!({"ancestor": ["busybox"]}), &["made", "paused", "done", "web"]),
        (json!({"expose": ["80"]}), &["web"]),
        (json!({"volume": ["data"]}), &["made"]),
        (json!({"volume": ["/data"]}), &["made"]),
        (json!({"before": ["done"]}), &["web"]),
        (json!({"since": ["done"]}), &["made", "paused"]),
        (json!({"is-task": ["true"]}), &[]),
    ] {
        assert_eq!(listed(&engine, true, &filters), wanted, "{filters}");
    }
    let query = |query: &[(&str, &str)]| engine.get_with("/containers/json", query);
    assert_eq!(query(&[("limit", "2")]).ok().as_array().unwrap().len(), 2);
    query(&[("filters", "{\"nothing\":[\"x\"]}")]).refuses(400, "nvalid filter 'nothing'");
    query(&[("filters", "{\"publish\":[\"1:2\"]}")]).refuses(
        engine.since("1.44", 400, 500, "whose mistake it is"),
        "filter for 'publish' should not contain ':': 1:2",
    );
    assert_eq!(query(&[("filters", "{\"status\":[\"odd\"]}")]).status, 400);
}

#[test]
fn a_list_says_of_each_what_people_want_to_see() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({"Cmd": ["sh", "-c", "sleep 3600"], "Labels": {"a": "b"}}));
    let one = engine.get_with("/containers/json", &[("size", "1")]).ok()[0].clone();
    let about = web.inspect();
    assert_eq!((&one["Id"], &one["Names"], &one["State"]), (&json!(web.id), &json!(["/web"]), &json!("running")));
    assert_eq!(
        (&one["Image"], &one["ImageID"]),
        (&json!(engine.image().trim_end_matches(":latest").to_owned() + ":latest"), &about["Image"])
    );
    assert!(one["Status"].as_str().unwrap().starts_with("Up "));
    assert_eq!(one["Command"], "sh -c 'sleep 3600'");
    assert_eq!((&one["Labels"], &one["Ports"], &one["Mounts"]), (&json!({"a": "b"}), &json!([]), &json!([])));
    assert!(one["Created"].is_i64());
    assert!(one["SizeRootFs"].as_u64().unwrap() > 100_000);
    assert_eq!(one["NetworkSettings"]["Networks"]["bridge"]["IPAddress"], web.endpoint("bridge")["IPAddress"]);
    web.post("kill").is(204);
    let one = engine.get_with("/containers/json", &[("all", "1")]).ok()[0].clone();
    assert!(one["Status"].as_str().unwrap().starts_with("Exited (137) "), "{}", one["Status"]);
    let made = engine.create("made", json!({}));
    let one = engine.get_with("/containers/json", &[("all", "1")]).ok()[0].clone();
    assert_eq!((&one["Id"], &one["Status"]), (&json!(made.id), &json!("Created")));
}

#[test]
fn the_engine_says_what_it_is_and_how_much_it_has() {
    let Some(engine) = Engine::start() else { return };
    let running = engine.run("running", json!({}));
    running.post("pause").is(204);
    engine.create("made", json!({}));
    let info = engine.get("/info").ok();
    assert_eq!(
        (&info["Containers"], &info["ContainersPaused"], &info["ContainersStopped"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(info["OSType"], "linux");
    let version = engine.get("/version").ok();
    assert_eq!((&version["ApiVersion"], &version["Os"]), (&json!(engine.newest()), &json!("linux")));
    let ping = engine.at("").head("/_ping").is(200);
    assert_eq!((ping.header("api-version"), ping.header("ostype")), (engine.newest(), "linux"));
    let used = engine.get("/system/df").ok();
    assert_eq!((used["Images"].is_array(), used["Containers"].as_array().unwrap().len()), (true, 2));
}

#[test]
fn events_tell_the_life_of_a_container() {
    let Some(engine) = Engine::start() else { return };
    let mut live = engine.stream("/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D");
    let web = engine.run("web", json!({"Labels": {"team": "x"}}));
    web.exec("true");
    web.post("pause").is(204);
    web.post("unpause").is(204);
    web.post("rename?name=shop").is(204);
    web.post("kill?signal=USR1").is(204);
    web.post("kill").is(204);
    web.wait();
    web.remove();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "destroy") {
        let event = live.object().unwrap();
        assert_eq!(
            (&event["Type"], &event["scope"], &event["Actor"]["ID"]),
            (&json!("container"), &json!("local"), &json!(event["Actor"]["ID"]))
        );
        assert_eq!(event["Actor"]["Attributes"]["team"], "x");
        assert!(event["timeNano"].as_i64().unwrap() > event["time"].as_i64().unwrap());
        let action = event["Action"].as_str().unwrap();
        seen.push(action.split(':').next().unwrap().to_owned());
    }
    let wanted = [
        "create",
        "start",
        "exec_create",
        "exec_start",
        "exec_die",
        "pause",
        "unpause",
        "rename",
        "kill",
        "kill",
        "die",
        "destroy",
    ];
    // Old engines sometimes say twice that one was held.
    let again = |at: usize| seen[at] != "kill" && seen[..at].contains(&seen[at]);
    let kept: Vec<&str> = (0..seen.len()).filter(|at| !again(*at)).map(|at| seen[at].as_str()).collect();
    let kept: Vec<&str> = kept.into_iter().filter(|action| wanted.contains(action)).collect();
    assert_eq!(kept, wanted, "{seen:?}");
    // Those of the past, up to now.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 1;
    let past = engine.get(&format!("/events?since=1&until={now}&filters=%7B%22event%22%3A%5B%22die%22%5D%7D")).is(200);
    assert_eq!(past.objects().len(), 1, "{}", past.text());
}
