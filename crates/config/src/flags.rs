//! The command line, read by clap from the table of settings.
//!
//! Owns pflag's habits that clap does not have by itself: `--flag=false`, values that begin with a dash, and a report of
//! every mistake instead of the first. Must never decide what a value means.

use crate::merge::{Given, Source};
use crate::value::Value;
use crate::{Mistake, Setting, Shape, Standing, settings, table};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

/// What the command line said.
pub(crate) enum Line {
    /// `--help`: the text to print.
    Help(String),
    /// Flags.
    Flags(Given),
}

/// The command as clap knows it; also the source of shell completions and the manual page.
pub fn command() -> Command {
    let command = Command::new("pontoond")
        .about("Docker's networking as a daemon of its own")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .args_override_self(true);
    settings().filter_map(argument).fold(command, Command::arg)
}

/// Reads `args` (without the program's name); mistakes go to `mistakes`, and what was right is still returned.
pub(crate) fn read(args: Vec<String>, mistakes: &mut Vec<Mistake>) -> Line {
    match parse(args, mistakes) {
        Ok(matches) => Line::Flags(given(&matches, mistakes)),
        Err(help) => Line::Help(help),
    }
}

fn argument(setting: &'static Setting) -> Option<Arg> {
    let flag = setting.flag?;
    let mut arg = Arg::new(flag).long(flag).help(help(setting)).allow_hyphen_values(true);
    if let Some(short) = setting.short {
        arg = arg.short(short);
    }
    arg = match setting.shape {
        Shape::Bool => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL")
            .allow_hyphen_values(false),
        Shape::List | Shape::Map | Shape::Nested | Shape::Pools | Shape::Opaque => {
            arg.num_args(1).value_name(value_name(setting.shape))
        }
        Shape::Int | Shape::Text => arg.num_args(1).value_name(value_name(setting.shape)),
    };
    Some(arg.action(ArgAction::Append).hide(setting.standing != Standing::Built))
}

fn help(setting: &Setting) -> String {
    match setting.default {
        "" => setting.help.to_owned(),
        default => format!("{} [default: {default}]", setting.help),
    }
}

fn value_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Bool => "BOOL",
        Shape::Int => "NUMBER",
        Shape::Map => "KEY=VALUE",
        Shape::Nested => "DRIVER=KEY=VALUE",
        Shape::Pools => "POOL",
        Shape::Text | Shape::List | Shape::Opaque => "VALUE",
    }
}

/// clap stops at the first word it does not know; take that word out, remember it, and go on.
fn parse(mut args: Vec<String>, mistakes: &mut Vec<Mistake>) -> Result<ArgMatches, String> {
    loop {
        let line = std::iter::once("pontoond".to_owned()).chain(args.iter().cloned());
        let error = match command().try_get_matches_from(line) {
            Ok(matches) => return Ok(matches),
            Err(error) => error,
        };
        if error.kind() == ErrorKind::DisplayHelp {
            return Err(error.to_string());
        }
        let word = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(word)) => word.clone(),
            _ => String::new(),
        };
        let before = args.len();
        mistakes.push(remove(&mut args, &word, error.kind()));
        if args.len() == before {
            return Ok(ArgMatches::default());
        }
    }
}

/// Takes the word that `clap` complains about out of `args` and says what was wrong with it.
fn remove(args: &mut Vec<String>, word: &str, kind: ErrorKind) -> Mistake {
    // clap shows a known flag as `--mtu <NUMBER>`.
    let word = word.split_whitespace().next().unwrap_or_default();
    let matches = |arg: &String| arg == word || arg.split_once('=').is_some_and(|(name, _)| name == word);
    let short = |arg: &String| {
        let bare = word.trim_start_matches('-');
        !word.starts_with("--") && arg.starts_with('-') && !arg.starts_with("--") && arg.contains(bare)
    };
    let short_of_known = |arg: &String| {
        let name = table::by_flag(word.trim_start_matches("--")).and_then(|setting| setting.short);
        name.is_some_and(|name| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(name))
    };
    let found = args.iter().position(matches).or_else(|| args.iter().position(short));
    let Some(at) = found.or_else(|| args.iter().rposition(short_of_known)) else {
        return Mistake::UnknownFlag(word.to_owned());
    };
    let taken = args.remove(at);
    if kind != ErrorKind::UnknownArgument {
        return Mistake::NeedsArgument(taken);
    }
    if !taken.starts_with('-') || taken == "-" {
        return Mistake::Positional(taken);
    }
    // `--unknown value`: the value would be the next complaint, about the same mistake.
    if !taken.contains('=') && args.get(at).is_some_and(|next| !next.starts_with('-')) {
        args.remove(at);
    }
    Mistake::UnknownFlag(taken.split('=').next().unwrap_or_default().to_owned())
}

fn given(matches: &ArgMatches, mistakes: &mut Vec<Mistake>) -> Given {
    let mut given = Given::default();
    for setting in settings() {
        let Some(flag) = setting.flag else { continue };
        let Ok(Some(texts)) = matches.try_get_many::<String>(flag) else { continue };
        let texts: Vec<String> = texts.cloned().collect();
        match Value::from_flag(setting.shape, &texts) {
            Ok(value) => given.set(setting.name(), Source::Flag, value),
            Err((value, reason)) => mistakes.push(Mistake::Argument { value, flag: setting.shown(), reason }),
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(args: &[&str]) -> (Given, Vec<Mistake>) {
        let mut mistakes = Vec::new();
        match read(args.iter().map(|arg| (*arg).to_owned()).collect(), &mut mistakes) {
            Line::Flags(given) => (given, mistakes),
            Line::Help(text) => panic!("{text}"),
        }
    }

    #[test]
    fn clap_accepts_the_table() {
        command().debug_assert();
    }

    #[test]
    fn both_forms_of_a_flag_mean_the_same() {
        let cases: [(&[&str], &[&str]); 5] = [
            (&["--data-root", "/a"], &["--data-root=/a"]),
            (&["-H", "fd://", "-H", "unix:///x"], &["--host=fd://", "--host", "unix:///x"]),
            (&["-D"], &["--debug=true"]),
            (&["--shutdown-timeout", "-1"], &["--shutdown-timeout=-1"]),
            (&["--debug=false", "--debug"], &["-D"]),
        ];
        for (one, other) in cases {
            let ((one, mistakes), (other, others)) = (line(one), line(other));
            assert_eq!((mistakes, others), (vec![], vec![]));
            assert_eq!(one, other);
        }
    }

    #[test]
    fn every_mistake_is_reported_and_not_only_the_first() {
        let (_, mistakes) = line(&["--nope", "x", "--debug=7", "-Z", "word", "--other=1", "--mtu=a", "--pidfile"]);
        let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let expected = [
            "unknown flag: --nope",
            "unknown flag: -Z",
            "unknown flag: --other",
            "flag needs an argument: --pidfile",
            "invalid argument \"7\" for \"-D, --debug\" flag: strconv.ParseBool: parsing \"7\": invalid syntax",
            "invalid argument \"a\" for \"--mtu\" flag: strconv.ParseInt: parsing \"a\": invalid syntax",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_word_that_is_no_flag_is_refused() {
        assert_eq!(line(&["-D", "word"]).1, [Mistake::Positional("word".to_owned())]);
        assert_eq!(line(&["-G"]).1, [Mistake::NeedsArgument("-G".to_owned())]);
    }

    #[test]
    fn help_names_the_flags_that_work_and_no_others() {
        let mut mistakes = Vec::new();
        let Line::Help(text) = read(vec!["--help".to_owned()], &mut mistakes) else { panic!("no help") };
        assert!(text.contains("--insecure-tcp") && text.contains("-H, --host"), "{text}");
        assert!(!text.contains("--storage-driver"), "{text}");
    }
}
