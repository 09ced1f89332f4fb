//! A container meets the core: its sandbox is made and joined before its process is, and goes when it ends
//! (containers-networking.md sections 1 and 7).

use super::links::{self, Linked};
use super::view::kept;
use super::{Container, Endpoints, Error, NetworkMode, Networks, Others, link_env, ports, share};
use pontoon_cnm::{Controller, Counters};
use pontoon_types::{ContainerId, EndpointSpec, ExtraHost, LinkName, NamespaceSource, SandboxId, SandboxSpec};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Which network namespace a container's process gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// The host's.
    Host,
    /// A new one that nobody else knows of.
    New,
    /// The one found here.
    At(PathBuf),
}

/// Files that are mounted over those of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `/etc/hosts`.
    pub hosts: PathBuf,
    /// `/etc/hostname`.
    pub hostname: PathBuf,
    /// `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
}

/// What networking gives to a container that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its files; none for a container without network.
    pub files: Option<Files>,
    /// Its host name.
    pub hostname: String,
    /// Its domain name.
    pub domainname: String,
    /// Variables of its links, for its environment.
    pub environment: Vec<String>,
    /// Whose sandbox it uses, when that is another container's.
    pub shares: Option<ContainerId>,
    /// What is to be kept of its endpoints from now on.
    pub endpoints: Endpoints,
}

/// Sets up the networking of a container that starts; with `link_variables`, its links have variables. On failure
/// nothing of it is left.
pub fn start(
    core: &Controller,
    container: &Container<'_>,
    others: &dyn Others,
    link_variables: bool,
) -> Result<Joined, Error> {
    let Container { config, endpoints, .. } = container;
    // What a run that ended without our notice may have left.
    stop(core, container.id)?;
    let mode = container.mode();
    if let NetworkMode::Container(donor) = &mode {
        return share::join(core, container, donor, others);
    }
    let mut joined = Joined {
        namespace: Namespace::New,
        files: None,
        hostname: config.hostname.clone(),
        domainname: config.domainname.clone(),
        environment: Vec::new(),
        shares: None,
        endpoints: (*endpoints).clone(),
    };
    if config.network_disabled {
        return Ok(joined);
    }
    let links = links::resolve(core, container, others)?;
    let made = spec(container, &mode, &links, core).and_then(|spec| Ok(core.create_sandbox(spec)?));
    let view = core.sandbox(&made.map_err(Error::at_start)?.to_string())?;
    joined.namespace = view.record.netns_path.clone().map_or(Namespace::Host, Namespace::At);
    joined.endpoints = kept(endpoints, &view.record);
    joined.files = Some(view.files.into());
    if link_variables {
        joined.environment = links.iter().flat_map(|link| link_env::variables(container.name, link)).collect();
    }
    links::tell(core, container, &view.record, others);
    Ok(joined)
}

/// Takes the networking of a container away that ended; what has gone already is no error.
pub fn stop(core: &Controller, id: ContainerId) -> Result<(), Error> {
    match core.remove_sandbox(&SandboxId::from(id).to_string()) {
        Err(pontoon_cnm::Error::NoSandbox(_)) => Ok(()),
        other => Ok(other?),
    }
}

/// Calls a container by another name where it is known by its name; one that does not run is known nowhere.
pub fn rename(core: &Controller, id: ContainerId, name: &str) -> Result<(), Error> {
    match core.rename_sandbox(&SandboxId::from(id).to_string(), name) {
        Err(pontoon_cnm::Error::NoSandbox(_)) => Ok(()),
        other => Ok(other?),
    }
}

/// What went through the links of a running container, by their names inside. `sandbox` is its own, or the one that it
/// shares ([`Joined::shares`]). `None` in the host's namespace, and where there is no network.
pub fn counters(core: &Controller, sandbox: ContainerId) -> Result<Option<BTreeMap<LinkName, Counters>>, Error> {
    match core.counters(&SandboxId::from(sandbox).to_string()) {
        Err(pontoon_cnm::Error::NoSandbox(_)) => Ok(None),
        other => Ok(other?),
    }
}

impl From<pontoon_cnm::FilePaths> for Files {
    fn from(paths: pontoon_cnm::FilePaths) -> Self {
        Self { hosts: paths.hosts, hostname: paths.hostname, resolv_conf: paths.resolv_conf }
    }
}

/// The sandbox that a container asks for.
fn spec(
    container: &Container<'_>,
    mode: &NetworkMode,
    links: &[Linked],
    networks: &dyn Networks,
) -> Result<SandboxSpec, Error> {
    let Container { config, host, .. } = container;
    let in_host = *mode == NetworkMode::Host;
    Ok(SandboxSpec {
        id: Some(container.id.into()),
        name: container.name.to_owned(),
        namespace: if in_host { NamespaceSource::Host } else { NamespaceSource::New },
        keeper: None,
        networks: endpoints(container, mode, networks)?,
        ports: if in_host { Vec::new() } else { ports::bindings(config, host)? },
        hostname: config.hostname.clone(),
        domainname: config.domainname.clone(),
        extra_hosts: extra_hosts(container),
        hosts_links: links.iter().map(Linked::hosts).collect(),
        dns: servers(container)?,
        dns_search: host.dns_search.clone().unwrap_or_default(),
        dns_options: host.dns_options.clone().unwrap_or_default(),
        sysctls: if in_host { BTreeMap::new() } else { sysctls(host.sysctls.as_ref()) },
        labels: BTreeMap::new(),
    })
}

/// The endpoints, the mode's own network first and the others by name, so that links are numbered the same each time.
fn endpoints(
    container: &Container<'_>,
    mode: &NetworkMode,
    networks: &dyn Networks,
) -> Result<Vec<(String, EndpointSpec)>, Error> {
    let mut found = Vec::new();
    for (key, endpoint) in container.endpoints {
        let record = networks.find(endpoint.term(key))?;
        let is_main = mode.network().is_some_and(|main| main == record.name || record.id.to_string().starts_with(main));
        found.push((!is_main, record.name.clone(), record.id, endpoint.spec(&record.name)?));
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(found.into_iter().map(|(_, _, id, spec)| (id.to_string(), spec)).collect())
}

/// They were checked when the container was made; what older versions stored and nobody understands is left out.
fn extra_hosts(container: &Container<'_>) -> Vec<ExtraHost> {
    let parse = |text: &String| match pontoon_etcfiles::parse_extra_host(text) {
        Ok(host) => Some(host),
        Err(error) => {
            tracing::warn!(container = %container.id.short(), %error, "an extra host is left out");
            None
        }
    };
    container.host.extra_hosts.iter().flatten().filter_map(parse).collect()
}

fn servers(container: &Container<'_>) -> Result<Vec<IpAddr>, Error> {
    let mut servers = Vec::new();
    for address in container.host.dns.iter().flatten() {
        servers.extend(address.get().map_err(crate::spec::SpecError::from)?);
    }
    Ok(servers)
}

/// Whether a kernel parameter is one of the network namespace, which is ours to set.
fn is_ours(key: &str) -> bool {
    key.starts_with("net.")
}

/// Kernel parameters of the namespace: programs may ping and bind any port unless the user says otherwise.
fn sysctls(asked: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let defaults = [("net.ipv4.ping_group_range", "0 2147483647"), ("net.ipv4.ip_unprivileged_port_start", "0")];
    let mut sysctls: BTreeMap<String, String> =
        defaults.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let own = asked.into_iter().flatten().filter(|(key, _)| is_ours(key));
    sysctls.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    sysctls
}

/// Kernel parameters that are left to the runtime: all but those that a sandbox of its own has set.
pub fn other_sysctls(container: &Container<'_>) -> BTreeMap<String, String> {
    let own = container.mode().is_private() && !container.config.network_disabled;
    let all = container.host.sysctls.clone().unwrap_or_default();
    all.into_iter().filter(|(key, _)| !own || !is_ours(key)).collect()
}
