//! Legacy links between containers of the default bridge: `name[:alias]` (containers-networking.md section 8).
//!
//! Owns: what a link means when its container is made, when it starts and when the other one comes back. Communication
//! is free on the default bridge, so a link opens nothing: it is a line in a file and, if wanted, some variables.

use super::{Container, Error, Life, NetworkMode, Other, Others};
use pontoon_cnm::{Controller, EndpointRecord, SandboxRecord};
use pontoon_types::{ContainerId, HostsLink};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// A link to another container, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The container that is linked to. It may be renamed.
    pub child: ContainerId,
    /// What it is called by whoever links.
    pub alias: String,
}

/// A link whose other end runs.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    pub alias: String,
    pub child: Other,
    pub ipv4: Option<IpAddr>,
    pub ipv6: Option<IpAddr>,
}

impl Linked {
    /// Its lines in `/etc/hosts`: alias, host name, and the name unless that is the alias.
    pub fn hosts(&self) -> HostsLink {
        hosts(&self.alias, &self.child.config.hostname, &self.child.name, self.ipv4, self.ipv6)
    }
}

fn hosts(alias: &str, hostname: &str, name: &str, ipv4: Option<IpAddr>, ipv6: Option<IpAddr>) -> HostsLink {
    let names = [Some(hostname), Some(name).filter(|name| *name != alias)].into_iter().flatten();
    HostsLink {
        alias: alias.to_owned(),
        names: names.map(ToOwned::to_owned).collect(),
        addresses: [ipv4, ipv6].into_iter().flatten().collect(),
    }
}

/// The two halves of `name[:alias]`.
fn halves(text: &str) -> Result<(&str, &str), Error> {
    if text.is_empty() {
        return Err(Error::EmptyLink);
    }
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        [name] => Ok((name, name)),
        // The stored form of old clients, `/child:/parent/alias`.
        [name, alias] if name.starts_with('/') && !alias.is_empty() => {
            Ok((&name[1..], alias.rsplit('/').next().unwrap_or(alias)))
        }
        [name, alias] if !name.is_empty() && !alias.is_empty() => Ok((name, alias)),
        _ => Err(Error::BadLink(text.to_owned())),
    }
}

/// Finds the containers that links name. One that shares another's namespace stands for that one.
pub(super) fn parse(links: &[String], others: &dyn Others) -> Result<Vec<Link>, Error> {
    links.iter().map(|text| find(text, others)).collect()
}

fn find(text: &str, others: &dyn Others) -> Result<Link, Error> {
    let (name, alias) = halves(text)?;
    let mut child = others.find(name).ok_or_else(|| Error::LinkUnknown(name.to_owned()))?;
    let mut followed = 0;
    while let NetworkMode::Container(donor) = &child.mode {
        // A circle of containers that share each other's cannot be started either.
        followed += 1;
        let next = others.find(donor).filter(|_| followed < 32);
        child = next.ok_or_else(|| Error::LinkUnknown(donor.clone()))?;
    }
    match child.mode {
        NetworkMode::Host => Err(Error::LinksWithMode("host")),
        _ => Ok(Link { child: child.id, alias: alias.to_owned() }),
    }
}

/// The other ends of a container's links when it starts. They must run, on the default bridge; those that have been
/// removed are linked to no longer.
pub(super) fn resolve(core: &Controller, container: &Container<'_>, others: &dyn Others) -> Result<Vec<Linked>, Error> {
    if container.mode() != NetworkMode::Bridge {
        return Ok(Vec::new());
    }
    let found = container.links.iter().filter_map(|link| Some((link, others.find(&link.child.to_string())?)));
    found.map(|(link, child)| linked(core, container, link, child)).collect()
}

fn linked(core: &Controller, container: &Container<'_>, link: &Link, child: Other) -> Result<Linked, Error> {
    if child.life != Life::Running {
        let (parent, alias) = (container.name.to_owned(), link.alias.clone());
        return Err(Error::LinkNotRunning { child: child.name, parent, alias });
    }
    if !child.on_bridge {
        return Err(Error::LinkElsewhere(child.name));
    }
    let record = core.sandbox(&child.id.to_string()).ok().map(|view| view.record);
    let (ipv4, ipv6) = match record.as_ref().and_then(on_bridge) {
        Some(endpoint) => addresses(endpoint),
        None => return Err(Error::LinkNotOnBridge(child.id.to_string())),
    };
    Ok(Linked { alias: link.alias.clone(), child, ipv4, ipv6 })
}

fn on_bridge(record: &Arc<SandboxRecord>) -> Option<&EndpointRecord> {
    record.endpoints.iter().find(|endpoint| endpoint.network_name == "bridge")
}

fn addresses(endpoint: &EndpointRecord) -> (Option<IpAddr>, Option<IpAddr>) {
    (endpoint.ipv4.map(|net| net.addr()), endpoint.ipv6.map(|net| net.addr()))
}

/// Tells the containers that link to one that has just started where it is now. One that cannot be told is told of in
/// the log: it has been started with a line that was true then.
pub(super) fn tell(core: &Controller, container: &Container<'_>, record: &Arc<SandboxRecord>, others: &dyn Others) {
    let Some(endpoint) = on_bridge(record) else { return };
    let (ipv4, ipv6) = addresses(endpoint);
    for (parent, alias) in others.linking_to(container.id) {
        let link = hosts(&alias, &container.config.hostname, container.name, ipv4, ipv6);
        match core.set_hosts_link(&parent.to_string(), link) {
            // It does not run.
            Ok(()) | Err(pontoon_cnm::Error::NoSandbox(_)) => {}
            Err(error) => {
                tracing::warn!(container = %parent.short(), %error, "a linked container has moved, and its hosts file says otherwise");
            }
        }
    }
}

/// Ends a link of a container, running or not; the definition loses it too. Unknown ones are no error here.
pub fn unlink(core: &Controller, parent: ContainerId, alias: &str) -> Result<(), Error> {
    let gone = HostsLink { alias: alias.to_owned(), names: Vec::new(), addresses: Vec::new() };
    match core.set_hosts_link(&parent.to_string(), gone) {
        Err(pontoon_cnm::Error::NoSandbox(_)) => Ok(()),
        other => Ok(other?),
    }
}

/// `HostConfig.Links` as inspect shows it; links to containers that have been removed are not shown.
pub fn shown_links(container: &Container<'_>, others: &dyn Others) -> Vec<String> {
    let shown = |link: &Link| {
        let child = others.find(&link.child.to_string())?;
        Some(format!("/{}:/{}/{}", child.name, container.name, link.alias))
    };
    container.links.iter().filter_map(shown).collect()
}
