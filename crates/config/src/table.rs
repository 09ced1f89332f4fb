//! Every setting there is, in three groups by what we do with it.
//!
//! Must never hold behaviour: adding a setting is one entry here and one line where [`crate::Config`] reads it.

mod built;
mod ignored;
mod later;

use crate::Setting;

/// All settings: those that work, those still to come, those without meaning here.
pub fn settings() -> impl Iterator<Item = &'static Setting> + Clone {
    built::SETTINGS.iter().chain(later::SETTINGS).chain(ignored::SETTINGS)
}

/// The setting with that long flag.
pub(crate) fn by_flag(flag: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.flag == Some(flag))
}

/// The setting with that key in the file.
pub(crate) fn by_key(key: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.key == Some(key) || setting.old_key == Some(key))
}

/// The setting with that [`Setting::name`].
pub(crate) fn by_name(name: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_flag_short_flag_or_key_is_defined_twice() {
        let mut seen = BTreeSet::new();
        for setting in settings() {
            let names = [
                setting.flag.map(|flag| format!("--{flag}")),
                setting.short.map(|short| format!("-{short}")),
                setting.key.map(str::to_owned),
                setting.old_key.map(|key| format!("old {key}")),
            ];
            for name in names.into_iter().flatten() {
                assert!(seen.insert(name.clone()), "{name}");
            }
            assert!(!setting.name().is_empty() && !setting.help.is_empty(), "{setting:?}");
        }
    }
}
