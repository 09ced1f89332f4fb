//! What can go wrong in the core, with the texts that Docker's clients show or match.
//!
//! This is the one place for those texts (`behaviour` of Docker Engine 29). Kinds become statuses in `api` only.

use pontoon_types::{ErrorKind, Kind};

/// What to do about a stored network that this version cannot use.
pub(crate) const BROKEN_HINT: &str = "run the version of pontoond that made it, or remove it: pontoon network rm NAME";

/// Result of a request to the core.
pub type Result<T> = std::result::Result<T, Error>;

/// A refused or failed request.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each variant is its documentation")]
pub enum Error {
    // Networks: creating.
    #[error("operation is not permitted on predefined {0} network ")]
    PredefinedName(String),
    #[error("invalid name: name is empty")]
    BlankName,
    #[error("invalid name: {0}")]
    BadName(String),
    #[error("network with name {0} already exists")]
    NetworkExists(String),
    #[error(
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."
    )]
    NoSwarmManager,
    #[error("driver-opt \"{0}\" is not a valid bool")]
    EnableOption(&'static str),
    #[error(
        "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported."
    )]
    ConfigOnlyOperatorFields,
    #[error("{0}")]
    AdvertiseOption(String),
    #[error("a configuration network cannot depend on another configuration network")]
    ConfigFromConfigOnly,
    #[error("user-specified configurations are not supported if the network depends on a configuration network")]
    ConfigFromWithSettings,
    #[error("network driver options are not supported if the network depends on a configuration network")]
    ConfigFromWithOptions,
    #[error("configuration network \"{0}\" does not exist")]
    ConfigFromMissing(String),
    #[error("plugin \"{0}\" not found")]
    NoDriver(String),
    #[error("invalid scope \"{0}\"")]
    BadScope(String),
    #[error("cannot downgrade network scope for {0} networks")]
    ScopeDowngrade(String),
    #[error("Ingress network can only be global scope network")]
    IngressScope,
    #[error("cannot create a swarm scoped network when swarm is not active")]
    SwarmScope,
    #[error("invalid ipam driver: \"{0}\"")]
    NoIpamDriver(String),
    #[error("IPv4 or IPv6 must be enabled")]
    NoFamily,
    #[error(transparent)]
    Ipam(#[from] pontoon_ipam::Error),

    // Networks: finding and removing.
    #[error("network {0} not found")]
    NoNetwork(String),
    #[error("this version cannot use network {name}: {why}")]
    BrokenNetwork { name: String, why: String },
    #[error("{count} matches found based on {by}: network {term} is ambiguous")]
    AmbiguousInspect { term: String, count: usize, by: &'static str },
    #[error("network {term} is ambiguous ({count} matches found {by})")]
    Ambiguous { term: String, count: usize, by: &'static str },
    #[error("{0} is a pre-defined network and cannot be removed")]
    PredefinedRemoval(String),
    #[error("error while removing network: network {name} has active endpoints ({endpoints})")]
    ActiveEndpoints { name: String, endpoints: String },
    #[error("error while removing network: configuration network \"{0}\" is in use")]
    ConfigInUse(String),
    #[error("a prune operation is already running")]
    PruneRunning,

    // Sandboxes.
    #[error("No such container: {0}")]
    NoSandbox(String),
    #[error("Multiple IDs found with provided prefix: {0}")]
    AmbiguousSandbox(String),
    #[error("Conflict. The sandbox name \"/{name}\" is already in use by sandbox \"{id}\"")]
    SandboxExists { name: String, id: String },
    #[error("Invalid sandbox name ({0}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at most 128")]
    SandboxName(String),
    #[error("sandbox {name} has endpoints; disconnect it or remove it with force")]
    SandboxInUse { name: String },
    #[error("sandbox {0} is a container's")]
    SandboxOfContainer(String),
    #[error("Container {0} is marked for removal and cannot be connected or disconnected to the network")]
    SandboxRemoving(String),
    #[error("invalid sandbox: {0}")]
    BadSandbox(String),
    #[error("namespace {0} already belongs to sandbox {1}")]
    NamespaceTaken(String, String),
    #[error("namespace of {0} not found")]
    NoNamespace(String),

    // Endpoints.
    #[error("invalid endpoint settings:\n{0}")]
    EndpointSettings(String),
    #[error("cannot connect container to host network - container must be created in host network mode")]
    ToHostNetwork,
    #[error("cannot disconnect container from host network - container was created in host network mode")]
    FromHostNetwork,
    #[error(
        "container sharing network namespace with another container or host cannot be connected to any other network"
    )]
    SharedNamespace,
    #[error("container cannot be connected to multiple networks with one of the networks in private (none) mode")]
    PrivateMode,
    #[error("endpoint with name {name} already exists in network {network}")]
    EndpointExists { name: String, network: String },
    #[error("cannot create endpoint on configuration-only network")]
    EndpointOnConfig,
    #[error("container {sandbox} is not connected to network {network}")]
    NotConnected { sandbox: String, network: String },
    #[error("container {sandbox} failed to leave network {network}: {}", pontoon_types::chain(cause))]
    Leave { sandbox: String, network: String, cause: Box<Error> },
    #[error("endpoint {0} not found")]
    NoEndpoint(String),
    #[error("invalid link local IP address: {0}")]
    LinkLocal(std::net::IpAddr),
    #[error("interface name \"{0}\" is already used in this sandbox")]
    InterfaceTaken(String),
    #[error("failed to create endpoint {endpoint} on network {network}: {}", pontoon_types::chain(cause))]
    CreateEndpoint { endpoint: String, network: String, cause: Box<Error> },
    #[error("failed to add interface {interface} to sandbox: {cause}")]
    AddInterface { interface: String, cause: pontoon_kernel::Error },
    #[error("cannot program address {address} in sandbox interface because it conflicts with existing route {route}")]
    RouteConflict { address: String, route: String },
    #[error("driver failed programming external connectivity on endpoint {name} ({id}): {cause}")]
    Publish { name: String, id: String, cause: String, hint: Option<String> },

    // Drivers.
    #[error("{text}")]
    Driver { kind: ErrorKind, text: String },

    // The host.
    #[error("{act}: {cause}")]
    Kernel { act: String, cause: pontoon_kernel::Error },
    #[error("{act}: {cause}")]
    Store { act: String, cause: String, hint: Option<String> },
    #[error("{act}: {cause}")]
    File { act: String, cause: std::io::Error },
    #[error("{what} is not implemented")]
    NotImplemented { what: String },
    #[error("the daemon is shutting down")]
    ShuttingDown,
    /// Several failures of one request, e.g. a failure and the failures while undoing it.
    #[error("{}; while undoing: {}", pontoon_types::chain(first), undo.iter().map(|e| pontoon_types::chain(e)).collect::<Vec<_>>().join("; "))]
    WhileUndoing { first: Box<Error>, undo: Vec<Error> },
}

impl Error {
    /// A driver's own refusal.
    pub fn driver(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self::Driver { kind, text: text.into() }
    }

    /// A failed kernel request, saying what it was for.
    pub fn kernel(act: impl Into<String>) -> impl FnOnce(pontoon_kernel::Error) -> Self {
        let act = act.into();
        move |cause| Self::Kernel { act, cause }
    }

    /// `self`, with what also went wrong while undoing.
    pub fn with_undo(self, undo: Vec<Error>) -> Self {
        if undo.is_empty() { self } else { Self::WhileUndoing { first: Box::new(self), undo } }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        use ErrorKind::{Conflict, Forbidden, Invalid, NotFound, System, Unavailable};
        match self {
            Self::NetworkExists(_) | Self::PruneRunning | Self::SandboxExists { .. } | Self::NamespaceTaken(..) => {
                Conflict
            }
            Self::PredefinedName(_)
            | Self::NoSwarmManager
            | Self::ConfigOnlyOperatorFields
            | Self::ConfigFromConfigOnly
            | Self::ConfigFromWithSettings
            | Self::ConfigFromWithOptions
            | Self::ScopeDowngrade(_)
            | Self::IngressScope
            | Self::SwarmScope
            | Self::PredefinedRemoval(_)
            | Self::ActiveEndpoints { .. }
            | Self::ConfigInUse(_)
            | Self::EndpointExists { .. }
            | Self::EndpointOnConfig => Forbidden,
            Self::BlankName
            | Self::BadName(_)
            | Self::EnableOption(_)
            | Self::BadScope(_)
            | Self::NoIpamDriver(_)
            | Self::NoFamily
            | Self::AmbiguousInspect { .. }
            | Self::Ambiguous { .. }
            | Self::AmbiguousSandbox(_)
            | Self::SandboxName(_)
            | Self::BadSandbox(_)
            | Self::EndpointSettings(_)
            | Self::ToHostNetwork
            | Self::FromHostNetwork
            | Self::SharedNamespace
            | Self::PrivateMode
            | Self::LinkLocal(_) => Invalid,
            Self::InterfaceTaken(_) | Self::SandboxInUse { .. } | Self::SandboxOfContainer(_) => Conflict,
            Self::ConfigFromMissing(_)
            | Self::NoDriver(_)
            | Self::NoNetwork(_)
            | Self::NoSandbox(_)
            | Self::NoNamespace(_)
            | Self::NoEndpoint(_) => NotFound,
            Self::Ipam(error) => error.kind(),
            Self::Driver { kind, .. } => *kind,
            Self::NotImplemented { .. } => ErrorKind::NotImplemented,
            Self::ShuttingDown => Unavailable,
            Self::CreateEndpoint { cause, .. } => match cause.kind() {
                System => System,
                kind => kind,
            },
            Self::WhileUndoing { first, .. } => first.kind(),
            Self::AdvertiseOption(_)
            | Self::SandboxRemoving(_)
            | Self::BrokenNetwork { .. }
            | Self::NotConnected { .. }
            | Self::Leave { .. }
            | Self::Publish { .. }
            | Self::AddInterface { .. }
            | Self::RouteConflict { .. }
            | Self::Kernel { .. }
            | Self::Store { .. }
            | Self::File { .. } => System,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Kernel { cause, .. } | Self::AddInterface { cause, .. } => cause.hint(),
            Self::File { cause, .. } => pontoon_types::remedy(cause),
            Self::Store { hint, .. } | Self::Publish { hint, .. } => hint.clone(),
            Self::Ipam(error) => error.hint(),
            Self::CreateEndpoint { cause, .. } | Self::Leave { cause, .. } => cause.hint(),
            Self::WhileUndoing { first, .. } => first.hint(),
            Self::ActiveEndpoints { .. } => Some("disconnect or remove what uses the network first".into()),
            Self::SandboxOfContainer(_) => Some("stop or remove the container".into()),
            Self::BrokenNetwork { .. } => Some(BROKEN_HINT.into()),
            Self::NoDriver(_) => Some("drivers here: bridge, host, null".into()),
            _ => None,
        }
    }
}
