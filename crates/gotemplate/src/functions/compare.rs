//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use crate::show::plain;
use crate::value::{Val, type_name};
use serde_json::Value;
use std::cmp::Ordering;

/// Compares; `eq` is true when the first argument equals any other.
pub(super) fn compare(name: &str, arguments: &[Val<'_>]) -> Result<bool, String> {
    let [first, others @ ..] = arguments else { return Err("missing argument for comparison".to_owned()) };
    let Some(second) = others.first() else { return Err("missing argument for comparison".to_owned()) };
    match name {
        "eq" => {
            for other in others {
                if equal(first, other)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        "ne" => Ok(!equal(first, second)?),
        "lt" => Ok(order(first, second)? == Some(Ordering::Less)),
        "gt" => Ok(order(first, second)? == Some(Ordering::Greater)),
        "le" => Ok(order(first, second)?.is_some_and(Ordering::is_le)),
        _ => Ok(order(first, second)?.is_some_and(Ordering::is_ge)),
    }
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Ok(a.is_null() && b.is_null()),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::Number(_), Value::Number(_)) => Ok(order(a, b)? == Some(Ordering::Equal)),
        (Value::Array(_) | Value::Object(_), _) => Err(format!("non-comparable type {}: {}", plain(a), type_name(a))),
        (_, Value::Array(_) | Value::Object(_)) => Err(format!("non-comparable type {}: {}", plain(b), type_name(b))),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Number(a), Value::Number(b)) => Ok(match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64().partial_cmp(&b.as_f64()),
        }),
        (Value::Number(_), Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            Err("incompatible types for comparison".to_owned())
        }
        _ => Err("invalid type for comparison".to_owned()),
    }
}
