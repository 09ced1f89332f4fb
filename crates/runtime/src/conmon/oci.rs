//! The OCI runtime as a program: which one, and one bounded run of it.

use super::host;
use crate::{Error, Refusal, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A runtime as a container uses it, from its creation on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Oci {
    /// Its name, e.g. `crun`.
    pub name: String,
    /// Where it is.
    pub program: PathBuf,
    /// Where it keeps what it knows of containers.
    pub root: PathBuf,
    /// Whether it leaves control groups alone.
    pub without_cgroups: bool,
}

impl Oci {
    /// Whether it is crun, by its program's name.
    pub fn is_crun(&self) -> bool {
        self.program.file_name().is_some_and(|file| file.as_encoded_bytes().starts_with(b"crun"))
    }

    /// The arguments before any command.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["--root".into(), self.root.clone().into()];
        if self.without_cgroups {
            arguments.push("--cgroup-manager=disabled".into());
        }
        arguments
    }

    /// Runs `command` with `words`; what it says goes to a file in `folder`.
    pub fn run(&self, command: &'static str, words: &[&str], folder: &Path, patience: Duration) -> Result<()> {
        let file = folder.join(format!("{command}.errors"));
        let act = |cause| Error::File { act: "create", path: file.clone(), cause };
        let errors = File::create(&file).map_err(act)?;
        let mut child = Command::new(&self.program);
        child.args(self.arguments()).arg(command).args(words);
        child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).current_dir(folder);
        environment(&mut child);
        let mut child = child.spawn().map_err(|cause| self.unstarted(cause))?;
        let ended = super::process::Process::now(child.id()).is_none_or(|process| process.wait(patience));
        if !ended {
            if let Some(process) = super::process::Process::now(child.id()) {
                process.end_tree(Duration::from_secs(10));
            }
            let _ = child.wait();
            return Err(Error::TimedOut { program: self.name.clone(), act: command, patience });
        }
        let status = child.wait().map_err(|cause| Error::Process { act: format!("wait for {}", self.name), cause })?;
        let said = std::fs::read(&file).unwrap_or_default();
        let _ = std::fs::remove_file(&file);
        if status.success() {
            return Ok(());
        }
        Err(self.refused(command, "", &String::from_utf8_lossy(&said)))
    }

    /// The error for a runtime that cannot even be started.
    pub fn unstarted(&self, cause: std::io::Error) -> Error {
        if cause.kind() == std::io::ErrorKind::NotFound {
            return missing(&self.name);
        }
        Error::Process { act: format!("start {}", self.program.display()), cause }
    }

    /// The error that the runtime's own words mean; an empty text is a death without last words.
    pub fn refused(&self, act: &'static str, prefix: &'static str, said: &str) -> Error {
        let said = plain(said);
        if said.is_empty() {
            return Error::Died { program: self.name.clone(), act, message: String::new() };
        }
        let (refusal, message) = judge(&said);
        Error::Refused { prefix, act, message: format!("{} {act} failed: {message}", self.name), refusal }
    }
}

/// What every program of ours is started with: nothing that the daemon was told by whoever started it.
pub(super) fn environment(command: &mut Command) {
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

/// The error for a runtime that is not installed.
pub(super) fn missing(name: &str) -> Error {
    Error::Missing { program: name.to_owned(), remedy: "install the packages crun (or runc) and conmon".into() }
}

/// The runtimes of the host by name: those of the settings, then those that are found.
pub(super) fn all(settings: &super::Settings, mixed: bool) -> Vec<(String, PathBuf)> {
    let mut all = settings.runtimes.clone();
    // crun is several times faster. It refuses a host with both kinds of control groups in use, on which runc works.
    for name in if mixed { ["runc", "crun"] } else { ["crun", "runc"] } {
        if let Some(program) = host::program(name)
            && !all.iter().any(|(other, _)| other == name)
        {
            all.push((name.to_owned(), program));
        }
    }
    if let Some(wanted) = &settings.default_runtime
        && let Some(at) = all.iter().position(|(name, _)| name == wanted)
    {
        let default = all.remove(at);
        all.insert(0, default);
    }
    all
}

/// The text in one line, without colours, times and levels.
fn plain(said: &str) -> String {
    let lines = said.lines().map(|line| {
        let mut line = line.trim();
        // runc: time="…" level=error msg="…"
        if let Some((_, message)) = line.split_once(" msg=") {
            let message = message.trim();
            return message
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .map_or_else(|| message.to_owned(), |text| text.replace("\\\"", "\"").replace("\\\\", "\\"));
        }
        // crun: 2026-11-21T14:00:00.000000Z: …
        if line.len() > 20
            && line.as_bytes()[4] == b'-'
            && let Some((_, message)) = line.split_once("Z: ")
        {
            line = message;
        }
        line.to_owned()
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().filter(|c| !c.is_control()).collect()
}

/// What sort of refusal a message is. Docker's clients look for three phrases of runc's, which crun words differently.
fn judge(said: &str) -> (Refusal, String) {
    let lower = said.to_lowercase();
    if let Some(program) = between(said, "executable file `", "` not found") {
        let message =
            format!("unable to start container process: exec: \"{program}\": executable file not found in $PATH");
        return (Refusal::CommandNotFound, message);
    }
    if lower.contains("mount") && (lower.contains("not a directory") || lower.contains("is a directory")) {
        let message = format!(
            "{said}: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path \
             exists and is the expected type"
        );
        return (Refusal::MountMismatch, message);
    }
    if lower.contains("mount") {
        return (Refusal::Other, said.to_owned());
    }
    if lower.contains("executable file not found")
        || lower.contains("exec") && lower.contains("no such file or directory")
    {
        return (Refusal::CommandNotFound, said.replace("No such file", "no such file"));
    }
    if lower.contains("open executable") {
        // crun says of a folder that it is not permitted.
        let message = "unable to start container process: open executable: permission denied";
        return (Refusal::CommandNotExecutable, message.to_owned());
    }
    for phrase in ["permission denied", "is a directory", "not a directory", "exec format error"] {
        if lower.contains(phrase) {
            let at = lower.find(phrase).filter(|_| lower.len() == said.len()).unwrap_or(said.len());
            let message = said.get(..at).map_or_else(|| said.to_owned(), |before| format!("{before}{phrase}"));
            let known = phrase != "exec format error";
            return (if known { Refusal::CommandNotExecutable } else { Refusal::Other }, message);
        }
    }
    (Refusal::Other, said.to_owned())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(said: &str) -> (i32, String) {
        let root = PathBuf::new();
        let oci = Oci { name: "crun".into(), program: root.clone(), root, without_cgroups: false };
        let error = oci.refused("create", "", said);
        (error.exit_code(), error.to_string())
    }

    #[test]
    fn a_missing_program_is_said_as_runc_says_it() {
        let text = "OCI runtime create failed: crun create failed: unable to start container process: exec: \"nosuch\": \
                    executable file not found in $PATH";
        assert_eq!(
            refused("executable file `nosuch` not found in $PATH: No such file or directory\n"),
            (127, text.into())
        );
        let runc = "time=\"2026-11-21T00:00:00Z\" level=error msg=\"runc create failed: exec: \\\"x\\\": executable file not \
                    found in $PATH\"\n";
        let (code, text) = refused(runc);
        assert_eq!(code, 127);
        assert!(text.ends_with("runc create failed: exec: \"x\": executable file not found in $PATH"), "{text}");
    }

    #[test]
    fn other_refusals_have_their_exit_codes() {
        assert_eq!(refused("open executable: Permission denied").0, 126);
        assert_eq!(refused("exec: \"/etc\": is a directory").0, 126);
        let (code, text) = refused("mount `/etc/passwd` to `etc`: Not a directory");
        assert_eq!(code, 127);
        assert!(text.contains("Are you trying to mount a directory onto a file"), "{text}");
        assert_eq!(refused("creating cgroup: Device or resource busy").0, 128);
        assert_eq!(refused("").1, "crun ended before it could create");
    }
}
