//! The networks a container asks for when it is made.

use super::EndpointSettings;
use pontoon_types::Ordered;
use serde::{Deserialize, Serialize};

/// Docker's `NetworkingConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "network.NetworkingConfig", rename_all = "PascalCase", default)]
pub struct NetworkingConfig {
    /// Network (name, id or prefix of an id) to the settings of the endpoint in it. A null value is a mistake that is
    /// told by name.
    pub endpoints_config: Ordered<Option<EndpointSettings>>,
}
