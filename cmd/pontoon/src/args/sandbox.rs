//! `pontoon sandbox …` and `pontoon port`, and the flags that describe a new sandbox.

use crate::args::endpoint::NetworkChoice;
use crate::args::listing::Listing;
use crate::args::pairs;
use crate::args::publish::{Expose, Publish};
use clap::{ArgAction, Args, Subcommand};
use pontoon_types::MacAddr;
use std::net::IpAddr;
use std::path::PathBuf;

/// `pontoon sandbox`.
#[derive(Debug, Subcommand)]
pub enum Sandbox {
    /// Create a sandbox, or adopt an existing namespace as one
    #[command(disable_help_flag = true)]
    Create(Box<Create>),
    /// List sandboxes
    #[command(alias = "list")]
    Ls(Listing),
    /// Show all about sandboxes
    Inspect(Inspect),
    /// Remove sandboxes
    #[command(alias = "remove")]
    Rm(Remove),
    /// Show the published ports of a sandbox, or replace them in place
    #[command(alias = "port")]
    Ports(Ports),
}

/// `pontoon sandbox create`.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    pub sandbox: New,
    /// Adopt the network namespace at this path
    #[arg(long, value_name = "PATH", conflicts_with = "pid")]
    pub netns: Option<PathBuf>,
    /// Adopt the network namespace of this process; the sandbox ends with it
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
}

/// Flags that describe a new sandbox; `run` and `sandbox create` share them.
#[derive(Debug, Default, Args)]
pub struct New {
    /// Name; without one the daemon picks one
    #[arg(long)]
    pub name: Option<String>,
    /// Network to join, repeatable: NAME, or name=NAME,alias=A,ip=ADDRESS,ip6=ADDRESS,mac-address=MAC,link-local-ip=ADDRESS,driver-opt=KEY=VALUE,gw-priority=N
    #[arg(long, visible_alias = "net", value_name = "NETWORK", value_parser = NetworkChoice::parse)]
    pub network: Vec<NetworkChoice>,
    /// IPv4 address in the first network
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,
    /// IPv6 address in the first network
    #[arg(long, value_name = "ADDRESS")]
    pub ip6: Option<IpAddr>,
    /// Ethernet address in the first network
    #[arg(long, value_name = "ADDRESS")]
    pub mac_address: Option<MacAddr>,
    /// Extra link-local address in the first network
    #[arg(long, value_name = "ADDRESS")]
    pub link_local_ip: Vec<IpAddr>,
    /// Extra name in the first network
    #[arg(long, visible_alias = "net-alias", value_name = "NAME")]
    pub network_alias: Vec<String>,
    /// Know another sandbox by a private name
    #[arg(long, value_name = "SANDBOX[:NAME]")]
    pub link: Vec<String>,
    #[arg(short, long, value_name = "PORT", value_parser = Publish::parse,
          help = "Publish a port: [[IP:][HOST-PORT]:]PORT[/PROTOCOL], ranges allowed")]
    pub publish: Vec<Publish>,
    /// Publish every exposed port to a port of the daemon's choice
    #[arg(short = 'P', long)]
    pub publish_all: bool,
    /// Port that --publish-all publishes
    #[arg(long, value_name = "PORT", value_parser = Expose::parse)]
    pub expose: Vec<Expose>,
    /// DNS server
    #[arg(long, value_name = "ADDRESS")]
    pub dns: Vec<IpAddr>,
    /// DNS search domain; '.' for none
    #[arg(long, value_name = "DOMAIN")]
    pub dns_search: Vec<String>,
    /// Option for resolv.conf
    #[arg(long, visible_alias = "dns-opt", value_name = "OPTION")]
    pub dns_option: Vec<String>,
    /// Host name inside
    // As in Docker, -h is no request for help here.
    #[arg(short = 'h', long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    pub help: Option<bool>,
    /// Domain name inside
    #[arg(long, value_name = "NAME")]
    pub domainname: Option<String>,
    /// Line for /etc/hosts: NAME:ADDRESS or NAME:host-gateway
    #[arg(long, value_name = "NAME:ADDRESS")]
    pub add_host: Vec<String>,
    /// Kernel parameter of the namespace, net.* only
    #[arg(long, value_name = "KEY=VALUE", value_parser = pairs::strict)]
    pub sysctl: Vec<(String, String)>,
    /// Label
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pairs::option)]
    pub label: Vec<(String, String)>,
}

/// `pontoon sandbox inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Go template, or 'json'
    #[arg(short, long, value_name = "TEMPLATE")]
    pub format: Option<String>,
    /// Names or ids
    #[arg(value_name = "SANDBOX", required = true)]
    pub names: Vec<String>,
}

/// `pontoon sandbox rm`.
#[derive(Debug, Args)]
pub struct Remove {
    /// Also when it is joined to networks; one that does not exist is no error
    #[arg(short, long)]
    pub force: bool,
    /// Names or ids
    #[arg(value_name = "SANDBOX", required = true)]
    pub names: Vec<String>,
}

/// `pontoon sandbox ports`.
#[derive(Debug, Args)]
pub struct Ports {
    /// Publish these ports and no others
    #[arg(short, long, value_name = "PORT", value_parser = Publish::parse)]
    pub publish: Vec<Publish>,
    /// Publish no ports any more
    #[arg(long, conflicts_with = "publish")]
    pub none: bool,
    /// Name or id
    pub sandbox: String,
}

/// `pontoon port`.
#[derive(Debug, Args)]
pub struct Port {
    /// Name or id
    pub sandbox: String,
    /// Only what leads to this port
    #[arg(value_name = "PORT[/PROTOCOL]")]
    pub port: Option<String>,
}
