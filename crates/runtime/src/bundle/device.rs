//! Devices of a container: those of the plan, or all of the host's, and the rules that let it use them.

use crate::{ContainerPlan, Device, Error, Result};
use oci_spec::runtime::{
    LinuxDevice, LinuxDeviceBuilder, LinuxDeviceCgroup, LinuxDeviceCgroupBuilder, LinuxDeviceType,
};
use rustix::fs::{FileType, major, minor, stat};
use std::path::{Path, PathBuf};

/// Folders and files of /dev that are no devices of the host's hardware.
const NOT_DEVICES: [&str; 7] = ["pts", "shm", "fd", "mqueue", "console", ".lxc", ".udev"];

/// How deep a folder of devices may be; /dev is not deeper than a handful.
const DEPTH: usize = 8;

/// The devices to be made.
pub(super) fn devices(plan: &ContainerPlan) -> Result<Vec<LinuxDevice>> {
    let mut found = Vec::new();
    if plan.security.privileged {
        below(Path::new("/dev"), Path::new("/dev"), DEPTH, &mut found);
    }
    for device in &plan.devices {
        found.extend(asked(device)?);
    }
    let mut devices: Vec<LinuxDevice> = Vec::new();
    for device in found {
        // The plan's word about a path is the last one.
        devices.retain(|other| other.path() != device.path());
        devices.push(device);
    }
    Ok(devices)
}

/// The rules: nothing but the few harmless ones, making nodes, and what the plan gives.
pub(super) fn rules(plan: &ContainerPlan, devices: &[LinuxDevice]) -> Result<Vec<LinuxDeviceCgroup>> {
    if plan.security.privileged {
        return Ok(vec![rule(true, LinuxDeviceType::A, None, None, "rwm")?]);
    }
    let mut rules = vec![rule(false, LinuxDeviceType::A, None, None, "rwm")?];
    // null, zero, full, random, urandom, tty, console, ptmx, pseudo terminals.
    for (major, minor) in
        [(1, Some(3)), (1, Some(5)), (1, Some(7)), (1, Some(8)), (1, Some(9)), (5, Some(0)), (5, Some(1)), (5, Some(2))]
            .into_iter()
            .chain([(136, None)])
    {
        rules.push(rule(true, LinuxDeviceType::C, Some(major), minor, "rwm")?);
    }
    for kind in [LinuxDeviceType::C, LinuxDeviceType::B] {
        rules.push(rule(true, kind, None, None, "m")?);
    }
    for device in devices {
        let access = plan.devices.iter().find(|asked| device.path().starts_with(&asked.in_container));
        let access = access.map_or("rwm", |asked| asked.permissions.as_str());
        rules.push(rule(true, device.typ(), Some(device.major()), Some(device.minor()), access)?);
    }
    for asked in &plan.device_rules {
        let kind = match asked.kind {
            'b' => LinuxDeviceType::B,
            'c' => LinuxDeviceType::C,
            _ => LinuxDeviceType::A,
        };
        rules.push(rule(true, kind, asked.major, asked.minor, &asked.permissions)?);
    }
    Ok(rules)
}

fn rule(
    allow: bool,
    kind: LinuxDeviceType,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> Result<LinuxDeviceCgroup> {
    let mut rule =
        LinuxDeviceCgroupBuilder::default().allow(allow).typ(kind).access(access).build().map_err(super::unsound)?;
    rule.set_major(major);
    rule.set_minor(minor);
    Ok(rule)
}

fn asked(device: &Device) -> Result<Vec<LinuxDevice>> {
    let missing = |cause: String| {
        Error::Invalid(format!(
            "error gathering device information while adding custom device \"{}\": {cause}",
            device.on_host.display()
        ))
    };
    let real = std::fs::canonicalize(&device.on_host).map_err(|_| missing("no such file or directory".into()))?;
    if real.is_dir() {
        let mut found = Vec::new();
        below(&real, &device.in_container, DEPTH, &mut found);
        return if found.is_empty() { Err(missing("not a device node".into())) } else { Ok(found) };
    }
    node(&real, &device.in_container).map(|one| vec![one]).ok_or_else(|| missing("not a device node".into()))
}

/// The devices in the folder `from`, as they are to be below `to`. What cannot be read is left out.
fn below(from: &Path, to: &Path, depth: usize, found: &mut Vec<LinuxDevice>) {
    let Ok(entries) = std::fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if NOT_DEVICES.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => below(&from, &to, depth - 1, found),
            Ok(kind) if !kind.is_dir() && !kind.is_symlink() => found.extend(node(&from, &to)),
            _ => {}
        }
    }
}

fn node(from: &Path, to: &Path) -> Option<LinuxDevice> {
    let stat = stat(from).ok()?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => LinuxDeviceType::C,
        FileType::BlockDevice => LinuxDeviceType::B,
        _ => return None,
    };
    LinuxDeviceBuilder::default()
        .path(PathBuf::from(to))
        .typ(kind)
        .major(i64::from(major(stat.st_rdev)))
        .minor(i64::from(minor(stat.st_rdev)))
        .file_mode(stat.st_mode & 0o7777)
        .uid(stat.st_uid)
        .gid(stat.st_gid)
        .build()
        .ok()
}
