//! Which endpoint carries the default route and the published ports. Pure (sandbox.md section 4).

use super::record::EndpointRecord;
use pontoon_types::{EndpointId, Family};
use std::cmp::{Ordering, Reverse};

/// Best first: higher priority, not internal, more families with a way out, network name.
pub fn order(a: &EndpointRecord, b: &EndpointRecord) -> Ordering {
    let key = |endpoint: &EndpointRecord| {
        let families = Family::BOTH.iter().filter(|family| endpoint.gateway(**family).is_some()).count();
        (Reverse(endpoint.spec.gw_priority), endpoint.internal, Reverse(families))
    };
    key(a).cmp(&key(b)).then_with(|| a.network_name.cmp(&b.network_name))
}

/// Endpoints in the order of [`order`].
pub fn sorted(endpoints: &[EndpointRecord]) -> Vec<&EndpointRecord> {
    let mut sorted: Vec<_> = endpoints.iter().collect();
    sorted.sort_by(|a, b| order(a, b));
    sorted
}

/// The endpoints that carry the default routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gateways {
    /// For IPv4.
    pub v4: Option<EndpointId>,
    /// For IPv6.
    pub v6: Option<EndpointId>,
}

impl Gateways {
    /// Chooses among `endpoints`.
    pub fn of(endpoints: &[EndpointRecord]) -> Self {
        let first = |family| sorted(endpoints).into_iter().find(|e| e.gateway(family).is_some()).map(|e| e.id);
        Self { v4: first(Family::V4), v6: first(Family::V6) }
    }

    /// The endpoint for a family.
    pub fn get(&self, family: Family) -> Option<EndpointId> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use pontoon_types::{EndpointSpec, NetworkId};

    pub(crate) fn endpoint(name: &str, priority: i64, internal: bool, v4: bool, v6: bool) -> EndpointRecord {
        EndpointRecord {
            id: EndpointId::random(),
            network: NetworkId::random(),
            network_name: name.into(),
            name: "box".into(),
            spec: EndpointSpec { gw_priority: priority, ..EndpointSpec::default() },
            link: Some("eth0".parse().unwrap()),
            host_link: None,
            mac: None,
            ipv4: v4.then(|| "10.0.0.2/24".parse().unwrap()),
            ipv6: v6.then(|| "fd00::2/64".parse().unwrap()),
            gateway_v4: (v4 && !internal).then(|| "10.0.0.1".parse().unwrap()),
            gateway_v6: (v6 && !internal).then(|| "fd00::1".parse().unwrap()),
            internal,
        }
    }

    #[test]
    fn priority_then_outside_then_families_then_name_decide() {
        let cases = [
            (vec![("b", 0, false, true, false), ("a", 0, false, true, false)], Some("a"), None),
            (vec![("a", 0, false, true, false), ("b", 1, false, true, false)], Some("b"), None),
            (vec![("a", 0, false, true, false), ("b", 0, false, true, true)], Some("b"), Some("b")),
            (vec![("a", 5, true, true, true), ("b", 0, false, true, false)], Some("b"), None),
            (vec![("a", 0, false, false, true), ("b", 0, false, true, false)], Some("b"), Some("a")),
            (vec![("a", -1, false, true, false), ("b", 0, true, true, true)], Some("a"), None),
            (vec![("a", 0, true, true, true)], None, None),
        ];
        for (endpoints, v4, v6) in cases {
            let endpoints: Vec<_> = endpoints.into_iter().map(|(n, p, i, a, b)| endpoint(n, p, i, a, b)).collect();
            let name = |id: Option<EndpointId>| {
                id.and_then(|id| endpoints.iter().find(|e| e.id == id)).map(|e| e.network_name.as_str())
            };
            let chosen = Gateways::of(&endpoints);
            assert_eq!((name(chosen.v4), name(chosen.v6)), (v4, v6));
        }
    }
}
