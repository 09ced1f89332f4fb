//! Settings that work.
//!
//! Must never list a setting that nothing reads.

use crate::Setting;
use crate::Shape::{Bool, Int, List, Map, Nested, Pools, Text};

pub(super) const SETTINGS: &[Setting] = &[
    // The API socket.
    Setting::new("host", List, "Socket to listen on: unix://PATH, fd://, tcp://[HOST][:PORT]").short('H').key("hosts"),
    Setting::new("insecure-tcp", Bool, "Let tcp:// listen beyond loopback without TLS (whoever connects is root here)"),
    Setting::new("group", Text, "Group that may use the unix socket").short('G').default("docker"),
    Setting::new("tls", Bool, "Use TLS on tcp:// sockets; implied by --tlsverify"),
    Setting::new("tlsverify", Bool, "Use TLS and accept only clients with a certificate of our authority")
        .env("DOCKER_TLS_VERIFY"),
    Setting::new("tlscacert", Text, "Authority that clients' certificates must come from")
        .default("/etc/pontoon/ca.pem"),
    Setting::new("tlscert", Text, "The server's certificate").default("/etc/pontoon/cert.pem"),
    Setting::new("tlskey", Text, "The server's private key").default("/etc/pontoon/key.pem"),
    Setting::new("min-api-version", Text, "Oldest API version to serve").default("1.24").env("DOCKER_MIN_API_VERSION"),
    // Where things are.
    Setting::new("config-file", Text, "Configuration file").no_key().default("/etc/pontoon/daemon.json"),
    Setting::new("data-root", Text, "Folder for what must survive a reboot").default("/var/lib/pontoon"),
    Setting::new("exec-root", Text, "Folder for what dies with the kernel").default("/run/pontoon"),
    Setting::new("pidfile", Text, "File for the process id").short('p').default("/run/pontoon.pid"),
    // Operation.
    Setting::new("debug", Bool, "Log what is done to the kernel; same as --log-level=debug").short('D'),
    Setting::new("log-level", Text, "Least severe messages to log: error, warn, info, debug, trace")
        .short('l')
        .default("info"),
    Setting::new("log-format", Text, "Form of log lines: text or json").default("text"),
    Setting::new("metrics-addr", Text, "Address and port for Prometheus metrics"),
    Setting::new("label", List, "A key=value label of the daemon, shown in info").key("labels"),
    Setting::new("feature", Map, "Switch a feature on or off: NAME=true").key("features"),
    Setting::new("live-restore", Bool, "Accepted for dockerd's sake: sandboxes always outlive the daemon"),
    Setting::new("shutdown-timeout", Int, "Seconds to finish requests at the end; negative waits for ever")
        .default("15"),
    // All networks.
    Setting::new("default-address-pool", Pools, "Pool to cut subnets from: base=CIDR,size=BITS")
        .key("default-address-pools"),
    Setting::new("default-network-opt", Nested, "Option for new networks of a driver: DRIVER=OPTION=VALUE")
        .key("default-network-opts"),
    Setting::new("dns", List, "DNS server for sandboxes that name none"),
    Setting::new("dns-opt", List, "resolv.conf option for sandboxes that name none").key("dns-opts"),
    Setting::new("dns-search", List, "Search domain for sandboxes that name none; '.' for no search"),
    Setting::new("host-gateway-ip", List, "Address that 'host-gateway' means in extra hosts; one for each family")
        .key("host-gateway-ips")
        .old_key("host-gateway-ip"),
    Setting::new("userland-proxy", Bool, "Carry what the kernel cannot translate in the daemon").default("true"),
    Setting::new("ip-forward", Bool, "Check that the kernel forwards packets, and say so where it does not")
        .default("true"),
    // Images.
    Setting::new("insecure-registry", List, "Registry that may be asked without TLS: HOST[:PORT] or a network as CIDR")
        .key("insecure-registries"),
    // Acts instead of settings.
    Setting::new("validate", Bool, "Check the configuration and exit").no_key(),
    Setting::new("cleanup", Bool, "Remove everything the daemon ever made on this host, and exit").no_key(),
    Setting::new("version", Bool, "Print the version and exit").short('v').no_key(),
];
