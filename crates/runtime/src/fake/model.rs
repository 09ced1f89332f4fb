//! Containers and commands in memory.

use super::fault::Faults;
use crate::{Attachment, Cgroups, ContainerPlan, Ending, Error, ExecPlan, Exit, Phase, Result, State, Stream};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use pontoon_types::{ContainerId, ExecId};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::SystemTime;

/// What a command does at once: its exit code and its output; `None` when it goes on.
pub(super) type Answer = Box<dyn Fn(&ExecPlan) -> Option<(i32, String)> + Send>;

/// All there is.
pub(super) struct Model {
    pub containers: BTreeMap<ContainerId, Container>,
    pub faults: Faults,
    pub cgroups: Cgroups,
    pub answer: Answer,
    pub ignored: Vec<i32>,
    next_pid: u32,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            containers: BTreeMap::new(),
            faults: Faults::default(),
            cgroups: Cgroups::V2,
            answer: Box::new(|_| None),
            ignored: Vec::new(),
            next_pid: 1000,
        }
    }
}

impl Model {
    pub fn pid(&mut self) -> u32 {
        self.next_pid += 2;
        self.next_pid
    }

    pub fn container(&mut self, id: &ContainerId) -> Result<&mut Container> {
        self.containers.get_mut(id).ok_or_else(|| Error::NoSuchContainer { id: id.to_string() })
    }

    /// The container, if its process has not ended.
    pub fn living(&mut self, id: &ContainerId) -> Result<&mut Container> {
        let container = self.container(id)?;
        match container.run.phase {
            Phase::Ended(_) => Err(Error::NotRunning { id: id.to_string() }),
            _ => Ok(container),
        }
    }

    pub fn exec(&mut self, id: &ContainerId, exec: &ExecId) -> Result<&mut Run> {
        let missing = || Error::NoSuchExec { id: exec.to_string() };
        self.containers.get_mut(id).ok_or_else(missing)?.execs.get_mut(exec).ok_or_else(missing)
    }
}

/// A container's process and the commands beside it.
pub(super) struct Container {
    pub plan: ContainerPlan,
    pub run: Run,
    pub execs: BTreeMap<ExecId, Run>,
}

impl Container {
    /// Ends the first process, and with it all others.
    pub fn end(&mut self, exit: Exit) {
        self.run.end(exit);
        for exec in self.execs.values_mut() {
            exec.end(Exit { code: 137, oom_killed: false, ..exit });
        }
    }
}

/// One process.
pub(super) struct Run {
    pub phase: Phase,
    pub pid: u32,
    streams: Vec<OwnedFd>,
    ended: (std::io::PipeReader, std::io::PipeWriter),
}

impl Run {
    pub fn new(phase: Phase, pid: u32) -> Result<Self> {
        let ended = std::io::pipe().map_err(failed("make a pipe"))?;
        Ok(Self { phase, pid, streams: Vec::new(), ended })
    }

    pub fn state(&self) -> State {
        let pid = if matches!(self.phase, Phase::Ended(_)) { 0 } else { self.pid };
        State { phase: self.phase, pid }
    }

    /// Ends it, unless it has ended before.
    pub fn end(&mut self, exit: Exit) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        self.phase = Phase::Ended(exit);
        self.streams.clear();
        // The pipe has room for a byte.
        let _ = self.ended.1.write(&[0]);
    }

    pub fn ending(&self) -> Result<Ending> {
        Ok(Ending::new(self.ended.0.try_clone().map_err(failed("watch a process"))?.into()))
    }

    pub fn attach(&mut self, stdin: bool) -> Result<Attachment> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (theirs, ours) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map_err(|errno| failed("make a socket")(errno.into()))?;
        self.streams.push(ours);
        Ok(Attachment::new(theirs, stdin))
    }

    /// Writes to all attachments, as far as they have room.
    pub fn print(&self, stream: Stream, data: &[u8]) {
        let mark = if stream == Stream::Stderr { 3 } else { 2 };
        let packet: Vec<u8> = std::iter::once(mark).chain(data.iter().copied()).collect();
        for socket in &self.streams {
            let _ = send(socket.as_raw_fd(), &packet, MsgFlags::MSG_NOSIGNAL);
        }
    }

    /// What the attachments have written since the last call, and whether one of them said that this was all.
    pub fn read(&self) -> (Vec<u8>, bool) {
        let (mut data, mut over) = (Vec::new(), false);
        for socket in &self.streams {
            let mut buffer = vec![0; crate::PACKET];
            while let Ok(length) = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                if length == 0 {
                    over = true;
                    break;
                }
                data.extend_from_slice(&buffer[..length]);
            }
        }
        (data, over)
    }
}

/// An exit with `code` now.
pub(super) fn exit(code: i32) -> Exit {
    Exit { code, at: SystemTime::now(), oom_killed: false, monitor_lost: false }
}

fn failed(act: &str) -> impl FnOnce(std::io::Error) -> Error {
    let act = act.to_owned();
    move |cause| Error::Process { act, cause }
}
