//! The flags that every listing has.

use crate::args::pairs;
use clap::Args;

/// How to list, and what.
#[derive(Debug, Default, Args)]
pub struct Listing {
    /// Show only matching entries, e.g. name=web, label=KEY=VALUE
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pairs::filter)]
    pub filter: Vec<(String, String)>,
    /// 'table', 'table TEMPLATE', 'json', or a Go template
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Do not shorten ids
    #[arg(long)]
    pub no_trunc: bool,
    /// Show ids only
    #[arg(short, long)]
    pub quiet: bool,
}
