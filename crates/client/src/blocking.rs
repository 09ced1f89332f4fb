//! The same client for programs without a runtime of their own.

use crate::{Error, EventQuery, Host, Ping, Response, TlsFiles};
use pontoon_api_types::{
    ApiVersion, CreateNetworkRequest, CreateNetworkResponse, CreateSandboxRequest, CreateSandboxResponse,
    EndpointSettings, EventMessage, Filters, Network, PortMap, Sandbox, SystemInfo, SystemVersion,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// A client of one daemon whose calls block. Must not be used inside a runtime. See [`crate::Client`] for the calls.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    runtime: Arc<Runtime>,
}

/// Events as they happen; the iterator ends when the daemon ends the stream.
pub struct Events {
    stream: crate::EventStream,
    runtime: Arc<Runtime>,
}

impl Iterator for Events {
    type Item = Result<EventMessage, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.stream.next())
    }
}

impl Client {
    /// A client of the daemon at `host`, without TLS.
    pub fn new(host: Host) -> Result<Self, Error> {
        Self::around(crate::Client::new(host))
    }

    /// A client of the daemon at `host` over TLS.
    pub fn with_tls(host: Host, files: &TlsFiles) -> Result<Self, Error> {
        Self::around(crate::Client::with_tls(host, files)?)
    }

    fn around(client: crate::Client) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        Ok(Self { client, runtime: Arc::new(runtime) })
    }

    /// The same, asking for another API version than the newest.
    pub fn at_version(mut self, version: ApiVersion) -> Self {
        self.client = self.client.at_version(version);
        self
    }

    /// The same, giving up on a call after `timeout`.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.client = self.client.with_timeout(timeout);
        self
    }

    /// The same client with a runtime and connections of its own: clones of one wait for one another.
    pub fn apart(&self) -> Result<Self, Error> {
        Self::around(self.client.apart())
    }

    /// Events, as they happen.
    pub fn events(&self, query: &EventQuery) -> Result<Events, Error> {
        let stream = self.runtime.block_on(self.client.events(query))?;
        Ok(Events { stream, runtime: self.runtime.clone() })
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl Client { $(
            $(#[$doc])*
            pub fn $name(&self, $($arg: $type),*) -> Result<$answer, Error> {
                self.runtime.block_on(self.client.$name($($arg),*))
            }
        )* }
    };
}

calls! {
    /// `GET` of a path as it stands.
    get(path: &str) -> Response;
    /// `HEAD` of a path as it stands.
    head(path: &str) -> Response;
    /// `DELETE` of a path as it stands.
    delete(path: &str) -> Response;
    /// `POST` to a path as it stands.
    post(path: &str, body: Option<&[u8]>) -> Response;
    /// Whether the daemon is there, and what it serves.
    ping() -> Ping;
    /// `GET /version`.
    version_info() -> SystemVersion;
    /// `GET /info`.
    info() -> SystemInfo;
    /// Every network that the filters take.
    networks(filters: &Filters) -> Vec<Network>;
    /// One network. An empty `scope` means any.
    network(id: &str, verbose: bool, scope: &str) -> Network;
    /// One network, as the daemon wrote it.
    network_raw(id: &str, verbose: bool, scope: &str) -> Response;
    /// Makes a network.
    create_network(request: &CreateNetworkRequest) -> CreateNetworkResponse;
    /// Removes a network.
    remove_network(id: &str) -> ();
    /// Removes unused networks and gives their names.
    prune_networks(filters: &Filters) -> Vec<String>;
    /// Connects a sandbox to a network.
    connect(network: &str, sandbox: &str, settings: Option<EndpointSettings>) -> ();
    /// Disconnects a sandbox from a network.
    disconnect(network: &str, sandbox: &str, force: bool) -> ();
    /// Every sandbox that the filters take.
    sandboxes(filters: &Filters) -> Vec<Sandbox>;
    /// One sandbox.
    sandbox(id: &str) -> Sandbox;
    /// One sandbox, as the daemon wrote it.
    sandbox_raw(id: &str) -> Response;
    /// Makes a sandbox.
    create_sandbox(request: &CreateSandboxRequest) -> CreateSandboxResponse;
    /// Removes a sandbox.
    remove_sandbox(id: &str, force: bool) -> ();
    /// Replaces all published ports of a sandbox.
    set_ports(id: &str, ports: PortMap) -> PortMap;
}
