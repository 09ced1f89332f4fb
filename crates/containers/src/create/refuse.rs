//! Fields that Pontoon knows and does not support: refused by name, never ignored.

use crate::spec::{Config, HostConfig};
use crate::{Error, Result};

/// Refuses the first field that cannot be had.
pub(super) fn unsupported(config: &Config, host: &HostConfig) -> Result<()> {
    let said =
        |map: &Option<std::collections::BTreeMap<String, String>>| map.as_ref().is_some_and(|map| !map.is_empty());
    let fields = [
        ("HostConfig.Isolation", !matches!(host.isolation.as_str(), "" | "default")),
        ("HostConfig.Cgroup", !host.cgroup.is_empty()),
        ("HostConfig.StorageOpt", said(&host.storage_opt)),
        ("HostConfig.DeviceRequests (GPUs)", host.device_requests.as_ref().is_some_and(|list| !list.is_empty())),
        ("HostConfig.UsernsMode", !matches!(host.userns_mode.as_str(), "" | "host")),
        ("HostConfig.BlkioWeightDevice", host.blkio_weight_device.as_ref().is_some_and(|list| !list.is_empty())),
        ("HostConfig.CpuCount (Windows)", host.cpu_count != 0),
        ("HostConfig.CpuPercent (Windows)", host.cpu_percent != 0),
        ("HostConfig.IOMaximumIOps (Windows)", host.io_maximum_iops != 0),
        ("HostConfig.IOMaximumBandwidth (Windows)", host.io_maximum_bandwidth != 0),
        ("HostConfig.KernelMemoryTCP", host.kernel_memory_tcp != 0),
        ("Config.ArgsEscaped (Windows)", config.args_escaped),
    ];
    if let Some((what, _)) = fields.into_iter().find(|(_, said)| *said) {
        return Err(Error::NotSupported { what: what.into() });
    }
    if !matches!(host.volume_driver.as_str(), "" | "local") {
        return Err(crate::volumes::no_driver(&host.volume_driver));
    }
    crate::plan::check_security(host)?;
    log_driver(host)
}

/// Output is kept in a file, or not at all.
fn log_driver(host: &HostConfig) -> Result<()> {
    let driver = host.log_config.driver.as_str();
    if !matches!(driver, "" | "json-file" | "local" | "none") {
        return Err(Error::NotSupported { what: format!("the log driver {driver} (HostConfig.LogConfig.Type)") });
    }
    for (option, value) in host.log_config.config.iter().flatten() {
        let known = driver != "none" && matches!(option.as_str(), "max-size" | "max-file" | "mode");
        if !known {
            let driver = if driver.is_empty() { "json-file" } else { driver };
            return Err(Error::Invalid(format!("unknown log opt '{option}' for {driver} log driver")));
        }
        if option == "mode" && value != "blocking" {
            return Err(Error::NotSupported {
                what: format!("the log mode {value} (HostConfig.LogConfig.Config.mode)"),
            });
        }
    }
    crate::plan::log_limits(&host.log_config).map(|_| ())
}
