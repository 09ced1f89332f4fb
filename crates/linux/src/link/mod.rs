//! rtnetlink: requests that change links, addresses and routes, and what the kernel says about them.
//!
//! Owns the translation between our words and messages. Must never send anything.

mod address;
mod change;
mod read;
mod route;

pub(crate) use address::{add as add_address, list as list_addresses, remove as remove_address};
pub(crate) use change::{
    bridge, count, delete, delete_group, get, list, list_bridges, rename, set_alias, set_group, set_hairpin,
    set_isolated, set_mac, set_master, set_mtu, set_up, set_up_by_name, veth, withdraw, without_ipv6_address,
};
pub use read::{is_settled, read_address, read_counters, read_link, read_other_end, read_routes};
pub(crate) use route::{list as list_routes, remove as remove_route, set as set_route};

/// `RTM_NEWLINK`.
pub(crate) const RTM_NEWLINK: u16 = 16;
/// `RTM_DELLINK`.
pub(crate) const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
/// `RTM_NEWADDR`.
pub(crate) const RTM_NEWADDR: u16 = 20;
/// `RTM_DELADDR`.
pub(crate) const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
/// `RTM_NEWROUTE`.
pub(crate) const RTM_NEWROUTE: u16 = 24;
/// `RTM_DELROUTE`.
pub(crate) const RTM_DELROUTE: u16 = 25;
const RTM_GETROUTE: u16 = 26;
