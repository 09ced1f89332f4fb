//! Filters of `POST /networks/prune` (api-networks.md section 11).

use super::when::parse_time;
use crate::Failure;
use pontoon_api_types::Filters;
use pontoon_cnm::PruneFilter;
use std::time::SystemTime;

/// Which unused networks go.
pub(crate) fn prune_filter(filters: &Filters, now: SystemTime) -> Result<PruneFilter, Failure> {
    filters.only(&["label", "label!", "until"])?;
    let labels = |key: &str| {
        let pair = |text: &str| match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text.to_owned(), None),
        };
        filters.values(key).map(pair).collect()
    };
    let mut untils = filters.values("until");
    // A bare 0 is a duration here, as in Docker, and not the year 1970.
    let moment = |text: &str| if text == "0" { Ok(now) } else { parse_time(text, now) };
    let until = untils.next().map(moment).transpose()?;
    if untils.next().is_some() {
        return Err(Failure::invalid("more than one until filter specified"));
    }
    Ok(PruneFilter { labels: labels("label"), not_labels: labels("label!"), until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn filters_become_the_cores() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let filters = [("label", "a=1"), ("label!", "b"), ("until", "100s")].into_iter().collect();
        let filter = prune_filter(&filters, now).unwrap();
        assert_eq!(filter.labels, [("a".to_owned(), Some("1".to_owned()))]);
        assert_eq!(filter.not_labels, [("b".to_owned(), None)]);
        assert_eq!(filter.until, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(900)));
    }

    #[test]
    fn a_bare_zero_is_now() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let filters = [("until", "0")].into_iter().collect();
        assert_eq!(prune_filter(&filters, now).unwrap().until, Some(now));
    }

    #[test]
    fn wrong_filters_are_refused() {
        let refused = |pairs: &[(&str, &str)]| {
            prune_filter(&pairs.iter().copied().collect(), SystemTime::UNIX_EPOCH).unwrap_err().body.message
        };
        assert_eq!(refused(&[("until", "1h"), ("until", "2h")]), "more than one until filter specified");
        assert_eq!(refused(&[("dangling", "true")]), "invalid filter 'dangling'");
        assert_eq!(refused(&[("until", "x")]), "failed to parse value as time or duration: \"x\"");
    }
}
