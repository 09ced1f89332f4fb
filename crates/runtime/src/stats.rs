//! What a container uses, and its list of processes.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// What a container uses now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// When it was read.
    pub at: SystemTime,
    /// Processors.
    pub cpu: CpuStats,
    /// Memory.
    pub memory: MemoryStats,
    /// Processes and threads.
    pub pids: PidsStats,
    /// Bytes read and written by device.
    pub io_service_bytes: Vec<BlkioEntry>,
    /// Reads and writes by device; empty with cgroup v2, as with Docker.
    pub io_serviced: Vec<BlkioEntry>,
}

/// Processor time in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuStats {
    /// All of the container.
    pub total: u64,
    /// In the kernel.
    pub kernel: u64,
    /// Outside of it.
    pub user: u64,
    /// By processor; empty where it is not counted (cgroup v2).
    pub per_cpu: Vec<u64>,
    /// All of the host since it started.
    pub system: u64,
    /// How many processors the host has.
    pub online: u32,
    /// How often it had to wait for its next period.
    pub throttling: Throttling,
}

/// Waiting for the next CPU period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Periods that passed.
    pub periods: u64,
    /// Those in which it had to wait.
    pub throttled_periods: u64,
    /// Nanoseconds of waiting.
    pub throttled_time: u64,
}

/// Memory in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    /// In use.
    pub usage: u64,
    /// The most that ever was in use; `None` where it is not counted (cgroup v2).
    pub max_usage: Option<u64>,
    /// The limit; the host's memory where there is none.
    pub limit: u64,
    /// How often the limit was reached; `None` where it is not counted.
    pub failures: Option<u64>,
    /// The kernel's own counters, under the kernel's names.
    pub counters: BTreeMap<String, u64>,
}

/// Processes and threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PidsStats {
    /// How many there are.
    pub current: u64,
    /// The limit; `None` for none.
    pub limit: Option<u64>,
}

/// One counter of one block device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlkioEntry {
    /// The device's major number.
    pub major: u64,
    /// The device's minor number.
    pub minor: u64,
    /// `read`, `write`, …, as the kernel calls it.
    pub op: String,
    /// The counter.
    pub value: u64,
}

/// The processes of a container, as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// Column names.
    pub titles: Vec<String>,
    /// One row for each process, with as many words as there are titles.
    pub processes: Vec<Vec<String>>,
}
