//! The bridge driver: CNM calls turned into wanted links, addresses and rules, and the least writes to get there.
//!
//! Owns bridges, pairs and our nf_tables table. Must never know names, files, address books or HTTP.

mod conflicts;
mod driver;
mod forwarding;
mod plan;
mod reaper;
mod restore;
mod rules;
mod settings;
mod wanted;

pub use driver::{Bridge, BridgeOptions};
pub use rules::Forward;
pub use settings::{BridgeSettings, GatewayMode};
