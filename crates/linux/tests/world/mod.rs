//! A host of its own for each test: a thread with its own network and mount namespace, and a folder for namespaces.
#![allow(dead_code)]

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use pontoon_kernel::{BridgeSpec, Kernel, Netns, Op, VethSpec};
use pontoon_linux::Linux;
use pontoon_types::{LinkName, MacAddr};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs `test` in a world. Says so, and passes, where worlds cannot be made.
pub fn world(test: impl FnOnce(&Linux, &Path) + Send + 'static) {
    let run = move || {
        if let Err(errno) = unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS) {
            eprintln!("skipped: cannot make namespaces: {errno}");
            return;
        }
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
        let folder = tempfile::tempdir().unwrap();
        command("ip link set lo up");
        test(&Linux::new().unwrap(), folder.path());
    };
    if let Err(panic) = std::thread::Builder::new().spawn(run).unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

/// A link name.
pub fn name(text: &str) -> LinkName {
    LinkName::new(text).unwrap()
}

/// Runs a command in the calling thread's namespaces and gives its output.
pub fn command(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command inside the namespace at `path`.
pub fn inside(path: &Path, line: &str) -> String {
    command(&format!("nsenter --net={} {line}", path.display()))
}

/// A bridge by that name, up.
pub fn bridge(linux: &Linux, bridge: &str) {
    let spec = BridgeSpec { name: name(bridge), mac: MacAddr::random(), mtu: None };
    linux.apply(&Netns::Host, &[Op::CreateBridge(spec), Op::Up(name(bridge))]).unwrap();
}

/// What makes a pair between a bridge and a namespace.
pub fn veth(host: &str, bridge: &str, peer_ns: &Netns, peer: &str) -> VethSpec {
    VethSpec {
        host: name(host),
        bridge: name(bridge),
        isolated: false,
        hairpin: false,
        peer_ns: peer_ns.clone(),
        peer: name(peer),
        peer_mac: MacAddr([2, 0, 0, 0, 0, 9]),
        mtu: None,
    }
}

/// Waits until `happened`, at most five seconds.
pub fn eventually(mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < Duration::from_secs(5), "it did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}
