//! Over real sockets: unix, TCP, TLS; many at once, half-closed clients, slow ones, and the end.

use crate::containers::model::Model;
use crate::core::Core;
use pontoon_api::serve::{ConnectionLimits, Listener, TlsSettings, bind_tcp, bind_unix, expose, serve};
use pontoon_api::{Api, Identity, router};
use pontoon_api_types::{CreateNetworkRequest, CreateSandboxRequest, Filters};
use pontoon_client::{Client, EventQuery, Host, TlsFiles};
use pontoon_types::{EventSubject, Kind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(30);

/// A served API on a unix socket of its own.
pub struct Daemon {
    dir: tempfile::TempDir,
    core: Arc<Core>,
    pub containers: Arc<Model>,
    api: Api,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

pub fn limits() -> ConnectionLimits {
    ConnectionLimits { idle: SOON, grace: Duration::from_secs(5), ..ConnectionLimits::default() }
}

impl Daemon {
    pub fn start(limits: ConnectionLimits, more: Vec<Listener>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let core = Arc::new(Core::new());
        let containers = Arc::new(Model::default());
        let api = router(core.clone(), containers.clone(), Identity::default());
        let mut listeners = vec![Listener::Unix(bind_unix(&dir.path().join("s"), None).unwrap())];
        listeners.extend(more);
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(serve(api.clone(), listeners, limits, async { drop(stopped.await) }));
        Self { dir, core, containers, api, stop, ended }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    pub fn client(&self) -> Client {
        Client::new(Host::Unix(self.path())).with_timeout(SOON)
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(SOON, self.ended).await.expect("it ends in time").unwrap();
    }
}

fn named(name: &str) -> CreateNetworkRequest {
    CreateNetworkRequest { name: name.into(), ..CreateNetworkRequest::default() }
}

#[tokio::test]
async fn the_client_does_everything_over_a_unix_socket() {
    let daemon = Daemon::start(limits(), Vec::new());
    let client = daemon.client();
    assert_eq!(client.ping().await.unwrap().api_version, "1.56");
    assert_eq!(client.version_info().await.unwrap().api_version, "1.56");
    assert_eq!(client.info().await.unwrap().plugins.network, ["bridge", "host", "null"]);
    let id = client.create_network(&named("a/b")).await.unwrap().id;
    assert_eq!(client.network("a/b", true, "local").await.unwrap().id, id);
    let sandbox =
        client.create_sandbox(&CreateSandboxRequest { name: "web".into(), ..Default::default() }).await.unwrap();
    client.connect("a/b", "web", None).await.unwrap();
    assert_eq!(client.sandbox("web").await.unwrap().network_settings.networks.len(), 1);
    assert_eq!(client.sandboxes(&Filters::default()).await.unwrap()[0].id, sandbox.id);
    let busy = client.remove_network("a/b").await.unwrap_err();
    assert_eq!((busy.status(), busy.hint().is_some()), (Some(403), true));
    client.disconnect("a/b", "web", false).await.unwrap();
    let ports = pontoon_api_types::decode(br#"{"80":[{"HostPort":"81"}]}"#).unwrap();
    assert_eq!(client.set_ports("web", ports).await.unwrap().len(), 1);
    client.remove_sandbox("web", true).await.unwrap();
    assert_eq!(client.prune_networks(&Filters::default()).await.unwrap(), ["a/b"]);
    assert_eq!(client.networks(&Filters::default()).await.unwrap().len(), 3);
    daemon.stop().await;
}

#[test]
fn the_blocking_client_needs_no_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let daemon = runtime.block_on(async { Daemon::start(limits(), Vec::new()) });
    let client = pontoon_client::blocking::Client::new(Host::Unix(daemon.path())).unwrap().with_timeout(SOON);
    let mut events = client.events(&EventQuery::default()).unwrap();
    client.create_network(&named("n")).unwrap();
    assert_eq!(events.next().unwrap().unwrap().action, "create");
    assert_eq!(client.network("nope", false, "").unwrap_err().to_string(), "network nope not found");
    runtime.block_on(daemon.stop());
    assert!(events.next().is_none(), "the end of the daemon is the end of the stream");
}

#[tokio::test]
async fn an_absent_daemon_is_an_error_with_a_hint() {
    let error = Client::new(Host::Unix("/nonexistent/s".into())).ping().await.unwrap_err();
    assert_eq!(error.to_string(), "connect to unix:///nonexistent/s");
    assert!(error.hint().unwrap().contains("is pontoond running"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_at_once_are_all_answered() {
    // As many connections as this process may open for both ends, each with its share of the requests.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(4096);
    let clients = usize::try_from(files / 4).unwrap().min(1000);
    let daemon = Daemon::start(limits(), Vec::new());
    let each = 10_000 / clients + 1;
    let tasks: Vec<_> = (0..clients)
        .map(|number| {
            let client = daemon.client();
            tokio::spawn(async move {
                for round in 0..each {
                    let answer = match round % 3 {
                        0 => client.create_network(&named(&format!("n{number}-{round}"))).await.map(|_| ()),
                        1 => client.network(&format!("n{number}-{}", round - 1), false, "").await.map(|_| ()),
                        _ => client.remove_network(&format!("n{number}-{}", round - 2)).await,
                    };
                    answer.unwrap_or_else(|error| panic!("{number}/{round}: {}", pontoon_types::chain(&error)));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    daemon.stop().await;
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_still_gets_its_answer() {
    let daemon = Daemon::start(limits(), Vec::new());
    let mut stream = UnixStream::connect(daemon.path()).await.unwrap();
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("OK"), "{answer}");
    assert!(answer.contains("\r\nApi-Version: 1.56\r\n"), "{answer}");
    daemon.stop().await;
}

#[tokio::test]
async fn events_flow_and_a_client_that_hangs_up_is_noticed() {
    let daemon = Daemon::start(limits(), Vec::new());
    let client = daemon.client();
    let mut stream = client.events(&EventQuery::default()).await.unwrap();
    daemon.core.events.publish(EventSubject::Network, "create", "x".into(), &[]);
    let event = tokio::time::timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(event.actor.id, "x");
    drop(stream);
    // No event follows: it must be noticed all the same.
    let listeners = async {
        while client.info().await.unwrap().n_events_listener != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, listeners).await.expect("the stream must end");
    daemon.stop().await;
}

#[tokio::test]
async fn streams_and_idle_connections_do_not_hold_up_the_end() {
    let daemon = Daemon::start(limits(), Vec::new());
    let client = daemon.client();
    let mut stream = client.events(&EventQuery::default()).await.unwrap();
    client.ping().await.unwrap();
    let idle = UnixStream::connect(daemon.path()).await.unwrap();
    daemon.stop().await;
    assert!(stream.next().await.is_none());
    drop(idle);
}

#[tokio::test]
async fn a_head_that_is_too_long_or_never_ends_is_refused() {
    let short = ConnectionLimits { idle: Duration::from_millis(200), ..limits() };
    let daemon = Daemon::start(short, Vec::new());
    let read = |mut stream: UnixStream| async move {
        let mut answer = String::new();
        // The rest of the request may not be taken any more; what was answered counts.
        let _ = tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.expect("it must end");
        answer
    };
    let mut long = UnixStream::connect(daemon.path()).await.unwrap();
    let head = format!("GET /_ping HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    let _ = long.write_all(head.as_bytes()).await;
    let answer = read(long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let mut slow = UnixStream::connect(daemon.path()).await.unwrap();
    slow.write_all(b"GET /_ping HTTP/1.1\r\nHo").await.unwrap();
    let answer = read(slow).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    let mut noise = UnixStream::connect(daemon.path()).await.unwrap();
    noise.write_all(b"\x16\x03\x01\x00\xff\r\n\r\n").await.unwrap();
    assert!(read(noise).await.starts_with("HTTP/1.1 400"), "what is no HTTP is refused");
    assert!(daemon.client().ping().await.is_ok(), "and the next one is served");
    daemon.stop().await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let daemon = Daemon::start(ConnectionLimits { at_once: 1, ..limits() }, Vec::new());
    let first = daemon.client();
    first.ping().await.unwrap();
    let second = daemon.client();
    let waiting = tokio::spawn(async move { second.ping().await });
    first.ping().await.unwrap();
    assert!(!waiting.is_finished());
    drop(first);
    assert!(tokio::time::timeout(SOON, waiting).await.unwrap().unwrap().is_ok());
    daemon.stop().await;
}

#[tokio::test]
async fn tcp_serves_too_and_the_identity_can_change() {
    let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let daemon = Daemon::start(limits(), vec![Listener::Tcp(listener)]);
    let client = Client::new(Host::Tcp { name: "127.0.0.1".into(), port }).with_timeout(SOON);
    assert!(!client.info().await.unwrap().debug);
    daemon.api.set_identity(Identity { debug: true, ..Identity::default() });
    assert!(client.info().await.unwrap().debug);
    daemon.stop().await;
}

#[tokio::test]
async fn numbers_are_served_at_their_path_only() {
    let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let render = Arc::new(|| "pontoon_x 1\n".to_owned());
    let ended = tokio::spawn(expose(listener, render, async { drop(stopped.await) }));
    let client = Client::new(Host::Tcp { name: "127.0.0.1".into(), port }).with_timeout(SOON);
    let answer = client.get("/metrics").await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "pontoon_x 1\n"));
    assert_eq!(client.get("/networks").await.unwrap().status.as_u16(), 404);
    stop.send(()).unwrap();
    tokio::time::timeout(SOON, ended).await.expect("it ends").unwrap();
}

/// A certificate authority with a certificate for `localhost` and one for a client.
fn certificates(dir: &std::path::Path) -> (TlsSettings, TlsFiles, TlsFiles) {
    let authority = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap().pem();
        (certificate, rcgen::Issuer::new(parameters, key))
    };
    let write = |name: &str, text: String| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name)
    };
    let (ours, issuer) = authority();
    let (_, stranger) = authority();
    let issue = |name: &str, issuer: &rcgen::Issuer<'_, rcgen::KeyPair>| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, issuer).unwrap();
        (write(&format!("{name}.pem"), certificate.pem()), write(&format!("{name}.key"), key.serialize_pem()))
    };
    let ca = write("ca.pem", ours);
    let (certificate, key) = issue("server", &issuer);
    let server = TlsSettings { certificate, key, client_ca: Some(ca.clone()) };
    let client = |name, issuer: &_| TlsFiles { ca: ca.clone(), identity: Some(issue(name, issuer)) };
    (server, client("client", &issuer), client("stranger", &stranger))
}

#[tokio::test]
async fn tls_takes_only_clients_of_the_configured_authority() {
    let dir = tempfile::tempdir().unwrap();
    let (server, known, stranger) = certificates(dir.path());
    let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let host = Host::Tcp { name: "localhost".into(), port: listener.local_addr().unwrap().port() };
    let daemon = Daemon::start(limits(), vec![Listener::Tls(listener, server.load().unwrap())]);
    let ping = |files: TlsFiles| {
        let client = Client::with_tls(host.clone(), &files).unwrap().with_timeout(SOON);
        async move { client.ping().await }
    };
    assert_eq!(ping(known.clone()).await.unwrap().os_type, "linux");
    assert!(ping(stranger).await.is_err());
    assert!(ping(TlsFiles { identity: None, ..known.clone() }).await.is_err());
    assert!(Client::new(host.clone()).with_timeout(SOON).ping().await.is_err(), "not in the clear");
    daemon.stop().await;
}

#[test]
fn tls_files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let (server, ..) = certificates(dir.path());
    let missing = TlsSettings { key: dir.path().join("nope"), ..server.clone() };
    assert!(missing.load().unwrap_err().to_string().ends_with("nope"));
    let swapped = TlsSettings { certificate: server.key.clone(), ..server.clone() };
    assert!(swapped.load().is_err());
    let foreign = TlsSettings { key: dir.path().join("client.key"), ..server };
    assert!(foreign.load().is_err(), "certificate and key of different people");
}
