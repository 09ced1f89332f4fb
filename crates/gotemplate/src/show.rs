//! How Go prints values: `map[a:b]`, `[a b]`, `<no value>`.

use serde_json::{Map, Number, Value};

/// The value as a template prints it.
pub fn show(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        value => plain(value),
    }
}

/// The value as Go's `%v`; null is `<nil>`.
pub(crate) fn plain(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => out.push_str(&number(value)),
        Value::String(text) => out.push_str(text),
        Value::Array(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push_str("map[");
            for (i, (key, value)) in sorted(map).into_iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write(value, out);
            }
            out.push(']');
        }
    }
}

/// The entries in the order of their keys, in which Go's templates go through maps.
pub(crate) fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    entries
}

fn number(number: &Number) -> String {
    match (number.is_f64(), number.as_f64()) {
        (true, Some(value)) => float(value),
        _ => number.to_string(),
    }
}

/// Go's `%v` of a float: shortest, with an exponent below 1e-4 and from 1e21.
pub(crate) fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        return exponent(&format!("{value:e}"));
    }
    format!("{value}")
}

/// Rust's `1.5e7` in Go's form, `1.5e+07`.
pub(crate) fn exponent(text: &str) -> String {
    let Some((mantissa, power)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = match power.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', power),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_print_as_in_go() {
        for (value, expected) in [
            (json!(null), "<no value>"),
            (json!(true), "true"),
            (json!(12), "12"),
            (json!(1.5), "1.5"),
            (json!(3.0), "3"),
            (json!(1e21), "1e+21"),
            (json!(0.00001), "1e-05"),
            (json!("x"), "x"),
            (json!([]), "[]"),
            (json!([1, "a", null, [true]]), "[1 a <nil> [true]]"),
            (json!({"b": 1, "a": {"x": "y"}}), "map[a:map[x:y] b:1]"),
            (json!({}), "map[]"),
        ] {
            assert_eq!(show(&value), expected);
        }
    }
}
