//! Request bodies read as Go's `encoding/json` reads them, because that is what every Docker client was tested with.
//!
//! Owns: field names without regard to case, null as absent, unknown fields dropped, Go's error texts. Must never
//! know any particular shape.

mod error;
mod read;
mod tree;

pub use error::{BodyError, DecodeError};

use serde::de::DeserializeOwned;
use tree::Tree;

/// Reads one JSON value from a whole body.
///
/// A body of length 0 gives the shape's defaults, as in Docker. Errors carry the text for the client: a body of white
/// space only, bad JSON, a value of the wrong type, or anything after the value.
pub fn decode<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, BodyError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    // Go replaces bytes that are not UTF-8 inside strings; outside strings they stay a syntax error.
    let text = String::from_utf8_lossy(body);
    let mut stream = serde_json::Deserializer::from_str(&text);
    let tree: Tree = match serde::Deserialize::deserialize(&mut stream) {
        Ok(tree) => tree,
        Err(_) if text.trim_ascii().is_empty() => return Err(BodyError::Blank),
        Err(error) if error.is_eof() => return Err(BodyError::Malformed("unexpected EOF".into())),
        Err(error) => return Err(BodyError::Malformed(error.to_string())),
    };
    stream.end().map_err(|_| BodyError::Trailing)?;
    T::deserialize(read::Reader::new(tree)).map_err(BodyError::Decode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Ordered};
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename = "network.Inner", rename_all = "PascalCase", default)]
    struct Inner {
        address: Address,
        count: u16,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename = "network.Outer", rename_all = "PascalCase", default)]
    struct Outer {
        name: String,
        on: bool,
        maybe: Option<bool>,
        inner: Inner,
        list: Vec<Inner>,
        map: BTreeMap<String, String>,
        options: Option<BTreeMap<String, String>>,
        ordered: Ordered<Option<Inner>>,
        priority: i64,
    }

    fn read(text: &str) -> Outer {
        decode(text.as_bytes()).unwrap()
    }

    fn refused(text: impl AsRef<[u8]>) -> String {
        decode::<Outer>(text.as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn field_names_match_without_regard_to_case_and_the_last_one_wins() {
        assert_eq!(read(r#"{"NAME":"a"}"#).name, "a");
        assert_eq!(read(r#"{"Name":"a","name":"b"}"#).name, "b");
        assert_eq!(read(r#"{"name":"a","Name":"b"}"#).name, "b");
    }

    #[test]
    fn null_is_absent_everywhere() {
        let all = r#"{"Name":null,"On":null,"Maybe":null,"Inner":null,"List":null,"Map":null,"Ordered":null,"Priority":null}"#;
        assert_eq!(read(all), Outer::default());
        assert_eq!(read("null"), Outer::default());
        assert_eq!(read(r#"{"List":[null]}"#).list, [Inner::default()]);
        assert_eq!(read(r#"{"Map":{"a":null}}"#).map["a"], "");
        assert_eq!(read(r#"{"Name":"a","Name":null}"#).name, "a");
    }

    #[test]
    fn an_empty_map_is_told_from_an_absent_one() {
        assert_eq!(read(r#"{"Options":{}}"#).options, Some(BTreeMap::new()));
        assert_eq!(read(r#"{"Options":null}"#).options, None);
        assert_eq!(read(r#"{"Maybe":false}"#).maybe, Some(false));
    }

    #[test]
    fn unknown_fields_are_ignored_whatever_they_hold() {
        assert_eq!(read(r#"{"Nope":{"a":[1,2.5,{"b":null}]},"Name":"x"}"#).name, "x");
    }

    #[test]
    fn maps_may_keep_the_order_of_the_document() {
        let read = read(r#"{"Ordered":{"z":{"Count":1},"a":null}}"#);
        let names: Vec<&str> = read.ordered.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["z", "a"]);
        assert_eq!(read.ordered.0[1].1, None);
    }

    #[test]
    fn wrong_types_are_told_in_gos_words() {
        for (body, text) in [
            (r#"{"Name":1}"#, "cannot unmarshal number into Go struct field Outer.Name of type string"),
            (r#"{"On":"yes"}"#, "cannot unmarshal string into Go struct field Outer.On of type bool"),
            (r#"{"Inner":[]}"#, "cannot unmarshal array into Go struct field Outer.Inner of type network.Inner"),
            (
                r#"{"Inner":{"Count":"1"}}"#,
                "cannot unmarshal string into Go struct field Outer.Inner.Count of type uint16",
            ),
            (
                r#"{"Inner":{"Count":70000}}"#,
                "cannot unmarshal number 70000 into Go struct field Outer.Inner.Count of type uint16",
            ),
            (r#"{"Priority":1.5}"#, "cannot unmarshal number 1.5 into Go struct field Outer.Priority of type int64"),
            (
                r#"{"List":[{"Count":true}]}"#,
                "cannot unmarshal bool into Go struct field Outer.List.Count of type uint16",
            ),
            (r#"{"Map":{"a":{}}}"#, "cannot unmarshal object into Go struct field Outer.Map of type string"),
            (r#"{"Map":"a"}"#, "cannot unmarshal string into Go struct field Outer.Map of type map[string]string"),
            (
                r#"{"Inner":{"Address":5}}"#,
                "cannot unmarshal number into Go struct field Outer.Inner.Address of type netip.Addr",
            ),
            ("[]", "cannot unmarshal array into Go value of type network.Outer"),
            ("\"x\"", "cannot unmarshal string into Go value of type network.Outer"),
        ] {
            assert_eq!(refused(body), format!("invalid JSON: json: {text}"), "{body}");
        }
    }

    #[test]
    fn a_malformed_address_is_gos_own_text() {
        assert_eq!(refused(r#"{"Inner":{"Address":"x"}}"#), "invalid JSON: ParseAddr(\"x\"): unable to parse IP");
        assert_eq!(read(r#"{"Inner":{"Address":""}}"#).inner.address, Address::default());
    }

    #[test]
    fn bodies_that_are_no_single_value_are_refused() {
        assert_eq!(refused(" \n\t"), "invalid JSON: got EOF while reading request body");
        assert_eq!(refused("{} {}"), "unexpected content after JSON");
        assert_eq!(refused("{}x"), "unexpected content after JSON");
        assert_eq!(refused("{\"Name\":"), "invalid JSON: unexpected EOF");
        assert!(refused("{name}").starts_with("invalid JSON: "), "{}", refused("{name}"));
        assert!(refused([0xff, 0xfe]).starts_with("invalid JSON: "));
        assert_eq!(decode::<Outer>(b"").unwrap(), Outer::default());
        assert_eq!(decode::<Outer>(b" {} \n").unwrap(), Outer::default());
    }

    #[test]
    fn bytes_that_are_no_text_inside_a_string_become_the_replacement_character() {
        assert_eq!(decode::<Outer>(b"{\"Name\":\"a\xff\"}").unwrap().name, "a\u{fffd}");
    }

    #[test]
    fn nesting_has_a_limit() {
        let deep = format!("{{\"Nope\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(refused(deep).starts_with("invalid JSON: recursion limit exceeded"));
    }
}
