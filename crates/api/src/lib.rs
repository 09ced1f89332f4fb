//! The Engine API and our sandbox API over HTTP: routes, versions, bodies, statuses, listeners.
//!
//! Owns: everything HTTP, and the turning of error kinds into statuses (here and nowhere else). Must never hold a rule
//! of networking: it asks an [`Engine`] and writes down the answer.

mod answers;
mod api;
mod body;
mod controller;
mod engine;
mod failure;
mod identity;
mod machine;
mod metrics;
mod query;
mod reply;
mod route;
pub mod serve;
mod transfer;
mod work;

pub use api::{Api, router};
pub use body::BodyLimits;
pub use engine::{Engine, ShownSandbox};
pub use failure::Failure;
pub use identity::Identity;
pub use metrics::{NoMetrics, RequestMetrics};
pub use pontoon_api_types::ApiVersion;
pub use reply::ReplyBody;
pub use work::WorkLimits;
