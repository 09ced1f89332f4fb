//! Processes of this machine: which belong to an engine, and the memory they have.

use crate::error::{Error, Result};
use std::fs;
use std::path::Path;

/// The processes that have a program's name of these and name `root` in their arguments.
pub fn running_from(root: &Path, programs: &[&str]) -> Result<Vec<u32>> {
    let root = root.display().to_string();
    let all = fs::read_dir("/proc").map_err(Error::system("list processes"))?;
    let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let belongs = |pid: &u32| {
        // One that ended meanwhile has neither.
        let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        // The kernel keeps the first fifteen letters of a name.
        arguments.contains(&root) && programs.iter().any(|name| program.trim() == &name[..name.len().min(15)])
    };
    Ok(pids.filter(belongs).collect())
}

/// A process's part of the memory, in KiB: what it has alone, and its share of what it shares.
pub fn pss(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(Error::system("read a process's memory"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    number.ok_or_else(|| Error::Unfit(format!("{path} tells no Pss")))
}
