//! Making and changing containers: requests and answers.
//!
//! Owns: that `Config` stands at the top of the request beside `HostConfig` and `NetworkingConfig`.

use crate::json::{BodyError, decode};
use pontoon_containers::spec::{Config, HostConfig, NetworkingConfig, RestartPolicy};
use serde::{Deserialize, Serialize};

/// Body of `POST /containers/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateContainerRequest {
    /// What it runs.
    #[serde(flatten)]
    pub config: Config,
    /// What it gets of the host.
    pub host_config: HostConfig,
    /// Its networks.
    pub networking_config: NetworkingConfig,
}

/// The parts that are not at the top.
#[derive(Default, Deserialize)]
#[serde(rename = "container.CreateRequest", rename_all = "PascalCase", default)]
struct Below {
    host_config: HostConfig,
    networking_config: NetworkingConfig,
}

impl CreateContainerRequest {
    /// Reads the body by Go's rules. Each half leaves the fields of the other alone.
    pub fn decode(body: &[u8]) -> Result<Self, BodyError> {
        if body.is_empty() {
            return Err(BodyError::Blank);
        }
        let Below { host_config, networking_config } = decode(body)?;
        Ok(Self { config: decode(body)?, host_config, networking_config })
    }
}

/// Answer of `POST /containers/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateContainerResponse {
    /// The container's id.
    pub id: String,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Body of `POST /containers/{id}/update`: limits, and the restart policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateContainerRequest {
    /// Limits; only those of Docker's `Resources` count.
    pub resources: HostConfig,
    /// The restart policy; absent stays as it is.
    pub restart_policy: Option<RestartPolicy>,
}

#[derive(Default, Deserialize)]
#[serde(rename = "container.UpdateConfig", rename_all = "PascalCase", default)]
struct Policy {
    restart_policy: Option<RestartPolicy>,
}

impl UpdateContainerRequest {
    /// Reads the body by Go's rules.
    pub fn decode(body: &[u8]) -> Result<Self, BodyError> {
        let Policy { restart_policy } = decode(body)?;
        Ok(Self { resources: decode(body)?, restart_policy })
    }
}

/// Answer of `POST /containers/{id}/update`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateContainerResponse {
    /// What the user should know.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_beside_and_below() {
        let body = br#"{"Image":"host","cmd":["sh"],"HostConfig":{"NetworkMode":"none"},
            "NetworkingConfig":{"EndpointsConfig":{"n":{"Aliases":["a"]}}}}"#;
        let request = CreateContainerRequest::decode(body).unwrap();
        assert_eq!((request.config.image.as_str(), request.config.cmd.as_slice()), ("host", &["sh".to_owned()][..]));
        assert_eq!(request.host_config.network_mode, "none");
        assert_eq!(request.networking_config.endpoints_config.0[0].0, "n");
    }

    #[test]
    fn what_is_malformed_is_told_in_gos_words() {
        let told = |body: &str| CreateContainerRequest::decode(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(told(""), "invalid JSON: got EOF while reading request body");
        assert_eq!(
            told(r#"{"HostConfig":{"Memory":"1"}}"#),
            "invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64"
        );
    }

    #[test]
    fn limits_and_policy_are_changed_in_one_body() {
        let body = br#"{"Memory":1048576,"RestartPolicy":{"Name":"always"}}"#;
        let request = UpdateContainerRequest::decode(body).unwrap();
        assert_eq!((request.resources.memory, request.restart_policy.unwrap().name.as_str()), (1 << 20, "always"));
        assert_eq!(UpdateContainerRequest::decode(b"{}").unwrap().restart_policy, None);
    }
}
