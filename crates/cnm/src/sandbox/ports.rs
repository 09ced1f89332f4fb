//! The ports that one endpoint of a sandbox has published: opened, changed in place, closed (ports.md section 2).
//!
//! Owns: the way from bindings to sockets, book and rules, for one endpoint. Must not decide which endpoint that is.

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
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Sockets that keep host ports.
pub(crate) type Held = Vec<Box<dyn ReservedPorts>>;

/// What one endpoint has published.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub endpoint: EndpointId,
    pub role: Role,
    pub published: Published<Held>,
}

/// An outlet that could not be closed.
#[derive(Debug)]
pub(crate) struct StillOpen {
    pub outlet: Outlet,
    pub error: Error,
}

/// For which families an endpoint carries the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
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
        let reservation = |wanted: &Reservation| pontoon_kernel::Reservation {
            protocol: wanted.protocol,
            address: wanted.host_ip,
            ports: wanted.ports,
        };
        let reservations: Vec<_> = wanted.iter().map(reservation).collect();
        self.0.reserve_all(&reservations).map_err(|error| {
            let taken = taken_port(&error.act);
            let which = taken.and_then(|taken| wanted.iter().position(|wanted| wanted.host_ip == taken.ip()));
            let which = which.unwrap_or_default();
            let port = taken.map(|taken| taken.port()).or(wanted.get(which).map(|wanted| wanted.ports.start));
            BindError { which, port: port.unwrap_or_default(), fault: fault(error) }
        })
    }
}

/// The address and port in `failed to bind host port ADDRESS:PORT/PROTOCOL`, the form that [`pontoon_kernel::Sockets::reserve`] promises.
fn taken_port(act: &str) -> Option<SocketAddr> {
    act.rsplit_once('/')?.0.rsplit_once(' ')?.1.parse().ok()
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
    /// Publishes `bindings` on an outlet in place of what it has. On failure it has what it had, save for the rules.
    pub(super) fn change_outlet(&self, live: &Live, outlet: &mut Outlet, bindings: &[PortBinding]) -> Result<()> {
        let Some((endpoint, network)) = self.endpoint_of(live, outlet.endpoint) else { return Ok(()) };
        let context = self.context(&endpoint, &network, outlet.role)?;
        let nothing = Published { mappings: Vec::new(), held: Vec::new(), skipped: Vec::new() };
        let current = std::mem::replace(&mut outlet.published, nothing);
        let before = current.mappings.clone();
        let owner = endpoint.id.to_string();
        let changed = change_with(self.ports(), &KernelBinder(self.kernel()), &owner, current, bindings, &context);
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

    /// Opens the sandbox's ports on an endpoint: anew, or exactly as `before`.
    pub(super) fn open_outlet(
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
            self.let_go(Outlet { endpoint: endpoint.id, role, published });
            return Err(error);
        }
        self.forget_udp(published.mappings.iter());
        live.outlets.push(Outlet { endpoint: endpoint.id, role, published });
        Ok(())
    }

    /// Holds the ports that an endpoint had before a restart, without touching the rules, which are still there.
    pub(super) fn hold_outlet(&self, live: &mut Live, id: EndpointId, role: Role) -> Result<()> {
        let Some((endpoint, network)) = self.endpoint_of(live, id) else { return Ok(()) };
        let own = |mapping: &&PortMapping| belongs(mapping, &endpoint, role);
        let mappings: Vec<PortMapping> = live.record.mappings.iter().filter(own).cloned().collect();
        if mappings.is_empty() {
            return Ok(());
        }
        let context = self.context(&endpoint, &network, role)?;
        let binder = KernelBinder(self.kernel());
        let published = restore_with(self.ports(), &binder, &id.to_string(), &mappings, &context);
        let published = published.map_err(|error| refused(&endpoint, error))?;
        live.outlets.push(Outlet { endpoint: id, role, published });
        Ok(())
    }

    /// Closes an outlet; it comes back, still open, when its rules could not be taken away.
    pub(super) fn close_outlet(&self, live: &Live, outlet: Outlet) -> std::result::Result<(), Box<StillOpen>> {
        let mappings = &outlet.published.mappings;
        let closed = self.driver_of_ports(live, outlet.endpoint).and_then(|driver| driver.publish(&[], mappings));
        if let Err(error) = closed {
            return Err(Box::new(StillOpen { outlet, error }));
        }
        self.forget_udp(mappings.iter());
        self.let_go(outlet);
        Ok(())
    }

    /// Gives ports back whatever the rules say: now the sockets may go, and then the ports are anybody's.
    pub(super) fn let_go(&self, outlet: Outlet) {
        drop(outlet.published.held);
        self.lock_ports().release(&outlet.endpoint.to_string());
    }

    fn driver_of_ports(&self, live: &Live, endpoint: EndpointId) -> Result<Arc<dyn crate::Driver>> {
        match self.endpoint_of(live, endpoint) {
            Some((_, network)) => self.driver_of(&network),
            // The endpoint has left: only bridges publish.
            None => self.driver("bridge"),
        }
    }

    pub(super) fn endpoint_of(&self, live: &Live, id: EndpointId) -> Option<(EndpointRecord, Arc<Network>)> {
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
pub(super) fn roles(endpoints: &[EndpointRecord]) -> Vec<(EndpointId, Role)> {
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
        assert_eq!(taken_port("failed to bind host port 0.0.0.0:80/tcp"), "0.0.0.0:80".parse().ok());
        assert_eq!(taken_port("failed to bind host port [::]:8080/udp"), "[::]:8080".parse().ok());
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
