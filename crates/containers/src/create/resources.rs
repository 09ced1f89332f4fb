//! Limits: which make sense, and which this host cannot carry out. Pure.

use crate::spec::HostConfig;
use crate::{Error, Result};
use pontoon_runtime::{CgroupVersion, Cgroups};

const LEAST_MEMORY: i64 = 6 << 20;

fn invalid<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(text.into()))
}

/// Checks limits in Docker's words. What the host cannot limit is taken out of the settings with a warning.
pub(crate) fn check(host: &mut HostConfig, cgroups: &Cgroups) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    memory(host, cgroups, &mut warnings)?;
    processes(host, cgroups, &mut warnings);
    processors(host, cgroups, &mut warnings)?;
    block_devices(host, cgroups, &mut warnings)?;
    ulimits(host)?;
    Ok(warnings)
}

fn memory(host: &mut HostConfig, cgroups: &Cgroups, warnings: &mut Vec<String>) -> Result<()> {
    if host.memory != 0 && host.memory < LEAST_MEMORY {
        return invalid("Minimum memory limit allowed is 6MB");
    }
    if host.memory > 0 && !cgroups.memory {
        warnings.push("Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.".into());
        (host.memory, host.memory_swap) = (0, -1);
    }
    if host.memory > 0 && host.memory_swap != -1 && !cgroups.swap {
        warnings.push("Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.".into());
        host.memory_swap = -1;
    }
    if host.memory > 0 && host.memory_swap > 0 && host.memory_swap < host.memory {
        return invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if host.memory == 0 && host.memory_swap > 0 {
        return invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
    }
    if let Some(swappiness) = host.memory_swappiness {
        if !(0..=100).contains(&swappiness) {
            return invalid(format!("Invalid value: {swappiness}, valid memory swappiness range is 0-100"));
        }
        if cgroups.version != CgroupVersion::V1 {
            warnings.push("Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.".into());
            host.memory_swappiness = None;
        }
    }
    if host.memory_reservation > 0 {
        if host.memory_reservation < LEAST_MEMORY {
            return invalid("Minimum memory reservation allowed is 6MB");
        }
        if host.memory > 0 && host.memory < host.memory_reservation {
            return invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
        }
        if !cgroups.memory {
            warnings.push("Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.".into());
            host.memory_reservation = 0;
        }
    }
    if host.kernel_memory != 0 {
        warnings.push("Specifying a kernel memory limit is deprecated and will be removed in a future release.".into());
        host.kernel_memory = 0;
    }
    if host.oom_kill_disable == Some(true) && !cgroups.oom_kill_disable {
        warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.".into());
        host.oom_kill_disable = None;
    }
    Ok(())
}

fn processes(host: &mut HostConfig, cgroups: &Cgroups, warnings: &mut Vec<String>) {
    if host.pids_limit.is_some_and(|limit| limit > 0) && !cgroups.pids {
        warnings.push(
            "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded."
                .into(),
        );
        host.pids_limit = None;
    }
}

fn processors(host: &mut HostConfig, cgroups: &Cgroups, warnings: &mut Vec<String>) -> Result<()> {
    if host.nano_cpus > 0 && (host.cpu_period > 0 || host.cpu_quota > 0) {
        let field = if host.cpu_period > 0 { "Period" } else { "Quota" };
        return invalid(format!("Conflicting options: Nano CPUs and CPU {field} cannot both be set"));
    }
    if host.nano_cpus != 0 {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        let wanted = host.nano_cpus as f64 / 1e9;
        if host.nano_cpus < 0 || wanted > most as f64 {
            return invalid(format!(
                "range of CPUs is from 0.01 to {most}.00, as there are only {most} CPUs available"
            ));
        }
    }
    if host.cpu_shares < 0 {
        return invalid(format!("invalid CPU shares ({}): value must be a positive integer", host.cpu_shares));
    }
    if host.cpu_period != 0 && !(1000..=1_000_000).contains(&host.cpu_period) {
        return invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    }
    if host.cpu_quota > 0 && host.cpu_quota < 1000 {
        return invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    }
    if (host.cpu_realtime_period != 0 || host.cpu_realtime_runtime != 0) && cgroups.version != CgroupVersion::V1 {
        return invalid("kernel does not support CPU real-time scheduler");
    }
    if host.cpu_shares > 0 && !cgroups.cpu_shares {
        warnings.push("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.".into());
        host.cpu_shares = 0;
    }
    if (host.cpu_period > 0 || host.cpu_quota > 0 || host.nano_cpus > 0) && !cgroups.cpu_quota {
        warnings.push(
            "Your kernel does not support CPU CFS scheduler or the cgroup is not mounted. Period and quota discarded."
                .into(),
        );
        (host.cpu_period, host.cpu_quota, host.nano_cpus) = (0, 0, 0);
    }
    for (field, text) in [("CPU set", &host.cpuset_cpus), ("memory node set", &host.cpuset_mems)] {
        let plain = text.bytes().all(|c| c.is_ascii_digit() || b",-".contains(&c));
        if !plain {
            return invalid(format!("Invalid value {text} for cpuset: not a {field}"));
        }
    }
    let chosen = !host.cpuset_cpus.is_empty() || !host.cpuset_mems.is_empty();
    if chosen && !cgroups.cpuset {
        warnings.push("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.".into());
        host.cpuset_cpus.clear();
        host.cpuset_mems.clear();
    }
    Ok(())
}

fn block_devices(host: &mut HostConfig, cgroups: &Cgroups, warnings: &mut Vec<String>) -> Result<()> {
    if host.blkio_weight != 0 && !(10..=1000).contains(&host.blkio_weight) {
        return invalid("Range of blkio weight is from 10 to 1000");
    }
    if host.blkio_weight > 0 && !cgroups.blkio_weight {
        warnings.push(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.".into(),
        );
        host.blkio_weight = 0;
    }
    let rates = [
        (&mut host.blkio_device_read_bps, "BPS Block I/O read limit"),
        (&mut host.blkio_device_write_bps, "BPS Block I/O write limit"),
        (&mut host.blkio_device_read_iops, "IOPS Block read limit"),
        (&mut host.blkio_device_write_iops, "IOPS Block I/O write limit"),
    ];
    for (list, what) in rates {
        if list.as_ref().is_some_and(|list| !list.is_empty()) && !cgroups.blkio_rate {
            warnings
                .push(format!("Your kernel does not support {what} or the cgroup is not mounted. {what} discarded."));
            *list = None;
        }
    }
    Ok(())
}

const ULIMITS: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn ulimits(host: &HostConfig) -> Result<()> {
    for limit in host.ulimits.iter().flatten() {
        if !ULIMITS.contains(&limit.name.as_str()) {
            return invalid(format!("invalid ulimit type: {}", limit.name));
        }
        if limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard) {
            let (soft, hard) = (limit.soft, limit.hard);
            return invalid(format!("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Ulimit;

    #[test]
    fn limits_that_make_no_sense_are_told_in_dockers_words() {
        let base = HostConfig::default;
        let ulimit = |name: &str, soft, hard| Some(vec![Ulimit { name: name.into(), soft, hard }]);
        for (mut host, error) in [
            (HostConfig { memory: 1 << 20, ..base() }, "Minimum memory limit allowed is 6MB"),
            (
                HostConfig { memory: 20 << 20, memory_swap: 10 << 20, ..base() },
                "Minimum memoryswap limit should be larger than memory limit, see usage",
            ),
            (
                HostConfig { memory_swap: 10 << 20, ..base() },
                "You should always set the Memory limit when using Memoryswap limit, see usage",
            ),
            (
                HostConfig { nano_cpus: 1_000_000, cpu_quota: 5000, ..base() },
                "Conflicting options: Nano CPUs and CPU Quota cannot both be set",
            ),
            (HostConfig { blkio_weight: 5, ..base() }, "Range of blkio weight is from 10 to 1000"),
            (HostConfig { ulimits: ulimit("nope", 1, 1), ..base() }, "invalid ulimit type: nope"),
            (
                HostConfig { ulimits: ulimit("nofile", 2, 1), ..base() },
                "ulimit soft limit must be less than or equal to hard limit: 2 > 1",
            ),
        ] {
            assert_eq!(check(&mut host, &Cgroups::V2).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn what_the_host_cannot_limit_is_discarded_with_a_warning() {
        let mut host = HostConfig {
            memory: 64 << 20,
            memory_swap: 128 << 20,
            nano_cpus: 10_000_000,
            cpu_shares: 5,
            pids_limit: Some(9),
            oom_kill_disable: Some(true),
            ..HostConfig::default()
        };
        let warnings = check(&mut host, &Cgroups::NONE).unwrap();
        assert_eq!(warnings.len(), 5, "{warnings:#?}");
        assert_eq!((host.memory, host.nano_cpus, host.cpu_shares, host.pids_limit), (0, 0, 0, None));
        assert!(check(&mut HostConfig::default(), &Cgroups::NONE).unwrap().is_empty());
    }
}
