//! What one setting is: its flag, its key in `daemon.json`, the shape of its values, its default and its help.
//!
//! Must never know where a value came from.

/// How the values of a setting look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `--flag`, `--flag=false`; `true` in the file.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// Text, repeatable; a list in the file.
    List,
    /// `key=value`, repeatable; an object in the file.
    Map,
    /// `driver=option=value`, repeatable; an object of objects in the file.
    Nested,
    /// `base=CIDR,size=N`, repeatable; a list of objects in the file.
    Pools,
    /// Anything: for settings that mean nothing here and are only named in a warning.
    Opaque,
}

/// What Pontoon does with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It works.
    Built,
    /// Known, and refused as long as it is not built, unless the value is dockerd's default.
    Later,
    /// It means nothing here: accepted with a warning, for the reason given.
    Ignored(&'static str),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Long flag, without dashes; `None` for settings that only the file has.
    pub flag: Option<&'static str>,
    /// Short flag.
    pub short: Option<char>,
    /// Key in the file; `None` for settings that only the command line has.
    pub key: Option<&'static str>,
    /// An older key with one value instead of a list.
    pub old_key: Option<&'static str>,
    /// Environment variable, consulted when neither flag nor file has a value.
    pub env: Option<&'static str>,
    /// Shape of its values.
    pub shape: Shape,
    /// Default as text; lists and maps start empty.
    pub default: &'static str,
    /// One line for `--help`.
    pub help: &'static str,
    /// What we do with it.
    pub standing: Standing,
}

impl Setting {
    /// A setting that works, with flag and key of the same name and an empty (or false) default.
    pub(crate) const fn new(name: &'static str, shape: Shape, help: &'static str) -> Self {
        Self {
            flag: Some(name),
            short: None,
            key: Some(name),
            old_key: None,
            env: None,
            shape,
            default: "",
            help,
            standing: Standing::Built,
        }
    }

    pub(crate) const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    pub(crate) const fn key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) const fn old_key(self, key: &'static str) -> Self {
        Self { old_key: Some(key), ..self }
    }

    pub(crate) const fn no_key(self) -> Self {
        Self { key: None, ..self }
    }

    pub(crate) const fn no_flag(self) -> Self {
        Self { flag: None, ..self }
    }

    pub(crate) const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    pub(crate) const fn env(self, variable: &'static str) -> Self {
        Self { env: Some(variable), ..self }
    }

    pub(crate) const fn standing(self, standing: Standing) -> Self {
        Self { standing, ..self }
    }

    /// The name by which the setting is known inside: its key, else its flag.
    pub fn name(&self) -> &'static str {
        self.key.or(self.flag).unwrap_or_default()
    }

    /// The flag as messages show it: `-H, --host`.
    pub(crate) fn shown(&self) -> String {
        match (self.short, self.flag) {
            (Some(short), Some(flag)) => format!("-{short}, --{flag}"),
            (None, Some(flag)) => format!("--{flag}"),
            _ => self.name().to_owned(),
        }
    }
}
