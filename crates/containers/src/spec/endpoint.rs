//! Settings of one endpoint, as asked for and as reported: Docker's `EndpointSettings`.
//!
//! Owns: the JSON shape and its way to the core's `EndpointSpec`. Must never decide which network is meant.

use super::SpecError;
use pontoon_types::{Address, EndpointSpec, HardwareAddress, SandboxLink};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Docker's `EndpointSettings`: what is asked for, then what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.EndpointSettings", rename_all = "PascalCase", default)]
pub struct EndpointSettings {
    /// Static addresses.
    #[serde(rename = "IPAMConfig")]
    pub ipam_config: Option<EndpointIpamConfig>,
    /// `target:alias`, private names of others.
    pub links: Option<Vec<String>>,
    /// Extra DNS names.
    pub aliases: Option<Vec<String>>,
    /// Driver options.
    pub driver_opts: Option<BTreeMap<String, String>>,
    /// Who gets the default route.
    pub gw_priority: i64,
    /// The network's id (reported).
    #[serde(rename = "NetworkID")]
    pub network_id: String,
    /// The endpoint's id (reported).
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// IPv4 gateway (reported).
    pub gateway: Address,
    /// IPv4 address (reported).
    #[serde(rename = "IPAddress")]
    pub ip_address: Address,
    /// Ethernet address, asked for and reported.
    pub mac_address: HardwareAddress,
    /// Prefix length of the IPv4 address (reported).
    #[serde(rename = "IPPrefixLen")]
    pub ip_prefix_len: i64,
    /// IPv6 gateway (reported).
    #[serde(rename = "IPv6Gateway")]
    pub ipv6_gateway: Address,
    /// IPv6 address (reported).
    #[serde(rename = "GlobalIPv6Address")]
    pub global_ipv6_address: Address,
    /// Prefix length of the IPv6 address (reported).
    #[serde(rename = "GlobalIPv6PrefixLen")]
    pub global_ipv6_prefix_len: i64,
    /// Every DNS name on this network (reported).
    #[serde(rename = "DNSNames")]
    pub dns_names: Option<Vec<String>>,
}

/// Static addresses of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.EndpointIPAMConfig", rename_all = "PascalCase", default)]
pub struct EndpointIpamConfig {
    /// IPv4 address.
    #[serde(rename = "IPv4Address", skip_serializing_if = "Address::is_unset")]
    pub ipv4_address: Address,
    /// IPv6 address.
    #[serde(rename = "IPv6Address", skip_serializing_if = "Address::is_unset")]
    pub ipv6_address: Address,
    /// Extra link-local addresses.
    #[serde(rename = "LinkLocalIPs", skip_serializing_if = "Vec::is_empty")]
    pub link_local_ips: Vec<Address>,
}

impl EndpointSettings {
    /// What is asked for. All wrong addresses are reported together, as Docker does.
    pub fn into_spec(self) -> Result<EndpointSpec, SpecError> {
        let ipam = self.ipam_config.unwrap_or_default();
        let mut wrong = Vec::new();
        let mut read = |what: &str, address: &Address| {
            address.get().unwrap_or_else(|_| {
                wrong.push(format!("invalid {what} address: {address}"));
                None
            })
        };
        let (ipv4, ipv6) = (read("IPv4", &ipam.ipv4_address), read("IPv6", &ipam.ipv6_address));
        let mut link_local_ips = Vec::new();
        for address in &ipam.link_local_ips {
            match address.get() {
                Ok(Some(ip)) => link_local_ips.push(ip),
                Ok(None) => wrong.push("invalid link-local IP address: ".to_owned()),
                Err(_) => wrong.push(format!("invalid link-local IP address: {address}")),
            }
        }
        if !wrong.is_empty() {
            return Err(SpecError::EndpointSettings(wrong.join("\n")));
        }
        Ok(EndpointSpec {
            ipv4,
            ipv6,
            link_local_ips,
            aliases: self.aliases.unwrap_or_default(),
            links: self.links.unwrap_or_default().iter().map(|link| parse_link(link)).collect::<Result<_, _>>()?,
            mac: self.mac_address.0,
            driver_opts: self.driver_opts.unwrap_or_default(),
            gw_priority: self.gw_priority,
        })
    }
}

impl From<&EndpointSpec> for EndpointSettings {
    /// The settings as they were asked for, in Docker's shape; nothing of what is reported is filled in.
    fn from(spec: &EndpointSpec) -> Self {
        let some = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
        let ipam = EndpointIpamConfig {
            ipv4_address: spec.ipv4.into(),
            ipv6_address: spec.ipv6.into(),
            link_local_ips: spec.link_local_ips.iter().map(|ip| (*ip).into()).collect(),
        };
        let links: Vec<String> = spec.links.iter().map(|link| format!("{}:{}", link.target, link.alias)).collect();
        Self {
            ipam_config: Some(ipam).filter(|ipam| *ipam != EndpointIpamConfig::default()),
            links: some(&links),
            aliases: some(&spec.aliases),
            driver_opts: Some(spec.driver_opts.clone()).filter(|opts| !opts.is_empty()),
            gw_priority: spec.gw_priority,
            mac_address: spec.mac.into(),
            ..Self::default()
        }
    }
}

/// `target`, `target:alias`, or the stored form `/target:/self/alias` of older clients.
fn parse_link(text: &str) -> Result<SandboxLink, SpecError> {
    let parts: Vec<&str> = text.split(':').collect();
    let (target, alias) = match parts[..] {
        [""] => return Err(SpecError::EmptyLink),
        [only] => (only, only),
        [target, alias] if target.starts_with('/') => {
            (target.trim_start_matches('/'), alias.rsplit('/').next().unwrap_or(alias))
        }
        [target, alias] => (target, alias),
        _ => return Err(SpecError::Link(text.to_owned())),
    };
    if target.is_empty() || alias.is_empty() {
        return Err(SpecError::Link(text.to_owned()));
    }
    Ok(SandboxLink { target: target.to_owned(), alias: alias.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(body: &str) -> EndpointSettings {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn settings_survive_the_way_through_the_api() {
        let body = r#"{"IPAMConfig":{"IPv4Address":"10.0.0.9","IPv6Address":"fd00::9","LinkLocalIPs":["169.254.1.1"]},
            "Links":["db:database"],"Aliases":["web"],"DriverOpts":{"k":"v"},"GwPriority":-3,"MacAddress":"02:42:00:00:00:01"}"#;
        let spec = settings(body).into_spec().unwrap();
        assert_eq!(EndpointSettings::from(&spec).into_spec().unwrap(), spec);
        assert_eq!(spec.links, [SandboxLink { target: "db".into(), alias: "database".into() }]);
        assert_eq!(spec.gw_priority, -3);
    }

    #[test]
    fn links_have_docker_s_forms() {
        let link = |text: &str| parse_link(text).map(|link| (link.target, link.alias));
        assert_eq!(link("db"), Ok(("db".into(), "db".into())));
        assert_eq!(link("db:d"), Ok(("db".into(), "d".into())));
        assert_eq!(link("/db:/web/d"), Ok(("db".into(), "d".into())));
        assert_eq!(link(""), Err(SpecError::EmptyLink));
        for bad in ["a:b:c", ":", "a:", ":b"] {
            assert_eq!(link(bad), Err(SpecError::Link(bad.into())));
        }
    }
}
