//! What SIGHUP changes.
//!
//! Must never change a setting that dockerd does not reload; those that differ are named so that the daemon can say
//! that they wait for a restart.

use crate::Config;
use std::collections::BTreeMap;

/// What a reload comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadOutcome {
    /// The settings from now on.
    pub config: Config,
    /// Attributes for the event `daemon`/`reload`.
    pub attributes: BTreeMap<String, String>,
    /// Keys that changed and take effect only after a restart.
    pub waiting: Vec<&'static str>,
}

impl Config {
    /// Takes from `new`, the settings as read again, what may change while running: `debug`, `labels`,
    /// `live-restore`, `insecure-registries` and `shutdown-timeout` where they are given, `features` always.
    pub fn reload(&self, new: &Self) -> ReloadOutcome {
        let given = |name| new.given.contains(&name);
        let mut config = self.clone();
        if given("debug") {
            config.debug = new.debug;
        }
        if given("labels") {
            config.labels.clone_from(&new.labels);
        }
        if given("live-restore") {
            config.live_restore = new.live_restore;
        }
        if given("shutdown-timeout") {
            config.shutdown_timeout = new.shutdown_timeout;
        }
        if given("insecure-registries") {
            config.insecure_registries.clone_from(&new.insecure_registries);
        }
        config.features.clone_from(&new.features);
        let (attributes, waiting) = (attributes(&config), waiting(&config, new));
        ReloadOutcome { config, attributes, waiting }
    }
}

fn attributes(config: &Config) -> BTreeMap<String, String> {
    let features: Vec<String> = config.features.iter().map(|(name, on)| format!("{name}:{on}")).collect();
    let timeout = config.shutdown_timeout.map_or("-1".to_owned(), |timeout| timeout.as_secs().to_string());
    [
        ("debug", config.debug.to_string()),
        ("labels", serde_json::Value::from(config.labels.clone()).to_string()),
        ("features", format!("map[{}]", features.join(" "))),
        ("insecure-registries", serde_json::Value::from(config.insecure_registries.clone()).to_string()),
        ("live-restore", config.live_restore.to_string()),
        ("shutdown-timeout", timeout),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn waiting(now: &Config, new: &Config) -> Vec<&'static str> {
    let differs = [
        ("hosts", now.listen != new.listen),
        ("insecure-tcp", now.insecure_tcp != new.insecure_tcp),
        ("tls", now.tls != new.tls),
        ("group", now.group != new.group),
        ("min-api-version", now.min_api_version != new.min_api_version),
        ("data-root", now.data_root != new.data_root),
        ("exec-root", now.exec_root != new.exec_root),
        ("pidfile", now.pidfile != new.pidfile),
        ("log-level", now.log_level != new.log_level),
        ("log-format", now.log_format != new.log_format),
        ("metrics-addr", now.metrics != new.metrics),
        ("default-address-pools", now.address_pools != new.address_pools),
        ("default-network-opts", now.default_network_opts != new.default_network_opts),
        ("dns", now.dns != new.dns),
        ("dns-opts", now.dns_options != new.dns_options),
        ("dns-search", now.dns_search != new.dns_search),
        ("host-gateway-ips", now.host_gateway != new.host_gateway),
        ("userland-proxy", now.userland_proxy != new.userland_proxy),
        ("ip-forward", now.ip_forward != new.ip_forward),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
