//! Other hosts: without control groups, with the other runtime; and containers that share.

use crate::place::{BOUND, Place, read_all};
use pontoon_runtime::{
    CgroupVersion, Cgroups, Error, ExecPlan, Ipc, Namespace, Network, Phase, Process, Runtime, Stdin,
};
use pontoon_test_support::until_true;
use pontoon_types::ExecId;
use std::path::PathBuf;

/// Everything that a runtime is asked for.
fn lives_and_ends(place: &Place, has_groups: bool) {
    let mut plan = place.plan("trap 'exit 143' TERM; echo up; sleep 1000 & while :; do wait; done");
    plan.process.stdin = Stdin::Open;
    place.run(&plan);
    let id = plan.id;
    until_true("it is up", BOUND, || place.printed(&id) == "up");
    let process = Process { env: vec!["PATH=/bin".into()], ..Process::new(&["echo", "hello"]) };
    let exec = ExecPlan { id: ExecId::random(), process, privileged: false };
    let (_, attachment) = place.runtime.exec(&id, &exec, true).unwrap();
    assert_eq!(read_all(&attachment.unwrap()).0, "hello\n");
    let mut missing = exec.clone();
    (missing.id, missing.process.args) = (ExecId::random(), vec!["nosuch".into()]);
    let error = place.runtime.exec(&id, &missing, true).unwrap_err();
    assert!(error.exit_code() == 127 && error.to_string().contains("executable file not found in $PATH"), "{error}");
    let top = place.runtime.top(&id, "-ef").unwrap();
    assert!(top.processes.len() >= 2, "{top:?}");
    let stats = place.runtime.stats(&id).unwrap();
    assert!(stats.pids.current >= 2 && stats.memory.usage > 0, "{stats:?}");
    let limits = pontoon_runtime::Resources { memory: Some(64 << 20), ..Default::default() };
    if has_groups {
        place.runtime.update(&id, &limits).unwrap();
        place.runtime.pause(&id).unwrap();
        assert_eq!(place.runtime.state(&id).unwrap().unwrap().phase, Phase::Paused);
        place.runtime.resume(&id).unwrap();
    } else {
        assert!(matches!(place.runtime.pause(&id), Err(Error::NotSupported(_))));
        assert!(matches!(place.runtime.update(&id, &limits), Err(Error::NotSupported(_))));
    }
    place.runtime.kill(&id, 15, false).unwrap();
    assert_eq!(place.ended(&id).code, 143);
    place.runtime.delete(&id).unwrap();
    place.nothing_left_of(&id);
    let error = place.runtime.create(&place.plan_of(&["nosuch"])).unwrap_err();
    assert!(error.exit_code() == 127 && error.to_string().contains("executable file not found in $PATH"), "{error}");
    let plan = place.plan("trap '' TERM; sleep 1000 & sleep 1000");
    place.run(&plan);
    place.runtime.kill(&plan.id, 9, true).unwrap();
    assert_eq!(place.ended(&plan.id).code, 137);
    place.runtime.delete(&plan.id).unwrap();
    place.nothing_left_of(&plan.id);
}

#[test]
fn a_host_without_control_groups_runs_containers_without_limits() {
    let hide = || {
        let none = nix::mount::MsFlags::empty();
        nix::mount::mount(Some("none"), "/sys/fs/cgroup", Some("tmpfs"), none, None::<&str>).unwrap();
    };
    let Some(place) = Place::with(|_, _| hide()) else { return };
    assert_eq!(place.runtime.cgroups(), Cgroups::NONE);
    lives_and_ends(&place, false);
    let mut plan = place.plan("echo fine");
    plan.resources.memory = Some(64 << 20);
    plan.resources.pids_limit = Some(5);
    assert_eq!(place.output(&plan), (0, "fine".into()), "limits that cannot be are left out");
}

#[test]
fn runc_is_as_good() {
    let Some(place) = Place::with(|settings, _| settings.default_runtime = Some("runc".into())) else { return };
    let runtimes = place.runtime.runtimes();
    if runtimes.first().is_none_or(|(name, _)| name != "runc") {
        pontoon_test_support::skip("runc is not installed");
        return;
    }
    if place.runtime.cgroups().version == CgroupVersion::None {
        pontoon_test_support::skip("runc needs control groups");
        return;
    }
    lives_and_ends(&place, true);
}

#[test]
fn a_runtime_is_chosen_for_each_container() {
    let Some(place) = Place::new() else { return };
    let names: Vec<String> = place.runtime.runtimes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.first().map(String::as_str), Some("crun"));
    for name in names {
        if name == "runc" && place.runtime.cgroups().version == CgroupVersion::None {
            continue;
        }
        let mut plan = place.plan("echo fine");
        plan.runtime = Some(name);
        assert_eq!(place.output(&plan), (0, "fine".into()));
    }
}

#[test]
fn namespaces_are_shared_as_asked() {
    let Some(place) = Place::new() else { return };
    let mut first = place.plan("echo shared > /dev/shm/file; hostname first; echo up; sleep 1000");
    first.namespaces.ipc = Ipc::Shareable;
    first.security.cap_add = vec!["SYS_ADMIN".into()];
    place.run(&first);
    until_true("it is up", BOUND, || place.printed(&first.id) == "up");
    let pid = place.runtime.state(&first.id).unwrap().unwrap().pid;
    let of = |kind: &str| PathBuf::from(format!("/proc/{pid}/ns/{kind}"));
    let line =
        "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; cat /dev/shm/file; hostname; echo $$ | head -c 1";
    let mut second = place.plan(line);
    second.namespaces.network = Network::At(of("net"));
    second.namespaces.pid = Namespace::At(of("pid"));
    second.namespaces.uts = Namespace::At(of("uts"));
    let shm = place.runtime.shm(&first.id).unwrap().unwrap();
    second.namespaces.ipc = Ipc::At { namespace: of("ipc"), shm };
    let (code, log) = place.output(&second);
    let link = |kind: &str| std::fs::read_link(of(kind)).unwrap().to_string_lossy().into_owned();
    let expected = format!("{}\n{}\nshared\nfirst\n", link("net"), link("ipc"));
    assert!(code == 0 && log.starts_with(&expected), "{code} {log}");
    assert!(!log.ends_with("\n1"), "it is not the first process: {log}");

    let mut hosts = place.plan("for kind in net pid uts ipc; do readlink /proc/self/ns/$kind; done");
    hosts.namespaces.network = Network::Host;
    hosts.namespaces.pid = Namespace::Host;
    hosts.namespaces.uts = Namespace::Host;
    hosts.namespaces.ipc = Ipc::Host;
    let own = ["net", "pid", "uts", "ipc"]
        .map(|kind| std::fs::read_link(format!("/proc/thread-self/ns/{kind}")).unwrap().to_string_lossy().into_owned());
    assert_eq!(place.output(&hosts), (0, own.join("\n")));

    let mut none = place.plan("grep -c ' /dev/shm ' /proc/mounts");
    none.namespaces.ipc = Ipc::None;
    assert_eq!(place.output(&none).1, "0");
    // A container in another's process namespace ends with it, and is killed alone as well.
    let mut third = place.plan("sleep 1000 & sleep 1000");
    third.namespaces.pid = Namespace::At(of("pid"));
    place.run(&third);
    place.runtime.delete(&third.id).unwrap();
    place.nothing_left_of(&third.id);
    assert_eq!(place.runtime.state(&first.id).unwrap().unwrap().phase, Phase::Running);
}
