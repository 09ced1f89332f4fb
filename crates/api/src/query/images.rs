//! Filters of `GET /images/json` and `POST /images/prune`.

use super::when::parse_time;
use crate::Failure;
use pontoon_api_types::Filters;
use pontoon_images::{Image, Images, Reference};
use std::time::SystemTime;

const KEYS: &[&str] = &["dangling", "label", "before", "since", "reference", "until"];
const PRUNE_KEYS: &[&str] = &["dangling", "label", "label!", "until"];

/// Which images to list.
#[derive(Clone, Debug)]
pub(crate) struct ImageFilter {
    filters: Filters,
    dangling: Option<bool>,
    /// Made before this.
    before: Option<SystemTime>,
    /// Made after this.
    since: Option<SystemTime>,
}

impl ImageFilter {
    /// Checks the filters. Images named by them must exist.
    pub(crate) fn new(filters: Filters, images: &Images, now: SystemTime) -> Result<Self, Failure> {
        filters.only(KEYS)?;
        let made = |key: &str| {
            let made = |term: &str| Ok::<_, Failure>(images.image(term)?.created().unwrap_or(SystemTime::UNIX_EPOCH));
            filters.values(key).map(made).collect::<Result<Vec<_>, _>>()
        };
        let until = until(&filters, now)?;
        Ok(Self {
            dangling: dangling(&filters)?,
            before: made("before")?.into_iter().chain(until).min(),
            since: made("since")?.into_iter().max(),
            filters,
        })
    }

    /// The image as it is listed: of its names those that were asked for. `None` if it is not listed.
    pub(crate) fn takes(&self, mut image: Image) -> Option<Image> {
        let created = image.created().unwrap_or(SystemTime::UNIX_EPOCH);
        let fits = self.dangling.is_none_or(|wanted| wanted == image.is_dangling())
            && self.before.is_none_or(|before| created < before)
            && self.since.is_none_or(|since| created > since)
            && labels(&self.filters, "label", &image);
        if !fits {
            return None;
        }
        let patterns: Vec<&str> = self.filters.values("reference").collect();
        if patterns.is_empty() {
            return Some(image);
        }
        let named = |name: &Reference| patterns.iter().any(|pattern| matches(pattern, name));
        image.tags.retain(named);
        image.digests.retain(named);
        (!image.is_dangling()).then_some(image)
    }
}

/// Which images to prune.
#[derive(Clone, Debug)]
pub(crate) struct ImagePrune {
    filters: Filters,
    until: Option<SystemTime>,
    /// Whether those with names go too.
    pub(crate) all: bool,
}

impl ImagePrune {
    pub(crate) fn new(filters: Filters, now: SystemTime) -> Result<Self, Failure> {
        filters.only(PRUNE_KEYS)?;
        let all = !dangling(&filters)?.unwrap_or(true);
        Ok(Self { until: until(&filters, now)?, all, filters })
    }

    pub(crate) fn takes(&self, image: &Image) -> bool {
        let created = image.created().unwrap_or(SystemTime::UNIX_EPOCH);
        let unwanted = self.filters.values("label!").next().is_some() && labels(&self.filters, "label!", image);
        self.until.is_none_or(|until| created < until) && labels(&self.filters, "label", image) && !unwanted
    }
}

fn labels(filters: &Filters, key: &str, image: &Image) -> bool {
    filters.labels(key, image.config.config.labels.as_ref().unwrap_or(&Default::default()))
}

fn dangling(filters: &Filters) -> Result<Option<bool>, Failure> {
    let mut values = filters.values("dangling");
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some("true" | "1"), None) => Ok(Some(true)),
        (Some("false" | "0"), None) => Ok(Some(false)),
        (Some(first), more) => {
            let all: Vec<&str> = [first].into_iter().chain(more).chain(values).collect();
            Err(Failure::invalid(format!("invalid filter 'dangling={all:?}'")))
        }
    }
}

fn until(filters: &Filters, now: SystemTime) -> Result<Option<SystemTime>, Failure> {
    let mut values = filters.values("until");
    let until = values.next().map(|text| if text == "0" { Ok(now) } else { parse_time(text, now) }).transpose()?;
    match values.next() {
        Some(_) => Err(Failure::invalid("more than one until filter specified")),
        None => Ok(until),
    }
}

/// Whether a pattern fits a name, or the name without its tag, as Docker shows them.
fn matches(pattern: &str, name: &Reference) -> bool {
    let texts = [name.familiar(), name.familiar_name()];
    texts.iter().any(|text| glob(pattern.as_bytes(), text.as_bytes()))
}

/// Go's `path.Match`: `*` and `?` stand for anything but a slash, `[a-z]` and `[^a-z]` for one of several. A malformed
/// pattern fits nothing.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => {
            let end = text.iter().position(|c| *c == b'/').unwrap_or(text.len());
            (0..=end).any(|skipped| glob(rest, &text[skipped..]))
        }
        ([b'?', rest @ ..], [c, more @ ..]) => *c != b'/' && glob(rest, more),
        ([b'[', rest @ ..], [c, more @ ..]) => {
            let Some(end) = rest.iter().skip(1).position(|c| *c == b']').map(|at| at + 1) else { return false };
            *c != b'/' && one_of(&rest[..end], *c) && glob(&rest[end + 1..], more)
        }
        ([b'\\', c, rest @ ..], [d, more @ ..]) => c == d && glob(rest, more),
        ([c, rest @ ..], [d, more @ ..]) => c == d && glob(rest, more),
        _ => false,
    }
}

fn one_of(class: &[u8], c: u8) -> bool {
    let (wanted, mut class) = match class {
        [b'^', rest @ ..] => (false, rest),
        class => (true, class),
    };
    let mut found = false;
    while let [low, rest @ ..] = class {
        (found, class) = match rest {
            [b'-', high, rest @ ..] => (found || (*low..=*high).contains(&c), rest),
            rest => (found || *low == c, rest),
        };
    }
    found == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_paths_do_in_go() {
        for (pattern, text, fits) in [
            ("busybox", "busybox", true),
            ("busy*", "busybox:latest", true),
            ("*/*", "me/app", true),
            ("*", "me/app", false),
            ("me/a?p", "me/app", true),
            ("[a-c]*:[^0-9]*", "b:x", true),
            ("[a-c]*:[^0-9]*", "b:1", false),
            ("[", "[", false),
            ("a\\*", "a*", true),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
        let name = Reference::parse("me/app:1").unwrap();
        for (pattern, fits) in [("me/app", true), ("me/*", true), ("me/app:1", true), ("app", false), ("*:1", false)] {
            assert_eq!(matches(pattern, &name), fits, "{pattern}");
        }
    }

    #[test]
    fn wrong_filters_are_refused() {
        let refused = |pairs: &[(&str, &str)]| {
            ImagePrune::new(pairs.iter().copied().collect(), SystemTime::UNIX_EPOCH).unwrap_err().body.message
        };
        assert_eq!(refused(&[("dangling", "x")]), "invalid filter 'dangling=[\"x\"]'");
        assert_eq!(refused(&[("reference", "x")]), "invalid filter 'reference'");
        assert_eq!(refused(&[("until", "1h"), ("until", "2h")]), "more than one until filter specified");
    }
}
