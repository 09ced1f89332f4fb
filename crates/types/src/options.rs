//! String options as Docker's API passes them.

use std::collections::BTreeMap;

/// Driver options: every key and value is text, as the user gave it.
pub type Options = BTreeMap<String, String>;

/// Reads a boolean as Go's `strconv.ParseBool` does; `None` for anything else.
pub fn parse_go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
