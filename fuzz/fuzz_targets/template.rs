//! What a user may give as `--format`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pontoon_gotemplate::{Settings, Template};

fuzz_target!(|text: &str| {
    let value = serde_json::json!({"Name": "a", "List": [1, {"K": null}], "Map": {"x": "y"}, "Flag": true});
    if let Ok(template) = Template::parse(text) {
        let _ = template.execute(&value, Settings::default());
    }
});
