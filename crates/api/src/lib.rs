//! The Engine API and our sandbox API over HTTP: routes, versions, bodies, statuses, listeners.
//!
//! Owns: everything HTTP, and the turning of error kinds into statuses (here and nowhere else). Must never hold a rule
//! of networking: it asks an [`Engine`] and writes down the answer.

mod answers;
mod api;
mod body;
mod containers;
mod controller;
mod engine;
mod failure;
mod handle;
mod identity;
mod machine;
mod metrics;
mod query;
mod reply;
mod route;
pub mod serve;
mod stream;
mod takeover;
mod transfer;
mod work;

pub use api::{Api, router};
pub use body::BodyLimits;
pub use containers::{
    Attached, ContainerCounts, ContainerEngine, ContainerHost, LogLine, LogWish, Logs, RemoveWish, STORAGE_DRIVER,
    Sizes, Work,
};
pub use engine::{Engine, ShownSandbox};
pub use failure::Failure;
pub use handle::ContainerHandle;
pub use identity::Identity;
pub use metrics::{NoMetrics, RequestMetrics};
pub use pontoon_api_types::ApiVersion;
pub use query::{ContainerPruneFilter, VolumePruneFilter};
pub use reply::ReplyBody;
pub use work::WorkLimits;
