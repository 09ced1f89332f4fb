//! Shapes that lower crates own and the API shares with them: addresses, ordered maps, ports, settings of endpoints.
//!
//! Here are only their names, and the tests of how Go's rules read them.

pub use pontoon_containers::spec::{
    EndpointIpamConfig, EndpointSettings, HostBinding, PortMap, bindings_from_map, map_from_bindings, map_from_mappings,
};
pub use pontoon_types::{Address, HardwareAddress, Ordered, Prefix, quote};

#[cfg(test)]
mod addresses {
    use super::*;
    use pontoon_types::ZoneError;

    #[test]
    fn unset_is_the_empty_text_both_ways() {
        for text in ["\"\"", "null"] {
            assert_eq!(crate::decode::<Address>(text.as_bytes()).unwrap(), Address::default());
            assert_eq!(crate::decode::<Prefix>(text.as_bytes()).unwrap(), Prefix::default());
            assert_eq!(crate::decode::<HardwareAddress>(text.as_bytes()).unwrap(), HardwareAddress::default());
        }
        assert_eq!(serde_json::to_string(&Address::default()).unwrap(), "\"\"");
        assert_eq!(serde_json::to_string(&HardwareAddress::default()).unwrap(), "\"\"");
    }

    #[test]
    fn values_are_read_back_as_written() {
        let body = b"\"10.0.0.1/8\"";
        let prefix: Prefix = crate::decode(body).unwrap();
        assert_eq!(serde_json::to_vec(&prefix).unwrap(), body);
        let mac: HardwareAddress = crate::decode(b"\"02-42-AC-11-00-02\"").unwrap();
        assert_eq!(serde_json::to_string(&mac).unwrap(), "\"02:42:ac:11:00:02\"");
    }

    #[test]
    fn a_malformed_one_is_told_in_gos_words() {
        let text = |body: &str| crate::decode::<HardwareAddress>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(text("\"zz\""), "invalid JSON: address zz: invalid MAC address");
        let text = |body: &str| crate::decode::<Prefix>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(text("\"10.0.0.0\""), "invalid JSON: netip.ParsePrefix(\"10.0.0.0\"): no '/'");
        assert_eq!(text("7"), "invalid JSON: json: cannot unmarshal number into Go value of type netip.Prefix");
    }

    #[test]
    fn a_zone_is_read_and_then_refused() {
        let address: Address = crate::decode(b"\"fe80::1%eth0\"").unwrap();
        assert_eq!(address.get(), Err(ZoneError("fe80::1%eth0".into())));
    }
}

#[cfg(test)]
mod ports {
    use super::*;
    use pontoon_types::{PortBinding, PortMapping, PortRange, Protocol};

    fn map(text: &str) -> PortMap {
        crate::decode(text.as_bytes()).unwrap()
    }

    fn refused(text: &str) -> String {
        bindings_from_map(&map(text)).unwrap_err().to_string()
    }

    #[test]
    fn a_map_survives_the_way_to_bindings_and_back() {
        let text = r#"{"443/tcp":[{"HostIp":"127.0.0.1","HostPort":"4443"}],"80/tcp":[{"HostIp":"","HostPort":"8000-8010"},{"HostIp":"::1","HostPort":""}],"20000-29999/udp":[{"HostIp":"","HostPort":"20000-29999"}]}"#;
        let bindings = bindings_from_map(&map(text)).unwrap();
        assert_eq!(bindings.len(), 4);
        assert_eq!(serde_json::to_string(&map_from_bindings(&bindings)).unwrap(), text);
    }

    #[test]
    fn null_and_the_empty_list_ask_for_one_ephemeral_port() {
        for text in [r#"{"80":null}"#, r#"{"80/tcp":[]}"#, r#"{"80/TCP":[{}]}"#, r#"{"80":[null]}"#] {
            let wanted =
                PortBinding { container: PortRange::single(80), protocol: Protocol::Tcp, host_ip: None, host: None };
            assert_eq!(bindings_from_map(&map(text)).unwrap(), [wanted], "{text}");
        }
    }

    #[test]
    fn what_is_no_port_is_told_in_dockers_words() {
        for (text, error) in [
            (r#"{"0/tcp":[]}"#, "invalid port specification: \"0/tcp\""),
            (r#"{"x/tcp":[]}"#, "invalid port 'x': invalid syntax"),
            (r#"{"70000":[]}"#, "invalid port '70000': value out of range"),
            (r#"{"80/tcp":[{"HostPort":"90-80"}]}"#, "invalid port specification: \"90-80\""),
            (r#"{"90-80/tcp":[]}"#, "invalid port specification: \"90-80/tcp\""),
            (r#"{"80-x/tcp":[]}"#, "invalid port 'x': invalid syntax"),
            (r#"{"80-/tcp":[]}"#, "invalid port '': value is empty"),
            (r#"{"80/icmp":[]}"#, "unknown protocol"),
        ] {
            assert_eq!(refused(text), error, "{text}");
        }
        let bad = crate::decode::<PortMap>(br#"{"80":[{"HostIp":"[::1]"}]}"#).unwrap_err().to_string();
        assert!(bad.starts_with("invalid JSON: ParseAddr(\"[::1]\"): "), "{bad}");
    }

    #[test]
    fn a_mapped_address_is_ipv4() {
        let bindings = bindings_from_map(&map(r#"{"80":[{"HostIp":"::ffff:127.0.0.1"}]}"#)).unwrap();
        assert_eq!(bindings[0].host_ip, Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn published_ports_are_shown_by_port_with_every_host_end() {
        let mapping = |ip: &str, host: u16| PortMapping {
            protocol: Protocol::Tcp,
            host_ip: ip.parse().unwrap(),
            host: PortRange { start: host, end: host + 1 },
            container_ip: "10.0.0.2".parse().unwrap(),
            container_start: 80,
        };
        let map = map_from_mappings(&[mapping("::", 8080), mapping("0.0.0.0", 8080)]);
        assert_eq!(
            serde_json::to_string(&map).unwrap(),
            r#"{"80-81/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080-8081"},{"HostIp":"::","HostPort":"8080-8081"}]}"#
        );
    }
}
