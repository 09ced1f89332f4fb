//! From command line, file and environment to a checked [`Config`], or to everything that is wrong with them.
//!
//! Must never stop early: a mistake on the command line does not hide one in the file.

use crate::flags::Line;
use crate::merge::{Given, Source};
use crate::reader::Reader;
use crate::value::Value;
use crate::{Config, Mistake, Mistakes, Shape, Standing, file, flags, settings, table, tls};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Where settings come from.
pub struct Sources<'a> {
    /// The command line without the program's name.
    pub args: Vec<OsString>,
    /// Looks up an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a whole file.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// `--help`: print this.
    Help(String),
    /// `--version`: print the version.
    Version,
    /// Anything that needs settings.
    Loaded(Box<Loaded>),
}

/// Checked settings and what to do with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What to do.
    pub intent: Intent,
    /// The settings.
    pub config: Config,
    /// One line each for what is accepted and should be known: settings without effect, open sockets.
    pub warnings: Vec<String>,
}

/// What to do with checked settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Run the daemon.
    Run,
    /// `--validate`: say `configuration OK` and exit.
    Validate,
    /// `--cleanup`: remove everything we ever made, and exit.
    Cleanup,
}

/// Reads and checks all settings. Called again, with the same arguments, for a reload.
///
/// # Errors
/// All mistakes, in the order command line, file, combinations.
pub fn load(sources: &Sources<'_>) -> Result<Start, Mistakes> {
    let mut mistakes = Vec::new();
    let args = texts(&sources.args, &mut mistakes);
    let mut given = match flags::read(args, &mut mistakes) {
        Line::Help(text) => return Ok(Start::Help(text)),
        Line::Flags(given) => given,
    };
    if given.switched_on("version") && mistakes.is_empty() {
        return Ok(Start::Version);
    }
    let intent = intent(&given);
    let path = add_file(&mut given, sources, &mut mistakes);
    add_environment(&mut given, sources, &mut mistakes);
    let mut warnings = standing(&given, &mut mistakes);
    let mut reader = Reader { given: &given, file: &path, mistakes };
    let config = Config::read(&mut reader);
    if !reader.mistakes.is_empty() {
        return Err(Mistakes(reader.mistakes));
    }
    warnings.extend(config.warnings());
    Ok(Start::Loaded(Box::new(Loaded { intent, config, warnings })))
}

fn texts(args: &[OsString], mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let mut texts = Vec::with_capacity(args.len());
    for arg in args {
        match arg.to_str() {
            Some(text) => texts.push(text.to_owned()),
            None => mistakes.push(Mistake::NotText(arg.clone())),
        }
    }
    texts
}

fn intent(given: &Given) -> Intent {
    match (given.switched_on("validate"), given.switched_on("cleanup")) {
        (true, _) => Intent::Validate,
        (false, true) => Intent::Cleanup,
        (false, false) => Intent::Run,
    }
}

/// Merges the configuration file into the flags; returns its path.
fn add_file(given: &mut Given, sources: &Sources<'_>, mistakes: &mut Vec<Mistake>) -> PathBuf {
    let default = table::by_flag("config-file").map_or("", |setting| setting.default);
    let explicit = given.text("config-file").map(PathBuf::from);
    let path = explicit.clone().unwrap_or_else(|| PathBuf::from(default));
    if path.as_os_str().is_empty() {
        return path;
    }
    let bytes = match (sources.read)(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && explicit.is_none() => return path,
        Err(error) => {
            let reason = format!("open {}: {}", path.display(), go_reason(&error));
            mistakes.push(Mistake::File { path: path.clone(), reason });
            return path;
        }
    };
    let (values, mut reasons) = file::read(&bytes);
    reasons.extend(given.merge(values).err());
    mistakes.extend(reasons.into_iter().map(|reason| Mistake::File { path: path.clone(), reason }));
    path
}

/// The reason in Go's words where scripts know them.
fn go_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}

fn add_environment(given: &mut Given, sources: &Sources<'_>, mistakes: &mut Vec<Mistake>) {
    for setting in settings() {
        let Some(variable) = setting.env.filter(|_| given.get(setting.name()).is_none()) else { continue };
        let Some(text) = (sources.environment)(variable).filter(|text| !text.is_empty()) else { continue };
        // Docker's switches in the environment are on when they are not empty.
        let text = if setting.shape == Shape::Bool { "true".to_owned() } else { text };
        match Value::from_default(setting.shape, &text) {
            Ok(value) => given.set(setting.name(), Source::Environment, value),
            Err(reason) => mistakes.push(Mistake::Environment { variable, reason }),
        }
    }
    let (variable, files) = tls::FOLDER;
    let Some(folder) = (sources.environment)(variable).filter(|folder| !folder.is_empty()) else { return };
    for (name, file) in files {
        if given.get(name).is_none() {
            given.set(name, Source::Environment, Value::Text(format!("{}/{file}", folder.trim_end_matches('/'))));
        }
    }
}

/// Refuses what is still to come; returns a warning for each setting without meaning here.
fn standing(given: &Given, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, source, value) in given.iter() {
        let Some(setting) = table::by_name(name) else { continue };
        let shown = match (source, setting.flag) {
            (Source::Flag, Some(flag)) => format!("--{flag}"),
            _ => format!("\"{name}\" in the configuration file"),
        };
        match setting.standing {
            Standing::Built => {}
            Standing::Ignored(why) => warnings.push(format!("{shown} has no effect: {why}")),
            Standing::Later if is_default(name, setting, value) => {}
            Standing::Later => mistakes.push(later(name, shown, value)),
        }
    }
    warnings
}

fn is_default(name: &str, setting: &crate::Setting, value: &Value) -> bool {
    let default = Value::from_default(setting.shape, setting.default);
    // Here packet rules are nftables by birth, so asking for them asks for what is so anyway.
    let ours = name == "firewall-backend" && *value == Value::Text("nftables".to_owned());
    ours || default.as_ref() == Ok(value)
}

fn later(name: &str, shown: String, value: &Value) -> Mistake {
    let known = matches!(value, Value::Text(text) if text == "iptables");
    if name == "firewall-backend" && !known {
        let reason = "invalid firewall-backend: allowed values are \"iptables\" and \"nftables\"";
        return Mistake::Together(reason.to_owned());
    }
    Mistake::NotImplemented(shown)
}
