//! A container's networking when it is made: checked, and written the way it is kept (containers-networking.md section
//! 2). What older clients mean by their requests has been settled before.
//!
//! Owns: the order of all this. Must never take anything from the core: nothing is allocated before a start.

use super::endpoint::{Endpoint, Endpoints};
use super::links::{self, Link};
use super::mode::is_user_defined;
use super::{Error, NetworkMode, Networks, Others, conflicts, ports};
use crate::spec::{Config, EndpointSettings, HostConfig, NetworkingConfig};
use pontoon_types::{ContainerId, Ordered};

/// The endpoints of a request; none of them null.
type Asked = Ordered<EndpointSettings>;

/// A request to make a container, as far as networking goes. Settings are changed to what is kept of them.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id it will have.
    pub id: ContainerId,
    /// Its settings; without those of the image.
    pub config: &'a mut Config,
    /// Its settings for this host.
    pub host: &'a mut HostConfig,
    /// Its endpoints.
    pub networking: NetworkingConfig,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// The networks to join at each start.
    pub endpoints: Endpoints,
    /// Its links on the default bridge.
    pub links: Vec<Link>,
    /// What the client is warned of.
    pub warnings: Vec<String>,
}

/// Checks and settles the networking of a container that is to be made.
pub fn admit(request: Request<'_>, networks: &dyn Networks, others: &dyn Others) -> Result<Admitted, Error> {
    let Request { id, config, host, networking } = request;
    let mut mode = NetworkMode::read(&host.network_mode)?;
    conflicts::check(config, host, &mode)?;
    let asked = endpoints(networking)?;
    for text in host.extra_hosts.iter().flatten() {
        pontoon_etcfiles::parse_extra_host(text)?;
    }
    ports::normalise(config, host)?;
    let warnings = warn(host, &mode, networks);
    if let NetworkMode::Container(donor) = &mode
        && let Some(found) = others.find(donor)
    {
        mode = NetworkMode::Container(found.id.to_string());
    }
    host.network_mode = mode.to_string();
    let endpoints = match mode {
        NetworkMode::Container(_) => Endpoints::new(),
        _ if config.network_disabled => Endpoints::new(),
        _ => settle(asked, &mode, networks)?,
    };
    name_host(id, config, &mode);
    let links = match mode {
        NetworkMode::Bridge => links::parse(host.links.as_deref().unwrap_or_default(), others)?,
        _ => Vec::new(),
    };
    Ok(Admitted { endpoints, links, warnings })
}

/// The endpoints: none null, `default` under its own name.
fn endpoints(networking: NetworkingConfig) -> Result<Asked, Error> {
    let (mut asked, mut nulls) = (Asked::default(), Vec::new());
    for (key, settings) in networking.endpoints_config.0 {
        match settings {
            Some(settings) => asked.insert(if key == "default" { "bridge".to_owned() } else { key }, settings),
            None => nulls.push(format!("invalid config for network {key}: EndpointsConfig is nil")),
        }
    }
    match nulls.is_empty() {
        true => Ok(asked),
        false => Err(Error::Endpoints(pontoon_cnm::joined(&nulls))),
    }
}

fn warn(host: &HostConfig, mode: &NetworkMode, networks: &dyn Networks) -> Vec<String> {
    let mut warnings = Vec::new();
    let publishes = host.port_bindings.as_ref().is_some_and(|map| !map.is_empty());
    if *mode == NetworkMode::Host && publishes {
        warnings.push("Published ports are discarded when using host network mode".to_owned());
    }
    if *mode == NetworkMode::Bridge && host.links.as_ref().is_some_and(|links| !links.is_empty()) {
        warnings.push("Links on the default bridge network are deprecated and will be removed in a future release. Use a custom network instead.".to_owned());
    }
    if !networks.forwards() {
        warnings.push("IPv4 forwarding is disabled. Networking will not work.".to_owned());
    }
    warnings
}

/// Keys as they are kept, and all that is wrong with any endpoint at once.
fn settle(asked: Asked, mode: &NetworkMode, networks: &dyn Networks) -> Result<Endpoints, Error> {
    let main = mode.network().unwrap_or_default();
    let found = if is_user_defined(main) { networks.find(main).ok() } else { None };
    let name = found.as_ref().map_or(main, |record| record.name.as_str());
    let asked = match asked.is_empty() {
        true => Ordered(vec![(name.to_owned(), EndpointSettings::default())]),
        false => asked,
    };
    let (mut endpoints, mut wrong) = (Endpoints::new(), Vec::new());
    for (key, settings) in asked.0 {
        let endpoint = Endpoint::asked(settings);
        let checked = endpoint.spec(&key).map_err(Error::from).and_then(|spec| Ok(networks.check(&key, &spec)?));
        if let Err(error) = checked {
            wrong.push(format!("invalid config for network {key}: {error}"));
        }
        let is_main = found.as_ref().is_some_and(|record| record.id.to_string() == key);
        endpoints.insert(if is_main { name.to_owned() } else { key }, endpoint);
    }
    match wrong.is_empty() {
        true => Ok(endpoints),
        false => Err(Error::Endpoints(pontoon_cnm::joined(&wrong))),
    }
}

/// A container without a name of its own is called by its short id, and in the host's namespace like the host.
fn name_host(id: ContainerId, config: &mut Config, mode: &NetworkMode) {
    if !config.hostname.is_empty() {
        return;
    }
    match mode {
        // The other container's.
        NetworkMode::Container(_) => {}
        NetworkMode::Host => {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            config.hostname = name.trim_end().to_owned();
        }
        _ => config.hostname = id.short(),
    }
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
