//! `len`, `index`, `slice`.

use super::part;
use crate::value::{NULL, Val, integer, own, type_name};
use serde_json::Value;
use std::borrow::Cow;

pub(super) fn len<'a>(arguments: &[Val<'a>]) -> Result<Val<'a>, String> {
    match arguments.first().map(|value| &**value) {
        Some(Value::String(text)) => Ok(own(text.len())),
        Some(Value::Array(list)) => Ok(own(list.len())),
        Some(Value::Object(map)) => Ok(own(map.len())),
        Some(Value::Null) | None => Err("len of nil pointer".to_owned()),
        Some(other) => Err(format!("len of type {}", type_name(other))),
    }
}

/// `index X "k" 0` is `X["k"][0]`.
pub(super) fn index(arguments: Vec<Val<'_>>) -> Result<Val<'_>, String> {
    let mut arguments = arguments.into_iter();
    let value = arguments.next().unwrap_or(Cow::Owned(NULL));
    if matches!(*value, Value::Null) {
        return Err("index of untyped nil".to_owned());
    }
    arguments.try_fold(value, |value, key| step(&value, &key))
}

fn step<'a>(value: &Val<'a>, key: &Value) -> Result<Val<'a>, String> {
    match &**value {
        Value::Object(map) => {
            let Value::String(key) = key else {
                return Err(format!("value has type {}; should be string", type_name(key)));
            };
            // A Go map of strings gives "" for a missing key; any other map gives nothing here.
            let texts = map.values().all(Value::is_string);
            let missing = if texts { own("") } else { Cow::Owned(NULL) };
            Ok(part(value, |value| value.get(key)).unwrap_or(missing))
        }
        Value::Array(list) => {
            let at = position(key, list.len().saturating_sub(1))?;
            part(value, |value| value.get(at)).ok_or_else(|| format!("index out of range: {at}"))
        }
        Value::String(text) => {
            let at = position(key, text.len().saturating_sub(1))?;
            text.as_bytes().get(at).map(|byte| own(*byte)).ok_or_else(|| format!("index out of range: {at}"))
        }
        Value::Null => Err("index of nil pointer".to_owned()),
        other => Err(format!("can't index item of type {}", type_name(other))),
    }
}

fn position(key: &Value, most: usize) -> Result<usize, String> {
    let Some(at) = integer(key) else {
        return Err(match key {
            Value::Null => "cannot index slice/array with nil".to_owned(),
            key => format!("cannot index slice/array with type {}", type_name(key)),
        });
    };
    usize::try_from(at).ok().filter(|&at| at <= most).ok_or_else(|| format!("index out of range: {at}"))
}

/// `slice X 1 2` is `X[1:2]`, for lists and texts.
pub(super) fn slice<'a>(arguments: &[Val<'a>]) -> Result<Val<'a>, String> {
    let [value, bounds @ ..] = arguments else { return Err("slice of untyped nil".to_owned()) };
    let length = match &**value {
        Value::Null => return Err("slice of untyped nil".to_owned()),
        Value::String(_) if bounds.len() > 2 => return Err("cannot 3-index slice a string".to_owned()),
        _ if bounds.len() > 3 => return Err(format!("too many slice indexes: {}", bounds.len())),
        Value::String(text) => text.len(),
        Value::Array(list) => list.len(),
        other => return Err(format!("can't slice item of type {}", type_name(other))),
    };
    let mut range = [0, length, length];
    for (slot, bound) in range.iter_mut().zip(bounds) {
        *slot = position(bound, length)?;
    }
    let [start, end, capacity] = range;
    if start > end || end > capacity {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    Ok(match &**value {
        Value::Array(list) => own(list.get(start..end).unwrap_or_default().to_vec()),
        Value::String(text) => {
            own(String::from_utf8_lossy(text.as_bytes().get(start..end).unwrap_or_default()).into_owned())
        }
        _ => Cow::Owned(NULL),
    })
}
