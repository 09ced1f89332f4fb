//! What holds for any input.

use pontoon_config::{Sources, load};
use proptest::prelude::*;

fn words() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        "-{0,3}[a-zA-Z=,:/.0-9-]{0,12}",
        "--(host|dns|mtu|label|feature|debug|bip|default-address-pool|default-network-opt)(=.{0,8})?",
        any::<String>(),
    ];
    prop::collection::vec(word, 0..6)
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let json = r#"\{"(hosts|dns|debug|features|mtu|x)": (1|true|"a"|\[\]|\["b", 2\]|\{"y": null\})\}"#;
    prop_oneof![prop::collection::vec(any::<u8>(), 0..40), json.prop_map(String::into_bytes)]
}

proptest! {
    #[test]
    fn any_command_line_and_any_file_give_settings_or_mistakes(args in words(), file in file(), env in ".{0,6}") {
        let sources = Sources {
            args: args.iter().map(Into::into).collect(),
            environment: &|_| Some(env.clone()),
            read: &|_| Ok(file.clone()),
        };
        match load(&sources) {
            Ok(_) => {}
            Err(mistakes) => prop_assert!(!mistakes.0.is_empty() && !mistakes.to_string().is_empty()),
        }
    }
}
