//! `network connect` and `network disconnect` of a container in each state: a running one is joined, of one that does not
//! run only the definition changes (api-networks.md sections 8 and 9).

use super::mode::is_user_defined;
use super::view::kept;
use super::{Container, Endpoint, Endpoints, Error, NetworkMode, Networks};
use crate::spec::EndpointSettings;
use pontoon_cnm::{Controller, NetworkRecord};

/// What a container is doing when its networks are to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// It is being removed, or dead.
    Leaving,
}

/// What of a definition is different afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The networks it is to be in.
    pub endpoints: Endpoints,
    /// Its network mode, when that was the beginning of an id.
    pub network_mode: Option<String>,
}

/// Connects a container to the network meant by `network`.
pub fn connect(
    core: &Controller,
    container: &Container<'_>,
    standing: Standing,
    network: &str,
    settings: EndpointSettings,
) -> Result<Changed, Error> {
    let endpoint = Endpoint::asked(settings);
    match standing {
        Standing::Leaving => Err(pontoon_cnm::Error::SandboxRemoving(container.id.to_string()).into()),
        Standing::Stopped => define(core, container, network, endpoint),
        Standing::Running => join(core, container, network, endpoint),
    }
}

fn join(core: &Controller, container: &Container<'_>, network: &str, endpoint: Endpoint) -> Result<Changed, Error> {
    if matches!(container.mode(), NetworkMode::Container(_)) {
        return Err(pontoon_cnm::Error::SharedNamespace.into());
    }
    let record = core.network_record(network)?;
    let id = container.id.to_string();
    // By its id from here on: its name may be given to another meanwhile.
    core.connect(&record.id.to_string(), &id, endpoint.spec(&record.name)?)?;
    let mut asked = container.endpoints.clone();
    asked.insert(record.name.clone(), endpoint);
    let endpoints = kept(&asked, &core.sandbox(&id)?.record);
    Ok(Changed { endpoints, network_mode: full_mode(core, container) })
}

/// A network that is not there is found when the container starts. A second time changes nothing.
fn define(
    networks: &dyn Networks,
    container: &Container<'_>,
    network: &str,
    endpoint: Endpoint,
) -> Result<Changed, Error> {
    let mut endpoints = container.endpoints.clone();
    match networks.find(network) {
        Err(_) => {
            endpoints.insert(network.to_owned(), endpoint);
        }
        Ok(record) => {
            networks.check(network, &endpoint.spec(&record.name)?)?;
            if admits(networks, container, &record)? {
                endpoints.insert(record.name.clone(), endpoint);
            }
        }
    }
    Ok(Changed { endpoints, network_mode: full_mode(networks, container) })
}

/// Whether the network is a new one for the container; refused where it cannot be joined beside the others.
fn admits(networks: &dyn Networks, container: &Container<'_>, record: &NetworkRecord) -> Result<bool, Error> {
    if record.driver == "host" && container.mode() != NetworkMode::Host {
        return Err(pontoon_cnm::Error::ToHostNetwork.into());
    }
    for (key, endpoint) in container.endpoints {
        let Ok(other) = networks.find(endpoint.term(key)) else { continue };
        if other.id == record.id {
            return Ok(false);
        }
        let either = |driver: &str| other.driver == driver || record.driver == driver;
        if either("host") {
            return Err(pontoon_cnm::Error::SharedNamespace.into());
        }
        if either("null") {
            return Err(pontoon_cnm::Error::PrivateMode.into());
        }
    }
    Ok(true)
}

/// The beginning of an id as a mode becomes the whole, so that it stays one network's.
fn full_mode(networks: &dyn Networks, container: &Container<'_>) -> Option<String> {
    let text = &container.host.network_mode;
    if !is_user_defined(text) {
        return None;
    }
    let record = networks.find(text).ok()?;
    let id = record.id.to_string();
    (record.name != *text && id != *text).then_some(id)
}

/// Disconnects a container from the network meant by `network`.
pub fn disconnect(
    core: &Controller,
    container: &Container<'_>,
    standing: Standing,
    network: &str,
    force: bool,
) -> Result<Changed, Error> {
    let found = core.network_record(network);
    match (standing, found) {
        (Standing::Leaving, _) => Err(pontoon_cnm::Error::SandboxRemoving(container.id.to_string()).into()),
        (Standing::Running, Ok(record)) => leave(core, container, &record),
        (Standing::Running, Err(error)) if !force => Err(error.into()),
        (_, found) => forget(core, container, network, found.ok().as_deref()),
    }
}

fn leave(core: &Controller, container: &Container<'_>, record: &NetworkRecord) -> Result<Changed, Error> {
    let id = container.id.to_string();
    if matches!(container.mode(), NetworkMode::Container(_)) {
        return Err(pontoon_cnm::Error::NotConnected { sandbox: id, network: record.name.clone() }.into());
    }
    core.disconnect(&record.id.to_string(), &id, false)?;
    let mut endpoints = container.endpoints.clone();
    endpoints.remove(&record.name);
    Ok(Changed { endpoints, network_mode: None })
}

fn forget(
    networks: &dyn Networks,
    container: &Container<'_>,
    term: &str,
    found: Option<&NetworkRecord>,
) -> Result<Changed, Error> {
    let name = found.map_or(term, |record| &record.name);
    // Before the first start a network may be known by its id.
    let means = |key: &str, endpoint: &Endpoint| {
        found.is_some_and(|found| networks.find(endpoint.term(key)).is_ok_and(|record| record.id == found.id))
    };
    let mut endpoints = container.endpoints.clone();
    let key = endpoints.iter().find(|(key, endpoint)| *key == name || means(key, endpoint)).map(|(key, _)| key.clone());
    match key.and_then(|key| endpoints.remove(&key)) {
        Some(_) => Ok(Changed { endpoints, network_mode: None }),
        None => Err(Error::NotDefined { container: container.id.to_string(), network: name.to_owned() }),
    }
}
