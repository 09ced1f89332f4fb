//! Our sandboxes: list, inspect, create, change ports, remove.

use super::Call;
use crate::body;
use crate::query::SandboxFilter;
use crate::reply::{self, Reply};
use crate::{Engine, Failure, ShownSandbox};
use http::StatusCode;
use pontoon_api_types::{
    CreateSandboxRequest, CreateSandboxResponse, EndpointSettings, NamespaceConfig, NetworkSettings, Ordered, Sandbox,
    SandboxConfig, SandboxState, SetPortsRequest, SetPortsResponse, map_from_mappings, rfc3339,
};
use pontoon_cnm::{EndpointRecord, SandboxRecord};
use pontoon_types::{IpNet, NamespaceSource};
use std::path::Path;

pub(super) fn list(engine: &dyn Engine, call: &Call) -> Result<Reply, Failure> {
    let filter = SandboxFilter::new(call.query.filters()?)?;
    let sandboxes = engine.sandboxes();
    let shown: Vec<Sandbox> = sandboxes.iter().filter(|sandbox| filter.takes(sandbox)).map(shape).collect();
    reply::json(StatusCode::OK, &shown)
}

pub(super) fn inspect(engine: &dyn Engine, id: &str) -> Result<Reply, Failure> {
    reply::json(StatusCode::OK, &shape(&engine.sandbox(id)?))
}

pub(super) fn create(engine: &dyn Engine, call: &Call) -> Result<Reply, Failure> {
    let request: CreateSandboxRequest = body::json(&call.body)?;
    let id = engine.create_sandbox(request.into_spec()?)?;
    tracing::Span::current().record("sandbox", id.short());
    reply::json(StatusCode::CREATED, &CreateSandboxResponse { id: id.to_string(), warnings: Vec::new() })
}

pub(super) fn set_ports(engine: &dyn Engine, id: &str, call: &Call) -> Result<Reply, Failure> {
    let request: SetPortsRequest = body::json(&call.body)?;
    engine.set_ports(id, request.into_bindings()?)?;
    let ports = map_from_mappings(&engine.sandbox(id)?.record.mappings);
    reply::json(StatusCode::OK, &SetPortsResponse { ports })
}

pub(super) fn remove(engine: &dyn Engine, id: &str, call: &Call) -> Result<Reply, Failure> {
    engine.remove_sandbox(id, call.query.flag("force"))?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

fn shape(sandbox: &ShownSandbox) -> Sandbox {
    let record = &sandbox.record;
    let host = record.spec.namespace == NamespaceSource::Host;
    let running = host || record.netns_path.is_some();
    let pid = match record.spec.namespace {
        NamespaceSource::Pid(pid) => pid,
        _ => 0,
    };
    let config = SandboxConfig { hostname: record.hostname(), ..SandboxConfig::from(&record.spec) };
    Sandbox {
        id: record.id.to_string(),
        name: record.name.clone(),
        created: rfc3339(record.created),
        state: SandboxState { status: if running { "running" } else { "gone" }.into(), running, pid },
        namespace: NamespaceConfig::from(&record.spec.namespace),
        hosts_path: text(&sandbox.hosts),
        hostname_path: text(&sandbox.hostname),
        resolv_conf_path: text(&sandbox.resolv_conf),
        config,
        network_settings: settings(record),
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn settings(record: &SandboxRecord) -> NetworkSettings {
    let endpoints = record.endpoints.iter();
    NetworkSettings {
        sandbox_id: record.id.to_string(),
        sandbox_key: record.netns_path.as_deref().map(text).unwrap_or_default(),
        ports: map_from_mappings(&record.mappings),
        networks: Ordered(endpoints.map(|e| (e.network_name.clone(), endpoint(record, e))).collect()),
    }
}

fn endpoint(record: &SandboxRecord, endpoint: &EndpointRecord) -> EndpointSettings {
    let length = |address: Option<IpNet>| address.map_or(0, |address| i64::from(address.prefix_len()));
    EndpointSettings {
        network_id: endpoint.network.to_string(),
        endpoint_id: endpoint.id.to_string(),
        gateway: endpoint.gateway_v4.into(),
        ip_address: endpoint.ipv4.map(|address| address.addr()).into(),
        ip_prefix_len: length(endpoint.ipv4),
        mac_address: endpoint.mac.into(),
        ipv6_gateway: endpoint.gateway_v6.into(),
        global_ipv6_address: endpoint.ipv6.map(|address| address.addr()).into(),
        global_ipv6_prefix_len: length(endpoint.ipv6),
        dns_names: Some(names(record, endpoint)).filter(|names| !names.is_empty()),
        ..EndpointSettings::from(&endpoint.spec)
    }
}

/// Docker's `DNSNames`: name, aliases, short id, host name, each once; none on the predefined networks.
fn names(record: &SandboxRecord, endpoint: &EndpointRecord) -> Vec<String> {
    if matches!(endpoint.network_name.as_str(), "bridge" | "host" | "none") {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    let own = [record.id.short(), record.hostname()];
    for name in std::iter::once(&endpoint.name).chain(&endpoint.spec.aliases).chain(&own) {
        if !name.is_empty() && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
