//! Operations, one after the other, on a netlink socket inside the namespace that they are about.
//!
//! Owns what each [`Op`] is in requests, and which refusals are no failure. Must never do anything after the first
//! failure: later operations may mean a link that an earlier one should have made.

use crate::errno::refused;
use crate::host::{Linux, index_of};
use crate::netlink::{Refusal, Request, Socket};
use crate::{link, retire, sysctl};
use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use pontoon_kernel::{BridgeSpec, Failed, Kind, LinkIndex, Netns, Op, Result, Route, RouteTarget, VethSpec};
use pontoon_types::LinkName;
use std::os::fd::AsFd;

/// Applies `ops` in `ns`, in order.
pub(crate) fn apply(linux: &Linux, ns: &Netns, ops: &[Op]) -> std::result::Result<(), Failed> {
    if ops.is_empty() {
        return Ok(());
    }
    let mut done = 0;
    let outcome = linux.with_route(ns, |socket| {
        for op in ops {
            perform(linux, ns, socket, op)?;
            done += 1;
        }
        Ok(())
    });
    outcome.map_err(|cause| Failed { done, cause })
}

fn perform(linux: &Linux, ns: &Netns, socket: &mut Socket, op: &Op) -> Result<()> {
    match op {
        Op::CreateBridge(spec) => create_bridge(linux, ns, socket, spec),
        Op::CreateVeth(spec) => create_veth(linux, ns, socket, spec),
        Op::Up(name) => change(socket, link::set_up_by_name(name, true), || format!("bring up {name}")),
        Op::Down(name) => change(socket, link::set_up_by_name(name, false), || format!("take down {name}")),
        Op::SetMtu(name, mtu) => {
            change(socket, link::set_mtu(name, *mtu), || format!("set the MTU of {name} to {mtu}"))
        }
        Op::SetMac(name, mac) => {
            change(socket, link::set_mac(name, *mac), || format!("set the address of {name} to {mac}"))
        }
        Op::SetAlias(name, alias) => {
            change(socket, link::set_alias(name, alias), || format!("set the alias of {name}"))
        }
        Op::SetGroup(name, group) => {
            change(socket, link::set_group(name, *group), || format!("set the group of {name}"))
        }
        Op::SetMaster(name, bridge) => {
            let act = || format!("attach {name} to bridge {bridge}");
            let bridge = index(bridge, act)?;
            change(socket, link::set_master(name, bridge), act)
        }
        Op::SetIsolated(name, isolated) => {
            change(socket, link::set_isolated(name, *isolated), || format!("set port isolation of {name}"))
        }
        Op::SetHairpin(name, hairpin) => {
            change(socket, link::set_hairpin(name, *hairpin), || format!("set the hairpin mode of {name}"))
        }
        Op::Rename(name, to) => {
            let act = || format!("rename {name} to {to}");
            let index = index(name, act)?;
            retire::rename(socket, index, to).map_err(|refusal| refusal.into_error(act()))
        }
        Op::AddAddress(name, net) => add_address(socket, name, net),
        Op::RemoveAddress(name, net) => remove_address(socket, name, net),
        Op::SetRoute { destination, target, link } => set_route(socket, destination, target, link.as_ref()),
        Op::RemoveRoute(destination) => remove_route(socket, destination),
        Op::SetSysctl(key, value) => sysctl::write(&linux.settings_of(ns)?, key, value),
        Op::Retire(name) => retire::retire(socket, name),
    }
}

fn change(socket: &mut Socket, request: Request, act: impl FnOnce() -> String) -> Result<()> {
    socket.acknowledged(&request).map_err(|refusal| refusal.into_error(act()))
}

fn index(name: &LinkName, act: impl FnOnce() -> String) -> Result<LinkIndex> {
    index_of(name).map_err(|errno| refused(act(), errno as i32))
}

fn create_bridge(linux: &Linux, ns: &Netns, socket: &mut Socket, spec: &BridgeSpec) -> Result<()> {
    change(socket, link::bridge(spec), || format!("create bridge {}", spec.name))?;
    // Absent without IPv6. Where /proc/sys is read-only Docker goes on, and so do we: nobody can do better there.
    match sysctl::write(&linux.settings_of(ns)?, &format!("net/ipv6/conf/{}/accept_ra", spec.name), "0") {
        Err(error) if error.kind == Kind::Denied => {
            tracing::warn!(bridge = %spec.name, %error, "the bridge may accept router advertisements");
            Ok(())
        }
        Err(error) if error.kind != Kind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn create_veth(linux: &Linux, ns: &Netns, socket: &mut Socket, spec: &VethSpec) -> Result<()> {
    let act = || format!("create link pair {} and {}", spec.host, spec.peer);
    let bridge = index(&spec.bridge, || format!("{}: find bridge {}", act(), spec.bridge))?;
    let peer_ns = linux.open(&spec.peer_ns)?;
    let [create, raise] = link::veth(spec, bridge, peer_ns.as_fd());
    change(socket, create, act)?;
    if let Err(error) = without_ipv6(linux, ns, socket, &spec.host).and_then(|()| change(socket, raise, act)) {
        // Half an operation is none: the caller undoes only whole ones.
        retire::retire(socket, &spec.host)?;
        return Err(error);
    }
    Ok(())
}

/// Switches IPv6 off on a bridge port before it comes up. It has no use for IPv6, and with it each port makes every later
/// change of a link dearer: the kernel walks its routes, of which each such link has one, even without an address.
fn without_ipv6(linux: &Linux, ns: &Netns, socket: &mut Socket, port: &LinkName) -> Result<()> {
    match sysctl::write(&linux.settings_of(ns)?, &format!("net/ipv6/conf/{port}/disable_ipv6"), "1") {
        // Where /proc/sys is read-only, at least without an address of its own.
        Err(error) if error.kind == Kind::Denied => {
            let _ = socket.acknowledged(&link::without_ipv6_address(port));
            Ok(())
        }
        Err(error) if error.kind != Kind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn add_address(socket: &mut Socket, name: &LinkName, net: &IpNet) -> Result<()> {
    let act = || format!("add address {net} to {name}");
    let index = index(name, act)?;
    match socket.acknowledged(&link::add_address(index, net)) {
        // IPv6 says so also when the address is there with another prefix length.
        Err(refusal) if refusal.errno == libc::EEXIST => match addresses_of(socket, index) {
            Ok(addresses) if addresses.contains(net) => Ok(()),
            Ok(_) => Err(refusal.into_error(act())),
            Err(refusal) => Err(refusal.into_error(act())),
        },
        outcome => outcome.map_err(|refusal| refusal.into_error(act())),
    }
}

/// The addresses of one link.
pub(crate) fn addresses_of(socket: &mut Socket, index: LinkIndex) -> std::result::Result<Vec<IpNet>, Refusal> {
    let listed = socket.dump(&link::list_addresses(Some(index)), |frame, found| {
        let address = link::read_address(frame.payload).filter(|_| frame.kind == link::RTM_NEWADDR);
        found.extend(address.filter(|address| address.link == index).map(|address| address.net));
    });
    match listed {
        // The kernel, when it filters, says so of a link that is not there.
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(Vec::new()),
        outcome => outcome,
    }
}

fn remove_address(socket: &mut Socket, name: &LinkName, net: &IpNet) -> Result<()> {
    let Ok(index) = index_of(name) else { return Ok(()) };
    match socket.acknowledged(&link::remove_address(index, net)) {
        Err(refusal) if matches!(refusal.errno, libc::EADDRNOTAVAIL | libc::ENODEV) => Ok(()),
        outcome => outcome.map_err(|refusal| refusal.into_error(format!("remove address {net} from {name}"))),
    }
}

fn set_route(socket: &mut Socket, destination: &IpNet, target: &RouteTarget, name: Option<&LinkName>) -> Result<()> {
    let act = || match target {
        RouteTarget::Via(gateway) => format!("add route to {destination} via {gateway}"),
        RouteTarget::OnLink => format!("add route to {destination}"),
    };
    let link = name.map(|name| index(name, act)).transpose()?;
    change(socket, link::set_route(destination, target, link), act)?;
    if destination.addr().is_ipv6() { remove_other_routes(socket, destination, target, link) } else { Ok(()) }
}

/// IPv6 keeps a route through a gateway beside one without, instead of replacing either by the other.
fn remove_other_routes(
    socket: &mut Socket,
    destination: &IpNet,
    target: &RouteTarget,
    link: Option<LinkIndex>,
) -> Result<()> {
    let wanted = |route: &Route| route.target == *target && link.is_none_or(|link| route.link == Some(link));
    for route in routes(socket, AddressFamily::Inet6)? {
        if route.protocol == Route::OURS && route.destination == destination.trunc() && !wanted(&route) {
            let request = link::remove_route(destination, Some(&route));
            change(socket, request, || format!("replace route to {destination}"))?;
        }
    }
    Ok(())
}

/// The main table of one family.
pub(crate) fn routes(socket: &mut Socket, family: AddressFamily) -> Result<Vec<Route>> {
    let is_v4 = family == AddressFamily::Inet;
    let listed = socket.dump(&link::list_routes(family), |frame, found| {
        if frame.kind == link::RTM_NEWROUTE {
            let ours = |route: &Route| route.destination.addr().is_ipv4() == is_v4;
            found.extend(link::read_routes(frame.payload).into_iter().filter(ours));
        }
    });
    match listed {
        // A table is made with its first route, a family may be missing altogether.
        Err(refusal) if matches!(refusal.errno, libc::ENOENT | libc::EAFNOSUPPORT | libc::EOPNOTSUPP) => Ok(Vec::new()),
        outcome => outcome.map_err(|refusal| refusal.into_error("list routes")),
    }
}

fn remove_route(socket: &mut Socket, destination: &IpNet) -> Result<()> {
    /// IPv6 may have several; more than these are not ours.
    const MOST: usize = 64;
    for _ in 0..MOST {
        match socket.acknowledged(&link::remove_route(destination, None)) {
            Ok(()) => {}
            Err(refusal) if refusal.errno == libc::ESRCH => break,
            Err(refusal) => return Err(refusal.into_error(format!("remove route to {destination}"))),
        }
    }
    Ok(())
}
