//! `pontoon network create`.

use super::{options, pools};
use crate::args::network::Create;
use crate::error::Error;
use crate::output;
use pontoon_api_types::{ConfigReference, CreateNetworkRequest, Ipam};
use pontoon_client::blocking::Client;

/// Creates a network and prints its id.
pub fn run(client: &Client, command: Create) -> Result<u8, Error> {
    let answer = client.create_network(&request(command)?)?;
    if !answer.warning.is_empty() {
        output::warn(&answer.warning);
    }
    output::line(&answer.id)?;
    Ok(0)
}

/// The request as Docker's client would send it.
fn request(command: Create) -> Result<CreateNetworkRequest, Error> {
    let config = pools::gather(&command)?;
    let ipam = Ipam {
        driver: command.ipam_driver,
        options: Some(options(&command.ipam_opt)),
        config: Some(config).filter(|config| !config.is_empty()),
    };
    Ok(CreateNetworkRequest {
        name: command.name,
        driver: command.driver,
        scope: command.scope,
        enable_ipv4: command.ipv4,
        enable_ipv6: command.ipv6,
        ipam: Some(ipam),
        internal: command.internal,
        attachable: command.attachable,
        ingress: command.ingress,
        config_only: command.config_only,
        config_from: command.config_from.map(|network| ConfigReference { network }),
        options: options(&command.opt),
        labels: options(&command.label),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, network::Network};

    fn sent(line: &[&str]) -> serde_json::Value {
        let line = ["pontoon", "network", "create"].iter().chain(line).map(Into::into);
        match crate::args::read(line).unwrap().command {
            Command::Network(Network::Create(command)) => serde_json::to_value(request(*command).unwrap()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plain_network_leaves_everything_to_the_daemon() {
        let body = sent(&["n"]);
        assert_eq!(body["Name"], "n");
        assert_eq!(body["Driver"], "bridge");
        assert_eq!(body["IPAM"], serde_json::json!({"Driver": "default", "Options": {}, "Config": null}));
        assert!(body.get("EnableIPv4").is_none() && body.get("EnableIPv6").is_none());
    }

    #[test]
    fn flags_reach_the_fields_they_mean() {
        let body = sent(&[
            "-d",
            "macvlan",
            "-o",
            "parent=eth0",
            "--opt=x",
            "--label",
            "a=b=c",
            "--internal",
            "--ipv4=false",
            "--ipv6",
            "--attachable",
            "--scope=local",
            "--config-from",
            "c",
            "--ipam-driver=d",
            "--ipam-opt",
            "k=v",
            "n",
        ]);
        assert_eq!(body["Options"], serde_json::json!({"parent": "eth0", "x": ""}));
        assert_eq!(body["Labels"], serde_json::json!({"a": "b=c"}));
        assert_eq!((&body["EnableIPv4"], &body["EnableIPv6"]), (&false.into(), &true.into()));
        assert_eq!(body["ConfigFrom"], serde_json::json!({"Network": "c"}));
        assert_eq!(
            (&body["Internal"], &body["Attachable"], &body["Scope"]),
            (&true.into(), &true.into(), &"local".into())
        );
        assert_eq!((&body["IPAM"]["Driver"], &body["IPAM"]["Options"]["k"]), (&"d".into(), &"v".into()));
    }
}
