//! dockerd's settings that mean nothing here: accepted with a warning, so that an existing `daemon.json` starts.
//!
//! Must never list a setting whose absence would weaken what the user asked of networking.

use crate::Setting;
use crate::Shape::{self, Bool, Opaque, Text};
use crate::Standing::Ignored;

const CONTAINERS: &str = "it concerns containers, which are not run here";
const IMAGES: &str = "it concerns how Docker stores or fetches images, which is done differently here";
const SWARM: &str = "it concerns swarm mode";
const PROXY: &str = "the daemon fetches nothing";
const FORWARDER: &str = "the forwarder is part of the daemon";
const POLICY: &str = "the policy of foreign chains is never changed";
const EXPERIMENTAL: &str = "nothing here is experimental";
const RAW: &str = "logs are never coloured";
const ROOTLESS: &str = "the daemon finds out by itself in what it runs";
const AUTHORIZATION: &str = "there are no authorization plugins here";

const fn ignored(name: &'static str, shape: Shape, why: &'static str) -> Setting {
    Setting::new(name, shape, "No effect; accepted for dockerd's sake").standing(Ignored(why))
}

pub(super) const SETTINGS: &[Setting] = &[
    ignored("add-runtime", Opaque, CONTAINERS).key("runtimes"),
    ignored("authorization-plugin", Opaque, AUTHORIZATION).key("authorization-plugins"),
    ignored("builder", Opaque, IMAGES).no_flag(),
    ignored("cdi-spec-dir", Opaque, CONTAINERS).key("cdi-spec-dirs"),
    ignored("cgroup-parent", Opaque, CONTAINERS),
    ignored("cluster-store-opts", Opaque, SWARM).no_flag(),
    ignored("containerd", Opaque, CONTAINERS),
    ignored("containerd-namespace", Opaque, CONTAINERS),
    ignored("containerd-plugins-namespace", Opaque, CONTAINERS),
    ignored("cpu-rt-period", Opaque, CONTAINERS),
    ignored("cpu-rt-runtime", Opaque, CONTAINERS),
    ignored("cri-containerd", Bool, CONTAINERS),
    ignored("default-cgroupns-mode", Opaque, CONTAINERS),
    ignored("default-ipc-mode", Opaque, CONTAINERS),
    ignored("default-runtime", Opaque, CONTAINERS),
    ignored("default-shm-size", Opaque, CONTAINERS),
    ignored("default-stop-timeout", Opaque, CONTAINERS).no_flag(),
    ignored("default-ulimit", Opaque, CONTAINERS).key("default-ulimits"),
    ignored("exec-opt", Opaque, CONTAINERS).key("exec-opts"),
    ignored("experimental", Bool, EXPERIMENTAL),
    ignored("http-proxy", Text, PROXY),
    ignored("https-proxy", Text, PROXY),
    ignored("init", Bool, CONTAINERS),
    ignored("init-path", Opaque, CONTAINERS),
    ignored("ip-forward-no-drop", Bool, POLICY),
    ignored("log-driver", Opaque, CONTAINERS),
    ignored("log-opt", Opaque, CONTAINERS).key("log-opts"),
    ignored("max-concurrent-downloads", Opaque, IMAGES),
    ignored("max-concurrent-uploads", Opaque, IMAGES),
    ignored("max-download-attempts", Opaque, IMAGES),
    ignored("network-control-plane-mtu", Opaque, SWARM),
    ignored("network-diagnostic-port", Opaque, SWARM),
    ignored("no-new-privileges", Bool, CONTAINERS),
    ignored("no-proxy", Text, PROXY),
    ignored("node-generic-resource", Opaque, SWARM).key("node-generic-resources"),
    ignored("nri-opts", Opaque, CONTAINERS).no_flag(),
    ignored("raw-logs", Bool, RAW),
    ignored("registry-mirror", Opaque, IMAGES).key("registry-mirrors"),
    ignored("rootless", Bool, ROOTLESS).no_key(),
    ignored("seccomp-profile", Opaque, CONTAINERS),
    ignored("selinux-enabled", Bool, CONTAINERS),
    ignored("storage-driver", Opaque, IMAGES).short('s'),
    ignored("storage-opt", Opaque, IMAGES).key("storage-opts"),
    ignored("swarm-default-advertise-addr", Text, SWARM),
    ignored("userland-proxy-path", Opaque, FORWARDER),
    ignored("userns-remap", Opaque, CONTAINERS),
];
