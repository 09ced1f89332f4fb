//! Go's built-in functions and those that Docker adds.
//!
//! Arguments come evaluated; a mistake is a text, to which the caller adds the place. `and` and `or` are the caller's.

mod compare;
mod index;
mod text;

use crate::printf;
use crate::value::{Val, own, truth};
use serde_json::Value;
use std::borrow::Cow;

const NAMES: [&str; 27] = [
    "and", "call", "eq", "ge", "gt", "html", "index", "join", "js", "json", "le", "len", "lower", "lt", "ne", "not",
    "or", "pad", "print", "printf", "println", "slice", "split", "title", "truncate", "upper", "urlquery",
];

/// Whether a function of that name exists.
pub(crate) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function. With `headings`, Docker's reshaping functions give back their first argument.
pub(crate) fn call<'a>(name: &str, arguments: Vec<Val<'a>>, headings: bool) -> Result<Val<'a>, String> {
    count(name, arguments.len())?;
    if headings && matches!(name, "json" | "title" | "lower" | "upper" | "truncate") {
        return Ok(arguments.into_iter().next().unwrap_or(own(Value::Null)));
    }
    let blame = |reason: String| format!("error calling {name}: {reason}");
    match name {
        "not" => Ok(own(!arguments.first().is_some_and(|value| truth(value)))),
        "len" => index::len(&arguments).map_err(blame),
        "index" => index::index(arguments).map_err(blame),
        "slice" => index::slice(&arguments).map_err(blame),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compare::compare(name, &arguments).map(own).map_err(blame),
        "print" => Ok(own(printf::sprint(&arguments))),
        "println" => Ok(own(printf::sprintln(&arguments))),
        "printf" => {
            let [format, rest @ ..] = arguments.as_slice() else { return Ok(own("")) };
            let Value::String(format) = &**format else { return Err(text::expected_string(format)) };
            Ok(own(printf::sprintf(format, rest)))
        }
        "call" => Err(blame("non-function of a value".to_owned())),
        "json" => Ok(own(arguments.first().map_or_else(String::new, |value| value.to_string()))),
        "html" | "js" | "urlquery" => Ok(own(text::escape(name, &printf::sprint(&arguments)))),
        _ => text::call(name, &arguments),
    }
}

fn count(name: &str, got: usize) -> Result<(), String> {
    let (least, most) = match name {
        "not" | "len" | "json" | "lower" | "upper" | "title" => (1, 1),
        "ne" | "lt" | "le" | "gt" | "ge" | "split" | "join" | "truncate" => (2, 2),
        "pad" => (3, 3),
        "index" | "slice" | "printf" | "eq" | "call" => (1, usize::MAX),
        _ => (0, usize::MAX),
    };
    if (least..=most).contains(&got) {
        return Ok(());
    }
    let want = if most == usize::MAX { format!("at least {least}") } else { least.to_string() };
    Err(format!("wrong number of args for {name}: want {want} got {got}"))
}

/// A borrowed part of a borrowed value, a copied part of an owned one.
fn part<'a>(value: &Val<'a>, find: impl for<'b> Fn(&'b Value) -> Option<&'b Value>) -> Option<Val<'a>> {
    match value {
        Cow::Borrowed(value) => find(value).map(Cow::Borrowed),
        Cow::Owned(value) => find(value).cloned().map(Cow::Owned),
    }
}
