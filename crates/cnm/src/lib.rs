//! The core: networks, endpoints and sandboxes, their life cycle, their events.
//!
//! Owns every rule of the Container Network Model and the traits by which it is served: [`Driver`], the stores,
//! the [`Resolver`]. Knows nothing of HTTP, command lines or netlink. All calls block; none needs a runtime.
//! Reads take snapshots; writes to one sandbox happen one after another, writes to different ones side by side.

mod announcer;
mod cleanup;
mod controller;
mod driver;
mod drivers;
mod error;
mod events;
mod flows;
mod names;
mod network;
mod repair;
mod resolver;
mod sandbox;
mod settings;
mod store;

pub use controller::{Controller, Parts, Readiness};
pub use driver::{Driver, Joined, LinkPlan, Repaired, Traits, Wanted};
pub use drivers::Stateless;
pub use error::{Error, Result};
pub use events::Events;
pub use names::*;
pub use network::lookup::{Purpose, find_network, find_sandbox};
pub use network::prune::PruneFilter;
pub use network::record::{NetworkRecord, PoolRecord};
pub use network::view::{BROKEN_LABEL, MemberView, NetworkView, SubnetUse};
pub use pontoon_kernel::Counters;
pub use resolver::{Resolver, Upstream, Upstreams};
pub use sandbox::files::FilePaths;
pub use sandbox::record::{DnsPorts, EndpointRecord, SandboxRecord};
pub use sandbox::validate::joined;
pub use sandbox::view::SandboxView;
pub use settings::Settings;
pub use store::{Definitions, RunState, StoreError, StoredNetworks, UnreadableNetwork};
