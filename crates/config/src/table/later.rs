//! dockerd's settings for which the work is still to come: refused unless they ask for what is so anyway.
//!
//! The defaults are dockerd's. Must never list a setting that is read elsewhere.

use crate::Setting;
use crate::Shape::{Bool, Int, Text};
use crate::Standing::Later;

const fn later(name: &'static str, shape: crate::Shape, help: &'static str) -> Setting {
    Setting::new(name, shape, help).standing(Later)
}

pub(super) const SETTINGS: &[Setting] = &[
    // The default bridge network.
    later("bridge", Text, "Existing bridge for the default network").short('b'),
    later("bip", Text, "IPv4 address of the default bridge"),
    later("bip6", Text, "IPv6 address of the default bridge"),
    later("fixed-cidr", Text, "IPv4 allocation range of the default bridge"),
    later("fixed-cidr-v6", Text, "IPv6 allocation range of the default bridge"),
    later("default-gateway", Text, "IPv4 default route on the default bridge"),
    later("default-gateway-v6", Text, "IPv6 default route on the default bridge"),
    later("ipv6", Bool, "IPv6 on the default bridge"),
    later("icc", Bool, "Traffic between sandboxes on the default bridge").default("true"),
    later("ip", Text, "Default address for published ports on the default bridge").default("0.0.0.0"),
    later("ip-masq", Bool, "Masquerade on the default bridge").default("true"),
    later("mtu", Int, "MTU of the default bridge").default("1500"),
    // All bridge networks.
    later("iptables", Bool, "IPv4 packet rules").default("true"),
    later("ip6tables", Bool, "IPv6 packet rules").default("true"),
    later("allow-direct-routing", Bool, "Reach published ports on the sandbox's own address"),
    later("bridge-accept-fwmark", Text, "Accept packets with this mark"),
    // Here nftables is all there is; `iptables` is what is still to come.
    later("firewall-backend", Text, "Packet rules by: nftables"),
];
