//! The units for systemd: what they say is well formed, and the daemon takes over the sockets that systemd opened.

use pontoon_client::Host;
use pontoon_client::blocking::Client;
use pontoon_test_support::{Ground, Scene, binary, skip, until_true};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd")
}

/// Whether a program of systemd's is here; says so where it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skip(&format!("there is no {program}"));
    }
    found
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if !has("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["pontoond.service", "pontoond.socket"] {
        let text = std::fs::read_to_string(units().join(name)).unwrap();
        // The program need not be installed where the units are looked at.
        let text = text.replace("/usr/bin/pontoond", &binary("pontoond").display().to_string());
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let unit = |name: &str| folder.path().join(name);
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args([unit("pontoond.socket"), unit("pontoond.service")])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    // It also complains of units of this machine that are none of ours.
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("pontoon")).collect();
    assert!(output.status.success() && ours.is_empty(), "{told}");
}

#[test]
fn a_socket_that_systemd_opened_is_taken_over_and_left_to_it() {
    if !has("systemd-socket-activate") {
        return;
    }
    let Some(scene) = Scene::new(Ground::default()) else { return };
    let at = |name: &str| scene.folder().join(name).display().to_string();
    let socket = scene.folder().join("activated.sock");
    let mut command = Command::new("systemd-socket-activate");
    command
        .args(["-l", &at("activated.sock")])
        .arg(binary("pontoond"))
        .args(["--data-root", &at("data"), "--exec-root", &at("run"), "--pidfile", &at("pid"), "-H", "fd://"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = scene.host().spawn(command);
    until_true("systemd listens", PATIENCE, || socket.exists());
    // The first request starts the daemon, and is answered by it.
    let client = Client::new(Host::Unix(socket.clone())).unwrap().with_timeout(PATIENCE);
    assert_eq!(client.ping().unwrap().os_type, "linux");
    assert_eq!(client.networks(&pontoon_api_types::Filters::default()).unwrap().len(), 3);
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let mut ended = None;
    until_true("it ends", PATIENCE, || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert!(ended.unwrap().success(), "{ended:?}");
    assert!(socket.exists(), "the socket is systemd's to remove");
}

#[test]
fn without_systemd_there_is_no_socket_to_take_over() {
    let Some(scene) = Scene::new(Ground::default()) else { return };
    let at = |name: &str| scene.folder().join(name).display().to_string();
    let words = ["--data-root", &at("data"), "--exec-root", &at("run"), "--pidfile", &at("pid"), "-H", "fd://"];
    let output = scene.host().output(binary("pontoond"), &words);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("hint:"), "{told}");
}
