//! What an endpoint may ask for (api-networks.md sections 8 and 10). Pure.

use super::record::SandboxRecord;
use crate::network::options::{IFNAME, SYSCTLS};
use crate::network::record::NetworkRecord;
use crate::{Error, Result};
use pontoon_types::{EndpointSpec, Family, LinkName};
use std::net::{IpAddr, Ipv6Addr};

/// Checks the settings of an endpoint on `network`, or on one that is not there yet; all that is wrong is told at once.
pub fn settings(spec: &EndpointSpec, network: Option<&NetworkRecord>) -> Result<()> {
    let predefined = network.filter(|network| network.predefined);
    if let Some(network) = predefined.filter(|_| !spec.links.is_empty()) {
        return Err(Error::NotImplemented { what: format!("link on the predefined network \"{}\"", network.name) });
    }
    let mut wrong = Vec::new();
    if predefined.is_some() && (spec.ipv4.is_some() || spec.ipv6.is_some()) {
        wrong.push("user-specified IP address is supported on user-defined networks only".to_owned());
    }
    if predefined.is_some() && !spec.aliases.is_empty() {
        wrong.push("network-scoped aliases are only supported for user-defined networks".to_owned());
    }
    addresses(spec, network, &mut wrong);
    if let Some(name) = spec.driver_opts.get(IFNAME)
        && let Err(error) = LinkName::new(name.as_str())
    {
        wrong.push(error.to_string());
    }
    if let Err(error) = sysctls(spec) {
        wrong.push(error);
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::EndpointSettings(joined(&wrong))) }
}

/// Docker's form of several errors: one is told plainly, more get a line each.
pub fn joined(wrong: &[String]) -> String {
    match wrong {
        [one] => one.clone(),
        many => many.iter().map(|text| format!("* {}", text.replace('\n', "\n\t"))).collect::<Vec<_>>().join("\n"),
    }
}

fn addresses(spec: &EndpointSpec, network: Option<&NetworkRecord>, wrong: &mut Vec<String>) {
    if let Some(address) = spec.ipv4 {
        match unmapped(address) {
            IpAddr::V4(v4) if !v4.is_unspecified() => in_subnet(IpAddr::V4(v4), network, wrong),
            _ => wrong.push(format!("invalid IPv4 address: {address}")),
        }
    }
    if let Some(address) = spec.ipv6 {
        match address {
            IpAddr::V6(v6) if !v6.is_unspecified() && v6.to_ipv4_mapped().is_none() => {
                in_subnet(address, network, wrong)
            }
            _ => wrong.push(format!("invalid IPv6 address: {address}")),
        }
    }
    for address in &spec.link_local_ips {
        if address.is_unspecified() {
            wrong.push(format!("invalid link-local IP address: {address}"));
        }
    }
}

fn in_subnet(address: IpAddr, network: Option<&NetworkRecord>, wrong: &mut Vec<String>) {
    let Some(network) = network else { return };
    let family = Family::of(address);
    if !network.predefined && !network.pools_of(family).any(|pool| pool.subnet.contains(&address)) {
        wrong.push(format!("no configured subnet contains IP address {address}"));
    }
}

/// An IPv4-mapped IPv6 address as IPv4; anything else as it is.
pub fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Link-local addresses must be that; told apart from malformed ones as in Docker.
pub fn link_local(spec: &EndpointSpec) -> Result<()> {
    let is_link_local = |address: &IpAddr| match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => Ipv6Addr::is_unicast_link_local(v6),
    };
    match spec.link_local_ips.iter().find(|address| !is_link_local(address)) {
        Some(address) => Err(Error::LinkLocal(*address)),
        None => Ok(()),
    }
}

/// Sysctls of the endpoint's link, as key (with `IFNAME`) and value.
pub fn sysctls(spec: &EndpointSpec) -> std::result::Result<Vec<(String, String)>, String> {
    let Some(list) = spec.driver_opts.get(SYSCTLS) else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for text in list.split(',').filter(|text| !text.is_empty()) {
        let unrecognised = || {
            format!(
                "unrecognised network interface sysctl '{text}'; represent 'net.X.Y.ethN.Z=V' as \
                 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'"
            )
        };
        let (key, value) = text.split_once('=').ok_or_else(unrecognised)?;
        let parts: Vec<&str> = key.split('.').collect();
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
        match parts.as_slice() {
            ["net", "ipv4" | "ipv6" | "mpls", table, "IFNAME", name] if plain(table) && plain(name) => {
                read.push((key.to_owned(), value.to_owned()));
            }
            _ => return Err(unrecognised()),
        }
    }
    Ok(read)
}

/// Whether the endpoint's sysctls leave no room for an IPv6 address: it then gets none, as in Docker.
pub fn switches_ipv6_off(spec: &EndpointSpec) -> bool {
    let off = |(key, value): &(String, String)| key == "net.ipv6.conf.IFNAME.disable_ipv6" && value.trim() != "0";
    sysctls(spec).unwrap_or_default().iter().rev().find(|(key, _)| key.ends_with(".disable_ipv6")).is_some_and(off)
}

/// Whether this sandbox may join this network at all.
pub fn membership(sandbox: &SandboxRecord, network: &NetworkRecord) -> Result<()> {
    let in_host = sandbox.netns_path.is_none();
    let to_host = network.driver == "host";
    if to_host && !in_host {
        return Err(Error::ToHostNetwork);
    }
    if in_host && (!to_host || !sandbox.endpoints.is_empty()) {
        return Err(Error::SharedNamespace);
    }
    let none = |driver: &str| driver == "null";
    if network.config_only {
        return Err(Error::EndpointOnConfig);
    }
    if !sandbox.endpoints.is_empty() {
        let with_none = sandbox.endpoints.iter().any(|endpoint| endpoint.link.is_none());
        if with_none || none(&network.driver) {
            return Err(Error::PrivateMode);
        }
    }
    if sandbox.endpoint_in(network.id).is_some() {
        return Err(Error::EndpointExists { name: sandbox.name.clone(), network: network.name.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::create::{Families, record};
    use crate::network::record::PoolRecord;
    use pontoon_types::{NetworkSpec, Scope};

    fn network() -> NetworkRecord {
        let spec = NetworkSpec { name: "net".into(), ..NetworkSpec::default() };
        let mut record = record(spec, "bridge", Scope::Local, Families { v4: true, v6: true });
        record.pools = ["10.1.0.0/16", "fd00:1::/64"]
            .map(|subnet| PoolRecord {
                subnet: subnet.parse().unwrap(),
                range: None,
                gateway: None,
                aux_addresses: Default::default(),
                requested: true,
            })
            .to_vec();
        record
    }

    fn v4(text: &str) -> EndpointSpec {
        EndpointSpec { ipv4: Some(text.parse().unwrap()), ..EndpointSpec::default() }
    }

    fn v6(text: &str) -> EndpointSpec {
        EndpointSpec { ipv6: Some(text.parse().unwrap()), ..EndpointSpec::default() }
    }

    fn option(key: &str, value: &str) -> EndpointSpec {
        EndpointSpec { driver_opts: [(key.to_owned(), value.to_owned())].into(), ..EndpointSpec::default() }
    }

    #[test]
    fn wrong_settings_are_told_in_dockers_words() {
        let cases = [
            (v4("10.1.0.9"), None),
            (v4("::ffff:10.1.0.9"), None),
            (v6("fd00:1::9"), None),
            (v4("0.0.0.0"), Some("invalid IPv4 address: 0.0.0.0")),
            (v4("fd00:1::9"), Some("invalid IPv4 address: fd00:1::9")),
            (v6("10.1.0.9"), Some("invalid IPv6 address: 10.1.0.9")),
            (v6("::ffff:10.1.0.9"), Some("invalid IPv6 address: ::ffff:10.1.0.9")),
            (v4("10.2.0.1"), Some("no configured subnet contains IP address 10.2.0.1")),
            (option(SYSCTLS, "net.ipv4.conf.IFNAME.forwarding=1"), None),
            (option(IFNAME, "a/b"), Some("invalid interface name \"a/b\"")),
            (option(SYSCTLS, "net.ipv4.conf.eth0.forwarding=1"), Some("unrecognised network interface sysctl")),
            (option(SYSCTLS, "net.ipv4.conf.IFNAME.../x=1"), Some("unrecognised network interface sysctl")),
        ];
        for (spec, wanted) in cases {
            let text = settings(&spec, Some(&network())).err().map(|error| error.to_string());
            match wanted {
                None => assert_eq!(text, None),
                Some(wanted) => {
                    let text = text.unwrap();
                    assert!(text.starts_with("invalid endpoint settings:\n") && text.contains(wanted), "{text}");
                }
            }
        }
    }

    #[test]
    fn links_on_predefined_networks_are_refused_by_name() {
        let mut bridge = network();
        bridge.predefined = true;
        let links = vec![pontoon_types::SandboxLink { target: "db".into(), alias: "d".into() }];
        let error = settings(&EndpointSpec { links, ..EndpointSpec::default() }, Some(&bridge)).unwrap_err();
        assert!(matches!(error, Error::NotImplemented { .. }), "{error}");
    }

    #[test]
    fn predefined_networks_take_no_addresses_and_no_aliases() {
        let mut bridge = network();
        bridge.predefined = true;
        let spec = EndpointSpec { aliases: vec!["x".into()], ..v4("10.1.0.9") };
        let text = settings(&spec, Some(&bridge)).unwrap_err().to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("* ")));
    }

    #[test]
    fn only_link_local_addresses_are_link_local() {
        let with = |text: &str| EndpointSpec { link_local_ips: vec![text.parse().unwrap()], ..EndpointSpec::default() };
        assert!(link_local(&with("169.254.7.7")).is_ok() && link_local(&with("fe80::7")).is_ok());
        assert!(link_local(&with("10.0.0.1")).is_err() && link_local(&with("fd00::1")).is_err());
    }
}
