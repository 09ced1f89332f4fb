//! A container's processes as the host's `ps` prints them.

use super::oci::environment;
use super::{host, process};
use crate::{Error, Result, Top};
use std::process::{Command, Stdio};

/// What Docker runs when nothing is asked for.
const DEFAULT: &str = "-ef";

pub(super) fn top(pids: &[u32], arguments: &str) -> Result<Top> {
    let arguments = if arguments.trim().is_empty() { DEFAULT } else { arguments };
    refuse_renamed_columns(arguments)?;
    let words: Vec<&str> = arguments.split_ascii_whitespace().collect();
    let list: Vec<String> = pids.iter().map(u32::to_string).collect();
    let only = format!("-q{}", list.join(","));
    // Some options cannot be together with a list of pids; then all are printed and ours picked out.
    let text = match ps(&[&words[..], &[only.as_str()]].concat()) {
        Ok(text) => text,
        Err(_) => ps(&words)?,
    };
    table(&text, pids)
}

fn ps(words: &[&str]) -> Result<String> {
    let program = host::program("ps").ok_or_else(|| Error::Missing {
        program: "ps".into(),
        remedy: "install procps: the processes of a container are listed with the host's ps".into(),
    })?;
    let mut command = Command::new(program);
    environment(&mut command);
    let output = command.args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|cause| Error::Process { act: "run ps".into(), cause })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Invalid(format!("error running ps: {}", said.lines().next().unwrap_or_default().trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `-o pid=x` would name a column so that no process could be told from another's.
fn refuse_renamed_columns(arguments: &str) -> Result<()> {
    let renamed = arguments.split_ascii_whitespace().find(|word| word.to_ascii_lowercase().contains("pid="));
    match renamed {
        Some(word) => Err(Error::Invalid(format!("specifying \"{word}\" is not allowed"))),
        None => Ok(()),
    }
}

fn table(text: &str, pids: &[u32]) -> Result<Top> {
    let mut lines = text.lines();
    let titles: Vec<String> = lines.next().unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
    let column = titles.iter().position(|title| title == "PID");
    let column = column.ok_or_else(|| Error::Invalid("Couldn't find PID field in ps output".into()))?;
    let (mut processes, mut was_ours) = (Vec::new(), false);
    for line in lines {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let Some(&word) = words.get(column) else { continue };
        // A dash stands for another thread of the process above.
        if word != "-" {
            was_ours = word.parse().is_ok_and(|pid: u32| pids.contains(&pid) && process::stat(pid).is_some());
        }
        if was_ours {
            processes.push(row(&words, titles.len()));
        }
    }
    Ok(Top { titles, processes })
}

/// As many words as there are titles; what is over belongs to the last, the command.
fn row(words: &[&str], count: usize) -> Vec<String> {
    let last = count.saturating_sub(1).min(words.len());
    let mut row: Vec<String> = words[..last].iter().map(|&word| word.to_owned()).collect();
    row.push(words[last..].join(" "));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_containers_processes_are_in_the_table() {
        let ours = std::process::id();
        let text = format!("UID  PID CMD\nroot {ours} a b c\nroot 1 init\n  x\nroot {ours} d\n");
        let top = table(&text, &[ours]).unwrap();
        assert_eq!(top.titles, ["UID", "PID", "CMD"]);
        assert_eq!(top.processes, [["root", &ours.to_string(), "a b c"], ["root", &ours.to_string(), "d"]]);
    }

    #[test]
    fn a_table_without_pids_and_renamed_columns_are_refused() {
        assert_eq!(table("CMD\nx\n", &[1]).unwrap_err().to_string(), "Couldn't find PID field in ps output");
        assert!(top(&[1], "-o pid=x,cmd").is_err());
    }
}
