//! `run` and `exec`, with real namespaces and a daemon that answers as told. Needs root, as the commands do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{Daemon, Done};

/// A daemon with one sandbox, whose namespace is `netns`.
fn daemon(netns: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let sandbox = serde_json::json!({
        "Id": "0123456789abcdef",
        "Name": "web",
        "HostsPath": file("hosts", "10.9.9.9 somebody\n"),
        "HostnamePath": file("hostname", "inside\n"),
        "ResolvConfPath": file("resolv.conf", "nameserver 127.0.0.11\n"),
        "Config": {"Hostname": "inside"},
        "NetworkSettings": {"SandboxKey": netns},
    });
    Daemon::within(folder, move |method, path| match (method, path) {
        ("POST", "/pontoon/v1/sandboxes/create") => (201, r#"{"Id":"0123456789abcdef"}"#.to_owned()),
        ("DELETE", _) => (204, String::new()),
        _ => (200, sandbox.to_string()),
    })
}

/// Whether this test can run at all; says so when not.
fn root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("skipped: entering namespaces needs root");
    }
    root
}

fn removed(daemon: &Daemon) -> bool {
    daemon
        .requests()
        .iter()
        .any(|request| request.starts_with("DELETE /pontoon/v1/sandboxes/0123456789abcdef?force=true"))
}

fn started(daemon: &Daemon, script: &str) -> (Child, String) {
    let mut command = daemon.command(&["run", "--", "sh", "-c", script]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn the_commands_status_is_ours_and_the_sandbox_goes() {
    if !root() {
        return;
    }
    let daemon = daemon("/proc/self/ns/net");
    for (line, code) in [
        (&["run", "true"][..], 0),
        (&["run", "--", "sh", "-c", "exit 42"], 42),
        (&["run", "sh", "-c", "kill -KILL $$"], 137),
        (&["run", "--", "no-such-command-anywhere"], 127),
        (&["run", "--", "/etc"], 126),
        (&["exec", "web", "sh", "-c", "exit 9"], 9),
        (&["exec", "web", "--", "no-such-command-anywhere"], 127),
    ] {
        assert_eq!(daemon.run(line).code, code, "{line:?}");
    }
    let removals = daemon.requests().iter().filter(|request| request.starts_with("DELETE")).count();
    assert_eq!(removals, 5, "one for each run");
}

#[test]
fn a_kept_sandbox_stays() {
    if !root() {
        return;
    }
    let daemon = daemon("/proc/self/ns/net");
    assert_eq!(daemon.run(&["run", "--keep", "--", "true"]).code, 0);
    assert!(!removed(&daemon));
}

#[test]
fn the_command_sees_the_sandboxs_own_files_and_name() {
    if !root() {
        return;
    }
    let daemon = daemon("/proc/self/ns/net");
    let before = std::fs::read_to_string("/etc/hosts").unwrap();
    let script = "cat /etc/hosts /etc/resolv.conf; uname -n; echo $HOSTNAME; pwd";
    let mut command = daemon.command(&["run", "--", "sh", "-c", script]);
    let done = Done::from(command.current_dir("/usr").output().unwrap());
    assert_eq!(done.out, "10.9.9.9 somebody\nnameserver 127.0.0.11\ninside\ninside\n/usr\n", "{done:?}");
    assert_eq!(std::fs::read_to_string("/etc/hosts").unwrap(), before, "the host keeps its own");
    assert_ne!(nix::unistd::gethostname().unwrap(), "inside");
}

#[test]
fn the_command_is_in_the_sandboxs_namespace() {
    if !root() {
        return;
    }
    let mut holder = std::process::Command::new("unshare")
        .args(["--net", "sh", "-c", "echo; read x"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let netns = format!("/proc/{}/ns/net", holder.id());
    let expected = std::fs::read_link(&netns).unwrap().display().to_string();
    let daemon = daemon(&netns);
    for line in [&["run", "--"][..], &["exec", "web"]] {
        let line: Vec<&str> =
            line.iter().copied().chain(["sh", "-c", "readlink /proc/self/ns/net; ls /sys/class/net"]).collect();
        let done = daemon.run(&line);
        assert_eq!(done.out.lines().collect::<Vec<_>>(), [expected.as_str(), "lo"], "{done:?}");
    }
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[test]
fn signals_reach_the_command() {
    if !root() {
        return;
    }
    for (script, sent, code) in [
        ("trap 'exit 7' TERM; echo ready; read x", Signal::SIGTERM, 7),
        ("trap 'exit 8' USR1; echo ready; read x", Signal::SIGUSR1, 8),
        ("echo ready; exec cat", Signal::SIGINT, 130),
        ("echo ready; exec cat", Signal::SIGTERM, 143),
    ] {
        let daemon = daemon("/proc/self/ns/net");
        let (mut child, line) = started(&daemon, script);
        assert_eq!(line, "ready");
        // Waiting would close it, and the command end by itself.
        let stdin = child.stdin.take();
        signal(&child, sent);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{script}");
        assert!(removed(&daemon), "{script}");
        drop(stdin);
    }
}

/// Waits until the process is in a state that `fits`; `None` when it is gone.
fn wait_for(pid: &str, fits: impl Fn(Option<char>) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
        if fits(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())) {
            return;
        }
        assert!(Instant::now() < deadline, "{stat}");
        std::thread::yield_now();
    }
}

#[test]
fn a_stopped_command_stops_us_and_goes_on_with_us() {
    if !root() {
        return;
    }
    let daemon = daemon("/proc/self/ns/net");
    let (mut child, pid) = started(&daemon, "echo $$; exec cat");
    let us = child.id().to_string();
    kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGSTOP).unwrap();
    wait_for(&us, |state| state == Some('T'));
    signal(&child, Signal::SIGCONT);
    wait_for(&pid, |state| state == Some('S'));
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_command_does_not_outlive_a_killed_run() {
    if !root() {
        return;
    }
    let daemon = daemon("/proc/self/ns/net");
    let (mut child, pid) = started(&daemon, "echo $$; exec cat");
    let stdin = child.stdin.take();
    signal(&child, Signal::SIGKILL);
    child.wait().unwrap();
    wait_for(&pid, |state| matches!(state, None | Some('Z')));
    drop(stdin);
}

#[test]
fn trouble_before_the_command_is_125() {
    let daemon = Daemon::new(|_, _| (409, r#"{"message":"name taken","hint":"choose another"}"#.to_owned()));
    let done = daemon.run(&["run", "--name", "x", "true"]);
    assert_eq!(
        done,
        Done { code: 125, out: String::new(), err: "pontoon: name taken\nhint: choose another\n".to_owned() }
    );
    for line in [&["run"][..], &["run", "-p", "x", "true"], &["exec", "web"], &["run", "--nope", "true"]] {
        assert_eq!(daemon.run(line).code, 125, "{line:?}");
    }
}
