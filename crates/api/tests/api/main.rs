//! The API from outside: over its service and over real sockets, against a core that exists only in memory.

mod contract;
mod core;
mod events;
mod hostile;
mod negotiation;
mod networks;
mod probe;
mod sandboxes;
mod serving;
mod system;
