//! `key=value` in its several forms.

use std::collections::BTreeMap;

/// A label or option: `key=value`, or `key` alone for an empty value.
pub fn option(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() {
        return Err(format!("{text:?} has no key"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// A filter: `key=value`, the key in lower case, both without surrounding space.
pub fn filter(text: &str) -> Result<(String, String), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("invalid filter: must be KEY=VALUE".to_owned());
    };
    Ok((key.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// A driver option or sysctl: the `=` is needed.
pub fn strict(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("must be KEY=VALUE".to_owned()),
    }
}

/// Pairs as a map; a later one wins.
pub fn map(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    pairs.iter().cloned().collect()
}
