//! What the core asks of a network driver.
//!
//! A driver turns networks, endpoints and published ports into wanted kernel state. It never sees names, files,
//! address books or HTTP.

use crate::{EndpointRecord, NetworkRecord, Result};
use pontoon_kernel::Netns;
use pontoon_types::{Family, LinkName, NetworkSpec, Options, PortMapping, Scope};
use std::net::IpAddr;

/// What a driver says of a network before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Addresses come from IPAM (`host` and `null` use none).
    pub uses_ipam: bool,
    /// A gateway address is set aside in each IPv4 pool.
    pub gateway_v4: bool,
    /// A gateway address is set aside in each IPv6 pool.
    pub gateway_v6: bool,
}

/// What a sandbox got by joining.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// Next hop for IPv4, if the network offers a way out.
    pub gateway_v4: Option<IpAddr>,
    /// Next hop for IPv6.
    pub gateway_v6: Option<IpAddr>,
}

/// How an endpoint's link is to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPlan {
    /// Fixed name (`com.docker.network.endpoint.ifname`), if asked for.
    pub fixed: Option<LinkName>,
    /// Prefix to number from otherwise.
    pub prefix: String,
}

/// Everything a driver is to keep up: the argument of [`Driver::restore`].
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Networks of this driver.
    pub networks: Vec<std::sync::Arc<NetworkRecord>>,
    /// Endpoints in them, with the namespace each is joined to.
    pub endpoints: Vec<(EndpointRecord, Netns)>,
    /// Published ports of those endpoints.
    pub mappings: Vec<PortMapping>,
}

/// What a repair found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Kernel writes made; 0 when all was as wanted.
    pub writes: usize,
    /// Links in sandboxes that were made anew and must be configured again.
    pub relinked: Vec<pontoon_types::EndpointId>,
    /// What could not be repaired, in words.
    pub failures: Vec<String>,
}

/// A network driver. Calls for one network or one endpoint never overlap; calls for different ones do.
pub trait Driver: Send + Sync {
    /// Its name at the API.
    fn name(&self) -> &'static str;

    /// Its scope.
    fn scope(&self) -> Scope {
        Scope::Local
    }

    /// Reads a request's options; every wrong value is an error before anything is taken.
    fn check(&self, spec: &NetworkSpec) -> Result<Traits>;

    /// Whether a stored network is one that this version of the driver can use; why not, else. Looks at nothing but
    /// the record.
    fn can_use(&self, _network: &NetworkRecord) -> Result<()> {
        Ok(())
    }

    /// Makes the network. On failure nothing of it is left.
    fn create_network(&self, network: &NetworkRecord) -> Result<()>;

    /// Takes the network away; what is missing already is no error.
    fn remove_network(&self, network: &NetworkRecord) -> Result<()>;

    /// How links of this network are named.
    fn link_plan(&self, network: &NetworkRecord, endpoint_options: &Options) -> Result<LinkPlan>;

    /// Makes the endpoint's link inside `ns`, named as the endpoint says, down, without addresses.
    fn join(&self, network: &NetworkRecord, endpoint: &EndpointRecord, ns: &Netns) -> Result<Joined>;

    /// Takes the endpoint's link away; what is missing already is no error.
    fn leave(&self, network: &NetworkRecord, endpoint: &EndpointRecord, ns: &Netns) -> Result<()>;

    /// Default host address for published ports of this network.
    fn binding_address(&self, network: &NetworkRecord) -> Option<IpAddr>;

    /// Whether ports can be published through this network for `family`.
    fn publishes(&self, network: &NetworkRecord, family: Family) -> bool;

    /// Opens `add` and closes `remove`, as one step.
    fn publish(&self, add: &[PortMapping], remove: &[PortMapping]) -> Result<()>;

    /// Makes the kernel have exactly what is wanted of this driver, writing only differences.
    fn restore(&self, wanted: &Wanted) -> Result<Repaired>;

    /// Whether [`Driver::restore`] would write anything. Writes nothing.
    fn differs(&self, wanted: &Wanted) -> Result<bool>;

    /// Removes everything this driver ever made on the host.
    fn cleanup(&self) -> Result<()>;
}
