//! What is wrong with a command line, in one line and a hint.
//!
//! Must never print.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;

/// A refused command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is wrong.
    pub text: String,
    /// How to go on.
    pub hint: String,
}

/// Whether the "error" is only a request for help or the version.
pub fn is_request(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// The error as we show it. `path` are the words of the command, to name the help that fits.
pub fn explain(error: &clap::Error, path: &[String]) -> Usage {
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(list)) => Some(list.join(" ")),
        _ => None,
    };
    let argument = told(ContextKind::InvalidArg).unwrap_or_default();
    let value = told(ContextKind::InvalidValue).unwrap_or_default();
    let text = match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => format!("unknown flag: {argument}"),
        ErrorKind::UnknownArgument => format!("unexpected argument {argument:?}"),
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            format!("invalid argument {value:?} for {}: {reason}", named(&argument))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{} needs a value", named(&argument)),
        ErrorKind::InvalidValue => format!("invalid argument {value:?} for {}", named(&argument)),
        ErrorKind::InvalidSubcommand => {
            let word = told(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("{word:?} is not a pontoon command")
        }
        ErrorKind::MissingRequiredArgument => format!("missing argument: {argument}"),
        ErrorKind::ArgumentConflict => {
            let other = told(ContextKind::PriorArg).unwrap_or_default();
            format!("{} and {} exclude each other", named(&argument), named(&other))
        }
        _ => first_line(error),
    };
    let command = std::iter::once("pontoon").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    Usage { text, hint: format!("see '{command} --help'") }
}

/// A flag as Docker quotes it; clap shows it as `--publish <PORT>`.
fn named(argument: &str) -> String {
    let name = argument.split([' ', '[', '=']).next().unwrap_or(argument);
    if name.starts_with('-') { format!("\"{name}\" flag") } else { argument.to_owned() }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// The words of the command at the start of a line, as far as they name one.
pub fn path(command: &clap::Command, line: &[String]) -> Vec<String> {
    let (mut path, mut command) = (Vec::new(), command);
    for word in line.iter().filter(|word| !word.starts_with('-')) {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None if path.is_empty() => continue,
            None => break,
        }
        path.push(word.clone());
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn usage(line: &[&str]) -> (String, String) {
        let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        let error =
            crate::args::read(std::iter::once("pontoon").chain(line.iter().copied()).map(Into::into)).unwrap_err();
        let usage = explain(&error, &path(&crate::args::Cli::command(), &words));
        (usage.text, usage.hint)
    }

    #[test]
    fn a_mistake_is_one_line_and_names_the_help_that_fits() {
        for (line, text, hint) in [
            (&["network", "create", "--nope", "x"][..], "unknown flag: --nope", "see 'pontoon network create --help'"),
            (&["network", "create"], "missing argument: <NETWORK>", "see 'pontoon network create --help'"),
            (&["network", "rm"], "missing argument: <NETWORK>...", "see 'pontoon network rm --help'"),
            (&["nope"], "\"nope\" is not a pontoon command", "see 'pontoon --help'"),
            (&["info", "x"], "unexpected argument \"x\"", "see 'pontoon info --help'"),
            (
                &["run", "-p", "80:x", "sh"],
                "invalid argument \"80:x\" for \"--publish\" flag: invalid containerPort: x",
                "see 'pontoon run --help'",
            ),
            (
                &["run", "--rm", "--keep", "sh"],
                "\"--rm\" flag and \"--keep\" flag exclude each other",
                "see 'pontoon run --help'",
            ),
            (&["-H", "x", "info", "--format"], "\"--format\" flag needs a value", "see 'pontoon info --help'"),
        ] {
            assert_eq!(usage(line), (text.to_owned(), hint.to_owned()), "{line:?}");
        }
    }
}
