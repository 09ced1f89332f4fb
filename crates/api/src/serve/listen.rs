//! Opening sockets to listen on.
//!
//! Owns: that a unix socket is never looser than it should be, not even for a moment.

use rustix::fs::{Gid, Mode};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener};

/// A socket that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there.
    #[error("{} is in use: another daemon answers there", .0.display())]
    InUse(PathBuf),
    /// There is something else.
    #[error("{} exists and is no socket", .0.display())]
    NoSocket(PathBuf),
    /// The system refused.
    #[error("{act} {}", path.display())]
    Unix {
        /// What was done.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The system refused.
    #[error("listen on {address}")]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A socket that was handed over cannot be used.
    #[error("use the inherited socket")]
    Inherited(#[source] io::Error),
}

/// Connections that may wait to be taken; the kernel cuts it down to `net.core.somaxconn`.
const BACKLOG: i32 = 16_384;

/// Listens at `path` with file mode 0660, given to group `gid` if there is one. Replaces a socket that nobody answers;
/// anything else there is an error. Missing directories are made. Must be called inside a runtime.
pub fn bind_unix(path: &Path, gid: Option<u32>) -> Result<UnixListener, ListenError> {
    let failed = |act| move |cause: io::Error| ListenError::Unix { act, path: path.to_owned(), cause };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed("make the directory of"))?;
    }
    clear(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None).map_err(failed("open"))?;
    // Before it is bound: the file takes its mode from here (and the umask), so it never exists with a looser one.
    let mode = Mode::from_raw_mode(0o660);
    rustix::fs::fchmod(&socket, mode).map_err(|error| failed("protect")(error.into()))?;
    let address = SockAddr::unix(path).map_err(failed("name"))?;
    socket.bind(&address).map_err(failed("bind"))?;
    let owned = |error: rustix::io::Errno| failed("hand over")(error.into());
    if let Some(gid) = gid {
        rustix::fs::chown(path, None, Some(Gid::from_raw(gid))).map_err(owned)?;
    }
    // A strict umask took bits away.
    rustix::fs::chmod(path, mode).map_err(owned)?;
    socket.listen(BACKLOG).map_err(failed("listen on"))?;
    UnixListener::from_std(socket.into()).map_err(failed("watch"))
}

/// Removes a socket that nobody listens on.
fn clear(path: &Path) -> Result<(), ListenError> {
    let failed = |act| move |cause| ListenError::Unix { act, path: path.to_owned(), cause };
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(failed("look at"))?,
    };
    if !found.file_type().is_socket() {
        return Err(ListenError::NoSocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed("remove the old socket"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(ListenError::InUse(path.to_owned())),
    }
}

/// Listens on a TCP address; an IPv6 one takes IPv6 only. Must be called inside a runtime.
pub fn bind_tcp(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|cause| ListenError::Tcp { address, cause })
}

/// Takes over a listening unix socket, as socket activation gives it.
pub fn unix_from_std(listener: std::os::unix::net::UnixListener) -> Result<UnixListener, ListenError> {
    listener.set_nonblocking(true).map_err(ListenError::Inherited)?;
    UnixListener::from_std(listener).map_err(ListenError::Inherited)
}

/// Takes over a listening TCP socket, as socket activation gives it.
pub fn tcp_from_std(listener: std::net::TcpListener) -> Result<TcpListener, ListenError> {
    listener.set_nonblocking(true).map_err(ListenError::Inherited)?;
    TcpListener::from_std(listener).map_err(ListenError::Inherited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_socket_is_for_owner_and_group_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/x.sock");
        let _listener = bind_unix(&path, None).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o660);
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        drop(bind_unix(&path, None).unwrap());
        let _living = bind_unix(&path, None).unwrap();
        assert!(matches!(bind_unix(&path, None), Err(ListenError::InUse(_))));
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(bind_unix(&path, None), Err(ListenError::NoSocket(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    #[tokio::test]
    async fn both_families_can_have_the_same_port() {
        let v4 = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = v4.local_addr().unwrap().port();
        // Another program may have it on IPv6; then the error says where.
        match bind_tcp(SocketAddr::new("::1".parse().unwrap(), port)) {
            Ok(v6) => assert_eq!(v6.local_addr().unwrap().port(), port),
            Err(error) => assert_eq!(error.to_string(), format!("listen on [::1]:{port}")),
        }
    }
}
