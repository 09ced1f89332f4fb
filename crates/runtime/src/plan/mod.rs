//! What is to run, in our own words: a container's process and its view of the machine, with nothing decided twice.
//!
//! Owns: the values that [`crate::Runtime::create`] and [`crate::Runtime::exec`] take. Must not know OCI, Docker's JSON,
//! or how any of it is done.

mod container;
mod device;
mod log;
mod mount;
mod namespace;
mod process;
mod resources;
mod security;

pub use container::ContainerPlan;
pub use device::{Device, DeviceRule};
pub use log::LogPlan;
pub use mount::{Access, Mount, MountSource, Propagation};
pub use namespace::{CgroupNamespace, Ipc, Namespace, Namespaces, Network};
pub use process::{ConsoleSize, ExecPlan, Process, Rlimit, Stdin};
pub use resources::{BlkioDevice, Resources};
pub use security::{Seccomp, Security};
