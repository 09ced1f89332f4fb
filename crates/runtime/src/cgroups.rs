//! What the host's control groups can do for us.

/// Which control groups there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CgroupVersion {
    /// One tree for each controller, with or without a second tree of version 2 that has no controller.
    V1,
    /// One tree.
    V2,
    /// None that can be used: nothing is limited, counted or frozen.
    None,
}

/// What can be limited, counted and frozen. Where something cannot, a plan that asks for it is carried out without it:
/// whoever makes the plan warns, in Docker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cgroups {
    /// Which ones.
    pub version: CgroupVersion,
    /// Memory.
    pub memory: bool,
    /// Memory and swap together.
    pub swap: bool,
    /// Whether out-of-memory kills can be turned off.
    pub oom_kill_disable: bool,
    /// Weights of CPU time.
    pub cpu_shares: bool,
    /// Shares of CPU periods.
    pub cpu_quota: bool,
    /// Choice of CPUs and memory nodes.
    pub cpuset: bool,
    /// Number of processes.
    pub pids: bool,
    /// Weight of block I/O.
    pub blkio_weight: bool,
    /// Rates of block I/O.
    pub blkio_rate: bool,
    /// Freezing, i.e. `pause`.
    pub freezer: bool,
}

impl Cgroups {
    /// A host without control groups.
    pub const NONE: Self = Self {
        version: CgroupVersion::None,
        memory: false,
        swap: false,
        oom_kill_disable: false,
        cpu_shares: false,
        cpu_quota: false,
        cpuset: false,
        pids: false,
        blkio_weight: false,
        blkio_rate: false,
        freezer: false,
    };

    /// A host with everything that version 2 has.
    pub const V2: Self = Self {
        version: CgroupVersion::V2,
        memory: true,
        swap: true,
        oom_kill_disable: false,
        cpu_shares: true,
        cpu_quota: true,
        cpuset: true,
        pids: true,
        blkio_weight: true,
        blkio_rate: true,
        freezer: true,
    };
}
