//! Every answer has the shape that Docker's own description gives it (`tests/openapi`), errors too.

use crate::core::Core;
use crate::probe::{Answer, Probe, encoded};
use serde_json::{Map, Value, json};

/// Pointers in Go, which the description does not tell: null when they are nil.
const POINTERS: &[&str] = &["ExitCode", "MemorySwappiness", "OomKillDisable"];

/// Docker's description.
pub struct Contract(Value);

impl Contract {
    pub fn read() -> Self {
        let mut whole: Value = serde_json::from_str(include_str!("../openapi/engine-1.56.json")).unwrap();
        let images: Value = serde_json::from_str(include_str!("../openapi/engine-1.56-images.json")).unwrap();
        for part in ["paths", "definitions"] {
            whole[part].as_object_mut().unwrap().extend(images[part].as_object().unwrap().clone());
        }
        Self(whole)
    }

    /// Checks an answer against the description of its call.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let call = &self.0["paths"][path][method];
        let described = &call["responses"][answer.status.to_string()];
        // Docker's description leaves out that any body can be malformed.
        if answer.status == 400 && described.is_null() {
            return self.matches(&json!({"$ref": "#/definitions/ErrorResponse"}), &answer.json(), path);
        }
        assert!(described.is_object(), "{method} {path}: status {} is not described: {}", answer.status, answer.body);
        if described["schema"]["type"] == "string" || !described["schema"].is_object() {
            return;
        }
        self.matches(&described["schema"], &answer.json(), &format!("{method} {path}"));
    }

    fn matches(&self, schema: &Value, found: &Value, what: &str) {
        let schema = self.closed(schema);
        let validator = jsonschema::draft7::new(&schema).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(found).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{what}: {wrong:#?}\n{found:#}");
    }

    /// The schema as JSON Schema: references and `allOf` resolved, no fields but those described, and null where Go
    /// writes a nil map, list or pointer.
    fn closed(&self, schema: &Value) -> Value {
        let mut schema = self.merged(schema);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for (name, property) in properties {
                if POINTERS.contains(&name.as_str()) {
                    property["x-nullable"] = true.into();
                }
                *property = self.closed(property);
            }
            schema.entry("additionalProperties").or_insert(false.into());
        }
        for inner in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get_mut(inner).filter(|inner| inner.is_object()) {
                *inner = self.closed(inner);
            }
        }
        let nil = matches!(schema.get("type").and_then(Value::as_str), Some("object" | "array"))
            || schema.get("x-nullable") == Some(&true.into());
        if let (true, Some(kind)) = (nil, schema.get("type").cloned()) {
            schema.insert("type".into(), json!([kind, "null"]));
        }
        // Numbers as wide as 64 bits are no format of JSON Schema.
        schema.remove("format");
        Value::Object(schema)
    }

    fn merged(&self, schema: &Value) -> Map<String, Value> {
        let mut merged = Map::new();
        let mut add = |more: Map<String, Value>| {
            for (key, value) in more {
                match (key.as_str(), merged.get_mut(&key)) {
                    ("properties", Some(Value::Object(properties))) => {
                        properties.extend(value.as_object().unwrap().clone());
                    }
                    _ => {
                        merged.insert(key, value);
                    }
                }
            }
        };
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/")) {
            let definition = &self.0["definitions"][name];
            assert!(definition.is_object(), "{name}");
            add(self.merged(definition));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            add(self.merged(part));
        }
        let own = schema.as_object().unwrap().clone();
        add(own.into_iter().filter(|(key, _)| key != "$ref" && key != "allOf").collect());
        merged
    }
}

const NETWORK: &str = r#"{"Name":"net","EnableIPv6":true,"Options":{"a":"b"},"Labels":{"l":"v"},
    "IPAM":{"Options":{"o":"p"},"Config":[{"Subnet":"10.9.0.0/24","IPRange":"10.9.0.128/25","Gateway":"10.9.0.1",
    "AuxiliaryAddresses":{"x":"10.9.0.9"}},{"Subnet":"fd00::/64"}]}}"#;

#[tokio::test]
async fn networks_look_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    let created = probe.post("/networks/create", NETWORK).await;
    contract.check("post", "/networks/create", &created);
    probe.sandbox(r#"{"Name":"web","Networks":{"net":{}}}"#).await;
    for network in ["net", "host", "none", "bridge"] {
        contract.check("get", "/networks/{id}", &probe.get(&format!("/networks/{network}")).await);
    }
    let list = probe.get("/networks").await;
    assert_eq!(list.json().as_array().unwrap().len(), 4);
    contract.check("get", "/networks", &list);
    let gone = probe.call("POST /networks/prune", None).await;
    contract.check("post", "/networks/prune", &gone);
}

#[tokio::test]
async fn connecting_and_removing_answer_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    probe.network(NETWORK).await;
    probe.sandbox(r#"{"Name":"web"}"#).await;
    for (path, described) in
        [("/networks/net/connect", "/networks/{id}/connect"), ("/networks/net/disconnect", "/networks/{id}/disconnect")]
    {
        contract.check("post", described, &probe.post(path, r#"{"Container":"web"}"#).await);
        contract.check("post", described, &probe.post(path, r#"{"Container":"nobody"}"#).await);
        contract.check("post", described, &probe.post(path, "{").await);
    }
    contract.check("delete", "/networks/{id}", &probe.call("DELETE /networks/net", None).await);
    contract.check("delete", "/networks/{id}", &probe.call("DELETE /networks/net", None).await);
    contract.check("delete", "/networks/{id}", &probe.call("DELETE /networks/bridge", None).await);
}

#[tokio::test]
async fn errors_look_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    for (body, status) in [(r#"{"Name":"host"}"#, 403), (r#"{"Name":""}"#, 400), (r#"{"Name":"a","Driver":"x"}"#, 404)]
    {
        let answer = probe.post("/networks/create", body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let mut bare = answer.json();
        // Our one addition.
        bare.as_object_mut().unwrap().remove("hint");
        contract.matches(&json!({"$ref": "#/definitions/ErrorResponse"}), &bare, body);
    }
    contract.check("get", "/networks/{id}", &probe.get("/networks/nope").await);
}

#[tokio::test]
async fn the_daemon_describes_itself_as_described() {
    let contract = Contract::read();
    let pools = vec![pontoon_types::AddressPool { base: "10.0.0.0/8".parse().unwrap(), size: 24 }];
    let probe = Probe::over(Core::with_pools(pools));
    contract.check("get", "/info", &probe.get("/info").await);
    contract.check("get", "/version", &probe.get("/version").await);
    contract.check("get", "/_ping", &probe.get("/_ping").await);
}

#[tokio::test]
async fn every_event_looks_as_described() {
    let (contract, probe) = (Contract::read(), Probe::new());
    probe.network(NETWORK).await;
    probe.sandbox(r#"{"Name":"web","Networks":{"net":{}}}"#).await;
    probe.call("DELETE /pontoon/v1/sandboxes/web?force=1", None).await;
    probe.call("POST /networks/prune", None).await;
    let until = encoded("-1s");
    let answer = probe.get(&format!("/events?since=0&until={}", now())).await;
    assert_eq!(answer.status, 200, "{} {until}", answer.body);
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(lines.len(), 5, "{}", answer.body);
    for line in lines {
        contract.matches(&json!({"$ref": "#/definitions/EventMessage"}), &serde_json::from_str(line).unwrap(), line);
    }
}

fn now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{}.{:09}", now.as_secs(), now.subsec_nanos())
}

#[test]
fn the_check_itself_notices_what_is_wrong() {
    let contract = Contract::read();
    let schema = json!({"$ref": "#/definitions/NetworkInspect"});
    for wrong in [json!({"Name": 1}), json!({"Nmae": "x"}), json!({"IPAM": {"Config": [{"Subnet": []}]}}), json!([])] {
        let checked = std::panic::catch_unwind(|| contract.matches(&schema, &wrong, ""));
        assert!(checked.is_err(), "{wrong}");
    }
    contract.matches(&schema, &json!({"Name": "x", "IPAM": {"Options": null}}), "");
}
