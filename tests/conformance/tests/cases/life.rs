//! The life of a container: made, started, stopped, restarted, removed, and what each says when it does not fit.

use pontoon_conformance::{Engine, json};

#[test]
fn a_container_is_made_started_stopped_and_removed() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({"Labels": {"a": "b"}}));
    assert_eq!(web.status(), "created");
    web.start();
    assert_eq!(web.status(), "running");
    assert_eq!(web.tell("echo hello"), "hello\n");
    web.stop();
    assert_eq!(web.status(), "exited");
    web.remove();
    engine.get("/containers/web/json").refuses(404, "No such container: web");
}
