//! A container's rights: capabilities, and Docker's `--security-opt`.

use crate::spec::HostConfig;
use crate::{Error, Result};
use pontoon_runtime::{Seccomp, Security};

/// Refuses options that mean nothing, or that cannot be had.
pub(crate) fn check(host: &HostConfig) -> Result<()> {
    security(host).map(|_| ())
}

pub(super) fn security(host: &HostConfig) -> Result<Security> {
    let mut security = Security {
        privileged: host.privileged,
        cap_add: host.cap_add.clone().unwrap_or_default(),
        cap_drop: host.cap_drop.clone().unwrap_or_default(),
        masked_paths: host.masked_paths.clone(),
        readonly_paths: host.readonly_paths.clone(),
        seccomp: if host.privileged { Seccomp::Unconfined } else { Seccomp::Default },
        ..Security::default()
    };
    for option in host.security_opt.iter().flatten() {
        apply(option, &mut security)?;
    }
    Ok(security)
}

fn apply(option: &str, security: &mut Security) -> Result<()> {
    let invalid = || Error::Invalid(format!("invalid --security-opt 2: \"{option}\""));
    match option {
        "no-new-privileges" => {
            security.no_new_privileges = true;
            return Ok(());
        }
        "disable" => return Ok(()),
        _ => {}
    }
    // `key=value`, and `key:value` of old clients.
    let at = option.find(['=', ':']).ok_or_else(invalid)?;
    let (key, value) = (&option[..at], &option[at + 1..]);
    let flag = || pontoon_types::parse_go_bool(value).ok_or_else(invalid);
    match (key, value) {
        ("seccomp", "unconfined") => security.seccomp = Seccomp::Unconfined,
        ("seccomp", "builtin" | "default") => security.seccomp = Seccomp::Default,
        ("seccomp", profile) => security.seccomp = Seccomp::Profile(profile.to_owned()),
        ("apparmor", profile) => security.apparmor = Some(profile.to_owned()),
        ("no-new-privileges", _) => security.no_new_privileges = flag()?,
        ("writable-cgroups", _) => security.writable_cgroups = flag()?,
        ("systempaths", "unconfined") => {
            (security.masked_paths, security.readonly_paths) = (Some(Vec::new()), Some(Vec::new()));
        }
        ("label", "disable") => {}
        ("label", _) => return Err(Error::NotSupported { what: format!("the security option {option} (SELinux)") }),
        _ => return Err(invalid()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &[&str]) -> Result<Security> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        security(&HostConfig { security_opt: Some(options), ..HostConfig::default() })
    }

    #[test]
    fn security_options_are_read_in_both_forms() {
        let security = of(&["seccomp=unconfined", "no-new-privileges:true", "apparmor=x", "label=disable"]).unwrap();
        assert_eq!((security.seccomp, security.no_new_privileges), (Seccomp::Unconfined, true));
        assert_eq!(security.apparmor.as_deref(), Some("x"));
        assert!(!of(&["no-new-privileges=false"]).unwrap().no_new_privileges);
        assert_eq!(of(&["systempaths=unconfined"]).unwrap().masked_paths, Some(Vec::new()));
    }

    #[test]
    fn unknown_security_options_are_refused() {
        assert_eq!(of(&["nope=1"]).unwrap_err().to_string(), "invalid --security-opt 2: \"nope=1\"");
        assert!(of(&["no-new-privileges=x"]).is_err());
        assert!(matches!(of(&["label=type:x"]), Err(Error::NotSupported { .. })));
    }
}
