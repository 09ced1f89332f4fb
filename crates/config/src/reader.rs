//! Takes values out of [`Given`], understood and checked.
//!
//! Every failed check becomes a [`Mistake`] in the words that fit where the value came from; reading goes on.

use crate::merge::{Given, Source};
use crate::value::Value;
use crate::{Mistake, table};
use std::path::{Path, PathBuf};

pub(crate) struct Reader<'a> {
    pub(crate) given: &'a Given,
    pub(crate) file: &'a Path,
    pub(crate) mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// The value given, or the default.
    fn value(&self, name: &str) -> Value {
        if let Some((_, value)) = self.given.get(name) {
            return value.clone();
        }
        let default = table::by_name(name).and_then(|setting| Value::from_default(setting.shape, setting.default).ok());
        default.unwrap_or(Value::Text(String::new()))
    }

    pub(crate) fn bool(&self, name: &str) -> bool {
        self.value(name) == Value::Bool(true)
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        if let Value::Int(value) = self.value(name) { value } else { 0 }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(self.raw_text(name))
    }

    fn raw_text(&self, name: &str) -> String {
        if let Value::Text(text) = self.value(name) { text } else { String::new() }
    }

    /// A text, understood by `parse`; the type's default after a mistake.
    pub(crate) fn text<T: Default>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let text = self.raw_text(name);
        parse(&text).unwrap_or_else(|reason| {
            self.blame(name, &text, reason);
            T::default()
        })
    }

    /// A list, each entry understood by `parse`.
    pub(crate) fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Value::List(texts) = self.value(name) else { return Vec::new() };
        let mut items = Vec::with_capacity(texts.len());
        for text in texts {
            match parse(&text) {
                Ok(item) => items.push(item),
                Err(reason) => self.blame(name, &text, reason),
            }
        }
        items
    }

    /// Maps and pools, as given.
    pub(crate) fn compound(&self, name: &str) -> Value {
        self.value(name)
    }

    /// Notes that the value `text` of a setting is wrong.
    pub(crate) fn blame(&mut self, name: &str, text: &str, reason: String) {
        let setting = table::by_name(name);
        let source = self.given.get(name).map(|(source, _)| *source);
        self.mistakes.push(match (source, setting) {
            (Some(Source::Flag), Some(setting)) => {
                Mistake::Argument { value: text.to_owned(), flag: setting.shown(), reason }
            }
            (Some(Source::File), _) => self.in_file(reason),
            (Some(Source::Environment), Some(setting)) => {
                Mistake::Environment { variable: setting.env.unwrap_or_default(), reason }
            }
            _ => Mistake::Together(reason),
        });
    }

    fn in_file(&self, reason: String) -> Mistake {
        let reason = format!("merged configuration validation from file and command line flags failed: {reason}");
        Mistake::File { path: self.file.to_owned(), reason }
    }
}
