//! Programs that fail, hang, lie or are killed, and callers that are killed: nothing half-made remains.

use crate::life::kill9;
use crate::place::{BOUND, Place, apart, script};
use pontoon_runtime::{Conmon, Error, ExecPlan, Phase, Process, Runtime, Settings, State};
use pontoon_test_support::until_true;
use pontoon_types::{ContainerId, ExecId};
use std::path::Path;
use std::time::Duration;

/// A runtime that does what `line` says when it is asked for `command`, and else what crun does.
fn wrapped(folder: &Path, command: &str, line: &str) -> std::path::PathBuf {
    let text = format!("for word; do [ \"$word\" = {command} ] && {{ {line}; }}; done\nexec crun \"$@\"");
    script(folder, "crun-wrapped", &text)
}

fn with_runtime(command: &'static str, line: &'static str) -> Option<Place> {
    Place::with(move |settings, folder| {
        settings.runtimes = vec![("wrapped".into(), wrapped(folder, command, line))];
        settings.default_runtime = Some("wrapped".into());
        settings.patience = Duration::from_secs(3);
    })
}

#[test]
fn a_runtime_that_fails_at_creation_leaves_nothing() {
    for (line, expected) in [
        ("echo no such luck >&2; exit 1", "OCI runtime create failed: wrapped create failed: no such luck"),
        ("exit 1", "ended before it could create"),
        ("kill -9 $$", "ended before it could create"),
        ("crun \"$@\"; echo late >&2; exit 1", "late"),
        ("exit 0", ""),
        ("sleep 1000", "wrapped did not create within 3 s"),
        ("crun \"$@\"; sleep 1000", "wrapped did not create within 3 s"),
    ] {
        apart(|| {
            let Some(place) = with_runtime("create", line) else { return };
            let plan = place.plan("sleep 1000");
            let error = place.runtime.create(&plan).unwrap_err();
            assert!(error.to_string().contains(expected), "{line}: {error}");
            place.nothing_left_of(&plan.id);
            assert_eq!(place.runtime.all().unwrap(), []);
        });
    }
}

#[test]
fn a_runtime_that_fails_at_start_or_deletion_is_an_error_and_everything_can_be_removed() {
    for (command, line) in [
        ("start", "echo no >&2; exit 1"),
        ("start", "sleep 1000"),
        ("start", "kill -9 $$"),
        ("delete", "exit 1"),
        ("delete", "sleep 1000"),
    ] {
        apart(|| {
            let Some(place) = with_runtime(command, line) else { return };
            let plan = place.plan("sleep 1000");
            place.runtime.create(&plan).unwrap();
            let started = place.runtime.start(&plan.id);
            assert_eq!(started.is_err(), command == "start", "{started:?}");
            place.runtime.delete(&plan.id).unwrap();
            place.nothing_left_of(&plan.id);
        });
    }
}

#[test]
fn a_command_that_cannot_be_started_leaves_nothing_and_the_container_lives() {
    for line in ["exit 1", "sleep 1000", "kill -9 $$", "echo no >&2; exit 1"] {
        apart(|| {
            let Some(place) = with_runtime("exec", line) else { return };
            let plan = place.plan("sleep 1000");
            place.run(&plan);
            for attached in [false, true] {
                let exec = ExecPlan { id: ExecId::random(), process: Process::new(&["/bin/true"]), privileged: false };
                let error = place.runtime.exec(&plan.id, &exec, attached).unwrap_err();
                assert!(!matches!(error, Error::NotRunning { .. }), "{line}: {error}");
                assert_eq!(place.runtime.exec_state(&plan.id, &exec.id).unwrap(), None);
            }
            assert_eq!(place.runtime.state(&plan.id).unwrap().unwrap().phase, Phase::Running);
            until_true("only the container is left", BOUND, || place.processes_of(&plan.id).len() <= 2);
        });
    }
}

#[test]
fn a_monitor_that_is_missing_fails_or_hangs_is_an_error_of_the_container() {
    let monitor = |text: &'static str| {
        Place::with(move |settings, folder| {
            settings.monitor = Some(script(folder, "monitor", text));
            settings.patience = Duration::from_secs(3);
        })
    };
    for (text, expected) in [
        ("echo cannot >&2; exit 1", "conmon ended before it could create: cannot"),
        ("sleep 1000", "conmon did not create within 3 s"),
        ("kill -9 $$", "conmon ended before it could create"),
        ("echo nonsense >&$_OCI_SYNCPIPE", "conmon ended before it could create"),
        ("echo '{\"data\": 4194305}' >&$_OCI_SYNCPIPE", ""),
        ("echo '{\"data\": 0}' >&$_OCI_SYNCPIPE; sleep 1000 &", ""),
    ] {
        apart(|| {
            let Some(place) = monitor(text) else { return };
            let plan = place.plan("true");
            let error = place.runtime.create(&plan).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert_eq!(place.runtime.all().unwrap(), []);
        });
    }
    apart(|| {
        let gone = |settings: &mut Settings| settings.monitor = Some("/nonexistent/conmon".into());
        let Some(place) = Place::with(|settings, _| gone(settings)) else { return };
        let error = place.runtime.create(&place.plan("true")).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error}");
    });
    let missing = |settings: &mut Settings| {
        settings.runtimes = vec![("gone".into(), "/nonexistent/crun".into())];
        settings.default_runtime = Some("gone".into());
    };
    let Some(place) = Place::with(|settings, _| missing(settings)) else { return };
    assert!(place.runtime.create(&place.plan("true")).is_err());
    assert_eq!(place.runtime.all().unwrap(), []);
}

/// A caller of its own that is killed: this test again, told by its environment what to create.
#[test]
fn what_a_killed_caller_has_half_made_is_found_and_removed() {
    let Some(place) = with_runtime("create", "sleep ${SLOW:-0.2}") else { return };
    for wait in [0, 20, 60, 120, 200, 250, 300] {
        let plan = place.plan("sleep 1000");
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failure::creates_for_another_test", "--nocapture"])
            .env("CREATE", format!("{} {} {}", place.settings.exec_root.display(), place.rootfs().display(), plan.id))
            .env("RUNTIME", &place.settings.runtimes[0].1)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        until_true("it has begun", BOUND, || place.runtime.all().unwrap().contains(&plan.id));
        std::thread::sleep(Duration::from_millis(wait));
        kill9(child.id());
        child.wait().unwrap();
        let again = Conmon::new(place.settings.clone()).unwrap();
        assert!(again.all().unwrap().contains(&plan.id));
        let state = again.state(&plan.id).unwrap();
        assert!(matches!(state, None | Some(State { phase: Phase::Created, .. })), "{state:?}");
        again.delete(&plan.id).unwrap();
        place.nothing_left_of(&plan.id);
    }
}

#[test]
fn creates_for_another_test() {
    let Ok(words) = std::env::var("CREATE") else { return };
    let words: Vec<&str> = words.split(' ').collect();
    let mut settings = Settings::new(words[0]);
    settings.runtimes = vec![("wrapped".into(), std::env::var_os("RUNTIME").unwrap().into())];
    settings.default_runtime = Some("wrapped".into());
    let id: ContainerId = words[2].parse().unwrap();
    let mut plan = pontoon_runtime::ContainerPlan::new(id, words[1], &["sleep", "1000"]);
    plan.process.env = vec!["PATH=/bin".into()];
    let _ = Conmon::new(settings).unwrap().create(&plan);
    std::thread::sleep(BOUND);
}

#[test]
fn a_monitor_that_is_killed_while_it_creates_is_an_error() {
    let Some(place) = with_runtime("create", "sleep 1") else { return };
    let plan = place.plan("sleep 1000");
    let error = std::thread::scope(|scope| {
        let create = scope.spawn(|| place.runtime.create(&plan));
        let file = place.settings.exec_root.join("containers").join(plan.id.to_string()).join("monitor");
        let pid = pontoon_test_support::until("the monitor is there", BOUND, || {
            std::fs::read_to_string(&file).ok()?.trim().parse::<u32>().ok()
        });
        kill9(pid);
        create.join().unwrap().unwrap_err()
    });
    assert!(matches!(error, Error::Died { .. }), "{error}");
    place.nothing_left_of(&plan.id);
}
