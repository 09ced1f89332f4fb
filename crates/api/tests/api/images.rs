//! Images over the API: every answer as described, large bodies as they come, and errors before and after the beginning.

use crate::contract::Contract;
use crate::probe::{Answer, Probe, encoded};
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use pontoon_images::{Images, Settings};
use serde_json::Value;
use tempfile::TempDir;

struct Bench {
    probe: Probe,
    images: Images,
    _folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let (probe, folder) = (Probe::new(), tempfile::tempdir().unwrap());
        let settings = Settings { root: folder.path().join("images"), hidden: Vec::new(), ..Settings::default() };
        let images = Images::open(settings, Default::default()).unwrap();
        probe.api.serve_images(images.clone());
        Self { probe, images, _folder: folder }
    }

    async fn send(&self, line: &str, body: Vec<u8>) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).header("content-type", "application/x-tar");
        self.probe.send(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }

    async fn import(&self, query: &str) -> String {
        let answer = self.send(&format!("POST /images/create?fromSrc=-&{query}"), archive()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        lines(&answer)[0]["status"].as_str().unwrap().to_owned()
    }

    async fn call(&self, line: &str) -> Answer {
        self.probe.call(line, None).await
    }
}

fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, "file", &b"abc"[..]).unwrap();
    archive.into_inner().unwrap()
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn images_look_as_described() {
    let (contract, bench) = (Contract::read(), Bench::new());
    let id = bench.import(&format!("repo=me/app&tag=1&message=hi&changes={}", encoded("LABEL a=b"))).await;
    let list = bench.call("GET /images/json?shared-size=1").await;
    contract.check("get", "/images/json", &list);
    let own = list.json().as_array().unwrap().iter().find(|image| image["Id"] == id.as_str()).cloned().unwrap();
    assert_eq!((own["RepoTags"][0].as_str(), own["Labels"]["a"].as_str()), (Some("me/app:1"), Some("b")));
    assert_eq!((own["Size"].as_i64(), own["SharedSize"].as_i64()), (Some(3), Some(0)));
    for name in ["me/app:1", "host"] {
        contract.check("get", "/images/{name}/json", &bench.call(&format!("GET /images/{name}/json")).await);
        contract.check("get", "/images/{name}/history", &bench.call(&format!("GET /images/{name}/history")).await);
    }
    let older = bench.call("GET /v1.40/images/me/app:1/json").await.json();
    assert_eq!((older["VirtualSize"].as_i64(), older["Config"]["Tty"].as_bool()), (Some(3), Some(false)));
    contract.check("post", "/images/{name}/tag", &bench.call("POST /images/me/app:1/tag?repo=other").await);
    for (line, path) in [
        ("POST /images/nope/tag?repo=x", "/images/{name}/tag"),
        ("POST /images/host/tag?repo=Upper", "/images/{name}/tag"),
        ("POST /images/me/app:1/tag?repo=host", "/images/{name}/tag"),
        ("DELETE /images/host", "/images/{name}"),
        ("DELETE /images/nope", "/images/{name}"),
        ("DELETE /images/other", "/images/{name}"),
        ("GET /images/nope/json", "/images/{name}/json"),
        ("GET /images/nope/history", "/images/{name}/history"),
    ] {
        let method = line.split_once(' ').unwrap().0.to_ascii_lowercase();
        contract.check(&method, path, &bench.call(line).await);
    }
    let filters = encoded(r#"{"dangling":["false"]}"#);
    let pruned = bench.call(&format!("POST /images/prune?filters={filters}")).await;
    contract.check("post", "/images/prune", &pruned);
    assert_eq!(pruned.json()["SpaceReclaimed"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_images_and_wrong_ones_are_refused() {
    let bench = Bench::new();
    bench.import("repo=me/app&tag=1").await;
    bench.import("").await;
    let listed = async |filters: &str| {
        let answer = bench.call(&format!("GET /images/json?filters={}", encoded(filters))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().as_array().unwrap().len()
    };
    for (filters, count) in [
        ("{}", 3),
        (r#"{"dangling":["true"]}"#, 1),
        (r#"{"dangling":["false"]}"#, 2),
        (r#"{"reference":["me/*"]}"#, 1),
        (r#"{"reference":["host","me/app"]}"#, 2),
        (r#"{"label":["x"]}"#, 0),
        (r#"{"since":["host"]}"#, 2),
        (r#"{"before":["me/app:1"]}"#, 1),
        (r#"{"until":["0"]}"#, 3),
    ] {
        assert_eq!(listed(filters).await, count, "{filters}");
    }
    for (filters, status) in
        [(r#"{"nope":["x"]}"#, 400), (r#"{"dangling":["x"]}"#, 400), (r#"{"before":["nope"]}"#, 404), ("x", 400)]
    {
        let answer = bench.call(&format!("GET /images/json?filters={}", encoded(filters))).await;
        assert_eq!(answer.status, status, "{filters} {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_saved_is_loaded_with_lines_as_dockers() {
    let bench = Bench::new();
    bench.import("repo=me/app&tag=1").await;
    let id = bench.images.image("me/app:1").unwrap().id;
    let request = || Request::builder().uri("/images/get?names=me/app:1&names=me/app").body(Full::<Bytes>::default());
    let saved = bench.probe.api.handle(request().unwrap()).await;
    assert_eq!(saved.headers()["content-type"], "application/x-tar");
    let saved = saved.into_body().collect().await.unwrap().to_bytes().to_vec();
    assert_eq!(bench.call("DELETE /images/me/app:1").await.status, 200);
    let loaded = bench.send("POST /images/load", saved.clone()).await;
    let lines = lines(&loaded);
    assert_eq!(lines[0]["status"], "Loading layer");
    assert!(lines[0]["id"].as_str().unwrap().len() == 12 && lines[0]["progressDetail"]["total"].is_number());
    assert_eq!(lines.last().unwrap()["stream"], "Loaded image: me/app:1\n");
    let quiet = bench.send("POST /images/load?quiet=1", saved).await;
    assert_eq!(quiet.body, "{\"stream\":\"Loaded image: me/app:1\\n\"}\r\n");
    assert_eq!(bench.images.image("me/app:1").unwrap().id, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_a_status_before_the_answer_has_begun() {
    let bench = Bench::new();
    for (line, body, status, text) in [
        ("POST /images/load", &b"nothing"[..], 400, "archive"),
        ("POST /images/load?platform=windows", b"", 404, "only linux/"),
        ("POST /images/create?fromSrc=-", b"nothing of an archive", 400, "archive"),
        ("POST /images/create?fromSrc=-&repo=Upper", b"", 400, "must be lowercase"),
        ("POST /images/create?fromSrc=-&repo=host", b"", 409, "built-in image"),
        ("POST /images/create?fromSrc=-&changes=RUN+x", b"", 400, "RUN is not a valid change command"),
        ("POST /images/create?fromSrc=http://x/y.tar", b"", 501, "URL"),
        ("GET /images/nope/get", b"", 404, "No such image: nope:latest"),
        ("GET /images/host/get", b"", 409, "cannot be saved"),
        ("GET /images/get", b"", 400, "no images given"),
    ] {
        let answer = bench.send(line, body.to_vec()).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        assert!(answer.message().contains(text), "{line}: {}", answer.body);
    }
    for line in ["POST /images/x/push", "GET /images/search?term=x", "POST /build", "POST /commit?container=x"] {
        let answer = bench.call(line).await;
        let name = line.split_once(' ').unwrap().1.split('?').next().unwrap();
        assert_eq!(answer.status, 501, "{line}");
        assert!(answer.message().contains(name), "{line}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_nothing_and_others_go_on_meanwhile() {
    let bench = Bench::new();
    let (sender, pieces) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, String>>(1);
    let body = StreamBody::new(stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) }));
    let request = Request::builder().method("POST").uri("/images/create?fromSrc=-").body(Box::pin(body)).unwrap();
    let api = bench.probe.api.clone();
    let slow = tokio::spawn(async move { api.handle(request).await.status() });
    sender.send(Ok(Frame::data(Bytes::from(archive()[..700].to_vec())))).await.unwrap();
    // Far more than there are slots for calls.
    for _ in 0..40 {
        bench.import("repo=quick").await;
    }
    sender.send(Err("gone".to_owned())).await.unwrap();
    assert_eq!(slow.await.unwrap(), 500);
    assert_eq!(bench.images.images().iter().filter(|image| !image.is_dangling()).count(), 2);
}

#[tokio::test]
async fn without_a_store_images_are_not_implemented() {
    let answer = Probe::new().get("/images/json").await;
    assert_eq!((answer.status, answer.message().as_str()), (501, "this daemon keeps no images"));
}
