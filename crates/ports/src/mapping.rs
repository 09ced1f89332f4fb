//! Lists of mappings.
//!
//! Owns: joining runs that continue each other, and the printed form. Must never know the book.

use pontoon_types::{PortMapping, Protocol};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// A mapping as Docker prints it in errors: `hostIP:hostPort[-end]:ctrIP:ctrPort/proto`, IPv6 in brackets.
pub fn describe(mapping: &PortMapping) -> String {
    let mut text = SocketAddr::new(mapping.host_ip, mapping.host.start).to_string();
    if mapping.host.end > mapping.host.start {
        let _ = write!(text, "-{}", mapping.host.end);
    }
    let inside = SocketAddr::new(mapping.container_ip, mapping.container_start);
    let _ = write!(text, ":{inside}/{}", mapping.protocol);
    text
}

/// The same ports with as few mappings as possible, sorted by protocol and host address.
pub(crate) fn joined(mut mappings: Vec<PortMapping>) -> Vec<PortMapping> {
    mappings.sort_unstable_by_key(order);
    mappings.dedup_by(|next, kept| {
        let continues = next.host.start.checked_sub(1) == Some(kept.host.end)
            && next.container_start.checked_sub(1) == Some(kept.container().end)
            && (next.protocol, next.host_ip, next.container_ip) == (kept.protocol, kept.host_ip, kept.container_ip);
        if continues {
            kept.host.end = next.host.end;
        }
        continues
    });
    mappings
}

fn order(mapping: &PortMapping) -> (Protocol, IpAddr, IpAddr, u16) {
    (mapping.protocol, mapping.host_ip, mapping.container_ip, mapping.host.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(host_ip: &str, host: &str, container_ip: &str, container_start: u16) -> PortMapping {
        PortMapping {
            protocol: Protocol::Tcp,
            host_ip: host_ip.parse().unwrap(),
            host: host.parse().unwrap(),
            container_ip: container_ip.parse().unwrap(),
            container_start,
        }
    }

    #[test]
    fn mappings_are_printed_as_docker_does() {
        assert_eq!(describe(&mapping("0.0.0.0", "8080", "172.17.0.2", 80)), "0.0.0.0:8080:172.17.0.2:80/tcp");
        assert_eq!(describe(&mapping("::", "80-90", "fd00::2", 80)), "[::]:80-90:[fd00::2]:80/tcp");
    }

    #[test]
    fn only_runs_that_continue_on_both_sides_are_joined() {
        let list = vec![
            mapping("0.0.0.0", "81", "10.0.0.2", 81),
            mapping("0.0.0.0", "80", "10.0.0.2", 80),
            mapping("0.0.0.0", "82", "10.0.0.2", 90),
            mapping("127.0.0.1", "83", "10.0.0.2", 91),
        ];
        let expected = vec![
            mapping("0.0.0.0", "80-81", "10.0.0.2", 80),
            mapping("0.0.0.0", "82", "10.0.0.2", 90),
            mapping("127.0.0.1", "83", "10.0.0.2", 91),
        ];
        assert_eq!(joined(list), expected);
    }
}
