//! The daemon's settings: flags, `daemon.json` and environment become one checked [`Config`].
//!
//! Owns: the table of settings (one definition each for flag, key, help and default), the rules by which sources are
//! merged, and what a reload may change. Must never touch the host: the configuration file is read by a function the
//! caller gives, and nothing that is named here (paths, addresses, groups) is looked at.

mod address;
mod config;
mod error;
mod file;
mod flags;
mod listen;
mod load;
mod log;
mod merge;
mod names;
mod reader;
mod reload;
mod setting;
mod table;
mod tls;
mod value;
mod version;

pub use address::HostGateway;
pub use config::{Config, SocketGroup};
pub use error::{Mistake, Mistakes};
pub use flags::command;
pub use listen::Listen;
pub use load::{Intent, Loaded, Sources, Start, load};
pub use log::{LogFormat, LogLevel};
pub use reload::ReloadOutcome;
pub use setting::{Setting, Shape, Standing};
pub use table::settings;
pub use tls::Tls;
pub use version::ApiVersion;
