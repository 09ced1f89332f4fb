//! Containers: what they are, their life cycle, their volumes, restart policies, health and events.
//!
//! Owns: every rule of the containers API that is not about HTTP. A container is a definition; a running one is a
//! sandbox of the core with a process in it. Knows nothing of HTTP, netlink or the format of OCI bundles.

pub mod network;
pub mod spec;
