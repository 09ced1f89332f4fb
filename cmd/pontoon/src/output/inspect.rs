//! Whole objects: a JSON list by default, or a template for each.

use crate::error::Error;
use crate::output;
use pontoon_client::Response;
use pontoon_gotemplate::{Settings, Template};
use serde::Serialize as _;
use serde_json::Value;

/// Shows each named object as `fetch` gives it. Those that are missing are reported after those that are there.
///
/// # Errors
/// All that `fetch` refused, together; or the template's.
pub fn show(
    names: &[String],
    format: Option<&str>,
    fetch: impl Fn(&str) -> Result<Response, pontoon_client::Error>,
) -> Result<u8, Error> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let template = format.map(parse).transpose()?;
    for name in names {
        match fetch(name).and_then(|answer| answer.json::<Value>()) {
            Ok(object) => found.push(object),
            Err(error) => errors.push(Error::Client(error)),
        }
    }
    output::print(&match template {
        Some(template) => each(&template, &found)?,
        None => list(&found),
    })?;
    if errors.is_empty() { Ok(0) } else { Err(Error::Several(errors)) }
}

/// Reads `--format`; `json` is `{{json .}}`.
pub fn parse(format: &str) -> Result<Template, Error> {
    let format = if format == "json" { "{{json .}}" } else { format };
    Template::parse(&format.replace("\\t", "\t").replace("\\n", "\n")).map_err(Error::Template)
}

/// The template's output for each object, a line each.
pub fn each(template: &Template, objects: &[Value]) -> Result<String, Error> {
    let mut out = String::new();
    for object in objects {
        out.push_str(&template.execute(object, Settings::default()).map_err(Error::Template)?);
        out.push('\n');
    }
    Ok(out)
}

/// The objects as a JSON list, indented by four as Docker does.
fn list(objects: &[Value]) -> String {
    if objects.is_empty() {
        return "[]\n".to_owned();
    }
    let mut out = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, indent);
    // Values that came from JSON go back to JSON, and a Vec takes every byte.
    let written = objects.serialize(&mut serializer).is_ok();
    debug_assert!(written);
    String::from_utf8_lossy(&out).into_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_listed_in_their_own_order() {
        let object: Value =
            serde_json::from_str(r#"{"Name":"n","Id":"1","Options":{},"Config":[{"A":null}]}"#).unwrap();
        let expected = "[\n    {\n        \"Name\": \"n\",\n        \"Id\": \"1\",\n        \"Options\": {},\n        \
                        \"Config\": [\n            {\n                \"A\": null\n            }\n        ]\n    }\n]\n";
        assert_eq!(list(&[object]), expected);
        assert_eq!(list(&[]), "[]\n");
    }

    #[test]
    fn a_template_is_applied_to_each() {
        let objects = [json!({"Name": "a"}), json!({"Name": "b"})];
        assert_eq!(each(&parse("{{.Name}}").unwrap(), &objects).unwrap(), "a\nb\n");
        assert_eq!(each(&parse("json").unwrap(), &objects).unwrap(), "{\"Name\":\"a\"}\n{\"Name\":\"b\"}\n");
        let error = each(&parse("{{.Nope}}").unwrap(), &objects).unwrap_err();
        assert!(pontoon_types::chain(&error).ends_with("map has no entry for key \"Nope\""));
    }
}
