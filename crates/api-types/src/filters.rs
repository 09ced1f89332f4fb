//! The `filters` query parameter: reading both of its JSON forms, writing the newer one, and Docker's ways to match.
//!
//! Owns: keys, values and matching. Must never know which keys an endpoint takes.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Filters by key. Several values of one key are alternatives unless the key says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, BTreeSet<String>>);

/// Text that is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FiltersError {
    /// Neither JSON form.
    #[error("invalid filter")]
    Malformed,
    /// A key that this endpoint does not take.
    #[error("invalid filter '{0}'")]
    Unknown(String),
}

impl pontoon_types::Kind for FiltersError {
    fn kind(&self) -> pontoon_types::ErrorKind {
        pontoon_types::ErrorKind::Invalid
    }
}

/// The two forms: `{"key":{"value":true}}` and the older `{"key":["value"]}`. Go takes null for either.
#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Current(Option<BTreeMap<String, Option<BTreeMap<String, bool>>>>),
    Older(BTreeMap<String, Option<Vec<String>>>),
}

impl Filters {
    /// Reads the parameter; the empty text is no filter.
    pub fn parse(text: &str) -> Result<Self, FiltersError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let keys = match serde_json::from_str(text).map_err(|_| FiltersError::Malformed)? {
            Form::Current(keys) => keys
                .unwrap_or_default()
                .into_iter()
                .map(|(key, values)| (key, values.unwrap_or_default().into_keys().collect()))
                .collect(),
            Form::Older(keys) => {
                keys.into_iter().map(|(key, values)| (key, values.unwrap_or_default().into_iter().collect())).collect()
            }
        };
        Ok(Self(keys))
    }

    /// Adds a value to a key.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.entry(key.into()).or_default().insert(value.into());
    }

    /// The parameter as text, in the newer form; empty when there is no filter.
    pub fn to_json(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let with_true = |values: &BTreeSet<String>| {
            values.iter().map(|v| (v.clone(), serde_json::Value::Bool(true))).collect::<serde_json::Map<_, _>>()
        };
        let keys: serde_json::Map<_, _> =
            self.0.iter().map(|(key, values)| (key.clone(), with_true(values).into())).collect();
        serde_json::Value::Object(keys).to_string()
    }

    /// Refuses the first key that is not among `accepted`.
    pub fn only(&self, accepted: &[&str]) -> Result<(), FiltersError> {
        match self.0.keys().find(|key| !accepted.contains(&key.as_str())) {
            Some(key) => Err(FiltersError::Unknown(key.clone())),
            None => Ok(()),
        }
    }

    /// Whether the key is given.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The key's values, in order.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.get(key).into_iter().flatten().map(String::as_str)
    }

    /// Whether there are no filters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when the key has no values or one of them is `text`.
    pub fn exact(&self, key: &str, text: &str) -> bool {
        self.any(key, |value| value == text)
    }

    /// True when the key has no values or `text` begins with one of them.
    pub fn prefix(&self, key: &str, text: &str) -> bool {
        self.any(key, |value| text.starts_with(value))
    }

    /// True when the key has no values or `matches` takes one of them.
    pub fn any(&self, key: &str, matches: impl Fn(&str) -> bool) -> bool {
        let mut values = self.values(key).peekable();
        values.peek().is_none() || values.any(matches)
    }

    /// True when every value (`k` or `k=v`) of the key is among `labels`; also when there are none.
    pub fn labels(&self, key: &str, labels: &BTreeMap<String, String>) -> bool {
        self.values(key).all(|wanted| match wanted.split_once('=') {
            Some((name, value)) => labels.get(name).is_some_and(|found| found == value),
            None => labels.contains_key(wanted),
        })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Filters {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut filters = Self::default();
        pairs.into_iter().for_each(|(key, value)| filters.add(key, value));
        filters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_mean_the_same() {
        let wanted: Filters = [("name", "a"), ("name", "b"), ("id", "1")].into_iter().collect();
        for text in [r#"{"name":{"a":true,"b":true},"id":{"1":true}}"#, r#"{"name":["a","b"],"id":["1"]}"#] {
            assert_eq!(Filters::parse(text), Ok(wanted.clone()), "{text}");
        }
        assert_eq!(Filters::parse(&wanted.to_json()), Ok(wanted));
        assert_eq!(Filters::parse(r#"{"name":{"a":false}}"#).unwrap().values("name").count(), 1);
    }

    #[test]
    fn nothing_and_null_are_no_filter() {
        for text in ["", "{}", "null", r#"{"name":[]}"#, r#"{"name":null}"#] {
            assert!(Filters::parse(text).unwrap().exact("name", "x"), "{text}");
        }
        assert_eq!(Filters::default().to_json(), "");
    }

    #[test]
    fn what_is_neither_form_is_refused() {
        for text in ["x", "[]", "1", r#"{"name":"a"}"#, r#"{"name":{"a":1}}"#, r#"{"name":[1]}"#, "{"] {
            assert_eq!(Filters::parse(text), Err(FiltersError::Malformed), "{text}");
        }
        assert_eq!(Filters::default().only(&[]), Ok(()));
        let unknown = Filters::parse(r#"{"nope":["a"]}"#).unwrap().only(&["name"]).unwrap_err();
        assert_eq!(unknown.to_string(), "invalid filter 'nope'");
    }

    #[test]
    fn all_labels_must_match() {
        let labels = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "".into())]);
        for (wanted, matches) in
            [(vec!["a"], true), (vec!["a=1", "b"], true), (vec!["a=2"], false), (vec!["a", "c"], false), (vec![], true)]
        {
            let filters: Filters = wanted.iter().map(|value| ("label", *value)).collect();
            assert_eq!(filters.labels("label", &labels), matches, "{wanted:?}");
        }
    }
}
