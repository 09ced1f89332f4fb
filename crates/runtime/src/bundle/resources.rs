//! Limits in OCI's words. What the host's control groups cannot do is left out; whoever made the plan has warned.

use super::unsound;
use crate::{BlkioDevice, Cgroups, Error, Resources, Result};
use oci_spec::runtime::{
    LinuxBlockIo, LinuxBlockIoBuilder, LinuxCpu, LinuxCpuBuilder, LinuxMemory, LinuxMemoryBuilder, LinuxPidsBuilder,
    LinuxResources, LinuxThrottleDevice, LinuxThrottleDeviceBuilder,
};

/// The limits that `wanted` says and `cgroups` can do.
pub(crate) fn resources(wanted: &Resources, cgroups: &Cgroups) -> Result<LinuxResources> {
    let mut all = LinuxResources::default();
    all.set_devices(None);
    all.set_memory(memory(wanted, cgroups)?);
    all.set_cpu(cpu(wanted, cgroups)?);
    if let (true, Some(limit)) = (cgroups.pids, wanted.pids_limit) {
        let limit = if limit <= 0 { -1 } else { limit };
        all.set_pids(Some(LinuxPidsBuilder::default().limit(limit).build().map_err(unsound)?));
    }
    all.set_block_io(block_io(wanted, cgroups)?);
    Ok(all)
}

fn memory(wanted: &Resources, cgroups: &Cgroups) -> Result<Option<LinuxMemory>> {
    if !cgroups.memory {
        return Ok(None);
    }
    let mut memory = LinuxMemoryBuilder::default().build().map_err(unsound)?;
    memory.set_limit(wanted.memory);
    memory.set_reservation(wanted.memory_reservation);
    if cgroups.swap {
        memory.set_swap(wanted.memory_swap);
    }
    if cgroups.oom_kill_disable {
        memory.set_swappiness(wanted.memory_swappiness);
        memory.set_disable_oom_killer(wanted.oom_kill_disable.then_some(true));
    }
    let nothing = LinuxMemoryBuilder::default().build().map_err(unsound)?;
    Ok((memory != nothing).then_some(memory))
}

fn cpu(wanted: &Resources, cgroups: &Cgroups) -> Result<Option<LinuxCpu>> {
    let mut cpu = LinuxCpuBuilder::default().build().map_err(unsound)?;
    if cgroups.cpu_shares {
        cpu.set_shares(wanted.cpu_shares);
    }
    if cgroups.cpu_quota {
        cpu.set_period(wanted.cpu_period);
        cpu.set_quota(wanted.cpu_quota);
        cpu.set_realtime_period(wanted.cpu_realtime_period);
        cpu.set_realtime_runtime(wanted.cpu_realtime_runtime);
    }
    if cgroups.cpuset {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        cpu.set_cpus(given(&wanted.cpuset_cpus));
        cpu.set_mems(given(&wanted.cpuset_mems));
    }
    let nothing = LinuxCpuBuilder::default().build().map_err(unsound)?;
    Ok((cpu != nothing).then_some(cpu))
}

fn block_io(wanted: &Resources, cgroups: &Cgroups) -> Result<Option<LinuxBlockIo>> {
    let mut io = LinuxBlockIoBuilder::default().build().map_err(unsound)?;
    if cgroups.blkio_weight {
        io.set_weight(wanted.blkio_weight);
    }
    if cgroups.blkio_rate {
        io.set_throttle_read_bps_device(rates(&wanted.read_bps)?);
        io.set_throttle_write_bps_device(rates(&wanted.write_bps)?);
        io.set_throttle_read_iops_device(rates(&wanted.read_iops)?);
        io.set_throttle_write_iops_device(rates(&wanted.write_iops)?);
    }
    let nothing = LinuxBlockIoBuilder::default().build().map_err(unsound)?;
    Ok((io != nothing).then_some(io))
}

fn rates(devices: &[BlkioDevice]) -> Result<Option<Vec<LinuxThrottleDevice>>> {
    let rate = |device: &BlkioDevice| {
        let missing = |_| Error::Invalid(format!("no such device: {}", device.path.display()));
        let number = rustix::fs::stat(&device.path).map_err(missing)?.st_rdev;
        LinuxThrottleDeviceBuilder::default()
            .major(i64::from(rustix::fs::major(number)))
            .minor(i64::from(rustix::fs::minor(number)))
            .rate(device.rate)
            .build()
            .map_err(unsound)
    };
    let rates: Vec<_> = devices.iter().map(rate).collect::<Result<_>>()?;
    Ok((!rates.is_empty()).then_some(rates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_cannot_limit_is_left_out() -> Result<()> {
        let mut wanted = Resources { memory: Some(1 << 26), pids_limit: Some(0), ..Resources::default() };
        wanted.set_nano_cpus(1_500_000_000);
        let all = resources(&wanted, &Cgroups::V2)?;
        assert_eq!(all.memory().as_ref().and_then(|memory| memory.limit()), Some(1 << 26));
        assert_eq!(all.cpu().as_ref().and_then(|cpu| cpu.quota()), Some(150_000));
        assert_eq!(all.pids().as_ref().map(|pids| pids.limit()), Some(-1));
        let none = resources(&wanted, &Cgroups::NONE)?;
        assert!(none.memory().is_none() && none.cpu().is_none() && none.pids().is_none());
        Ok(())
    }
}
