//! Connecting to a monitor's socket of streams.

use super::Conmon;
use super::folder::{Folder, Record, StdinKind};
use crate::{Attachment, Error, Result};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use pontoon_types::ContainerId;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

impl Conmon {
    /// Connects to the streams of a container or command.
    pub(super) fn attach_to(
        &self,
        id: &ContainerId,
        folder: &Folder,
        record: &Record,
        stdin: bool,
    ) -> Result<Attachment> {
        let socket = connected(folder, self.settings.patience)?;
        let stdin = stdin && record.stdin != StdinKind::Closed;
        if !stdin && record.stdin == StdinKind::Once {
            // When this connection ends, the monitor would end standard input, which belongs to another.
            let other =
                socket.try_clone().map_err(|cause| Error::Process { act: "keep a connection".into(), cause })?;
            self.kept().entry(*id).or_default().push(other);
        }
        Ok(Attachment::new(socket, stdin))
    }
}

/// A connection to the socket in `folder`. Its path may be longer than a socket's address: the folder is named by a
/// descriptor.
pub(super) fn connected(folder: &Folder, patience: Duration) -> Result<OwnedFd> {
    let path = folder.file("attach");
    let failed = |cause: std::io::Error| Error::File { act: "connect to", path: path.clone(), cause };
    let open = std::fs::File::open(&folder.path).map_err(failed)?;
    let address = format!("/proc/self/fd/{}/attach", open.as_raw_fd());
    let address = UnixAddr::new(address.as_str()).map_err(|errno| failed(errno.into()))?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).map_err(|errno| failed(errno.into()))?;
    let until = Instant::now() + patience.min(Duration::from_secs(10));
    loop {
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => return Ok(socket),
            // Many connect at once, and the monitor has not looked yet.
            Err(Errno::EAGAIN) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
            Err(errno) => return Err(failed(errno.into())),
        }
    }
}
