//! The process in OCI's words: a container's first one, or a command beside it.

use super::capability::Granted;
use super::{Surroundings, unsound, user};
use crate::{ContainerPlan, Error, ExecPlan, Process as Wanted, Result, Rlimit};
use oci_spec::runtime::{
    BoxBuilder, LinuxCapabilities, PosixRlimit, PosixRlimitBuilder, PosixRlimitType, Process, ProcessBuilder,
    UserBuilder,
};
use std::path::Path;
use std::str::FromStr;

/// Where the init program is mounted.
const INIT: &str = "/sbin/docker-init";

/// A container's first process.
pub(super) fn first_process(plan: &ContainerPlan, around: &Surroundings<'_>, granted: &Granted) -> Result<Process> {
    let mut wanted = plan.process.clone();
    if around.init.is_some() {
        wanted.args.splice(0..0, [INIT.to_owned(), "--".to_owned()]);
    }
    let user = user::find(&plan.rootfs, &wanted.user, &wanted.groups)?;
    let sets = granted.sets(user.uid)?;
    let mut process = process(&wanted, &user, sets, plan.security.no_new_privileges)?;
    process.set_oom_score_adj(plan.oom_score_adj);
    if around.apparmor {
        process.set_apparmor_profile(plan.security.apparmor.clone());
    }
    Ok(process)
}

/// A command in a container whose first process is `first`, with the root file system `rootfs`.
pub(crate) fn exec_process(plan: &ExecPlan, first: &Process, rootfs: &Path) -> Result<Process> {
    let mut user = user::find(rootfs, &plan.process.user, &plan.process.groups)?;
    if plan.process.user.is_empty() {
        let theirs = first.user();
        user.uid = theirs.uid();
        user.gid = theirs.gid();
        user.groups = theirs.additional_gids().clone().unwrap_or_default();
    }
    let granted = if plan.privileged { Granted::all() } else { Granted::of(first.capabilities().as_ref()) };
    let mut process =
        process(&plan.process, &user, granted.sets(user.uid)?, first.no_new_privileges().unwrap_or_default())?;
    if plan.process.cwd.is_empty() {
        process.set_cwd(first.cwd().clone());
    }
    process.set_rlimits(first.rlimits().clone());
    process.set_apparmor_profile(first.apparmor_profile().clone());
    process.set_oom_score_adj(first.oom_score_adj());
    Ok(process)
}

fn process(wanted: &Wanted, user: &user::User, sets: LinuxCapabilities, no_new_privileges: bool) -> Result<Process> {
    if wanted.args.first().is_none_or(String::is_empty) {
        return Err(Error::Invalid("no command specified".into()));
    }
    for text in wanted.args.iter().chain(&wanted.env).chain([&wanted.cwd]) {
        if text.contains('\0') {
            return Err(Error::Invalid(format!("a NUL byte is in {text:?}")));
        }
    }
    let mut env = wanted.env.clone();
    if !env.iter().any(|line| line.starts_with("HOME=")) {
        env.push(format!("HOME={}", user.home));
    }
    let identity = UserBuilder::default()
        .uid(user.uid)
        .gid(user.gid)
        .additional_gids(user.groups.clone())
        .build()
        .map_err(unsound)?;
    let mut builder = ProcessBuilder::default()
        .args(wanted.args.clone())
        .env(env)
        .cwd(if wanted.cwd.is_empty() { "/" } else { wanted.cwd.as_str() })
        .terminal(wanted.tty)
        .user(identity)
        .capabilities(sets)
        .no_new_privileges(no_new_privileges)
        .rlimits(wanted.rlimits.iter().map(rlimit).collect::<Result<Vec<_>>>()?);
    if let (true, Some(size)) = (wanted.tty, wanted.console_size) {
        let size = BoxBuilder::default().height(u64::from(size.height)).width(u64::from(size.width)).build();
        builder = builder.console_size(size.map_err(unsound)?);
    }
    builder.build().map_err(unsound)
}

fn rlimit(limit: &Rlimit) -> Result<PosixRlimit> {
    let unknown = |_| Error::Invalid(format!("invalid ulimit type: {}", limit.name));
    let kind = PosixRlimitType::from_str(&format!("RLIMIT_{}", limit.name.to_ascii_uppercase())).map_err(unknown)?;
    // -1 is the kernel's word for no limit, as the largest number.
    let number = |value: i64| value as u64;
    PosixRlimitBuilder::default().typ(kind).soft(number(limit.soft)).hard(number(limit.hard)).build().map_err(unsound)
}
