//! Addresses and address pools in settings, with Go's and dockerd's reasons for what is wrong.

use pontoon_types::{AddressPool, IpNet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What `host-gateway` means in extra hosts; `None` leaves a family to the default bridge's gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostGateway {
    /// IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
}

impl HostGateway {
    /// At most one address of each family.
    pub(crate) fn new(addresses: &[IpAddr]) -> Result<Self, String> {
        let mut gateway = Self::default();
        for address in addresses {
            let (family, second) = match address {
                IpAddr::V4(address) => ("IPv4", gateway.ipv4.replace(*address).is_some()),
                IpAddr::V6(address) => ("IPv6", gateway.ipv6.replace(*address).is_some()),
            };
            if second {
                return Err(format!("only one {family} host gateway IP address can be specified"));
            }
        }
        Ok(gateway)
    }
}

/// An IP address, without zone.
pub(crate) fn ip(text: &str) -> Result<IpAddr, String> {
    text.trim().parse().map_err(|_| format!("ParseAddr({text:?}): unable to parse IP"))
}

/// `ADDRESS:PORT` for the metrics; empty is none.
pub(crate) fn metrics(text: &str) -> Result<Option<SocketAddr>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = text.strip_prefix("tcp://").unwrap_or(text);
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let any = text.strip_prefix(':').map(|port| format!("[::]:{port}"));
    let address = local.or(any).unwrap_or_else(|| text.to_owned());
    address.parse().map(Some).map_err(|_| format!("invalid metrics address {text:?}: must be ADDRESS:PORT"))
}

/// Pools by their order; the reasons are those of dockerd's controller.
pub(crate) fn pools(given: &[(String, i64)]) -> Vec<Result<AddressPool, String>> {
    given.iter().enumerate().map(|(index, (base, size))| pool(index, base, *size)).collect()
}

fn pool(index: usize, base: &str, size: i64) -> Result<AddressPool, String> {
    let uncanonical = || format!("network at index {index} ({base}) is not in canonical form");
    let net: IpNet = base.parse().map_err(|_| uncanonical())?;
    let size = u8::try_from(size).ok().filter(|&size| size > 0 && size <= net.max_prefix_len());
    let size = size.ok_or_else(uncanonical)?;
    if size < net.prefix_len() {
        let bits = net.prefix_len();
        return Err(format!(
            "network at index {index} ({base}) has a smaller prefix (/{bits}) than the target size of that pool (/{size})"
        ));
    }
    Ok(AddressPool { base: net.trunc(), size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_checked_as_dockerd_checks_them() {
        for (base, size, expected) in [
            ("10.0.0.0/8", 24, Ok("10.0.0.0/8")),
            ("10.1.2.3/16", 16, Ok("10.1.0.0/16")),
            ("fd00::/48", 64, Ok("fd00::/48")),
            ("10.0.0.0", 24, Err("network at index 0 (10.0.0.0) is not in canonical form")),
            ("10.0.0.0/8", 0, Err("network at index 0 (10.0.0.0/8) is not in canonical form")),
            ("10.0.0.0/8", 33, Err("network at index 0 (10.0.0.0/8) is not in canonical form")),
            (
                "10.0.0.0/16",
                8,
                Err(
                    "network at index 0 (10.0.0.0/16) has a smaller prefix (/16) than the target size of that pool (/8)",
                ),
            ),
        ] {
            let pool = pools(&[(base.to_owned(), size)]).remove(0).map(|pool| pool.base.to_string());
            assert_eq!(pool, expected.map(str::to_owned).map_err(str::to_owned), "{base}");
        }
    }

    #[test]
    fn each_family_has_at_most_one_host_gateway() {
        let gateway = |texts: &[&str]| HostGateway::new(&texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<_>>());
        assert!(gateway(&["10.0.0.1", "fd00::1"]).is_ok());
        assert!(gateway(&["10.0.0.1", "10.0.0.2"]).unwrap_err().contains("only one IPv4"));
        assert!(gateway(&["fd00::1", "fd00::2"]).unwrap_err().contains("only one IPv6"));
    }
}
