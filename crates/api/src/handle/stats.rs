//! What a container uses, in the API's shape.

use super::{ContainerHandle, blocking};
use crate::Failure;
use pontoon_api_types::{
    BlkioEntry, BlkioStats, ContainerStats, CpuStats, CpuUsage, MemoryStats, NetworkStats, PidsStats, ThrottlingData,
    rfc3339,
};
use pontoon_runtime::Stats;
use std::collections::BTreeMap;

/// One moment. A container that does not run has only its names.
pub(super) async fn read(handle: ContainerHandle, term: String) -> Result<ContainerStats, Failure> {
    let view = handle.containers.get(&term)?;
    let id = view.definition.id;
    let named = ContainerStats {
        id: id.to_string(),
        name: format!("/{}", view.definition.name),
        os_type: "linux".into(),
        ..ContainerStats::default()
    };
    let Some(stats) = handle.containers.stats(&id.to_string()).await? else { return Ok(named) };
    let core = handle.core.clone();
    // A container that shares a namespace reports its owner's links.
    let sandbox = view.sandbox.map(|sandbox| sandbox.record.id.to_string());
    let networks = blocking(move || Ok(sandbox.and_then(|of| core.counters(&of).ok().flatten()))).await?;
    let networks = networks.map(|all| all.iter().map(|(name, of)| (name.to_string(), network(of))).collect());
    Ok(shaped(named, &stats, networks))
}

fn network(of: &pontoon_cnm::Counters) -> NetworkStats {
    NetworkStats {
        rx_bytes: of.rx_bytes,
        rx_packets: of.rx_packets,
        rx_errors: of.rx_errors,
        rx_dropped: of.rx_dropped,
        tx_bytes: of.tx_bytes,
        tx_packets: of.tx_packets,
        tx_errors: of.tx_errors,
        tx_dropped: of.tx_dropped,
    }
}

fn shaped(named: ContainerStats, stats: &Stats, networks: Option<BTreeMap<String, NetworkStats>>) -> ContainerStats {
    let entries = |of: &[pontoon_runtime::BlkioEntry]| {
        let entry = |of: &pontoon_runtime::BlkioEntry| BlkioEntry {
            major: of.major,
            minor: of.minor,
            op: of.op.clone(),
            value: of.value,
        };
        Some(of.iter().map(entry).collect::<Vec<_>>()).filter(|entries| !entries.is_empty())
    };
    let (cpu, memory) = (&stats.cpu, &stats.memory);
    ContainerStats {
        read: rfc3339(stats.at),
        cpu_stats: CpuStats {
            cpu_usage: CpuUsage {
                total_usage: cpu.total,
                percpu_usage: cpu.per_cpu.clone(),
                usage_in_kernelmode: cpu.kernel,
                usage_in_usermode: cpu.user,
            },
            system_cpu_usage: cpu.system,
            online_cpus: cpu.online,
            throttling_data: ThrottlingData {
                periods: cpu.throttling.periods,
                throttled_periods: cpu.throttling.throttled_periods,
                throttled_time: cpu.throttling.throttled_time,
            },
        },
        memory_stats: MemoryStats {
            usage: memory.usage,
            max_usage: memory.max_usage.unwrap_or_default(),
            stats: memory.counters.clone(),
            failcnt: memory.failures.unwrap_or_default(),
            limit: memory.limit,
        },
        networks,
        pids_stats: PidsStats { current: stats.pids.current, limit: stats.pids.limit.unwrap_or_default() },
        blkio_stats: BlkioStats {
            io_service_bytes_recursive: entries(&stats.io_service_bytes),
            io_serviced_recursive: entries(&stats.io_serviced),
            ..BlkioStats::default()
        },
        ..named
    }
}
