//! What Docker fills in where a client said nothing, so that inspect shows it. Pure.

use crate::spec::HostConfig;
use pontoon_runtime::{CgroupVersion, Cgroups};

const SHM: i64 = 64 << 20;

/// Fills in the defaults.
pub(super) fn fill(host: &mut HostConfig, cgroups: &Cgroups) {
    let or = |field: &mut String, default: &str| {
        if field.is_empty() {
            *field = default.into();
        }
    };
    or(&mut host.restart_policy.name, "no");
    or(&mut host.log_config.driver, "json-file");
    host.log_config.config.get_or_insert_default();
    or(&mut host.ipc_mode, "private");
    or(&mut host.cgroupns_mode, if cgroups.version == CgroupVersion::V2 { "private" } else { "host" });
    if host.shm_size == 0 {
        host.shm_size = SHM;
    }
    if host.memory > 0 && host.memory_swap == 0 {
        host.memory_swap = host.memory.saturating_mul(2);
    }
    if host.memory_swappiness == Some(-1) {
        host.memory_swappiness = None;
    }
    if host.oom_kill_disable.is_none() && cgroups.version == CgroupVersion::V1 {
        host.oom_kill_disable = Some(false);
    }
}
