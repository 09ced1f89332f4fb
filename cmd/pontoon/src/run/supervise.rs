//! The life of `run` while its command lives: signals forwarded, stops shared, the exit status taken over.

use crate::error::Error;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::io;
use std::process::Child;

/// Signals that stay ours: those of our own faults, and those by which the kernel stops background readers.
const OURS: [Signal; 9] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGABRT,
    Signal::SIGSYS,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
];

/// Signals held back from their default actions, to be read one by one.
pub struct Signals(SignalFd);

impl Signals {
    /// Holds back all signals but [`OURS`]. One thread must be all there is.
    pub fn hold() -> Result<Self, Error> {
        let mut held = SigSet::all();
        OURS.iter().for_each(|signal| held.remove(*signal));
        held.thread_block().map_err(failed("hold back signals"))?;
        SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC).map(Self).map_err(failed("read signals"))
    }

    fn next(&self) -> Result<siginfo, Error> {
        loop {
            match self.0.read_signal() {
                Ok(Some(signal)) => return Ok(signal),
                Ok(None) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(failed("read signals")(errno)),
            }
        }
    }
}

/// Waits for `child` to end, passing on what comes. Gives its exit status, or 128 and the number of the signal that
/// ended it.
pub fn until_end(child: &Child, signals: &Signals) -> Result<u8, Error> {
    let pid = i32::try_from(child.id()).map(Pid::from_raw).map_err(|_| failed("watch the command")(Errno::ESRCH))?;
    loop {
        let signal = signals.next()?;
        match i32::try_from(signal.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok()) {
            Some(Signal::SIGCHLD) => {
                if let Some(status) = changes(pid)? {
                    return Ok(status);
                }
            }
            // What the terminal sends, it sends to the whole group: the command has it already.
            Some(_) if signal.ssi_code == libc::SI_KERNEL => {}
            Some(signal) => forward(pid, signal)?,
            // A real-time signal, which has no name here and no use for a command.
            None => {}
        }
    }
}

/// Takes note of what happened to the command; its status when it ended.
fn changes(pid: Pid) -> Result<Option<u8>, Error> {
    loop {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(Some(u8::try_from(code & 0xff).unwrap_or(1))),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(Some(128u8.saturating_add(signal as i32 as u8))),
            Ok(WaitStatus::Stopped(..)) => {
                // Stop with it, so that the shell takes the terminal back; go on together.
                raise(Signal::SIGSTOP).map_err(failed("stop with the command"))?;
                forward(pid, Signal::SIGCONT)?;
            }
            Ok(WaitStatus::StillAlive) => return Ok(None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed("wait for the command")(errno)),
        }
    }
}

fn forward(pid: Pid, signal: Signal) -> Result<(), Error> {
    match kill(pid, signal) {
        // It ended meanwhile; its SIGCHLD is on the way.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(failed("forward a signal")(errno)),
    }
}

fn failed(act: &str) -> impl FnOnce(Errno) -> Error {
    let fail = Error::system(act);
    move |errno| fail(io::Error::from(errno))
}
