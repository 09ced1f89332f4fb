//! Other containers, as one's networking and namespaces see them.

use crate::container::Shown;
use crate::containers::Inner;
use crate::network::{Life, NetworkMode, Other, Others};
use crate::plan::{Donor, Donors};
use crate::spec::HostConfig;
use crate::{Error, Result, Status};
use pontoon_types::ContainerId;
use std::sync::Arc;

impl Others for Inner {
    fn find(&self, term: &str) -> Option<Other> {
        let shown = Self::find(self, term).ok()?.shown();
        Some(other(&shown))
    }

    fn linking_to(&self, child: ContainerId) -> Vec<(ContainerId, String)> {
        let shown = self.all().into_iter().map(|container| container.shown());
        let of = |shown: Arc<Shown>| {
            let links = shown.definition.links.iter().filter(|link| link.child == child);
            links.map(|link| (shown.definition.id, link.alias.clone())).collect::<Vec<_>>()
        };
        shown.flat_map(of).collect()
    }
}

fn other(shown: &Shown) -> Other {
    let Shown { definition, state } = shown;
    Other {
        id: definition.id,
        name: definition.name.clone(),
        life: match state.status {
            Status::Running | Status::Paused => Life::Running,
            Status::Restarting => Life::Restarting,
            other => Life::Stopped(other.word()),
        },
        mode: NetworkMode::stored(&definition.host_config.network_mode),
        config: Arc::new(definition.config.clone()),
        pid: Some(state.pid).filter(|pid| *pid != 0),
        on_bridge: definition.endpoints.contains_key("bridge"),
        shares: state.shares,
    }
}

impl Inner {
    /// The containers whose pid and IPC namespaces a container shares; they must run.
    pub(crate) fn donors(&self, id: ContainerId, host: &HostConfig) -> Result<Donors> {
        let pid = donor_of(&host.pid_mode).map(|term| self.donor(id, term, "PID")).transpose()?;
        let ipc = donor_of(&host.ipc_mode).map(|term| self.donor(id, term, "IPC")).transpose()?;
        if let Some((donor, _)) = ipc.as_ref().filter(|(_, donor)| donor.shm.is_none()) {
            return Err(Error::Conflict(format!(
                "cannot join IPC namespace of container {donor}: non-shareable IPC (hint: use IpcMode:shareable for the donor \
                 container)"
            )));
        }
        Ok(Donors { pid: pid.map(|(_, donor)| donor), ipc: ipc.map(|(_, donor)| donor) })
    }

    fn donor(&self, own: ContainerId, term: &str, what: &str) -> Result<(String, Donor)> {
        let container = Self::find(self, term).map_err(|error| error.during(format!("joining {what} namespace")))?;
        let shown = container.shown();
        let name = &shown.definition.name;
        if container.id == own {
            return Err(Error::Invalid(format!("cannot join own {what} namespace")));
        }
        match shown.state.status {
            Status::Running | Status::Paused => {}
            Status::Restarting => {
                return Err(Error::Restarting(name.clone()).during(format!("cannot join {what} namespace")));
            }
            other => {
                let state = other.word();
                return Err(Error::Conflict(format!(
                    "cannot join {what} namespace of a non running container: container {name} is {state}"
                )));
            }
        }
        let shm = match shown.definition.host_config.ipc_mode.as_str() {
            "host" => Some("/dev/shm".into()),
            _ if what == "IPC" => self.runtime.shm(&container.id)?,
            _ => None,
        };
        Ok((name.clone(), Donor { pid: shown.state.pid, shm }))
    }
}

/// The container that a mode names.
pub(super) fn donor_of(mode: &str) -> Option<&str> {
    mode.strip_prefix("container:")
}
