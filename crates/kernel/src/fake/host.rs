//! The handle on the fake host: what tests ask of it.

use super::fault::{Faults, Write};
use super::model::Model;
use super::snapshot::HostState;
use super::socket::Claims;
use super::watch::Watchers;
use crate::{Change, Kind, LinkGroup, LinkKind, Netns, Op, RouteTarget};
use ipnet::IpNet;
use pontoon_types::LinkName;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A host in memory. Clones are handles on the same host.
///
/// It begins with a loopback link, and a link `eth0` with `192.0.2.2/24` and `2001:db8::2/64` and default routes by
/// way of `.1` and `::1`; it forwards packets of both families.
#[derive(Clone, Debug)]
pub struct FakeHost {
    pub(super) inner: Arc<Mutex<Inner>>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Inner {
    pub model: Model,
    pub faults: Faults,
    pub watchers: Watchers,
    pub claims: Claims,
    pub announced: Vec<(Netns, LinkName, IpAddr)>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeHost {
    /// A host as described above.
    pub fn new() -> Self {
        Self::with(furnished(true))
    }

    /// The same host with a kernel that has no IPv6 at all.
    pub fn without_ipv6() -> Self {
        Self::with(furnished(false))
    }

    fn with(model: Model) -> Self {
        let (faults, watchers, claims) = (Faults::default(), Watchers::default(), Claims::default());
        Self { inner: Arc::new(Mutex::new(Inner { model, faults, watchers, claims, announced: Vec::new() })) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that panicked while holding it has left a whole model: every change is made in one piece.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything there is, to be compared with another moment.
    pub fn snapshot(&self) -> HostState {
        self.lock().model.state()
    }

    /// How many links in all namespaces wait to be reaped.
    pub fn retired(&self) -> usize {
        let inner = self.lock();
        let devices = inner.model.namespaces.values().flat_map(|namespace| namespace.devices.values());
        devices.filter(|device| LinkGroup::is_retired(device.link.group)).count()
    }

    /// How many operations there were: each [`Op`] and each call of [`crate::Kernel`] or [`crate::Sockets`] is one,
    /// questions included. [`crate::Kernel::reap`] and the waiting for changes are not counted: they happen when a
    /// thread of its own finds time, and would make counts differ from run to run.
    pub fn operations(&self) -> usize {
        self.lock().faults.count()
    }

    /// Makes the `nth` operation from now (1 is the next) fail with `kind`, doing nothing; those after it succeed.
    pub fn fail_on(&self, nth: usize, kind: Kind) {
        self.lock().faults.fail_on(nth, kind);
    }

    /// Whether a failure asked for with [`FakeHost::fail_on`] has not come yet.
    pub fn is_failure_pending(&self) -> bool {
        self.lock().faults.is_pending()
    }

    /// Takes back a failure that was asked for.
    pub fn cancel_failure(&self) {
        self.lock().faults.cancel();
    }

    /// From now on every reaping fails with `kind`, or none does.
    pub fn fail_reaps(&self, kind: Option<Kind>) {
        self.lock().faults.fail_reaps(kind);
    }

    /// Everything written since the beginning or since [`FakeHost::forget_writes`]; what another hand did is not in it.
    pub fn writes(&self) -> Vec<Write> {
        self.lock().faults.log().to_vec()
    }

    /// What was announced since the beginning.
    pub fn announced(&self) -> Vec<(Netns, LinkName, IpAddr)> {
        self.lock().announced.clone()
    }

    /// Begins the list of writes anew.
    pub fn forget_writes(&self) {
        self.lock().faults.clear_log();
    }

    /// Power loss: the host is as in the beginning. Ports that somebody still holds a value for are free.
    pub fn reboot(&self) {
        let mut inner = self.lock();
        let has_ipv6 = inner.model.has_ipv6();
        inner.model = furnished(has_ipv6);
        inner.claims = Claims::default();
        inner.watchers.tell(&Change::Lost);
    }
}

/// A host as somebody would hand it over.
fn furnished(has_ipv6: bool) -> Model {
    let mut model = Model::new(has_ipv6);
    if let Err(error) = furnish(&mut model, has_ipv6) {
        unreachable!("the first host: {error}");
    }
    model
}

fn furnish(model: &mut Model, has_ipv6: bool) -> Result<(), Box<dyn std::error::Error>> {
    let (lo, eth0) = (LinkName::new("lo")?, LinkName::new("eth0")?);
    let family = |v4: &str, v6: &str| -> Result<Vec<IpNet>, ipnet::AddrParseError> {
        let texts = [v4, v6];
        texts.iter().take(if has_ipv6 { 2 } else { 1 }).map(|text| text.parse()).collect()
    };
    model.namespace_mut(&Netns::Host)?.add_device(eth0.clone(), LinkKind::Other(String::new()));
    let mut ops = vec![Op::Up(lo), Op::Up(eth0.clone()), Op::SetSysctl("net/ipv4/ip_forward".into(), "1".into())];
    if has_ipv6 {
        ops.push(Op::SetSysctl("net/ipv6/conf/all/forwarding".into(), "1".into()));
    }
    ops.extend(family("192.0.2.2/24", "2001:db8::2/64")?.into_iter().map(|net| Op::AddAddress(eth0.clone(), net)));
    for op in &ops {
        model.perform(&Netns::Host, op)?;
    }
    /// `RTPROT_BOOT`: added by hand or by a script.
    const BY_HAND: u8 = 3;
    let gateways = family("192.0.2.1/24", "2001:db8::1/64")?;
    for (destination, gateway) in family("0.0.0.0/0", "::/0")?.into_iter().zip(gateways) {
        let via = RouteTarget::Via(gateway.addr());
        model.namespace_mut(&Netns::Host)?.set_route(destination, &via, None, BY_HAND)?;
    }
    Ok(())
}
