//! Which sockets the API gets: unix sockets for a group, sockets of systemd, TCP with or without TLS.

use crate::error::Error;
use nix::unistd::Group;
use pontoon_api::serve::{Listener, TlsSettings, bind_tcp, bind_unix, tcp_from_std, unix_from_std};
use pontoon_config::{Config, Listen, SocketGroup, Tls};
use std::sync::Arc;

/// Opens everything the configuration names. Needs a runtime.
pub fn open(config: &Config) -> Result<Vec<Listener>, Error> {
    let gid = config.group.as_ref().map(find_group).transpose()?.flatten();
    let tls = config.tls.as_ref().map(tls).transpose()?;
    let over_tcp = |socket| match &tls {
        Some(tls) => Listener::Tls(socket, tls.clone()),
        None => Listener::Tcp(socket),
    };
    let mut listeners = Vec::new();
    for listen in &config.listen {
        match listen {
            Listen::Unix(path) => listeners.push(Listener::Unix(bind_unix(path, gid)?)),
            Listen::Tcp(address) => listeners.push(over_tcp(bind_tcp(*address)?)),
            Listen::Activation(_) => {
                let given = activated()?;
                for socket in given.0 {
                    listeners.push(Listener::Unix(unix_from_std(socket)?));
                }
                for socket in given.1 {
                    listeners.push(over_tcp(tcp_from_std(socket)?));
                }
            }
        }
    }
    Ok(listeners)
}

fn tls(tls: &Tls) -> Result<Arc<pontoon_api::serve::ServerConfig>, Error> {
    let settings =
        TlsSettings { certificate: tls.certificate.clone(), key: tls.key.clone(), client_ca: tls.clients.clone() };
    Ok(settings.load()?)
}

/// The group's number; a missing group is an error only if it must be there.
fn find_group(group: &SocketGroup) -> Result<Option<u32>, Error> {
    if let Ok(number) = group.name.parse::<u32>() {
        return Ok(Some(number));
    }
    match Group::from_name(&group.name) {
        Ok(Some(found)) => Ok(Some(found.gid.as_raw())),
        _ if group.required => Err(Error::Group(group.name.clone())),
        _ => {
            tracing::warn!(group = group.name, "no such group: only root can use the API's unix socket");
            Ok(None)
        }
    }
}

type Activated = (Vec<std::os::unix::net::UnixListener>, Vec<std::net::TcpListener>);

/// All sockets that systemd handed over.
fn activated() -> Result<Activated, Error> {
    let mut given = listenfd::ListenFd::from_env();
    let (mut unix, mut tcp) = (Vec::new(), Vec::new());
    for index in 0..given.len() {
        if let Ok(Some(socket)) = given.take_unix_listener(index) {
            unix.push(socket);
        } else if let Ok(Some(socket)) = given.take_tcp_listener(index) {
            tcp.push(socket);
        }
    }
    if unix.is_empty() && tcp.is_empty() { Err(Error::NotActivated) } else { Ok((unix, tcp)) }
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
