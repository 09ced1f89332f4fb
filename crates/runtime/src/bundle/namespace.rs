//! A container's namespaces in OCI's words. One that is not listed is shared with the daemon.

use crate::{CgroupNamespace, CgroupVersion, ContainerPlan, Ipc, Namespace, Network};
use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType};
use std::path::PathBuf;

pub(super) fn namespaces(plan: &ContainerPlan, version: CgroupVersion) -> Vec<LinuxNamespace> {
    let own = &plan.namespaces;
    let mut list = vec![namespace(LinuxNamespaceType::Mount, None)];
    match &own.network {
        Network::Host => {}
        Network::New => list.push(namespace(LinuxNamespaceType::Network, None)),
        Network::At(path) => list.push(namespace(LinuxNamespaceType::Network, Some(path))),
    }
    for (kind, how) in [(LinuxNamespaceType::Pid, &own.pid), (LinuxNamespaceType::Uts, &own.uts)] {
        match how {
            Namespace::Host => {}
            Namespace::Private => list.push(namespace(kind, None)),
            Namespace::At(path) => list.push(namespace(kind, Some(path))),
        }
    }
    match &own.ipc {
        Ipc::Host => {}
        Ipc::Private | Ipc::Shareable | Ipc::None => list.push(namespace(LinuxNamespaceType::Ipc, None)),
        Ipc::At { namespace: path, .. } => list.push(namespace(LinuxNamespaceType::Ipc, Some(path))),
    }
    if has_cgroup_namespace(own.cgroup, version) {
        list.push(namespace(LinuxNamespaceType::Cgroup, None));
    }
    list
}

/// Docker's default is the kernel's newer way only where the tree is the newer one.
fn has_cgroup_namespace(how: CgroupNamespace, version: CgroupVersion) -> bool {
    match how {
        CgroupNamespace::Host => false,
        CgroupNamespace::Private => version != CgroupVersion::None,
        CgroupNamespace::Default => version == CgroupVersion::V2,
    }
}

fn namespace(kind: LinuxNamespaceType, path: Option<&PathBuf>) -> LinuxNamespace {
    let mut namespace = LinuxNamespace::default();
    namespace.set_typ(kind);
    namespace.set_path(path.cloned());
    namespace
}
