//! Containers: which call does what. The calls themselves are in the files beside this one.

mod archive;
mod attach;
mod create;
mod exec;
mod inspect;
mod life;
mod list;
mod logs;
mod networking;
mod stats;
mod wait;

pub(super) use list::summaries;

use super::Call;
use crate::Failure;
use crate::api::Inner;
use crate::reply::Reply;
use crate::route::{ContainerCall as C, ContainerRoute, ExecCall};
use crate::serve::Peer;
use http::HeaderMap;
use std::sync::Arc;

/// A request with what long answers need beside it.
pub(crate) struct LongCall {
    pub(crate) call: Call,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: Option<Peer>,
    /// How long the body is, where the client says so before sending it.
    pub(crate) length: Option<u64>,
}

impl Inner {
    pub(crate) async fn containers(self: &Arc<Self>, route: ContainerRoute, long: LongCall) -> Result<Reply, Failure> {
        let containers = self.containers.as_ref();
        let (id, of) = match route {
            ContainerRoute::List => return list::list(containers, &long.call).await,
            ContainerRoute::Create => return create::create(containers, &long.call).await,
            ContainerRoute::Prune => return life::prune(containers, &long.call).await,
            ContainerRoute::One(id, of) => (id, of),
        };
        match of {
            C::Attach => self.attach(&id, &long),
            C::AttachWebSocket => self.attach_websocket(&id, &long),
            C::Logs => self.logs(&id, long),
            C::Wait => self.wait(&id, long),
            C::Stats => self.stats(id, long).await,
            C::Inspect => inspect::inspect(containers, &id, &long.call).await,
            C::Top => life::top(containers, &id, &long.call).await,
            C::Changes => archive::changes(containers, &id).await,
            C::ArchiveStat => archive::stat(containers, &id, &long.call).await,
            _ => life::change(containers, of, &id, &long).await,
        }
    }

    pub(crate) async fn execs(self: &Arc<Self>, id: String, of: ExecCall, long: LongCall) -> Result<Reply, Failure> {
        match of {
            ExecCall::Inspect => exec::inspect(self.containers.as_ref(), &id),
            ExecCall::Resize => exec::resize(self.containers.as_ref(), &id, &long.call).await,
            ExecCall::Start => self.start_exec(id, long).await,
        }
    }
}
