//! Our own sandboxes: create, inspect, change ports. Where Docker has a field, name and shape are Docker's.
//!
//! Owns: the JSON and its way to a `SandboxSpec`. Must never check what only the core can know.

use crate::{Address, EndpointSettings, Ordered, PortMap, ShapeError, bindings_from_map, map_from_bindings};
use pontoon_types::{ExtraHost, Keeper, NamespaceSource, PortBinding, SandboxSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Body of `POST /pontoon/v1/sandboxes/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "sandbox.CreateRequest", rename_all = "PascalCase", default)]
pub struct CreateSandboxRequest {
    /// Name; empty picks one.
    pub name: String,
    /// Where the network namespace comes from; absent makes a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespaceConfig>,
    /// A process that the sandbox goes with, by its number as the daemon sees it; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub keeper: u32,
    /// Networks to join, in this order. With none at all there is only loopback.
    pub networks: Ordered<Option<EndpointSettings>>,
    /// Ports to publish.
    pub port_bindings: PortMap,
    /// Host name inside; empty means the first twelve characters of the id.
    pub hostname: String,
    /// Domain name.
    pub domainname: String,
    /// `name:address` or `name:host-gateway`.
    pub extra_hosts: Vec<String>,
    /// DNS servers.
    pub dns: Vec<Address>,
    /// Search domains; `.` alone means none.
    pub dns_search: Vec<String>,
    /// resolv.conf options.
    pub dns_options: Vec<String>,
    /// `net.*` sysctls.
    pub sysctls: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// Where a namespace comes from: exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "sandbox.Namespace", rename_all = "PascalCase", default)]
pub struct NamespaceConfig {
    /// An existing namespace, by absolute path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The namespace of a running process; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub pid: u32,
    /// The host's own.
    #[serde(skip_serializing_if = "is_false")]
    pub host: bool,
}

/// Answer of `POST /pontoon/v1/sandboxes/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateSandboxResponse {
    /// The new sandbox's id.
    pub id: String,
    /// What should be known about it; usually nothing.
    pub warnings: Vec<String>,
}

/// Body of `POST /pontoon/v1/sandboxes/{id}/ports`: all ports from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "sandbox.PortsRequest", rename_all = "PascalCase", default)]
pub struct SetPortsRequest {
    /// Ports to publish; what is not here is published no longer.
    pub port_bindings: PortMap,
}

/// Answer of `POST /pontoon/v1/sandboxes/{id}/ports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SetPortsResponse {
    /// What is published now.
    pub ports: PortMap,
}

/// A sandbox, listed or inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Sandbox {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// When it was made, as [`crate::rfc3339`] writes it.
    pub created: String,
    /// How it is.
    pub state: SandboxState,
    /// Where its namespace came from.
    pub namespace: NamespaceConfig,
    /// Its `/etc/hosts`.
    pub hosts_path: String,
    /// Its `/etc/hostname`.
    pub hostname_path: String,
    /// Its `/etc/resolv.conf`.
    pub resolv_conf_path: String,
    /// What it was told.
    pub config: SandboxConfig,
    /// What it got.
    pub network_settings: NetworkSettings,
}

/// How a sandbox is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SandboxState {
    /// `running` while its namespace is there, else `gone`.
    pub status: String,
    /// Whether its namespace is there.
    pub running: bool,
    /// The process whose namespace was adopted; 0 for none.
    pub pid: u32,
}

/// What a sandbox was told about itself and its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SandboxConfig {
    /// Host name inside.
    pub hostname: String,
    /// Domain name.
    pub domainname: String,
    /// Ports asked for.
    pub port_bindings: PortMap,
    /// `name:address` or `name:host-gateway`.
    pub extra_hosts: Vec<String>,
    /// DNS servers.
    pub dns: Vec<Address>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// resolv.conf options.
    pub dns_options: Vec<String>,
    /// `net.*` sysctls.
    pub sysctls: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// Docker's `NetworkSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NetworkSettings {
    /// The sandbox's id.
    #[serde(rename = "SandboxID")]
    pub sandbox_id: String,
    /// Path of its namespace.
    pub sandbox_key: String,
    /// What is published.
    pub ports: PortMap,
    /// Endpoints by network name.
    pub networks: Ordered<EndpointSettings>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl CreateSandboxRequest {
    /// The request in our own words.
    pub fn into_spec(self) -> Result<SandboxSpec, ShapeError> {
        let networks = self.networks.0.into_iter().map(|(name, settings)| match settings {
            Some(settings) => Ok((name, settings.into_spec()?)),
            None => Err(ShapeError::NilEndpoint(name)),
        });
        let dns = self.dns.iter().map(|server| server.get()?.ok_or(ShapeError::Dns));
        Ok(SandboxSpec {
            id: None,
            hosts_links: Vec::new(),
            name: self.name,
            namespace: self.namespace.map_or(Ok(NamespaceSource::New), NamespaceConfig::into_source)?,
            keeper: Some(self.keeper).filter(|pid| *pid != 0).map(|pid| Keeper { pid, start: 0 }),
            networks: networks.collect::<Result<_, _>>()?,
            ports: bindings_from_map(&self.port_bindings)?,
            hostname: self.hostname,
            domainname: self.domainname,
            extra_hosts: self.extra_hosts.iter().map(|line| parse_extra_host(line)).collect::<Result<_, _>>()?,
            dns: dns.collect::<Result<_, _>>()?,
            dns_search: self.dns_search,
            dns_options: self.dns_options,
            sysctls: self.sysctls,
            labels: self.labels,
        })
    }
}

impl From<&SandboxSpec> for CreateSandboxRequest {
    /// The request that asks for `spec`.
    fn from(spec: &SandboxSpec) -> Self {
        let config = SandboxConfig::from(spec);
        let networks = spec.networks.iter().map(|(name, endpoint)| (name.clone(), Some(endpoint.into())));
        Self {
            name: spec.name.clone(),
            namespace: Some(NamespaceConfig::from(&spec.namespace)).filter(|ns| *ns != NamespaceConfig::default()),
            keeper: spec.keeper.map_or(0, |keeper| keeper.pid),
            networks: Ordered(networks.collect()),
            port_bindings: config.port_bindings,
            hostname: config.hostname,
            domainname: config.domainname,
            extra_hosts: config.extra_hosts,
            dns: config.dns,
            dns_search: config.dns_search,
            dns_options: config.dns_options,
            sysctls: config.sysctls,
            labels: config.labels,
        }
    }
}

impl From<&SandboxSpec> for SandboxConfig {
    fn from(spec: &SandboxSpec) -> Self {
        let host = |host: &ExtraHost| match host.address {
            Some(address) => format!("{}:{address}", host.name),
            None => format!("{}:{HOST_GATEWAY}", host.name),
        };
        Self {
            hostname: spec.hostname.clone(),
            domainname: spec.domainname.clone(),
            port_bindings: map_from_bindings(&spec.ports),
            extra_hosts: spec.extra_hosts.iter().map(host).collect(),
            dns: spec.dns.iter().map(|ip| (*ip).into()).collect(),
            dns_search: spec.dns_search.clone(),
            dns_options: spec.dns_options.clone(),
            sysctls: spec.sysctls.clone(),
            labels: spec.labels.clone(),
        }
    }
}

impl SetPortsRequest {
    /// The ports in our own words.
    pub fn into_bindings(self) -> Result<Vec<PortBinding>, ShapeError> {
        Ok(bindings_from_map(&self.port_bindings)?)
    }
}

impl NamespaceConfig {
    fn into_source(self) -> Result<NamespaceSource, ShapeError> {
        match (self.path.as_str(), self.pid, self.host) {
            ("", 0, false) => Ok(NamespaceSource::New),
            ("", 0, true) => Ok(NamespaceSource::Host),
            ("", pid, false) => Ok(NamespaceSource::Pid(pid)),
            (path, 0, false) if path.starts_with('/') => Ok(NamespaceSource::Path(path.into())),
            (path, 0, false) => Err(ShapeError::NamespacePath(path.to_owned())),
            _ => Err(ShapeError::Namespace),
        }
    }
}

impl From<&NamespaceSource> for NamespaceConfig {
    fn from(source: &NamespaceSource) -> Self {
        match source {
            NamespaceSource::New => Self::default(),
            NamespaceSource::Host => Self { host: true, ..Self::default() },
            NamespaceSource::Pid(pid) => Self { pid: *pid, ..Self::default() },
            NamespaceSource::Path(path) => Self { path: path.to_string_lossy().into_owned(), ..Self::default() },
        }
    }
}

const HOST_GATEWAY: &str = "host-gateway";

/// `name:address`, split at the first colon so that IPv6 needs no brackets (they are taken too); also `name=address`.
fn parse_extra_host(line: &str) -> Result<ExtraHost, ShapeError> {
    let bad = || ShapeError::ExtraHost(line.to_owned());
    let (name, address) = line.split_once(['=', ':']).ok_or_else(bad)?;
    // A name with white space would become several names, one with a line break a line of its own.
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad());
    }
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let address = match bare {
        HOST_GATEWAY => None,
        text => Some(text.parse::<IpAddr>().map_err(|_| ShapeError::ExtraHostAddress(address.to_owned()))?),
    };
    Ok(ExtraHost { name: name.to_owned(), address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(body: &str) -> Result<SandboxSpec, ShapeError> {
        crate::decode::<CreateSandboxRequest>(body.as_bytes()).unwrap().into_spec()
    }

    #[test]
    fn a_request_survives_the_way_through_the_api() {
        let body = r#"{"Name":"web","Namespace":{"Path":"/run/netns/x"},"Keeper":7,
            "Networks":{"front":{"Aliases":["w"],"GwPriority":2},"back":{}},
            "PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"20000-29999/udp":null},
            "Hostname":"h","Domainname":"d","ExtraHosts":["a:10.0.0.1","b:host-gateway","c:fd00::1"],
            "Dns":["9.9.9.9","fd00::53"],"DnsSearch":["x"],"DnsOptions":["ndots:2"],
            "Sysctls":{"net.ipv4.ip_forward":"1"},"Labels":{"l":"v"}}"#;
        let spec = spec(body).unwrap();
        let names: Vec<&str> = spec.networks.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["front", "back"]);
        assert_eq!(spec.extra_hosts[1], ExtraHost { name: "b".into(), address: None });
        let again = serde_json::to_vec(&CreateSandboxRequest::from(&spec)).unwrap();
        assert_eq!(crate::decode::<CreateSandboxRequest>(&again).unwrap().into_spec(), Ok(spec));
    }

    #[test]
    fn an_empty_request_is_a_new_namespace_with_loopback_only() {
        assert_eq!(spec(""), Ok(SandboxSpec::default()));
    }

    #[test]
    fn the_namespace_is_said_once() {
        assert_eq!(spec(r#"{"Namespace":{"Pid":7}}"#).unwrap().namespace, NamespaceSource::Pid(7));
        assert_eq!(spec(r#"{"Namespace":{"Host":true}}"#).unwrap().namespace, NamespaceSource::Host);
        assert_eq!(spec(r#"{"Namespace":{}}"#).unwrap().namespace, NamespaceSource::New);
        assert_eq!(spec(r#"{"Namespace":{"Pid":7,"Host":true}}"#), Err(ShapeError::Namespace));
        assert_eq!(spec(r#"{"Namespace":{"Path":"x"}}"#), Err(ShapeError::NamespacePath("x".into())));
    }

    #[test]
    fn wrong_texts_are_named() {
        for (body, error) in [
            (r#"{"Networks":{"n":null}}"#, "invalid config for network n: EndpointsConfig is nil"),
            (r#"{"ExtraHosts":["x"]}"#, "bad format for add-host: \"x\""),
            (r#"{"ExtraHosts":[":1.2.3.4"]}"#, "bad format for add-host: \":1.2.3.4\""),
            (r#"{"ExtraHosts":["a\nb:1.2.3.4"]}"#, "bad format for add-host: \"a\nb:1.2.3.4\""),
            (r#"{"ExtraHosts":["a:1.2.3"]}"#, "invalid IP address in add-host: \"1.2.3\""),
            (r#"{"Dns":[""]}"#, "invalid DNS server address: \"\""),
        ] {
            assert_eq!(spec(body).unwrap_err().to_string(), error, "{body}");
        }
    }
}
