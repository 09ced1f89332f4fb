//! Address management: which subnets networks have, and which addresses of a subnet are in use.
//!
//! Owns: the book of subnets and addresses of one host, the default pools, the checks of what users say about
//! pools, and Docker's texts for all of it. Must never look at the host (its routes and name servers come in as
//! values) and never store anything: the controller restores the book after a restart.

mod address_book;
mod default_pools;
mod error;
mod interval_set;
mod ipam;
mod null;
mod pool_id;
mod problems;
mod span;
mod subnet_book;
mod validate;

pub use address_book::Status;
pub use default_pools::{AddressPools, ula_pool};
pub use error::Error;
pub use ipam::{AddressLease, Ipam, PoolLease, PoolRequest, Reserved};
pub use null::NullIpam;
pub use pool_id::{AddressSpace, PoolId};
pub use problems::Problems;
pub use validate::validate;
