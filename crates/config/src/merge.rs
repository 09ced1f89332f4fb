//! Values with their origin, and the rule that no setting may come from two places.
//!
//! Must never look inside a value.

use crate::value::Value;
use std::collections::BTreeMap;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    File,
    Environment,
}

/// Values given, by [`crate::Setting::name`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    values: BTreeMap<&'static str, (Source, Value)>,
}

impl Given {
    pub(crate) fn set(&mut self, name: &'static str, source: Source, value: Value) {
        self.values.insert(name, (source, value));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&(Source, Value)> {
        self.values.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, Source, &Value)> {
        self.values.iter().map(|(name, (source, value))| (*name, *source, value))
    }

    /// A text that was given on the command line.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some((_, Value::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// A switch that was given on the command line.
    pub(crate) fn switched_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some((_, Value::Bool(true))))
    }

    /// Adds the file's values to the flags'. The error is dockerd's, and names every setting that both have, even
    /// with equal values.
    pub(crate) fn merge(&mut self, file: Self) -> Result<(), String> {
        let mut conflicts = Vec::new();
        for (name, (source, value)) in file.values {
            match self.values.get(name) {
                Some((_, flag)) => {
                    let (flag, value) = (masked(name, flag), masked(name, &value));
                    conflicts.push(format!("{name}: (from flag: {flag}, from file: {value})"));
                }
                // Go's zero values do not beat a default; noted as set all the same would be wrong.
                None if value.is_zero() => {}
                None => {
                    self.values.insert(name, (source, value));
                }
            }
        }
        if conflicts.is_empty() {
            return Ok(());
        }
        let list = conflicts.join(", ");
        Err(format!("the following directives are specified both as a flag and in the configuration file: {list}"))
    }
}

/// The value as text, without the password that a proxy's URL may hold.
fn masked(name: &str, value: &Value) -> String {
    let text = value.to_string();
    match text.rsplit_once('@') {
        Some((before, host)) if name.ends_with("-proxy") => {
            let scheme = before.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
            format!("{scheme}xxxxx:xxxxx@{host}")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_never_shows_a_password() {
        let given = |source, text: &str| {
            let mut given = Given::default();
            given.set("http-proxy", source, Value::Text(text.to_owned()));
            given
        };
        let mut flags = given(Source::Flag, "http://me:secret@a:1");
        let text = flags.merge(given(Source::File, "me:sec@ret@b")).unwrap_err();
        assert!(text.ends_with("http-proxy: (from flag: http://xxxxx:xxxxx@a:1, from file: xxxxx:xxxxx@b)"), "{text}");
    }
}
