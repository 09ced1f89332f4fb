//! `pontoon network …`.

mod create;
mod list;
mod pools;

use crate::args::endpoint::Wishes;
use crate::args::network::{Connect, Disconnect, Network, Prune, Remove};
use crate::args::pairs;
use crate::error::Error;
use crate::output::{self, inspect};
use pontoon_api_types::{EndpointSettings, Filters};
use pontoon_client::blocking::Client;
use std::io::BufRead;

/// Runs one of the commands.
pub fn run(client: &Client, command: Network) -> Result<u8, Error> {
    match command {
        Network::Create(command) => create::run(client, *command),
        Network::Ls(listing) => list::run(client, &listing),
        Network::Inspect(command) => inspect::show(&command.names, command.format.as_deref(), |name| {
            client.network_raw(name, command.verbose, "")
        }),
        Network::Rm(command) => remove(client, &command),
        Network::Connect(command) => connect(client, *command),
        Network::Disconnect(command) => disconnect(client, &command),
        Network::Prune(command) => prune(client, &command, &mut std::io::stdin().lock()),
    }
}

fn remove(client: &Client, command: &Remove) -> Result<u8, Error> {
    crate::output::each(&command.names, command.force, |name| client.remove_network(name))
}

fn connect(client: &Client, command: Connect) -> Result<u8, Error> {
    let wishes = Wishes {
        ip: command.ip,
        ip6: command.ip6,
        mac: command.mac_address,
        aliases: command.alias,
        links: command.link,
        link_local: command.link_local_ip,
        driver_opts: command.driver_opt,
        gw_priority: command.gw_priority,
    };
    let settings = Some(wishes.settings()).filter(|settings| *settings != EndpointSettings::default());
    client.connect(&command.network, &command.sandbox, settings)?;
    Ok(0)
}

fn disconnect(client: &Client, command: &Disconnect) -> Result<u8, Error> {
    client.disconnect(&command.network, &command.sandbox, command.force)?;
    Ok(0)
}

fn prune(client: &Client, command: &Prune, answers: &mut dyn BufRead) -> Result<u8, Error> {
    if !command.force && !confirmed(answers)? {
        return Err(Error::usage("network prune has been cancelled", "use --force to remove without asking"));
    }
    let filters: Filters = command.filter.iter().cloned().collect();
    let removed = client.prune_networks(&filters)?;
    if !removed.is_empty() {
        output::print(&format!("Deleted Networks:\n{}\n\n", removed.join("\n")))?;
    }
    Ok(0)
}

fn confirmed(answers: &mut dyn BufRead) -> Result<bool, Error> {
    output::print(
        "WARNING! This will remove all custom networks not used by at least one container.\n\
         Are you sure you want to continue? [y/N] ",
    )?;
    let mut answer = String::new();
    answers.read_line(&mut answer).map_err(Error::system("read the answer"))?;
    Ok(matches!(answer.trim(), "y" | "Y"))
}

/// `filters` as clap read them.
pub fn filters(pairs: &[(String, String)]) -> Filters {
    pairs.iter().cloned().collect()
}

/// Options as a map.
fn options(list: &[(String, String)]) -> std::collections::BTreeMap<String, String> {
    pairs::map(list)
}
