//! The model keeps the contract.

use crate::fake::{Call, FakeRuntime};
use crate::*;
use pontoon_types::{ContainerId, ExecId};
use std::time::Duration;

fn created(runtime: &FakeRuntime, stdin: Stdin) -> Result<ContainerId> {
    let mut plan = ContainerPlan::new(ContainerId::random(), "/rootfs", &["sh"]);
    plan.process.stdin = stdin;
    runtime.create(&plan)?;
    Ok(plan.id)
}

#[test]
fn a_container_lives_and_its_end_is_seen() -> Result<()> {
    let runtime = FakeRuntime::new();
    let id = created(&runtime, Stdin::Closed)?;
    let ending = runtime.ending(&id)?;
    runtime.start(&id)?;
    assert_eq!(runtime.state(&id)?.map(|state| state.phase), Some(Phase::Running));
    assert!(!ending.wait(Duration::ZERO).is_ok_and(|ended| ended));
    runtime.exit(&id, 7)?;
    assert!(ending.wait(Duration::from_secs(30)).is_ok_and(|ended| ended));
    let Some(State { phase: Phase::Ended(exit), pid: 0 }) = runtime.state(&id)? else { unreachable!("it has ended") };
    assert_eq!((exit.code, exit.oom_killed, exit.monitor_lost), (7, false, false));
    assert!(matches!(runtime.kill(&id, 15, false), Err(Error::NotRunning { .. })));
    runtime.delete(&id)?;
    runtime.delete(&id)?;
    assert_eq!(runtime.state(&id)?, None);
    assert!(runtime.all()?.is_empty());
    Ok(())
}

#[test]
fn attachments_carry_both_outputs_and_input() -> Result<()> {
    let runtime = FakeRuntime::new();
    let id = created(&runtime, Stdin::Open)?;
    let (one, two) = (runtime.attach(&id, true)?, runtime.attach(&id, false)?);
    runtime.print(&id, Stream::Stderr, b"oh")?;
    let mut buffer = vec![0; PACKET];
    for attachment in [&one, &two] {
        let read = attachment.read(&mut buffer).ok().flatten();
        assert_eq!(read, Some((Stream::Stderr, &b"oh"[..])));
    }
    assert!(one.read(&mut buffer).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    assert!(one.write(b"in").is_ok_and(|length| length == 2));
    assert!(two.write(b"in").is_err());
    assert!(one.end_stdin().is_ok());
    assert_eq!(runtime.read(&id)?, (b"in".to_vec(), true));
    runtime.exit(&id, 0)?;
    assert!(one.read(&mut buffer).is_ok_and(|read| read.is_none()));
    Ok(())
}

#[test]
fn commands_end_as_the_test_says() -> Result<()> {
    let runtime = FakeRuntime::new();
    let id = created(&runtime, Stdin::Closed)?;
    let plan = ExecPlan { id: ExecId::random(), process: Process::new(&["check"]), privileged: false };
    assert!(matches!(runtime.exec(&id, &plan, false), Err(Error::NotRunning { .. })), "not before its start");
    runtime.start(&id)?;
    runtime.answer(|plan| (plan.process.args == ["check"]).then(|| (3, "well".into())));
    let (_, attachment) = runtime.exec(&id, &plan, true)?;
    let mut buffer = vec![0; PACKET];
    let read = attachment.as_ref().and_then(|attachment| attachment.read(&mut buffer).ok().flatten());
    assert_eq!(read, Some((Stream::Stdout, &b"well"[..])));
    assert!(runtime.exec_ending(&id, &plan.id)?.wait(Duration::from_secs(30)).is_ok_and(|ended| ended));
    let state = runtime.exec_state(&id, &plan.id)?;
    assert!(matches!(state, Some(State { phase: Phase::Ended(Exit { code: 3, .. }), .. })), "{state:?}");
    Ok(())
}

#[test]
fn what_is_to_fail_fails_once() -> Result<()> {
    let runtime = FakeRuntime::new();
    let id = created(&runtime, Stdin::Closed)?;
    runtime.fail_on(1);
    assert!(matches!(runtime.start(&id), Err(Error::OnDemand { .. })));
    runtime.start(&id)?;
    runtime.fail_next(|call| matches!(call, Call::Kill(..)), Error::Invalid("no".into()));
    assert!(runtime.kill(&id, 15, false).is_err());
    assert!(!runtime.is_failure_pending());
    runtime.ignore(&[15]);
    runtime.kill(&id, 15, false)?;
    assert_eq!(runtime.state(&id)?.map(|state| state.phase), Some(Phase::Running));
    runtime.kill(&id, 9, false)?;
    assert!(matches!(runtime.state(&id)?.map(|state| state.phase), Some(Phase::Ended(Exit { code: 137, .. }))));
    Ok(())
}
