//! `/etc/resolv.conf`.
//!
//! Owns: reading the host's file, what users put in its place, and what becomes of it in a sandbox (dns.md 7). Must
//! never trust the file: it may hold anything.

use crate::error::word;
use crate::{Error, ExternalServer, Nameserver};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the host's file is.
pub const DEFAULT_PATH: &str = "/etc/resolv.conf";
/// Where systemd-resolved keeps the servers it really asks.
pub const RESOLVED_PATH: &str = "/run/systemd/resolve/resolv.conf";

const RESOLVED_STUB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
const LONGEST_LINE: usize = 64 * 1024;
const FALLBACK_V4: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)), IpAddr::V4(Ipv4Addr::new(8, 8, 4, 4))];
const FALLBACK_V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8844)),
];

/// What stands in place of the file's lists; an empty list leaves the file's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Name servers.
    pub nameservers: Vec<IpAddr>,
    /// Search domains; `.` alone means none.
    pub search: Vec<String>,
    /// Options.
    pub options: Vec<String>,
}

/// Where the `ndots` option came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NdotsSource {
    /// The host's file.
    Host,
    /// The user's options.
    Override,
    /// The sandbox's resolver needs one.
    Internal,
}

/// How a sandbox resolves names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// As the host does: nothing is changed.
    Host,
    /// Without a resolver of ours: loopback servers, and IPv6 ones where there is no IPv6, are of no use.
    Legacy {
        /// The network has IPv6.
        ipv6: bool,
    },
    /// Through our resolver at this address, which asks the external servers.
    Internal {
        /// Normally 127.0.0.11.
        resolver: IpAddr,
    },
}

/// A resolv.conf as a value, with what its comments tell of its origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    pub(crate) path: String,
    pub(crate) nameservers: Vec<Nameserver>,
    pub(crate) invalid: Vec<String>,
    pub(crate) search: Vec<String>,
    pub(crate) options: Vec<String>,
    /// Directives we do not know, as they stood.
    pub(crate) other: Vec<String>,
    pub(crate) overridden: Overridden,
    pub(crate) ndots: Option<NdotsSource>,
    pub(crate) resolution: Option<Resolution>,
    pub(crate) external: Vec<ExternalServer>,
    pub(crate) warnings: Vec<&'static str>,
}

/// Which lists the user gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overridden {
    pub(crate) nameservers: bool,
    pub(crate) search: bool,
    pub(crate) options: bool,
}

/// The file to read for sandboxes without a resolver of ours: the daemon's own setting, or systemd-resolved's list if
/// `content` of [`DEFAULT_PATH`] names its stub and no other server, or else [`DEFAULT_PATH`].
pub fn source_path<'a>(setting: Option<&'a str>, content: &[u8]) -> &'a str {
    let only_stub = || {
        let parsed = ResolvConf::parse(content, DEFAULT_PATH).unwrap_or_default();
        matches!(parsed.nameservers.as_slice(), [only] if only.address == RESOLVED_STUB)
    };
    match setting {
        Some(path) if !path.is_empty() => path,
        _ if only_stub() => RESOLVED_PATH,
        _ => DEFAULT_PATH,
    }
}

impl ResolvConf {
    /// Reads the content of a resolv.conf; a file that is missing is empty. `path` goes into the comments. Bytes that
    /// are not UTF-8 are replaced. Fails only for a line of more than 64 KiB.
    pub fn parse(content: &[u8], path: &str) -> Result<Self, Error> {
        let mut conf = Self { path: path.to_owned(), ..Self::default() };
        for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
            if line.len() > LONGEST_LINE {
                return Err(Error::LineTooLong { path: path.to_owned(), line: index + 1 });
            }
            conf.read_line(&String::from_utf8_lossy(line));
        }
        if conf.option("ndots").is_some() {
            conf.ndots = Some(NdotsSource::Host);
        }
        Ok(conf)
    }

    /// Puts the user's lists in place of the file's. Fails, unchanged, for a domain or option that is not one word.
    pub fn with_overrides(mut self, overrides: &Overrides) -> Result<Self, Error> {
        let words = |what, list: &[String]| {
            list.iter().map(|entry| word(what, entry).map(str::to_owned)).collect::<Result<Vec<_>, _>>()
        };
        if !overrides.search.is_empty() {
            self.search = words("DNS search domain", &overrides.search)?;
            self.search.retain(|domain| domain != ".");
            self.overridden.search = true;
        }
        if !overrides.options.is_empty() {
            self.options = words("DNS option", &overrides.options)?;
            self.ndots = self.option("ndots").map(|_| NdotsSource::Override);
            self.overridden.options = true;
        }
        if !overrides.nameservers.is_empty() {
            self.nameservers = overrides.nameservers.iter().copied().map(Nameserver::from).collect();
            self.overridden.nameservers = true;
        }
        Ok(self)
    }

    /// The file of a sandbox that resolves names in this way.
    pub fn resolved_by(mut self, resolution: Resolution) -> Self {
        match resolution {
            Resolution::Host => {}
            Resolution::Legacy { ipv6 } => self.drop_unreachable(ipv6),
            Resolution::Internal { resolver } => self.put_resolver(resolver),
        }
        self.resolution = Some(resolution);
        self
    }

    /// The servers in the file.
    pub fn nameservers(&self) -> &[Nameserver] {
        &self.nameservers
    }

    /// The servers that our resolver asks, in order; empty unless [`Resolution::Internal`]. The resolver's own address
    /// is left out where it would be asking itself.
    pub fn external_servers(&self) -> Vec<ExternalServer> {
        let itself = |external: &&ExternalServer| {
            let listed = self.nameservers.iter().any(|server| server.address == external.server.address);
            !external.from_host && listed
        };
        self.external.iter().filter(|external| !itself(external)).cloned().collect()
    }

    /// Search domains in the file.
    pub fn search(&self) -> &[String] {
        &self.search
    }

    /// Options in the file.
    pub fn options(&self) -> &[String] {
        &self.options
    }

    /// Where `ndots` came from, if there is one. Unless it is ours, names of one label are not for upstream servers.
    pub fn ndots_source(&self) -> Option<NdotsSource> {
        self.ndots
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let Some(first) = words.next().filter(|first| !first.starts_with(['#', ';'])) else { return };
        let rest: Vec<&str> = words.collect();
        match (first, rest.as_slice()) {
            ("nameserver" | "search" | "domain" | "options", []) => {}
            ("nameserver", [address, ..]) => match address.parse() {
                Ok(server) => self.nameservers.push(server),
                Err(()) => self.invalid.push((*address).to_owned()),
            },
            // The last one counts; `domain` is its older name.
            ("search" | "domain", domains) => self.search = domains.iter().map(|&domain| domain.to_owned()).collect(),
            ("options", options) => self.options.extend(options.iter().map(|&option| option.to_owned())),
            _ => self.other.push(line.trim_end_matches('\r').to_owned()),
        }
    }

    /// The value of an option, empty if it has none; the last one counts.
    fn option(&self, name: &str) -> Option<&str> {
        let split = |option: &'_ String| -> (usize, bool) {
            let end = option.find(':').unwrap_or(option.len());
            (end, &option[..end] == name)
        };
        self.options.iter().rev().find_map(|option| match split(option) {
            (end, true) => Some(option.get(end + 1..).unwrap_or_default()),
            _ => None,
        })
    }

    fn drop_unreachable(&mut self, ipv6: bool) {
        if self.overridden.nameservers {
            return;
        }
        self.nameservers.retain(|server| !server.address.is_loopback() && (server.address.is_ipv4() || ipv6));
        if self.nameservers.is_empty() {
            let v6 = FALLBACK_V6.into_iter().filter(|_| ipv6);
            self.nameservers = FALLBACK_V4.into_iter().chain(v6).map(Nameserver::from).collect();
            self.warnings.push("Used default nameservers.");
        }
    }

    fn put_resolver(&mut self, resolver: IpAddr) {
        let from_host = !self.overridden.nameservers;
        let servers = std::mem::replace(&mut self.nameservers, vec![resolver.into()]);
        self.external = servers.into_iter().map(|server| ExternalServer { server, from_host }).collect();
        if self.external.is_empty() {
            self.warnings.push("NO EXTERNAL NAMESERVERS DEFINED");
        }
        // libc must ask us first for names with dots; an own setting of the user is left, if it can be read.
        self.options.retain(|option| !is_unreadable_ndots(option));
        if self.option("ndots").is_none() {
            self.options.push("ndots:0".to_owned());
            self.ndots = Some(NdotsSource::Internal);
        }
    }
}

fn is_unreadable_ndots(option: &str) -> bool {
    match option.split_once(':') {
        Some(("ndots", value)) => !value.parse::<i64>().is_ok_and(|value| value >= 0),
        _ => option == "ndots",
    }
}

#[cfg(test)]
mod tests;
