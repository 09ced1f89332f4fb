//! Devices, limits of devices, and resource limits of processes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A device of the host, shown in the container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.DeviceMapping", rename_all = "PascalCase", default)]
pub struct DeviceMapping {
    /// Where it is on the host; a folder stands for every device in it.
    pub path_on_host: String,
    /// Where it shall be in the container.
    pub path_in_container: String,
    /// Some of `r`, `w` and `m`.
    pub cgroup_permissions: String,
}

/// A request to a device driver (GPUs).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.DeviceRequest", rename_all = "PascalCase", default)]
pub struct DeviceRequest {
    /// Name of the driver.
    pub driver: String,
    /// How many; -1 for all.
    pub count: i64,
    /// Which ones.
    #[serde(rename = "DeviceIDs")]
    pub device_ids: Option<Vec<String>>,
    /// What they must be able to do.
    pub capabilities: Option<Vec<Vec<String>>>,
    /// For the driver.
    pub options: Option<BTreeMap<String, String>>,
}

/// How fast a block device may be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "blkiodev.ThrottleDevice", rename_all = "PascalCase", default)]
pub struct ThrottleDevice {
    /// The device.
    pub path: String,
    /// Bytes or operations in a second.
    pub rate: u64,
}

/// The weight of a block device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "blkiodev.WeightDevice", rename_all = "PascalCase", default)]
pub struct WeightDevice {
    /// The device.
    pub path: String,
    /// From 10 to 1000.
    pub weight: u16,
}

/// A resource limit of processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.Ulimit", rename_all = "PascalCase", default)]
pub struct Ulimit {
    /// `nofile`, `nproc`, …
    pub name: String,
    /// The limit a process may not raise.
    pub hard: i64,
    /// The limit in force.
    pub soft: i64,
}
