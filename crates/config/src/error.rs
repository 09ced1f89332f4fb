//! What can be wrong with settings, in dockerd's words where dockerd has some.
//!
//! Must never stop at the first mistake: [`Mistakes`] carries them all.

use pontoon_types::{ErrorKind, Kind};
use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// No such flag.
    #[error("unknown flag: {0}")]
    UnknownFlag(String),
    /// A flag stands at the end of the line without its value.
    #[error("flag needs an argument: {0}")]
    NeedsArgument(String),
    /// A word of the command line is no UTF-8.
    #[error("argument {0:?} is no UTF-8 text")]
    NotText(std::ffi::OsString),
    /// The daemon takes flags only.
    #[error("\"pontoond\" accepts no arguments: {0:?}")]
    Positional(String),
    /// A flag's value is malformed.
    #[error("invalid argument {value:?} for \"{flag}\" flag: {reason}")]
    Argument {
        /// The value as given.
        value: String,
        /// The flag as pflag shows it: `-H, --host`.
        flag: String,
        /// Why.
        reason: String,
    },
    /// Something about the configuration file.
    #[error("unable to configure the Docker daemon with file {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An environment variable is malformed.
    #[error("invalid {variable}: {reason}")]
    Environment {
        /// Its name.
        variable: &'static str,
        /// Why.
        reason: String,
    },
    /// A setting that does something in dockerd and nothing here yet.
    #[error("{0} is not implemented yet")]
    NotImplemented(String),
    /// Values that are right each and wrong together.
    #[error("{0}")]
    Together(String),
}

/// Everything that is wrong; never empty. Shown one to a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl Kind for Mistakes {
    /// Not implemented when nothing else is wrong, else invalid.
    fn kind(&self) -> ErrorKind {
        if self.0.iter().all(|mistake| matches!(mistake, Mistake::NotImplemented(_))) {
            ErrorKind::NotImplemented
        } else {
            ErrorKind::Invalid
        }
    }

    fn hint(&self) -> Option<String> {
        let unknown = self.0.iter().any(|mistake| matches!(mistake, Mistake::UnknownFlag(_) | Mistake::Positional(_)));
        unknown.then(|| "see 'pontoond --help'".to_owned())
    }
}
