//! Which system calls a container may make.

mod default;
mod profile;

use super::capability::Granted;
use crate::{Result, Seccomp, Security};
use oci_spec::OciSpecError;
use oci_spec::runtime::LinuxSeccomp;

type Built<T> = std::result::Result<T, OciSpecError>;

/// The filter; `None` for none.
pub(super) fn filter(security: &Security, granted: &Granted) -> Result<Option<LinuxSeccomp>> {
    match &security.seccomp {
        Seccomp::Unconfined => Ok(None),
        // Docker takes a profile that is asked for even when privileged.
        Seccomp::Profile(json) => profile::filter(json, granted).map(Some),
        Seccomp::Default if security.privileged => Ok(None),
        Seccomp::Default => default::filter(granted).map(Some).map_err(super::unsound),
    }
}

#[cfg(test)]
mod tests {
    use super::super::capability;
    use super::*;
    use oci_spec::runtime::LinuxSeccompAction;

    fn filter_of(security: &Security) -> Result<Option<LinuxSeccomp>> {
        filter(security, &capability::granted(security)?)
    }

    /// How a call is treated without regard of its arguments.
    fn fate(filter: &LinuxSeccomp, name: &str) -> LinuxSeccompAction {
        let calls = filter.syscalls().as_ref().unwrap();
        let found = calls.iter().find(|call| call.names().iter().any(|one| one == name) && call.args().is_none());
        found.map_or(filter.default_action(), |call| call.action())
    }

    #[test]
    fn by_default_the_dangerous_calls_fail() {
        let filter = filter_of(&Security::default()).unwrap().unwrap();
        for name in ["mount", "unshare", "bpf", "io_uring_setup", "kexec_load", "clone3", "keyctl", "reboot"] {
            assert_eq!(fate(&filter, name), LinuxSeccompAction::ScmpActErrno, "{name}");
        }
        for name in ["read", "execve", "openat", "chroot", "futex"] {
            assert_eq!(fate(&filter, name), LinuxSeccompAction::ScmpActAllow, "{name}");
        }
    }

    #[test]
    fn a_capability_brings_its_calls() {
        let security = Security { cap_add: vec!["SYS_ADMIN".into()], ..Security::default() };
        let filter = filter_of(&security).unwrap().unwrap();
        for name in ["mount", "clone3", "setns"] {
            assert_eq!(fate(&filter, name), LinuxSeccompAction::ScmpActAllow, "{name}");
        }
    }

    #[test]
    fn a_privileged_or_unconfined_container_has_no_filter() {
        assert!(filter_of(&Security { privileged: true, ..Security::default() }).unwrap().is_none());
        assert!(filter_of(&Security { seccomp: Seccomp::Unconfined, ..Security::default() }).unwrap().is_none());
    }

    fn profile(json: &str) -> Result<Option<LinuxSeccomp>> {
        filter_of(&Security { seccomp: Seccomp::Profile(json.into()), ..Security::default() })
    }

    #[test]
    fn a_profile_of_the_users_own_is_taken_with_its_conditions() {
        let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"name": "chmod", "action": "SCMP_ACT_ERRNO", "args": []},
            {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["reboot"], "action": "SCMP_ACT_KILL", "includes": {"caps": ["CAP_SYS_BOOT"]}},
            {"names": ["sync"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "5.4"}},
            {"names": ["syncfs"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "99.0"}},
            {"names": ["swapoff"], "action": "SCMP_ACT_ERRNO", "includes": {"arches": ["nosuch"]}}]}"#;
        let filter = profile(json).unwrap().unwrap();
        for (name, action) in [
            ("chmod", LinuxSeccompAction::ScmpActErrno),
            ("mount", LinuxSeccompAction::ScmpActErrno),
            ("sync", LinuxSeccompAction::ScmpActErrno),
            ("reboot", LinuxSeccompAction::ScmpActAllow),
            ("syncfs", LinuxSeccompAction::ScmpActAllow),
            ("swapoff", LinuxSeccompAction::ScmpActAllow),
        ] {
            assert_eq!(fate(&filter, name), action, "{name}");
        }
    }

    #[test]
    fn a_bad_profile_is_an_error() {
        for json in [
            "",
            "{",
            "[]",
            r#"{"defaultAction": "NOSUCH"}"#,
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ALLOW"}]}"#,
            r#"{"defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"name": "a", "names": ["b"], "action": "SCMP_ACT_ALLOW"}]}"#,
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
                "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}]}"#,
        ] {
            assert!(profile(json).is_err(), "{json}");
        }
    }
}
