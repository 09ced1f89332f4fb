//! The networks of a container as they are kept: what was asked of each endpoint, and which network it was.

use super::mode::is_user_defined;
use crate::spec::EndpointSettings;
use pontoon_types::{EndpointSpec, HardwareAddress};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The networks of a container, by name; before the first start perhaps by id or the beginning of one.
pub type Endpoints = BTreeMap<String, Endpoint>;

/// What is kept of one endpoint, whether the container runs or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// What was asked for. Of what is reported only the network's id and the names of the last run are kept.
    pub settings: EndpointSettings,
    /// Whether the container has run with it: its configured Ethernet address is then shown only while it runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_run: bool,
}

impl Endpoint {
    /// What a client asks for. What is only reported is dropped.
    pub fn asked(settings: EndpointSettings) -> Self {
        let EndpointSettings { ipam_config, links, aliases, driver_opts, gw_priority, mac_address, .. } = settings;
        let settings = EndpointSettings {
            ipam_config,
            links,
            aliases,
            driver_opts,
            gw_priority,
            mac_address,
            ..Default::default()
        };
        Self { settings, has_run: false }
    }

    /// What the core is asked for, on the network called `network`. Links on the default bridge are the container's own
    /// affair (`HostConfig.Links`); clients send them here as well, and Docker does nothing with them.
    pub fn spec(&self, network: &str) -> Result<EndpointSpec, crate::spec::SpecError> {
        let mut settings = self.settings.clone();
        if !is_user_defined(network) {
            settings.links = None;
        }
        settings.into_spec()
    }

    /// How the network is looked for: by the id it had, unless it is one that is always there.
    pub fn term<'a>(&'a self, key: &'a str) -> &'a str {
        match self.settings.network_id.as_str() {
            "" => key,
            _ if !is_user_defined(key) => key,
            id => id,
        }
    }

    /// The Ethernet address that was asked for.
    pub fn mac(&self) -> HardwareAddress {
        self.settings.mac_address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_reported_is_not_kept() {
        let text = r#"{"Aliases":["a"],"EndpointID":"x","NetworkID":"y","IPAddress":"10.0.0.1","MacAddress":"02:42:00:00:00:01","GwPriority":3}"#;
        let endpoint = Endpoint::asked(serde_json::from_str(text).unwrap());
        assert_eq!((endpoint.settings.endpoint_id.as_str(), endpoint.settings.network_id.as_str()), ("", ""));
        assert_eq!((endpoint.mac().to_string().as_str(), endpoint.settings.gw_priority), ("02:42:00:00:00:01", 3));
        let stored = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&stored).unwrap(), endpoint);
    }

    #[test]
    fn a_network_is_looked_for_by_the_id_it_had_unless_it_is_always_there() {
        let settings = EndpointSettings { network_id: "0123".into(), ..EndpointSettings::default() };
        let known = Endpoint { settings, has_run: true };
        assert_eq!((known.term("mynet"), known.term("bridge")), ("0123", "bridge"));
        assert_eq!(Endpoint::default().term("mynet"), "mynet");
    }

    #[test]
    fn links_on_the_default_bridge_are_left_to_the_container() {
        let links = Some(vec!["db:d".to_owned()]);
        let endpoint = Endpoint::asked(EndpointSettings { links, ..EndpointSettings::default() });
        assert!(endpoint.spec("bridge").unwrap().links.is_empty());
        assert_eq!(endpoint.spec("mynet").unwrap().links.len(), 1);
    }
}
