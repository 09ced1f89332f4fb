//! `pontoon run` and `pontoon exec`: a command of this host in a sandbox.
//!
//! `run` stays as the command's parent: it forwards signals, waits, and removes the sandbox. The command's process first
//! becomes this program again (`enter-sandbox`), enters the namespaces while it is alone in its address space, and then
//! becomes the command. So the parent never leaves its own namespaces, and nothing runs between fork and exec.

mod enter;
mod mounts;
mod supervise;

pub use enter::enter;

use crate::args::run::{Enter, Exec, Run};
use crate::error::Error;
use crate::output;
use crate::sandbox::request;
use pontoon_api_types::Sandbox;
use pontoon_client::blocking::Client;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use supervise::Signals;

/// Creates a sandbox, runs the command in it and gives its exit status; removes the sandbox unless it is to be kept.
pub fn run(client: &Client, command: &Run) -> Result<u8, Error> {
    let mut request = request::build(&command.sandbox, &["bridge"])?;
    if !command.keep {
        // Killed, we cannot remove it any more: then the daemon does.
        request.keeper = std::process::id();
    }
    // From here on a signal to end waits until there is somebody to forward it to, so that no sandbox is left behind.
    let signals = Signals::hold()?;
    let answer = client.create_sandbox(&request)?;
    answer.warnings.iter().for_each(|warning| output::warn(warning));
    let result = inside(client, &answer.id, command, &signals);
    if !command.keep
        && let Err(error) = client.remove_sandbox(&answer.id, true).map_err(Error::Client)
        && !error.is_not_found()
    {
        error.report(&mut std::io::stderr());
    }
    result
}

fn inside(client: &Client, id: &str, command: &Run, signals: &Signals) -> Result<u8, Error> {
    let plan = plan(&client.sandbox(id)?, &command.command);
    let mut child = Command::new("/proc/self/exe");
    child.args(words(&plan, std::process::id()));
    let child = child.spawn().map_err(Error::system("start a process"))?;
    supervise::until_end(&child, signals)
}

/// Becomes the command in an existing sandbox.
pub fn exec(client: Client, command: &Exec) -> Result<u8, Error> {
    let sandbox = client.sandbox(&command.sandbox)?;
    // Its connections must not leak into the command.
    drop(client);
    enter(plan(&sandbox, &command.command))
}

/// What entering `sandbox` takes.
fn plan(sandbox: &Sandbox, command: &[OsString]) -> Enter {
    let some = |text: &str| Some(PathBuf::from(text)).filter(|path| !path.as_os_str().is_empty());
    let host = sandbox.namespace.host;
    let hostname = Some(sandbox.config.hostname.clone()).filter(|name| !name.is_empty());
    Enter {
        netns: some(&sandbox.network_settings.sandbox_key).filter(|_| !host),
        hostname: hostname.or_else(|| Some(sandbox.id.chars().take(12).collect())).filter(|_| !host),
        hosts_file: some(&sandbox.hosts_path),
        hostname_file: some(&sandbox.hostname_path).filter(|_| !host),
        resolv_conf: some(&sandbox.resolv_conf_path),
        parent: None,
        command: command.to_vec(),
    }
}

/// The plan as arguments of this program.
fn words(plan: &Enter, parent: u32) -> Vec<OsString> {
    let mut words = vec![OsString::from(Enter::WORD), format!("--parent={parent}").into()];
    let files = [
        ("--netns", plan.netns.as_ref()),
        ("--hosts-file", plan.hosts_file.as_ref()),
        ("--hostname-file", plan.hostname_file.as_ref()),
        ("--resolv-conf", plan.resolv_conf.as_ref()),
    ];
    for (flag, path) in files {
        words.extend(path.into_iter().flat_map(|path| [OsString::from(flag), path.clone().into()]));
    }
    words.extend(plan.hostname.iter().map(|name| OsString::from(format!("--hostname={name}"))));
    words.push("--".into());
    words.extend(plan.command.iter().cloned());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn sandbox(body: &str) -> Sandbox {
        pontoon_api_types::decode(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_plan_survives_the_way_through_the_command_line() {
        let sandbox = sandbox(
            r#"{"Id":"0123456789abcdef","HostsPath":"/h","HostnamePath":"/n","ResolvConfPath":"/r",
                "NetworkSettings":{"SandboxKey":"/run/netns/x"}}"#,
        );
        let command: Vec<OsString> = ["sh", "-c", "--", "--hostname=x"].map(OsString::from).to_vec();
        let plan = plan(&sandbox, &command);
        assert_eq!(plan.hostname.as_deref(), Some("0123456789ab"));
        let read = Enter::try_parse_from(words(&plan, 7)).unwrap();
        assert_eq!(read, Enter { parent: Some(7), ..plan });
    }

    #[test]
    fn the_hosts_own_namespace_keeps_its_name() {
        let body = r#"{"Id":"0123456789abcdef","Namespace":{"Host":true},"HostsPath":"/h",
            "NetworkSettings":{"SandboxKey":"/run/netns/default"}}"#;
        let plan = plan(&sandbox(body), &[]);
        assert_eq!((plan.netns, plan.hostname, plan.hosts_file), (None, None, Some("/h".into())));
    }
}
