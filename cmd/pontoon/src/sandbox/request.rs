//! From the flags of `run` and `sandbox create` to the request for a sandbox.

use crate::args::endpoint::Wishes;
use crate::args::pairs;
use crate::args::sandbox::New;
use crate::error::Error;
use pontoon_api_types::{CreateSandboxRequest, EndpointSettings, NamespaceConfig, Ordered, PortMap, map_from_bindings};
use pontoon_types::PortBinding;

/// The request. `default` are the networks to join when none is named.
pub fn build(flags: &New, default: &[&str]) -> Result<CreateSandboxRequest, Error> {
    let networks = networks(flags, default)?;
    let host = networks.iter().any(|(name, _)| name == "host");
    Ok(CreateSandboxRequest {
        name: flags.name.clone().unwrap_or_default(),
        namespace: host.then(|| NamespaceConfig { host: true, ..NamespaceConfig::default() }),
        keeper: 0,
        networks,
        port_bindings: port_bindings(flags),
        hostname: flags.hostname.clone().unwrap_or_default(),
        domainname: flags.domainname.clone().unwrap_or_default(),
        extra_hosts: flags.add_host.clone(),
        dns: flags.dns.iter().map(|ip| (*ip).into()).collect(),
        dns_search: flags.dns_search.clone(),
        dns_options: flags.dns_option.clone(),
        sysctls: pairs::map(&flags.sysctl),
        labels: pairs::map(&flags.label),
    })
}

/// What `-p` and `-P` with `--expose` publish.
pub fn bindings<'a>(flags: impl IntoIterator<Item = &'a crate::args::publish::Publish>) -> Vec<PortBinding> {
    let mut bindings: Vec<PortBinding> = Vec::new();
    for binding in flags.into_iter().flat_map(|publish| &publish.0) {
        if !bindings.contains(binding) {
            bindings.push(binding.clone());
        }
    }
    bindings
}

fn port_bindings(flags: &New) -> PortMap {
    let mut all = bindings(&flags.publish);
    if flags.publish_all {
        let published = |ports: &PortBinding| {
            all.iter().any(|b| b.protocol == ports.protocol && b.container.overlaps(ports.container))
        };
        let exposed: Vec<PortBinding> =
            flags.expose.iter().flat_map(|expose| expose.bindings()).filter(|ports| !published(ports)).collect();
        all.extend(exposed);
    }
    map_from_bindings(&all)
}

fn networks(flags: &New, default: &[&str]) -> Result<Ordered<Option<EndpointSettings>>, Error> {
    let mut chosen: Vec<(String, Wishes)> =
        flags.network.iter().map(|choice| (choice.network.clone(), choice.wishes.clone())).collect();
    if chosen.is_empty() {
        chosen.extend(default.iter().map(|name| ((*name).to_owned(), Wishes::default())));
    }
    if let Some((name, _)) = chosen.iter().find(|(name, _)| name.starts_with("container:")) {
        let text = format!("network {name:?} is not supported: a sandbox has a namespace of its own");
        return Err(Error::usage(text, "use 'pontoon exec' to run a command in an existing sandbox"));
    }
    let wishes = wishes(flags);
    match chosen.first_mut() {
        Some((_, first)) => add(first, wishes)?,
        None if wishes != Wishes::default() => {
            return Err(Error::usage("settings of an endpoint need a network", "name one with --network"));
        }
        None => {}
    }
    let mut networks = Ordered::default();
    for (name, wishes) in chosen {
        if networks.iter().any(|(known, _)| known == name) {
            return Err(Error::usage(format!("network {name:?} is specified multiple times"), "name it once"));
        }
        networks.insert(name, Some(wishes.settings()));
    }
    Ok(networks)
}

/// The flags that speak of the first network.
fn wishes(flags: &New) -> Wishes {
    Wishes {
        ip: flags.ip,
        ip6: flags.ip6,
        mac: flags.mac_address,
        aliases: flags.network_alias.clone(),
        links: flags.link.clone(),
        link_local: flags.link_local_ip.clone(),
        driver_opts: Vec::new(),
        gw_priority: 0,
    }
}

/// Adds the flags to what the long form of `--network` said; nothing may be said twice, as in Docker.
fn add(first: &mut Wishes, flags: Wishes) -> Result<(), Error> {
    let conflicts = [
        (first.ip.is_some() && flags.ip.is_some(), "--ip and per-network IPv4 address"),
        (first.ip6.is_some() && flags.ip6.is_some(), "--ip6 and per-network IPv6 address"),
        (first.mac.is_some() && flags.mac.is_some(), "--mac-address and per-network MAC address"),
        (!first.aliases.is_empty() && !flags.aliases.is_empty(), "--network-alias and per-network alias"),
        (!first.links.is_empty() && !flags.links.is_empty(), "--link and per-network links"),
        (
            !first.link_local.is_empty() && !flags.link_local.is_empty(),
            "--link-local-ip and per-network link-local IP addresses",
        ),
    ];
    if let Some((_, what)) = conflicts.iter().find(|(conflict, _)| *conflict) {
        let text = format!("conflicting options: cannot specify both {what}");
        return Err(Error::usage(text, "say it in one place"));
    }
    first.ip = first.ip.or(flags.ip);
    first.ip6 = first.ip6.or(flags.ip6);
    first.mac = first.mac.or(flags.mac);
    first.aliases.extend(flags.aliases);
    first.links.extend(flags.links);
    first.link_local.extend(flags.link_local);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Command;

    fn asked(line: &[&str]) -> Result<serde_json::Value, String> {
        let line = ["pontoon", "run"].iter().chain(line).chain(&["--", "sh"]).map(Into::into);
        match crate::args::read(line).unwrap().command {
            Command::Run(run) => build(&run.sandbox, &["bridge"])
                .map(|request| serde_json::to_value(request).unwrap())
                .map_err(|error| error.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_network_the_default_one_is_joined() {
        let body = asked(&["--network-alias", "a"]).unwrap();
        assert_eq!(body["Networks"]["bridge"]["Aliases"], serde_json::json!(["a"]));
        assert!(body.get("Namespace").is_none());
    }

    #[test]
    fn flags_speak_of_the_first_network() {
        let body = asked(&[
            "--network",
            "b",
            "--net=name=a,ip6=fd00::9",
            "--ip=10.0.0.9",
            "--mac-address",
            "02:42:00:00:00:01",
            "--link=x:y",
            "--hostname",
            "h",
            "--add-host=n:1.2.3.4",
            "--dns",
            "9.9.9.9",
            "--dns-search=s",
            "--dns-opt=ndots:2",
            "-l",
            "k=v",
            "--sysctl",
            "net.ipv4.ip_forward=1",
            "--name=web",
            "--domainname=d",
            "--link-local-ip=169.254.1.1",
        ])
        .unwrap();
        let names: Vec<&String> = body["Networks"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["b", "a"]);
        let first = &body["Networks"]["b"];
        assert_eq!(
            first["IPAMConfig"],
            serde_json::json!({"IPv4Address": "10.0.0.9", "LinkLocalIPs": ["169.254.1.1"]})
        );
        assert_eq!((&first["MacAddress"], &first["Links"][0]), (&"02:42:00:00:00:01".into(), &"x:y".into()));
        assert_eq!(body["Networks"]["a"]["IPAMConfig"]["IPv6Address"], "fd00::9");
        assert_eq!((&body["Name"], &body["Hostname"], &body["Domainname"]), (&"web".into(), &"h".into(), &"d".into()));
        assert_eq!(
            (&body["Dns"][0], &body["DnsSearch"][0], &body["DnsOptions"][0]),
            (&"9.9.9.9".into(), &"s".into(), &"ndots:2".into())
        );
        assert_eq!((&body["ExtraHosts"][0], &body["Labels"]["k"]), (&"n:1.2.3.4".into(), &"v".into()));
        assert_eq!(body["Sysctls"]["net.ipv4.ip_forward"], "1");
    }

    #[test]
    fn ports_are_published_once_each() {
        let body = asked(&["-p", "8080:80", "-p=8080:80", "-P", "--expose", "80", "--expose=90-91/udp"]).unwrap();
        let expected = serde_json::json!({
            "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
            "90/udp": [{"HostIp": "", "HostPort": ""}],
            "91/udp": [{"HostIp": "", "HostPort": ""}],
        });
        assert_eq!(body["PortBindings"], expected);
        assert_eq!(asked(&["--expose", "80"]).unwrap()["PortBindings"], serde_json::json!({}));
    }

    #[test]
    fn the_host_network_is_the_hosts_namespace() {
        assert_eq!(asked(&["--network=host"]).unwrap()["Namespace"], serde_json::json!({"Host": true}));
    }

    #[test]
    fn contradictions_are_told() {
        for (line, text) in [
            (
                &["--network=name=a,ip=10.0.0.1", "--ip=10.0.0.2"][..],
                "conflicting options: cannot specify both --ip and per-network IPv4 address",
            ),
            (&["--network=a", "--network=a"], "network \"a\" is specified multiple times"),
            (
                &["--network=container:x"],
                "network \"container:x\" is not supported: a sandbox has a namespace of its own",
            ),
        ] {
            assert_eq!(asked(line), Err(text.to_owned()));
        }
        let New { network, .. } = New::default();
        let flags = New { ip: "10.0.0.1".parse().ok(), network, ..New::default() };
        assert!(build(&flags, &[]).is_err());
    }
}
