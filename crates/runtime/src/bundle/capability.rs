//! Which capabilities a container has.

use crate::{Error, Result, Security};
use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities, LinuxCapabilitiesBuilder};
use std::collections::BTreeSet;
use std::str::FromStr;

/// What Docker gives a container that asks for nothing.
const DEFAULT: [Capability; 14] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fsetid,
    Capability::Fowner,
    Capability::Mknod,
    Capability::NetRaw,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setfcap,
    Capability::Setpcap,
    Capability::NetBindService,
    Capability::SysChroot,
    Capability::Kill,
    Capability::AuditWrite,
];

/// All, by their number in the kernel.
const ALL: [Capability; 41] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setpcap,
    Capability::LinuxImmutable,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::SysModule,
    Capability::SysRawio,
    Capability::SysChroot,
    Capability::SysPtrace,
    Capability::SysPacct,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysNice,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Mknod,
    Capability::Lease,
    Capability::AuditWrite,
    Capability::AuditControl,
    Capability::Setfcap,
    Capability::MacOverride,
    Capability::MacAdmin,
    Capability::Syslog,
    Capability::WakeAlarm,
    Capability::BlockSuspend,
    Capability::AuditRead,
    Capability::Perfmon,
    Capability::Bpf,
    Capability::CheckpointRestore,
];

/// The capabilities of a container, by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted(BTreeSet<usize>);

impl Granted {
    /// Those that the daemon itself could have: nobody can give more.
    pub fn all() -> Self {
        Self((0..ALL.len()).filter(|&number| bounding() & (1 << number) != 0).collect())
    }

    /// Those that a process is bounded by.
    pub fn of(sets: Option<&LinuxCapabilities>) -> Self {
        let bounding = sets.and_then(|sets| sets.bounding().as_ref());
        let numbers = bounding.into_iter().flatten().filter_map(|one| ALL.iter().position(|other| other == one));
        Self(numbers.collect())
    }

    /// Whether the capability called `name`, with its `CAP_`, is among them.
    pub fn has(&self, name: &str) -> bool {
        number(name).is_some_and(|number| self.0.contains(&number))
    }

    /// The sets for a process of `uid`. Only root gets them at once; whoever else may get them from a file.
    pub fn sets(&self, uid: u32) -> Result<LinuxCapabilities> {
        let all: Capabilities = self.0.iter().map(|&number| ALL[number]).collect();
        let now = if uid == 0 { all.clone() } else { Capabilities::new() };
        LinuxCapabilitiesBuilder::default()
            .bounding(all)
            .effective(now.clone())
            .permitted(now)
            .inheritable(Capabilities::new())
            .ambient(Capabilities::new())
            .build()
            .map_err(super::unsound)
    }
}

/// The daemon's own bounding set. Where it cannot be read, the runtime will tell.
fn bounding() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(u64::MAX)
}

/// What `security` asks for, by Docker's rules: without `ALL` the default ones and those added, less those dropped; with
/// `ALL` dropped those added; with `ALL` added all but those dropped.
pub(crate) fn granted(security: &Security) -> Result<Granted> {
    if security.privileged {
        return Ok(Granted::all());
    }
    let (add, add_all) = named("CapAdd", &security.cap_add)?;
    let (drop, drop_all) = named("CapDrop", &security.cap_drop)?;
    let mut granted = if add_all {
        Granted::all().0
    } else if drop_all {
        BTreeSet::new()
    } else {
        DEFAULT.iter().filter_map(|one| ALL.iter().position(|other| other == one)).collect()
    };
    granted.retain(|number| !drop.contains(number));
    if !add_all {
        granted.extend(add);
    }
    Ok(Granted(granted))
}

/// The numbers of `names`, and whether `ALL` is among them.
fn named(field: &str, names: &[String]) -> Result<(BTreeSet<usize>, bool)> {
    let (mut numbers, mut all) = (BTreeSet::new(), false);
    for name in names {
        match name.to_ascii_uppercase().as_str() {
            "ALL" | "CAP_ALL" => all = true,
            upper => {
                let full = if upper.starts_with("CAP_") { upper.to_owned() } else { format!("CAP_{upper}") };
                let unknown = || Error::Invalid(format!("invalid {field}: unknown capability: \"{full}\""));
                numbers.insert(number(&full).ok_or_else(unknown)?);
            }
        }
    }
    Ok((numbers, all))
}

fn number(name: &str) -> Option<usize> {
    let capability = Capability::from_str(name.strip_prefix("CAP_")?).ok()?;
    ALL.iter().position(|&one| one == capability)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(add: &[&str], drop: &[&str]) -> Result<Granted> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        granted(&Security { cap_add: words(add), cap_drop: words(drop), ..Security::default() })
    }

    #[test]
    fn capabilities_are_added_and_dropped_by_dockers_rules() -> Result<()> {
        let count = |granted: Granted| granted.0.len();
        assert_eq!(count(asked(&[], &[])?), 14);
        let some = asked(&["net_admin", "CAP_SYS_TIME"], &["chown"])?;
        assert!(some.has("CAP_NET_ADMIN") && some.has("CAP_SYS_TIME") && !some.has("CAP_CHOWN"));
        assert_eq!(count(some), 15);
        assert_eq!(count(asked(&["NET_ADMIN"], &["ALL"])?), 1);
        assert_eq!(count(asked(&[], &["all"])?), 0);
        let all = asked(&["ALL"], &["SYS_ADMIN"])?;
        assert!(!all.has("CAP_SYS_ADMIN") && all.has("CAP_NET_ADMIN"));
        Ok(())
    }

    #[test]
    fn an_unknown_capability_is_refused_by_name() {
        let text = asked(&["nosuch"], &[]).err().map(|error| error.to_string());
        assert_eq!(text.as_deref(), Some("invalid CapAdd: unknown capability: \"CAP_NOSUCH\""));
    }

    #[test]
    fn only_root_has_its_capabilities_at_once() -> Result<()> {
        let granted = asked(&[], &[])?;
        assert_eq!(granted.sets(0)?.effective().as_ref().map(|set| set.len()), Some(14));
        let other = granted.sets(1000)?;
        assert_eq!(other.effective().as_ref().map(|set| set.len()), Some(0));
        assert_eq!(other.bounding().as_ref().map(|set| set.len()), Some(14));
        Ok(())
    }
}
