//! The configuration file: from bytes to values.
//!
//! Owns encodings, nesting and the search for unknown keys, as dockerd does them. Must never read from disk.

use crate::merge::{Given, Source};
use crate::value::Value;
use crate::{Shape, table};
use serde_json::{Map, Value as Json};

/// Objects that are values; the keys inside any other object count as top-level keys.
const FLAT: [&str; 8] = [
    "builder",
    "cluster-store-opts",
    "default-network-opts",
    "default-ulimits",
    "features",
    "log-opts",
    "nri-opts",
    "runtimes",
];

/// Reads the file's `bytes`. All that is wrong comes back as reasons, beside what was right.
pub(crate) fn read(bytes: &[u8]) -> (Given, Vec<String>) {
    match decode(bytes).and_then(|text| object(&text)) {
        Ok(fields) => values(&flatten(fields)),
        Err(reason) => (Given::default(), vec![reason]),
    }
}

/// The text, by its byte order mark; UTF-8 without one.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let wrong = |offset: usize, what: &str| format!("failed to decode configuration JSON at offset {offset}: {what}");
    let wide = |read: fn([u8; 2]) -> u16| {
        let body = bytes.get(2..).unwrap_or_default();
        if !body.len().is_multiple_of(2) {
            return Err(wrong(bytes.len(), "half a UTF-16 character"));
        }
        let mut units = body.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        let mut offset = 2;
        let mut text = String::new();
        for unit in char::decode_utf16(units.by_ref()) {
            let unit = unit.map_err(|_| wrong(offset, "invalid UTF-16"))?;
            offset += 2 * unit.len_utf16();
            text.push(unit);
        }
        Ok(text)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => {
            let (skip, body) = bytes.strip_prefix(b"\xef\xbb\xbf").map_or((0, bytes), |body| (3, body));
            let text = std::str::from_utf8(body).map_err(|e| wrong(skip + e.valid_up_to(), "invalid UTF-8"))?;
            Ok(text.to_owned())
        }
    }
}

fn object(text: &str) -> Result<Map<String, Json>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Json::Object(fields)) => Ok(fields),
        Ok(_) => Err("invalid JSON: the configuration must be an object".to_owned()),
        Err(error) => Err(format!("invalid JSON: {error}")),
    }
}

fn flatten(fields: Map<String, Json>) -> Map<String, Json> {
    let mut flat = Map::new();
    for (key, value) in fields {
        match value {
            Json::Object(inner) if !FLAT.contains(&key.as_str()) => flat.extend(inner),
            value => {
                flat.insert(key, value);
            }
        }
    }
    flat
}

fn values(fields: &Map<String, Json>) -> (Given, Vec<String>) {
    let (mut given, mut reasons, mut unknown) = (Given::default(), Vec::new(), Vec::new());
    for (key, json) in fields {
        let Some(setting) = table::by_key(key) else {
            unknown.push(key.as_str());
            continue;
        };
        let old = setting.old_key == Some(key.as_str());
        if old && setting.key.is_some_and(|new| fields.contains_key(new)) {
            reasons.push(format!("{key} and {} must not both be specified in the config file", setting.name()));
            continue;
        }
        let value = match (old, json) {
            (true, Json::String(text)) => Value::from_default(Shape::List, text),
            _ => Value::from_json(setting.shape, key, json),
        };
        match value {
            Ok(value) => given.set(setting.name(), Source::File, value),
            Err(reason) => reasons.push(reason),
        }
    }
    if !unknown.is_empty() {
        unknown.sort_unstable();
        let list = unknown.join(", ");
        reasons.insert(0, format!("the following directives don't match any configuration option: {list}"));
    }
    (given, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8]) -> (Vec<String>, Vec<String>) {
        let (given, reasons) = read(text);
        (given.iter().map(|(name, _, value)| format!("{name}={value}")).collect(), reasons)
    }

    #[test]
    fn a_file_is_understood_in_every_encoding_dockerd_takes() {
        let text = "{\"debug\": true}";
        let wide: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(wide.iter().flat_map(|u| u.to_le_bytes())).collect();
        let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(wide.iter().flat_map(|u| u.to_be_bytes())).collect();
        let marked = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
        for bytes in [text.as_bytes(), &little, &big, &marked] {
            assert_eq!(shown(bytes), (vec!["debug=true".to_owned()], vec![]), "{bytes:?}");
        }
        for empty in [b"".as_slice(), b" \n\t", b"{}", b"\xef\xbb\xbf"] {
            assert_eq!(shown(empty), (vec![], vec![]), "{empty:?}");
        }
    }

    #[test]
    fn what_is_no_text_or_no_json_is_refused_with_its_place() {
        let cases: [(&[u8], &str); 6] = [
            (b"{\"a\xff\"}", "failed to decode configuration JSON at offset 3: "),
            (b"\xef\xbb\xbf{\xff", "failed to decode configuration JSON at offset 4: "),
            (b"\xff\xfe{", "failed to decode configuration JSON at offset 3: "),
            (b"\xff\xfe\x00\xd8{\x00", "failed to decode configuration JSON at offset 2: "),
            (b"{\"debug\":}", "invalid JSON: "),
            (b"[]", "invalid JSON: "),
        ];
        for (bytes, expected) in cases {
            let (_, reasons) = shown(bytes);
            assert!(reasons.len() == 1 && reasons[0].starts_with(expected), "{reasons:?}");
        }
    }

    #[test]
    fn keys_inside_objects_count_as_top_level_keys_except_in_flat_maps() {
        let text = br#"{"proxies": {"http-proxy": "p", "nope": 1}, "default-network-opts": {"bridge": {"a": "b"}},
            "features": {"x": true}, "log-opts": {"whatever": "1"}, "also": 2}"#;
        let (values, reasons) = shown(text);
        let expected = [
            "default-network-opts=map[bridge:map[a:b]]",
            "features=map[x:true]",
            "http-proxy=p",
            "log-opts=map[whatever:1]",
        ];
        assert_eq!(values, expected);
        assert_eq!(reasons, ["the following directives don't match any configuration option: also, nope"]);
    }

    #[test]
    fn values_of_the_wrong_type_are_named_each() {
        let (_, reasons) = shown(br#"{"debug": "yes", "hosts": "x", "mtu": "1", "resolv-conf": "/x", "dns": [1]}"#);
        let text = reasons.join("\n");
        for part in [
            "resolv-conf",
            "Config.debug of type bool",
            "string into Go struct field Config.hosts",
            "Config.mtu",
            "Config.dns",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(reasons.len(), 5);
    }

    #[test]
    fn the_old_key_for_the_host_gateway_works_alone_only() {
        assert_eq!(shown(br#"{"host-gateway-ip": "10.0.0.1"}"#).0, ["host-gateway-ips=[10.0.0.1]"]);
        let (_, reasons) = shown(br#"{"host-gateway-ip": "10.0.0.1", "host-gateway-ips": ["10.0.0.2"]}"#);
        assert_eq!(reasons, ["host-gateway-ip and host-gateway-ips must not both be specified in the config file"]);
    }
}
