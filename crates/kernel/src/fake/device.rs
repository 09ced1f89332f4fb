//! A link with what belongs to it alone.

use super::sysctl::LinkSettings;
use crate::{Link, LinkIndex, LinkKind, NetnsId};
use pontoon_types::{LinkName, MacAddr};

/// The kernel's MTU where nobody asks for another.
pub(super) const DEFAULT_MTU: u32 = 1500;

/// A link of the model.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// What observers see.
    pub link: Link,
    /// The other end of a pair.
    pub peer: Option<(NetnsId, LinkIndex)>,
    /// Its sysctls.
    pub settings: LinkSettings,
}

impl Device {
    /// A link that is down, in no group, under no bridge.
    pub fn new(index: LinkIndex, name: LinkName, kind: LinkKind, settings: LinkSettings) -> Self {
        let mac = (kind != LinkKind::Loopback).then_some(mac_of(index));
        let link = Link {
            index,
            name,
            kind,
            mac,
            mtu: DEFAULT_MTU,
            up: false,
            master: None,
            isolated: false,
            hairpin: false,
            group: 0,
            alias: None,
        };
        Self { link, peer: None, settings }
    }
}

/// An address for a link that was given none. The same index gives the same, so that a scenario repeats exactly.
fn mac_of(index: LinkIndex) -> MacAddr {
    let [a, b, c, d] = index.0.to_be_bytes();
    MacAddr([0x02, 0xfa, a, b, c, d])
}

/// Whether the kernel takes this MTU for links of these kinds.
pub(super) fn is_mtu(mtu: u32) -> bool {
    (68..=65535).contains(&mtu)
}
