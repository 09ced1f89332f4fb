//! Networking of containers: what of it is asked, kept and shown, and how a container meets the core.
//!
//! Owns: every rule of Docker's about modes, endpoints, published ports, links and shared namespaces. Must never start a
//! process or know how a container is stored: its definition is given, and what changes of it is given back.

mod conflicts;
mod create;
mod endpoint;
mod error;
mod links;
mod mode;
mod ports;
mod surroundings;

pub use create::{Admitted, Request, admit};
pub use endpoint::{Endpoint, Endpoints};
pub use error::Error;
pub use links::Link;
pub use mode::NetworkMode;
pub use ports::{ListedPort, bindings, listed};
pub use surroundings::{Life, Networks, Other, Others};
