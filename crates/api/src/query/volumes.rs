//! Filters of `GET /volumes` and `POST /volumes/prune`.

use super::Patterns;
use crate::Failure;
use pontoon_api_types::{ApiVersion, Filters, Volume};
use pontoon_types::parse_go_bool;
use std::collections::BTreeMap;

/// Which volumes to list.
#[derive(Clone, Debug)]
pub(crate) struct VolumeFilter {
    filters: Filters,
    names: Patterns,
    dangling: Option<bool>,
}

impl VolumeFilter {
    /// Checks the filters.
    pub(crate) fn new(filters: Filters) -> Result<Self, Failure> {
        filters.only(&["dangling", "driver", "label", "name"])?;
        let dangling = super::dangling(&filters)?;
        Ok(Self { names: Patterns::of(&filters, "name"), filters, dangling })
    }

    pub(crate) fn takes(&self, volume: &Volume) -> bool {
        let none = BTreeMap::new();
        let used = volume.usage_data.is_some_and(|usage| usage.ref_count > 0);
        self.names.take(&volume.name)
            && self.filters.exact("driver", &volume.driver)
            && self.filters.labels("label", volume.labels.as_ref().unwrap_or(&none))
            && self.dangling.is_none_or(|dangling| dangling != used)
    }
}

/// Which unused volumes a prune removes.
#[derive(Clone, Debug)]
pub struct VolumePruneFilter {
    filters: Filters,
    all: bool,
}

impl VolumePruneFilter {
    /// Checks the filters. Until API 1.42 volumes with a name went too.
    pub(crate) fn new(filters: Filters, version: ApiVersion) -> Result<Self, Failure> {
        filters.only(&["all", "label", "label!"])?;
        let all = match filters.values("all").next() {
            None => version < ApiVersion::v1(42),
            Some(text) => {
                parse_go_bool(text).ok_or_else(|| Failure::invalid(format!("invalid filter 'all={text}'")))?
            }
        };
        Ok(Self { filters, all })
    }

    /// Whether the volume goes.
    pub fn takes(&self, anonymous: bool, labels: Option<&BTreeMap<String, String>>) -> bool {
        (self.all || anonymous) && super::labelled(&self.filters, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_api_types::VolumeUsage;

    #[test]
    fn filters_take_as_dockers_do() {
        let volume = Volume {
            name: "data".into(),
            driver: "local".into(),
            usage_data: Some(VolumeUsage { ref_count: 1, size: -1 }),
            ..Volume::default()
        };
        for (key, value, takes) in [
            ("name", "at", true),
            ("driver", "local", true),
            ("driver", "loc", false),
            ("label", "a", false),
            ("dangling", "true", false),
            ("dangling", "0", true),
        ] {
            let filter = VolumeFilter::new([(key, value)].into_iter().collect()).unwrap();
            assert_eq!(filter.takes(&volume), takes, "{key}={value}");
        }
        let unknown = VolumeFilter::new([("size", "1")].into_iter().collect()).unwrap_err();
        assert_eq!(unknown.body.message, "invalid filter 'size'");
    }
}
