//! Docker's functions on texts, and Go's escapes.

use crate::show::plain;
use crate::value::{Val, integer, own, type_name};
use serde_json::Value;

/// How much `pad` adds at most on each side.
const PADDING: i64 = 1 << 16;

pub(super) fn call<'a>(name: &str, arguments: &[Val<'a>]) -> Result<Val<'a>, String> {
    let text = |at: usize| match arguments.get(at).map(|value| &**value) {
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(expected_string(other)),
        None => Err(expected_string(&Value::Null)),
    };
    let number = |at: usize| {
        let value = arguments.get(at).map_or(&Value::Null, |value| &**value);
        integer(value).ok_or_else(|| format!("wrong type for value; expected int; got {}", type_name(value)))
    };
    match name {
        "lower" => Ok(own(text(0)?.to_lowercase())),
        "upper" => Ok(own(text(0)?.to_uppercase())),
        "title" => Ok(own(title(text(0)?))),
        "split" => Ok(own(split(text(0)?, text(1)?))),
        "join" => join(arguments.first().map_or(&Value::Null, |value| &**value), text(1)?).map(own),
        "truncate" => Ok(own(truncate(text(0)?, number(1)?))),
        "pad" => Ok(own(pad(text(0)?, number(1)?, number(2)?))),
        _ => Err(format!("function {name:?} not defined")),
    }
}

/// The reason when a text was wanted.
pub(super) fn expected_string(value: &Value) -> String {
    match value {
        Value::Null => "invalid value; expected string".to_owned(),
        value => format!("wrong type for value; expected string; got {}", type_name(value)),
    }
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
        // Go's strings.Title: ASCII letters, digits and `_` go on with a word, as do all other letters.
        inside = c.is_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace());
    }
    out
}

fn split(text: &str, separator: &str) -> Vec<String> {
    if separator.is_empty() {
        return text.chars().map(String::from).collect();
    }
    text.split(separator).map(str::to_owned).collect()
}

fn join(list: &Value, separator: &str) -> Result<String, String> {
    let Value::Array(list) = list else {
        return Err(match list {
            Value::Null => return Ok(String::new()),
            other => format!("wrong type for value; expected []string; got {}", type_name(other)),
        });
    };
    Ok(list.iter().map(plain).collect::<Vec<_>>().join(separator))
}

/// At most `length` characters (Docker counts bytes; a character is never cut here).
fn truncate(text: &str, length: i64) -> String {
    text.chars().take(usize::try_from(length).unwrap_or(0)).collect()
}

fn pad(text: &str, before: i64, after: i64) -> String {
    let spaces = |count: i64| " ".repeat(usize::try_from(count.clamp(0, PADDING)).unwrap_or(0));
    if text.is_empty() { String::new() } else { format!("{}{text}{}", spaces(before), spaces(after)) }
}

/// `html`, `js` and `urlquery`.
pub(super) fn escape(name: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match name {
            "html" => match c {
                '"' => out.push_str("&#34;"),
                '\'' => out.push_str("&#39;"),
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '\0' => out.push('\u{fffd}'),
                c => out.push(c),
            },
            "js" => match c {
                '\\' => out.push_str("\\\\"),
                '\'' => out.push_str("\\'"),
                '"' => out.push_str("\\\""),
                '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", c as u32)),
                c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", c as u32)),
                c => out.push(c),
            },
            _ => match c {
                ' ' => out.push('+'),
                c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~') => out.push(c),
                c => {
                    let mut utf8 = [0; 4];
                    c.encode_utf8(&mut utf8).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
                }
            },
        }
    }
    out
}
