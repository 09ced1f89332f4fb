//! Attachments, terminals and commands.

use crate::place::{BOUND, Place, read_all, read_until};
use pontoon_runtime::{
    ConsoleSize, Error, ExecPlan, LogPlan, LogQuery, LogReader, LogWatch, Phase, Process, Runtime, State, Stdin,
};
use pontoon_types::ExecId;

#[test]
fn what_is_attached_before_the_start_misses_nothing() {
    let Some(place) = Place::new() else { return };
    let plan = place.plan("echo out; echo err >&2; echo more");
    place.runtime.create(&plan).unwrap();
    let (one, two) = (place.runtime.attach(&plan.id, false).unwrap(), place.runtime.attach(&plan.id, false).unwrap());
    place.runtime.start(&plan.id).unwrap();
    for attachment in [&one, &two] {
        assert_eq!(read_all(attachment), ("out\nmore\n".into(), "err\n".into()));
    }
    assert!(one.write(b"x").is_err(), "it has no standard input");
}

#[test]
fn standard_input_is_open_as_long_as_docker_keeps_it() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan("cat; echo end");
    plan.process.stdin = Stdin::Open;
    place.runtime.create(&plan).unwrap();
    let first = place.runtime.attach(&plan.id, true).unwrap();
    place.runtime.start(&plan.id).unwrap();
    assert_eq!(first.write(b"one\n").unwrap(), 4);
    read_until(&first, |out, _| out == "one\n");
    first.end_stdin().unwrap();
    drop(first);
    // Another comes later, and the input is still open.
    let second = place.runtime.attach(&plan.id, true).unwrap();
    second.write(b"two\n").unwrap();
    read_until(&second, |out, _| out == "two\n");
    assert_eq!(place.runtime.state(&plan.id).unwrap().unwrap().phase, Phase::Running);
    place.runtime.kill(&plan.id, 9, false).unwrap();

    let mut plan = place.plan("cat; echo end");
    plan.process.stdin = Stdin::Once;
    place.runtime.create(&plan).unwrap();
    let attachment = place.runtime.attach(&plan.id, true).unwrap();
    // Whoever only looks on may come and go.
    drop(place.runtime.attach(&plan.id, false).unwrap());
    place.runtime.start(&plan.id).unwrap();
    drop(place.runtime.attach(&plan.id, false).unwrap());
    let long = "x".repeat(100_000);
    let mut rest = long.as_bytes();
    let mut read = String::new();
    while !rest.is_empty() {
        match attachment.write(rest) {
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                read += &read_until(&attachment, |out, _| !out.is_empty()).0;
            }
            Err(error) => panic!("{error}"),
        }
    }
    attachment.end_stdin().unwrap();
    read += &read_all(&attachment).0;
    assert_eq!(read.len(), long.len() + 4);
    assert!(read.ends_with("xend\n"));
    assert_eq!(place.ended(&plan.id).code, 0);
}

#[test]
fn without_standard_input_it_reads_nothing() {
    let Some(place) = Place::new() else { return };
    assert_eq!(place.output(&place.plan("cat; echo end")), (0, "end".into()));
}

#[test]
fn a_terminal_has_a_size_that_can_change() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan("trap 'exit 130' INT; stty size; while :; do sleep 0.1; done");
    plan.process.tty = true;
    plan.process.stdin = Stdin::Open;
    plan.process.console_size = Some(ConsoleSize { height: 33, width: 77 });
    place.runtime.create(&plan).unwrap();
    let attachment = place.runtime.attach(&plan.id, true).unwrap();
    place.runtime.start(&plan.id).unwrap();
    assert_eq!(read_until(&attachment, |out, _| out.ends_with('\n')).0, "33 77\r\n");
    place.runtime.resize(&plan.id, ConsoleSize { height: 10, width: 20 }).unwrap();
    let exec = command(&["stty", "-F", "/proc/1/fd/0", "size"]);
    pontoon_test_support::until_true("the size has changed", BOUND, || {
        let exec = ExecPlan { id: ExecId::random(), ..exec.clone() };
        let (_, attachment) = place.runtime.exec(&plan.id, &exec, true).unwrap();
        read_all(&attachment.unwrap()).0 == "10 20\n"
    });
    // Control-C is the terminal's.
    attachment.write(b"\x03").unwrap();
    assert_eq!(place.ended(&plan.id).code, 130);
}

fn command(args: &[&str]) -> ExecPlan {
    let process = Process { env: vec!["PATH=/bin".into()], ..Process::new(args) };
    ExecPlan { id: ExecId::random(), process, privileged: false }
}

#[test]
fn a_command_runs_beside_the_first_process() {
    let Some(place) = Place::new() else { return };
    let plan = place.plan("sleep 1000");
    place.run(&plan);
    let mut exec = command(&["sh", "-c", "cat; id -u; pwd; echo $X; grep CapEff /proc/self/status >&2; exit 9"]);
    exec.process.user = "ann".into();
    exec.process.cwd = "/tmp".into();
    exec.process.env.push("X=y".into());
    exec.process.stdin = Stdin::Once;
    let (created, attachment) = place.runtime.exec(&plan.id, &exec, true).unwrap();
    assert!(created.pid > 0);
    let attachment = attachment.unwrap();
    attachment.write(b"in\n").unwrap();
    attachment.end_stdin().unwrap();
    assert_eq!(read_all(&attachment), ("in\n1000\n/tmp\ny\n".into(), "CapEff:\t0000000000000000\n".into()));
    assert!(place.runtime.exec_ending(&plan.id, &exec.id).unwrap().wait(BOUND).unwrap());
    let state = place.runtime.exec_state(&plan.id, &exec.id).unwrap();
    assert!(matches!(state, Some(State { phase: Phase::Ended(exit), .. }) if exit.code == 9), "{state:?}");
    place.runtime.exec_delete(&plan.id, &exec.id).unwrap();
    assert_eq!(place.runtime.exec_state(&plan.id, &exec.id).unwrap(), None);

    // Detached, and ended by its caller; then one that is over before anybody looks.
    let exec = command(&["sleep", "1000"]);
    let (_, attachment) = place.runtime.exec(&plan.id, &exec, false).unwrap();
    assert!(attachment.is_none());
    place.runtime.exec_kill(&plan.id, &exec.id, 9).unwrap();
    assert!(place.runtime.exec_ending(&plan.id, &exec.id).unwrap().wait(BOUND).unwrap());
    let exec = command(&["true"]);
    place.runtime.exec(&plan.id, &exec, false).unwrap();
    assert!(place.runtime.exec_ending(&plan.id, &exec.id).unwrap().wait(BOUND).unwrap());
    let state = place.runtime.exec_state(&plan.id, &exec.id).unwrap();
    assert!(matches!(state, Some(State { phase: Phase::Ended(exit), .. }) if exit.code == 0), "{state:?}");

    let error = place.runtime.exec(&plan.id, &command(&["nosuch"]), true).unwrap_err();
    assert_eq!(error.exit_code(), 127, "{error}");
    assert!(error.to_string().contains("OCI runtime exec failed"), "{error}");
    assert!(error.to_string().contains("exec: \"nosuch\": executable file not found in $PATH"), "{error}");

    // The size follows the start of a command, as crun gives its terminal none.
    let mut exec =
        command(&["sh", "-c", "until stty size 2> /dev/null; do sleep 0.01; done; grep CapEff /proc/self/status"]);
    exec.process.tty = true;
    exec.privileged = true;
    exec.process.console_size = Some(ConsoleSize { height: 5, width: 6 });
    let (_, attachment) = place.runtime.exec(&plan.id, &exec, true).unwrap();
    let (out, _) = read_all(&attachment.unwrap());
    assert!(out.starts_with("5 6\r\n") && !out.contains("a80425fb"), "{out}");

    // All commands end with the container.
    let exec = command(&["sleep", "1000"]);
    place.runtime.exec(&plan.id, &exec, false).unwrap();
    place.runtime.kill(&plan.id, 9, false).unwrap();
    assert!(place.runtime.exec_ending(&plan.id, &exec.id).unwrap().wait(BOUND).unwrap());
    place.ended(&plan.id);
    assert!(matches!(place.runtime.exec(&plan.id, &command(&["true"]), false), Err(Error::NotRunning { .. })));
    place.runtime.delete(&plan.id).unwrap();
    place.nothing_left_of(&plan.id);
}

/// All that can be read now.
fn rest(reader: &mut LogReader) -> String {
    let mut text = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        text.extend(entry.bytes);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn a_log_is_followed_across_rotation_without_loss() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan(
        "for n in 1 2 3 4 5 6 7 8; do i=0; while [ $i -lt 200 ]; do echo $n $i; i=$((i+1)); done; sleep 0.5; done",
    );
    plan.log = LogPlan::File { path: place.log(&plan.id), max_size: Some(4000), max_file: 50 };
    let watch = LogWatch::new(&place.log(&plan.id)).unwrap();
    let mut reader = LogReader::open(&place.log(&plan.id), LogQuery::ALL).unwrap();
    place.run(&plan);
    let ending = place.runtime.ending(&plan.id).unwrap();
    let mut text = String::new();
    while !ending.wait(std::time::Duration::ZERO).unwrap() {
        watch.wait(std::time::Duration::from_millis(100)).unwrap();
        watch.clear();
        text += &rest(&mut reader);
    }
    text += &rest(&mut reader);
    let expected: String = (1..=8).flat_map(|n| (0..200).map(move |i| format!("{n} {i}\n"))).collect();
    assert_eq!(text, expected);
    assert!(place.path().join(format!("{}.log.1", plan.id.short())).exists(), "it was rotated");
    let all = rest(&mut LogReader::open(&place.log(&plan.id), LogQuery::ALL).unwrap());
    assert_eq!(all, expected, "all files together have everything");
    let tail = LogQuery { tail: Some(3), ..LogQuery::ALL };
    assert_eq!(rest(&mut LogReader::open(&place.log(&plan.id), tail).unwrap()), "8 197\n8 198\n8 199\n");
}

#[test]
fn one_file_of_a_log_never_outgrows_its_size() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done");
    plan.log = LogPlan::File { path: place.log(&plan.id), max_size: Some(10_000), max_file: 1 };
    place.run(&plan);
    place.ended(&plan.id);
    assert!(std::fs::metadata(place.log(&plan.id)).unwrap().len() <= 10_000);
    assert!(rest(&mut LogReader::open(&place.log(&plan.id), LogQuery::ALL).unwrap()).ends_with("line 1999\n"));
    let mut plan = place.plan("echo x");
    plan.log = LogPlan::None;
    place.run(&plan);
    place.ended(&plan.id);
    assert!(!place.log(&plan.id).exists());
}
