//! A bridge network in the rule set: a few elements, however many endpoints it has.
//!
//! Owns: which sets a bridge is in. Must not know addresses or endpoints.

use crate::sets;
use pontoon_kernel::nft::{Data, Element, Key, Value, Verdict};
use pontoon_types::LinkName;

/// How far a bridge network reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BridgeKind {
    /// Out by itself, in through published ports.
    Nat,
    /// Within itself and to the host.
    Internal,
    /// Within itself only.
    Isolated,
}

/// What the rule set needs to know of a bridge network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BridgeRules {
    /// The bridge's link.
    pub name: LinkName,
    /// How far it reaches.
    pub kind: BridgeKind,
    /// Endpoints may talk to each other. (On the bridge itself port isolation keeps them apart; these rules cover
    /// what goes by way of the host and, with `br_netfilter`, what is bridged.)
    pub icc: bool,
    /// IPv4 traffic leaves with the host's address; ignored unless [`BridgeKind::Nat`].
    pub masquerade4: bool,
    /// IPv6 traffic leaves with the host's address; ignored unless [`BridgeKind::Nat`].
    pub masquerade6: bool,
}

/// The elements of one bridge network.
pub fn bridge_elements(bridge: &BridgeRules) -> Vec<Element> {
    let name = || Value::Name(bridge.name.to_string());
    let member = |set: &'static str| Element { set: set.into(), key: Key::exact([name()]), data: None };
    let leads = |map: &'static str, chain: &str| Element {
        data: Some(Data::Verdict(Verdict::Goto(chain.into()))),
        ..member(map)
    };
    let same = Element { key: Key::exact([name(), name()]), ..member(sets::SAME_BRIDGE) };
    let mut elements = vec![same];
    if !bridge.icc {
        elements.push(member(sets::NO_ICC));
    }
    if bridge.kind == BridgeKind::Nat {
        elements.extend([leads(sets::INTO, "inbound"), member(sets::NAT)]);
        elements.extend(bridge.masquerade4.then(|| member(sets::MASQUERADE4)));
        elements.extend(bridge.masquerade6.then(|| member(sets::MASQUERADE6)));
    } else {
        elements.extend([leads(sets::OUT_OF, "border"), leads(sets::INTO, "border")]);
    }
    if bridge.kind == BridgeKind::Isolated {
        elements.push(member(sets::ISOLATED));
    }
    elements
}
