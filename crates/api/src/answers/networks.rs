//! Networks: list, inspect, create, prune, connect, disconnect, remove.

use super::Call;
use crate::api::Inner;
use crate::body;
use crate::query::{NetworkFilter, prune_filter};
use crate::reply::{self, Reply};
use crate::route::short;
use crate::work::Queue;
use crate::{Engine, Failure};
use http::StatusCode;
use pontoon_api_types::{
    ApiVersion, ConfigReference, ConnectRequest, CreateNetworkRequest, CreateNetworkResponse, DisconnectRequest,
    EndpointResource, Ipam, IpamConfig, IpamStatus, Network, NetworkStatus, PruneReport, SubnetStatus, rfc3339,
};
use pontoon_cnm::{Error as CoreError, MemberView, NetworkRecord, NetworkView, PoolRecord};
use pontoon_types::Family;
use std::sync::Arc;
use std::time::SystemTime;

/// Since this version lists leave out what is joined.
const LIST_WITHOUT_CONTAINERS: ApiVersion = ApiVersion::v1(28);
/// Since this version inspect shows how full a network is.
const STATUS: ApiVersion = ApiVersion::v1(52);
/// Since this version there is prune.
const PRUNE: ApiVersion = ApiVersion::v1(25);

pub(super) fn list(engine: &dyn Engine, call: &Call) -> Result<Reply, Failure> {
    let filter = NetworkFilter::new(call.query.filters()?)?;
    let networks = engine.networks();
    let shown = networks.iter().filter(|network| filter.takes(network)).map(|network| {
        let mut shape = shape(network);
        if call.version < LIST_WITHOUT_CONTAINERS {
            shape.containers = Some(containers(network));
        }
        shape
    });
    reply::json(StatusCode::OK, &shown.collect::<Vec<_>>())
}

pub(super) fn inspect(engine: &dyn Engine, id: &str, call: &Call) -> Result<Reply, Failure> {
    // Services, which verbose adds, exist in swarms only.
    call.query.strict_bool("verbose")?;
    let network = engine.network(id)?;
    let scope = call.query.get("scope");
    if !scope.is_empty() && network.record.scope.to_string() != scope {
        return Err(CoreError::NoNetwork(id.to_owned()).into());
    }
    let mut shape = shape(&network);
    shape.containers = Some(containers(&network));
    if call.version >= STATUS {
        shape.status = Some(status(&network));
    }
    reply::json(StatusCode::OK, &shape)
}

pub(super) fn create(engine: &dyn Engine, call: &Call) -> Result<Reply, Failure> {
    let request: CreateNetworkRequest = body::json(&call.body)?;
    let id = engine.create_network(request.into_spec(call.version)?)?;
    tracing::Span::current().record("network", id.short());
    reply::json(StatusCode::CREATED, &CreateNetworkResponse { id: id.to_string(), warning: String::new() })
}

pub(super) fn prune(engine: &dyn Engine, call: &Call) -> Result<Reply, Failure> {
    if call.version < PRUNE {
        return Err(Failure::no_page());
    }
    let filter = prune_filter(&call.query.filters()?, SystemTime::now())?;
    let names = engine.prune_networks(&filter)?;
    reply::json(StatusCode::OK, &PruneReport { networks_deleted: Some(names).filter(|names| !names.is_empty()) })
}

impl Inner {
    /// Connects a container, in whatever state it is, or a sandbox of ours.
    pub(crate) async fn connect(self: &Arc<Self>, network: String, call: Call) -> Result<Reply, Failure> {
        let request: ConnectRequest = body::json(&call.body)?;
        let settings = request.settings(call.version);
        if self.containers.container(&request.container).is_ok() {
            tracing::Span::current().record("container", short(&request.container));
            self.containers.connect_container(&request.container, &network, settings).await?;
        } else {
            tracing::Span::current().record("sandbox", short(&request.container));
            let (spec, inner) = (settings.into_spec()?, self.clone());
            let connect = move || Ok(inner.engine.connect(&network, &request.container, spec)?);
            self.work.run(Queue::Writes, connect).await?;
        }
        Ok(reply::empty(StatusCode::OK))
    }

    pub(crate) async fn disconnect(self: &Arc<Self>, network: String, call: Call) -> Result<Reply, Failure> {
        let DisconnectRequest { container, force } = body::json(&call.body)?;
        if self.containers.container(&container).is_ok() {
            tracing::Span::current().record("container", short(&container));
            self.containers.disconnect_container(&container, &network, force).await?;
        } else {
            tracing::Span::current().record("sandbox", short(&container));
            let inner = self.clone();
            let disconnect = move || Ok(inner.engine.disconnect(&network, &container, force)?);
            self.work.run(Queue::Writes, disconnect).await?;
        }
        Ok(reply::empty(StatusCode::OK))
    }
}

pub(super) fn remove(engine: &dyn Engine, id: &str) -> Result<Reply, Failure> {
    engine.remove_network(id)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// The network without what only inspect shows.
fn shape(network: &NetworkView) -> Network {
    let record = &network.record;
    Network {
        name: record.name.clone(),
        id: record.id.to_string(),
        created: rfc3339(record.created),
        scope: record.scope.to_string(),
        driver: record.driver.clone(),
        enable_ipv4: record.ipv4,
        enable_ipv6: record.ipv6,
        ipam: ipam(record),
        internal: record.internal,
        attachable: record.attachable,
        ingress: record.ingress,
        config_from: ConfigReference { network: record.config_from.clone().unwrap_or_default() },
        config_only: record.config_only,
        options: record.options.clone(),
        labels: record.labels.clone(),
        ..Network::default()
    }
}

/// Address settings (api-networks.md section 3): of each family the pools the user named, or if there is none, those
/// that were allocated. A network that is only settings shows them as given.
fn ipam(record: &NetworkRecord) -> Ipam {
    let config: Vec<IpamConfig> = match &record.config_ipam {
        Some(given) if record.config_only => given.pools.iter().map(IpamConfig::from).collect(),
        _ => Family::BOTH.into_iter().flat_map(|family| pools(record, family)).map(pool).collect(),
    };
    Ipam {
        driver: record.ipam_driver.clone(),
        options: record.ipam_options.clone(),
        config: Some(config).filter(|config| !config.is_empty()),
    }
}

fn pools(record: &NetworkRecord, family: Family) -> impl Iterator<Item = &PoolRecord> {
    let named = record.pools_of(family).any(|pool| pool.requested);
    record.pools_of(family).filter(move |pool| pool.requested == named)
}

fn pool(pool: &PoolRecord) -> IpamConfig {
    let aux = pool.aux_addresses.iter();
    IpamConfig {
        subnet: Some(pool.subnet.trunc()).into(),
        ip_range: pool.range.into(),
        gateway: pool.gateway.into(),
        auxiliary_addresses: aux.map(|(name, address)| (name.clone(), (*address).into())).collect(),
    }
}

fn containers(network: &NetworkView) -> std::collections::BTreeMap<String, EndpointResource> {
    let resource = |member: &MemberView| EndpointResource {
        name: member.name.clone(),
        endpoint_id: member.endpoint.to_string(),
        mac_address: member.mac.into(),
        ipv4_address: member.ipv4.into(),
        ipv6_address: member.ipv6.into(),
    };
    network.members.iter().map(|member| (member.sandbox.to_string(), resource(member))).collect()
}

fn status(network: &NetworkView) -> NetworkStatus {
    let numbers = network.subnets.iter().map(|subnet| {
        let numbers = SubnetStatus { ips_in_use: subnet.in_use, dynamic_ips_available: subnet.available };
        (subnet.subnet.trunc().to_string(), numbers)
    });
    NetworkStatus { ipam: IpamStatus { subnets: numbers.collect() } }
}
