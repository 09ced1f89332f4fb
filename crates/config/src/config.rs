//! The checked settings.
//!
//! Owns the reading of every setting that works and the rules that span several. Must never look at the host.

use crate::reader::Reader;
use crate::value::Value;
use crate::{ApiVersion, HostGateway, Listen, LogFormat, LogLevel, Mistake, Tls, address, names};
use pontoon_types::{AddressPool, Options, parse_go_bool};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything the daemon was told, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the API listens, at least once.
    pub listen: Vec<Listen>,
    /// TLS for the TCP sockets; `None` without.
    pub tls: Option<Tls>,
    /// TCP without TLS is allowed beyond loopback.
    pub insecure_tcp: bool,
    /// Group of the unix socket; `None` leaves it with root.
    pub group: Option<SocketGroup>,
    /// Oldest API version to serve.
    pub min_api_version: ApiVersion,
    /// The configuration file, whether it exists or not.
    pub config_file: PathBuf,
    /// Folder for what must survive a reboot.
    pub data_root: PathBuf,
    /// Folder for what dies with the kernel.
    pub exec_root: PathBuf,
    /// File for the process id; `None` for none.
    pub pidfile: Option<PathBuf>,
    /// `--debug`; see [`Config::effective_log_level`].
    pub debug: bool,
    /// Level as set, whatever `debug` says.
    pub log_level: LogLevel,
    /// Form of log lines.
    pub log_format: LogFormat,
    /// Where Prometheus metrics are served; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// Labels of the daemon, `key=value`, in order.
    pub labels: Vec<String>,
    /// Features switched on or off.
    pub features: BTreeMap<String, bool>,
    /// As set; sandboxes outlive the daemon whatever it says.
    pub live_restore: bool,
    /// How long requests may take to finish at the end; `None` waits for ever.
    pub shutdown_timeout: Option<Duration>,
    /// Pools to cut subnets from; empty means the built-in list.
    pub address_pools: Vec<AddressPool>,
    /// Options for new networks, by driver.
    pub default_network_opts: BTreeMap<String, Options>,
    /// DNS servers for sandboxes that name none.
    pub dns: Vec<IpAddr>,
    /// resolv.conf options for sandboxes that name none.
    pub dns_options: Vec<String>,
    /// Search domains for sandboxes that name none; `.` alone means no search.
    pub dns_search: Vec<String>,
    /// What `host-gateway` means.
    pub host_gateway: HostGateway,
    /// The in-process forwarder carries what the kernel cannot translate.
    pub userland_proxy: bool,
    /// Forwarding sysctls are checked, and trouble is told.
    pub ip_forward: bool,
    /// Registries, by host or network, that may be asked without TLS.
    pub insecure_registries: Vec<String>,
    /// Names of the reloadable settings that were given at all.
    pub(crate) given: Vec<&'static str>,
}

/// The group that may use the unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketGroup {
    /// Name or number.
    pub name: String,
    /// Whether it is an error when the host has no such group. As in dockerd, `docker` may be missing.
    pub required: bool,
}

impl Config {
    /// The level to log at: `debug` lifts it.
    pub fn effective_log_level(&self) -> LogLevel {
        if self.debug { self.log_level.max(LogLevel::Debug) } else { self.log_level }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let tls = tls(reader);
        let config = Self {
            listen: listen(reader, tls.is_some()),
            tls,
            insecure_tcp: reader.bool("insecure-tcp"),
            group: reader.text("group", |name| Ok(group(name))),
            min_api_version: reader.text("min-api-version", ApiVersion::parse),
            config_file: reader.path("config-file"),
            data_root: reader.text("data-root", absolute),
            exec_root: reader.text("exec-root", absolute),
            pidfile: Some(reader.path("pidfile")).filter(|path| !path.as_os_str().is_empty()),
            debug: reader.bool("debug"),
            log_level: reader.text("log-level", LogLevel::parse),
            log_format: reader.text("log-format", LogFormat::parse),
            metrics: reader.text("metrics-addr", address::metrics),
            labels: labels(reader),
            features: features(reader),
            live_restore: reader.bool("live-restore"),
            shutdown_timeout: u64::try_from(reader.int("shutdown-timeout")).ok().map(Duration::from_secs),
            address_pools: pools(reader),
            default_network_opts: network_options(reader),
            dns: reader.list("dns", address::ip),
            dns_options: reader.list("dns-opts", names::resolver_option),
            dns_search: reader.list("dns-search", names::search_domain),
            host_gateway: host_gateway(reader),
            userland_proxy: reader.bool("userland-proxy"),
            ip_forward: reader.bool("ip-forward"),
            insecure_registries: reader.list("insecure-registries", names::registry),
            given: reader.given.iter().map(|(name, ..)| name).collect(),
        };
        config.check_together(&mut reader.mistakes);
        config
    }

    fn check_together(&self, mistakes: &mut Vec<Mistake>) {
        if self.tls.is_some() || self.insecure_tcp {
            return;
        }
        for listen in self.listen.iter().filter(|listen| !listen.is_local()) {
            mistakes.push(Mistake::Together(format!(
                "{listen} would offer root on this host to everybody who reaches it: \
                 use --tlsverify or a loopback address, or insist with --insecure-tcp"
            )));
        }
    }

    /// What a careful operator wants to know about settings that are allowed.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let open = self.tls.as_ref().is_none_or(|tls| tls.clients.is_none());
        let tcp = self.listen.iter().filter(|listen| matches!(listen, Listen::Tcp(_)));
        let warning = |listen: &Listen| {
            format!("{listen} accepts clients without a certificate: whoever connects is root on this host")
        };
        tcp.filter(|_| open).map(warning).collect()
    }
}

fn listen(reader: &mut Reader<'_>, tls: bool) -> Vec<Listen> {
    let mut all: Vec<Listen> = Vec::new();
    for listen in reader.list("hosts", |text| Listen::parse(text, tls)) {
        if !all.contains(&listen) {
            all.push(listen);
        }
    }
    if !all.is_empty() {
        return all;
    }
    // As dockerd: with TLS and no host, tcp://localhost:2376.
    let default = if tls { Listen::parse("tcp://", true).ok() } else { None };
    vec![default.unwrap_or_else(|| Listen::Unix(Listen::DEFAULT.into()))]
}

fn tls(reader: &mut Reader<'_>) -> Option<Tls> {
    let verify = reader.bool("tlsverify");
    // dockerd turns TLS on when --tlsverify is given at all, even as false.
    let on = reader.bool("tls") || reader.given.get("tlsverify").is_some();
    on.then(|| Tls {
        certificate: reader.path("tlscert"),
        key: reader.path("tlskey"),
        clients: verify.then(|| reader.path("tlscacert")),
    })
}

fn group(name: &str) -> Option<SocketGroup> {
    (!name.is_empty()).then(|| SocketGroup { name: name.to_owned(), required: name != "docker" })
}

fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err(format!("{text:?} must be an absolute path")) }
}

fn labels(reader: &mut Reader<'_>) -> Vec<String> {
    let labels = reader.list("labels", names::label);
    let shown = labels.join(",");
    names::without_conflicts(labels).unwrap_or_else(|reason| {
        reader.blame("labels", &shown, reason);
        Vec::new()
    })
}

fn features(reader: &mut Reader<'_>) -> BTreeMap<String, bool> {
    let Value::Map(map) = reader.compound("features") else { return BTreeMap::new() };
    let mut features = BTreeMap::new();
    for (name, value) in map {
        // `--feature x` alone switches x on.
        match if value.is_empty() { Some(true) } else { parse_go_bool(&value) } {
            Some(on) => drop(features.insert(name, on)),
            None => {
                let reason = format!("invalid boolean value {value:?} for feature {name:?}");
                reader.blame("features", &format!("{name}={value}"), reason);
            }
        }
    }
    features
}

fn pools(reader: &mut Reader<'_>) -> Vec<AddressPool> {
    let Value::Pools(given) = reader.compound("default-address-pools") else { return Vec::new() };
    let mut pools = Vec::with_capacity(given.len());
    for (pool, (base, size)) in address::pools(&given).into_iter().zip(&given) {
        match pool {
            Ok(pool) => pools.push(pool),
            Err(reason) => reader.blame("default-address-pools", &format!("base={base},size={size}"), reason),
        }
    }
    pools
}

fn network_options(reader: &Reader<'_>) -> BTreeMap<String, Options> {
    if let Value::Nested(map) = reader.compound("default-network-opts") { map } else { BTreeMap::new() }
}

fn host_gateway(reader: &mut Reader<'_>) -> HostGateway {
    let addresses = reader.list("host-gateway-ips", address::ip);
    HostGateway::new(&addresses).unwrap_or_else(|reason| {
        let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        reader.blame("host-gateway-ips", &shown.join(","), reason);
        HostGateway::default()
    })
}
