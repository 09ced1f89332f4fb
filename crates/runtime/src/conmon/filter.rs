//! System call filters that a runtime has compiled once, kept for the next container with the same one.
//!
//! Compiling Docker's list takes crun some ten milliseconds, as long as everything else together. It leaves what it has
//! compiled in its folder, and takes it back in an annotation; a crun that does not know the annotation compiles anew.

use data_encoding::BASE64;
use oci_spec::runtime::Spec;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The annotation for it.
const ANNOTATION: &str = "run.oci.seccomp_bpf_data";

/// Few containers differ in their filter.
const MOST: usize = 16;

/// What was compiled.
#[derive(Debug, Default)]
pub(super) struct Filters(Mutex<VecDeque<Filter>>);

#[derive(Clone, Debug)]
struct Filter {
    /// The list that it was made from, as JSON.
    from: Arc<str>,
    compiled: Arc<str>,
}

impl Filters {
    /// Puts the compiled filter into the bundle, if there is one. Otherwise tells what to [`Filters::keep`] it under.
    pub fn apply(&self, spec: &mut Spec) -> Option<Arc<str>> {
        let list = spec.linux().as_ref()?.seccomp().as_ref()?;
        let from: Arc<str> = serde_json::to_string(list).ok()?.into();
        let known = self.filters().iter().find(|filter| filter.from == from).map(|filter| filter.compiled.clone());
        let Some(compiled) = known else { return Some(from) };
        let mut annotations = spec.annotations().clone().unwrap_or_default();
        annotations.entry(ANNOTATION.to_owned()).or_insert_with(|| compiled.to_string());
        spec.set_annotations(Some(annotations));
        None
    }

    /// Keeps what the runtime has compiled for a container, whose folder of the runtime is `folder`.
    pub fn keep(&self, from: Arc<str>, folder: &Path) {
        let Ok(bytes) = std::fs::read(folder.join("seccomp.bpf")) else { return };
        // Instructions have eight bytes each; anything else is no filter, and nothing would run under it.
        if bytes.is_empty() || bytes.len() % 8 != 0 {
            return;
        }
        let mut filters = self.filters();
        if filters.iter().any(|filter| filter.from == from) {
            return;
        }
        filters.truncate(MOST - 1);
        filters.push_front(Filter { from, compiled: BASE64.encode(&bytes).into() });
    }

    fn filters(&self) -> MutexGuard<'_, VecDeque<Filter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
