//! Which namespaces a container has of its own, and whose it shares.

use crate::network;
use crate::spec::HostConfig;
use pontoon_runtime::{CgroupNamespace, Ipc, Namespace, Namespaces, Network};
use std::path::PathBuf;

/// Another container whose namespace is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Donor {
    /// Its process.
    pub pid: u32,
    /// Where its `/dev/shm` is, if it shares that.
    pub shm: Option<PathBuf>,
}

/// The containers whose namespaces are shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Donors {
    /// For processes.
    pub pid: Option<Donor>,
    /// For IPC.
    pub ipc: Option<Donor>,
}

pub(super) fn namespaces(host: &HostConfig, network: &network::Namespace, donors: Donors) -> Namespaces {
    let of = |donor: &Donor, kind: &str| PathBuf::from(format!("/proc/{}/ns/{kind}", donor.pid));
    Namespaces {
        network: match network {
            network::Namespace::Host => Network::Host,
            network::Namespace::New => Network::New,
            network::Namespace::At(path) => Network::At(path.clone()),
        },
        pid: match (&donors.pid, host.pid_mode.as_str()) {
            (Some(donor), _) => Namespace::At(of(donor, "pid")),
            (None, "host") => Namespace::Host,
            _ => Namespace::Private,
        },
        uts: if host.uts_mode == "host" { Namespace::Host } else { Namespace::Private },
        ipc: match (&donors.ipc, host.ipc_mode.as_str()) {
            (Some(donor), _) => {
                Ipc::At { namespace: of(donor, "ipc"), shm: donor.shm.clone().unwrap_or_else(|| "/dev/shm".into()) }
            }
            (None, "host") => Ipc::Host,
            (None, "none") => Ipc::None,
            (None, "shareable") => Ipc::Shareable,
            _ => Ipc::Private,
        },
        cgroup: match host.cgroupns_mode.as_str() {
            "private" => CgroupNamespace::Private,
            "host" => CgroupNamespace::Host,
            _ => CgroupNamespace::Default,
        },
    }
}
