//! The API over TCP, with and without TLS, through the running daemon and Docker's own command.

use pontoon_test_support::{Shape, World, binary, docker, skip};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const PORT: u16 = 2376;
/// What `lan` knows the host by.
const HOST: &str = "198.18.1.1";

/// Certificates as Docker's documentation has people make them: `ca.pem`, and for each name `NAME.pem` and `NAME.key`.
struct Authority {
    folder: TempDir,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        std::fs::write(folder.path().join("ca.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: rcgen::Issuer::new(parameters, key) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Issues a certificate for these names and addresses.
    fn issue(&self, name: &str, subjects: &[&str]) {
        let key = rcgen::KeyPair::generate().unwrap();
        let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let parameters = rcgen::CertificateParams::new(subjects).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// `--tlsverify --tlscacert … --tlscert … --tlskey …`, the same flags on both sides.
    fn flags(&self, mode: &str, name: &str) -> Vec<String> {
        let flag = |flag: &str, file: String| format!("--{flag}={}", self.path(&file).display());
        vec![
            mode.to_owned(),
            flag("tlscacert", "ca.pem".into()),
            flag("tlscert", format!("{name}.pem")),
            flag("tlskey", format!("{name}.key")),
        ]
    }
}

/// A world whose daemon listens on every address with a certificate for `host` on the LAN.
fn world(mode: &str) -> Option<(World, Authority, Authority)> {
    let (ours, strangers) = (Authority::new(), Authority::new());
    ours.issue("server", &[HOST, "localhost", "127.0.0.1"]);
    ours.issue("client", &["client"]);
    strangers.issue("client", &["client"]);
    let mut flags = ours.flags(mode, "server");
    flags.push(format!("-H=tcp://0.0.0.0:{PORT}"));
    let world = World::shaped(Shape { flags, ..Shape::default() })?;
    assert_eq!(world.lan().host[0].to_string(), HOST);
    Some((world, ours, strangers))
}

/// Runs `program` on the LAN against the daemon.
fn from_lan(world: &World, program: &Path, flags: &[String], words: &[&str]) -> Output {
    let mut command = Command::new(program);
    let host = format!("tcp://{}:{PORT}", world.lan().host[0]);
    command
        .args(flags)
        .args(["-H", &host])
        .args(words)
        .env("DOCKER_CONFIG", world.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    world.lan().spawn(command).wait_with_output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn with_tlsverify_only_clients_of_our_authority_are_served() {
    let Some((world, ours, strangers)) = world("--tlsverify") else { return };
    let own = binary("pontoon");
    let docker = docker();
    if docker.is_none() {
        skip("there is no docker command");
    }
    for program in docker.iter().chain([&own]) {
        let name = program.display();
        let served = from_lan(&world, program, &ours.flags("--tlsverify", "client"), &["network", "ls", "-q"]);
        assert!(served.status.success() && text(&served).lines().count() == 3, "{name}: {}", text(&served));
        let mut foreign = strangers.flags("--tlsverify", "client");
        foreign[1] = ours.flags("", "")[1].clone();
        let anonymous = ours.flags("--tlsverify", "client")[..2].to_vec();
        for flags in [foreign, anonymous, Vec::new()] {
            let refused = from_lan(&world, program, &flags, &["network", "ls", "-q"]);
            assert!(!refused.status.success(), "{name} {flags:?}: {}", text(&refused));
        }
        // And a client does not talk to just anybody who answers.
        let wary = from_lan(&world, program, &strangers.flags("--tlsverify", "client"), &["network", "ls", "-q"]);
        assert!(!wary.status.success(), "{name}: {}", text(&wary));
    }
    let made = from_lan(&world, &own, &ours.flags("--tlsverify", "client"), &["network", "create", "far"]);
    assert!(made.status.success(), "{}", text(&made));
    assert!(world.api().network("far", false, "").is_ok());
}

#[test]
fn with_tls_alone_everybody_is_served_who_speaks_it() {
    let Some((world, ours, _)) = world("--tls") else { return };
    let own = binary("pontoon");
    let known = ours.flags("--tlsverify", "client")[..2].to_vec();
    let served = from_lan(&world, &own, &known, &["network", "ls", "-q"]);
    assert!(served.status.success(), "{}", text(&served));
    let clear = from_lan(&world, &own, &[], &["network", "ls", "-q"]);
    assert!(!clear.status.success(), "{}", text(&clear));
}

#[test]
fn without_tls_only_loopback_is_listened_on_unless_the_operator_insists() {
    let Some(loopback) = World::shaped(Shape { flags: vec![format!("-H=tcp://127.0.0.1:{PORT}")], ..Shape::default() })
    else {
        return;
    };
    let ask = |world: &World, host: &str| {
        let flags = ["-H", host, "network", "ls", "-q"];
        world.host().output(binary("pontoon"), &flags).status.success()
    };
    assert!(ask(&loopback, &format!("tcp://127.0.0.1:{PORT}")));
    let address = format!("tcp://0.0.0.0:{}", PORT + 1);
    let refused = loopback.daemon().run(&["-H", &address]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("--insecure-tcp"), "{told}");
    let flags = vec![format!("-H={address}"), "--insecure-tcp".to_owned()];
    let Some(insistent) = World::shaped(Shape { flags, ..Shape::default() }) else { return };
    let far = format!("tcp://{}:{}", insistent.lan().host[0], PORT + 1);
    assert!(insistent.lan().output(binary("pontoon"), &["-H", &far, "network", "ls", "-q"]).status.success());
    assert!(
        insistent.daemon().log().contains("without a certificate"),
        "the log warns of it:\n{}",
        insistent.daemon().log()
    );
}

#[test]
fn a_published_port_never_takes_the_apis_own() {
    let Some(world) = World::shaped(Shape { flags: vec![format!("-H=tcp://127.0.0.1:{PORT}")], ..Shape::default() })
    else {
        return;
    };
    world.network("front");
    let port = format!("{PORT}:80/tcp");
    let output = world.pontoon(&["sandbox", "create", "--name", "thief", "--network", "front", "-p", &port]);
    assert!(!output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("address already in use"), "{}", text(&output));
}
