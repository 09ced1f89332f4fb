//! `pontoon network …`, with Docker's flags.

use crate::args::listing::Listing;
use crate::args::pairs;
use clap::{Args, Subcommand};
use ipnet::IpNet;
use std::net::IpAddr;

/// `pontoon network`.
#[derive(Debug, Subcommand)]
pub enum Network {
    /// Create a network
    Create(Box<Create>),
    /// List networks
    #[command(alias = "list")]
    Ls(Listing),
    /// Show all about networks
    Inspect(Inspect),
    /// Remove networks
    #[command(alias = "remove")]
    Rm(Remove),
    /// Connect a sandbox to a network
    Connect(Box<Connect>),
    /// Disconnect a sandbox from a network
    Disconnect(Disconnect),
    /// Remove all unused networks
    Prune(Prune),
}

/// `pontoon network create`.
#[derive(Debug, Args)]
pub struct Create {
    /// Driver
    #[arg(short, long, default_value = "bridge")]
    pub driver: String,
    /// Option for the driver
    #[arg(short, long = "opt", value_name = "KEY=VALUE", value_parser = pairs::option)]
    pub opt: Vec<(String, String)>,
    /// Label
    #[arg(long, value_name = "KEY=VALUE", value_parser = pairs::option)]
    pub label: Vec<(String, String)>,
    /// No traffic across the network's border
    #[arg(long)]
    pub internal: bool,
    /// IPv4 on or off
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    pub ipv4: Option<bool>,
    /// IPv6 on or off
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    pub ipv6: Option<bool>,
    /// Subnet
    #[arg(long, value_name = "CIDR")]
    pub subnet: Vec<IpNet>,
    /// Part of a subnet to hand out addresses from
    #[arg(long, value_name = "CIDR")]
    pub ip_range: Vec<IpNet>,
    /// Gateway of a subnet
    #[arg(long, value_name = "ADDRESS")]
    pub gateway: Vec<IpAddr>,
    /// Address that is not handed out
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = aux_address)]
    pub aux_address: Vec<(String, IpAddr)>,
    /// IPAM driver
    #[arg(long, value_name = "DRIVER", default_value = "default")]
    pub ipam_driver: String,
    /// Option for the IPAM driver
    #[arg(long, value_name = "KEY=VALUE", value_parser = pairs::option)]
    pub ipam_opt: Vec<(String, String)>,
    /// Scope
    #[arg(long, default_value = "", hide_default_value = true)]
    pub scope: String,
    /// Let containers attach to a swarm network
    #[arg(long)]
    pub attachable: bool,
    /// Create swarm's routing mesh
    #[arg(long)]
    pub ingress: bool,
    /// Create a bag of settings for other networks, no network
    #[arg(long)]
    pub config_only: bool,
    /// Take the settings of that bag
    #[arg(long, value_name = "NETWORK")]
    pub config_from: Option<String>,
    /// Name of the network
    #[arg(value_name = "NETWORK")]
    pub name: String,
}

/// `pontoon network inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Go template, or 'json'
    #[arg(short, long, value_name = "TEMPLATE")]
    pub format: Option<String>,
    /// Also show swarm services
    #[arg(short, long)]
    pub verbose: bool,
    /// Names or ids
    #[arg(value_name = "NETWORK", required = true)]
    pub names: Vec<String>,
}

/// `pontoon network rm`.
#[derive(Debug, Args)]
pub struct Remove {
    /// A network that does not exist is no error
    #[arg(short, long)]
    pub force: bool,
    /// Names or ids
    #[arg(value_name = "NETWORK", required = true)]
    pub names: Vec<String>,
}

/// `pontoon network connect`.
#[derive(Debug, Args)]
pub struct Connect {
    /// Extra name of the sandbox in this network
    #[arg(long, value_name = "NAME")]
    pub alias: Vec<String>,
    /// Option for the driver
    #[arg(long, value_name = "KEY=VALUE", value_parser = pairs::strict)]
    pub driver_opt: Vec<(String, String)>,
    /// Higher wins the default route
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
    pub gw_priority: i64,
    /// IPv4 address
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,
    /// IPv6 address
    #[arg(long, value_name = "ADDRESS")]
    pub ip6: Option<IpAddr>,
    /// Know another sandbox by a private name
    #[arg(long, value_name = "SANDBOX[:NAME]")]
    pub link: Vec<String>,
    /// Extra link-local address
    #[arg(long, value_name = "ADDRESS")]
    pub link_local_ip: Vec<IpAddr>,
    /// Ethernet address
    #[arg(long, value_name = "ADDRESS")]
    pub mac_address: Option<pontoon_types::MacAddr>,
    /// Name or id of the network
    pub network: String,
    /// Name or id of the sandbox
    pub sandbox: String,
}

/// `pontoon network disconnect`.
#[derive(Debug, Args)]
pub struct Disconnect {
    /// Also when the sandbox is gone
    #[arg(short, long)]
    pub force: bool,
    /// Name or id of the network
    pub network: String,
    /// Name or id of the sandbox
    pub sandbox: String,
}

/// `pontoon network prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// Remove only matching networks, e.g. until=24h, label=KEY
    #[arg(long, value_name = "KEY=VALUE", value_parser = pairs::filter)]
    pub filter: Vec<(String, String)>,
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
}

fn go_bool(text: &str) -> Result<bool, String> {
    pontoon_types::parse_go_bool(text).ok_or_else(|| "must be true or false".to_owned())
}

fn aux_address(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text.split_once('=').ok_or("must be NAME=ADDRESS")?;
    let address = address.parse().map_err(|_| format!("{address:?} is no IP address"))?;
    if name.is_empty() { Err("must be NAME=ADDRESS".to_owned()) } else { Ok((name.to_owned(), address)) }
}
