//! Sandboxes: a namespace, its endpoints, its published ports, its files and names.

pub(crate) mod attach;
pub(crate) mod connect;
pub(crate) mod create;
pub(crate) mod detach;
pub(crate) mod files;
pub(crate) mod follow;
pub(crate) mod gateway;
pub(crate) mod interface;
pub(crate) mod linkname;
pub(crate) mod live;
pub(crate) mod mend;
pub(crate) mod naming;
pub(crate) mod outlets;
pub(crate) mod ports;
pub(crate) mod record;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod restore;
pub(crate) mod routes;
pub(crate) mod validate;
pub(crate) mod view;
