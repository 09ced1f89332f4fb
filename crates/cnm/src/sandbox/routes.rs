//! Default routes of a sandbox: which to set and which to drop when its endpoints change. Pure.

use super::gateway::Gateways;
use super::record::EndpointRecord;
use ipnet::IpNet;
use pontoon_kernel::{Op, RouteTarget};
use pontoon_types::Family;

/// The destination that means everything.
pub fn everything(family: Family) -> IpNet {
    match family {
        Family::V4 => IpNet::from(ipnet::Ipv4Net::default()),
        Family::V6 => IpNet::from(ipnet::Ipv6Net::default()),
    }
}

/// Operations that make the default routes those of `endpoints`, after they were those of `before`.
pub fn change(before: Gateways, endpoints: &[EndpointRecord]) -> Vec<Op> {
    let now = Gateways::of(endpoints);
    let mut ops = Vec::new();
    for family in Family::BOTH {
        if before.get(family) == now.get(family) {
            continue;
        }
        let chosen = now.get(family).and_then(|id| endpoints.iter().find(|endpoint| endpoint.id == id));
        match chosen.and_then(|endpoint| Some((endpoint.gateway(family)?, endpoint.link.clone()?))) {
            Some((gateway, link)) => ops.push(Op::SetRoute {
                destination: everything(family),
                target: RouteTarget::Via(gateway),
                link: Some(link),
            }),
            None => ops.push(Op::RemoveRoute(everything(family))),
        }
    }
    ops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::gateway::tests::endpoint;

    #[test]
    fn the_route_follows_the_better_network_and_goes_with_the_last() {
        let a = endpoint("a", 0, false, true, false);
        let b = endpoint("b", 9, false, true, true);
        let none = Gateways::default();
        assert_eq!(change(none, std::slice::from_ref(&a)).len(), 1);
        let with_a = Gateways::of(std::slice::from_ref(&a));
        let both = [a.clone(), b.clone()];
        assert_eq!(change(with_a, &both).len(), 2);
        assert_eq!(change(Gateways::of(&both), &both), vec![]);
        assert_eq!(
            change(Gateways::of(&both), &[]),
            vec![Op::RemoveRoute(everything(Family::V4)), Op::RemoveRoute(everything(Family::V6))]
        );
    }
}
