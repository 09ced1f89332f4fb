//! What can go wrong with pools and addresses, in Docker's words.
//!
//! Owns: every text of this crate that a client may see, its kind and its remedy. Must never carry HTTP statuses.

use crate::{PoolId, Problems};
use ipnet::IpNet;
use pontoon_types::{ErrorKind, Family, Kind};
use std::net::IpAddr;

/// A request for pools or addresses that was refused, or could not be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A network's `IPAM` section makes no sense.
    #[error("invalid network config:\n{0}")]
    NetworkConfig(Problems),
    /// A default address pool has no subnet size.
    #[error("network at index {index} ({base}) is not in canonical form")]
    PoolWithoutSize {
        /// Its place in the list.
        index: usize,
        /// The pool.
        base: IpNet,
    },
    /// A default address pool is smaller than the subnets to be cut from it.
    #[error(
        "network at index {index} ({base}) has a smaller prefix (/{}) than the target size of that pool (/{size})",
        base.prefix_len()
    )]
    PoolTooSmall {
        /// Its place in the list.
        index: usize,
        /// The pool.
        base: IpNet,
        /// Prefix length of its subnets.
        size: u8,
    },
    /// A default address pool asks for subnets with more bits than an address has.
    #[error("network at index {index} ({base}) has a target size (/{size}) longer than an address")]
    PoolSizeTooLong {
        /// Its place in the list.
        index: usize,
        /// The pool.
        base: IpNet,
        /// Prefix length of its subnets.
        size: u8,
    },
    /// The subnet asked for shares addresses with one that is in use.
    #[error(
        "invalid pool request: Pool overlaps with other one on this address space \
         ({wanted} overlaps {other} of network \"{network}\")"
    )]
    PoolOverlap {
        /// The subnet asked for.
        wanted: IpNet,
        /// The subnet in use.
        other: IpNet,
        /// Who uses it.
        network: String,
    },
    /// No default pool has a free subnet left.
    #[error("all predefined address pools have been fully subnetted")]
    PoolsExhausted {
        /// IP version of the pools.
        family: Family,
        /// What the host itself uses inside the pools: prefix and reason.
        held_back: Vec<String>,
    },
    /// No default pool is large enough for a subnet of the size asked for.
    #[error("invalid address pool")]
    NoPoolOfSize {
        /// IP version of the pools.
        family: Family,
        /// Prefix length asked for.
        size: u8,
    },
    /// Subnet and range, or subnet and pool, are of different IP versions.
    #[error("pool and subpool are of incompatible address families")]
    Families,
    /// A range was given, but no subnet for it to be part of.
    #[error("invalid ip-range {0}: parent subnet invalid Prefix doesn't contain ip-range")]
    RangeWithoutSubnet(IpNet),
    /// The range is not part of its subnet.
    #[error("invalid ip-range {range}: parent subnet {subnet} doesn't contain ip-range")]
    RangeOutside {
        /// The range.
        range: IpNet,
        /// The subnet.
        subnet: IpNet,
    },
    /// Nobody holds that pool.
    #[error("cannot find address pool for poolID:{0}")]
    UnknownPool(PoolId),
    /// Text that is no pool id.
    #[error("invalid pool id: {0}")]
    PoolIdText(String),
    /// Somebody has the address.
    #[error("Address already in use")]
    AddressInUse {
        /// The address.
        address: IpAddr,
        /// Who or what has it, where that is known.
        holder: Option<String>,
    },
    /// The address is in none of the network's subnets.
    #[error("invalid address {0}: It does not belong to any of this network's subnets")]
    OutsideSubnets(IpAddr),
    /// Every address of the pool is taken.
    #[error("no available addresses on this pool")]
    PoolFull,
    /// Every address of every pool of a network is taken.
    #[error("no available {family} addresses on this network's address pools: {network}")]
    NetworkFull {
        /// IP version of the pools.
        family: Family,
        /// The network as `name (id)`.
        network: String,
    },
    /// The network gets no gateway address.
    #[error("failed to allocate gateway ({})", wanted.map(|address| address.to_string()).unwrap_or_default())]
    Gateway {
        /// The gateway the user gave.
        wanted: Option<IpAddr>,
        /// Why.
        #[source]
        cause: Box<Error>,
    },
    /// An auxiliary address lies outside of its subnet.
    #[error("auxiliary address: ({name}:{address}) must belong to the master pool: {subnet}")]
    AuxiliaryOutside {
        /// Its free-form name.
        name: String,
        /// The address.
        address: IpAddr,
        /// The subnet.
        subnet: IpNet,
    },
    /// An auxiliary address could not be set aside.
    #[error("failed to allocate secondary ip address ({name}:{address})")]
    Auxiliary {
        /// Its free-form name.
        name: String,
        /// The address.
        address: IpAddr,
        /// Why.
        #[source]
        cause: Box<Error>,
    },
    /// The `null` driver was asked for a certain subnet.
    #[error("null ipam driver does not handle specific address pool requests")]
    NullPool,
    /// The `null` driver was asked for a certain range.
    #[error("null ipam driver does not handle specific address subpool requests")]
    NullSubPool,
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::PoolOverlap { .. } | Self::AddressInUse { .. } | Self::AuxiliaryOutside { .. } => {
                ErrorKind::Forbidden
            }
            Self::UnknownPool(_) => ErrorKind::NotFound,
            Self::PoolFull | Self::NetworkFull { .. } | Self::Gateway { .. } | Self::Auxiliary { .. } => {
                ErrorKind::System
            }
            _ => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::PoolOverlap { wanted, .. } => {
                Some(format!("choose a subnet outside of {wanted}, or give none and let a free one be picked"))
            }
            Self::PoolsExhausted { family, held_back } => Some(exhausted(*family, held_back)),
            Self::NoPoolOfSize { family, size } => {
                Some(format!("no default address pool can hold an {family} subnet of /{size}; give the subnet in full"))
            }
            Self::AddressInUse { address, holder: Some(holder) } => Some(format!("{address} is {holder}")),
            Self::PoolFull | Self::NetworkFull { .. } => {
                Some("detach endpoints that are no longer needed, or create a network with a larger subnet".to_owned())
            }
            Self::Gateway { cause, .. } | Self::Auxiliary { cause, .. } => cause.hint(),
            _ => None,
        }
    }
}

fn exhausted(family: Family, held_back: &[String]) -> String {
    let mut text = format!(
        "remove networks that are not in use, add {family} pools with default-address-pool, or give the subnet"
    );
    if !held_back.is_empty() {
        text.push_str("; the host itself uses ");
        text.push_str(&held_back.join(", "));
    }
    text
}
