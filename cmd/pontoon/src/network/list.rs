//! `pontoon network ls`.

use crate::args::listing::Listing;
use crate::error::Error;
use crate::output::listing::{self, Columns, Row};
use crate::output::{self, age, natural};
use pontoon_api_types::Network;
use pontoon_client::blocking::Client;

const COLUMNS: Columns = Columns {
    kind: "*network.networkContext",
    table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    quiet: "{{.ID}}",
    headings: &[
        ("ID", "NETWORK ID"),
        ("Name", "NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("IPv4", "IPV4"),
        ("IPv6", "IPV6"),
        ("Internal", "INTERNAL"),
        ("Labels", "LABELS"),
        ("CreatedAt", "CREATED AT"),
    ],
};

/// Lists networks in the natural order of their names.
pub fn run(client: &Client, command: &Listing) -> Result<u8, Error> {
    let mut networks = client.networks(&super::filters(&command.filter))?;
    networks.sort_by(|a, b| natural::compare(&a.name, &b.name));
    let rows: Vec<Row> = networks.into_iter().map(|network| row(network, command.no_trunc)).collect();
    output::print(&listing::render(&COLUMNS, command.format.as_deref(), command.quiet, &rows)?)?;
    Ok(0)
}

fn row(network: Network, whole: bool) -> Row {
    let fields = vec![
        ("ID", listing::id(&network.id, whole)),
        ("Name", network.name),
        ("Driver", network.driver),
        ("Scope", network.scope),
        ("IPv4", network.enable_ipv4.to_string()),
        ("IPv6", network.enable_ipv6.to_string()),
        ("Internal", network.internal.to_string()),
        ("Labels", listing::labels(&network.labels)),
        ("CreatedAt", age::go_time(&network.created)),
    ];
    Row { fields, labels: network.labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_is_dockers() {
        let network = Network {
            name: "front".into(),
            id: "0123456789abcdef".repeat(4),
            driver: "bridge".into(),
            scope: "local".into(),
            enable_ipv4: true,
            created: "2026-01-31T12:00:00Z".into(),
            labels: [("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())].into(),
            ..Network::default()
        };
        let text = |format| listing::render(&COLUMNS, format, false, &[row(network.clone(), false)]).unwrap();
        assert_eq!(text(None), "NETWORK ID     NAME      DRIVER    SCOPE\n0123456789ab   front     bridge    local\n");
        assert_eq!(
            text(Some("json")),
            "{\"CreatedAt\":\"2026-01-31 12:00:00 +0000 UTC\",\"Driver\":\"bridge\",\"ID\":\"0123456789ab\",\
             \"IPv4\":\"true\",\"IPv6\":\"false\",\"Internal\":\"false\",\"Labels\":\"a=1,b=\",\"Name\":\"front\",\
             \"Scope\":\"local\"}\n"
        );
        assert_eq!(text(Some("{{.Name}} {{.Label \"a\"}}")), "front 1\n");
    }
}
