//! Networks: the request to create one, and the object that list and inspect give.

use crate::{ApiVersion, HardwareAddress, Ipam, IpamStatus, Prefix, ShapeError};
use pontoon_types::{ConfigFrom, NetworkSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Body of `POST /networks/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.CreateRequest", rename_all = "PascalCase", default)]
pub struct CreateNetworkRequest {
    /// Name.
    pub name: String,
    /// Driver; empty is `bridge`.
    pub driver: String,
    /// Scope; empty is the driver's.
    pub scope: String,
    /// IPv4 wanted; ignored below API 1.48.
    #[serde(rename = "EnableIPv4", skip_serializing_if = "Option::is_none")]
    pub enable_ipv4: Option<bool>,
    /// IPv6 wanted.
    #[serde(rename = "EnableIPv6", skip_serializing_if = "Option::is_none")]
    pub enable_ipv6: Option<bool>,
    /// Address management.
    #[serde(rename = "IPAM", skip_serializing_if = "Option::is_none")]
    pub ipam: Option<Ipam>,
    /// No traffic across the border.
    pub internal: bool,
    /// Matters to swarm networks only.
    pub attachable: bool,
    /// Swarm's routing mesh.
    pub ingress: bool,
    /// Only settings for other networks.
    pub config_only: bool,
    /// Take the settings of another network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_from: Option<ConfigReference>,
    /// Driver options.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl CreateNetworkRequest {
    /// The request in our own words, as a client of API `version` means it.
    pub fn into_spec(self, version: ApiVersion) -> Result<NetworkSpec, ShapeError> {
        let config_from = self.config_from.map(|from| from.network).filter(|name| !name.is_empty());
        Ok(NetworkSpec {
            name: self.name,
            driver: self.driver,
            scope: self.scope,
            enable_ipv4: self.enable_ipv4.filter(|_| version >= ApiVersion::v1(48)),
            enable_ipv6: self.enable_ipv6,
            ipam: self.ipam.unwrap_or_default().into_spec()?,
            internal: self.internal,
            attachable: self.attachable,
            ingress: self.ingress,
            config_only: self.config_only,
            config_from: config_from.map(|network| ConfigFrom { network }),
            options: self.options,
            labels: self.labels,
        })
    }
}

/// A network that lends its settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.ConfigReference", rename_all = "PascalCase", default)]
pub struct ConfigReference {
    /// Its name, never its id; empty for none.
    pub network: String,
}

/// Answer of `POST /networks/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateNetworkResponse {
    /// The new network's id.
    pub id: String,
    /// Always empty.
    pub warning: String,
}

/// A network, listed or inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Network {
    /// Name.
    pub name: String,
    /// Id.
    pub id: String,
    /// When it was made, as [`crate::rfc3339`] writes it.
    pub created: String,
    /// `local`, `global` or `swarm`.
    pub scope: String,
    /// Driver; `null` for the network `none` and for networks that are only settings.
    pub driver: String,
    /// Whether it has IPv4.
    #[serde(rename = "EnableIPv4")]
    pub enable_ipv4: bool,
    /// Whether it has IPv6.
    #[serde(rename = "EnableIPv6")]
    pub enable_ipv6: bool,
    /// Address management.
    #[serde(rename = "IPAM")]
    pub ipam: Ipam,
    /// No traffic across the border.
    pub internal: bool,
    /// Matters to swarm networks only.
    pub attachable: bool,
    /// Swarm's routing mesh.
    pub ingress: bool,
    /// The network its settings come from; always present.
    pub config_from: ConfigReference,
    /// Only settings for other networks.
    pub config_only: bool,
    /// Driver options; `{}` when none.
    pub options: BTreeMap<String, String>,
    /// Labels; `{}` when none.
    pub labels: BTreeMap<String, String>,
    /// Nodes that take part in a swarm network; absent when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<PeerInfo>,
    /// What is joined to it, by container or sandbox id. Absent from lists since API 1.28.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<BTreeMap<String, EndpointResource>>,
    /// How full it is; only when inspected with API 1.52 or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<NetworkStatus>,
}

/// One endpoint in a network's `Containers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EndpointResource {
    /// The container's or sandbox's name.
    pub name: String,
    /// The endpoint's id.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// Ethernet address, or nothing.
    pub mac_address: HardwareAddress,
    /// Address with prefix length, or nothing.
    #[serde(rename = "IPv4Address")]
    pub ipv4_address: Prefix,
    /// Address with prefix length, or nothing.
    #[serde(rename = "IPv6Address")]
    pub ipv6_address: Prefix,
}

/// A node of a swarm network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerInfo {
    /// The node.
    #[serde(rename = "Name")]
    pub name: String,
    /// Its address.
    #[serde(rename = "IP")]
    pub ip: String,
}

/// What is going on in a network right now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkStatus {
    /// Numbers of its subnets.
    #[serde(rename = "IPAM")]
    pub ipam: IpamStatus,
}

/// Answer of `POST /networks/prune`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PruneReport {
    /// Names of what was removed; null when nothing was.
    pub networks_deleted: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(body: &str, version: ApiVersion) -> NetworkSpec {
        crate::decode::<CreateNetworkRequest>(body.as_bytes()).unwrap().into_spec(version).unwrap()
    }

    #[test]
    fn ipv4_can_be_switched_off_only_by_clients_that_know_of_it() {
        let body = r#"{"Name":"n","EnableIPv4":false,"EnableIPv6":true}"#;
        assert_eq!(spec(body, ApiVersion::v1(48)).enable_ipv4, Some(false));
        assert_eq!(spec(body, ApiVersion::v1(47)).enable_ipv4, None);
        assert_eq!(spec(body, ApiVersion::v1(47)).enable_ipv6, Some(true));
    }

    #[test]
    fn an_empty_body_asks_for_a_nameless_default() {
        assert_eq!(spec("", ApiVersion::MAX), NetworkSpec::default());
    }

    #[test]
    fn pools_keep_host_bits_for_validation_to_name() {
        let body = r#"{"IPAM":{"Options":{},"Config":[{"Subnet":"10.0.0.1/8","Gateway":"10.0.0.2",
            "IPRange":"","AuxiliaryAddresses":{"a":"10.0.0.3"}},null]}}"#;
        let ipam = spec(body, ApiVersion::MAX).ipam;
        assert_eq!(ipam.options, Some(BTreeMap::new()));
        assert_eq!(ipam.pools[0].subnet, Some("10.0.0.1/8".parse().unwrap()));
        assert_eq!(ipam.pools[0].ip_range, None);
        assert_eq!(ipam.pools[0].aux_addresses["a"].to_string(), "10.0.0.3");
        assert_eq!(ipam.pools[1], Default::default());
    }

    #[test]
    fn an_auxiliary_address_that_is_none_is_named() {
        let body = br#"{"IPAM":{"Config":[{"Subnet":"10.0.0.0/8","AuxiliaryAddresses":{"a":""}}]}}"#;
        let error = crate::decode::<CreateNetworkRequest>(body).unwrap().into_spec(ApiVersion::MAX).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid network config:\ninvalid auxiliary address a: parent subnet 10.0.0.0/8 doesn't contain this address"
        );
    }

    #[test]
    fn a_gateway_with_a_prefix_length_is_malformed() {
        let body = br#"{"IPAM":{"Config":[{"Gateway":"10.0.0.1/24"}]}}"#;
        assert_eq!(
            crate::decode::<CreateNetworkRequest>(body).unwrap_err().to_string(),
            "invalid JSON: ParseAddr(\"10.0.0.1/24\"): unexpected character (at \"/24\")"
        );
    }

    #[test]
    fn an_empty_reference_to_settings_is_none() {
        assert_eq!(spec(r#"{"ConfigFrom":{"Network":""}}"#, ApiVersion::MAX).config_from, None);
    }
}
