//! Making, adopting and releasing network namespaces.
#![allow(clippy::unwrap_used)]

mod world;

use pontoon_kernel::{Kernel, Kind, LinkKind, Netns, NetnsOwner};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use world::{command, eventually, name, world};

fn own_id() -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata("/proc/thread-self/ns/net").unwrap();
    (file.dev(), file.ino())
}

/// Whether the process (whose other tests open files too) has that namespace open.
fn is_open(ino: u64) -> bool {
    let mut files = std::fs::read_dir("/proc/thread-self/fd").unwrap();
    let name = format!("net:[{ino}]");
    files.any(|file| std::fs::read_link(file.unwrap().path()).is_ok_and(|link| link.as_os_str() == name.as_str()))
}

/// A process in a network namespace of its own; dropping it ends it.
struct Process(Child);

impl Process {
    fn start(options: &str) -> Self {
        let line = format!("exec unshare {options} sh -c 'echo ready; exec sleep 60'");
        let mut child = Command::new("sh").args(["-c", &line]).stdout(Stdio::piped()).spawn().unwrap();
        let mut told = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut told, &mut String::new()).unwrap();
        Self(child)
    }

    fn owner(&self, start: u64) -> NetnsOwner {
        NetnsOwner::Process { pid: self.0.id(), start }
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn leaves_no_trace(folder: &Path) {
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    assert!(!std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap().contains(folder.to_str().unwrap()));
}

#[test]
fn a_new_namespace_has_loopback_up_and_nothing_else() {
    world(|linux, folder| {
        let before = own_id();
        let path = folder.join("ns");
        let ns = linux.create_netns(&path).unwrap();
        assert_eq!(ns, Netns::At(path.clone()));
        let observed = linux.observe(&ns).unwrap();
        assert_eq!(observed.links.len(), 1);
        assert_eq!((&observed.links[0].kind, observed.links[0].up), (&LinkKind::Loopback, true));
        assert_eq!(observed.addresses.len(), 2);
        let id = linux.netns_id(&path).unwrap().unwrap();
        assert!(!is_open(id.ino) && is_open(before.1));
        assert_eq!(linux.create_netns(&path).unwrap_err().kind, Kind::Exists);
        assert!(linux.netns_id(&path).unwrap().is_some());
        linux.release_netns(&path).unwrap();
        linux.release_netns(&path).unwrap();
        assert_eq!(linux.netns_id(&path).unwrap(), None);
        assert_eq!(linux.observe(&ns).unwrap_err().kind, Kind::NotFound);
        assert_eq!(own_id(), before);
        leaves_no_trace(folder);
    });
}

#[test]
fn a_namespace_cannot_be_made_where_there_is_no_folder() {
    world(|linux, folder| {
        let before = own_id();
        assert_eq!(linux.create_netns(&folder.join("no/ns")).unwrap_err().kind, Kind::NotFound);
        assert_eq!(own_id(), before);
        leaves_no_trace(folder);
    });
}

#[test]
fn a_copy_of_the_mount_elsewhere_does_not_keep_a_released_namespace() {
    world(|linux, folder| {
        let path = folder.join("ns");
        linux.create_netns(&path).unwrap();
        // Its mounts are a private copy of ours, taken while the namespace was mounted.
        let other = Process::start("--mount --propagation private");
        let mounts = || std::fs::read_to_string(format!("/proc/{}/mountinfo", other.0.id())).unwrap();
        assert!(mounts().contains(path.to_str().unwrap()));
        linux.release_netns(&path).unwrap();
        assert!(!mounts().contains(path.to_str().unwrap()));
    });
}

#[test]
fn a_namespace_is_adopted_from_a_process_and_outlives_it() {
    world(|linux, folder| {
        let path = folder.join("ns");
        let mut process = Process::start("--net");
        let start = linux.process_start(process.0.id()).unwrap().unwrap();
        let id = linux.owner_id(&process.owner(start)).unwrap().unwrap();
        let ns = linux.adopt_netns(&process.owner(start), &path).unwrap();
        assert_eq!(linux.netns_id(&path).unwrap(), Some(id));
        let wrong = linux.adopt_netns(&process.owner(start + 1), &folder.join("wrong")).unwrap_err();
        assert_eq!(wrong.kind, Kind::NotFound);
        process.end();
        assert_eq!(linux.owner_id(&process.owner(start)).unwrap(), None);
        assert_eq!(linux.process_start(process.0.id()).unwrap(), None);
        assert!(linux.link(&ns, &name("lo")).unwrap().is_some());
        assert_eq!(linux.adopt_netns(&process.owner(start), &folder.join("late")).unwrap_err().kind, Kind::NotFound);
        linux.release_netns(&path).unwrap();
        leaves_no_trace(folder);
    });
}

#[test]
fn a_namespace_is_adopted_from_a_path() {
    world(|linux, folder| {
        let (theirs, ours) = (folder.join("theirs"), folder.join("ours"));
        linux.create_netns(&theirs).unwrap();
        let owner = NetnsOwner::Path(theirs.clone());
        linux.adopt_netns(&owner, &ours).unwrap();
        assert_eq!(linux.netns_id(&ours).unwrap(), linux.netns_id(&theirs).unwrap());
        assert_eq!(linux.adopt_netns(&owner, &ours).unwrap_err().kind, Kind::Exists);
        linux.release_netns(&theirs).unwrap();
        assert_eq!(linux.owner_id(&owner).unwrap(), None);
        assert!(linux.netns_id(&ours).unwrap().is_some());
        linux.release_netns(&ours).unwrap();
        leaves_no_trace(folder);
    });
}

#[test]
fn what_is_no_foreign_network_namespace_is_not_adopted() {
    world(|linux, folder| {
        let file = folder.join("file");
        std::fs::write(&file, "").unwrap();
        command(&format!("mkfifo {}/pipe", folder.display()));
        let me = NetnsOwner::Process { pid: std::process::id(), start: 0 };
        for (owner, kind) in [
            (NetnsOwner::Path("/proc/thread-self/ns/net".into()), Kind::Invalid),
            (NetnsOwner::Path("/proc/thread-self/ns/mnt".into()), Kind::Invalid),
            (NetnsOwner::Path(file.clone()), Kind::NotFound),
            (NetnsOwner::Path(folder.join("pipe")), Kind::NotFound),
            (NetnsOwner::Path("/dev/null".into()), Kind::NotFound),
            (NetnsOwner::Path(folder.join("missing")), Kind::NotFound),
            (NetnsOwner::Process { pid: 0, start: 0 }, Kind::NotFound),
            (NetnsOwner::Process { pid: u32::MAX, start: 0 }, Kind::NotFound),
            (NetnsOwner::Process { pid: std::process::id(), start: 1 }, Kind::NotFound),
        ] {
            let error = linux.adopt_netns(&owner, &folder.join("ns")).unwrap_err();
            assert_eq!(error.kind, kind, "{owner:?}: {error}");
            assert!(!folder.join("ns").exists(), "{owner:?}");
        }
        // The test process itself lives outside of this world.
        assert!(linux.owner_id(&me).unwrap().is_some());
        assert_eq!(linux.owner_id(&NetnsOwner::Path(file)).unwrap(), None);
    });
}

#[test]
fn a_mount_that_somebody_removed_is_released_all_the_same() {
    world(|linux, folder| {
        let path = folder.join("ns");
        let ns = linux.create_netns(&path).unwrap();
        command(&format!("umount {}", path.display()));
        assert_eq!(linux.netns_id(&path).unwrap(), None);
        let error = linux.observe(&ns).unwrap_err();
        assert_eq!((error.kind, error.cause.as_str()), (Kind::NotFound, "no namespace is mounted there"));
        linux.release_netns(&path).unwrap();
        leaves_no_trace(folder);
    });
}

#[test]
fn many_threads_use_many_namespaces_at_once_and_stay_at_home() {
    world(|linux, folder| {
        let home = own_id();
        std::thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || {
                    for round in 0..5 {
                        let path = folder.join(format!("ns{number}.{round}"));
                        let ns = linux.create_netns(&path).unwrap();
                        assert_eq!(linux.observe(&ns).unwrap().links.len(), 1);
                        assert_eq!(own_id(), home);
                        linux.release_netns(&path).unwrap();
                    }
                });
            }
        });
        leaves_no_trace(folder);
    });
}

#[test]
fn the_host_is_where_the_value_was_made_whichever_thread_asks() {
    world(|linux, folder| {
        command("ip link add only-here type bridge");
        let elsewhere = linux.create_netns(&folder.join("ns")).unwrap();
        let file = std::fs::File::open(folder.join("ns")).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                nix::sched::setns(&file, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
                let there = own_id();
                assert!(linux.link(&Netns::Host, &name("only-here")).unwrap().is_some());
                assert!(linux.link(&elsewhere, &name("only-here")).unwrap().is_none());
                assert_eq!(linux.sysctl(&Netns::Host, "net/ipv6/conf/only-here/mtu").unwrap().as_deref(), Some("1500"));
                assert_eq!(own_id(), there);
            });
            thread.join().unwrap();
        });
    });
}

#[test]
fn watching_tells_of_links_addresses_rules_mounts_and_ended_processes() {
    use pontoon_kernel::Change;
    world(|linux, folder| {
        let path = folder.join("theirs");
        let mut changes = linux.watch().unwrap();
        let mut wait = |wanted: Change| {
            let mut seen = Vec::new();
            eventually(|| {
                seen.extend(changes.next(std::time::Duration::from_millis(100)).unwrap());
                seen.contains(&wanted)
            });
            // Whatever else belongs to it is over when nothing comes for a while.
            while changes.next(std::time::Duration::from_millis(50)).unwrap().is_some() {}
            seen
        };
        // What appears beside us is in nobody's way; what changes or goes may be missed.
        command("ip link add br0 type bridge");
        command("ip addr add 10.0.0.1/24 dev br0");
        command("ip -6 addr add fd00::1/64 dev br0 nodad");
        for missed in [
            "ip link set br0 up",
            "ip addr del 10.0.0.1/24 dev br0",
            "ip addr del fd00::1/64 dev br0",
            "ip link del br0",
        ] {
            command(missed);
            assert_eq!(wait(Change::Links), [Change::Links], "{missed}");
        }
        command("nft add table inet other");
        assert_eq!(wait(Change::Rules), [Change::Rules]);
        command("nft flush ruleset");
        assert_eq!(wait(Change::Rules), [Change::Rules]);
        linux.create_netns(&path).unwrap();
        assert_eq!(wait(Change::Namespaces), [Change::Namespaces]);
        command(&format!("umount {}", path.display()));
        assert_eq!(wait(Change::Namespaces), [Change::Namespaces]);
    });
}

#[test]
fn an_owner_that_ends_is_noticed_whether_named_by_number_or_by_path() {
    use pontoon_kernel::Change;
    const SOON: std::time::Duration = std::time::Duration::from_secs(5);
    world(|linux, _| {
        let mut changes = linux.watch().unwrap();
        for by_path in [false, true] {
            let mut process = Process::start("--net");
            let start = linux.process_start(process.0.id()).unwrap().unwrap();
            let owner = match by_path {
                true => NetnsOwner::Path(format!("/proc/{}/ns/net", process.0.id()).into()),
                false => process.owner(start),
            };
            changes.follow(std::slice::from_ref(&owner)).unwrap();
            assert_eq!(changes.next(std::time::Duration::ZERO).unwrap(), None);
            process.end();
            assert_eq!(changes.next(SOON).unwrap(), Some(Change::Namespaces));
            assert_eq!(linux.owner_id(&owner).unwrap(), None);
            // Told once, not for ever.
            assert_eq!(changes.next(std::time::Duration::ZERO).unwrap(), None);
            // One that is gone already is told of at once.
            changes.follow(&[owner]).unwrap();
            assert_eq!(changes.next(SOON).unwrap(), Some(Change::Namespaces));
        }
    });
}

#[test]
fn what_we_did_ourselves_is_no_news_and_too_much_news_is_said_to_be_lost() {
    use pontoon_kernel::{Change, Op};
    const SOON: std::time::Duration = std::time::Duration::from_secs(5);
    world(|linux, _| {
        command("ip link add br0 type bridge; ip link set br0 up");
        let mut changes = linux.watch().unwrap();
        linux.apply(&Netns::Host, &[Op::AddAddress(name("br0"), "10.0.0.1/24".parse().unwrap())]).unwrap();
        assert_eq!(changes.next(std::time::Duration::ZERO).unwrap(), None);
        command("ip addr del 10.0.0.1/24 dev br0");
        assert_eq!(changes.next(SOON).unwrap(), Some(Change::Links));
        // Some thousand messages while nobody listens are more than the kernel keeps for us.
        let batch = "for i in $(seq 4000); do echo link set br0 alias a$i; done | ip -batch -";
        let mut heard = Vec::new();
        for _ in 0..20 {
            command(batch);
            heard = std::iter::from_fn(|| changes.next(std::time::Duration::ZERO).unwrap()).collect();
            if heard.contains(&Change::Lost) {
                break;
            }
            assert_eq!(heard, [Change::Links], "a burst is one change");
        }
        eprintln!("a burst of 4000 was heard as {heard:?}");
    });
}
