//! `pontoon sandbox …` and `pontoon port`.

mod list;
mod ports;
pub mod request;

pub use ports::port;

use crate::args::sandbox::{Create, Sandbox};
use crate::error::Error;
use crate::output::{self, inspect};
use pontoon_api_types::NamespaceConfig;
use pontoon_client::blocking::Client;

/// Runs one of the commands.
pub fn run(client: &Client, command: Sandbox) -> Result<u8, Error> {
    match command {
        Sandbox::Create(command) => create(client, &command),
        Sandbox::Ls(listing) => list::run(client, &listing),
        Sandbox::Inspect(command) => {
            inspect::show(&command.names, command.format.as_deref(), |name| client.sandbox_raw(name))
        }
        Sandbox::Rm(command) => {
            output::each(&command.names, command.force, |name| client.remove_sandbox(name, command.force))
        }
        Sandbox::Ports(command) => ports::ports(client, &command),
    }
}

fn create(client: &Client, command: &Create) -> Result<u8, Error> {
    let mut request = request::build(&command.sandbox, &[])?;
    if let Some(path) = &command.netns {
        // The daemon's working folder is not ours.
        let path = std::path::absolute(path).map_err(Error::system(format!("find {}", path.display())))?;
        request.namespace = Some(NamespaceConfig { path: path.display().to_string(), ..NamespaceConfig::default() });
    }
    if let Some(pid) = command.pid {
        request.namespace = Some(NamespaceConfig { pid, ..NamespaceConfig::default() });
    }
    let answer = client.create_sandbox(&request)?;
    answer.warnings.iter().for_each(|warning| output::warn(warning));
    output::line(&answer.id)?;
    Ok(0)
}
