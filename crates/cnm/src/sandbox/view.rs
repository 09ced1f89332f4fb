//! What is shown of a sandbox.

use super::files::FilePaths;
use super::record::SandboxRecord;
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_kernel::Counters;
use pontoon_types::LinkName;
use std::collections::BTreeMap;
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

    /// What went through the links of the sandbox meant by `term`, by their names inside; `None` in the host's namespace,
    /// whose links are not the sandbox's.
    pub fn counters(&self, term: &str) -> Result<Option<BTreeMap<LinkName, Counters>>> {
        let record = self.find_sandbox(term)?.shown();
        if record.netns_path.is_none() {
            return Ok(None);
        }
        let act = format!("count the packets of sandbox {}", record.name);
        let all = self.kernel().counters(&record.ns()).map_err(Error::kernel(act))?;
        let own = |name: &LinkName| record.endpoints.iter().any(|endpoint| endpoint.link.as_ref() == Some(name));
        Ok(Some(all.into_iter().filter(|(name, _)| own(name)).collect()))
    }

    fn sandbox_view(&self, record: Arc<SandboxRecord>) -> SandboxView {
        let files = self.file_paths(record.id);
        SandboxView { record, files }
    }
}
