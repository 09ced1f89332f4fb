//! The part of a container's settings that belongs to this host: Docker's `HostConfig`, with the fields of `Resources`.
//!
//! Every field of the API is here, also those that Pontoon refuses: a field that is not known would be ignored
//! silently.

use super::devices::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice};
use super::{ConsoleSize, LogConfig, Mount, PortMap, RestartPolicy};
use pontoon_types::Address;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

type Strings = Option<Vec<String>>;
type StringMap = Option<BTreeMap<String, String>>;

/// What a container gets of the host, and what it may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "container.HostConfig", rename_all = "PascalCase", default)]
pub struct HostConfig {
    /// `source:destination[:options]`.
    pub binds: Strings,
    /// Where a client wrote the id; of no meaning to the daemon.
    #[serde(rename = "ContainerIDFile")]
    pub container_id_file: String,
    /// Where output goes.
    pub log_config: LogConfig,
    /// `bridge`, `host`, `none`, `container:x`, or a network.
    pub network_mode: String,
    /// Ports to publish.
    pub port_bindings: Option<PortMap>,
    /// When to start it again.
    pub restart_policy: RestartPolicy,
    /// Whether it goes when it ends.
    pub auto_remove: bool,
    /// Driver of volumes that are made for it.
    pub volume_driver: String,
    /// `container[:ro|rw]`.
    pub volumes_from: Strings,
    /// First size of the terminal.
    pub console_size: ConsoleSize,
    /// Annotations for the runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: StringMap,
    /// Capabilities beyond the default ones.
    pub cap_add: Strings,
    /// Default capabilities it does not get.
    pub cap_drop: Strings,
    /// `private`, `host`, or empty for the daemon's default.
    pub cgroupns_mode: String,
    /// DNS servers.
    pub dns: Option<Vec<Address>>,
    /// Options of the resolver.
    pub dns_options: Strings,
    /// Search domains.
    pub dns_search: Strings,
    /// `name:address` lines for its hosts file.
    pub extra_hosts: Strings,
    /// Further groups of its process.
    pub group_add: Strings,
    /// `none`, `private`, `shareable`, `host` or `container:x`.
    pub ipc_mode: String,
    /// A foreign cgroup; not supported.
    pub cgroup: String,
    /// `name:alias`, on the default bridge.
    pub links: Strings,
    /// How eagerly the kernel ends it when memory is short.
    pub oom_score_adj: i64,
    /// Empty, `host` or `container:x`.
    pub pid_mode: String,
    /// Whether it may do everything.
    pub privileged: bool,
    /// Whether every exposed port is published.
    pub publish_all_ports: bool,
    /// Whether it may not write to its root.
    pub readonly_rootfs: bool,
    /// `no-new-privileges`, `seccomp=…`, `apparmor=…`, `label=…`, `systempaths=unconfined`.
    pub security_opt: Strings,
    /// Options of the image store; not supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_opt: StringMap,
    /// Folders on a tmpfs, with mount options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmpfs: StringMap,
    /// Empty or `host`.
    #[serde(rename = "UTSMode")]
    pub uts_mode: String,
    /// Empty or `host`.
    pub userns_mode: String,
    /// Size of `/dev/shm` in bytes; 0 takes 64 MiB.
    pub shm_size: i64,
    /// Kernel parameters of its namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sysctls: StringMap,
    /// The OCI runtime to use.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub runtime: String,
    /// Windows only: `default` or empty.
    pub isolation: String,

    // Resources.
    /// Weight of its share of processors.
    pub cpu_shares: i64,
    /// Memory in bytes; 0 has no limit.
    pub memory: i64,
    /// Processors in billionths.
    pub nano_cpus: i64,
    /// The cgroup under which its own is made.
    pub cgroup_parent: String,
    /// Weight of its share of block devices.
    pub blkio_weight: u16,
    /// The same for one device.
    pub blkio_weight_device: Option<Vec<WeightDevice>>,
    /// Bytes it may read in a second.
    pub blkio_device_read_bps: Option<Vec<ThrottleDevice>>,
    /// Bytes it may write in a second.
    pub blkio_device_write_bps: Option<Vec<ThrottleDevice>>,
    /// Reads it may make in a second.
    #[serde(rename = "BlkioDeviceReadIOps")]
    pub blkio_device_read_iops: Option<Vec<ThrottleDevice>>,
    /// Writes it may make in a second.
    #[serde(rename = "BlkioDeviceWriteIOps")]
    pub blkio_device_write_iops: Option<Vec<ThrottleDevice>>,
    /// Microseconds of a period of the scheduler.
    pub cpu_period: i64,
    /// Microseconds it may run in a period.
    pub cpu_quota: i64,
    /// The same for real-time tasks.
    pub cpu_realtime_period: i64,
    /// The same for real-time tasks.
    pub cpu_realtime_runtime: i64,
    /// Processors it may use, `0-3,5`.
    pub cpuset_cpus: String,
    /// Memory nodes it may use.
    pub cpuset_mems: String,
    /// Devices of the host.
    pub devices: Option<Vec<DeviceMapping>>,
    /// Rules of the device cgroup.
    pub device_cgroup_rules: Strings,
    /// Requests to device drivers; not supported.
    pub device_requests: Option<Vec<DeviceRequest>>,
    /// Memory it keeps when memory is short.
    pub memory_reservation: i64,
    /// Memory and swap together; -1 has no limit.
    pub memory_swap: i64,
    /// From 0 to 100.
    pub memory_swappiness: Option<i64>,
    /// Whether the kernel may not end it when its memory is used up.
    pub oom_kill_disable: Option<bool>,
    /// How many processes it may have; 0 and -1 have no limit.
    pub pids_limit: Option<i64>,
    /// Resource limits of its processes.
    pub ulimits: Option<Vec<Ulimit>>,
    /// Windows only.
    pub cpu_count: i64,
    /// Windows only.
    pub cpu_percent: i64,
    /// Windows only.
    #[serde(rename = "IOMaximumIOps")]
    pub io_maximum_iops: u64,
    /// Windows only.
    #[serde(rename = "IOMaximumBandwidth")]
    pub io_maximum_bandwidth: u64,
    /// Limit of kernel memory, which kernels no longer have.
    #[serde(skip_serializing_if = "is_zero")]
    pub kernel_memory: i64,
    /// Limit of TCP buffers, which only version 1 of cgroups has.
    #[serde(rename = "KernelMemoryTCP", skip_serializing_if = "is_zero")]
    pub kernel_memory_tcp: i64,

    /// Mounts in the long form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mounts: Option<Vec<Mount>>,
    /// Paths it may not see; absent takes the default ones.
    pub masked_paths: Strings,
    /// Paths it may not write to; absent takes the default ones.
    pub readonly_paths: Strings,
    /// Whether a small init runs in front; absent takes the daemon's choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of Docker's `HostConfig` in its order, as `docker inspect` shows them for a container with defaults.
    const SHOWN: &str = r#"{"Binds":null,"ContainerIDFile":"","LogConfig":{"Type":"","Config":null},"NetworkMode":"","PortBindings":null,"RestartPolicy":{"Name":"","MaximumRetryCount":0},"AutoRemove":false,"VolumeDriver":"","VolumesFrom":null,"ConsoleSize":[0,0],"CapAdd":null,"CapDrop":null,"CgroupnsMode":"","Dns":null,"DnsOptions":null,"DnsSearch":null,"ExtraHosts":null,"GroupAdd":null,"IpcMode":"","Cgroup":"","Links":null,"OomScoreAdj":0,"PidMode":"","Privileged":false,"PublishAllPorts":false,"ReadonlyRootfs":false,"SecurityOpt":null,"UTSMode":"","UsernsMode":"","ShmSize":0,"Isolation":"","CpuShares":0,"Memory":0,"NanoCpus":0,"CgroupParent":"","BlkioWeight":0,"BlkioWeightDevice":null,"BlkioDeviceReadBps":null,"BlkioDeviceWriteBps":null,"BlkioDeviceReadIOps":null,"BlkioDeviceWriteIOps":null,"CpuPeriod":0,"CpuQuota":0,"CpuRealtimePeriod":0,"CpuRealtimeRuntime":0,"CpusetCpus":"","CpusetMems":"","Devices":null,"DeviceCgroupRules":null,"DeviceRequests":null,"MemoryReservation":0,"MemorySwap":0,"MemorySwappiness":null,"OomKillDisable":null,"PidsLimit":null,"Ulimits":null,"CpuCount":0,"CpuPercent":0,"IOMaximumIOps":0,"IOMaximumBandwidth":0,"MaskedPaths":null,"ReadonlyPaths":null}"#;

    #[test]
    fn it_is_shown_as_docker_shows_it() {
        assert_eq!(serde_json::to_string(&HostConfig::default()).unwrap(), SHOWN);
        assert_eq!(serde_json::from_str::<HostConfig>(SHOWN).unwrap(), HostConfig::default());
    }

    #[test]
    fn what_was_asked_for_is_read_back_from_the_store() {
        let text = r#"{"Binds":["/a:/b"],"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]},"ConsoleSize":[24,80],"Dns":["192.0.2.53"],"Init":false,"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":65536,"Mode":493}}],"Sysctls":{"net.ipv4.ip_forward":"1"},"PidsLimit":-1,"Ulimits":[{"Name":"nofile","Hard":2048,"Soft":1024}]}"#;
        let read: HostConfig = serde_json::from_str(text).unwrap();
        assert_eq!((read.console_size.height, read.console_size.width, read.init), (24, 80, Some(false)));
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<HostConfig>(&again).unwrap(), read);
    }
}
