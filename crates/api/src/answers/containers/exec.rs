//! Commands in a running container.

use super::LongCall;
use super::attach::{Wanted, follow};
use super::logs::TELLS_FRAMES;
use crate::answers::Call;
use crate::api::Inner;
use crate::reply::{self, Reply};
use crate::stream::carry::part;
use crate::stream::detach::Keys;
use crate::stream::frame::{Source, framed};
use crate::takeover::{self, Taken};
use crate::{ContainerEngine, Failure};
use bytes::Bytes;
use http::StatusCode;
use pontoon_api_types::{ExecInspect, StartExecRequest};
use pontoon_containers::spec::ConsoleSize;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

pub(super) fn inspect(containers: &dyn ContainerEngine, id: &str) -> Result<Reply, Failure> {
    reply::json(StatusCode::OK, &containers.exec(id)?)
}

pub(super) async fn resize(containers: &dyn ContainerEngine, id: &str, call: &Call) -> Result<Reply, Failure> {
    containers.resize_exec(id, call.query.console_size()?).await?;
    Ok(reply::empty(StatusCode::OK))
}

impl Inner {
    pub(super) async fn start_exec(self: &Arc<Self>, id: String, long: LongCall) -> Result<Reply, Failure> {
        let request: StartExecRequest = crate::body::json(&long.call.body)?;
        let exec = self.containers.exec(&id)?;
        let size = request.console_size;
        if request.detach {
            self.containers.start_exec(&id, size, true).await?;
            return Ok(reply::empty(StatusCode::OK));
        }
        let multiplexed = !exec.process_config.tty && long.call.version >= TELLS_FRAMES;
        let inner = self.clone();
        Ok(takeover::raw(&long.headers, multiplexed, move |taken| inner.run_exec(exec, size, taken)))
    }

    /// Runs the command for a client that has its connection already: what goes wrong is told there, as in Docker.
    async fn run_exec(self: Arc<Self>, exec: ExecInspect, size: Option<ConsoleSize>, mut taken: Taken) {
        let (id, tty) = (exec.id.clone(), exec.process_config.tty);
        let text = match self.containers.start_exec(&id, size, false).await {
            Ok(Some(attached)) => {
                let wanted = Wanted { stdin: exec.open_stdin, stdout: exec.open_stdout, stderr: exec.open_stderr };
                let keys = Keys::parse(&attached.detach_keys).unwrap_or_default();
                return follow(taken, attached, wanted, keys, !tty).await;
            }
            Ok(None) => String::new(),
            Err(failure) => format!("{}\r\n", failure.body.message),
        };
        let text = Bytes::from(text);
        let text = if tty { text } else { framed((Source::Stdout, text)) };
        let _ = taken.output.write_all(&text).await;
        part(taken.input, taken.output).await;
    }
}
