//! The end of a command that was executed in a container.

use super::{AGAIN, wait_for};
use crate::containers::Inner;
use pontoon_runtime::Phase;
use pontoon_types::{ContainerId, ExecId};
use std::sync::Arc;

/// Waits for the end of a command and tells its exit code; `None` when the command is not known any more.
pub(crate) async fn watch_command(inner: &Arc<Inner>, container: ContainerId, exec: ExecId) -> Option<i32> {
    loop {
        let ending = inner.blocking(move |inner| Ok(inner.runtime.exec_ending(&container, &exec)?)).await;
        match ending {
            Ok(ending) => wait_for(ending).await,
            Err(crate::Error::Runtime(error)) if error.is_not_found() => return None,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
        let state = inner.blocking(move |inner| Ok(inner.runtime.exec_state(&container, &exec)?)).await;
        match state {
            Ok(None) => return None,
            Ok(Some(state)) => {
                if let Phase::Ended(exit) = state.phase {
                    return Some(exit.code);
                }
            }
            Err(error) => {
                tracing::warn!(error = %pontoon_types::chain(&error), "the end of a command cannot be seen; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
