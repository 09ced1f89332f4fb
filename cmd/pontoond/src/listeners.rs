//! Opening the API's sockets: unix sockets that are never open wider than 0660, sockets of systemd, TCP.

use crate::error::Error;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Group};
use pontoon_config::{Config, Listen, SocketGroup};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Sockets to serve.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Unix sockets.
    pub unix: Vec<UnixListener>,
    /// TCP sockets.
    pub tcp: Vec<TcpListener>,
}

/// Opens everything the configuration names. Call before threads start: the umask is the process's.
pub fn open(config: &Config) -> Result<Listeners, Error> {
    let group = config.group.as_ref().map(find_group).transpose()?.flatten();
    let mut listeners = Listeners::default();
    for listen in &config.listen {
        let failed = |cause| Error::Listen { address: listen.to_string(), cause };
        match listen {
            Listen::Unix(path) => listeners.unix.push(unix(path, group)?),
            Listen::Tcp(address) => listeners.tcp.push(TcpListener::bind(address).map_err(failed)?),
            Listen::Activation(_) => activated(&mut listeners).map_err(failed)?,
        }
    }
    let nonblocking = |cause| Error::System { act: "prepare the API's sockets", cause };
    listeners.unix.iter().try_for_each(|socket| socket.set_nonblocking(true)).map_err(nonblocking)?;
    listeners.tcp.iter().try_for_each(|socket| socket.set_nonblocking(true)).map_err(nonblocking)?;
    Ok(listeners)
}

/// The group's number; a missing group is an error only if it must be there.
fn find_group(group: &SocketGroup) -> Result<Option<Gid>, Error> {
    if let Ok(number) = group.name.parse::<u32>() {
        return Ok(Some(Gid::from_raw(number)));
    }
    match Group::from_name(&group.name) {
        Ok(Some(found)) => Ok(Some(found.gid)),
        _ if group.required => Err(Error::Group(group.name.clone())),
        _ => {
            tracing::warn!(group = group.name, "no such group: only root can use the API's unix socket");
            Ok(None)
        }
    }
}

fn unix(path: &Path, group: Option<Gid>) -> Result<UnixListener, Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file("make the folder", folder))?;
    }
    // The lock on the exec root says that nobody of ours listens here any more; a live stranger is left alone.
    if path.exists() {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            let cause = std::io::Error::from(std::io::ErrorKind::AddrInUse);
            return Err(Error::Listen { address: format!("unix://{}", path.display()), cause });
        }
        std::fs::remove_file(path).map_err(Error::file("remove the old socket", path))?;
    }
    // The socket is born with 0600 and opened up afterwards: there is no moment with a looser mode (CVE-2014-3499).
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    let listener = bound.map_err(|cause| Error::Listen { address: format!("unix://{}", path.display()), cause })?;
    let owned = nix::unistd::chown(path, None, group);
    owned.map_err(|errno| Error::file("give to its group the socket", path)(errno.into()))?;
    let mode = std::fs::Permissions::from_mode(0o660);
    std::fs::set_permissions(path, mode).map_err(Error::file("set the mode of the socket", path))?;
    Ok(listener)
}

/// All sockets that systemd handed over.
fn activated(listeners: &mut Listeners) -> std::io::Result<()> {
    let mut given = listenfd::ListenFd::from_env();
    let mut found = 0;
    for index in 0..given.len() {
        if let Ok(Some(socket)) = given.take_unix_listener(index) {
            listeners.unix.push(socket);
            found += 1;
        } else if let Ok(Some(socket)) = given.take_tcp_listener(index) {
            listeners.tcp.push(socket);
            found += 1;
        }
    }
    if found == 0 {
        let text = "no sockets were handed over: fd:// needs socket activation by systemd";
        return Err(std::io::Error::new(std::io::ErrorKind::NotFound, text));
    }
    Ok(())
}

/// Removes the files of our own unix sockets at the end.
pub fn remove_files(config: &Config) {
    for listen in &config.listen {
        if let Listen::Unix(path) = listen {
            // Gone already is as good.
            let _ = std::fs::remove_file(path);
        }
    }
}
