//! What can be said of a container's settings by themselves, in Docker's order and words. Pure.

use crate::images::FoundImage;
use crate::signal;
use crate::spec::{Config, Healthcheck, HostConfig, RestartPolicy};
use crate::{Error, Result};
use std::path::PathBuf;

/// The shortest time of a health check, in nanoseconds.
const SHORTEST: i64 = 1_000_000;

fn invalid<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(text.into()))
}

/// Settings that any host could carry out.
pub(super) fn config(config: &mut Config) -> Result<()> {
    if *config == Config::default() {
        return invalid("config cannot be empty in order to create a container");
    }
    if !config.working_dir.is_empty() {
        if !config.working_dir.starts_with('/') {
            let path = &config.working_dir;
            return invalid(format!("the working directory '{path}' is invalid, it needs to be an absolute path"));
        }
        // Docker keeps it clean.
        config.working_dir = cleaned(&config.working_dir);
    }
    if !config.stop_signal.is_empty() {
        signal::parse(&config.stop_signal)?;
    }
    if let Some(wrong) = config.env.iter().flatten().find(|line| line.is_empty() || line.starts_with('=')) {
        return invalid(format!("invalid environment variable: {wrong}"));
    }
    config.healthcheck.as_ref().map_or(Ok(()), healthcheck)?;
    host_name(&config.hostname, "hostname")?;
    host_name(&config.domainname, "domain name")
}

fn cleaned(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    format!("/{}", parts.join("/"))
}

/// It ends up as a word in files.
fn host_name(text: &str, what: &str) -> Result<()> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    if text.len() <= 253 && text.bytes().all(plain) { Ok(()) } else { invalid(format!("invalid {what}: {text:?}")) }
}

fn healthcheck(check: &Healthcheck) -> Result<()> {
    for (time, what) in [
        (check.interval, "Interval"),
        (check.timeout, "Timeout"),
        (check.start_period, "StartPeriod"),
        (check.start_interval, "StartInterval"),
    ] {
        if time != 0 && time < SHORTEST {
            return invalid(format!("{what} in Healthcheck cannot be less than 1ms"));
        }
    }
    if check.retries < 0 {
        return invalid("Retries in Healthcheck cannot be negative");
    }
    match check.test.first().map(String::as_str) {
        None | Some("NONE" | "CMD" | "CMD-SHELL") => Ok(()),
        Some(kind) => invalid(format!("Unknown healthcheck type '{kind}' (expected 'CMD', 'CMD-SHELL' or 'NONE')")),
    }
}

/// Settings of this host.
pub(super) fn host(host: &HostConfig) -> Result<()> {
    if host.auto_remove && !host.restart_policy.is_none() {
        return invalid("can't create 'AutoRemove' container with restart policy");
    }
    restart_policy(&host.restart_policy)?;
    capabilities("CapAdd", host.cap_add.as_deref().unwrap_or_default())?;
    capabilities("CapDrop", host.cap_drop.as_deref().unwrap_or_default())?;
    if host.annotations.iter().flatten().any(|(key, _)| key.is_empty()) {
        return invalid("invalid Annotations: the empty string is not permitted as an annotation key");
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        let score = host.oom_score_adj;
        return invalid(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]"));
    }
    modes(host)?;
    for path in host.tmpfs.iter().flatten().map(|(path, _)| path) {
        if !path.starts_with('/') || cleaned(path) == "/" {
            return invalid(format!("invalid tmpfs mount destination: '{path}'"));
        }
    }
    Ok(())
}

fn modes(host: &HostConfig) -> Result<()> {
    let container = |mode: &str| mode.strip_prefix("container:").is_some_and(|term| !term.is_empty());
    if !matches!(host.ipc_mode.as_str(), "" | "none" | "private" | "shareable" | "host") && !container(&host.ipc_mode) {
        return invalid(format!("invalid IPC mode: {}", host.ipc_mode));
    }
    if !matches!(host.pid_mode.as_str(), "" | "host") && !container(&host.pid_mode) {
        return invalid(format!("invalid PID mode: {}", host.pid_mode));
    }
    if !matches!(host.uts_mode.as_str(), "" | "host") {
        return invalid(format!("invalid UTS mode: {}", host.uts_mode));
    }
    if !matches!(host.cgroupns_mode.as_str(), "" | "private" | "host") {
        return invalid(format!("invalid cgroup namespace mode: {}", host.cgroupns_mode));
    }
    if host.shm_size < 0 {
        return invalid("SHM size can not be less than 0");
    }
    Ok(())
}

/// A restart policy, also of an update.
pub(crate) fn restart_policy(policy: &RestartPolicy) -> Result<()> {
    match policy.name.as_str() {
        "" | "no" | "always" | "unless-stopped" if policy.maximum_retry_count != 0 => {
            let more = if policy.maximum_retry_count < 0 { " and cannot be negative" } else { "" };
            invalid(format!("invalid restart policy: maximum retry count can only be used with 'on-failure'{more}"))
        }
        "on-failure" if policy.maximum_retry_count < 0 => {
            invalid("invalid restart policy: maximum retry count cannot be negative")
        }
        "" | "no" | "always" | "unless-stopped" | "on-failure" => Ok(()),
        name => invalid(format!(
            "invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        )),
    }
}

const CAPABILITIES: &[&str] = &[
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

fn capabilities(field: &str, names: &[String]) -> Result<()> {
    let known = |name: &String| {
        let name = name.to_ascii_uppercase();
        name == "ALL" || CAPABILITIES.contains(&name.strip_prefix("CAP_").unwrap_or(&name))
    };
    match names.iter().find(|name| !known(name)) {
        Some(name) => {
            let name = name.to_ascii_uppercase();
            invalid(format!(
                "invalid {field}: unknown capability: \"CAP_{}\"",
                name.strip_prefix("CAP_").unwrap_or(&name)
            ))
        }
        None => Ok(()),
    }
}

/// The runtime asked for is one that there is.
pub(super) fn runtime(host: &HostConfig, runtimes: &[(String, PathBuf)]) -> Result<()> {
    if host.runtime.is_empty() || runtimes.iter().any(|(name, _)| *name == host.runtime) {
        return Ok(());
    }
    invalid(format!("unknown or invalid runtime name: {}", host.runtime))
}

/// The image is for the platform asked for, as far as an operating system goes.
pub(super) fn platform(wanted: &str, image: &FoundImage) -> Result<()> {
    let os = wanted.split('/').next().unwrap_or_default();
    if os.is_empty() || os == "linux" || os == image.os {
        return Ok(());
    }
    Err(Error::Missing(format!(
        "image with reference {} was found but does not provide the specified platform ({wanted})",
        image.id
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Config {
        Config { image: "x".into(), ..Config::default() }
    }

    #[test]
    fn settings_that_make_no_sense_are_told_in_dockers_words() {
        let check = |test: &str| Healthcheck { test: vec![test.into()], ..Healthcheck::default() };
        for (mut settings, error) in [
            (Config::default(), "config cannot be empty in order to create a container"),
            (
                Config { working_dir: "a".into(), ..base() },
                "the working directory 'a' is invalid, it needs to be an absolute path",
            ),
            (Config { stop_signal: "SIGX".into(), ..base() }, "invalid signal: SIGX"),
            (Config { env: Some(vec!["=x".into()]), ..base() }, "invalid environment variable: =x"),
            (
                Config { healthcheck: Some(Healthcheck { interval: 5, ..check("CMD") }), ..base() },
                "Interval in Healthcheck cannot be less than 1ms",
            ),
            (
                Config { healthcheck: Some(Healthcheck { retries: -1, ..check("CMD") }), ..base() },
                "Retries in Healthcheck cannot be negative",
            ),
        ] {
            assert_eq!(config(&mut settings).unwrap_err().to_string(), error);
        }
        assert!(config(&mut base()).is_ok());
    }

    #[test]
    fn hosts_settings_that_make_no_sense_are_told_in_dockers_words() {
        let base = HostConfig::default;
        let policy = |name: &str, count| RestartPolicy { name: name.into(), maximum_retry_count: count };
        for (settings, error) in [
            (
                HostConfig { auto_remove: true, restart_policy: policy("always", 0), ..base() },
                "can't create 'AutoRemove' container with restart policy",
            ),
            (
                HostConfig { restart_policy: policy("always", 1), ..base() },
                "invalid restart policy: maximum retry count can only be used with 'on-failure'",
            ),
            (
                HostConfig { restart_policy: policy("never", 0), ..base() },
                "invalid restart policy: unknown policy 'never'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
            ),
            (
                HostConfig { cap_add: Some(vec!["nope".into()]), ..base() },
                "invalid CapAdd: unknown capability: \"CAP_NOPE\"",
            ),
            (HostConfig { ipc_mode: "container:".into(), ..base() }, "invalid IPC mode: container:"),
            (
                HostConfig { oom_score_adj: 1001, ..base() },
                "Invalid value 1001, range for oom score adj is [-1000, 1000]",
            ),
        ] {
            assert_eq!(host(&settings).unwrap_err().to_string(), error);
        }
        let fine = HostConfig { cap_drop: Some(vec!["all".into(), "cap_net_raw".into()]), ..base() };
        assert!(host(&fine).is_ok());
    }
}
