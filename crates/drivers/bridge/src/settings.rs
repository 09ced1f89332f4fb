//! A bridge network's options, read and checked (bridge.md section 1). Pure.
//!
//! Texts are Docker's. Options that Pontoon knows but does not have yet are refused by name, never ignored.

use pontoon_cnm::{Error, NetworkRecord, Result};
use pontoon_types::{ErrorKind, Family, LinkName, LinkNameError, NetworkId, Options, parse_go_bool};
use std::net::IpAddr;

/// Name of the bridge's link.
pub const NAME: &str = "com.docker.network.bridge.name";
/// Whether endpoints reach each other.
pub const ICC: &str = "com.docker.network.bridge.enable_icc";
/// Whether traffic that leaves is masqueraded.
pub const MASQUERADE: &str = "com.docker.network.bridge.enable_ip_masquerade";
/// Default host address of published ports.
pub const BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
/// No IPv4 address on the bridge.
pub const INHIBIT_IPV4: &str = "com.docker.network.bridge.inhibit_ipv4";
/// MTU of the bridge and its links.
pub const MTU: &str = "com.docker.network.driver.mtu";
/// Prefix of link names inside.
pub const PREFIX: &str = "com.docker.network.container_iface_prefix";
const GATEWAY_MODE: [&str; 2] =
    ["com.docker.network.bridge.gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv6"];
/// Options of a later version.
const LATER: [&str; 3] = [
    "com.docker.network.bridge.trusted_host_interfaces",
    "com.docker.network.host_ipv4",
    "com.docker.network.host_ipv6",
];

/// How a network's border works, for one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GatewayMode {
    /// Address translation: out by masquerade, in by published ports.
    #[default]
    Nat,
    /// No address on the bridge, no way out (internal networks only).
    Isolated,
}

/// A bridge network's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeSettings {
    /// Link name, if one was asked for.
    pub name: Option<LinkName>,
    /// Endpoints reach each other.
    pub icc: bool,
    /// Traffic that leaves is masqueraded.
    pub masquerade: bool,
    /// Mode for IPv4.
    pub mode_v4: GatewayMode,
    /// Mode for IPv6.
    pub mode_v6: GatewayMode,
    /// Default host address of published ports.
    pub binding: Option<IpAddr>,
    /// No IPv4 address on the bridge.
    pub inhibit_ipv4: bool,
    /// MTU, if one was asked for.
    pub mtu: Option<u32>,
    /// Prefix of link names inside.
    pub prefix: String,
    /// No traffic across the border.
    pub internal: bool,
}

impl BridgeSettings {
    /// Reads the options of a network.
    pub fn read(options: &Options, internal: bool) -> Result<Self> {
        if let Some(later) = LATER.iter().find(|key| options.get(**key).is_some_and(|value| !value.is_empty())) {
            return Err(Error::NotImplemented { what: format!("network option {later}") });
        }
        Ok(Self {
            name: link_name(options)?,
            icc: flag(options, ICC, true)?,
            masquerade: flag(options, MASQUERADE, true)?,
            mode_v4: mode(options, GATEWAY_MODE[0], internal)?,
            mode_v6: mode(options, GATEWAY_MODE[1], internal)?,
            binding: binding(options)?,
            inhibit_ipv4: flag(options, INHIBIT_IPV4, false)?,
            mtu: mtu(options)?,
            prefix: prefix(options)?,
            internal,
        })
    }

    /// Reads the options of a stored network.
    pub fn of(network: &NetworkRecord) -> Result<Self> {
        Self::read(&network.options, network.internal)
    }

    /// The link's name: the one asked for, else `br-` and twelve characters of the id.
    pub fn link(&self, id: NetworkId) -> LinkName {
        self.name.clone().unwrap_or_else(|| LinkName::of_network(&id))
    }

    /// The mode for a family.
    pub fn mode(&self, family: Family) -> GatewayMode {
        match family {
            Family::V4 => self.mode_v4,
            Family::V6 => self.mode_v6,
        }
    }

    /// Whether the bridge itself has an address of that family.
    pub fn has_bridge_address(&self, family: Family) -> bool {
        self.mode(family) == GatewayMode::Nat && !(family == Family::V4 && self.inhibit_ipv4)
    }

    /// Whether a gateway address is set aside: not where neither the bridge nor an internal endpoint could use it.
    pub fn reserves_gateway(&self, family: Family) -> bool {
        let unused = family == Family::V4 && self.inhibit_ipv4 && self.internal;
        self.mode(family) == GatewayMode::Nat && !unused
    }
}

fn parse_error(key: &str, value: &str, reason: &str) -> Error {
    Error::driver(ErrorKind::Invalid, format!("failed to parse {key} value: {value} ({reason})"))
}

fn flag(options: &Options, key: &str, default: bool) -> Result<bool> {
    let Some(value) = options.get(key) else { return Ok(default) };
    let reason = format!("strconv.ParseBool: parsing \"{value}\": invalid syntax");
    parse_go_bool(value).ok_or_else(|| parse_error(key, value, &reason))
}

fn link_name(options: &Options) -> Result<Option<LinkName>> {
    let Some(name) = options.get(NAME).filter(|name| !name.is_empty()) else { return Ok(None) };
    let refused = |error: LinkNameError| parse_error(NAME, name, &error.to_string());
    LinkName::new(name.as_str()).map(Some).map_err(refused)
}

fn mode(options: &Options, key: &str, internal: bool) -> Result<GatewayMode> {
    match options.get(key).map(String::as_str) {
        None | Some("" | "nat") => Ok(GatewayMode::Nat),
        Some("isolated") if internal => Ok(GatewayMode::Isolated),
        Some("isolated") => {
            Err(Error::driver(ErrorKind::System, "gateway mode 'isolated' can only be used for an internal network"))
        }
        Some(later @ ("routed" | "nat-unprotected")) => {
            Err(Error::NotImplemented { what: format!("gateway mode '{later}'") })
        }
        Some(value) => Err(parse_error(key, value, &format!("unknown gateway mode {value}"))),
    }
}

fn binding(options: &Options) -> Result<Option<IpAddr>> {
    let Some(value) = options.get(BINDING).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| parse_error(BINDING, value, "nil ip"))
}

fn mtu(options: &Options) -> Result<Option<u32>> {
    let Some(value) = options.get(MTU) else { return Ok(None) };
    match value.parse::<i64>() {
        Ok(0) => Ok(None),
        // 68 is the least IPv4 allows; more than 65535 no bridge takes.
        Ok(number @ 68..=65535) => Ok(u32::try_from(number).ok()),
        Ok(number) => Err(Error::driver(ErrorKind::Invalid, format!("invalid MTU number: {number}"))),
        Err(_) => Err(parse_error(MTU, value, &format!("strconv.Atoi: parsing \"{value}\": invalid syntax"))),
    }
}

fn prefix(options: &Options) -> Result<String> {
    let value = options.get(PREFIX).map(String::as_str).filter(|value| !value.is_empty()).unwrap_or("eth");
    // Room for a number behind it.
    let fits = LinkName::new(format!("{value}000"));
    fits.map(|_| value.to_owned()).map_err(|error| parse_error(PREFIX, value, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], internal: bool) -> Result<BridgeSettings> {
        let options = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        BridgeSettings::read(&options, internal)
    }

    #[test]
    fn defaults_are_dockers() {
        let settings = read(&[("foo", "bar")], false).unwrap();
        assert!(settings.icc && settings.masquerade && !settings.inhibit_ipv4);
        assert_eq!((settings.mtu, settings.binding, settings.prefix.as_str()), (None, None, "eth"));
        let id = NetworkId::random();
        assert_eq!(settings.link(id).as_str(), format!("br-{}", id.short()));
    }

    #[test]
    fn wrong_values_are_refused_in_dockers_words() {
        let cases = [
            (
                ICC,
                "yes",
                "failed to parse com.docker.network.bridge.enable_icc value: yes (strconv.ParseBool: parsing \"yes\": invalid syntax)",
            ),
            (MTU, "-1", "invalid MTU number: -1"),
            (
                MTU,
                "x",
                "failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing \"x\": invalid syntax)",
            ),
            (BINDING, "a.b", "failed to parse com.docker.network.bridge.host_binding_ipv4 value: a.b (nil ip)"),
            (
                GATEWAY_MODE[0],
                "x",
                "failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: x (unknown gateway mode x)",
            ),
            (GATEWAY_MODE[1], "isolated", "gateway mode 'isolated' can only be used for an internal network"),
            (GATEWAY_MODE[0], "routed", "gateway mode 'routed' is not implemented"),
            (LATER[0], "eth0", "network option com.docker.network.bridge.trusted_host_interfaces is not implemented"),
        ];
        for (key, value, text) in cases {
            assert_eq!(read(&[(key, value)], false).unwrap_err().to_string(), text);
        }
        for (key, value) in
            [(NAME, "a-name-that-is-too-long"), (NAME, "a/b"), (PREFIX, "much-too-long-prefix"), (MTU, "70000")]
        {
            assert!(read(&[(key, value)], false).is_err(), "{key}={value}");
        }
    }

    #[test]
    fn an_internal_network_without_bridge_address_sets_no_gateway_aside() {
        let settings = read(&[(INHIBIT_IPV4, "1")], true).unwrap();
        assert!(!settings.reserves_gateway(Family::V4) && settings.reserves_gateway(Family::V6));
        assert!(read(&[(INHIBIT_IPV4, "1")], false).unwrap().reserves_gateway(Family::V4));
        let isolated = read(&[(GATEWAY_MODE[0], "isolated")], true).unwrap();
        assert!(!isolated.reserves_gateway(Family::V4) && !isolated.has_bridge_address(Family::V4));
    }
}
