//! Every answer about containers, commands and volumes has the shape that Docker's description gives it.

use crate::contract::Contract;
use crate::probe::{Probe, encoded};
use pontoon_containers::Status;
use serde_json::json;

const CREATE: &str = r#"{"Image":"host","Cmd":["sh","-c","true x"],"Labels":{"a":"1"},"Env":["A=b"],"ExposedPorts":{"80/tcp":{}},
    "Healthcheck":{"Test":["CMD","true"]},"HostConfig":{"NetworkMode":"net","Annotations":{"n":"1"},"Binds":["/a:/b"],
    "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"RestartPolicy":{"Name":"always"},"Sysctls":{"a":"b"}},
    "NetworkingConfig":{"EndpointsConfig":{"net":{"Aliases":["x"],"IPAMConfig":{"IPv4Address":"10.0.0.9"}}}}}"#;

async fn create(probe: &Probe, name: &str) -> String {
    let answer = probe.post(&format!("/containers/create?name={name}"), CREATE).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["Id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn containers_look_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    contract.check("post", "/containers/create", &probe.post("/containers/create?name=web", CREATE).await);
    contract.check("post", "/containers/create", &probe.post("/containers/create?name=web", CREATE).await);
    for path in ["/containers/json?all=1", "/containers/json?all=1&size=1"] {
        let list = probe.get(path).await;
        assert_eq!(list.json().as_array().unwrap().len(), 1);
        contract.check("get", "/containers/json", &list);
    }
    for path in ["/containers/web/json", "/containers/web/json?size=1", "/containers/nope/json"] {
        contract.check("get", "/containers/{id}/json", &probe.get(path).await);
    }
    assert_eq!(probe.call("POST /containers/web/start", None).await.status, 204);
    contract.check("get", "/containers/{id}/json", &probe.get("/containers/web/json").await);
    contract.check("get", "/containers/{id}/top", &probe.get("/containers/web/top").await);
    contract.check("get", "/containers/{id}/changes", &probe.get("/containers/web/changes").await);
    for query in ["stream=0", "stream=0&one-shot=1"] {
        contract.check("get", "/containers/{id}/stats", &probe.get(&format!("/containers/web/stats?{query}")).await);
    }
    contract.check("post", "/containers/{id}/update", &probe.post("/containers/web/update", "{}").await);
    contract.check("post", "/containers/prune", &probe.call("POST /containers/prune", None).await);
}

#[tokio::test]
async fn a_containers_life_answers_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    create(&probe, "web").await;
    for (call, status) in [
        ("start", 204),
        ("start", 304),
        ("pause", 204),
        ("unpause", 204),
        ("restart?t=0", 204),
        ("resize?h=10&w=20", 200),
        ("stop?t=1&signal=TERM", 204),
        ("stop", 304),
        ("kill", 409),
        ("rename?name=db", 204),
        ("start", 404),
    ] {
        let answer = probe.call(&format!("POST /containers/web/{call}"), None).await;
        assert_eq!(answer.status, status, "{call}: {}", answer.body);
        let path = format!("/containers/{{id}}/{}", call.split('?').next().unwrap());
        contract.check("post", &path, &answer);
    }
    probe.call("POST /containers/db/start", None).await;
    for (call, status) in [("", 409), ("?force=1&v=1", 204), ("", 404)] {
        let answer = probe.call(&format!("DELETE /containers/db{call}"), None).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        contract.check("delete", "/containers/{id}", &answer);
    }
}

#[tokio::test]
async fn commands_look_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    create(&probe, "web").await;
    let body = r#"{"Cmd":["ls","-l"],"AttachStdout":true}"#;
    for (path, body, status) in [
        ("/containers/web/exec", body, 409),
        ("/containers/nope/exec", body, 404),
        ("/containers/web/exec", "{}", 400),
        ("/containers/web/exec", r#"{"Cmd":["a"],"DetachKeys":"ctrl-"}"#, 400),
    ] {
        let answer = probe.post(path, body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        contract.check("post", "/containers/{id}/exec", &answer);
    }
    probe.call("POST /containers/web/start", None).await;
    let answer = probe.post("/containers/web/exec", body).await;
    contract.check("post", "/containers/{id}/exec", &answer);
    let id = answer.json()["Id"].as_str().unwrap().to_owned();
    contract.check("get", "/exec/{id}/json", &probe.get(&format!("/exec/{id}/json")).await);
    contract.check("get", "/exec/{id}/json", &probe.get("/exec/nope/json").await);
    let started = probe.post(&format!("/exec/{id}/start"), r#"{"Detach":true}"#).await;
    assert_eq!((started.status, started.body.as_str()), (200, ""));
    contract.check("post", "/exec/{id}/start", &probe.post("/exec/nope/start", "{}").await);
    let resized = probe.call(&format!("POST /exec/{id}/resize?h=1&w=2"), None).await;
    contract.check("post", "/exec/{id}/resize", &resized);
}

#[tokio::test]
async fn volumes_and_disk_usage_look_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    contract.check("get", "/volumes", &probe.get("/volumes").await);
    let created = probe.post("/volumes/create", r#"{"Name":"v","Labels":{"a":"1"}}"#).await;
    contract.check("post", "/volumes/create", &created);
    contract.check("get", "/volumes", &probe.get("/volumes").await);
    contract.check("get", "/volumes/{name}", &probe.get("/volumes/v").await);
    contract.check("get", "/volumes/{name}", &probe.get("/volumes/nope").await);
    create(&probe, "web").await;
    contract.check("get", "/system/df", &probe.get("/system/df").await);
    let verbose = probe.get("/system/df?verbose=1").await;
    contract.check("get", "/system/df", &verbose);
    assert_eq!(verbose.json()["VolumeUsage"]["Items"][0]["UsageData"], json!({"RefCount":0,"Size":4}));
    let old = probe.get("/v1.50/system/df?type=volume").await.json();
    assert_eq!((old["Volumes"].as_array().unwrap().len(), &old["Containers"]), (1, &json!(null)));
    assert_eq!(probe.get("/system/df?type=x").await.message(), "unknown object type: x");
    for (call, status) in [("/v", 204), ("/v", 404), ("/v?force=1", 204)] {
        let answer = probe.call(&format!("DELETE /volumes{call}"), None).await;
        assert_eq!(answer.status, status);
        contract.check("delete", "/volumes/{name}", &answer);
    }
    contract.check("post", "/volumes/prune", &probe.call("POST /volumes/prune", None).await);
    assert_eq!(probe.call("PUT /volumes/v", None).await.status, 501);
}

#[tokio::test]
async fn lists_are_filtered_limited_and_in_order() {
    let probe = Probe::new();
    for name in ["one", "two", "three"] {
        create(&probe, name).await;
    }
    probe.call("POST /containers/two/start", None).await;
    probe.containers.set_status("three", Status::Dead);
    for (query, names) in [
        ("", "two"),
        ("all=1", "three two one"),
        ("limit=2", "three two"),
        ("all=1&limit=-1", "three two one"),
        (r#"filters={"status":["dead","created"]}"#, "three one"),
        (r#"all=1&filters={"name":["o"]}"#, "two one"),
        (r#"all=1&filters={"before":["three"]}"#, "two one"),
        (r#"all=1&filters={"since":["one"]}"#, "three two"),
        (r#"all=1&filters={"ancestor":["host"],"label":["a=1"]}"#, "three two one"),
        (r#"all=1&filters={"ancestor":["other"]}"#, ""),
        (r#"all=1&filters={"publish":["80"],"network":["net"]}"#, "three two one"),
        (r#"all=1&filters={"publish":["8080"]}"#, ""),
    ] {
        let (rest, filters) = query.split_once("filters=").unwrap_or((query, ""));
        let answer = probe.get(&format!("/containers/json?{rest}&filters={}", encoded(filters))).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let list = answer.json();
        let listed = list.as_array().unwrap().iter();
        let listed: Vec<&str> = listed.map(|one| one["Names"][0].as_str().unwrap().trim_start_matches('/')).collect();
        assert_eq!(listed.join(" "), names, "{query}");
    }
    for (query, status, text) in [
        ("limit=x", 400, "invalid value for limit: strconv.Atoi: parsing \"x\": invalid syntax"),
        ("filters=x", 400, "invalid filter"),
        (r#"filters={"nope":["x"]}"#, 400, "invalid filter 'nope'"),
        (r#"filters={"status":["x"]}"#, 400, "invalid filter 'status=x'"),
        (r#"filters={"before":["x"]}"#, 404, "No such container: x"),
    ] {
        let (key, value) = query.split_once('=').unwrap();
        let answer = probe.get(&format!("/containers/json?{key}={}", encoded(value))).await;
        assert_eq!((answer.status, answer.message().as_str()), (status, text));
    }
}

#[tokio::test]
async fn files_go_out_and_in_as_streams_with_their_description() {
    let (contract, probe) = (Contract::read(), Probe::new());
    create(&probe, "web").await;
    let told = |answer: &crate::probe::Answer| {
        let header = answer.headers["x-docker-container-path-stat"].as_bytes().to_vec();
        serde_json::from_slice::<serde_json::Value>(&data_encoding::BASE64.decode(&header).unwrap()).unwrap()
    };
    let stat = json!({"name":"file","size":3,"mode":420,"mtime":"1970-01-01T00:00:00Z","linkTarget":""});
    let looked = probe.call("HEAD /containers/web/archive?path=/file", None).await;
    assert_eq!((looked.status, looked.body.as_str(), told(&looked)), (200, "", stat.clone()));
    let got = probe.get("/containers/web/archive?path=/file").await;
    assert_eq!((got.status, got.body.as_str(), told(&got)), (200, "a tar stream", stat));
    assert_eq!(got.headers["content-type"], "application/x-tar");
    assert_eq!(probe.get("/containers/web/export").await.body, "a tar stream");
    let put = |query: &'static str| {
        let request = http::Request::builder().method("PUT").uri(format!("/containers/web/archive?{query}"));
        let body = http_body_util::Full::new(bytes::Bytes::from_static(b"sent"));
        probe.send(request.header("content-type", "application/x-tar").body(body).unwrap())
    };
    let done = put("path=/").await;
    assert_eq!((done.status, done.body.as_str()), (200, ""));
    let refused = put("path=/ro&copyUIDGID=1&noOverwriteDirNonDir=true").await;
    assert_eq!(refused.message(), "/ro sent UnpackWish { keep_kinds: true, own: true }");
    contract.check("put", "/containers/{id}/archive", &refused);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_in_dockers_words() {
    let probe = Probe::new();
    create(&probe, "web").await;
    for (line, body, status, text) in [
        ("POST /containers/create", Some(""), 400, "invalid JSON: got EOF while reading request body"),
        ("POST /containers/create", Some("{}"), 400, "config cannot be empty in order to create a container"),
        ("POST /containers/web/wait?condition=x", None, 400, "invalid condition: \"x\""),
        ("GET /containers/web/logs", None, 400, "Bad parameters: you must choose at least one stream"),
        ("GET /containers/web/stats?stream=1&one-shot=1", None, 400, "cannot have stream=true and one-shot=true"),
        ("POST /containers/web/attach?detachKeys=x-y", None, 400, "Invalid detach keys (x-y) provided"),
        ("POST /containers/nope/attach?stream=1", None, 404, "No such container: nope"),
        ("GET /containers/web/attach/ws", None, 400, "not websocket protocol"),
        ("POST /containers/web/stop?signal=NOPE", None, 400, "invalid signal: NOPE"),
        (
            "POST /containers/web/stop?t=x",
            None,
            400,
            "invalid value for t: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "POST /containers/web/start",
            Some(r#"{"Binds":null}"#),
            400,
            "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
        ),
        (
            "POST /containers/web/resize?h=a&w=1",
            None,
            400,
            "invalid resize height \"a\": strconv.ParseUint: parsing \"a\": invalid syntax",
        ),
        ("POST /build", None, 501, "/build: building images is not supported by Pontoon"),
        ("POST /session", None, 501, "/session: building images is not supported by Pontoon"),
        (
            "POST /commit?container=web",
            None,
            501,
            "/commit: committing containers to images is not supported by Pontoon",
        ),
        ("POST /swarm/init", None, 501, "/swarm/init: swarm mode is not supported by Pontoon"),
        ("GET /containers/nope/export", None, 404, "No such container: nope"),
        ("GET /containers/web/archive", None, 400, "bad parameter: path cannot be empty"),
        ("GET /containers/web/archive?path=/x", None, 404, "Could not find the file /x in container web"),
        ("PUT /containers/nope/archive?path=/", None, 404, "No such container: nope"),
        ("GET /containers/web/checkpoints", None, 404, "page not found"),
    ] {
        let answer = probe.call(line, body).await;
        assert_eq!((answer.status, answer.message().as_str()), (status, text), "{line}");
    }
    assert_eq!(probe.get("/plugins").await.json(), json!([]));
}

#[tokio::test]
async fn older_clients_see_and_mean_what_they_did() {
    let probe = Probe::new();
    create(&probe, "web").await;
    let shown = |version: &'static str| {
        let probe = &probe;
        async move { probe.get(&format!("/{version}/containers/json?all=1")).await.json()[0].clone() }
    };
    assert_eq!(shown("v1.52").await["Health"], json!({"Status":"none","FailingStreak":0}));
    assert!(shown("v1.51").await.get("Health").is_none());
    let two = r#"{"Image":"x","NetworkingConfig":{"EndpointsConfig":{"a":{},"b":{}}}}"#;
    assert_eq!(
        probe.post("/v1.43/containers/create", two).await.message(),
        "Container cannot be created with multiple network endpoints: a, b"
    );
    assert_eq!(probe.post("/v1.44/containers/create", two).await.status, 201);
}

#[tokio::test]
async fn the_daemon_tells_of_its_containers() {
    let probe = Probe::new();
    create(&probe, "web").await;
    let info = probe.get("/info").await.json();
    assert_eq!((&info["Containers"], &info["Driver"]), (&json!(1), &json!("overlay2")));
    assert_eq!((&info["CgroupVersion"], &info["MemoryLimit"]), (&json!("2"), &json!(true)));
    assert!(!info["DefaultRuntime"].as_str().unwrap().is_empty());
}
