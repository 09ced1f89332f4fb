//! Removing all unused networks at once (api-networks.md section 11).

use super::record::NetworkRecord;
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_types::EventSubject;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// Which unused networks go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneFilter {
    /// All of these labels must be there: key, and value if one is given.
    pub labels: Vec<(String, Option<String>)>,
    /// Not all of these may be there (Docker: networks that have every one of them stay).
    pub not_labels: Vec<(String, Option<String>)>,
    /// Only networks made before this moment.
    pub until: Option<SystemTime>,
}

impl PruneFilter {
    fn takes(&self, record: &NetworkRecord) -> bool {
        let has = |(key, value): &(String, Option<String>)| match record.labels.get(key) {
            Some(found) => value.as_ref().is_none_or(|value| value == found),
            None => false,
        };
        self.labels.iter().all(has)
            && (self.not_labels.is_empty() || !self.not_labels.iter().all(has))
            && self.until.is_none_or(|until| record.created < until)
    }
}

impl Controller {
    /// Removes unused networks and tells their names. One that fails is logged and skipped.
    pub fn prune_networks(&self, filter: &PruneFilter) -> Result<Vec<String>> {
        let _open = self.accepting()?;
        if self.pruning.swap(true, Ordering::SeqCst) {
            return Err(Error::PruneRunning);
        }
        let mut removed = Vec::new();
        for network in self.networks_in_memory() {
            let record = &network.record;
            let unused = network.members().len() == 0;
            // One that cannot be used is nobody's to lose by the way.
            let stays = record.predefined || record.config_only || network.broken.is_some();
            if stays || !unused || !filter.takes(record) {
                continue;
            }
            match self.remove_found(&network) {
                Ok(()) => removed.push(record.name.clone()),
                Err(error) => tracing::warn!(network = %record.id.short(), %error, "could not remove while pruning"),
            }
        }
        self.pruning.store(false, Ordering::SeqCst);
        self.events().publish(EventSubject::Network, "prune", String::new(), &[("reclaimed", "0")]);
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::create::{Families, record};
    use pontoon_types::{NetworkSpec, Scope};

    #[test]
    fn labels_and_age_decide_who_goes() {
        let labels = [("a".to_owned(), "1".to_owned())].into();
        let spec = NetworkSpec { name: "x".into(), labels, ..NetworkSpec::default() };
        let network = record(spec, "bridge", Scope::Local, Families { v4: true, v6: false });
        let label = |key: &str, value: Option<&str>| vec![(key.to_owned(), value.map(ToOwned::to_owned))];
        let all = PruneFilter::default;
        assert!(all().takes(&network));
        for (filter, wanted) in [
            (PruneFilter { labels: label("a", None), ..all() }, true),
            (PruneFilter { labels: label("a", Some("1")), ..all() }, true),
            (PruneFilter { labels: label("a", Some("2")), ..all() }, false),
            (PruneFilter { labels: label("b", None), ..all() }, false),
            (PruneFilter { not_labels: label("a", None), ..all() }, false),
            (PruneFilter { not_labels: label("b", None), ..all() }, true),
            (PruneFilter { until: Some(SystemTime::UNIX_EPOCH), ..all() }, false),
        ] {
            assert_eq!(filter.takes(&network), wanted, "{filter:?}");
        }
    }
}
