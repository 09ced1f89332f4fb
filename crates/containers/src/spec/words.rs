//! A command: a list of words, which a client may also write as one string.

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// `Cmd`, `Entrypoint`, `Shell`: `None` is null (inherit), which is not the same as the empty list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Option<Vec<String>>);

impl Words {
    /// The words, none when unset.
    pub fn as_slice(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether the client said nothing.
    pub fn is_unset(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is no word, said or not.
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl From<Vec<String>> for Words {
    fn from(words: Vec<String>) -> Self {
        Self(Some(words))
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings, or one string")
    }

    fn visit_unit<E>(self) -> Result<Words, E> {
        Ok(Words(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Words, E> {
        Ok(Words(Some(vec![text.to_owned()])))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = list.next_element()? {
            words.push(word);
        }
        Ok(Words(Some(words)))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_string_is_one_word_and_null_is_unset() {
        let read = |text: &str| serde_json::from_str::<Words>(text).unwrap();
        assert_eq!(read("\"top -b\""), Words::from(vec!["top -b".to_owned()]));
        assert_eq!(read("[\"a\",\"b\"]"), Words::from(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read("null"), Words(None));
        assert_ne!(read("[]"), Words(None));
        assert!(serde_json::from_str::<Words>("7").is_err());
    }
}
