//! Publishing and changing against a host that has programs of its own.

use super::*;
use crate::{BindError, BindFault, EphemeralPorts, Unchanged, change_with, describe};
use pontoon_types::{ErrorKind, Kind, PortRange, Protocol, chain};
use std::cell::RefCell;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::LazyLock;

static EPHEMERAL: LazyLock<EphemeralPorts> = LazyLock::new(|| EphemeralPorts::parse("40000 40099", "").unwrap());

fn context() -> Context<'static> {
    Context {
        container_v4: Some([10, 0, 0, 2].into()),
        container_v6: None,
        default_host_ip: None,
        host_has_v6: false,
        is_v4_gateway: true,
        is_v6_gateway: true,
        forwarder: false,
        ephemeral: &EPHEMERAL,
    }
}

fn reservation(host_ip: &str, ports: &str) -> Reservation {
    Reservation { protocol: Protocol::Tcp, host_ip: host_ip.parse().unwrap(), ports: ports.parse().unwrap() }
}

fn binding(host_ip: &str, host: &str, container: &str) -> PortBinding {
    PortBinding {
        container: container.parse().unwrap(),
        protocol: Protocol::Tcp,
        host_ip: host_ip.parse().ok(),
        host: host.parse().ok(),
    }
}

/// Sockets by reservation, as the kernel keeps them: bound by us, or by other programs.
#[derive(Default)]
struct Host {
    bound: Rc<RefCell<Vec<Reservation>>>,
    foreign: RefCell<Vec<Reservation>>,
    binds: RefCell<Vec<Reservation>>,
    /// Other programs that grab a port as soon as we let it go and bind something.
    thief: RefCell<Vec<Reservation>>,
}

#[derive(Debug)]
struct Sockets {
    reservations: Vec<Reservation>,
    bound: Rc<RefCell<Vec<Reservation>>>,
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.bound.borrow_mut().retain(|bound| !self.reservations.contains(bound));
    }
}

impl Host {
    fn with_foreign(foreign: &[Reservation]) -> Self {
        Self { foreign: RefCell::new(foreign.to_vec()), ..Self::default() }
    }

    fn taken(&self, wanted: &Reservation) -> Option<u16> {
        let (bound, foreign) = (self.bound.borrow(), self.foreign.borrow());
        let conflicting = bound.iter().chain(foreign.iter()).filter(|other| other.conflicts(wanted));
        conflicting.map(|other| other.ports.start.max(wanted.ports.start)).min()
    }

    fn bound(&self) -> Vec<String> {
        let mut bound: Vec<_> = self.bound.borrow().iter().map(|r| format!("{}:{}", r.host_ip, r.ports)).collect();
        bound.sort();
        bound
    }

    fn binds(&self) -> Vec<String> {
        self.binds.take().iter().map(|r| format!("{}:{}", r.host_ip, r.ports)).collect()
    }
}

impl Binder for Host {
    type Held = Sockets;

    fn bind(&self, wanted: &[Reservation]) -> Result<Sockets, BindError> {
        assert!(!wanted.is_empty());
        self.binds.borrow_mut().extend_from_slice(wanted);
        self.foreign.borrow_mut().append(&mut self.thief.borrow_mut());
        for (which, reservation) in wanted.iter().enumerate() {
            if reservation.host_ip == IpAddr::from([198, 51, 100, 1]) {
                return Err(BindError { which, port: reservation.ports.start, fault: BindFault::NotLocal });
            }
            if let Some(port) = self.taken(reservation) {
                return Err(BindError { which, port, fault: BindFault::InUse });
            }
        }
        self.bound.borrow_mut().extend_from_slice(wanted);
        Ok(Sockets { reservations: wanted.to_vec(), bound: self.bound.clone() })
    }
}

fn shown<H>(published: &Published<H>) -> Vec<String> {
    published.mappings.iter().map(describe).collect()
}

fn publish(book: &Mutex<Book>, host: &Host, bindings: &[PortBinding]) -> Result<Published<Sockets>, Error> {
    publish_with(book, host, "web", bindings, &context())
}

fn is_empty(book: &Mutex<Book>) -> bool {
    format!("{:?}", lock(book)).contains("Occupancy { tables: {} }") && lock(book).mappings("web").is_empty()
}

#[test]
fn a_port_another_program_has_is_passed_over() {
    let (book, host) = (Mutex::default(), Host::with_foreign(&[reservation("0.0.0.0", "40000-40004")]));
    let published = publish(&book, &host, &[binding("", "", "80")]).unwrap();
    assert_eq!(shown(&published), ["0.0.0.0:40005:10.0.0.2:80/tcp"]);
    assert_eq!(host.binds().len(), 6);
    assert_eq!(host.bound(), ["0.0.0.0:40005"]);
    let other = publish_with(&book, &host, "db", &[binding("", "", "80")], &context()).unwrap();
    assert_eq!(shown(&other), ["0.0.0.0:40006:10.0.0.2:80/tcp"]);
}

#[test]
fn all_addresses_of_a_port_move_together() {
    let (book, host) = (Mutex::default(), Host::with_foreign(&[reservation("::", "40000")]));
    let context = Context { host_has_v6: true, forwarder: true, ..context() };
    let published = publish_with(&book, &host, "web", &[binding("", "", "80")], &context).unwrap();
    assert_eq!(shown(&published), ["0.0.0.0:40001:10.0.0.2:80/tcp", "[::]:40001:10.0.0.2:80/tcp"]);
    assert_eq!(host.bound(), ["0.0.0.0:40001", ":::40001"]);
}

#[test]
fn ten_ports_are_tried_and_no_more() {
    for range in ["", "40000-40050"] {
        let (book, host) = (Mutex::default(), Host::with_foreign(&[reservation("0.0.0.0", "40000-40050")]));
        let error = publish(&book, &host, &[binding("", "7", "7"), binding("", range, "80")]).unwrap_err();
        assert_eq!(chain(&error), "failed to bind host port 0.0.0.0:40009/tcp: address already in use");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(host.binds().len(), 1 + 10);
        assert!(host.bound().is_empty() && is_empty(&book), "nothing is left of a failure");
    }
}

#[test]
fn an_exact_port_fails_at_once() {
    let (book, host) = (Mutex::default(), Host::with_foreign(&[reservation("127.0.0.1", "85")]));
    let error = publish(&book, &host, &[binding("", "", "7"), binding("", "80-90", "80-90")]).unwrap_err();
    assert_eq!(chain(&error), "failed to bind host port 0.0.0.0:85/tcp: address already in use");
    assert!(error.hint().unwrap().contains("sport = :85"));
    assert_eq!(host.binds().len(), 1);
    assert!(is_empty(&book));
}

#[test]
fn an_address_the_host_does_not_have_is_not_tried_again() {
    let (book, host) = (Mutex::default(), Host::default());
    let error = publish(&book, &host, &[binding("198.51.100.1", "", "80")]).unwrap_err();
    assert_eq!(chain(&error), "failed to bind host port 198.51.100.1:40000/tcp: cannot assign requested address");
    assert_eq!((host.binds().len(), error.kind()), (1, ErrorKind::Invalid));
}

#[test]
fn listening_and_privileged_ports_have_texts_of_their_own() {
    let text = |fault| chain(&Error::refused("::".parse().unwrap(), 80, Protocol::Tcp, fault));
    assert_eq!(text(BindFault::InUse), "failed to bind host port [::]:80/tcp: address already in use");
    assert_eq!(text(BindFault::ListenInUse), "failed to listen on tcp socket: address already in use");
    assert_eq!(text(BindFault::Denied), "failed to bind host port [::]:80/tcp: permission denied");
    let other = BindFault::Other(std::io::Error::other("out of memory"));
    assert_eq!(text(other), "failed to bind host port [::]:80/tcp: out of memory");
}

#[test]
fn a_long_ephemeral_run_finds_its_way_around_other_programs() {
    let foreign = [reservation("0.0.0.0", "40005"), reservation("0.0.0.0", "40012")];
    let (book, host) = (Mutex::default(), Host::with_foreign(&foreign));
    let published = publish(&book, &host, &[binding("", "", "7000-7009")]).unwrap();
    assert_eq!(shown(&published), ["0.0.0.0:40013-40022:10.0.0.2:7000/tcp"]);
}

#[test]
fn the_book_is_not_locked_while_sockets_are_bound() {
    struct Probe<'a>(&'a Mutex<Book>);
    impl Binder for Probe<'_> {
        type Held = ();
        fn bind(&self, _wanted: &[Reservation]) -> Result<(), BindError> {
            assert!(self.0.try_lock().is_ok());
            Ok(())
        }
    }
    let book = Mutex::default();
    publish_with(&book, &Probe(&book), "web", &[binding("", "80", "80")], &context()).unwrap();
}

#[test]
fn a_panicking_binder_leaves_no_port_behind() {
    struct Panics;
    impl Binder for Panics {
        type Held = ();
        fn bind(&self, _wanted: &[Reservation]) -> Result<(), BindError> {
            panic!("as asked")
        }
    }
    let book = Mutex::default();
    let publishing = || drop(publish_with(&book, &Panics, "web", &[binding("", "80", "80")], &context()));
    assert!(catch_unwind(AssertUnwindSafe(publishing)).is_err());
    assert!(is_empty(&book));
}

#[test]
fn restoring_takes_the_same_ports_or_nothing() {
    let (book, host) = (Mutex::default(), Host::default());
    let published = publish(&book, &host, &[binding("", "", "80"), binding("", "443", "443")]).unwrap();
    let again = Mutex::default();
    assert!(
        restore_with(&again, &host, "web", &published.mappings, &context()).is_err(),
        "the sockets are still bound"
    );
    assert!(is_empty(&again));
    let mappings = published.mappings.clone();
    drop(published);
    let restored = restore_with(&again, &host, "web", &mappings, &context()).unwrap();
    assert_eq!(restored.mappings, mappings);
    assert_eq!(host.bound(), ["0.0.0.0:40000", "0.0.0.0:443"]);
}

fn change(
    book: &Mutex<Book>,
    host: &Host,
    current: Published<Sockets>,
    bindings: &[PortBinding],
) -> Result<Published<Sockets>, Box<Unchanged<Sockets>>> {
    change_with(book, host, "web", current, bindings, &context())
}

#[test]
fn a_change_touches_only_what_differs() {
    let (book, host) = (Mutex::default(), Host::default());
    let before = [binding("", "80", "80"), binding("", "", "90"), binding("", "443", "443")];
    let current = publish(&book, &host, &before).unwrap();
    host.binds();
    let after = [binding("", "80", "8080"), binding("", "", "90"), binding("", "8443", "443")];
    let changed = change(&book, &host, current, &after).unwrap();
    assert_eq!(
        shown(&changed),
        ["0.0.0.0:80:10.0.0.2:8080/tcp", "0.0.0.0:8443:10.0.0.2:443/tcp", "0.0.0.0:40000:10.0.0.2:90/tcp"]
    );
    assert_eq!(host.binds(), ["0.0.0.0:8443"], "the sockets of 80 and 40000 stay");
    assert_eq!(host.bound(), ["0.0.0.0:40000", "0.0.0.0:80", "0.0.0.0:8443"]);
    publish_with(&book, &host, "db", &[binding("", "443", "1")], &context()).unwrap();
}

#[test]
fn a_longer_run_binds_only_the_new_ports() {
    let (book, host) = (Mutex::default(), Host::default());
    let current = publish(&book, &host, &[binding("", "8000-8099", "8000-8099")]).unwrap();
    host.binds();
    let longer = change(&book, &host, current, &[binding("", "7990-8109", "7990-8109")]).unwrap();
    assert_eq!(host.binds(), ["0.0.0.0:7990-7999", "0.0.0.0:8100-8109"]);
    assert_eq!(longer.mappings.len(), 1);
    let shorter = change(&book, &host, longer, &[binding("", "8000-8104", "8000-8104")]).unwrap();
    assert_eq!(host.binds(), ["0.0.0.0:8100-8104"], "a socket run that is wanted in part is bound anew");
    assert_eq!(host.bound(), ["0.0.0.0:8000-8099", "0.0.0.0:8100-8104"]);
    assert_eq!(shown(&shorter), ["0.0.0.0:8000-8104:10.0.0.2:8000/tcp"]);
}

#[test]
fn a_failed_change_leaves_everything_as_it_was() {
    let (book, host) = (Mutex::default(), Host::with_foreign(&[reservation("0.0.0.0", "443")]));
    let current = publish(&book, &host, &[binding("", "80", "80"), binding("", "", "90")]).unwrap();
    let (mappings, bound) = (current.mappings.clone(), host.bound());
    let after = [binding("127.0.0.1", "80", "80"), binding("", "81", "81"), binding("", "443", "443")];
    let failed = change(&book, &host, current, &after).err().unwrap();
    assert_eq!(chain(&failed.error), "failed to bind host port 0.0.0.0:443/tcp: address already in use");
    assert_eq!((failed.current.mappings.clone(), host.bound()), (mappings.clone(), bound));
    assert!(failed.lost.is_empty());
    assert_eq!(lock(&book).mappings("web"), mappings);
    let db = |port| publish_with(&book, &host, "db", &[binding("", port, "1")], &context());
    assert!(db("80").is_err());
    assert!(db("81").is_ok());
}

#[test]
fn a_port_lost_while_a_change_failed_is_reported() {
    let (book, host) = (Mutex::default(), Host::with_foreign(&[reservation("127.0.0.1", "443")]));
    let current = publish(&book, &host, &[binding("", "80", "80")]).unwrap();
    host.thief.borrow_mut().push(reservation("127.0.0.2", "80"));
    let after = [binding("127.0.0.1", "80", "80"), binding("127.0.0.1", "443", "443")];
    let failed = change(&book, &host, current, &after).err().unwrap();
    assert_eq!(failed.lost, [reservation("0.0.0.0", "80")]);
    assert!(failed.current.held.is_empty());
}

#[test]
fn a_change_that_is_refused_by_the_book_touches_no_socket() {
    let (book, host) = (Mutex::default(), Host::default());
    let current = publish(&book, &host, &[binding("", "80", "80")]).unwrap();
    let _other = publish_with(&book, &host, "db", &[binding("", "81", "81")], &context()).unwrap();
    host.binds();
    let failed = change(&book, &host, current, &[binding("", "81", "80")]).err().unwrap();
    assert_eq!(failed.error.to_string(), "Bind for 0.0.0.0:81 failed: port is already allocated");
    assert_eq!((host.binds().len(), failed.current.held.len()), (0, 1));
}

#[test]
fn an_address_that_joins_a_port_moves_it_only_if_it_must() {
    let second = [binding("127.0.0.1", "", "80"), binding("127.0.0.2", "", "80")];
    for (foreign, expected) in [
        (vec![], ["127.0.0.1:40001", "127.0.0.2:40001"]),
        (vec![reservation("127.0.0.2", "40001")], ["127.0.0.1:40002", "127.0.0.2:40002"]),
    ] {
        let (book, host) = (Mutex::default(), Host::with_foreign(&foreign));
        let current = publish(&book, &host, &[binding("127.0.0.1", "", "80")]).unwrap();
        let changed = change(&book, &host, current, &second).unwrap();
        assert_eq!(host.bound(), expected);
        assert_eq!(changed.mappings.len(), 2);
        drop(changed);
        assert_eq!(lock(&book).release("web").len(), 2);
        assert!(is_empty(&book));
    }
}

#[test]
fn a_run_of_ports_is_one_reservation() {
    let (book, host) = (Mutex::default(), Host::default());
    publish(&book, &host, &[binding("", "20000-29999", "20000-29999")]).unwrap();
    let run = Reservation { ports: PortRange { start: 20_000, end: 29_999 }, ..reservation("0.0.0.0", "1") };
    assert_eq!(host.binds.take(), [run]);
}
