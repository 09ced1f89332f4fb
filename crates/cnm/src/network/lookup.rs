//! Finding a network or sandbox by what a user typed. Pure.
//!
//! Order and texts are Docker's (api-networks.md section 4); a name always beats the prefix of an id.

use crate::{Error, Result};

/// What the search is for; inspect words its errors differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `GET /networks/{id}`.
    Inspect,
    /// `DELETE`.
    Remove,
    /// Connect, disconnect, endpoint settings.
    Connect,
}

fn ambiguous(purpose: Purpose, term: &str, count: usize, by_name: bool) -> Error {
    let term = term.to_owned();
    match (purpose, by_name) {
        (Purpose::Inspect, true) => Error::AmbiguousInspect { term, count, by: "name" },
        (Purpose::Inspect, false) => Error::AmbiguousInspect { term, count, by: "ID prefix" },
        (Purpose::Remove, true) => Error::Ambiguous { term, count, by: "based on name" },
        (Purpose::Connect, true) => Error::Ambiguous { term, count, by: "on name" },
        (_, false) => Error::Ambiguous { term, count, by: "based on ID prefix" },
    }
}

/// Finds the network meant by `term` among `(id, name, item)`.
pub fn find_network<T>(
    purpose: Purpose,
    term: &str,
    candidates: impl Iterator<Item = (String, String, T)>,
) -> Result<T> {
    let mut by_name = Vec::new();
    let mut by_prefix = Vec::new();
    for (id, name, item) in candidates {
        if id == term {
            return Ok(item);
        }
        if name == term {
            by_name.push(item);
        } else if !term.is_empty() && id.starts_with(term) {
            by_prefix.push(item);
        }
    }
    let (mut found, named) = if by_name.is_empty() { (by_prefix, false) } else { (by_name, true) };
    match found.len() {
        0 => Err(Error::NoNetwork(term.to_owned())),
        1 => found.pop().ok_or_else(|| Error::NoNetwork(term.to_owned())),
        count => Err(ambiguous(purpose, term, count, named)),
    }
}

/// Finds the sandbox meant by `term` (a leading `/` is Docker's and means the name).
pub fn find_sandbox<T>(term: &str, candidates: impl Iterator<Item = (String, String, T)>) -> Result<T> {
    let wanted = term.strip_prefix('/').unwrap_or(term);
    let mut by_name = None;
    let mut by_prefix = Vec::new();
    for (id, name, item) in candidates {
        if id == wanted {
            return Ok(item);
        }
        if name == wanted {
            by_name = Some(item);
        } else if !wanted.is_empty() && id.starts_with(wanted) {
            by_prefix.push(item);
        }
    }
    if let Some(item) = by_name {
        return Ok(item);
    }
    match by_prefix.len() {
        1 => by_prefix.pop().ok_or_else(|| Error::NoSandbox(term.to_owned())),
        0 => Err(Error::NoSandbox(term.to_owned())),
        _ => Err(Error::AmbiguousSandbox(term.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks() -> Vec<(String, String, u8)> {
        vec![
            ("aaa1".into(), "web".into(), 1),
            ("aaa2".into(), "db".into(), 2),
            ("bbb3".into(), "aaa1".into(), 3),
            ("ccc4".into(), "aa".into(), 4),
        ]
    }

    #[test]
    fn an_exact_id_beats_a_name_and_a_name_beats_a_prefix() {
        for (term, wanted) in [("aaa1", 1), ("web", 1), ("aa", 4), ("bbb", 3), ("aaa2", 2)] {
            assert_eq!(find_network(Purpose::Inspect, term, networks().into_iter()).unwrap(), wanted, "{term}");
        }
    }

    #[test]
    fn ambiguity_and_absence_are_told_in_dockers_words() {
        let text = |purpose, term: &str| {
            find_network(purpose, term, networks().into_iter()).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(text(Purpose::Inspect, "aaa"), "2 matches found based on ID prefix: network aaa is ambiguous");
        assert_eq!(text(Purpose::Remove, "aaa"), "network aaa is ambiguous (2 matches found based on ID prefix)");
        assert_eq!(text(Purpose::Connect, "zz"), "network zz not found");
        assert_eq!(text(Purpose::Connect, ""), "network  not found");
    }

    #[test]
    fn a_sandbox_is_found_by_id_name_or_unique_prefix() {
        let all = || networks().into_iter();
        assert_eq!(find_sandbox("/web", all()).unwrap(), 1);
        assert_eq!(find_sandbox("aaa1", all()).unwrap(), 1);
        assert_eq!(find_sandbox("ccc", all()).unwrap(), 4);
        assert!(matches!(find_sandbox("aaa", all()), Err(Error::AmbiguousSandbox(_))));
        assert!(matches!(find_sandbox("", all()), Err(Error::NoSandbox(_))));
    }
}
