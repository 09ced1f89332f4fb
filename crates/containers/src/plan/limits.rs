//! Limits in the runtime's words.

use crate::Result;
use crate::spec::{HostConfig, ThrottleDevice};
use pontoon_runtime::{BlkioDevice, DeviceRule, Resources};

/// Limits that settings ask for; 0 and absent are no limit, in an update no change.
pub(crate) fn resources(host: &HostConfig) -> Resources {
    let some = |number: i64| Some(number).filter(|number| *number != 0);
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    let mut resources = Resources {
        memory: some(host.memory),
        memory_swap: some(host.memory_swap),
        memory_reservation: some(host.memory_reservation),
        memory_swappiness: host.memory_swappiness.and_then(|value| u64::try_from(value).ok()),
        oom_kill_disable: host.oom_kill_disable.unwrap_or_default(),
        cpu_shares: positive(host.cpu_shares),
        cpu_period: positive(host.cpu_period),
        cpu_quota: some(host.cpu_quota),
        cpu_realtime_period: positive(host.cpu_realtime_period),
        cpu_realtime_runtime: some(host.cpu_realtime_runtime),
        cpuset_cpus: host.cpuset_cpus.clone(),
        cpuset_mems: host.cpuset_mems.clone(),
        pids_limit: host.pids_limit,
        blkio_weight: Some(host.blkio_weight).filter(|weight| *weight != 0),
        read_bps: rates(&host.blkio_device_read_bps),
        write_bps: rates(&host.blkio_device_write_bps),
        read_iops: rates(&host.blkio_device_read_iops),
        write_iops: rates(&host.blkio_device_write_iops),
    };
    if host.nano_cpus > 0 {
        resources.set_nano_cpus(host.nano_cpus);
    }
    resources
}

fn rates(list: &Option<Vec<ThrottleDevice>>) -> Vec<BlkioDevice> {
    let device = |limit: &ThrottleDevice| BlkioDevice { path: limit.path.clone().into(), rate: limit.rate };
    list.iter().flatten().map(device).collect()
}

pub(super) fn device_rules(host: &HostConfig) -> Result<Vec<DeviceRule>> {
    let rules = host.device_cgroup_rules.iter().flatten().map(|text| text.parse::<DeviceRule>());
    Ok(rules.collect::<std::result::Result<_, _>>()?)
}
