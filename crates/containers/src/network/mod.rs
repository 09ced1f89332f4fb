//! Networking of containers: what of it is asked, kept and shown, and how a container meets the core.
//!
//! Owns: every rule of Docker's about modes, endpoints, published ports, links and shared namespaces. Must never start a
//! process or know how a container is stored: its definition is given, and what changes of it is given back.

mod conflicts;
mod connect;
mod container;
mod create;
mod endpoint;
mod error;
mod filters;
mod link_env;
mod links;
mod mode;
mod ports;
mod share;
mod start;
mod surroundings;
mod view;

pub use connect::{Changed, Standing, connect, disconnect};
pub use container::Container;
pub use create::{Admitted, Request, admit};
pub use endpoint::{Endpoint, Endpoints};
pub use error::Error;
pub use filters::{PortFilter, is_in_network};
pub use links::{Link, shown_links, unlink};
pub use mode::NetworkMode;
pub use ports::{ListedPort, listed};
pub use start::{Files, Joined, Namespace, counters, other_sysctls, rename, start, stop};
pub use surroundings::{Life, Networks, Other, Others};
pub use view::{NetworkView, listed_networks, view};
