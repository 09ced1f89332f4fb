//! A profile in Docker's JSON form, turned into the filter that it means for one container.

use super::super::capability::Granted;
use super::super::unsound;
use super::default::architectures;
use crate::{Error, Result};
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompBuilder, LinuxSeccompFilterFlag, LinuxSyscall,
    LinuxSyscallBuilder,
};
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: LinuxSeccompAction,
    default_errno_ret: Option<u32>,
    #[serde(default, deserialize_with = "or_none")]
    architectures: Vec<Arch>,
    #[serde(default, deserialize_with = "or_none")]
    arch_map: Vec<Family>,
    #[serde(default, deserialize_with = "or_none")]
    flags: Vec<LinuxSeccompFilterFlag>,
    #[serde(default, deserialize_with = "or_none")]
    syscalls: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Family {
    architecture: Arch,
    #[serde(default, deserialize_with = "or_none")]
    sub_architectures: Vec<Arch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "or_none")]
    names: Vec<String>,
    action: LinuxSeccompAction,
    errno_ret: Option<u32>,
    #[serde(default, deserialize_with = "or_none")]
    args: Vec<LinuxSeccompArg>,
    #[serde(default)]
    includes: Condition,
    #[serde(default)]
    excludes: Condition,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(deserialize_with = "or_none")]
    caps: Vec<String>,
    #[serde(deserialize_with = "or_none")]
    arches: Vec<String>,
    min_kernel: String,
}

/// Go writes an empty list as `null`.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> std::result::Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

pub(super) fn filter(json: &str, granted: &Granted) -> Result<LinuxSeccomp> {
    let profile: Profile =
        serde_json::from_str(json).map_err(|error| refused(&format!("Decoding seccomp profile failed: {error}")))?;
    if !profile.architectures.is_empty() && !profile.arch_map.is_empty() {
        return Err(refused(
            "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or \
             'archMap'",
        ));
    }
    let mut calls = Vec::new();
    for rule in profile.syscalls {
        if rule.includes.holds(granted)? && !rule.excludes.hits(granted)? {
            calls.push(rule.call()?);
        }
    }
    let mut builder =
        LinuxSeccompBuilder::default().default_action(profile.default_action).flags(profile.flags).syscalls(calls);
    if let Some(errno) = profile.default_errno_ret {
        builder = builder.default_errno_ret(errno);
    }
    if !profile.architectures.is_empty() {
        builder = builder.architectures(profile.architectures);
    } else if let Some(native) = architectures().first()
        && let Some(family) = profile.arch_map.into_iter().find(|family| family.architecture == *native)
    {
        let all: Vec<Arch> = std::iter::once(family.architecture).chain(family.sub_architectures).collect();
        builder = builder.architectures(all);
    }
    builder.build().map_err(unsound)
}

impl Rule {
    fn call(self) -> Result<LinuxSyscall> {
        let names = match (self.name.is_empty(), self.names.is_empty()) {
            (false, true) => vec![self.name],
            (true, false) => self.names,
            (true, true) => return Err(refused("a rule of the seccomp profile names no system call")),
            (false, false) => {
                return Err(refused(
                    "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
                ));
            }
        };
        let mut call = LinuxSyscallBuilder::default().names(names).action(self.action);
        if let Some(errno) = self.errno_ret {
            call = call.errno_ret(errno);
        }
        if !self.args.is_empty() {
            call = call.args(self.args);
        }
        call.build().map_err(unsound)
    }
}

impl Condition {
    /// Whether all of it is so; what it does not say is.
    fn holds(&self, granted: &Granted) -> Result<bool> {
        Ok((self.arches.is_empty() || self.arches.iter().any(|arch| arch == processor()))
            && self.caps.iter().all(|capability| granted.has(capability))
            && (self.min_kernel.is_empty() || is_kernel(&self.min_kernel)?))
    }

    /// Whether any of it is so; what it does not say is not.
    fn hits(&self, granted: &Granted) -> Result<bool> {
        Ok(self.arches.iter().any(|arch| arch == processor())
            || self.caps.iter().any(|capability| granted.has(capability))
            || (!self.min_kernel.is_empty() && is_kernel(&self.min_kernel)?))
    }
}

/// The processor in Go's words.
fn processor() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

fn is_kernel(least: &str) -> Result<bool> {
    let wanted = version(least).ok_or_else(|| refused(&format!("invalid kernel version: {least:?}")))?;
    let release = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    Ok(release.ok().and_then(|release| version(&release)).is_none_or(|ours| ours >= wanted))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn refused(text: &str) -> Error {
    Error::Invalid(text.to_owned())
}
