//! What `/info` and `/version` tell of the machine, read from where Linux says it.
//!
//! Owns: reading. What cannot be read is empty or zero, never an error: it is only information.

use std::fs;

/// Facts that stay while the daemon runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) kernel: String,
    pub(crate) operating_system: String,
    pub(crate) os_version: String,
    pub(crate) cpus: i64,
    pub(crate) memory: i64,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| fs::read_to_string(path).ok());
        let release = release.unwrap_or_default();
        Self {
            kernel: line("/proc/sys/kernel/osrelease"),
            operating_system: os_field(&release, "PRETTY_NAME").unwrap_or_else(|| "Linux".into()),
            os_version: os_field(&release, "VERSION_ID").unwrap_or_default(),
            cpus: std::thread::available_parallelism().map_or(0, |n| i64::try_from(n.get()).unwrap_or(i64::MAX)),
            memory: memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
        }
    }
}

/// The machine's name, which may change at any time.
pub(crate) fn hostname() -> String {
    line("/proc/sys/kernel/hostname")
}

/// Whether this network namespace forwards IPv4.
pub(crate) fn forwards_ipv4() -> bool {
    line("/proc/sys/net/ipv4/ip_forward") == "1"
}

/// How many files this process has open.
pub(crate) fn open_files() -> i64 {
    fs::read_dir("/proc/self/fd").map_or(0, |entries| i64::try_from(entries.count()).unwrap_or(i64::MAX))
}

/// How many threads this process has.
pub(crate) fn threads() -> i64 {
    fs::read_dir("/proc/self/task").map_or(0, |entries| i64::try_from(entries.count()).unwrap_or(i64::MAX))
}

/// `uname -m` of this build.
pub(crate) fn architecture() -> &'static str {
    std::env::consts::ARCH
}

/// Go's name of the architecture.
pub(crate) fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

fn line(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn os_field(release: &str, key: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn memory(meminfo: &str) -> i64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_their_files() {
        let release = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=12\n";
        assert_eq!(os_field(release, "PRETTY_NAME").unwrap(), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(os_field(release, "VERSION_ID").unwrap(), "12");
        assert_eq!(os_field("", "VERSION_ID"), None);
        assert_eq!(memory("MemTotal:       16 kB\nMemFree: 1 kB\n"), 16384);
        assert_eq!(memory("nonsense"), 0);
    }
}
