//! Waiting for a container.

use crate::Result;
use crate::container::Progress;
use crate::containers::Containers;
use std::future::Future;

/// What to wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WaitCondition {
    /// That it does not run.
    #[default]
    NotRunning,
    /// That it ends the next time.
    NextExit,
    /// That it is gone.
    Removed,
}

/// What came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How it ended.
    pub exit_code: i32,
    /// Why it could not be started, if so.
    pub error: Option<String>,
}

impl Containers {
    /// Begins to wait; what happens from now on counts. An error when there is no such container.
    pub fn wait(&self, term: &str, condition: WaitCondition) -> Result<impl Future<Output = Waited> + Send + use<>> {
        let mut progress = self.0.find(term)?.progress();
        let before = progress.borrow_and_update().exits;
        Ok(async move {
            let over = move |progress: &Progress| match condition {
                WaitCondition::NotRunning => !progress.running || progress.exits > before || progress.removed,
                WaitCondition::NextExit => progress.exits > before || progress.removed,
                WaitCondition::Removed => progress.removed,
            };
            // A container that is gone tells no more, but has told that.
            match progress.wait_for(over).await {
                Ok(progress) => waited(&progress),
                Err(_) => Waited::default(),
            }
        })
    }
}

fn waited(progress: &Progress) -> Waited {
    Waited { exit_code: progress.exit_code, error: Some(progress.error.clone()).filter(|error| !error.is_empty()) }
}
