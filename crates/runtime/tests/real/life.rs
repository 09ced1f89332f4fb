//! From creation to deletion, and back after the caller was killed.

use crate::place::{BOUND, Place};
use pontoon_runtime::{Conmon, Error, Exit, Phase, Runtime};

#[test]
fn a_container_runs_and_its_exit_code_and_output_are_kept() {
    let Some(place) = Place::new() else { return };
    let plan = place.plan("echo out; echo err >&2; exit 7");
    let created = place.runtime.create(&plan).unwrap();
    assert!(created.pid > 0 && created.monitor > 0 && created.pid != created.monitor);
    let state = place.runtime.state(&plan.id).unwrap().unwrap();
    assert_eq!((state.phase, state.pid), (Phase::Created, created.pid));
    place.runtime.start(&plan.id).unwrap();
    let exit = place.ended(&plan.id);
    assert_eq!((exit.code, exit.oom_killed, exit.monitor_lost), (7, false, false));
    let log = std::fs::read_to_string(place.log(&plan.id)).unwrap();
    assert!(log.contains(" stdout F out\n") && log.contains(" stderr F err\n"), "{log}");
    assert_eq!(place.runtime.all().unwrap(), [plan.id]);
    place.runtime.delete(&plan.id).unwrap();
    place.runtime.delete(&plan.id).unwrap();
    assert_eq!(place.runtime.state(&plan.id).unwrap(), None);
    place.nothing_left_of(&plan.id);
    assert!(place.log(&plan.id).exists(), "the log stays");
}

#[test]
fn signals_end_it_with_their_number() {
    let Some(place) = Place::new() else { return };
    for (signal, all) in [(15, false), (9, false), (9, true), (34, false)] {
        let plan = place.plan_of(&[
            "sh",
            "-c",
            "trap 'exit 143' TERM; trap 'exit 162' 34; sleep 1000 & echo up; while :; do wait; done",
        ]);
        place.run(&plan);
        pontoon_test_support::until_true("it is up", BOUND, || place.printed(&plan.id) == "up");
        place.runtime.kill(&plan.id, signal, all).unwrap();
        assert_eq!(place.ended(&plan.id).code, 128 + signal);
        assert!(matches!(place.runtime.kill(&plan.id, 15, false), Err(Error::NotRunning { .. })));
        place.runtime.delete(&plan.id).unwrap();
    }
}

#[test]
fn a_frozen_container_stands_still_and_can_be_killed() {
    let Some(place) = Place::new() else { return };
    if !place.runtime.cgroups().freezer {
        pontoon_test_support::skip("there is no control group that freezes");
        return;
    }
    let plan = place.plan("while :; do echo tick; sleep 0.01; done");
    place.run(&plan);
    pontoon_test_support::until_true("it ticks", BOUND, || place.printed(&plan.id).contains("tick"));
    place.runtime.pause(&plan.id).unwrap();
    assert_eq!(place.runtime.state(&plan.id).unwrap().unwrap().phase, Phase::Paused);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let before = place.printed(&plan.id).len();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(place.printed(&plan.id).len(), before);
    place.runtime.resume(&plan.id).unwrap();
    pontoon_test_support::until_true("it ticks again", BOUND, || place.printed(&plan.id).len() > before);
    place.runtime.pause(&plan.id).unwrap();
    place.runtime.kill(&plan.id, 9, false).unwrap();
    assert_eq!(place.ended(&plan.id).code, 137);
}

#[test]
fn another_daemon_finds_everything_again() {
    let Some(place) = Place::new() else { return };
    let (running, over, created) = (place.plan("sleep 1000"), place.plan("exit 3"), place.plan("true"));
    place.run(&running);
    place.run(&over);
    place.runtime.create(&created).unwrap();
    place.ended(&over.id);
    let again = Conmon::new(place.settings.clone()).unwrap();
    let mut all = again.all().unwrap();
    all.sort();
    let mut expected = [running.id, over.id, created.id];
    expected.sort();
    assert_eq!(all, expected);
    let phase = |id| again.state(&id).unwrap().unwrap().phase;
    assert_eq!(phase(running.id), Phase::Running);
    assert_eq!(phase(created.id), Phase::Created);
    assert!(matches!(phase(over.id), Phase::Ended(Exit { code: 3, monitor_lost: false, .. })));
    again.start(&created.id).unwrap();
    again.kill(&running.id, 15, false).unwrap_or_else(|error| panic!("{error}"));
    again.delete(&running.id).unwrap();
    place.nothing_left_of(&running.id);
}

#[test]
fn a_container_whose_monitor_is_killed_ends() {
    let Some(place) = Place::new() else { return };
    let plan = place.plan("sleep 1000 & sleep 1000");
    let created = place.runtime.create(&plan).unwrap();
    place.runtime.start(&plan.id).unwrap();
    let ending = place.runtime.ending(&plan.id).unwrap();
    kill9(created.monitor);
    assert!(ending.wait(BOUND).unwrap());
    let exit = place.ended(&plan.id);
    assert_eq!((exit.code, exit.monitor_lost), (137, true));
    assert_eq!(place.ended(&plan.id), exit, "told the same again");
    place.runtime.delete(&plan.id).unwrap();
    place.nothing_left_of(&plan.id);
}

#[test]
fn a_container_that_runs_is_deleted_with_all_of_it() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan("trap '' TERM; sleep 1000 & sleep 1000");
    plan.namespaces.ipc = pontoon_runtime::Ipc::Shareable;
    place.run(&plan);
    let shm = place.runtime.shm(&plan.id).unwrap().unwrap();
    assert!(shm.is_dir());
    assert!(matches!(place.runtime.create(&plan), Err(Error::Exists { .. })));
    place.runtime.delete(&plan.id).unwrap();
    place.nothing_left_of(&plan.id);
    place.run(&plan);
}

#[test]
fn memory_that_is_out_is_told() {
    let Some(place) = Place::new() else { return };
    if !place.runtime.cgroups().memory {
        pontoon_test_support::skip("there is no control group that limits memory");
        return;
    }
    let mut plan = place.plan("dd if=/dev/zero of=/dev/shm/x bs=1M count=100; echo $?");
    plan.shm_size = 200 << 20;
    plan.resources.memory = Some(16 << 20);
    plan.resources.memory_swap = Some(16 << 20);
    place.run(&plan);
    let exit = place.ended(&plan.id);
    assert!(exit.oom_killed, "{exit:?} {}", place.printed(&plan.id));
}

#[test]
fn limits_are_set_changed_and_counted() {
    let Some(place) = Place::new() else { return };
    if !place.runtime.cgroups().memory {
        pontoon_test_support::skip("there is no control group that limits memory");
        return;
    }
    let mut plan = place.plan("sleep 1000");
    plan.resources.memory = Some(64 << 20);
    plan.resources.pids_limit = Some(50);
    place.run(&plan);
    let stats = place.runtime.stats(&plan.id).unwrap();
    assert_eq!((stats.memory.limit, stats.pids.limit), (64 << 20, Some(50)));
    assert!(stats.pids.current >= 1 && stats.memory.usage > 0 && stats.cpu.total > 0, "{stats:?}");
    assert!(stats.memory.counters.contains_key("pgfault"), "{stats:?}");
    let wanted = pontoon_runtime::Resources { memory: Some(32 << 20), ..Default::default() };
    place.runtime.update(&plan.id, &wanted).unwrap();
    let stats = place.runtime.stats(&plan.id).unwrap();
    assert_eq!((stats.memory.limit, stats.pids.limit), (32 << 20, Some(50)));
    let top = place.runtime.top(&plan.id, "").unwrap();
    assert!(top.titles.contains(&"PID".to_owned()));
    assert!(
        top.processes.iter().any(|row| row.last().is_some_and(|command| command.contains("sleep 1000"))),
        "{top:?}"
    );
    assert_eq!(place.runtime.top(&plan.id, "aux").unwrap().titles[0], "USER");
    assert!(place.runtime.top(&plan.id, "-nosuch").is_err());
}

#[test]
fn a_monitor_is_small() {
    let Some(place) = Place::new() else { return };
    let plan = place.plan("sleep 1000");
    let created = place.runtime.create(&plan).unwrap();
    place.runtime.start(&plan.id).unwrap();
    let smaps = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", created.monitor)).unwrap();
    let pss = smaps.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok());
    assert!(pss.is_some_and(|pss: u64| pss <= 2048), "{pss:?} KiB");
}

pub fn kill9(pid: u32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.try_into().unwrap()), nix::sys::signal::SIGKILL).unwrap();
}
