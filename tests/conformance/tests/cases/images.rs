//! Images: loaded, shown, tagged, saved, imported, removed.

use pontoon_conformance::{BUSYBOX, Engine, Recipe, Value, json};

/// The tags of all images, sorted.
fn tags(engine: &Engine) -> Vec<String> {
    let list = engine.get("/images/json").ok();
    let tags =
        list.as_array().unwrap().iter().flat_map(|image| image["RepoTags"].as_array().cloned().unwrap_or_default());
    // Ours has one that is the machine itself.
    let tags = tags.map(|tag| tag.as_str().unwrap().to_owned()).filter(|tag| tag != "host:latest");
    let mut tags: Vec<String> = tags.collect();
    tags.sort();
    tags
}

fn recipe(tag: &str, config: &Value) -> Vec<u8> {
    let recipe =
        Recipe { tags: vec![tag.to_owned()], config: config.as_object().unwrap().clone(), ..Recipe::default() };
    recipe.archive().unwrap()
}

#[test]
fn a_loaded_image_is_shown_and_says_how_to_run_it() {
    let Some(engine) = Engine::empty(&[]) else { return };
    assert_eq!(tags(&engine), Vec::<String>::new());
    let config = json!({
        "Cmd": ["sh", "-c", "echo $GREETING; pwd; id -u"], "Env": ["PATH=/bin", "GREETING=hello"], "WorkingDir": "/tmp", "User": "nobody",
        "ExposedPorts": {"80/tcp": {}}, "Labels": {"a": "b"},
    });
    let Some(archive) = Recipe::default().archive() else { return };
    drop(archive);
    let told = engine.send(
        "POST".parse().unwrap(),
        "/images/load",
        Some(("application/x-tar", recipe("shop:1", &config).into())),
    );
    assert!(told.is(200).text().contains("Loaded image: shop:1"));
    assert_eq!(tags(&engine), ["shop:1"]);
    let shown = engine.get("/images/shop:1/json").ok();
    assert!(shown["Id"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!((&shown["Os"], &shown["RepoTags"]), (&json!("linux"), &json!(["shop:1"])));
    for field in ["Cmd", "Env", "WorkingDir", "User", "ExposedPorts", "Labels"] {
        assert_eq!(shown["Config"][field], config[field], "{field}");
    }
    assert_eq!(shown["RootFS"]["Type"], "layers");
    assert_eq!(shown["RootFS"]["Layers"].as_array().unwrap().len(), 1);
    assert!(shown["Size"].as_u64().unwrap() > 100_000);
    let id = shown["Id"].as_str().unwrap();
    for term in [id, &id[7..], &id[7..19]] {
        assert_eq!(engine.get(&format!("/images/{term}/json")).ok()["Id"], json!(id), "{term}");
    }
    engine.get("/images/nothing/json").refuses(404, "No such image: nothing");
    let created = engine.post_json("/containers/create?name=shop", &json!({"Image": "shop:1"})).is(201);
    drop(created);
    let shop = engine.container("shop");
    shop.start();
    assert_eq!(shop.wait(), 0);
    assert_eq!(shop.logs()[0], "hello\n/tmp\n65534\n");
    assert_eq!(shop.inspect()["Image"], json!(id));
    let history = engine.get("/images/shop:1/history").ok();
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!((&history[0]["Id"], &history[0]["CreatedBy"]), (&json!(id), &json!("made by a test")));
    shop.remove();
}

#[test]
fn entrypoint_and_command_go_together_as_they_should() {
    let Some(engine) = Engine::empty(&[]) else { return };
    let Some(_) = Recipe::default().archive() else { return };
    engine.load(recipe("entry:1", &json!({"Entrypoint": ["echo", "one"], "Cmd": ["two"]})));
    let says = |fields: Value| {
        let mut body = json!({"Image": "entry:1"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let made = engine.post_json("/containers/create", &body).is(201).json();
        let container = engine.container(made["Id"].as_str().unwrap());
        container.start();
        container.wait();
        container.logs()[0].clone()
    };
    assert_eq!(says(json!({})), "one two\n");
    assert_eq!(says(json!({"Cmd": ["three"]})), "one three\n");
    assert_eq!(says(json!({"Entrypoint": ["echo", "four"]})), "four\n");
    assert_eq!(says(json!({"Entrypoint": ["echo"], "Cmd": ["five"]})), "five\n");
    assert_eq!(says(json!({"Entrypoint": [], "Cmd": ["echo", "six"]})), "six\n");
    assert_eq!(says(json!({"Entrypoint": [""], "Cmd": ["echo", "seven"]})), "seven\n");
}

#[test]
fn a_tag_is_a_name_and_an_image_goes_with_its_last() {
    let Some(engine) = Engine::start() else { return };
    engine.post("/images/busybox/tag?repo=shop&tag=2").is(201);
    engine.post("/images/busybox/tag?repo=registry.test:5000/team/shop").is(201);
    assert_eq!(tags(&engine), [BUSYBOX, "registry.test:5000/team/shop:latest", "shop:2"]);
    engine.post("/images/nothing/tag?repo=x").refuses(404, "No such image: nothing:latest");
    let status = engine.since("1.44", 400, 500, "a bad name was an error of the daemon");
    assert_eq!(engine.post("/images/busybox/tag?repo=UPPER").status, status);
    let gone = engine.delete("/images/shop:2").ok();
    assert_eq!(gone, json!([{"Untagged": "shop:2"}]));
    let id = engine.get("/images/busybox/json").ok()["Id"].clone();
    let by_id = engine.delete(&format!("/images/{}", id.as_str().unwrap()));
    by_id.refuses(409, "must be forced) - image is referenced in multiple repositories");
    engine.delete("/images/registry.test:5000/team/shop").ok();
    let web = engine.create("web", json!({}));
    let used = format!("must force) - container {} is using its referenced image", &web.id[..12]);
    engine.delete("/images/busybox").refuses(409, &used);
    web.remove();
    let gone = engine.delete("/images/busybox").ok();
    assert_eq!(gone[0], json!({"Untagged": BUSYBOX}));
    assert!(gone.as_array().unwrap().contains(&json!({"Deleted": id})), "{gone}");
    assert_eq!(tags(&engine), Vec::<String>::new());
    engine.delete("/images/busybox").refuses(404, "No such image: busybox:latest");
}

#[test]
fn what_was_saved_can_be_loaded_again() {
    let Some(engine) = Engine::start() else { return };
    let id = engine.get("/images/busybox/json").ok()["Id"].clone();
    let saved = engine.get("/images/busybox/get").is(200);
    assert_eq!(saved.header("content-type"), "application/x-tar");
    engine.delete("/images/busybox").ok();
    engine.load(saved.body.to_vec());
    assert_eq!(engine.get("/images/busybox/json").ok()["Id"], id);
    assert_eq!(engine.output("echo again", json!({})).out, "again\n");
    engine.get("/images/nothing/get").is(404);
    let broken =
        engine.send("POST".parse().unwrap(), "/images/load", Some(("application/x-tar", "no archive at all".into())));
    let said = broken.text();
    assert!(broken.status >= 400 || said.contains("error"), "{said}");
    assert_eq!(tags(&engine), [BUSYBOX]);
}

#[test]
fn images_are_listed_by_filters_and_pruned() {
    let Some(engine) = Engine::start() else { return };
    engine.load(recipe("shop:1", &json!({"Labels": {"team": "x"}})));
    engine.load(recipe("shop:1", &json!({"Labels": {"team": "y"}})));
    let listed = |filters: Value| {
        let list = engine.get_with("/images/json", &[("filters", &filters.to_string())]).ok();
        list.as_array().unwrap().iter().filter(|image| image["RepoTags"] != json!(["host:latest"])).count()
    };
    assert_eq!(listed(json!({})), 3);
    assert_eq!(listed(json!({"dangling": ["true"]})), 1);
    assert_eq!(listed(json!({"dangling": ["false"]})), 2);
    assert_eq!(listed(json!({"label": ["team"]})), 2);
    assert_eq!(listed(json!({"label": ["team=y"]})), 1);
    assert_eq!(listed(json!({"reference": ["sh*"]})), 1);
    assert_eq!(listed(json!({"reference": ["busybox:latest"]})), 1);
    let pruned = engine.post("/images/prune").ok();
    assert!(pruned["ImagesDeleted"].as_array().is_some_and(|deleted| !deleted.is_empty()), "{pruned}");
    assert_eq!(tags(&engine), [BUSYBOX, "shop:1"]);
    assert_eq!(engine.post("/images/prune").ok()["ImagesDeleted"], Value::Null);
}
