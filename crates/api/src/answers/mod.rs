//! The calls: from a request to the core and back to an answer, one file for each sort of object.

mod containers;
pub(crate) mod disk;
mod events;
mod images;
mod networks;
mod sandboxes;
mod system;
mod transfers;
mod volumes;

pub(crate) use containers::LongCall;
pub(crate) use events::Listeners;

use crate::api::Inner;
use crate::query::Query;
use crate::reply::{self, Reply};
use crate::route::{ImageRoute, Route};
use crate::{Engine, Failure};
use bytes::Bytes;
use http::StatusCode;
use pontoon_api_types::ApiVersion;
use std::sync::Arc;

/// A request, read.
pub(crate) struct Call {
    pub(crate) version: ApiVersion,
    pub(crate) query: Query,
    pub(crate) body: Bytes,
}

impl Inner {
    /// Answers a call that may block.
    pub(crate) fn answer(&self, route: &Route, call: &Call) -> Result<Reply, Failure> {
        let engine = self.engine.as_ref();
        match route {
            Route::Info => self.info(call.version),
            Route::Networks => networks::list(engine, call),
            Route::Network(id) => networks::inspect(engine, id, call),
            Route::CreateNetwork => networks::create(engine, call),
            Route::PruneNetworks => networks::prune(engine, call),
            Route::RemoveNetwork(id) => networks::remove(engine, id),
            Route::Sandboxes => sandboxes::list(engine, call),
            Route::Sandbox(id) => sandboxes::inspect(engine, id),
            Route::CreateSandbox => sandboxes::create(engine, call),
            Route::SetPorts(id) => sandboxes::set_ports(engine, id, call),
            Route::RemoveSandbox(id) => sandboxes::remove(engine, id, call),
            Route::Image(route) => self.image(route, call),
            Route::Ping
            | Route::Version
            | Route::Events
            | Route::Plugins
            | Route::Connect(_)
            | Route::Disconnect(_)
            | Route::Containers(_)
            | Route::Exec(..)
            | Route::Volumes(_)
            | Route::DiskUsage
            | Route::Options
            | Route::Absent(_) => Err(Failure::no_page()),
        }
    }

    fn image(&self, route: &ImageRoute, call: &Call) -> Result<Reply, Failure> {
        let images = self.images()?;
        match route {
            ImageRoute::List => images::list(images, call),
            ImageRoute::Inspect(name) => images::inspect(images, name, call),
            ImageRoute::History(name) => images::history(images, name, call),
            ImageRoute::Tag(name) => images::tag(images, name, call),
            ImageRoute::Remove(name) => images::remove(images, name, call),
            ImageRoute::Prune => images::prune(images, call),
            ImageRoute::Auth => transfers::authenticate(images, call),
            _ => Err(Failure::no_page()),
        }
    }

    /// The engine, to hold on to.
    pub(crate) fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }
}

/// A part of the Engine API that is not here.
pub(crate) fn absent(path: &str) -> Failure {
    let what = match path.split('/').next().unwrap_or_default() {
        "build" | "session" | "grpc" => "building images is",
        "commit" => "committing containers to images is",
        "configs" | "nodes" | "secrets" | "services" | "swarm" | "tasks" => "swarm mode is",
        _ => "this is",
    };
    Failure::new(StatusCode::NOT_IMPLEMENTED, format!("/{path}: {what} not supported by Pontoon"))
}

/// The answer to `OPTIONS`.
pub(crate) fn options() -> Reply {
    reply::empty(StatusCode::OK)
}
