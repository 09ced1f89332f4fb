//! A container's log as a stream, for following it and for the past.

use super::LongCall;
use crate::api::Inner;
use crate::query::moment;
use crate::reply::{self, Reply};
use crate::stream::frame::{Source, framed};
use crate::takeover::{MULTIPLEXED, RAW};
use crate::{Failure, LogLine, LogWish, Logs};
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pontoon_api_types::ApiVersion;
use std::sync::Arc;
use std::time::SystemTime;

/// Since this version the content type tells whether there are frames.
pub(super) const TELLS_FRAMES: ApiVersion = ApiVersion::v1(42);

impl Inner {
    pub(super) fn logs(self: &Arc<Self>, id: &str, long: LongCall) -> Result<Reply, Failure> {
        let query = &long.call.query;
        let wish = LogWish {
            stdout: query.flag("stdout"),
            stderr: query.flag("stderr"),
            follow: query.flag("follow"),
            since: moment(query.get("since"), SystemTime::now())?,
            until: moment(query.get("until"), SystemTime::now())?.filter(|_| query.get("until") != "0"),
            tail: query.get("tail").parse().ok(),
        };
        if !wish.stdout && !wish.stderr {
            return Err(Failure::invalid("Bad parameters: you must choose at least one stream"));
        }
        let form = LineForm { timestamps: query.flag("timestamps"), details: query.flag("details") };
        let logs = self.containers.logs(id, wish)?;
        let content = if !logs.tty && long.call.version >= TELLS_FRAMES { MULTIPLEXED } else { RAW };
        let Logs { tty, details, lines } = logs;
        let pieces = lines.map(move |line| form.write(&line, &details, !tty));
        // Following ends with the client, or the daemon.
        let pieces = pieces.take_until(Box::pin(self.enough(long.peer)));
        let frames = pieces.map(|bytes| Ok(Frame::data(bytes)));
        Ok(reply::stream(content, StreamBody::new(frames).boxed_unsync()))
    }
}

/// How lines are written.
#[derive(Clone, Copy, Default)]
pub(super) struct LineForm {
    pub(super) timestamps: bool,
    pub(super) details: bool,
}

impl LineForm {
    pub(super) fn write(self, line: &LogLine, details: &str, with_frames: bool) -> Bytes {
        let mut text = BytesMut::with_capacity(line.bytes.len() + 40);
        if self.timestamps && !line.continues {
            let time = DateTime::<Utc>::from(line.time);
            text.put_slice(time.format("%Y-%m-%dT%H:%M:%S%.9fZ ").to_string().as_bytes());
        }
        if self.details && !line.continues {
            text.put_slice(details.as_bytes());
            text.put_u8(b' ');
        }
        text.put_slice(&line.bytes);
        let source = if line.stderr { Source::Stderr } else { Source::Stdout };
        if with_frames { framed((source, text.freeze())) } else { text.freeze() }
    }
}

/// A stream of what `lines` become, for those who write them elsewhere.
pub(super) fn written(logs: Logs, with_frames: bool) -> impl stream::Stream<Item = Bytes> + Send {
    logs.lines.map(move |line| LineForm::default().write(&line, "", with_frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn lines_have_time_and_details_in_front_when_asked_for() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 50);
        let line = LogLine { time, stderr: true, continues: false, bytes: Bytes::from("hi\n") };
        let written = |timestamps, details, frames| {
            let bytes = LineForm { timestamps, details }.write(&line, "a=1,b=2", frames);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert_eq!(written(false, false, false), "hi\n");
        assert_eq!(written(true, false, false), "2023-11-14T22:13:20.000000050Z hi\n");
        assert_eq!(written(true, true, false), "2023-11-14T22:13:20.000000050Z a=1,b=2 hi\n");
        assert_eq!(written(false, false, true), "\u{2}\0\0\0\0\0\0\u{3}hi\n");
    }
}
