//! A serde deserializer over a [`Tree`] with Go's rules.
//!
//! Owns: how values meet fields. Must never invent a rule that Go's `encoding/json` does not have.

use super::error::DecodeError;
use super::tree::Tree;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads one value.
pub(super) struct Reader {
    tree: Tree,
    /// The name of the type for errors, where the type has one.
    named: Option<&'static str>,
}

impl Reader {
    pub(super) fn new(tree: Tree) -> Self {
        Self { tree, named: None }
    }

    fn refuse<T>(&self, wanted: &'static str) -> Result<T> {
        Err(DecodeError::wrong_type(self.tree.sort().to_owned(), self.named.unwrap_or(wanted)))
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty, $name:literal;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let value = match self.tree {
                Tree::Null => Some(0),
                Tree::Int(n) => <$type>::try_from(n).ok(),
                Tree::Uint(n) => <$type>::try_from(n).ok(),
                Tree::Float(_) => None,
                _ => return self.refuse($name),
            };
            match value {
                Some(value) => visitor.$visit(value),
                None => Err(DecodeError::wrong_type(self.tree.number(), self.named.unwrap_or($name))),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Reader {
    type Error = DecodeError;

    integers! {
        deserialize_i8 visit_i8 i8, "int8";
        deserialize_i16 visit_i16 i16, "int16";
        deserialize_i32 visit_i32 i32, "int32";
        deserialize_i64 visit_i64 i64, "int64";
        deserialize_u8 visit_u8 u8, "uint8";
        deserialize_u16 visit_u16 u16, "uint16";
        deserialize_u32 visit_u32 u32, "uint32";
        deserialize_u64 visit_u64 u64, "uint64";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Int(value) => visitor.visit_i64(value),
            Tree::Uint(value) => visitor.visit_u64(value),
            Tree::Float(value) => visitor.visit_f64(value),
            Tree::Text(value) => visitor.visit_string(value),
            Tree::Array(list) => visitor.visit_seq(List(list.into_iter())),
            Tree::Object(fields) => visitor.visit_map(Entries::new(fields)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_bool(false),
            Tree::Bool(value) => visitor.visit_bool(value),
            _ => self.refuse("bool"),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_f64(0.0),
            Tree::Float(value) => visitor.visit_f64(value),
            Tree::Int(value) => visitor.visit_f64(value as f64),
            Tree::Uint(value) => visitor.visit_f64(value as f64),
            _ => self.refuse("float64"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_string(String::new()),
            Tree::Text(value) => visitor.visit_string(value),
            _ => self.refuse("string"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(mut self, name: &'static str, visitor: V) -> Result<V::Value> {
        self.named = Some(name);
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_seq(List(Vec::new().into_iter())),
            Tree::Array(list) => visitor.visit_seq(List(list.into_iter())),
            _ => self.refuse("[]string"),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_map(Entries::new(Vec::new())),
            Tree::Object(fields) => visitor.visit_map(Entries::new(fields)),
            _ => self.refuse("map[string]string"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.tree {
            Tree::Null => visitor.visit_map(Fields::new(name, Vec::new())),
            Tree::Object(fields) => visitor.visit_map(Fields::new(name, matched(known, fields))),
            _ => self.refuse(name),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier i128 u128
    }
}

/// The fields of the struct that the document gives: exact names or names that differ in case only, the last of
/// several, nulls left out.
fn matched(known: &'static [&'static str], fields: Vec<(String, Tree)>) -> Vec<(&'static str, Tree)> {
    let mut found: Vec<(&'static str, Tree)> = Vec::new();
    for (name, value) in fields {
        let same = known.iter().find(|k| **k == name).or_else(|| known.iter().find(|k| k.eq_ignore_ascii_case(&name)));
        let (Some(field), true) = (same, value != Tree::Null) else { continue };
        match found.iter_mut().find(|(seen, _)| seen == field) {
            Some(slot) => slot.1 = value,
            None => found.push((field, value)),
        }
    }
    found
}

struct Fields {
    shape: &'static str,
    rest: std::vec::IntoIter<(&'static str, Tree)>,
    current: Option<(&'static str, Tree)>,
}

impl Fields {
    fn new(shape: &'static str, fields: Vec<(&'static str, Tree)>) -> Self {
        Self { shape, rest: fields.into_iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        let name: StrDeserializer<'_, DecodeError> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let (name, tree) = self.current.take().unwrap_or(("", Tree::Null));
        seed.deserialize(Reader::new(tree)).map_err(|error| error.inside(self.shape, name))
    }
}

struct Entries {
    rest: std::vec::IntoIter<(String, Tree)>,
    value: Tree,
}

impl Entries {
    fn new(fields: Vec<(String, Tree)>) -> Self {
        Self { rest: fields.into_iter(), value: Tree::Null }
    }
}

impl<'de> MapAccess<'de> for Entries {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(Reader::new(Tree::Text(name))).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(Reader::new(std::mem::replace(&mut self.value, Tree::Null)))
    }
}

struct List(std::vec::IntoIter<Tree>);

impl<'de> SeqAccess<'de> for List {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.0.next().map(|tree| seed.deserialize(Reader::new(tree))).transpose()
    }
}
