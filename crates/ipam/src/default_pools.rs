//! The pools from which networks without a subnet of their own get one.
//!
//! Owns: Docker's default pools, the host's own IPv6 pool, and the checks of configured ones. Must never know which
//! parts of them are in use.

use crate::Error;
use crate::span::{self, Span};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use pontoon_types::{AddressPool, Family};
use sha2::{Digest, Sha256};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Docker's local pools, in order: address, prefix length, prefix length of the subnets (moby `ipamutils`).
const DEFAULTS: [(Ipv4Addr, u8, u8); 7] = [
    (Ipv4Addr::new(172, 17, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 18, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 19, 0, 0), 16, 16),
    (Ipv4Addr::new(172, 20, 0, 0), 14, 16),
    (Ipv4Addr::new(172, 24, 0, 0), 14, 16),
    (Ipv4Addr::new(172, 28, 0, 0), 14, 16),
    (Ipv4Addr::new(192, 168, 0, 0), 16, 20),
];

/// The IPv6 pool of a host: a ULA /48 (RFC 4193) cut into /64, from the SHA-256 of the daemon's persistent id. It is
/// as stable as that id.
pub fn ula_pool(daemon_id: &str) -> AddressPool {
    let digest = Sha256::digest(daemon_id.as_bytes());
    let mut bytes = [0u8; 16];
    bytes[0] = 0xfd;
    // The low 40 bits of the first eight bytes read as one big-endian number are the global id.
    bytes[1..6].copy_from_slice(&digest[3..8]);
    AddressPool { base: net(Ipv6Net::new(Ipv6Addr::from(bytes), 48), IpNet::V6), size: 64 }
}

/// The pools of one host, sorted by address and free of overlaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPools {
    v4: Vec<AddressPool>,
    v6: Vec<AddressPool>,
}

impl AddressPools {
    /// Docker's own pools, and the host's IPv6 pool.
    pub fn defaults(daemon_id: &str) -> Self {
        let base = |address, length| net(Ipv4Net::new(address, length), IpNet::V4);
        let v4 = DEFAULTS.map(|(address, length, size)| AddressPool { base: base(address, length), size });
        Self { v4: v4.to_vec(), v6: vec![ula_pool(daemon_id)] }
    }

    /// The pools an operator configured (`default-address-pools`); none at all means [`AddressPools::defaults`].
    ///
    /// Their order does not matter: they are sorted, and one that overlaps an earlier one is dropped, as in Docker.
    /// The host's own IPv6 pool is added unless there is an IPv6 pool among them. Fails on the first entry that has
    /// no size, or a size that does not fit.
    pub fn configured(pools: &[AddressPool], daemon_id: &str) -> Result<Self, Error> {
        if pools.is_empty() {
            return Ok(Self::defaults(daemon_id));
        }
        if let Some(error) = Self::problems(pools).next() {
            return Err(error);
        }
        let mut v6 = sorted(pools, Family::V6);
        if v6.is_empty() {
            v6.push(ula_pool(daemon_id));
        }
        Ok(Self { v4: sorted(pools, Family::V4), v6 })
    }

    /// Everything wrong with configured pools, for those who report all mistakes at once.
    pub fn problems(pools: &[AddressPool]) -> impl Iterator<Item = Error> {
        pools.iter().enumerate().filter_map(|(index, pool)| check(index, pool).err())
    }

    /// The pools of one family, in the order in which they are tried.
    pub fn of(&self, family: Family) -> &[AddressPool] {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

fn net<N, E>(net: Result<N, E>, wrap: fn(N) -> IpNet) -> IpNet {
    net.map(wrap).unwrap_or_default().trunc()
}

fn check(index: usize, pool: &AddressPool) -> Result<(), Error> {
    let (base, size) = (pool.base, pool.size);
    if size == 0 {
        Err(Error::PoolWithoutSize { index, base })
    } else if base.prefix_len() > size {
        Err(Error::PoolTooSmall { index, base, size })
    } else if size > span::width(Family::of_net(&base)) {
        Err(Error::PoolSizeTooLong { index, base, size })
    } else {
        Ok(())
    }
}

fn sorted(pools: &[AddressPool], family: Family) -> Vec<AddressPool> {
    let mut chosen: Vec<AddressPool> = pools
        .iter()
        .filter(|pool| Family::of_net(&pool.base) == family)
        .map(|pool| AddressPool { base: pool.base.trunc(), size: pool.size })
        .collect();
    chosen.sort_by_key(|pool| (Span::of(&pool.base).first, pool.base.prefix_len(), pool.size));
    // Prefixes are nested or apart, so in this order only the pool kept last can contain the next one.
    chosen.dedup_by(|next, kept| kept.base.contains(&next.base));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(base: &str, size: u8) -> AddressPool {
        AddressPool { base: base.parse().unwrap(), size }
    }

    #[test]
    fn the_defaults_hold_thirty_one_subnets() {
        let pools = AddressPools::defaults("id");
        let subnets: u32 = pools.of(Family::V4).iter().map(|p| 1u32 << (p.size - p.base.prefix_len())).sum();
        assert_eq!(subnets, 15 + 16);
        assert_eq!(pools.of(Family::V4)[0], pool("172.17.0.0/16", 16));
        assert_eq!(pools.of(Family::V4)[6], pool("192.168.0.0/16", 20));
    }

    #[test]
    fn the_hosts_ipv6_pool_comes_from_its_id() {
        // SHA-256("abc") begins ba7816bf 8f01cfea: the low 40 bits are bf8f01cfea.
        assert_eq!(ula_pool("abc"), pool("fdbf:8f01:cfea::/48", 64));
    }

    #[test]
    fn configured_pools_replace_the_defaults_and_are_sorted() {
        let given = [pool("192.168.0.0/16", 24), pool("10.1.2.3/16", 24), pool("10.1.128.0/17", 24)];
        let pools = AddressPools::configured(&given, "abc").unwrap();
        assert_eq!(pools.of(Family::V4), [pool("10.1.0.0/16", 24), pool("192.168.0.0/16", 24)]);
        assert_eq!(pools.of(Family::V6), [ula_pool("abc")]);
        let pools = AddressPools::configured(&[pool("fd00::/48", 64)], "abc").unwrap();
        assert!(pools.of(Family::V4).is_empty());
        assert_eq!(pools.of(Family::V6), [pool("fd00::/48", 64)]);
        assert_eq!(AddressPools::configured(&[], "abc"), Ok(AddressPools::defaults("abc")));
    }

    #[test]
    fn pools_that_cannot_be_split_are_refused() {
        for (bad, text) in [
            (pool("10.0.0.0/8", 0), "network at index 1 (10.0.0.0/8) is not in canonical form"),
            (
                pool("10.0.0.0/16", 8),
                "network at index 1 (10.0.0.0/16) has a smaller prefix (/16) than the target size of that pool (/8)",
            ),
            (
                pool("10.0.0.0/16", 33),
                "network at index 1 (10.0.0.0/16) has a target size (/33) longer than an address",
            ),
        ] {
            let error = AddressPools::configured(&[pool("10.0.0.0/8", 24), bad], "abc").unwrap_err();
            assert_eq!(error.to_string(), text);
        }
        let all = [pool("10.0.0.0/8", 0), pool("10.0.0.0/8", 24), pool("10.0.0.0/8", 33)];
        assert_eq!(AddressPools::problems(&all).count(), 2);
    }
}
