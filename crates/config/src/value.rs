//! Values as given: read from a flag's text or from JSON, not yet understood.
//!
//! Must never check more than the shape; meaning is the business of [`crate::Config`].

use crate::Shape;
use pontoon_types::parse_go_bool;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;

/// A value of some [`Shape`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
    Nested(BTreeMap<String, BTreeMap<String, String>>),
    /// Pools as `(base, size)`, unchecked.
    Pools(Vec<(String, i64)>),
    Opaque(Json),
}

impl Value {
    /// The value of the flag given as `texts`, in order; on failure the text that is wrong and the reason.
    pub(crate) fn from_flag(shape: Shape, texts: &[String]) -> Result<Self, (String, String)> {
        let last = texts.last().cloned().unwrap_or_default();
        match shape {
            Shape::Bool => parse_bool(&last).map(Self::Bool).map_err(blame(&last)),
            Shape::Int => parse_int(&last).map(Self::Int).map_err(blame(&last)),
            Shape::Text => Ok(Self::Text(last)),
            Shape::List => Ok(Self::List(texts.to_vec())),
            Shape::Opaque => Ok(Self::Opaque(Json::from(texts.to_vec()))),
            Shape::Map => {
                let pairs = texts.iter().map(|text| {
                    let (key, value) = text.split_once('=').unwrap_or((text, ""));
                    (key.to_owned(), value.to_owned())
                });
                Ok(Self::Map(pairs.collect()))
            }
            Shape::Nested => {
                let mut map: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
                for text in texts {
                    let (root, key, value) = root_key_value(text).map_err(blame(text))?;
                    map.entry(root).or_default().insert(key, value);
                }
                Ok(Self::Nested(map))
            }
            Shape::Pools => {
                let pools = texts.iter().map(|text| pool(text).map_err(blame(text)));
                pools.collect::<Result<_, _>>().map(Self::Pools)
            }
        }
    }

    /// The value of a default or an environment variable.
    pub(crate) fn from_default(shape: Shape, text: &str) -> Result<Self, String> {
        let texts: Vec<String> = match (shape, text) {
            (Shape::Bool, "") => vec!["false".to_owned()],
            (Shape::Int, "") => vec!["0".to_owned()],
            (Shape::Text, _) => vec![text.to_owned()],
            (_, "") => Vec::new(),
            _ => vec![text.to_owned()],
        };
        Self::from_flag(shape, &texts).map_err(|(_, reason)| reason)
    }

    /// The value of `key` in the file; the error is Go's.
    pub(crate) fn from_json(shape: Shape, key: &str, json: &Json) -> Result<Self, String> {
        let wrong = |want: &str| {
            format!("json: cannot unmarshal {} into Go struct field Config.{key} of type {want}", json_kind(json))
        };
        match (shape, json) {
            (Shape::Opaque, _) => Ok(Self::Opaque(json.clone())),
            (_, Json::Null) => Self::from_default(shape, ""),
            (Shape::Bool, _) => json.as_bool().map(Self::Bool).ok_or_else(|| wrong("bool")),
            (Shape::Int, _) => json.as_i64().map(Self::Int).ok_or_else(|| wrong("int")),
            (Shape::Text, _) => json.as_str().map(|s| Self::Text(s.to_owned())).ok_or_else(|| wrong("string")),
            (Shape::List, _) => strings(json).map(Self::List).ok_or_else(|| wrong("[]string")),
            (Shape::Map, _) => map(json).map(Self::Map).ok_or_else(|| wrong("map[string]string")),
            (Shape::Nested, Json::Object(fields)) => {
                let inner = fields.iter().map(|(k, v)| map(v).map(|v| (k.clone(), v)));
                inner.collect::<Option<_>>().map(Self::Nested).ok_or_else(|| wrong("map[string]map[string]string"))
            }
            (Shape::Nested, _) => Err(wrong("map[string]map[string]string")),
            (Shape::Pools, _) => pools(json).map(Self::Pools).ok_or_else(|| wrong("[]*ipamutils.NetworkToSplit")),
        }
    }

    /// Go's zero value, which in the file does not beat a default. A `false` does.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Bool(_) | Self::Opaque(_) => false,
            Self::Int(n) => *n == 0,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            Self::Nested(map) => map.is_empty(),
            Self::Pools(pools) => pools.is_empty(),
        }
    }
}

impl fmt::Display for Value {
    /// As Go's `%v` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = |map: &BTreeMap<String, String>| {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{v}")).collect();
            format!("map[{}]", pairs.join(" "))
        };
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::List(list) => write!(f, "[{}]", list.join(" ")),
            Self::Map(map) => f.write_str(&pairs(map)),
            Self::Nested(map) => {
                let inner: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", pairs(v))).collect();
                write!(f, "map[{}]", inner.join(" "))
            }
            Self::Pools(pools) => {
                let inner: Vec<String> = pools.iter().map(|(base, size)| format!("{{{base} {size}}}")).collect();
                write!(f, "[{}]", inner.join(" "))
            }
            Self::Opaque(json) => f.write_str(&go_text(json)),
        }
    }
}

/// JSON as Go's `%v` shows the decoded value.
fn go_text(json: &Json) -> String {
    match json {
        Json::Null => "<nil>".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(list) => format!("[{}]", list.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Json::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", go_text(v))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// Puts the text at fault beside the reason.
fn blame(text: &str) -> impl FnOnce(String) -> (String, String) {
    move |reason| (text.to_owned(), reason)
}

fn json_kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn strings(json: &Json) -> Option<Vec<String>> {
    json.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// An object of plain values; booleans (as in `features`) become text.
fn map(json: &Json) -> Option<BTreeMap<String, String>> {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    json.as_object()?.iter().map(|(key, value)| text(value).map(|value| (key.clone(), value))).collect()
}

fn pools(json: &Json) -> Option<Vec<(String, i64)>> {
    let pool = |item: &Json| {
        let fields = item.as_object()?;
        if fields.keys().any(|key| key != "base" && key != "size") {
            return None;
        }
        let base = fields.get("base").map_or(Some(""), Json::as_str)?;
        Some((base.to_owned(), fields.get("size").map_or(Some(0), Json::as_i64)?))
    };
    json.as_array()?.iter().map(pool).collect()
}

fn parse_bool(text: &str) -> Result<bool, String> {
    parse_go_bool(text).ok_or_else(|| format!("strconv.ParseBool: parsing {text:?}: invalid syntax"))
}

fn parse_int(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
}

fn root_key_value(text: &str) -> Result<(String, String, String), String> {
    let parts =
        text.split_once('=').and_then(|(root, rest)| rest.split_once('=').map(|(key, value)| (root, key, value)));
    match parts {
        Some((root, key, value)) if !root.is_empty() && !key.is_empty() => Ok((root.into(), key.into(), value.into())),
        _ => Err(format!("invalid value {text:?} for map option, should be root-key=key=value")),
    }
}

fn pool(text: &str) -> Result<(String, i64), String> {
    let (mut base, mut size) = (String::new(), 0);
    for field in text.split(',') {
        let Some((key, value)) = field.split_once('=') else {
            return Err(format!("invalid field '{field}' must be a key=value pair"));
        };
        match key.to_ascii_lowercase().as_str() {
            "base" => {
                let prefix = value.parse::<ipnet::IpNet>();
                prefix.map_err(|_| format!("invalid base prefix {value:?}: invalid CIDR address: {value}"))?;
                base = value.to_owned();
            }
            "size" => {
                size = parse_int(value)
                    .map_err(|reason| format!("invalid size value: {text:?} (must be integer): {reason}"))?;
            }
            _ => return Err(format!("unexpected key '{key}' in '{field}'")),
        }
    }
    Ok((base, size))
}
