//! What a container uses, once or every second.

use super::LongCall;
use crate::Failure;
use crate::api::Inner;
use crate::reply::{self, Reply};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pontoon_api_types::ContainerStats;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// What Go writes for a time that is none.
const NEVER: &str = "0001-01-01T00:00:00Z";

impl Inner {
    pub(super) async fn stats(self: &Arc<Self>, id: String, long: LongCall) -> Result<Reply, Failure> {
        let query = &long.call.query;
        let streams = query.get("stream").is_empty() || query.flag("stream");
        let one_shot = query.flag("one-shot");
        if query.flag("stream") && one_shot {
            return Err(Failure::invalid("cannot have stream=true and one-shot=true"));
        }
        let (first, runs) = self.look(&id).await?;
        // From here on by id: the name may change hands.
        let id = if first.id.is_empty() { id } else { first.id.clone() };
        if !streams || one_shot {
            if one_shot || !runs {
                return reply::json(StatusCode::OK, &after(first, None));
            }
            tokio::time::sleep(SECOND).await;
            let (second, _) = self.look(&id).await?;
            return reply::json(StatusCode::OK, &after(second, Some(first)));
        }
        let enough = Box::pin(self.enough(long.peer));
        let moments = stream::unfold((self.clone(), id, Some(first), None), |(inner, id, first, before)| async {
            let now = match first {
                Some(first) => first,
                None => {
                    tokio::time::sleep(SECOND).await;
                    inner.look(&id).await.ok()?.0
                }
            };
            let mut line = serde_json::to_vec(&after(now.clone(), before)).unwrap_or_default();
            line.push(b'\n');
            Some((Ok(Frame::data(Bytes::from(line))), (inner, id, None, Some(now))))
        });
        let body = StreamBody::new(moments.take_until(enough)).boxed_unsync();
        Ok(reply::stream("application/json", body))
    }

    /// One moment, and whether the container runs.
    async fn look(&self, id: &str) -> Result<(ContainerStats, bool), Failure> {
        let stats = self.containers.stats(id).await?;
        let runs = !stats.read.is_empty();
        Ok((stats, runs))
    }
}

/// A moment as it is told: with the one before, by which clients compute shares.
fn after(mut now: ContainerStats, before: Option<ContainerStats>) -> ContainerStats {
    let or_never = |read: String| if read.is_empty() { NEVER.to_owned() } else { read };
    let before = before.unwrap_or_default();
    now.read = or_never(now.read);
    now.preread = or_never(before.read);
    now.precpu_stats = before.cpu_stats;
    now
}
