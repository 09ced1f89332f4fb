//! What is shown of a sandbox.

use super::files::FilePaths;
use super::record::SandboxRecord;
use crate::Result;
use crate::controller::Controller;
use std::sync::Arc;

/// A sandbox as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxView {
    /// Its record.
    pub record: Arc<SandboxRecord>,
    /// Where its files are.
    pub files: FilePaths,
}

impl Controller {
    /// Every sandbox.
    pub fn sandboxes(&self) -> Vec<SandboxView> {
        self.sandboxes_in_memory().iter().map(|sandbox| self.sandbox_view(sandbox.shown())).collect()
    }

    /// The sandbox meant by `term`.
    pub fn sandbox(&self, term: &str) -> Result<SandboxView> {
        Ok(self.sandbox_view(self.find_sandbox(term)?.shown()))
    }

    fn sandbox_view(&self, record: Arc<SandboxRecord>) -> SandboxView {
        let files = self.file_paths(record.id);
        SandboxView { record, files }
    }
}
