//! `pontoon sandbox ls`.

use crate::args::listing::Listing;
use crate::error::Error;
use crate::network::filters;
use crate::output::listing::{self, Columns, Row};
use crate::output::{self, age, natural, ports};
use pontoon_api_types::{EndpointSettings, Sandbox};
use pontoon_client::blocking::Client;
use std::time::SystemTime;

const COLUMNS: Columns = Columns {
    kind: "*sandbox.sandboxContext",
    table: "{{.ID}}\t{{.Name}}\t{{.RunningFor}}\t{{.Status}}\t{{.Networks}}\t{{.Ports}}",
    quiet: "{{.ID}}",
    headings: &[
        ("ID", "SANDBOX ID"),
        ("Name", "NAME"),
        ("Hostname", "HOSTNAME"),
        ("CreatedAt", "CREATED AT"),
        ("RunningFor", "CREATED"),
        ("Status", "STATUS"),
        ("Networks", "NETWORKS"),
        ("Addresses", "ADDRESSES"),
        ("Ports", "PORTS"),
        ("Labels", "LABELS"),
        ("Namespace", "NAMESPACE"),
    ],
};

/// Lists sandboxes in the natural order of their names.
pub fn run(client: &Client, command: &Listing) -> Result<u8, Error> {
    let mut sandboxes = client.sandboxes(&filters(&command.filter))?;
    sandboxes.sort_by(|a, b| natural::compare(&a.name, &b.name));
    let now = SystemTime::now();
    let rows: Vec<Row> = sandboxes.into_iter().map(|sandbox| row(sandbox, command.no_trunc, now)).collect();
    output::print(&listing::render(&COLUMNS, command.format.as_deref(), command.quiet, &rows)?)?;
    Ok(0)
}

fn row(sandbox: Sandbox, whole: bool, now: SystemTime) -> Row {
    let settings = sandbox.network_settings;
    let networks: Vec<&str> = settings.networks.iter().map(|(name, _)| name).collect();
    let addresses: Vec<String> = settings.networks.iter().flat_map(|(_, endpoint)| addresses(endpoint)).collect();
    let fields = vec![
        ("ID", listing::id(&sandbox.id, whole)),
        ("Name", sandbox.name),
        ("Hostname", sandbox.config.hostname),
        ("CreatedAt", age::go_time(&sandbox.created)),
        ("RunningFor", age::ago(&sandbox.created, now)),
        ("Status", sandbox.state.status),
        ("Networks", networks.join(",")),
        ("Addresses", addresses.join(",")),
        ("Ports", ports::cell(&settings.ports)),
        ("Labels", listing::labels(&sandbox.config.labels)),
        ("Namespace", settings.sandbox_key),
    ];
    Row { fields, labels: sandbox.config.labels }
}

fn addresses(endpoint: &EndpointSettings) -> impl Iterator<Item = String> {
    let both = [&endpoint.ip_address, &endpoint.global_ipv6_address];
    both.into_iter().filter(|address| !address.is_unset()).map(ToString::to_string).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_is_listed_with_its_networks_and_ports() {
        let body =
            br#"{"Id":"0123456789abcdef","Name":"web","Created":"1970-01-01T00:00:00Z","State":{"Status":"running"},
            "NetworkSettings":{"SandboxKey":"/run/x","Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]},
            "Networks":{"b":{"IPAddress":"10.0.0.2","GlobalIPv6Address":"fd00::2"},"a":{"IPAddress":"10.1.0.2"}}}}"#;
        let sandbox: Sandbox = pontoon_api_types::decode(body).unwrap();
        let rows = [row(sandbox, false, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(120))];
        assert_eq!(
            listing::render(&COLUMNS, None, false, &rows).unwrap(),
            "SANDBOX ID     NAME      CREATED         STATUS    NETWORKS   PORTS\n\
             0123456789ab   web       2 minutes ago   running   b,a        0.0.0.0:8080->80/tcp\n"
        );
        let format = Some("{{.Addresses}} {{.Namespace}}");
        assert_eq!(listing::render(&COLUMNS, format, false, &rows).unwrap(), "10.0.0.2,fd00::2,10.1.0.2 /run/x\n");
    }
}
