//! The typed calls, one for each endpoint. Names and ids are taken as Docker takes them: id, name, or prefix of an id.

use crate::client::json;
use crate::query::{component, with_query};
use crate::{Client, Error, EventQuery, EventStream, Ping};
use http::Method;
use pontoon_api_types::{
    ConnectRequest, CreateNetworkRequest, CreateNetworkResponse, CreateSandboxRequest, CreateSandboxResponse,
    DisconnectRequest, EndpointSettings, Filters, Network, PortMap, PruneReport, Sandbox, SetPortsRequest,
    SetPortsResponse, SystemInfo, SystemVersion,
};
use serde::de::DeserializeOwned;

/// Reads an answer with the same lenience as the daemon reads requests.
fn read<T: DeserializeOwned + Default>(answer: &crate::Response) -> Result<T, Error> {
    pontoon_api_types::decode(&answer.body).map_err(|cause| Error::Answer(Box::new(cause)))
}

impl Client {
    /// Whether the daemon is there, and what it serves.
    pub async fn ping(&self) -> Result<Ping, Error> {
        let answer = self.head("/_ping").await?.success()?;
        Ok(Ping::from(&answer.headers))
    }

    /// `GET /version`.
    pub async fn version_info(&self) -> Result<SystemVersion, Error> {
        read(&self.engine(Method::GET, "/version", None).await?)
    }

    /// `GET /info`.
    pub async fn info(&self) -> Result<SystemInfo, Error> {
        read(&self.engine(Method::GET, "/info", None).await?)
    }

    /// Every network that the filters take.
    pub async fn networks(&self, filters: &Filters) -> Result<Vec<Network>, Error> {
        let path = with_query("/networks", &[("filters", &filters.to_json())]);
        read(&self.engine(Method::GET, &path, None).await?)
    }

    /// One network. An empty `scope` means any.
    pub async fn network(&self, id: &str, verbose: bool, scope: &str) -> Result<Network, Error> {
        read(&self.network_raw(id, verbose, scope).await?)
    }

    /// One network, as the daemon wrote it: for `inspect`, which shows all fields.
    pub async fn network_raw(&self, id: &str, verbose: bool, scope: &str) -> Result<crate::Response, Error> {
        let verbose = if verbose { "true" } else { "" };
        let path = with_query(&format!("/networks/{}", component(id)), &[("verbose", verbose), ("scope", scope)]);
        self.engine(Method::GET, &path, None).await
    }

    /// Makes a network.
    pub async fn create_network(&self, request: &CreateNetworkRequest) -> Result<CreateNetworkResponse, Error> {
        read(&self.engine(Method::POST, "/networks/create", Some(&json(request)?)).await?)
    }

    /// Removes a network.
    pub async fn remove_network(&self, id: &str) -> Result<(), Error> {
        self.engine(Method::DELETE, &format!("/networks/{}", component(id)), None).await.map(drop)
    }

    /// Removes unused networks and gives their names.
    pub async fn prune_networks(&self, filters: &Filters) -> Result<Vec<String>, Error> {
        let path = with_query("/networks/prune", &[("filters", &filters.to_json())]);
        let report: PruneReport = read(&self.engine(Method::POST, &path, None).await?)?;
        Ok(report.networks_deleted.unwrap_or_default())
    }

    /// Connects a sandbox to a network.
    pub async fn connect(&self, network: &str, sandbox: &str, settings: Option<EndpointSettings>) -> Result<(), Error> {
        let body = json(&ConnectRequest { container: sandbox.to_owned(), endpoint_config: settings })?;
        self.engine(Method::POST, &format!("/networks/{}/connect", component(network)), Some(&body)).await.map(drop)
    }

    /// Disconnects a sandbox from a network; with `force` also one that is gone.
    pub async fn disconnect(&self, network: &str, sandbox: &str, force: bool) -> Result<(), Error> {
        let body = json(&DisconnectRequest { container: sandbox.to_owned(), force })?;
        self.engine(Method::POST, &format!("/networks/{}/disconnect", component(network)), Some(&body)).await.map(drop)
    }

    /// Events, as they happen.
    pub async fn events(&self, query: &EventQuery) -> Result<EventStream, Error> {
        self.stream(&query.path()).await
    }

    /// Every sandbox that the filters (`id`, `name`, `label`, `network`) take.
    pub async fn sandboxes(&self, filters: &Filters) -> Result<Vec<Sandbox>, Error> {
        let path = with_query("/sandboxes", &[("filters", &filters.to_json())]);
        read(&self.own(Method::GET, &path, None).await?)
    }

    /// One sandbox.
    pub async fn sandbox(&self, id: &str) -> Result<Sandbox, Error> {
        read(&self.sandbox_raw(id).await?)
    }

    /// One sandbox, as the daemon wrote it.
    pub async fn sandbox_raw(&self, id: &str) -> Result<crate::Response, Error> {
        self.own(Method::GET, &format!("/sandboxes/{}", component(id)), None).await
    }

    /// Makes a sandbox, joined to its networks and with its ports published.
    pub async fn create_sandbox(&self, request: &CreateSandboxRequest) -> Result<CreateSandboxResponse, Error> {
        read(&self.own(Method::POST, "/sandboxes/create", Some(&json(request)?)).await?)
    }

    /// Removes a sandbox; with `force` also one that is joined to networks.
    pub async fn remove_sandbox(&self, id: &str, force: bool) -> Result<(), Error> {
        let path = with_query(&format!("/sandboxes/{}", component(id)), &[("force", if force { "true" } else { "" })]);
        self.own(Method::DELETE, &path, None).await.map(drop)
    }

    /// Replaces all published ports of a sandbox and gives what is published then.
    pub async fn set_ports(&self, id: &str, ports: PortMap) -> Result<PortMap, Error> {
        let body = json(&SetPortsRequest { port_bindings: ports })?;
        let path = format!("/sandboxes/{}/ports", component(id));
        let answer: SetPortsResponse = read(&self.own(Method::POST, &path, Some(&body)).await?)?;
        Ok(answer.ports)
    }
}
