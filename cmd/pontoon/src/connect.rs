//! Which daemon: flags, then `PONTOON_HOST`, then `DOCKER_HOST`, then the default socket.

use crate::args::Daemon;
use crate::error::Error;
use pontoon_client::blocking::Client;
use pontoon_client::{Host, TlsFiles};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a call may take: far longer than any should.
const PATIENCE: Duration = Duration::from_secs(120);

/// The environment of this process.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A client of the daemon that flags and environment name. Nothing is connected yet.
pub fn client(daemon: &Daemon, environment: &dyn Fn(&str) -> Option<String>) -> Result<Client, Error> {
    let host = host(daemon, environment)?;
    let client = match (&host, tls(daemon, environment)) {
        (Host::Tcp { .. }, Some(files)) => Client::with_tls(host, &files)?,
        _ => Client::new(host)?,
    };
    Ok(client.with_timeout(PATIENCE))
}

fn host(daemon: &Daemon, environment: &dyn Fn(&str) -> Option<String>) -> Result<Host, Error> {
    let text = daemon.host.clone().or_else(|| environment("PONTOON_HOST")).or_else(|| environment("DOCKER_HOST"));
    Ok(text.map_or_else(|| Ok(Host::default()), |text| text.parse())?)
}

fn tls(daemon: &Daemon, environment: &dyn Fn(&str) -> Option<String>) -> Option<TlsFiles> {
    let wanted = daemon.tls || daemon.tlsverify || environment("DOCKER_TLS_VERIFY").is_some();
    wanted.then(|| {
        let home = environment("HOME").map(|home| Path::new(&home).join(".docker"));
        let folder = environment("DOCKER_CERT_PATH").map(PathBuf::from).or(home).unwrap_or_default();
        let file = |given: &Option<PathBuf>, name: &str| given.clone().unwrap_or_else(|| folder.join(name));
        let (certificate, key) = (file(&daemon.tlscert, "cert.pem"), file(&daemon.tlskey, "key.pem"));
        // Who names a certificate means it; the usual one is taken where there is one.
        let named = daemon.tlscert.is_some() || daemon.tlskey.is_some();
        let identity = (named || (certificate.exists() && key.exists())).then_some((certificate, key));
        TlsFiles { ca: file(&daemon.tlscacert, "ca.pem"), identity }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_beats_our_variable_and_that_beats_dockers() {
        let both = |name: &str| match name {
            "PONTOON_HOST" => Some("unix:///ours".to_owned()),
            "DOCKER_HOST" => Some("unix:///dockers".to_owned()),
            _ => None,
        };
        let docker = |name: &str| both(name).filter(|_| name == "DOCKER_HOST");
        let flag = Daemon { host: Some("unix:///flag".to_owned()), ..Daemon::default() };
        let shown = |daemon: &Daemon, environment: &dyn Fn(&str) -> Option<String>| {
            host(daemon, environment).map(|host| host.to_string()).unwrap()
        };
        assert_eq!(shown(&flag, &both), "unix:///flag");
        assert_eq!(shown(&Daemon::default(), &both), "unix:///ours");
        assert_eq!(shown(&Daemon::default(), &docker), "unix:///dockers");
        assert_eq!(shown(&Daemon::default(), &|_| None), Host::default().to_string());
    }

    #[test]
    fn certificates_are_where_docker_has_them() {
        let environment = |name: &str| match name {
            "DOCKER_TLS_VERIFY" => Some("1".to_owned()),
            "HOME" => Some("/h".to_owned()),
            _ => None,
        };
        let files = tls(&Daemon::default(), &environment).unwrap();
        assert_eq!(files.ca, Path::new("/h/.docker/ca.pem"));
        assert!(files.identity.is_none(), "there is none");
        let named = Daemon { tls: true, tlscert: Some("c".into()), ..Daemon::default() };
        assert_eq!(tls(&named, &environment).unwrap().identity, Some(("c".into(), "/h/.docker/key.pem".into())));
        assert!(tls(&Daemon::default(), &|_| None).is_none());
    }
}
