//! Everything that can fail fails once: nothing half-made stays, and the same request works afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

#[path = "../../drivers/bridge/tests/common/mod.rs"]
mod common;
mod town;

use pontoon_containers::{RemoveWish, Status, StopWish};
use serde_json::json;
use town::{Town, host, new};

/// Where a failure is put.
#[derive(Clone, Copy, Debug)]
enum Place {
    Host,
    CoreStore,
    Runtime,
    Images,
    Store,
}

const PLACES: [Place; 5] = [Place::Host, Place::CoreStore, Place::Runtime, Place::Images, Place::Store];

impl Place {
    fn fail_on(self, town: &Town, nth: usize) {
        match self {
            Self::Host => town.world.host.fail_on(nth, pontoon_kernel::Kind::Busy),
            Self::CoreStore => town.world.stores.fail_on(nth),
            Self::Runtime => town.runtime.fail_on(nth),
            Self::Images => town.images.fail_on(nth),
            Self::Store => town.stores.fail_on(nth),
        }
    }

    /// Whether the failure has not come: there were not so many operations.
    fn is_pending(self, town: &Town) -> bool {
        match self {
            Self::Host => town.world.host.is_failure_pending(),
            Self::CoreStore => town.world.stores.is_failure_pending(),
            Self::Runtime => town.runtime.is_failure_pending(),
            Self::Images => town.images.is_failure_pending(),
            Self::Store => town.stores.is_failure_pending(),
        }
    }
}

/// Runs `scene` with each operation of each part failing once, until it has fewer operations.
fn everything_fails_once(scene: impl Fn(&Town, Place, usize) -> bool) {
    let mut failures = 0;
    for place in PLACES {
        for nth in 1.. {
            assert!(nth < 500, "{place:?} never comes to an end");
            let town = Town::new();
            town.world.core.create_network(common::dual("net")).unwrap();
            if !scene(&town, place, nth) {
                break;
            }
            failures += 1;
        }
    }
    assert!(failures >= 4, "only {failures} operations could fail");
}

#[test]
fn a_container_that_cannot_be_made_leaves_nothing() {
    everything_fails_once(|town, place, nth| {
        let wish = || {
            let mounts =
                json!([{"Type": "volume", "Source": "named", "Target": "/n"}, {"Type": "volume", "Target": "/a"}]);
            new("web", host(json!({"NetworkMode": "net", "Mounts": mounts})))
        };
        place.fail_on(town, nth);
        let made = town.try_create(wish());
        if place.is_pending(town) {
            assert!(made.is_ok(), "{place:?} {nth}");
            return false;
        }
        let what = format!("{place:?} {nth}");
        if let Err(error) = made {
            assert!(town.containers.list().is_empty() && town.containers.volumes().is_empty(), "{what}: {error}");
            assert!(
                std::fs::read_dir(town.world.dir.path().join("volumes")).map_or(true, |mut all| all.next().is_none()),
                "{what}"
            );
            town.try_create(wish()).expect(&what);
        }
        assert!(town.start("web").unwrap(), "{what}");
        true
    });
}

#[test]
fn a_container_that_cannot_be_started_leaves_nothing_of_the_start() {
    everything_fails_once(|town, place, nth| {
        let ports = json!({"80/tcp": [{"HostPort": "8080"}]});
        town.create("web", host(json!({"NetworkMode": "net", "PortBindings": ports})));
        place.fail_on(town, nth);
        let started = town.start("web");
        let what = format!("{place:?} {nth}");
        if place.is_pending(town) {
            assert!(started.is_ok(), "{what}");
            return false;
        }
        match started {
            Ok(_) => assert_eq!(town.status("web"), Status::Running, "{what}"),
            Err(error) => {
                let state = town.view("web").state;
                assert_eq!((state.status, state.pid), (Status::Created, 0), "{what}: {error}");
                assert!(!state.error.is_empty(), "{what}");
                town.assert_nothing_runs(&what);
                assert!(town.start("web").expect(&what));
            }
        }
        assert_eq!(town.view("web").sandbox.unwrap().record.mappings.len(), 2, "{what}");
        true
    });
}

#[test]
fn a_container_whose_end_cannot_be_cleared_up_wholly_can_be_started_again() {
    everything_fails_once(|town, place, nth| {
        let id = town.started("web", host(json!({"NetworkMode": "net"})));
        place.fail_on(town, nth);
        town.runtime.exit(&id, 4).unwrap();
        let ended = town.until_status("web", Status::Exited);
        let what = format!("{place:?} {nth}");
        assert_eq!(ended.state.exit_code, 4, "{what}");
        if place.is_pending(town) {
            return false;
        }
        assert!(town.start("web").expect(&what), "{what}");
        town.run(town.containers.stop("web", StopWish { signal: None, timeout: Some(30) })).expect(&what);
        town.assert_nothing_runs(&what);
        true
    });
}

#[test]
fn a_container_that_cannot_be_removed_wholly_can_be_removed_again() {
    everything_fails_once(|town, place, nth| {
        let mounts = json!([{"Type": "volume", "Target": "/a"}]);
        let id = town.create("web", host(json!({"NetworkMode": "net", "Mounts": mounts})));
        place.fail_on(town, nth);
        let wish = RemoveWish { force: true, volumes: true };
        let removed = town.run(town.containers.remove("web", wish));
        let what = format!("{place:?} {nth}");
        if place.is_pending(town) {
            assert!(removed.is_ok(), "{what}");
            return false;
        }
        if removed.is_err() {
            assert_eq!(town.status("web"), Status::Dead, "{what}");
            assert_eq!(
                town.start("web").unwrap_err().to_string(),
                "container is marked for removal and cannot be started"
            );
            town.run(town.containers.remove("web", wish)).expect(&what);
        }
        assert!(town.containers.list().is_empty() && town.images.owners().is_empty(), "{what}");
        assert!(town.kept(id).is_none() && town.containers.volumes().is_empty(), "{what}");
        town.create("web", host(json!({})));
        true
    });
}

#[test]
fn a_runtime_that_cannot_tell_what_became_of_a_container_is_that_containers_error() {
    let town = Town::new();
    let lost = town.started("lost", host(json!({"RestartPolicy": {"Name": "always"}})));
    town.started("other", host(json!({})));
    town.runtime.lose_monitor(&lost).unwrap();
    town.until("lost", |view| view.state.restart_count == 1 && view.state.status == Status::Running);
    assert_eq!(town.status("other"), Status::Running);
}
