//! The files in `/etc` by which a sandbox resolves names: `resolv.conf`, `hosts`, `hostname`.
//!
//! Owns: reading the host's versions and making the sandbox's, as text in and text out. Must never open a file; the
//! caller reads, and writes in place, since the files are bind-mounted.

mod digest;
mod error;
mod hostname;
mod hosts;
mod nameserver;
mod resolv_conf;
mod resolv_text;

pub use digest::{digest, is_unmodified};
pub use error::Error;
pub use hostname::hostname;
pub use hosts::{Hosts, Record, extra_records, link_records, own_names, parse_extra_host, relink};
pub use nameserver::{ExternalServer, Nameserver};
pub use resolv_conf::{DEFAULT_PATH, NdotsSource, Overrides, RESOLVED_PATH, Resolution, ResolvConf, source_path};
