//! Tracked connections of the host, by ctnetlink.
//!
//! Owns which ones a filter means, and forgetting them. A walk over the kernel's table is what costs: 40 ns for each
//! bucket of the (often 262,144) when listing, since each is locked, and a tenth when the kernel deletes by itself. So it
//! does where it can (6.8 and later, few filters); else one listing serves all filters of a call. First comes a glance
//! that tells cheaply, where there are few flows, that none is meant, as is so nearly always.

mod glance;
mod wire;

use crate::netlink::{Refusal, Request, Socket};
use crate::procfs::View;
use crate::sysctl;
use pontoon_kernel::{FlowFilter, FlowKey, Result};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use glance::hits;
pub use wire::{Flow, Tuple, read_flow};

const ACT: &str = "forget tracked connections";
/// More walks than these cost as much as listing once.
const MOST_FLUSHES: usize = 24;
/// Whether this kernel has refused to delete by a filter.
static CANNOT_FLUSH: AtomicBool = AtomicBool::new(false);

/// How many flows the calling thread's namespace tracks; `None` when it cannot be told.
pub(crate) fn tracked(proc: &View) -> Option<usize> {
    // Without the module there is no table.
    sysctl::read(proc, "net/netfilter/nf_conntrack_count").ok()?.map_or(Some(0), |count| count.parse().ok())
}

/// Deletes what any of `filters` means. How many, if it was not the kernel that chose them.
pub(crate) fn forget(socket: &mut Socket, filters: &[FlowFilter]) -> Result<Option<usize>> {
    let mut listed = Vec::new();
    let mut requests = Vec::new();
    for filter in filters {
        match flushes(filter) {
            Some(some) if requests.len() + some.len() <= MOST_FLUSHES => requests.extend(some),
            _ => listed.push(filter.clone()),
        }
    }
    if requests.is_empty() || !flush(socket, &requests)? {
        return one_by_one(socket, filters).map(Some);
    }
    if !listed.is_empty() {
        one_by_one(socket, &listed)?;
    }
    Ok(None)
}

/// Has the kernel delete; whether it can.
fn flush(socket: &mut Socket, requests: &[Request]) -> Result<bool> {
    if CANNOT_FLUSH.load(Ordering::Relaxed) {
        return Ok(false);
    }
    for request in requests {
        match socket.acknowledged(request) {
            Ok(()) => {}
            Err(refusal) if matches!(refusal.errno, libc::EINVAL | libc::EOPNOTSUPP) => {
                tracing::debug!("this kernel cannot delete connections by a filter; listing them instead");
                CANNOT_FLUSH.store(true, Ordering::Relaxed);
                return Ok(false);
            }
            Err(refusal) => return Err(refusal.into_error(ACT)),
        }
    }
    Ok(true)
}

/// One request for each place that a filter looks at; `None` for what the kernel cannot be told, or not cheaply.
///
/// No IPv6 address is ever told: the kernel compares it the wrong way round (`ctnetlink_filter_match_tuple`, seen in
/// 6.18) and deletes everything else.
fn flushes(filter: &FlowFilter) -> Option<Vec<Request>> {
    match filter {
        FlowFilter::Address(IpAddr::V4(address)) => {
            Some(wire::PLACES.map(|place| wire::flush_address(*address, place)).into())
        }
        FlowFilter::HostPort { protocol, address, ports }
            if (address.is_ipv4() || address.is_unspecified()) && ports.count() as usize <= MOST_FLUSHES =>
        {
            let ports = ports.start..=ports.end;
            Some(ports.map(|port| wire::flush_port(protocol.number(), *address, port)).collect())
        }
        _ => None,
    }
}

/// Lists the table once and deletes what any of `filters` means; how many.
fn one_by_one(socket: &mut Socket, filters: &[FlowFilter]) -> Result<usize> {
    let found = socket.dump(&wire::list(family(filters)), |frame, found: &mut Vec<_>| {
        let flow = read_flow(frame.payload).filter(|_| wire::is_flow(frame.kind));
        found.extend(flow.filter(|flow| filters.iter().any(|filter| means(filter, flow))).and_then(wire::delete));
    });
    let mut forgotten = 0;
    for request in found.map_err(|refusal| refusal.into_error(ACT))? {
        match socket.acknowledged(&request) {
            Ok(()) => forgotten += 1,
            // It ended by itself meanwhile (its id makes sure that no newer one is hit).
            Err(Refusal { errno: libc::ENOENT, .. }) => {}
            Err(refusal) => return Err(refusal.into_error(ACT)),
        }
    }
    Ok(forgotten)
}

/// The original destination of the flow whose replies look like `reply`.
pub(crate) fn original_destination(socket: &mut Socket, reply: &FlowKey) -> Result<Option<SocketAddr>> {
    let act = || format!("look up the connection {} -> {}", reply.source, reply.destination);
    if reply.source.is_ipv4() != reply.destination.is_ipv4() {
        return Ok(None);
    }
    match socket.ask(&wire::find(reply), |frame| read_flow(frame.payload).map(|flow| flow.original)) {
        Ok(found) => Ok(found
            .first()
            .and_then(|original| Some(SocketAddr::new(original.destination?, original.destination_port?)))),
        Err(refusal) if refusal.errno == libc::ENOENT => Ok(None),
        Err(refusal) => Err(refusal.into_error(act())),
    }
}

/// Whether `filter` means `flow`.
fn means(filter: &FlowFilter, flow: &Flow<'_>) -> bool {
    match filter {
        FlowFilter::Address(address) => [flow.original, flow.reply]
            .iter()
            .any(|tuple| tuple.source == Some(*address) || tuple.destination == Some(*address)),
        FlowFilter::HostPort { protocol, address, ports } => {
            let original = flow.original;
            let here = |to: IpAddr| to.is_ipv4() == address.is_ipv4() && (address.is_unspecified() || to == *address);
            original.protocol == Some(protocol.number())
                && original.destination.is_some_and(here)
                && original.destination_port.is_some_and(|port| ports.contains(port))
        }
    }
}

/// The one family that all filters are about, for the kernel to leave out the other.
fn family(filters: &[FlowFilter]) -> u8 {
    let is_v4 = |filter: &FlowFilter| match filter {
        FlowFilter::Address(address) | FlowFilter::HostPort { address, .. } => address.is_ipv4(),
    };
    let family = match (filters.iter().all(is_v4), filters.iter().any(is_v4)) {
        (true, _) => libc::AF_INET,
        (_, false) => libc::AF_INET6,
        _ => libc::AF_UNSPEC,
    };
    family as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::{PortRange, Protocol};

    fn tuple(source: &str, destination: &str) -> Tuple {
        let (source, destination): (SocketAddr, SocketAddr) = (source.parse().unwrap(), destination.parse().unwrap());
        Tuple {
            source: Some(source.ip()),
            destination: Some(destination.ip()),
            protocol: Some(17),
            source_port: Some(source.port()),
            destination_port: Some(destination.port()),
        }
    }

    /// A client at 198.51.100.7 through the host's 192.0.2.1:53 to a sandbox's 10.0.0.2:5353.
    fn flow() -> Flow<'static> {
        let original = tuple("198.51.100.7:4000", "192.0.2.1:53");
        Flow { original, reply: tuple("10.0.0.2:5353", "198.51.100.7:4000"), ..Flow::default() }
    }

    #[test]
    fn an_address_is_looked_for_in_all_four_places() {
        for (address, wanted) in [
            ("198.51.100.7", true),
            ("192.0.2.1", true),
            ("10.0.0.2", true),
            ("10.0.0.3", false),
            ("::ffff:10.0.0.2", false),
        ] {
            assert_eq!(means(&FlowFilter::Address(address.parse().unwrap()), &flow()), wanted, "{address}");
        }
        let masqueraded = Flow {
            original: tuple("10.0.0.2:4000", "203.0.113.9:53"),
            reply: tuple("203.0.113.9:53", "192.0.2.1:4000"),
            ..Flow::default()
        };
        for address in ["10.0.0.2", "203.0.113.9", "192.0.2.1"] {
            assert!(means(&FlowFilter::Address(address.parse().unwrap()), &masqueraded), "{address}");
        }
    }

    #[test]
    fn a_host_port_is_the_original_destination() {
        let filter = |protocol, address: &str, start, end| FlowFilter::HostPort {
            protocol,
            address: address.parse().unwrap(),
            ports: PortRange { start, end },
        };
        for (filter, wanted) in [
            (filter(Protocol::Udp, "0.0.0.0", 53, 53), true),
            (filter(Protocol::Udp, "192.0.2.1", 50, 60), true),
            (filter(Protocol::Udp, "192.0.2.2", 53, 53), false),
            (filter(Protocol::Tcp, "0.0.0.0", 53, 53), false),
            (filter(Protocol::Udp, "::", 53, 53), false),
            (filter(Protocol::Udp, "0.0.0.0", 5353, 5353), false),
        ] {
            assert_eq!(means(&filter, &flow()), wanted, "{filter:?}");
        }
    }

    #[test]
    fn one_family_is_asked_for_when_all_filters_agree() {
        let filters = |list: &[&str]| {
            family(&list.iter().map(|text| FlowFilter::Address(text.parse().unwrap())).collect::<Vec<_>>())
        };
        assert_eq!(filters(&["10.0.0.1", "10.0.0.2"]), libc::AF_INET as u8);
        assert_eq!(filters(&["fd00::1"]), libc::AF_INET6 as u8);
        assert_eq!(filters(&["10.0.0.1", "fd00::1"]), libc::AF_UNSPEC as u8);
    }
}
