//! What holds for any template.

use pontoon_gotemplate::{Settings, Template};
use proptest::prelude::*;
use serde_json::json;

/// Words of the language in any order, which gets far deeper than random text.
fn template() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "{{",
            "}}",
            "{{-",
            "-}}",
            " ",
            "\n",
            ".",
            ".A",
            ".B.C",
            "$",
            "$x",
            ":=",
            "=",
            "|",
            "(",
            ")",
            ",",
            "range ",
            "if ",
            "else ",
            "end",
            "with ",
            "break",
            "continue",
            "index ",
            "slice ",
            "printf ",
            "json ",
            "eq ",
            "and ",
            "not ",
            "len ",
            "join ",
            "split ",
            "truncate ",
            "pad ",
            "title ",
            "\"%5.3d %*s %q\"",
            "\"a\"",
            "`b`",
            "'c'",
            "0",
            "-1",
            "3",
            "1.5",
            "0x1f",
            "99999999999999999999",
            "nil",
            "true",
            "/*",
            "*/",
            "é",
            "\\",
            "\"",
            "call ",
        ])
        .prop_map(str::to_owned),
        ".{0,3}",
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

fn action() -> impl Strategy<Value = String> {
    let function = prop::sample::select(vec![
        "index", "slice", "printf", "eq", "lt", "len", "join", "split", "truncate", "pad", "title", "html", "json",
        "print",
    ]);
    let argument = prop::sample::select(vec![
        ".A",
        ".B",
        ".B.C",
        ".L",
        ".N",
        "0",
        "-5",
        "2",
        "1.5",
        "\"é%s%d%x\"",
        "\"\"",
        "nil",
        "(index .L 0)",
        "9223372036854775807",
    ]);
    (function, prop::collection::vec(argument, 0..4))
        .prop_map(|(name, list)| format!("{{{{{name} {}}}}}", list.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_gives_output_or_an_error(text in prop_oneof![template(), action(), any::<String>()]) {
        let data = json!({"A": "xéy", "B": {"C": [1, null, {"d": 1.5}]}, "L": ["p", "q"], "N": null});
        if let Ok(template) = Template::parse(&text) {
            for headings in [false, true] {
                let _ = template.execute(&data, Settings { headings, ..Settings::default() });
            }
        }
    }

    #[test]
    fn text_without_actions_comes_out_as_it_is(text in "[^{]{0,40}") {
        let template = Template::parse(&text);
        prop_assert_eq!(template.and_then(|t| t.execute(&json!({}), Settings::default())), Ok(text));
    }

    #[test]
    fn a_quoted_text_comes_out_as_it_was(text in "[ -~&&[^\"\\\\]]{0,20}") {
        let template = Template::parse(&format!("{{{{\"{text}\"}}}}"));
        prop_assert_eq!(template.and_then(|t| t.execute(&json!({}), Settings::default())), Ok(text));
    }
}
