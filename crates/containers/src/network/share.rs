//! `container:X`: the namespace, the files and the host name of another container, found anew at each start
//! (containers-networking.md section 1).

use super::start::{Files, Joined, Namespace};
use super::{Container, Endpoints, Error, Life, NetworkMode, Other, Others};
use pontoon_cnm::Controller;
use std::path::PathBuf;

/// What a container gets of the one whose namespace it shares.
pub(super) fn join(
    core: &Controller,
    container: &Container<'_>,
    donor: &str,
    others: &dyn Others,
) -> Result<Joined, Error> {
    let found = find(container, donor, others)?;
    // The donor itself may be a guest: then the files are those of whoever it was a guest of when it started.
    let owner = match found.shares {
        Some(owner) => others.find(&owner.to_string()),
        None => Some(found.clone()),
    };
    let id = found.shares.unwrap_or(found.id);
    let files = core.sandbox(&id.to_string()).ok().map(|view| Files::from(view.files));
    let config = owner.map_or_else(|| found.config.clone(), |owner| owner.config);
    Ok(Joined {
        namespace: namespace(core, &found),
        files,
        hostname: config.hostname.clone(),
        domainname: config.domainname.clone(),
        environment: Vec::new(),
        shares: Some(id),
        endpoints: Endpoints::new(),
    })
}

/// The donor, which must run.
fn find(container: &Container<'_>, donor: &str, others: &dyn Others) -> Result<Other, Error> {
    let found = others.find(donor).ok_or_else(|| Error::DonorUnknown(donor.to_owned()))?;
    if found.id == container.id {
        return Err(Error::DonorIsSelf);
    }
    match found.life {
        Life::Running => Ok(found),
        Life::Restarting => Err(Error::DonorRestarting(donor.to_owned())),
        Life::Stopped(state) => Err(Error::DonorNotRunning { name: found.name, state: state.to_owned() }),
    }
}

/// The donor's own namespace: its sandbox's, or, for a guest, the one in which its process is.
fn namespace(core: &Controller, donor: &Other) -> Namespace {
    let of_process = || donor.pid.map(|pid| PathBuf::from(format!("/proc/{pid}/ns/net")));
    let of_sandbox = || core.sandbox(&donor.id.to_string()).ok()?.record.netns_path.clone();
    match (&donor.mode, donor.config.network_disabled) {
        (NetworkMode::Host, _) => Namespace::Host,
        (NetworkMode::Container(_), _) | (_, true) => of_process().map_or(Namespace::New, Namespace::At),
        _ => of_sandbox().or_else(of_process).map_or(Namespace::New, Namespace::At),
    }
}
