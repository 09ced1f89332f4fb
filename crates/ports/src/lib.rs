//! Host ports: who has which, and which to give to whom.
//!
//! Owns: the book of published ports, the expansion of bindings into mappings, the choice of ports, and Docker's
//! texts for all of it. Must never open a socket: that is asked of a [`Binder`], and never while the book is locked.

mod binder;
mod book;
mod change;
mod context;
mod error;
mod mapping;
mod occupancy;
mod plan;
mod port_set;
mod publish;
mod text;
mod wish;

pub use binder::{BindError, BindFault, Binder, Reservation};
pub use book::Book;
pub use change::{Unchanged, change_with};
pub use context::{Context, EphemeralPorts};
pub use error::Error;
pub use mapping::describe;
pub use plan::{Group, Plan};
pub use port_set::PortSet;
pub use publish::{Holding, Published, publish_with, restore_with};
pub use text::{PortKey, parse_binding, parse_host_ip, parse_host_port};
pub use wish::{SkipReason, Skipped};
