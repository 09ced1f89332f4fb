//! JSON values as Go sees them: truth, type names, equality of kinds.

use serde_json::Value;
use std::borrow::Cow;

/// A value borrowed from the data or made by a function. Null is both Go's nil and "no value".
pub(crate) type Val<'a> = Cow<'a, Value>;

/// Null.
pub(crate) const NULL: Value = Value::Null;

/// A value made by a function.
pub(crate) fn own<'a>(value: impl Into<Value>) -> Val<'a> {
    Cow::Owned(value.into())
}

/// Go's truth: neither null nor empty nor zero.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// The Go type that the value would decode to.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A whole number, also one that is written as a float.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    value.as_i64()
}
