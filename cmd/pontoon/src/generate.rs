//! Shell completions and manual pages, made from the definitions of the command line.

use crate::args::{Cli, Shell};
use crate::error::Error;
use crate::output;
use clap::CommandFactory;
use std::path::Path;

/// Prints the completion script.
pub fn completion(shell: Shell) -> Result<u8, Error> {
    let mut command = Cli::command();
    let mut script = Vec::new();
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    clap_complete::generate(shell, &mut command, "pontoon", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes a page for each command into `folder`, making it when it is missing.
pub fn manual(folder: &Path) -> Result<u8, Error> {
    let act = || format!("write manual pages to {}", folder.display());
    std::fs::create_dir_all(folder).map_err(Error::system(act()))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(Error::system(act()))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        manual(&folder.path().join("man")).unwrap();
        for page in
            ["pontoon.1", "pontoon-network.1", "pontoon-network-create.1", "pontoon-run.1", "pontoon-sandbox-ports.1"]
        {
            let text = std::fs::read_to_string(folder.path().join("man").join(page)).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{page}");
        }
        let text = std::fs::read_to_string(folder.path().join("man/pontoon-network-create.1")).unwrap();
        assert!(text.contains("aux\\-address"), "{text}");
    }
}
