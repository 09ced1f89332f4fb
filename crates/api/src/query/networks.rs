//! Filters of `GET /networks` (api-networks.md section 5).

use super::Patterns;
use crate::Failure;
use http::StatusCode;
use pontoon_api_types::Filters;
use pontoon_cnm::NetworkView;

const KEYS: &[&str] = &["driver", "id", "name", "label", "scope", "type", "dangling"];

/// Which networks to list.
#[derive(Clone, Debug)]
pub(crate) struct NetworkFilter {
    filters: Filters,
    names: Patterns,
    ids: Patterns,
    dangling: Option<bool>,
}

impl NetworkFilter {
    /// Checks the filters; every wrong value is refused before anything is listed.
    pub(crate) fn new(filters: Filters) -> Result<Self, Failure> {
        filters.only(KEYS)?;
        if let Some(value) = filters.values("type").find(|value| !matches!(*value, "builtin" | "custom")) {
            // The status is Docker's: the error has no type there.
            let text = format!("invalid filter: 'type'='{value}'");
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, text));
        }
        let dangling = super::dangling(&filters)?;
        let (names, ids) = (Patterns::of(&filters, "name"), Patterns::of(&filters, "id"));
        Ok(Self { filters, names, ids, dangling })
    }

    pub(crate) fn takes(&self, network: &NetworkView) -> bool {
        let record = &network.record;
        let sort = if record.predefined { "builtin" } else { "custom" };
        let dangling = !record.predefined && network.members.is_empty();
        self.filters.exact("driver", &record.driver)
            && self.ids.take_with(|| record.id.to_string())
            && self.names.take(&record.name)
            && self.filters.labels("label", &record.labels)
            && self.filters.exact("scope", &record.scope.to_string())
            && self.filters.exact("type", sort)
            && self.dangling.is_none_or(|wanted| wanted == dangling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(filters: &[(&str, &str)]) -> (u16, String) {
        let failure = NetworkFilter::new(filters.iter().copied().collect()).unwrap_err();
        (failure.status.as_u16(), failure.body.message)
    }

    #[test]
    fn wrong_filters_are_refused_in_dockers_words() {
        for (filters, status, text) in [
            (vec![("nope", "x")], 400, "invalid filter 'nope'"),
            (vec![("type", "x")], 500, "invalid filter: 'type'='x'"),
            (
                vec![("dangling", "x")],
                400,
                "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")",
            ),
            (vec![("dangling", "0"), ("dangling", "1")], 400, "got more than one value for filter key \"dangling\""),
        ] {
            assert_eq!(refused(&filters), (status, text.to_owned()));
        }
    }
}
