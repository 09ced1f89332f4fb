//! What a container may use of the machine.

/// Limits; `None`, an empty text or an empty list leave the kernel's default, in an update what was before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Bytes of memory.
    pub memory: Option<i64>,
    /// Bytes of memory and swap together; -1 for no limit of swap.
    pub memory_swap: Option<i64>,
    /// Bytes that it keeps when memory is short.
    pub memory_reservation: Option<i64>,
    /// 0 to 100 (cgroup v1 only).
    pub memory_swappiness: Option<u64>,
    /// Whether the kernel does not kill it when it is out of memory (cgroup v1 only).
    pub oom_kill_disable: bool,
    /// Relative weight of CPU time.
    pub cpu_shares: Option<u64>,
    /// Microseconds of a CPU period.
    pub cpu_period: Option<u64>,
    /// Microseconds of CPU time in each period.
    pub cpu_quota: Option<i64>,
    /// Real-time period in microseconds (cgroup v1 only).
    pub cpu_realtime_period: Option<u64>,
    /// Real-time share in microseconds (cgroup v1 only).
    pub cpu_realtime_runtime: Option<i64>,
    /// CPUs, e.g. `0-2,4`.
    pub cpuset_cpus: String,
    /// Memory nodes.
    pub cpuset_mems: String,
    /// Processes and threads; 0 or less for no limit.
    pub pids_limit: Option<i64>,
    /// Relative weight of block I/O, 10 to 1000.
    pub blkio_weight: Option<u16>,
    /// Bytes read per second.
    pub read_bps: Vec<BlkioDevice>,
    /// Bytes written per second.
    pub write_bps: Vec<BlkioDevice>,
    /// Reads per second.
    pub read_iops: Vec<BlkioDevice>,
    /// Writes per second.
    pub write_iops: Vec<BlkioDevice>,
}

impl Resources {
    /// Microseconds of a period that `nano_cpus` (10⁻⁹ of a CPU, `--cpus`) is expressed in.
    pub const NANO_CPUS_PERIOD: u64 = 100_000;

    /// Limits CPU time as `--cpus` does.
    pub fn set_nano_cpus(&mut self, nano_cpus: i64) {
        self.cpu_period = Some(Self::NANO_CPUS_PERIOD);
        self.cpu_quota = Some(nano_cpus / 10_000);
    }
}

/// A limit on one block device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlkioDevice {
    /// The device's path on the host.
    pub path: std::path::PathBuf,
    /// The limit.
    pub rate: u64,
}
