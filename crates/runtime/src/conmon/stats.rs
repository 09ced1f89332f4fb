//! What a container uses: read from its control group, or, without one, added up from its processes.

use super::cgroup::Group;
use crate::{BlkioEntry, CgroupVersion, CpuStats, MemoryStats, PidsStats, Stats, Throttling};
use std::time::SystemTime;

/// Nanoseconds of the clock tick in which /proc and cgroup v1 count.
const TICK: u64 = 10_000_000;

pub(super) fn stats(group: Option<&Group>, processes: &[u32]) -> Stats {
    let at = SystemTime::now();
    let (cpu, memory, pids) = match group {
        Some(group) if group.version() == CgroupVersion::V2 => (cpu_2(group), memory_2(group), pids(group)),
        Some(group) => (cpu_1(group), memory_1(group), pids(group)),
        None => added_up(processes),
    };
    let (io_service_bytes, io_serviced) = group.map(blkio).unwrap_or_default();
    let (system, online) = host_cpu();
    Stats { at, cpu: CpuStats { system, online, ..cpu }, memory: limited(memory), pids, io_service_bytes, io_serviced }
}

fn cpu_1(group: &Group) -> CpuStats {
    let ticks = group.table("cpuacct", "cpuacct.stat");
    let per_cpu = group.read("cpuacct", "cpuacct.usage_percpu").unwrap_or_default();
    let waiting = group.table("cpu", "cpu.stat");
    CpuStats {
        total: group.number("cpuacct", "cpuacct.usage").unwrap_or_default(),
        kernel: named(&ticks, "system") * TICK,
        user: named(&ticks, "user") * TICK,
        per_cpu: per_cpu.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect(),
        throttling: Throttling {
            periods: named(&waiting, "nr_periods"),
            throttled_periods: named(&waiting, "nr_throttled"),
            throttled_time: named(&waiting, "throttled_time"),
        },
        ..CpuStats::default()
    }
}

fn cpu_2(group: &Group) -> CpuStats {
    let all = group.table("", "cpu.stat");
    CpuStats {
        total: named(&all, "usage_usec") * 1000,
        kernel: named(&all, "system_usec") * 1000,
        user: named(&all, "user_usec") * 1000,
        throttling: Throttling {
            periods: named(&all, "nr_periods"),
            throttled_periods: named(&all, "nr_throttled"),
            throttled_time: named(&all, "throttled_usec") * 1000,
        },
        ..CpuStats::default()
    }
}

fn memory_1(group: &Group) -> MemoryStats {
    MemoryStats {
        usage: group.number("memory", "memory.usage_in_bytes").unwrap_or_default(),
        max_usage: group.number("memory", "memory.max_usage_in_bytes"),
        limit: group.number("memory", "memory.limit_in_bytes").unwrap_or(u64::MAX),
        failures: group.number("memory", "memory.failcnt"),
        counters: group.table("memory", "memory.stat").into_iter().collect(),
    }
}

fn memory_2(group: &Group) -> MemoryStats {
    MemoryStats {
        usage: group.number("", "memory.current").unwrap_or_default(),
        max_usage: None,
        limit: group.number("", "memory.max").unwrap_or(u64::MAX),
        failures: None,
        counters: group.table("", "memory.stat").into_iter().collect(),
    }
}

/// Nobody has more memory than the host.
fn limited(mut memory: MemoryStats) -> MemoryStats {
    let host = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = host.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    memory.limit = memory.limit.min(total.unwrap_or(u64::MAX >> 10) << 10);
    memory
}

fn pids(group: &Group) -> PidsStats {
    PidsStats {
        current: group.number("pids", "pids.current").unwrap_or_default(),
        limit: group.number("pids", "pids.max"),
    }
}

/// Without control groups: what the living have used. The dead are not counted.
fn added_up(processes: &[u32]) -> (CpuStats, MemoryStats, PidsStats) {
    let (mut cpu, mut memory) = (CpuStats::default(), MemoryStats { limit: u64::MAX, ..MemoryStats::default() });
    for pid in processes {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        cpu.user += number(11) * TICK;
        cpu.kernel += number(12) * TICK;
        memory.usage += number(21) * rustix::param::page_size() as u64;
    }
    cpu.total = cpu.user + cpu.kernel;
    let current = processes.len() as u64;
    (cpu, memory, PidsStats { current, limit: None })
}

/// Bytes, and how many reads and writes (version 1 only), by device.
fn blkio(group: &Group) -> (Vec<BlkioEntry>, Vec<BlkioEntry>) {
    if group.version() == CgroupVersion::V2 {
        return (group.read("", "io.stat").map(|text| io_stat(&text)).unwrap_or_default(), Vec::new());
    }
    let read = |names: [&str; 2]| {
        let text = names.iter().find_map(|name| group.read("blkio", name).filter(|text| text.contains(':')));
        text.map(|text| entries(&text)).unwrap_or_default()
    };
    (
        read(["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"]),
        read(["blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"]),
    )
}

/// Lines such as `8:0 Read 4096`. The last line is a sum without device.
fn entries(text: &str) -> Vec<BlkioEntry> {
    let entry = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (major, minor) = device(words.next()?)?;
        let (op, value) = (words.next()?.to_lowercase(), words.next()?.parse().ok()?);
        Some(BlkioEntry { major, minor, op, value })
    };
    text.lines().filter_map(entry).collect()
}

/// Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`.
fn io_stat(text: &str) -> Vec<BlkioEntry> {
    let mut all = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some((major, minor)) = words.next().and_then(device) else { continue };
        for word in words {
            let op = match word.split_once('=') {
                Some(("rbytes", value)) => ("read", value),
                Some(("wbytes", value)) => ("write", value),
                _ => continue,
            };
            if let Ok(value) = op.1.parse() {
                all.push(BlkioEntry { major, minor, op: op.0.to_owned(), value });
            }
        }
    }
    all
}

fn device(word: &str) -> Option<(u64, u64)> {
    let (major, minor) = word.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The time of all processors since the host started, and how many there are.
fn host_cpu() -> (u64, u32) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let all = text.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    // As Docker adds it up: up to softirq; what a hypervisor steals is not ours.
    let ticks: u64 = all.split_ascii_whitespace().take(7).filter_map(|word| word.parse::<u64>().ok()).sum();
    let is_one =
        |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let online = text.lines().filter(is_one).count();
    (ticks * TICK, u32::try_from(online).unwrap_or(u32::MAX))
}

fn named(table: &[(String, u64)], name: &str) -> u64 {
    table.iter().find(|(one, _)| one == name).map_or(0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_block_counters_are_read() {
        let entry = |op: &str, value| BlkioEntry { major: 8, minor: 0, op: op.into(), value };
        assert_eq!(entries("8:0 Read 4096\n8:0 Write 1\nTotal 4097\n"), [entry("read", 4096), entry("write", 1)]);
        let text = "8:0 rbytes=4096 wbytes=1 rios=2 wios=3 dbytes=0 dios=0\nnonsense\n";
        assert_eq!(io_stat(text), [entry("read", 4096), entry("write", 1)]);
    }

    #[test]
    fn without_control_groups_processes_are_added_up() {
        let stats = stats(None, &[std::process::id(), u32::MAX]);
        assert_eq!(stats.pids.current, 2);
        assert!(stats.memory.usage > 0 && stats.memory.usage < stats.memory.limit);
        assert!(stats.cpu.online > 0 && stats.cpu.system > 0);
    }
}
