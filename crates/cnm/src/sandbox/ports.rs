//! Published ports of a sandbox: on the endpoints that carry its default routes, moved when those change, changed in
//! place when asked (ports.md sections 2 and 8).

use super::gateway::Gateways;
use super::live::Live;
use super::record::EndpointRecord;
use crate::controller::Controller;
use crate::network::live::Network;
use crate::{Error, Result};
use pontoon_kernel::{FlowFilter, Kernel, ReservedPorts};
use pontoon_ports::{
    BindError, BindFault, Binder, Context, EphemeralPorts, Published, Reservation, Unchanged, change_with,
    publish_with, restore_with,
};
use pontoon_types::{EndpointId, Family, Kind, PortBinding, PortMapping, Protocol};
use std::net::IpAddr;
use std::sync::Arc;

/// Sockets that keep host ports.
pub(crate) type Held = Vec<Box<dyn ReservedPorts>>;

/// What one endpoint has published.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub endpoint: EndpointId,
    role: Role,
    pub published: Published<Held>,
}

/// For which families an endpoint carries the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Role {
    v4: bool,
    v6: bool,
}

/// Host facts that decide about ports; read once at start, as in Docker.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortFacts {
    ephemeral: EphemeralPorts,
    host_has_v6: bool,
}

impl PortFacts {
    /// Reads them.
    pub fn read(kernel: &dyn Kernel) -> Result<Self> {
        let read = |key: &str| {
            let act = format!("read sysctl {key}");
            kernel.sysctl(&pontoon_kernel::Netns::Host, key).map_err(Error::kernel(act))
        };
        let range = read("net/ipv4/ip_local_port_range")?;
        let reserved = read("net/ipv4/ip_local_reserved_ports")?.unwrap_or_default();
        let ephemeral = match range {
            Some(range) => EphemeralPorts::parse(&range, &reserved)
                .map_err(|error| Error::driver(pontoon_types::ErrorKind::System, error.to_string()))?,
            None => EphemeralPorts::default(),
        };
        Ok(Self { ephemeral, host_has_v6: read("net/ipv6/conf/lo/disable_ipv6")?.as_deref() == Some("0") })
    }
}

/// Binds through the kernel.
struct KernelBinder<'a>(&'a dyn Kernel);

impl Binder for KernelBinder<'_> {
    type Held = Held;

    fn bind(&self, wanted: &[Reservation]) -> std::result::Result<Held, BindError> {
        let mut held = Held::new();
        for (which, wanted) in wanted.iter().enumerate() {
            let reservation =
                pontoon_kernel::Reservation { protocol: wanted.protocol, address: wanted.host_ip, ports: wanted.ports };
            let refused = |error: pontoon_kernel::Error| {
                let port = taken_port(&error.act).unwrap_or(wanted.ports.start);
                BindError { which, port, fault: fault(error) }
            };
            held.push(self.0.reserve(&reservation).map_err(refused)?);
        }
        Ok(held)
    }
}

/// The port in `failed to bind host port ADDRESS:PORT/PROTOCOL`, the form that [`pontoon_kernel::Sockets::reserve`] promises.
fn taken_port(act: &str) -> Option<u16> {
    act.rsplit_once('/')?.0.rsplit_once(':')?.1.parse().ok()
}

fn fault(error: pontoon_kernel::Error) -> BindFault {
    match error.kind {
        pontoon_kernel::Kind::Busy => BindFault::InUse,
        pontoon_kernel::Kind::NotAvailable => BindFault::NotLocal,
        pontoon_kernel::Kind::Denied => BindFault::Denied,
        _ => BindFault::Other(std::io::Error::other(error)),
    }
}

impl Controller {
    /// Publishes `bindings` in place of what the sandbox meant by `term` publishes now. Ports in both are not
    /// interrupted; on failure everything is as it was.
    pub fn set_ports(&self, term: &str, bindings: Vec<PortBinding>) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(term)?;
        let mut live = sandbox.turn()?;
        if live.record.netns_path.is_none() {
            return Err(Error::BadSandbox("ports cannot be published in the host's namespace".into()));
        }
        let before = std::mem::replace(&mut live.record.spec.ports, bindings);
        let mut outlets = std::mem::take(&mut live.outlets);
        let mut changed = Ok(());
        for outlet in &mut outlets {
            changed = changed.and_then(|()| self.change_outlet(&live, outlet));
        }
        live.outlets = outlets;
        // Without anything published yet, the ports start here.
        let changed = changed.and_then(|()| self.rebalance_ports(&mut live));
        if let Err(error) = changed {
            live.record.spec.ports = before;
            return Err(error.with_undo(self.go_back(&mut live)));
        }
        self.note_mappings(&mut live);
        self.run_state().put_sandbox(&live.record)?;
        sandbox.show(&live.record);
        Ok(())
    }

    /// Puts every outlet back to the bindings that the record names, after some were changed already.
    fn go_back(&self, live: &mut Live) -> Vec<Error> {
        let mut outlets = std::mem::take(&mut live.outlets);
        let failures = outlets.iter_mut().filter_map(|outlet| self.change_outlet(live, outlet).err()).collect();
        live.outlets = outlets;
        self.note_mappings(live);
        failures
    }

    fn change_outlet(&self, live: &Live, outlet: &mut Outlet) -> Result<()> {
        let Some((endpoint, network)) = self.endpoint_of(live, outlet.endpoint) else { return Ok(()) };
        let context = self.context(&endpoint, &network, outlet.role)?;
        let nothing = Published { mappings: Vec::new(), held: Vec::new(), skipped: Vec::new() };
        let current = std::mem::replace(&mut outlet.published, nothing);
        let before = current.mappings.clone();
        let owner = endpoint.id.to_string();
        let changed =
            change_with(self.ports(), &KernelBinder(self.kernel()), &owner, current, &live.record.spec.ports, &context);
        match changed {
            Ok(published) => outlet.published = published,
            Err(unchanged) => {
                let Unchanged { error, current, .. } = *unchanged;
                outlet.published = current;
                return Err(refused(&endpoint, error));
            }
        }
        let (add, remove) = difference(&outlet.published.mappings, &before);
        self.driver_of(&network)?.publish(&add, &remove)?;
        self.forget_udp(add.iter().chain(&remove));
        Ok(())
    }

    /// Publishes on the endpoints that carry the default routes now, and nowhere else. On failure it is as it was.
    pub(crate) fn rebalance_ports(&self, live: &mut Live) -> Result<()> {
        let wanted = roles(&live.record.endpoints);
        let stays = |outlet: &Outlet| wanted.contains(&(outlet.endpoint, outlet.role));
        let (staying, leaving): (Vec<_>, Vec<_>) = std::mem::take(&mut live.outlets).into_iter().partition(stays);
        live.outlets = staying;
        // The old holder lets go first: both want the same ports.
        let left: Vec<_> =
            leaving.into_iter().map(|outlet| (outlet.endpoint, outlet.role, self.close_outlet(live, outlet))).collect();
        let mut opened = Ok(());
        if !live.record.spec.ports.is_empty() {
            for (endpoint, role) in wanted {
                if opened.is_ok() && !live.outlets.iter().any(|outlet| outlet.endpoint == endpoint) {
                    opened = self.open_outlet(live, endpoint, role, None);
                }
            }
        }
        if let Err(error) = opened {
            let back = left
                .into_iter()
                .filter_map(|(endpoint, role, mappings)| self.open_outlet(live, endpoint, role, Some(&mappings)).err());
            let undone = back.collect();
            self.note_mappings(live);
            return Err(error.with_undo(undone));
        }
        self.note_mappings(live);
        Ok(())
    }

    /// Closes what endpoints have open that are no longer the sandbox's.
    pub(crate) fn withdraw_ports(&self, live: &mut Live) {
        let here: Vec<EndpointId> = live.record.endpoints.iter().map(|endpoint| endpoint.id).collect();
        let (staying, leaving): (Vec<_>, Vec<_>) =
            std::mem::take(&mut live.outlets).into_iter().partition(|outlet| here.contains(&outlet.endpoint));
        live.outlets = staying;
        for outlet in leaving {
            self.close_outlet(live, outlet);
        }
        self.note_mappings(live);
    }

    /// Closes everything.
    pub(crate) fn drop_ports(&self, live: &mut Live) {
        for outlet in std::mem::take(&mut live.outlets) {
            self.close_outlet(live, outlet);
        }
        live.record.mappings.clear();
    }

    /// Opens the sandbox's ports on an endpoint: anew, or exactly as `before`.
    fn open_outlet(
        &self,
        live: &mut Live,
        endpoint: EndpointId,
        role: Role,
        before: Option<&[PortMapping]>,
    ) -> Result<()> {
        let Some((endpoint, network)) = self.endpoint_of(live, endpoint) else { return Ok(()) };
        let context = self.context(&endpoint, &network, role)?;
        let (owner, binder) = (endpoint.id.to_string(), KernelBinder(self.kernel()));
        let published = match before {
            None => publish_with(self.ports(), &binder, &owner, &live.record.spec.ports, &context),
            Some(mappings) => restore_with(self.ports(), &binder, &owner, mappings, &context),
        };
        let published = published.map_err(|error| refused(&endpoint, error))?;
        for skipped in &published.skipped {
            tracing::info!(sandbox = %live.record.id.short(), ?skipped, "part of a port binding was left out");
        }
        if let Err(error) = self.driver_of(&network)?.publish(&published.mappings, &[]) {
            self.lock_ports().release(&owner);
            return Err(error);
        }
        self.forget_udp(published.mappings.iter());
        live.outlets.push(Outlet { endpoint: endpoint.id, role, published });
        Ok(())
    }

    /// Holds the ports of a restored sandbox again without touching the rules, which are still there.
    pub(crate) fn hold_again(&self, live: &mut Live) -> Result<()> {
        for (id, role) in roles(&live.record.endpoints) {
            let Some((endpoint, network)) = self.endpoint_of(live, id) else { continue };
            let own = |mapping: &&PortMapping| belongs(mapping, &endpoint, role);
            let mappings: Vec<PortMapping> = live.record.mappings.iter().filter(own).cloned().collect();
            if mappings.is_empty() {
                continue;
            }
            let context = self.context(&endpoint, &network, role)?;
            let binder = KernelBinder(self.kernel());
            let published = restore_with(self.ports(), &binder, &id.to_string(), &mappings, &context);
            let published = published.map_err(|error| refused(&endpoint, error))?;
            live.outlets.push(Outlet { endpoint: id, role, published });
        }
        Ok(())
    }

    /// Closes an outlet and tells what it had; failures are logged, the rest goes on.
    fn close_outlet(&self, live: &Live, outlet: Outlet) -> Vec<PortMapping> {
        let mappings = outlet.published.mappings;
        let closed = self.driver_of_ports(live, outlet.endpoint).and_then(|driver| driver.publish(&[], &mappings));
        self.forget_udp(mappings.iter());
        if let Err(error) = closed {
            tracing::warn!(sandbox = %live.record.id.short(), %error, "while closing published ports");
        }
        // Rules are gone: now the sockets may go, and then the ports are anybody's.
        drop(outlet.published.held);
        self.lock_ports().release(&outlet.endpoint.to_string());
        mappings
    }

    fn driver_of_ports(&self, live: &Live, endpoint: EndpointId) -> Result<Arc<dyn crate::Driver>> {
        match self.endpoint_of(live, endpoint) {
            Some((_, network)) => self.driver_of(&network),
            // The endpoint has left: only bridges publish.
            None => self.driver("bridge"),
        }
    }

    fn endpoint_of(&self, live: &Live, id: EndpointId) -> Option<(EndpointRecord, Arc<Network>)> {
        let endpoint = live.record.endpoints.iter().find(|endpoint| endpoint.id == id)?;
        Some((endpoint.clone(), self.network_by_id(endpoint.network)?))
    }

    fn context(&self, endpoint: &EndpointRecord, network: &Network, role: Role) -> Result<Context<'_>> {
        let facts = self.port_facts();
        let driver = self.driver_of(network)?;
        let v4 = endpoint.ipv4.and_then(|net| match net.addr() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        let v6 = endpoint.ipv6.and_then(|net| match net.addr() {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        });
        Ok(Context {
            container_v4: v4.filter(|_| driver.publishes(&network.record, Family::V4)),
            container_v6: v6.filter(|_| driver.publishes(&network.record, Family::V6)),
            default_host_ip: driver.binding_address(&network.record),
            host_has_v6: facts.host_has_v6,
            is_v4_gateway: role.v4,
            is_v6_gateway: role.v6,
            forwarder: self.settings().forwarder,
            ephemeral: &facts.ephemeral,
        })
    }

    fn note_mappings(&self, live: &mut Live) {
        live.record.mappings = live.outlets.iter().flat_map(|outlet| outlet.published.mappings.clone()).collect();
    }

    /// UDP peers that talked to a port before it changed hands keep a tracked flow alive; it must not win.
    fn forget_udp<'a>(&self, mappings: impl Iterator<Item = &'a PortMapping>) {
        let udp = mappings.filter(|mapping| mapping.protocol == Protocol::Udp);
        let filter = |mapping: &PortMapping| FlowFilter::HostPort {
            protocol: mapping.protocol,
            address: mapping.host_ip,
            ports: mapping.host,
        };
        if self.kernel().tracks_flows() {
            self.flows().forget(udp.map(filter).collect());
        }
    }
}

/// Which endpoints carry the ports, for which families (bridge.md section 6).
fn roles(endpoints: &[EndpointRecord]) -> Vec<(EndpointId, Role)> {
    let gateways = Gateways::of(endpoints);
    match (gateways.v4, gateways.v6) {
        (Some(v4), Some(v6)) if v4 != v6 => {
            vec![(v4, Role { v4: true, v6: false }), (v6, Role { v4: false, v6: true })]
        }
        (Some(both), _) => vec![(both, Role { v4: true, v6: true })],
        (None, Some(v6)) => vec![(v6, Role { v4: false, v6: true })],
        (None, None) => Vec::new(),
    }
}

fn belongs(mapping: &PortMapping, endpoint: &EndpointRecord, role: Role) -> bool {
    let wanted = if mapping.host_ip.is_ipv4() { role.v4 } else { role.v6 };
    let inside = endpoint.address(Family::of(mapping.container_ip)).map(|net| net.addr());
    wanted && inside == Some(mapping.container_ip)
}

/// What is only in `new`, and what is only in `old`.
fn difference(new: &[PortMapping], old: &[PortMapping]) -> (Vec<PortMapping>, Vec<PortMapping>) {
    let only = |a: &[PortMapping], b: &[PortMapping]| a.iter().filter(|m| !b.contains(m)).cloned().collect();
    (only(new, old), only(old, new))
}

fn refused(endpoint: &EndpointRecord, error: pontoon_ports::Error) -> Error {
    Error::Publish {
        name: endpoint.name.clone(),
        id: endpoint.id.to_string(),
        cause: pontoon_types::chain(&error),
        hint: error.hint(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::gateway::tests::endpoint;

    #[test]
    fn the_port_that_was_taken_is_read_from_the_kernels_refusal() {
        assert_eq!(taken_port("failed to bind host port 0.0.0.0:80/tcp"), Some(80));
        assert_eq!(taken_port("failed to bind host port [::]:8080/udp"), Some(8080));
        assert_eq!(taken_port("something else"), None);
    }

    #[test]
    fn ports_follow_the_default_routes_of_each_family() {
        let v4 = endpoint("a", 9, false, true, false);
        let v6 = endpoint("b", 0, false, false, true);
        let both = endpoint("c", 0, false, true, true);
        let role = |v4, v6| Role { v4, v6 };
        assert_eq!(roles(std::slice::from_ref(&v4)), vec![(v4.id, role(true, true))]);
        assert_eq!(roles(std::slice::from_ref(&v6)), vec![(v6.id, role(false, true))]);
        assert_eq!(roles(&[v4.clone(), v6.clone()]), vec![(v4.id, role(true, false)), (v6.id, role(false, true))]);
        assert_eq!(roles(&[both.clone(), v6.clone()]), vec![(both.id, role(true, true))]);
        assert_eq!(roles(&[endpoint("i", 0, true, true, true)]), vec![]);
    }
}
