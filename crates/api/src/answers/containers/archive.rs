//! Files of a container: what changed. Copying is not here yet.

use crate::reply::{self, Reply};
use crate::route::ContainerCall;
use crate::{ContainerEngine, Failure};
use http::StatusCode;

pub(super) async fn changes(containers: &dyn ContainerEngine, id: &str) -> Result<Reply, Failure> {
    let changes = Some(containers.changes(id).await?).filter(|changes| !changes.is_empty());
    reply::json(StatusCode::OK, &changes)
}

pub(super) fn absent(call: ContainerCall) -> Failure {
    let what = if call == ContainerCall::Export { "exporting a container" } else { "copying files of a container" };
    Failure::new(StatusCode::NOT_IMPLEMENTED, format!("{what} is not supported by Pontoon"))
}
