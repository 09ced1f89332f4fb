//! Enters a sandbox and becomes the command. Does not come back when it works.
//!
//! The process must have one thread: the kernel binds mount namespaces to processes.

use super::mounts;
use crate::args::run::Enter;
use crate::error::Error;
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::unistd::{getppid, sethostname};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Enters the namespaces and becomes the command.
///
/// # Errors
/// [`Error::Exec`] when the command cannot be run, [`Error::System`] for all that comes before.
pub fn enter(plan: Enter) -> Result<u8, Error> {
    if let Some(parent) = plan.parent {
        end_with(parent)?;
    }
    // `run` holds signals back; the command gets a fresh mask.
    SigSet::empty().thread_set_mask().map_err(system("reset the signal mask"))?;
    let [program, arguments @ ..] = plan.command.as_slice() else {
        return Err(Error::usage("no command", "see 'pontoon run --help'"));
    };
    namespaces(&plan)?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(hostname) = &plan.hostname {
        command.env("HOSTNAME", hostname);
    }
    let cause = command.exec();
    Err(Error::Exec { command: program.to_string_lossy().into_owned(), cause })
}

/// Makes the kernel kill us when `run` is killed: nobody would forward signals or remove the sandbox any more.
fn end_with(parent: u32) -> Result<(), Error> {
    set_pdeathsig(Signal::SIGKILL).map_err(system("tie this process to its parent"))?;
    if u32::try_from(getppid().as_raw()).ok() != Some(parent) {
        raise(Signal::SIGKILL).map_err(system("end with the parent"))?;
    }
    Ok(())
}

fn namespaces(plan: &Enter) -> Result<(), Error> {
    let open = |path: &PathBuf| {
        File::open(path).map_err(Error::system(format!("open the network namespace {}", path.display())))
    };
    let netns = plan.netns.as_ref().map(open).transpose()?;
    let mut new = CloneFlags::CLONE_NEWNS;
    if plan.hostname.is_some() {
        new |= CloneFlags::CLONE_NEWUTS;
    }
    unshare(new).map_err(system("make namespaces of its own"))?;
    mounts::detach()?;
    for (source, target) in [
        (&plan.hosts_file, "/etc/hosts"),
        (&plan.hostname_file, "/etc/hostname"),
        (&plan.resolv_conf, "/etc/resolv.conf"),
    ] {
        if let Some(source) = source {
            mounts::replace(source, target)?;
        }
    }
    if plan.resolv_conf.is_some() {
        mounts::silence_resolvers()?;
    }
    if let Some(netns) = netns {
        setns(netns, CloneFlags::CLONE_NEWNET).map_err(system("enter the network namespace"))?;
        mounts::fresh_sysfs();
    }
    if let Some(hostname) = &plan.hostname {
        sethostname(hostname).map_err(system("set the host name"))?;
    }
    Ok(())
}

fn system(act: &str) -> impl FnOnce(Errno) -> Error {
    let fail = Error::system(act);
    move |errno| fail(io::Error::from(errno))
}
