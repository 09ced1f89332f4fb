//! The requests to connect to a network and to disconnect from it.

use crate::{ApiVersion, EndpointSettings, HardwareAddress};
use serde::{Deserialize, Serialize};

/// Body of `POST /networks/{id}/connect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.ConnectRequest", rename_all = "PascalCase", default)]
pub struct ConnectRequest {
    /// Container or sandbox: id, name or prefix of an id.
    pub container: String,
    /// Settings; absent for none.
    pub endpoint_config: Option<EndpointSettings>,
}

/// Body of `POST /networks/{id}/disconnect`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.DisconnectRequest", rename_all = "PascalCase", default)]
pub struct DisconnectRequest {
    /// Container or sandbox: id, name or prefix of an id.
    pub container: String,
    /// Also when the container is gone.
    pub force: bool,
}

impl ConnectRequest {
    /// The settings as a client of API `version` means them: `MacAddress` counts since 1.54.
    pub fn settings(&self, version: ApiVersion) -> EndpointSettings {
        let mut settings = self.endpoint_config.clone().unwrap_or_default();
        if version < ApiVersion::v1(54) {
            settings.mac_address = HardwareAddress::default();
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(settings: &str) -> ConnectRequest {
        crate::decode(format!(r#"{{"Container":"c","EndpointConfig":{settings}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn an_ethernet_address_counts_when_connecting_since_1_54() {
        let request = request(r#"{"MacAddress":"02:42:00:00:00:01"}"#);
        assert!(request.settings(ApiVersion::v1(54)).mac_address.0.is_some());
        assert!(request.settings(ApiVersion::v1(53)).mac_address.0.is_none());
    }

    #[test]
    fn addresses_with_a_zone_are_all_named() {
        let body = r#"{"IPAMConfig":{"IPv6Address":"fe80::1%a","LinkLocalIPs":["fe80::2%b",""]}}"#;
        assert_eq!(
            request(body).settings(ApiVersion::MAX).into_spec().unwrap_err().to_string(),
            "invalid endpoint settings:\ninvalid IPv6 address: fe80::1%a\ninvalid link-local IP address: fe80::2%b\ninvalid link-local IP address: "
        );
    }
}
