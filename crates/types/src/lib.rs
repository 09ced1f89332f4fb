//! The words every other crate speaks: ids, names, addresses, options, port bindings, error kinds.
//!
//! Owns: small value types and their text forms. Must never do I/O, hold state or know HTTP, netlink
//! or any driver.

mod address;
mod endpoint;
mod error;
mod event;
mod goaddr;
mod id;
mod ipam;
mod link;
mod mac;
mod network;
mod options;
mod ordered;
mod port;
mod sandbox;

pub use address::{Address, HardwareAddress, Prefix, ZoneError};
pub use endpoint::{EndpointSpec, SandboxLink};
pub use error::{ErrorKind, Kind, chain, remedy};
pub use event::{Event, EventScope, EventSubject};
pub use goaddr::quote;
pub use id::{ContainerId, EndpointId, ExecId, IdError, NetworkId, SandboxId};
pub use ipam::{AddressPool, Family, IpamSpec, PoolSpec};
pub use link::{LinkName, LinkNameError};
pub use mac::{MacAddr, MacError};
pub use network::{ConfigFrom, NetworkSpec, Scope};
pub use options::{Options, parse_go_bool};
pub use ordered::Ordered;
pub use port::{PortBinding, PortError, PortMapping, PortRange, Protocol};
pub use sandbox::{ExtraHost, HostsLink, Keeper, NamespaceSource, SandboxSpec};

pub use ipnet::{IpNet, Ipv4Net, Ipv6Net};
