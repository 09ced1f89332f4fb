//! What the daemon says about itself that does not change while it runs, or only at a reload.

use pontoon_api_types::ApiVersion;
use std::path::PathBuf;

/// The daemon's identity and settings as far as clients see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Pontoon's version.
    pub version: String,
    /// The commit it was built from; empty when unknown.
    pub git_commit: String,
    /// When it was built, RFC 3339; empty when unknown.
    pub build_time: String,
    /// The oldest API version served.
    pub min_api: ApiVersion,
    /// Where definitions are kept.
    pub data_root: PathBuf,
    /// The operator's labels, `key=value`.
    pub labels: Vec<String>,
    /// Whether debugging is on.
    pub debug: bool,
    /// Docker's `live-restore`: whether networking outlives the daemon.
    pub live_restore: bool,
    /// Whether the in-process forwarder is on (Docker's userland proxy).
    pub forwarder: bool,
    /// Warnings for `/info` that the operator should read.
    pub warnings: Vec<String>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: String::new(),
            build_time: String::new(),
            min_api: ApiVersion::DEFAULT_MIN,
            data_root: "/var/lib/pontoon".into(),
            labels: Vec::new(),
            debug: false,
            live_restore: true,
            forwarder: true,
            warnings: Vec::new(),
        }
    }
}
