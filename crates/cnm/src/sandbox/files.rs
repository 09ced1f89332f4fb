//! A sandbox's `hosts`, `hostname` and `resolv.conf`: written when it is made, kept up while it lives, never over a
//! user's own edit of `resolv.conf` (dns.md section 7, containers-networking.md section 5).
//!
//! Files are changed in place: they are bind-mounted where they are used.

use super::record::{EndpointRecord, SandboxRecord};
use crate::controller::Controller;
use crate::resolver::{Upstream, Upstreams};
use crate::{Error, Result};
use pontoon_etcfiles::{
    ExternalServer, Hosts, Nameserver, NdotsSource, Overrides, Record, Resolution, ResolvConf, digest, is_unmodified,
};
use pontoon_kernel::Netns;
use pontoon_types::{Family, HostsLink, Kind, LinkName, SandboxId};
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// Where the resolver answers in every sandbox.
pub(crate) const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// Where a sandbox's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePaths {
    /// `/etc/hosts`.
    pub hosts: PathBuf,
    /// `/etc/hostname`.
    pub hostname: PathBuf,
    /// `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
}

impl Controller {
    /// Where a sandbox's files are.
    pub(crate) fn file_paths(&self, id: SandboxId) -> FilePaths {
        let folder = self.file_folder(id);
        FilePaths {
            hosts: folder.join("hosts"),
            hostname: folder.join("hostname"),
            resolv_conf: folder.join("resolv.conf"),
        }
    }

    /// Where a sandbox's namespace is mounted.
    pub(crate) fn netns_path(&self, id: SandboxId) -> PathBuf {
        self.settings().exec_root.join("netns").join(id.short())
    }

    fn file_folder(&self, id: SandboxId) -> PathBuf {
        self.settings().exec_root.join("files").join(id.to_string())
    }

    /// Writes all three for a new sandbox, which has no endpoint yet.
    pub(crate) fn create_files(&self, record: &mut SandboxRecord) -> Result<()> {
        let (folder, paths) = (self.file_folder(record.id), self.file_paths(record.id));
        fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
        let hostname = pontoon_etcfiles::hostname(&record.hostname()).map_err(bad)?;
        write(&paths.hostname, hostname.as_bytes())?;
        let mut extra =
            pontoon_etcfiles::extra_records(&record.spec.extra_hosts, &self.host_gateways()).map_err(bad)?;
        extra.extend(pontoon_etcfiles::link_records(&record.spec.hosts_links).map_err(bad)?);
        let hosts = Hosts { ipv6: record.has_ipv6, extra: &extra, own: &[] };
        let text = match record.netns_path {
            Some(_) => hosts.text().into_bytes(),
            None => hosts.text_in_host(&read(Path::new("/etc/hosts"))?),
        };
        write(&paths.hosts, &text)?;
        self.refresh_resolv_conf(record)
    }

    /// Adds the lines of an endpoint that joined.
    pub(crate) fn add_hosts(&self, record: &SandboxRecord, endpoint: &EndpointRecord) -> Result<()> {
        self.change_hosts(record, endpoint, Hosts::append)
    }

    /// Removes the lines of an endpoint that left; whatever a user wrote stays.
    pub(crate) fn remove_hosts(&self, record: &SandboxRecord, endpoint: &EndpointRecord) -> Result<()> {
        self.change_hosts(record, endpoint, Hosts::remove)
    }

    fn change_hosts(
        &self,
        record: &SandboxRecord,
        endpoint: &EndpointRecord,
        change: fn(&[u8], &[Record]) -> Vec<u8>,
    ) -> Result<()> {
        let path = self.file_paths(record.id).hosts;
        let names = pontoon_etcfiles::own_names(&record.hostname(), &record.spec.domainname).map_err(bad)?;
        let addresses = Family::BOTH.into_iter().filter_map(|family| endpoint.address(family));
        let lines: Vec<Record> = addresses.map(|net| Record { address: net.addr(), names: names.clone() }).collect();
        if lines.is_empty() || !path.exists() {
            return Ok(());
        }
        write(&path, &change(&read(&path)?, &lines))
    }

    /// Replaces the lines of another sandbox that is linked to by its alias.
    fn write_link(&self, record: &SandboxRecord, link: &HostsLink) -> Result<()> {
        let path = self.file_paths(record.id).hosts;
        let text = pontoon_etcfiles::relink(&read(&path)?, link).map_err(bad)?;
        write(&path, &text)
    }

    /// Makes the lines of `link` in the hosts file of the sandbox meant by `term` what it says: the other sandbox has come
    /// back with other addresses, or is linked to no longer (no address).
    pub fn set_hosts_link(&self, term: &str, link: HostsLink) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(term)?;
        let mut live = sandbox.turn()?;
        let before = live.record.clone();
        live.record.spec.hosts_links.retain(|other| other.alias != link.alias);
        if !link.addresses.is_empty() {
            live.record.spec.hosts_links.push(link.clone());
        }
        let stored = self.run_state().put_sandbox(&live.record).map_err(Error::from);
        if let Err(error) = stored.and_then(|()| self.write_link(&live.record, &link)) {
            live.record = before;
            let undone = self.run_state().put_sandbox(&live.record).err().map(Error::from);
            return Err(error.with_undo(undone.into_iter().collect()));
        }
        sandbox.show(&live.record);
        Ok(())
    }

    /// Makes the sandbox's own lines those of its endpoints, after the daemon may have ended while it wrote them.
    pub(crate) fn settle_hosts(&self, record: &SandboxRecord) -> Result<()> {
        let path = self.file_paths(record.id).hosts;
        if record.netns_path.is_none() || !path.exists() {
            return Ok(());
        }
        let text = read(&path)?;
        let names = pontoon_etcfiles::own_names(&record.hostname(), &record.spec.domainname).map_err(bad)?;
        let wanted = record.endpoints.iter().flat_map(|e| [e.ipv4, e.ipv6]).flatten().map(|net| net.addr());
        let wanted: Vec<IpAddr> = wanted.collect();
        let there = own_addresses(&text, &names);
        let lines = |addresses: &[IpAddr], without: &[IpAddr]| -> Vec<Record> {
            let left = addresses.iter().filter(|address| !without.contains(address));
            left.map(|address| Record { address: *address, names: names.clone() }).collect()
        };
        let (strays, missing) = (lines(&there, &wanted), lines(&wanted, &there));
        if strays.is_empty() && missing.is_empty() {
            return Ok(());
        }
        write(&path, &Hosts::append(&Hosts::remove(&text, &strays), &missing))
    }

    /// Writes resolv.conf for the networks the sandbox is in now, unless a user has edited it.
    pub(crate) fn refresh_resolv_conf(&self, record: &mut SandboxRecord) -> Result<()> {
        let path = self.file_paths(record.id).resolv_conf;
        let current = read(&path)?;
        let text = self.resolv_conf(record)?.to_string().into_bytes();
        if text != current {
            if let Some(recorded) = &record.resolv_digest
                && !is_unmodified(&current, recorded)
            {
                return Ok(());
            }
            write(&path, &text)?;
        }
        record.resolv_digest = Some(digest(&text));
        Ok(())
    }

    /// What the sandbox's resolv.conf is to say.
    fn resolv_conf(&self, record: &SandboxRecord) -> Result<ResolvConf> {
        let settings = self.settings();
        let has_names = self.has_names(record);
        let own = read(&settings.resolv_conf)?;
        let in_host = record.netns_path.is_none();
        let source = match pontoon_etcfiles::source_path(None, &own) {
            pontoon_etcfiles::RESOLVED_PATH if !has_names && !in_host => &settings.resolved_conf,
            _ => &settings.resolv_conf,
        };
        let conf = ResolvConf::parse(&read(source)?, &source.display().to_string()).map_err(bad)?;
        let pick = |own: &[String], default: &[String]| if own.is_empty() { default.to_vec() } else { own.to_vec() };
        let overrides = Overrides {
            nameservers: if record.spec.dns.is_empty() { settings.dns.clone() } else { record.spec.dns.clone() },
            search: pick(&record.spec.dns_search, &settings.dns_search),
            options: pick(&record.spec.dns_options, &settings.dns_options),
        };
        let resolution = match (in_host, has_names) {
            (true, _) => Resolution::Host,
            (_, true) => Resolution::Internal { resolver: RESOLVER },
            _ => Resolution::Legacy { ipv6: record.endpoints.iter().any(|endpoint| endpoint.ipv6.is_some()) },
        };
        Ok(conf.with_overrides(&overrides).map_err(bad)?.resolved_by(resolution))
    }

    /// Where the sandbox's resolver forwards to: computed from the same sources as its resolv.conf.
    pub(crate) fn upstreams(&self, record: &SandboxRecord) -> Result<Upstreams> {
        let conf = self.resolv_conf(record)?;
        let servers = conf.external_servers().into_iter().filter(|server| server.server.address != RESOLVER);
        let servers = servers.filter_map(|server| self.upstream(record, server)).collect();
        let way_out =
            record.endpoints.iter().any(|e| !e.internal && (e.gateway_v4.is_some() || e.gateway_v6.is_some()));
        let ndots_set = matches!(conf.ndots_source(), Some(NdotsSource::Host | NdotsSource::Override));
        Ok(Upstreams { servers, forward_host: way_out, ndots_set })
    }

    /// A link-local server is one on a link that is there; without it there is none.
    fn upstream(&self, record: &SandboxRecord, external: ExternalServer) -> Option<Upstream> {
        let ExternalServer { server: Nameserver { address, zone }, from_host } = external;
        let link = match zone {
            None => 0,
            Some(zone) => {
                let ns = if from_host { Netns::Host } else { record.ns() };
                // A zone may be a number already.
                let named = || self.kernel().link(&ns, &LinkName::new(zone.as_str()).ok()?).ok()?;
                zone.parse().ok().or_else(|| Some(named()?.index.0))?
            }
        };
        Some(Upstream { address, from_host, link })
    }

    /// Whether the sandbox is in a network that serves names.
    pub(crate) fn has_names(&self, record: &SandboxRecord) -> bool {
        let serves = |endpoint: &EndpointRecord| {
            self.network_by_id(endpoint.network).is_some_and(|network| network.record.has_names())
        };
        record.endpoints.iter().any(serves)
    }

    pub(crate) fn remove_files(&self, id: SandboxId) -> Result<()> {
        let folder = self.file_folder(id);
        match fs::remove_dir_all(&folder) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(failed("remove", &folder)(cause)),
            _ => Ok(()),
        }
    }

    /// The host's name servers, which automatic subnets keep away from. A file that cannot be read names none.
    pub(crate) fn host_name_servers(&self) -> Vec<IpAddr> {
        let settings = self.settings();
        let own = read(&settings.resolv_conf).unwrap_or_default();
        let source = match pontoon_etcfiles::source_path(None, &own) {
            pontoon_etcfiles::RESOLVED_PATH => read(&settings.resolved_conf).unwrap_or_default(),
            _ => own,
        };
        let parsed = ResolvConf::parse(&source, "").unwrap_or_default();
        parsed.nameservers().iter().map(|server| server.address).collect()
    }

    /// Tells whether the host's resolv.conf may have changed: another value when it has.
    pub(crate) fn resolv_conf_stamp(&self) -> Vec<Option<(std::time::SystemTime, u64)>> {
        let settings = self.settings();
        let stamp = |path: &PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        vec![stamp(&settings.resolv_conf), stamp(&settings.resolved_conf)]
    }

    /// What `host-gateway` means: the configured addresses, else the default bridge's.
    fn host_gateways(&self) -> Vec<IpAddr> {
        let settings = self.settings();
        if !settings.host_gateway_ips.is_empty() {
            return settings.host_gateway_ips.clone();
        }
        let bridge = self.networks_in_memory().into_iter().find(|network| network.record.name == "bridge");
        bridge.iter().flat_map(|network| network.record.pools.iter().filter_map(|pool| pool.gateway)).collect()
    }
}

/// The addresses of the lines that have exactly these names.
fn own_addresses(text: &[u8], names: &str) -> Vec<IpAddr> {
    let text = String::from_utf8_lossy(text);
    let address = |line: &str| line.split_once('\t').filter(|(_, own)| *own == names)?.0.parse().ok();
    text.lines().filter_map(address).collect()
}

fn bad(error: pontoon_etcfiles::Error) -> Error {
    Error::driver(error.kind(), pontoon_types::chain(&error))
}

fn failed(act: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let act = format!("{act} {}", path.display());
    move |cause| Error::File { act, cause }
}

/// A missing file is empty.
fn read(path: &Path) -> Result<Vec<u8>> {
    match fs::read(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(failed("read", path)),
    }
}

/// In place: the same inode, so that bind mounts see it.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    let open = options.write(true).create(true).truncate(true).open(path);
    open.and_then(|mut file| file.write_all(content)).map_err(failed("write", path))
}
