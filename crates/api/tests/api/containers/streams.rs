//! Streams of containers over real sockets: attach, exec, logs, wait, stats.

use crate::serving::{Daemon, limits};
use futures_util::{SinkExt, StreamExt};
use pontoon_runtime::{Runtime, Stream};
use pontoon_types::ContainerId;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio_tungstenite::tungstenite::Message;

const SOON: Duration = Duration::from_secs(30);

/// A connection with a request on it, and the head of its answer.
struct Raw {
    head: String,
    stream: BufReader<UnixStream>,
}

impl Raw {
    async fn open(daemon: &Daemon, request: &str) -> Self {
        let mut stream = UnixStream::connect(daemon.path()).await.unwrap();
        stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
        let (mut stream, mut head) = (BufReader::new(stream), String::new());
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(soon(stream.read_line(&mut head)).await.unwrap(), 0, "{head}");
        }
        Self { head, stream }
    }

    async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        soon(self.stream.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    async fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        soon(self.stream.read_to_end(&mut bytes)).await.unwrap();
        bytes
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it takes too long")
}

fn daemon() -> Daemon {
    Daemon::start(limits(), Vec::new())
}

async fn create(daemon: &Daemon, name: &str, settings: &str) -> ContainerId {
    let body = format!(r#"{{"Image":"host","Cmd":["sh"],{settings}}}"#);
    let path = format!("/containers/create?name={name}");
    let answer = daemon.client().post(&path, Some(body.as_bytes())).await.unwrap();
    let id: serde_json::Value = answer.json().unwrap();
    id["Id"].as_str().unwrap().parse().unwrap()
}

async fn start(daemon: &Daemon, name: &str) {
    let answer = daemon.client().post(&format!("/containers/{name}/start"), None).await.unwrap();
    assert_eq!(answer.status.as_u16(), 204, "{}", answer.text());
}

const ALL: &str = "stream=1&stdin=1&stdout=1&stderr=1";

fn attach(name: &str, query: &str, upgrade: bool) -> String {
    let upgrade = if upgrade { "Connection: Upgrade\nUpgrade: tcp\n" } else { "" };
    format!("POST /containers/{name}/attach?{query} HTTP/1.1\nHost: x\n{upgrade}\n")
}

#[tokio::test]
async fn a_client_attached_before_the_start_gets_every_byte_in_frames() {
    let daemon = daemon();
    let id = create(&daemon, "web", r#""OpenStdin":true,"StdinOnce":true"#).await;
    let mut raw = Raw::open(&daemon, &attach("web", ALL, true)).await;
    assert_eq!(
        raw.head,
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    );
    start(&daemon, "web").await;
    let runtime = &daemon.containers.runtime;
    runtime.print(&id, Stream::Stdout, b"out").unwrap();
    runtime.print(&id, Stream::Stderr, b"err").unwrap();
    assert_eq!(raw.read(22).await, b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err");
    raw.write(b"typed").await;
    raw.stream.get_mut().shutdown().await.unwrap();
    let read = soon(async {
        let mut all = Vec::new();
        loop {
            let (more, ended) = runtime.read(&id).unwrap();
            all.extend(more);
            if ended {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(read.await, b"typed", "and then the end");
    runtime.print(&id, Stream::Stdout, b"bye").unwrap();
    daemon.containers.end("web", 0);
    assert_eq!(raw.rest().await, b"\x01\0\0\0\0\0\0\x03bye");
    daemon.stop().await;
}

#[tokio::test]
async fn a_terminal_is_raw_and_the_keys_detach() {
    let daemon = daemon();
    let id = create(&daemon, "web", r#""OpenStdin":true,"Tty":true"#).await;
    start(&daemon, "web").await;
    let query = format!("{ALL}&detachKeys=ctrl-a,x");
    let mut raw = Raw::open(&daemon, &attach("web", &query, true)).await;
    assert!(raw.head.contains("\r\nContent-Type: application/vnd.docker.raw-stream\r\n"), "{}", raw.head);
    daemon.containers.runtime.print(&id, Stream::Stdout, b"$ ").unwrap();
    assert_eq!(raw.read(2).await, b"$ ");
    raw.write(b"ls\x01x").await;
    assert_eq!(raw.rest().await, b"");
    assert!(daemon.containers.runtime.state(&id).unwrap().is_some_and(|s| s.pid != 0), "it goes on");
    daemon.stop().await;
}

#[tokio::test]
async fn clients_without_upgrade_get_the_bare_connection() {
    let daemon = daemon();
    let id = create(&daemon, "web", r#""OpenStdin":true"#).await;
    start(&daemon, "web").await;
    // What is sent before the answer belongs to the stream.
    let mut raw = Raw::open(&daemon, &(attach("web", ALL, false) + "early")).await;
    assert_eq!(raw.head, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n");
    daemon.containers.runtime.print(&id, Stream::Stdout, b"x").unwrap();
    assert_eq!(raw.read(9).await, b"\x01\0\0\0\0\0\0\x01x");
    soon(async {
        while daemon.containers.runtime.read(&id).unwrap().0 != b"early" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    daemon.containers.end("web", 0);
    assert_eq!(raw.rest().await, b"");
    daemon.stop().await;
}

#[tokio::test]
async fn only_the_streams_asked_for_are_told_and_the_past_comes_first() {
    let daemon = daemon();
    let id = create(&daemon, "web", r#""Tty":false"#).await;
    start(&daemon, "web").await;
    let raw = Raw::open(&daemon, &attach("web", "logs=1&stream=1&stderr=1", true)).await;
    let runtime = &daemon.containers.runtime;
    runtime.print(&id, Stream::Stdout, b"no").unwrap();
    runtime.print(&id, Stream::Stderr, b"yes").unwrap();
    daemon.containers.end("web", 0);
    assert_eq!(raw.rest().await, b"\x02\0\0\0\0\0\0\x04two\n\x02\0\0\0\0\0\0\x03yes");
    let past = Raw::open(&daemon, &attach("web", "logs=1&stdout=1", true)).await;
    assert_eq!(past.rest().await.len(), 8 + 4 + 8 + 6);
    daemon.stop().await;
}

#[tokio::test]
async fn commands_are_attached_and_what_goes_wrong_is_told_in_their_stream() {
    let daemon = daemon();
    let id = create(&daemon, "web", r#""Tty":false"#).await;
    start(&daemon, "web").await;
    daemon.containers.runtime.answer(|_| Some((3, "hello".into())));
    for (word, told) in [("ls", "hello"), ("missing", "OCI runtime exec failed: \"missing\" not found\r\n")] {
        let body = format!(r#"{{"Cmd":["{word}"],"AttachStdout":true,"AttachStderr":true}}"#);
        let made = daemon.client().post("/containers/web/exec", Some(body.as_bytes())).await.unwrap();
        let made: serde_json::Value = made.json().unwrap();
        let exec = made["Id"].as_str().unwrap();
        let request = format!(
            "POST /v1.41/exec/{exec}/start HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: tcp\nContent-Type: application/json\nContent-Length: 2\n\n{{}}"
        );
        let raw = Raw::open(&daemon, &request).await;
        assert!(raw.head.starts_with("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"));
        let framed = [&[1, 0, 0, 0, 0, 0, 0, u8::try_from(told.len()).unwrap()], told.as_bytes()].concat();
        assert_eq!(raw.rest().await, framed, "{word}");
    }
    let _ = id;
    daemon.stop().await;
}

#[tokio::test]
async fn waiting_answers_at_once_and_tells_when_it_is_over() {
    let daemon = daemon();
    create(&daemon, "web", r#""Tty":false"#).await;
    let request = "POST /containers/web/wait?condition=next-exit HTTP/1.1\nHost: x\n\n";
    let mut raw = Raw::open(&daemon, request).await;
    assert!(raw.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", raw.head);
    start(&daemon, "web").await;
    daemon.containers.end("web", 7);
    let mut body = String::new();
    while !body.contains("StatusCode") {
        soon(raw.stream.read_line(&mut body)).await.unwrap();
    }
    assert!(body.contains("{\"StatusCode\":7}"), "{body}");
    daemon.stop().await;
}

#[tokio::test]
async fn a_followed_log_ends_with_the_client_or_the_daemon() {
    let daemon = daemon();
    create(&daemon, "web", r#""Tty":false"#).await;
    let request = |query: &str| format!("GET /containers/web/logs?{query} HTTP/1.1\nHost: x\nConnection: close\n\n");
    let whole = Raw::open(&daemon, &request("stdout=1&stderr=1&tail=1&timestamps=1")).await;
    assert!(whole.head.contains("Content-Type: application/vnd.docker.multiplexed-stream\r\n"), "{}", whole.head);
    let body = String::from_utf8_lossy(&whole.rest().await).into_owned();
    assert!(body.contains("1970-01-01T00:00:03.000000000Z three\n"), "{body}");
    let mut left = Raw::open(&daemon, &request("stdout=1&follow=1")).await;
    left.read(10).await;
    drop(left);
    let mut followed = Raw::open(&daemon, &request("stdout=1&follow=1")).await;
    followed.read(10).await;
    soon(daemon.stop()).await;
    followed.rest().await;
}

#[tokio::test]
async fn stats_come_every_second_with_the_moment_before() {
    let daemon = daemon();
    create(&daemon, "web", r#""Tty":false"#).await;
    start(&daemon, "web").await;
    let mut raw = Raw::open(&daemon, "GET /containers/web/stats HTTP/1.1\nHost: x\n\n").await;
    let mut moments = Vec::new();
    while moments.len() < 2 {
        let mut line = String::new();
        soon(raw.stream.read_line(&mut line)).await.unwrap();
        if line.starts_with('{') {
            moments.push(serde_json::from_str::<serde_json::Value>(&line).unwrap());
        }
    }
    assert_eq!(moments[0]["preread"], "0001-01-01T00:00:00Z");
    assert_eq!(moments[1]["preread"], moments[0]["read"]);
    daemon.stop().await;
}

#[tokio::test]
async fn a_websocket_carries_the_same_bytes() {
    let daemon = daemon();
    let id = create(&daemon, "web", r#""OpenStdin":true"#).await;
    start(&daemon, "web").await;
    let request = format!(
        "GET /containers/web/attach/ws?{ALL} HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n"
    );
    let raw = Raw::open(&daemon, &request).await;
    assert!(raw.head.contains("Sec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{}", raw.head);
    let role = tokio_tungstenite::tungstenite::protocol::Role::Client;
    let mut socket = tokio_tungstenite::WebSocketStream::from_raw_socket(raw.stream, role, None).await;
    daemon.containers.runtime.print(&id, Stream::Stdout, b"hi").unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::Binary("hi".into()));
    socket.send(Message::Text("typed".into())).await.unwrap();
    soon(async {
        while daemon.containers.runtime.read(&id).unwrap().0 != b"typed" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    daemon.containers.end("web", 0);
    while let Some(Ok(message)) = soon(socket.next()).await {
        assert!(message.is_close(), "{message:?}");
    }
    daemon.stop().await;
}

#[tokio::test]
async fn a_slow_reader_stalls_nobody_else() {
    let daemon = daemon();
    let slow = create(&daemon, "slow", r#""Tty":false"#).await;
    start(&daemon, "slow").await;
    let mut stuck = Vec::new();
    for _ in 0..64 {
        stuck.push(Raw::open(&daemon, &attach("slow", ALL, true)).await);
    }
    daemon.containers.runtime.print(&slow, Stream::Stdout, &[b'x'; 1000]).unwrap();
    let quick = create(&daemon, "quick", r#""Tty":false"#).await;
    start(&daemon, "quick").await;
    let mut raw = Raw::open(&daemon, &attach("quick", ALL, true)).await;
    daemon.containers.runtime.print(&quick, Stream::Stdout, b"here").unwrap();
    assert_eq!(raw.read(12).await, b"\x01\0\0\0\0\0\0\x04here");
    assert_eq!(daemon.client().get("/containers/json").await.unwrap().status.as_u16(), 200);
    daemon.stop().await;
}
