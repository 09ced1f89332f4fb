//! Listings: a table by default, or whatever `--format` says, as Docker's formatter does it.

use crate::error::Error;
use crate::output::table;
use pontoon_gotemplate::{Missing, Settings, Template};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a kind of listing looks like.
pub struct Columns {
    /// The type that errors about unknown fields name.
    pub kind: &'static str,
    /// Template of the default table, without the word `table`.
    pub table: &'static str,
    /// Template of `--quiet`.
    pub quiet: &'static str,
    /// Fields with their headings.
    pub headings: &'static [(&'static str, &'static str)],
}

/// One object listed.
#[derive(Default)]
pub struct Row {
    /// Fields, as text.
    pub fields: Vec<(&'static str, String)>,
    /// Labels, for `{{.Label "key"}}`.
    pub labels: BTreeMap<String, String>,
}

/// The listing as text.
///
/// # Errors
/// [`Error::Template`] when the format cannot be parsed or names an unknown field.
pub fn render(columns: &Columns, format: Option<&str>, quiet: bool, rows: &[Row]) -> Result<String, Error> {
    let format = match format.unwrap_or("table").trim() {
        "" | "table" if quiet => columns.quiet.to_owned(),
        "" | "table" => format!("table {}", columns.table),
        "json" => "{{json .}}".to_owned(),
        other => other.replace("\\t", "\t").replace("\\n", "\n"),
    };
    let (body, is_table) = match format.strip_prefix("table") {
        Some(body) => (body.trim_matches(' '), true),
        None => (format.as_str(), false),
    };
    let template = Template::parse(body).map_err(Error::Template)?;
    let mut out = String::new();
    if is_table {
        let headings: Map<String, Value> = columns.headings.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        out.push_str(&one(columns, &template, &Value::Object(headings), &BTreeMap::new(), true)?);
    }
    for row in rows {
        let fields: BTreeMap<&str, &String> = row.fields.iter().map(|(key, value)| (*key, value)).collect();
        out.push_str(&one(columns, &template, &json!(fields), &row.labels, false)?);
    }
    Ok(if is_table { table::align(&out) } else { out })
}

fn one(
    columns: &Columns,
    template: &Template,
    data: &Value,
    labels: &BTreeMap<String, String>,
    headings: bool,
) -> Result<String, Error> {
    let labels = json!(labels);
    let lookups = [("Label", &labels)];
    let settings = Settings { missing: Missing::FieldOf(columns.kind), headings, lookups: &lookups };
    template.execute(data, settings).map(|text| text + "\n").map_err(Error::Template)
}

/// Labels as Docker lists them: `a=1,b=2`.
pub fn labels(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// An id as shown: its first twelve characters unless `whole`.
pub fn id(id: &str, whole: bool) -> String {
    if whole { id.to_owned() } else { id.chars().take(12).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        kind: "*network.networkContext",
        table: "{{.ID}}\t{{.Name}}",
        quiet: "{{.ID}}",
        headings: &[("ID", "NETWORK ID"), ("Name", "NAME")],
    };

    fn shown(format: Option<&str>, quiet: bool) -> Result<String, Error> {
        let row = |id: &str, name: &str| Row {
            fields: vec![("ID", id.to_owned()), ("Name", name.to_owned())],
            labels: [("com.x.role".to_owned(), name.to_uppercase())].into(),
        };
        render(&COLUMNS, format, quiet, &[row("1", "a"), row("2", "b")])
    }

    #[test]
    fn formats_are_dockers() {
        let table = "NETWORK ID   NAME\n1            a\n2            b\n";
        for (format, quiet, expected) in [
            (None, false, table),
            (Some("table"), false, table),
            (None, true, "1\n2\n"),
            (Some("table"), true, "1\n2\n"),
            (Some("{{.Name}}"), true, "a\nb\n"),
            (Some("json"), false, "{\"ID\":\"1\",\"Name\":\"a\"}\n{\"ID\":\"2\",\"Name\":\"b\"}\n"),
            (Some("{{.Name}}\\t{{.ID}}"), false, "a\t1\nb\t2\n"),
            (
                Some("table {{upper .Name}}\\t{{.Label \"com.x.role\"}}"),
                false,
                "NAME      role\nA         A\nB         B\n",
            ),
        ] {
            assert_eq!(shown(format, quiet).unwrap(), expected, "{format:?}");
        }
    }

    #[test]
    fn an_unknown_field_is_named_with_its_type() {
        let error = pontoon_types::chain(&shown(Some("{{.Foo}}"), false).unwrap_err());
        let expected = "template parsing error: template: :1:2: executing \"\" at <.Foo>: \
                        can't evaluate field Foo in type *network.networkContext";
        assert_eq!(error, expected);
    }

    #[test]
    fn an_empty_table_still_has_its_headings() {
        assert_eq!(render(&COLUMNS, None, false, &[]).unwrap(), "NETWORK ID   NAME\n");
    }
}
