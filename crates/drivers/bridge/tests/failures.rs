//! Every kind of request with each of its operations failing once: it fails with an error and everything is as before,
//! or it succeeds and what it could not do is put right by the next repair; and then the same request succeeds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::scenarios::{Scenario, all};
use common::*;
use pontoon_kernel::Kind;

const ENOUGH: usize = 500;

fn check(scenario: &Scenario, what: &str, world: World, outcome: Outcome, before: &Picture) {
    match outcome {
        Err(error) => {
            if !scenario.gradual {
                assert_same(&world.picture(), before, &format!("{what}, after: {}", text(&error)));
                world.audit();
            }
            let again = (scenario.request)(&world);
            assert!(again.is_ok(), "{what}, after: {}; again: {}", text(&error), text(&again.unwrap_err()));
            world.quiet();
            world.audit();
        }
        // What is only told in the log is put right later: by a repair, or at the next start.
        Ok(()) => {
            world.core.repair().unwrap();
            let world = world.restart();
            assert_eq!(world.ready.failures, Vec::<String>::new(), "{what}");
            world.audit();
        }
    }
}

#[test]
fn a_kernel_that_refuses_anything_once_leaves_no_trace() {
    for scenario in all() {
        let mut nth = 1;
        loop {
            let what = format!("{}, operation {nth}", scenario.name);
            let world = World::new();
            (scenario.prepare)(&world);
            world.audit();
            let before = world.picture();
            world.host.fail_on(nth, Kind::Other);
            let outcome = (scenario.request)(&world);
            if world.host.is_failure_pending() {
                world.host.cancel_failure();
                assert!(outcome.is_ok(), "{what}: {}", text(&outcome.unwrap_err()));
                world.audit();
                break;
            }
            check(&scenario, &what, world, outcome, &before);
            nth += 1;
            assert!(nth < ENOUGH, "{what}: there is no end");
        }
    }
}

#[test]
fn a_store_that_refuses_anything_once_leaves_no_trace() {
    for scenario in all() {
        let mut nth = 1;
        loop {
            let what = format!("{}, store operation {nth}", scenario.name);
            let world = World::new();
            (scenario.prepare)(&world);
            let before = world.picture();
            world.stores.fail_on(nth);
            let outcome = (scenario.request)(&world);
            if world.stores.is_failure_pending() {
                world.stores.cancel_failure();
                assert!(outcome.is_ok(), "{what}");
                break;
            }
            check(&scenario, &what, world, outcome, &before);
            nth += 1;
            assert!(nth < ENOUGH, "{what}: there is no end");
        }
    }
}

#[test]
fn files_that_cannot_be_written_leave_no_trace() {
    let world = World::new();
    world.make_network("n");
    let folder = world.dir.path().join("run/files");
    std::fs::remove_dir_all(&folder).ok();
    std::fs::write(&folder, "in the way").unwrap();
    let before = world.picture();
    let error = world.core.create_sandbox(sandbox("s", &["n"])).unwrap_err();
    assert_eq!(pontoon_types::Kind::kind(&error), pontoon_types::ErrorKind::System);
    assert_same(&world.picture(), &before, "after a failed sandbox");
    std::fs::remove_file(&folder).unwrap();
    world.make_sandbox("s", &["n"]);
    world.audit();
}

#[test]
fn links_that_cannot_be_deleted_now_are_deleted_later() {
    let world = World::new();
    world.host.fail_reaps(Some(Kind::Busy));
    world.make_network("n");
    world.make_sandbox("s", &["n"]);
    world.core.remove_sandbox("s").unwrap();
    world.core.remove_network("n").unwrap();
    world.audit();
    let host = world.host.clone();
    let world = world.restart_after(|host| host.fail_reaps(None));
    world.quiet();
    assert_eq!(host.retired(), 0);
    world.audit();
}
