//! Many requests at once on one core: nothing hangs, nothing is given twice, nothing is left.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

mod common;

use common::*;
use pontoon_types::{EndpointSpec, SandboxSpec};
use proptest::prelude::*;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs `work` on so many threads at once; fails the test when it does not end.
fn at_once<T: Send + 'static>(
    world: World,
    count: usize,
    work: impl Fn(&World, usize) -> T + Send + Sync + 'static,
) -> (World, Vec<T>) {
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        let barrier = Barrier::new(count);
        let results: Vec<T> = thread::scope(|scope| {
            let run = |index| {
                let (world, work, barrier) = (&world, &work, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    work(world, index)
                })
            };
            let threads: Vec<_> = (0..count).map(run).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        done.send((world, results)).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(120)).expect("requests that never return")
}

/// A small generator, so that a scenario repeats exactly.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn of_two_creates_of_one_name_one_succeeds() {
    let mut world = World::new();
    for _ in 0..10 {
        let (back, made) = at_once(world, 8, |world, _| world.core.create_network(v4("n")).is_ok());
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        let (back, made) = at_once(back, 8, |world, _| world.core.create_sandbox(sandbox("s", &["n"])).is_ok());
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        back.audit();
        back.core.remove_sandbox("s").unwrap();
        back.core.remove_network("n").unwrap();
        back.audit();
        world = back;
    }
}

#[test]
fn one_namespace_is_adopted_once() {
    let world = World::new();
    world.host.start_process(42, 7);
    let (world, made) = at_once(world, 8, |world, index| {
        let namespace = pontoon_types::NamespaceSource::Pid(42);
        world.core.create_sandbox(SandboxSpec { namespace, ..sandbox(&format!("s{index}"), &[]) }).is_ok()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    world.audit();
}

#[test]
fn a_network_is_removed_or_joined_and_never_both() {
    let mut world = World::new();
    world.make_sandbox("s", &[]);
    for _ in 0..40 {
        world.core.create_network(dual("n")).unwrap();
        let (back, done) = at_once(world, 2, |world, index| match index {
            0 => world.core.remove_network("n").is_ok(),
            _ => world.core.connect("n", "s", EndpointSpec::default()).is_ok(),
        });
        assert_ne!(done[0], done[1], "exactly one of removing and joining");
        back.audit();
        if done[1] {
            back.core.disconnect("n", "s", false).unwrap();
            back.core.remove_network("n").unwrap();
        }
        world = back;
    }
    world.audit();
}

#[test]
fn a_crowd_of_random_requests_leaves_everything_consistent() {
    let world = World::new();
    for name in ["n0", "n1", "n2"] {
        world.core.create_network(pooled(v4(name), vec![pool(&format!("10.{}.0.0/28", &name[1..]))])).unwrap();
    }
    world.make_network("n3");
    let baseline = world.picture();
    let (world, _) = at_once(world, 8, |world, index| {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1));
        for _ in 0..120 {
            let sandbox_name = format!("s{}", dice.roll(12));
            let network = format!("n{}", dice.roll(5));
            // Refusals are part of the game; what counts is what is left.
            let _ = match dice.roll(9) {
                0 | 1 => {
                    let ports = match dice.roll(3) {
                        0 => vec![port(&format!("{}:80/tcp", 8000 + dice.roll(4)))],
                        1 => vec![port("53/udp"), port("80/tcp")],
                        _ => Vec::new(),
                    };
                    world.core.create_sandbox(SandboxSpec { ports, ..sandbox(&sandbox_name, &[&network]) }).map(drop)
                }
                2 | 3 => world.core.connect(
                    &network,
                    &sandbox_name,
                    EndpointSpec { gw_priority: dice.roll(3) as i64, ..EndpointSpec::default() },
                ),
                4 => world.core.disconnect(&network, &sandbox_name, false),
                5 => world.core.remove_sandbox(&sandbox_name),
                6 => world.core.set_ports(&sandbox_name, vec![port(&format!("{}:81/tcp", 8000 + dice.roll(4)))]),
                7 => world.core.remove_network("n4").or_else(|_| world.core.create_network(v4("n4")).map(drop)),
                _ => {
                    world.core.forget_gone();
                    world.core.repair().map(drop)
                }
            };
        }
    });
    world.audit();
    let world = world.restart();
    assert_eq!((world.host.writes(), &world.ready.failures), (Vec::new(), &Vec::new()));
    world.audit();
    for view in world.core.sandboxes() {
        world.core.remove_sandbox(&view.record.name).unwrap();
    }
    let _ = world.core.remove_network("n4");
    world.quiet();
    world.audit();
    let end = world.picture();
    assert_eq!((end.sandboxes.len(), end.ports.len(), end.served.len()), (0, 0, 0));
    assert_eq!((end.networks, end.stored), (baseline.networks, baseline.stored));
}

/// One step of a random life.
#[derive(Clone, Debug)]
enum Step {
    Create(u8, u8),
    Connect(u8, u8, i8),
    Disconnect(u8, u8),
    Ports(u8, u8),
    Remove(u8),
    Network(u8),
    Fail(u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u8..3, 0u8..4).prop_map(|(s, n)| Step::Create(s, n)),
        4 => (0u8..3, 0u8..4, -1i8..2).prop_map(|(s, n, p)| Step::Connect(s, n, p)),
        3 => (0u8..3, 0u8..4).prop_map(|(s, n)| Step::Disconnect(s, n)),
        2 => (0u8..3, 0u8..4).prop_map(|(s, n)| Step::Ports(s, n)),
        1 => (0u8..3).prop_map(Step::Remove),
        2 => (0u8..4).prop_map(Step::Network),
        2 => (1u8..30).prop_map(Step::Fail),
        1 => Just(Step::Restart),
    ]
}

fn network(number: u8) -> pontoon_types::NetworkSpec {
    let name = format!("n{number}");
    match number {
        0 => dual(&name),
        1 => v4(&name),
        2 => pontoon_types::NetworkSpec { enable_ipv4: Some(false), ..dual(&name) },
        _ => pontoon_types::NetworkSpec { internal: true, ..dual(&name) },
    }
}

fn live(mut world: World, steps: &[Step]) -> World {
    for step in steps {
        let (s, n) = (|s: &u8| format!("s{s}"), |n: &u8| format!("n{n}"));
        let _ = match step {
            Step::Create(a, b) => {
                let ports = vec![port("80/tcp"), port("7000-7001:7000-7001/udp")];
                world.core.create_sandbox(SandboxSpec { ports, ..sandbox(&s(a), &[&n(b)]) }).map(drop)
            }
            Step::Connect(a, b, priority) => {
                let spec = EndpointSpec { gw_priority: i64::from(*priority), ..EndpointSpec::default() };
                world.core.connect(&n(b), &s(a), spec)
            }
            Step::Disconnect(a, b) => world.core.disconnect(&n(b), &s(a), false),
            Step::Ports(a, b) => world.core.set_ports(&s(a), vec![port(&format!("900{b}:80/tcp")), port("53/udp")]),
            Step::Remove(a) => world.core.remove_sandbox(&s(a)),
            Step::Network(b) => {
                world.core.remove_network(&n(b)).or_else(|_| world.core.create_network(network(*b)).map(drop))
            }
            Step::Fail(count) => {
                world.host.fail_on(usize::from(*count), pontoon_kernel::Kind::Other);
                continue;
            }
            Step::Restart => {
                world.host.cancel_failure();
                world = world.restart();
                assert_eq!(world.ready.failures, Vec::<String>::new());
                Ok(())
            }
        };
    }
    world.host.cancel_failure();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    /// Whatever happened, failing kernel included, the next start makes everything one again, and the one after it
    /// has nothing to do.
    #[test]
    fn any_life_ends_in_a_state_that_a_start_makes_whole(steps in prop::collection::vec(step(), 1..40)) {
        let world = live(World::new(), &steps).restart();
        prop_assert_eq!(&world.ready.failures, &Vec::<String>::new());
        world.quiet();
        world.audit();
        let world = world.restart();
        prop_assert_eq!(world.host.writes(), Vec::new());
        world.audit();
    }
}
