//! Filters of `GET /pontoon/v1/sandboxes`: `id`, `name`, `label`, `network`, with the meaning Docker gives them for
//! containers.

use super::Patterns;
use crate::{Failure, ShownSandbox};
use pontoon_api_types::Filters;

/// Which sandboxes to list.
#[derive(Clone, Debug)]
pub(crate) struct SandboxFilter {
    filters: Filters,
    names: Patterns,
    ids: Patterns,
}

impl SandboxFilter {
    pub(crate) fn new(filters: Filters) -> Result<Self, Failure> {
        filters.only(&["id", "name", "label", "network"])?;
        let (names, ids) = (Patterns::of(&filters, "name"), Patterns::of(&filters, "id"));
        Ok(Self { filters, names, ids })
    }

    pub(crate) fn takes(&self, sandbox: &ShownSandbox) -> bool {
        let record = &sandbox.record;
        // A network by its exact name or the beginning of its id.
        let joined = |wanted: &str| {
            let is = |endpoint: &pontoon_cnm::EndpointRecord| {
                endpoint.network_name == wanted || endpoint.network.to_string().starts_with(wanted)
            };
            record.endpoints.iter().any(is)
        };
        self.ids.take_with(|| record.id.to_string())
            && self.names.take(&record.name)
            && self.filters.labels("label", &record.spec.labels)
            && self.filters.any("network", joined)
    }
}
