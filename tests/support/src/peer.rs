//! Machines beside the host, each on a link of its own.

use crate::host::Host;
use crate::place::Place;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A machine beside the host. Its link is `eth0`, the host's end has the machine's name.
#[derive(Clone)]
pub struct Peer {
    place: Place,
    /// The host's addresses on the link, IPv4 first.
    pub host: [IpAddr; 2],
    /// The machine's own.
    pub own: [IpAddr; 2],
}

impl Peer {
    /// Makes the machine with number `index` and connects it.
    pub(crate) fn connect(host: &Place, of: &Arc<Host>, folder: &Path, name: &str, index: u8) -> Self {
        let file = folder.join(name);
        host.tell(&format!("touch {}", file.display()));
        host.tell(&format!("unshare --net={} true", file.display()));
        let net = of.open(&file).unwrap();
        let place = Place::new(name, Arc::new(net), of.clone());
        let v4 = |last| IpAddr::from(Ipv4Addr::new(198, 18, index, last));
        let v6 = |last| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, u16::from(index), 0, 0, 0, 0, last));
        let peer = Self { place, host: [v4(1), v6(1)], own: [v4(2), v6(2)] };
        host.tell(&format!("ip link add {name} type veth peer name eth0 netns {}", file.display()));
        peer.place.tell("ip link set lo up");
        for (place, link, [v4, v6]) in [(host, name, peer.host), (&peer.place, "eth0", peer.own)] {
            // Addresses are there at once, so that a snapshot never catches one on its way.
            place.sysctl(&format!("net/ipv6/conf/{link}/accept_dad"), "0");
            place.tell(&format!("ip address add {v4}/24 dev {link}"));
            place.tell(&format!("ip address add {v6}/64 dev {link} nodad"));
            place.tell(&format!("ip link set {link} up"));
        }
        peer
    }

    /// Sends everything by way of the host, as a machine whose router it is, or an attacker, would.
    pub(crate) fn route_by_host(&self) {
        self.tell(&format!("ip route add default via {}", self.host[0]));
        self.tell(&format!("ip -6 route add default via {}", self.host[1]));
    }
}

impl Deref for Peer {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}
