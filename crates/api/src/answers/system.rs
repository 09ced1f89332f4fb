//! The daemon about itself: `/info` and `/version`. Only what is true.

use crate::api::Inner;
use crate::machine;
use crate::reply::{self, Reply};
use crate::{Failure, Identity, STORAGE_DRIVER};
use http::StatusCode;
use pontoon_api_types::{
    AddressPool, ApiVersion, Component, FirewallInfo, Platform, PluginsInfo, SystemInfo, SystemVersion, rfc3339,
};
use pontoon_runtime::CgroupVersion;
use std::path::Path;
use std::time::SystemTime;

/// The default one first.
const LOG_DRIVERS: [&str; 2] = ["json-file", "none"];

impl Inner {
    pub(crate) fn info(&self, version: ApiVersion) -> Result<Reply, Failure> {
        let identity = self.identity();
        let forwards = machine::forwards_ipv4();
        let mut warnings = identity.warnings.clone();
        if !forwards {
            warnings.push("WARNING: IPv4 forwarding is disabled".to_owned());
        }
        let pools: Vec<AddressPool> = self
            .engine
            .address_pools()
            .iter()
            .map(|pool| AddressPool { base: pool.base.to_string(), size: i64::from(pool.size) })
            .collect();
        let info = SystemInfo {
            id: self.engine.daemon_id()?,
            plugins: PluginsInfo {
                network: self.engine.driver_names(),
                volume: vec!["local".into()],
                log: LOG_DRIVERS.map(ToOwned::to_owned).into(),
                authorization: None,
            },
            ipv4_forwarding: forwards,
            debug: identity.debug,
            n_fd: machine::open_files(),
            n_goroutines: machine::threads(),
            system_time: rfc3339(SystemTime::now()),
            n_events_listener: self.listeners.count(),
            docker_root_dir: identity.data_root.to_string_lossy().into_owned(),
            labels: identity.labels.clone(),
            server_version: identity.version.clone(),
            live_restore_enabled: identity.live_restore,
            default_address_pools: Some(pools).filter(|pools| !pools.is_empty()),
            firewall_backend: Some(firewall(&identity)),
            warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
            ..self.container_info()
        };
        reply::json(StatusCode::OK, &info.for_version(version))
    }

    fn container_info(&self) -> SystemInfo {
        let (host, counts) = (self.containers.host(), self.containers.counts());
        let cgroups = host.cgroups;
        let (cgroup_driver, cgroup_version) = match cgroups.version {
            CgroupVersion::V1 => ("cgroupfs", "1"),
            CgroupVersion::V2 => ("cgroupfs", "2"),
            CgroupVersion::None => ("none", ""),
        };
        let path = |path: &Path| [("path".to_owned(), path.to_string_lossy().into_owned())].into();
        let mut security_options = vec!["name=cgroupns".to_owned()];
        if host.seccomp {
            security_options.insert(0, "name=seccomp,profile=builtin".to_owned());
        }
        SystemInfo {
            containers: counts.all,
            containers_running: counts.running,
            containers_paused: counts.paused,
            containers_stopped: counts.stopped,
            images: self.images().map_or(0, |images| i64::try_from(images.images().len()).unwrap_or(i64::MAX)),
            driver: STORAGE_DRIVER.into(),
            logging_driver: LOG_DRIVERS[0].into(),
            cgroup_driver: cgroup_driver.into(),
            cgroup_version: cgroup_version.into(),
            memory_limit: cgroups.memory,
            swap_limit: cgroups.swap,
            cpu_cfs_period: cgroups.cpu_quota,
            cpu_cfs_quota: cgroups.cpu_quota,
            cpu_shares: cgroups.cpu_shares,
            cpu_set: cgroups.cpuset,
            pids_limit: cgroups.pids,
            oom_kill_disable: cgroups.oom_kill_disable,
            default_runtime: host.runtimes.first().map(|(name, _)| name.clone()).unwrap_or_default(),
            runtimes: host.runtimes.iter().map(|(name, program)| (name.clone(), path(program))).collect(),
            init_binary: host.init,
            security_options,
            ..self.machine_info()
        }
    }

    fn machine_info(&self) -> SystemInfo {
        SystemInfo {
            name: machine::hostname(),
            kernel_version: self.machine.kernel.clone(),
            operating_system: self.machine.operating_system.clone(),
            os_version: self.machine.os_version.clone(),
            os_type: "linux".into(),
            architecture: machine::architecture().into(),
            ncpu: self.machine.cpus,
            mem_total: self.machine.memory,
            ..SystemInfo::default()
        }
    }

    pub(crate) fn version(&self) -> Result<Reply, Failure> {
        let identity = self.identity();
        let details = [
            ("ApiVersion", ApiVersion::MAX.to_string()),
            ("MinAPIVersion", identity.min_api.to_string()),
            ("Os", "linux".into()),
            ("Arch", machine::go_arch().into()),
            ("GitCommit", identity.git_commit.clone()),
            ("BuildTime", identity.build_time.clone()),
            ("KernelVersion", self.machine.kernel.clone()),
            ("Experimental", "false".into()),
        ];
        let engine = Component {
            name: "Engine".into(),
            version: identity.version.clone(),
            details: Some(details.map(|(key, value)| (key.to_owned(), value)).into()),
        };
        let version = SystemVersion {
            platform: Platform { name: "Pontoon".into() },
            version: identity.version.clone(),
            api_version: ApiVersion::MAX.to_string(),
            min_api_version: identity.min_api.to_string(),
            os: "linux".into(),
            arch: machine::go_arch().into(),
            components: vec![engine],
            git_commit: identity.git_commit.clone(),
            kernel_version: self.machine.kernel.clone(),
            build_time: identity.build_time.clone(),
            ..SystemVersion::default()
        };
        reply::json(StatusCode::OK, &version)
    }
}

fn firewall(identity: &Identity) -> FirewallInfo {
    let pair = |key: &str, value: &str| [key.to_owned(), value.to_owned()];
    let info = if identity.forwarder { vec![pair("EnableUserlandProxy", "true")] } else { Vec::new() };
    FirewallInfo { driver: "nftables".into(), info }
}
