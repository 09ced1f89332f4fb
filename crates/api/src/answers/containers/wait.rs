//! Waiting for a container. The answer's head goes out at once: clients begin to wait before they start it.

use super::LongCall;
use crate::Failure;
use crate::api::Inner;
use crate::reply::{self, Reply};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pontoon_api_types::quote;
use pontoon_containers::WaitCondition;
use std::sync::Arc;

impl Inner {
    pub(super) fn wait(self: &Arc<Self>, id: &str, long: LongCall) -> Result<Reply, Failure> {
        let condition = match long.call.query.get("condition") {
            "" | "not-running" => WaitCondition::NotRunning,
            "next-exit" => WaitCondition::NextExit,
            "removed" => WaitCondition::Removed,
            other => return Err(Failure::invalid(format!("invalid condition: {}", quote(other)))),
        };
        let waiting = self.containers.wait(id, condition)?;
        let enough = self.enough(long.peer);
        let answer = async move {
            let told = tokio::select! {
                told = waiting => told,
                () = enough => return None,
            };
            // Numbers and text always become JSON.
            let mut bytes = serde_json::to_vec(&told).unwrap_or_default();
            bytes.push(b'\n');
            Some(Ok(Frame::data(Bytes::from(bytes))))
        };
        let frames = stream::unfold(Some(Box::pin(answer)), |answer| async { Some((answer?.await?, None)) });
        Ok(reply::stream("application/json", StreamBody::new(frames).boxed_unsync()))
    }
}
