//! What runs: the container's own process, and commands beside it.

use crate::Definition;
use crate::exec::NewExec;
use crate::network::Joined;
use pontoon_runtime::{ConsoleSize, ExecPlan, Process, Rlimit, Stdin};
use pontoon_types::ExecId;

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn process(definition: &Definition, joined: &Joined) -> Process {
    let config = &definition.config;
    let (program, args) = definition.command();
    Process {
        args: std::iter::once(program).chain(args).collect(),
        env: environment(&joined.environment, config.env.as_deref().unwrap_or_default(), &joined.hostname, config.tty),
        cwd: config.working_dir.clone(),
        user: config.user.clone(),
        groups: definition.host_config.group_add.clone().unwrap_or_default(),
        tty: config.tty,
        console_size: size(definition.host_config.console_size),
        stdin: match (config.open_stdin, config.stdin_once) {
            (false, _) => Stdin::Closed,
            (true, false) => Stdin::Open,
            (true, true) => Stdin::Once,
        },
        rlimits: definition
            .host_config
            .ulimits
            .iter()
            .flatten()
            .map(|limit| Rlimit { name: limit.name.clone(), soft: limit.soft, hard: limit.hard })
            .collect(),
    }
}

/// A command's plan: what it leaves open is the container's.
pub(crate) fn exec(id: ExecId, new: &NewExec, definition: &Definition, hostname: &str) -> ExecPlan {
    let config = &definition.config;
    let or = |own: &str, theirs: &str| if own.is_empty() { theirs.to_owned() } else { own.to_owned() };
    ExecPlan {
        id,
        process: Process {
            args: new.command.clone(),
            env: exec_environment(definition, hostname, new),
            cwd: or(&new.working_dir, &config.working_dir),
            user: or(&new.user, &config.user),
            // The container's, where the user is the container's.
            groups: Vec::new(),
            tty: new.tty,
            console_size: new.console_size,
            stdin: if new.attach_stdin { Stdin::Once } else { Stdin::Closed },
            rlimits: Vec::new(),
        },
        privileged: new.privileged,
    }
}

/// The container's variables, then the command's own.
fn exec_environment(definition: &Definition, hostname: &str, new: &NewExec) -> Vec<String> {
    let of_container = environment(&[], definition.config.env.as_deref().unwrap_or_default(), hostname, new.tty);
    replaced(of_container, &new.env)
}

fn environment(links: &[String], own: &[String], hostname: &str, tty: bool) -> Vec<String> {
    let mut env = vec![PATH.to_owned(), format!("HOSTNAME={hostname}")];
    if tty {
        env.push("TERM=xterm".into());
    }
    env.extend_from_slice(links);
    replaced(env, own)
}

/// `base` with `own` lines replacing those of their names; a name alone takes the variable away.
fn replaced(mut base: Vec<String>, own: &[String]) -> Vec<String> {
    let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    for line in own {
        let at = base.iter().position(|there| name(there) == name(line));
        match (at, line.contains('=')) {
            (Some(at), true) => base[at].clone_from(line),
            (Some(at), false) => {
                base.remove(at);
            }
            (None, true) => base.push(line.clone()),
            (None, false) => {}
        }
    }
    base
}

fn size(size: crate::spec::ConsoleSize) -> Option<ConsoleSize> {
    let (height, width) = (u16::try_from(size.height).ok()?, u16::try_from(size.width).ok()?);
    (height > 0 && width > 0).then_some(ConsoleSize { height, width })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_in_place_added_or_taken_away() {
        let own = ["PATH=/x", "A=b=c", "HOSTNAME"].map(str::to_owned);
        assert_eq!(environment(&[], &own, "h", true), ["PATH=/x", "TERM=xterm", "A=b=c"]);
        assert_eq!(environment(&["A_NAME=/c/a".to_owned()], &[], "h", false), [PATH, "HOSTNAME=h", "A_NAME=/c/a"]);
    }
}
