//! `pontoon info`.

use crate::error::Error;
use crate::output::{self, inspect};
use pontoon_api_types::SystemInfo;
use pontoon_client::blocking::Client;
use serde_json::json;

/// Shows what the daemon says about itself; its warnings go to standard error.
pub fn run(client: &Client, format: Option<&str>) -> Result<u8, Error> {
    let template = format.map(inspect::parse).transpose()?;
    let info = client.info()?;
    if let Some(template) = template {
        output::print(&inspect::each(&template, &[json!(info)])?)?;
        return Ok(0);
    }
    output::print(&text(&info))?;
    for warning in info.warnings.iter().flatten() {
        output::warn(warning.trim_start_matches("WARNING: "));
    }
    Ok(0)
}

fn text(info: &SystemInfo) -> String {
    let firewall = info.firewall_backend.as_ref();
    let mut lines = vec![
        ("Server Version", info.server_version.clone()),
        ("Name", info.name.clone()),
        ("ID", info.id.clone()),
        ("Network Drivers", info.plugins.network.join(" ")),
        ("Firewall Backend", firewall.map_or_else(String::new, |firewall| firewall.driver.clone())),
        ("IPv4 Forwarding", info.ipv4_forwarding.to_string()),
        ("Live Restore", info.live_restore_enabled.to_string()),
        ("Data Root", info.docker_root_dir.clone()),
        ("Kernel Version", info.kernel_version.clone()),
        ("Operating System", info.operating_system.clone()),
        ("Architecture", info.architecture.clone()),
        ("CPUs", info.ncpu.to_string()),
        ("Debug Mode", info.debug.to_string()),
        ("Experimental", info.experimental_build.to_string()),
    ];
    lines.retain(|(_, value)| !value.is_empty());
    let mut out: String = lines.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    for (label, value) in firewall.iter().flat_map(|firewall| &firewall.info).map(|[label, value]| (label, value)) {
        out.push_str(&format!("Firewall {label}: {value}\n"));
    }
    list(&mut out, "Labels", info.labels.iter().cloned());
    let pools = info.default_address_pools.iter().flatten();
    list(&mut out, "Default Address Pools", pools.map(|pool| format!("Base: {}, Size: {}", pool.base, pool.size)));
    out
}

fn list(out: &mut String, name: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("  {item}\n")).collect();
    if !items.is_empty() {
        out.push_str(&format!("{name}:\n{}", items.concat()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_shown_and_nothing_else() {
        let body = br#"{"ServerVersion":"1","Plugins":{"Network":["bridge","host","null"]},"Labels":["a=b"],
            "FirewallBackend":{"Driver":"nftables","Info":[["EnableUserlandProxy","true"]]},
            "DefaultAddressPools":[{"Base":"10.0.0.0/8","Size":24}]}"#;
        let shown = text(&pontoon_api_types::decode(body).unwrap());
        for line in [
            "Server Version: 1",
            "Network Drivers: bridge host null",
            "Firewall Backend: nftables",
            "Firewall EnableUserlandProxy: true",
            "  Base: 10.0.0.0/8, Size: 24",
            "  a=b",
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
        }
        assert!(!shown.contains("Kernel Version"));
    }
}
