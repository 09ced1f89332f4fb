//! What went wrong, and how it is told: one line, a hint, an exit code.

use pontoon_types::{Kind, chain};
use std::io::{self, Write};

/// A command that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line makes no sense.
    #[error("{text}")]
    Usage {
        /// What is wrong.
        text: String,
        /// How to go on.
        hint: Option<String>,
    },
    /// The daemon refused, or could not be asked.
    #[error(transparent)]
    Client(#[from] pontoon_client::Error),
    /// A template is wrong or does not fit.
    #[error("template parsing error")]
    Template(#[source] pontoon_gotemplate::Error),
    /// The system did not let us.
    #[error("{act}")]
    System {
        /// What we were doing.
        act: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Several objects, each with its own mistake.
    #[error("several errors")]
    Several(Vec<Error>),
    /// The command to run was not found or may not be run.
    #[error("exec {command:?}")]
    Exec {
        /// The command.
        command: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// `run` and `exec` failed before their command ran.
    #[error(transparent)]
    BeforeCommand(Box<Error>),
    /// Nobody reads our output any more.
    #[error("write output")]
    Closed,
}

impl Error {
    /// A usage error with a hint.
    pub fn usage(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { text: text.into(), hint: Some(hint.into()) }
    }

    /// A failure of the system.
    pub fn system(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let act = act.into();
        move |cause| Self::System { act, cause }
    }

    /// The same, with the exit code of `run` and `exec` for what happens before their command.
    pub fn before_command(self) -> Self {
        match self {
            exec @ (Self::Exec { .. } | Self::BeforeCommand(_)) => exec,
            error => Self::BeforeCommand(Box::new(error)),
        }
    }

    /// Whether the daemon says that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Client(error) if error.status() == Some(404))
    }

    /// The exit code: Docker's 125, 126 and 127 around a command, else 1.
    pub fn code(&self) -> u8 {
        match self {
            Self::BeforeCommand(_) => 125,
            Self::Exec { cause, .. } if cause.kind() == io::ErrorKind::NotFound => 127,
            Self::Exec { .. } => 126,
            _ => 1,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Client(error) => error.hint(),
            Self::Template(_) => Some("--format json shows which fields there are".to_owned()),
            Self::System { cause, .. } if cause.kind() == io::ErrorKind::PermissionDenied => {
                Some("entering a sandbox needs root; use sudo".to_owned())
            }
            Self::BeforeCommand(inner) => inner.hint(),
            _ => None,
        }
    }

    /// Writes the error to `to` as `pontoon: …` and `hint: …`, one line each, and gives the exit code.
    pub fn report(&self, to: &mut dyn Write) -> u8 {
        match self {
            Self::Closed => {}
            Self::Several(errors) => {
                for error in errors {
                    error.report(to);
                }
            }
            Self::BeforeCommand(inner) => {
                inner.report(to);
            }
            error => {
                let mut text = format!("pontoon: {}\n", one_line(&chain(error)));
                if let Some(hint) = error.hint() {
                    text.push_str(&format!("hint: {}\n", one_line(&hint)));
                }
                // Standard error is closed: nobody is left to tell.
                drop(to.write_all(text.as_bytes()));
            }
        }
        self.code()
    }
}

/// Docker's lists of several problems (`* a`, `* b`) on one line; no control character reaches the terminal.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("* ")).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("; ").replace(":; ", ": ");
    joined.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &Error) -> (String, u8) {
        let mut out = Vec::new();
        let code = error.report(&mut out);
        (String::from_utf8(out).unwrap(), code)
    }

    #[test]
    fn an_error_is_one_line_and_a_hint() {
        let api = pontoon_client::ApiError {
            status: 400,
            message: "invalid network config:\n* a\n* b".to_owned(),
            hint: Some("do c".to_owned()),
        };
        let error = Error::Client(api.into());
        assert_eq!(told(&error), ("pontoon: invalid network config: a; b\nhint: do c\n".to_owned(), 1));
        let error = Error::Several(vec![error, Error::usage("x", "y")]);
        assert_eq!(told(&error).0.lines().count(), 4);
    }

    #[test]
    fn exit_codes_around_a_command_are_dockers() {
        let exec = |kind: io::ErrorKind| Error::Exec { command: "x".to_owned(), cause: kind.into() };
        assert_eq!(exec(io::ErrorKind::NotFound).before_command().code(), 127);
        assert_eq!(exec(io::ErrorKind::PermissionDenied).before_command().code(), 126);
        assert_eq!(Error::usage("x", "y").before_command().code(), 125);
    }

    #[test]
    fn a_hostile_text_does_not_reach_the_terminal_raw() {
        assert_eq!(told(&Error::usage("a\u{1b}[2Jb", "h")).0, "pontoon: a\u{fffd}[2Jb\nhint: h\n");
    }
}
