//! Calls that change a container, and those that answer with little.

use super::LongCall;
use crate::answers::Call;
use crate::query::ContainerPruneFilter;
use crate::reply::{self, Reply};
use crate::route::ContainerCall as C;
use crate::{ContainerEngine, Failure, RemoveWish};
use http::StatusCode;
use pontoon_api_types::{
    ApiVersion, ContainersPruned, CreateExecRequest, IdResponse, UpdateContainerRequest, UpdateContainerResponse,
};
use pontoon_containers::StopWish;
use std::time::SystemTime;

/// Since this version a client can say by which signal a container stops.
const STOP_SIGNAL: ApiVersion = ApiVersion::v1(42);

pub(super) async fn change(
    containers: &dyn ContainerEngine,
    of: C,
    id: &str,
    long: &LongCall,
) -> Result<Reply, Failure> {
    let call = &long.call;
    let query = &call.query;
    let mut done = StatusCode::NO_CONTENT;
    match of {
        C::Start => {
            refuse_body(long.length)?;
            done = changed(containers.start_container(id).await?);
        }
        C::Stop => done = changed(containers.stop_container(id, stop_wish(call)?).await?),
        C::Restart => containers.restart_container(id, stop_wish(call)?).await?,
        C::Kill => containers.kill_container(id, query.get("signal")).await?,
        C::Pause => containers.pause_container(id).await?,
        C::Unpause => containers.unpause_container(id).await?,
        C::Rename => containers.rename_container(id, query.get("name")).await?,
        C::Remove => {
            let wish = RemoveWish { force: query.flag("force"), volumes: query.flag("v"), link: query.flag("link") };
            containers.remove_container(id, wish).await?;
        }
        C::Resize => {
            containers.resize_container(id, query.console_size()?).await?;
            done = StatusCode::OK;
        }
        C::Update => {
            let warnings = containers.update_container(id, UpdateContainerRequest::decode(&call.body)?).await?;
            return reply::json(StatusCode::OK, &UpdateContainerResponse { warnings });
        }
        C::Exec => return create_exec(containers, id, call).await,
        _ => return Err(Failure::no_page()),
    }
    Ok(reply::empty(done))
}

/// Docker says so when there was nothing to do.
fn changed(changed: bool) -> StatusCode {
    if changed { StatusCode::NO_CONTENT } else { StatusCode::NOT_MODIFIED }
}

async fn create_exec(containers: &dyn ContainerEngine, id: &str, call: &Call) -> Result<Reply, Failure> {
    let mut request: CreateExecRequest = crate::body::json(&call.body)?;
    if request.cmd.as_ref().is_none_or(Vec::is_empty) {
        return Err(Failure::invalid("No exec command specified"));
    }
    crate::stream::detach::Keys::parse(&request.detach_keys)?;
    if call.version < ApiVersion::v1(42) {
        request.console_size = None;
    }
    reply::json(StatusCode::CREATED, &IdResponse { id: containers.create_exec(id, request).await? })
}

/// Settings given at the start were removed from Docker long ago; ignoring them would surprise.
fn refuse_body(length: Option<u64>) -> Result<(), Failure> {
    // "{}" and the like are let through, as in Docker.
    if length.is_none_or(|length| length > 7) {
        return Err(Failure::invalid(
            "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
        ));
    }
    Ok(())
}

fn stop_wish(call: &Call) -> Result<StopWish, Failure> {
    let signal = Some(call.query.get("signal")).filter(|signal| !signal.is_empty() && call.version >= STOP_SIGNAL);
    Ok(StopWish { signal: signal.map(ToOwned::to_owned), timeout: call.query.integer("t")? })
}

pub(super) async fn prune(containers: &dyn ContainerEngine, call: &Call) -> Result<Reply, Failure> {
    let filter = ContainerPruneFilter::new(call.query.filters()?, SystemTime::now())?;
    let (ids, space_reclaimed) = containers.prune_containers(filter).await?;
    let containers_deleted = Some(ids).filter(|ids| !ids.is_empty());
    reply::json(StatusCode::OK, &ContainersPruned { containers_deleted, space_reclaimed })
}

pub(super) async fn top(containers: &dyn ContainerEngine, id: &str, call: &Call) -> Result<Reply, Failure> {
    let arguments = Some(call.query.get("ps_args")).filter(|arguments| !arguments.is_empty()).unwrap_or("-ef");
    reply::json(StatusCode::OK, &containers.top(id, arguments).await?)
}
