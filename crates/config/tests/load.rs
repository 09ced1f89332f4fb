//! Whole command lines and files, as an operator writes them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use pontoon_config::{Intent, Listen, Loaded, LogFormat, LogLevel, Mistakes, Sources, Start, load};
use pontoon_types::{ErrorKind, Kind};
use std::io;
use std::path::Path;
use std::time::Duration;

fn start(args: &[&str], file: Option<&str>, environment: &[(&str, &str)]) -> Result<Start, Mistakes> {
    load(&Sources {
        args: args.iter().map(Into::into).collect(),
        environment: &|name| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        read: &|_: &Path| file.map(|text| text.as_bytes().to_vec()).ok_or(io::Error::from(io::ErrorKind::NotFound)),
    })
}

fn loaded(args: &[&str], file: Option<&str>) -> Loaded {
    match start(args, file, &[]) {
        Ok(Start::Loaded(loaded)) => *loaded,
        other => panic!("{other:?}"),
    }
}

fn refused(args: &[&str], file: Option<&str>) -> Vec<String> {
    start(args, file, &[]).unwrap_err().0.iter().map(ToString::to_string).collect()
}

const PREFIX: &str = "unable to configure the Docker daemon with file /etc/pontoon/daemon.json: ";
const MERGED: &str = "merged configuration validation from file and command line flags failed: ";

#[test]
fn nothing_said_gives_the_defaults() {
    let Loaded { intent, config, warnings } = loaded(&[], None);
    assert_eq!((intent, warnings), (Intent::Run, vec![]));
    assert_eq!(config.listen, [Listen::Unix("/run/pontoon/pontoon.sock".into())]);
    assert_eq!(config.data_root, Path::new("/var/lib/pontoon"));
    assert_eq!(config.group.as_ref().map(|group| (group.name.as_str(), group.required)), Some(("docker", false)));
    assert_eq!(config.min_api_version.to_string(), "1.24");
    assert_eq!(config.shutdown_timeout, Some(Duration::from_secs(15)));
    assert_eq!((config.log_level, config.log_format, config.debug), (LogLevel::Info, LogFormat::Text, false));
    assert!(config.userland_proxy && config.ip_forward && config.tls.is_none() && config.metrics.is_none());
    assert!(config.address_pools.is_empty() && config.dns.is_empty() && config.labels.is_empty());
}

#[test]
fn a_file_says_the_same_as_flags() {
    let file = r#"{"hosts": ["unix:///a", "tcp://127.0.0.1:1"], "debug": true, "labels": ["a=b"], "dns": ["1.1.1.1"],
        "default-address-pools": [{"base": "172.30.0.0/16", "size": 24}], "dns-search": ["x.y."], "dns-opts": ["ndots:1"],
        "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}}, "features": {"f": true},
        "host-gateway-ips": ["10.0.0.1", "fd00::1"], "userland-proxy": false, "log-format": "json", "group": "wheel",
        "live-restore": true, "shutdown-timeout": -1, "min-api-version": "1.40", "metrics-addr": "127.0.0.1:9"}"#;
    let flags = [
        "-H",
        "unix:///a",
        "--host=tcp://127.0.0.1:1",
        "-D",
        "--label",
        "a=b",
        "--dns=1.1.1.1",
        "--default-address-pool",
        "base=172.30.0.0/16,size=24",
        "--dns-search=x.y.",
        "--dns-opt",
        "ndots:1",
        "--default-network-opt=bridge=com.docker.network.driver.mtu=1400",
        "--feature",
        "f=true",
        "--host-gateway-ip=10.0.0.1",
        "--host-gateway-ip",
        "fd00::1",
        "--userland-proxy=false",
        "--log-format=json",
        "-G",
        "wheel",
        "--live-restore",
        "--shutdown-timeout",
        "-1",
        "--min-api-version=1.40",
        "--metrics-addr",
        "127.0.0.1:9",
    ];
    assert_eq!(loaded(&flags, None).config, loaded(&[], Some(file)).config);
}

#[test]
fn zero_values_in_the_file_do_not_beat_defaults_but_false_does() {
    let config =
        loaded(&[], Some(r#"{"shutdown-timeout": 0, "log-level": "", "mtu": 0, "userland-proxy": false}"#)).config;
    assert_eq!(config.shutdown_timeout, Some(Duration::from_secs(15)));
    assert_eq!(config.log_level, LogLevel::Info);
    assert!(!config.userland_proxy);
}

#[test]
fn a_setting_from_two_places_is_refused_even_when_equal() {
    let file = r#"{"hosts": ["unix:///b"], "debug": true, "default-network-opts": {"bridge": {"a": "b"}}}"#;
    let args = ["-H", "fd://", "-D", "--default-network-opt", "bridge=a=b"];
    let expected = format!(
        "{PREFIX}the following directives are specified both as a flag and in the configuration file: \
         debug: (from flag: true, from file: true), \
         default-network-opts: (from flag: map[bridge:map[a:b]], from file: map[bridge:map[a:b]]), \
         hosts: (from flag: [fd://], from file: [unix:///b])"
    );
    assert_eq!(refused(&args, Some(file)), [expected]);
}

#[test]
fn all_mistakes_of_all_sources_are_reported_together() {
    let file = r#"{"dns": ["x", "1.1.1.1", "y"], "nope": 1, "labels": "l", "bip": "10.0.0.1/8"}"#;
    let args = ["--what", "--host=npipe://x", "--log-level", "loud", "-H", "tcp://0.0.0.0"];
    let expected = [
        "unknown flag: --what".to_owned(),
        format!("{PREFIX}the following directives don't match any configuration option: nope"),
        format!("{PREFIX}json: cannot unmarshal string into Go struct field Config.labels of type []string"),
        "\"bip\" in the configuration file is not implemented yet".to_owned(),
        "invalid argument \"npipe://x\" for \"-H, --host\" flag: invalid bind address (npipe://x): \
         unsupported proto 'npipe'"
            .to_owned(),
        "invalid argument \"loud\" for \"-l, --log-level\" flag: invalid logging level: loud".to_owned(),
        format!("{PREFIX}{MERGED}ParseAddr(\"x\"): unable to parse IP"),
        format!("{PREFIX}{MERGED}ParseAddr(\"y\"): unable to parse IP"),
        "tcp://0.0.0.0:2375 would offer root on this host to everybody who reaches it: \
         use --tlsverify or a loopback address, or insist with --insecure-tcp"
            .to_owned(),
    ];
    assert_eq!(refused(&args, Some(file)), expected);
}

#[test]
fn values_of_flags_are_refused_in_dockerds_words() {
    for (arg, expected) in [
        ("--dns=a", "invalid argument \"a\" for \"--dns\" flag: ParseAddr(\"a\"): unable to parse IP"),
        ("--dns-search=-", "invalid argument \"-\" for \"--dns-search\" flag: - is not a valid domain"),
        (
            "--default-network-opt=a=b",
            "invalid argument \"a=b\" for \"--default-network-opt\" flag: invalid value \"a=b\" for map option, \
             should be root-key=key=value",
        ),
        (
            "--default-address-pool=base",
            "invalid argument \"base\" for \"--default-address-pool\" flag: invalid field 'base' must be a key=value pair",
        ),
        (
            "--default-address-pool=x=1",
            "invalid argument \"x=1\" for \"--default-address-pool\" flag: unexpected key 'x' in 'x=1'",
        ),
        (
            "--default-address-pool=size=x",
            "invalid argument \"size=x\" for \"--default-address-pool\" flag: invalid size value: \"size=x\" \
             (must be integer): strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        ("--label=x", "invalid argument \"x\" for \"--label\" flag: bad attribute format: x"),
        ("--data-root=x", "invalid argument \"x\" for \"--data-root\" flag: \"x\" must be an absolute path"),
        (
            "--feature=a=b",
            "invalid argument \"a=b\" for \"--feature\" flag: invalid boolean value \"b\" for feature \"a\"",
        ),
        ("--firewall-backend=pf", "invalid firewall-backend: allowed values are \"iptables\" and \"nftables\""),
    ] {
        assert_eq!(refused(&[arg], None), [expected], "{arg}");
    }
}

#[test]
fn what_is_still_to_come_is_refused_unless_it_is_the_default() {
    let later = [
        "--bip=10.0.0.1/24",
        "-b=br0",
        "--bip6=fd00::1/64",
        "--fixed-cidr=10.0.0.0/24",
        "--fixed-cidr-v6=fd00::/64",
        "--default-gateway=10.0.0.1",
        "--default-gateway-v6=fd00::1",
        "--ipv6",
        "--icc=false",
        "--ip=127.0.0.1",
        "--ip-masq=false",
        "--mtu=1400",
        "--iptables=false",
        "--ip6tables=false",
        "--allow-direct-routing",
        "--bridge-accept-fwmark=1",
        "--firewall-backend=iptables",
    ];
    for arg in later {
        let mistakes = start(&[arg], None, &[]).unwrap_err();
        assert_eq!(mistakes.kind(), ErrorKind::NotImplemented, "{arg}");
        assert!(mistakes.to_string().ends_with(" is not implemented yet"), "{mistakes}");
    }
    assert_eq!(refused(&["--mtu=1400"], None), ["--mtu is not implemented yet"]);
    let defaults = [
        "--bip=",
        "--bridge=",
        "--ipv6=false",
        "--icc",
        "--ip=0.0.0.0",
        "--ip-masq=true",
        "--mtu=1500",
        "--iptables=true",
        "--allow-direct-routing=false",
        "--firewall-backend=nftables",
        "--firewall-backend=",
    ];
    for arg in defaults {
        assert_eq!(loaded(&[arg], None).warnings, Vec::<String>::new(), "{arg}");
    }
}

#[test]
fn settings_without_meaning_get_one_warning_each() {
    let file = r#"{"storage-driver": "overlay2", "log-opts": {"max-size": "1m"}, "exec-opts": ["a=b"]}"#;
    let warnings = loaded(&["--containerd=/run/x", "--log-driver", "none", "--log-driver=local"], Some(file)).warnings;
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    assert!(warnings.iter().any(|w| w == "--containerd has no effect: it concerns containers, which are not run here"));
    assert!(warnings.iter().any(|w| w.starts_with("\"storage-driver\" in the configuration file has no effect: ")));
}

#[test]
fn a_missing_file_is_fine_only_when_it_was_not_asked_for() {
    assert_eq!(
        refused(&["--config-file", "/x"], None),
        ["unable to configure the Docker daemon with file /x: open /x: no such file or directory"]
    );
    assert_eq!(loaded(&["--config-file=/x"], Some(" ")).config.config_file, Path::new("/x"));
}

#[test]
fn plain_tcp_beyond_loopback_needs_insistence() {
    assert_eq!(loaded(&["-H", "tcp://127.0.0.1:1", "-H", "tcp://[::1]:1"], None).warnings.len(), 2);
    let config = loaded(&["-H", "tcp://0.0.0.0:1", "--insecure-tcp"], None);
    assert!(config.warnings[0].contains("without a certificate"), "{:?}", config.warnings);
    assert!(loaded(&["-H", "tcp://0.0.0.0:1", "--tlsverify"], None).warnings.is_empty());
    assert_eq!(loaded(&["-H", "tcp://0.0.0.0:1", "--tls"], None).warnings.len(), 1);
}

#[test]
fn tls_is_as_in_dockerd() {
    let config = loaded(&["--tlsverify", "--tlscert", "c.pem"], None).config;
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:2376".parse().unwrap())]);
    let tls = config.tls.unwrap();
    assert_eq!((tls.certificate.as_path(), tls.key.as_path()), (Path::new("c.pem"), Path::new("/etc/pontoon/key.pem")));
    assert_eq!(tls.clients.as_deref(), Some(Path::new("/etc/pontoon/ca.pem")));
    assert_eq!(loaded(&["--tls"], None).config.tls.unwrap().clients, None);
    let environment = [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/c/")];
    let Ok(Start::Loaded(loaded)) = start(&[], None, &environment) else { panic!("refused") };
    assert_eq!(loaded.config.tls.unwrap().clients.as_deref(), Some(Path::new("/c/ca.pem")));
}

#[test]
fn the_environment_counts_only_where_nothing_else_is_said() {
    let environment = [("DOCKER_MIN_API_VERSION", "1.44")];
    let version = |args: &[&str]| match start(args, None, &environment) {
        Ok(Start::Loaded(loaded)) => loaded.config.min_api_version.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!((version(&[]), version(&["--min-api-version=1.30"])), ("1.44".to_owned(), "1.30".to_owned()));
    let mistakes = start(&[], None, &[("DOCKER_MIN_API_VERSION", "v1.44")]).unwrap_err();
    assert_eq!(
        mistakes.to_string(),
        "invalid DOCKER_MIN_API_VERSION: API version must be provided without \"v\" prefix"
    );
}

#[test]
fn acts_are_told_from_settings() {
    assert_eq!(start(&["-v"], None, &[]), Ok(Start::Version));
    assert!(matches!(start(&["--help"], None, &[]), Ok(Start::Help(_))));
    assert_eq!(loaded(&["--validate"], None).intent, Intent::Validate);
    assert_eq!(loaded(&["--cleanup"], None).intent, Intent::Cleanup);
}

#[test]
fn a_reload_changes_what_dockerd_reloads_and_names_the_rest() {
    let old = loaded(&[], Some(r#"{"debug": true, "live-restore": true, "features": {"a": true}, "labels": ["x=1"]}"#))
        .config;
    let new = loaded(&[], Some(r#"{"labels": ["x=2"], "dns": ["1.1.1.1"], "userland-proxy": false}"#)).config;
    let outcome = old.reload(&new);
    assert!(outcome.config.debug && outcome.config.live_restore, "unset stays unchanged");
    assert!(outcome.config.features.is_empty(), "features are replaced as a whole");
    assert_eq!(outcome.config.labels, ["x=2"]);
    assert!(outcome.config.dns.is_empty() && outcome.config.userland_proxy, "not reloadable");
    assert_eq!(outcome.waiting, ["dns", "userland-proxy"]);
    let attributes: Vec<(&str, &str)> = outcome.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [
        ("debug", "true"),
        ("features", "map[]"),
        ("insecure-registries", "[]"),
        ("labels", "[\"x=2\"]"),
        ("live-restore", "true"),
        ("shutdown-timeout", "15"),
    ];
    assert_eq!(attributes, expected);
    let quiet = loaded(&[], Some(r#"{"debug": false}"#)).config;
    assert_eq!(old.reload(&quiet).config.effective_log_level(), LogLevel::Info);
}
