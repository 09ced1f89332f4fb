//! Making containers.

use crate::answers::Call;
use crate::reply::{self, Reply};
use crate::{ContainerEngine, Failure};
use http::StatusCode;
use pontoon_api_types::{ApiVersion, CreateContainerRequest, CreateContainerResponse};
use pontoon_containers::NewContainer;
use pontoon_containers::spec::Config;

/// Since this version a platform can be asked for.
const PLATFORM: ApiVersion = ApiVersion::v1(41);

pub(super) async fn create(containers: &dyn ContainerEngine, call: &Call) -> Result<Reply, Failure> {
    let mut request = CreateContainerRequest::decode(&call.body)?;
    if request.config == Config::default() {
        return Err(Failure::invalid("config cannot be empty in order to create a container"));
    }
    let mut warnings = request.modernise(call.version)?;
    let platform = if call.version >= PLATFORM { call.query.get("platform").to_owned() } else { String::new() };
    let new = NewContainer {
        name: call.query.get("name").to_owned(),
        platform,
        config: request.config,
        host_config: request.host_config,
        networking: request.networking_config,
    };
    let (id, more) = containers.create_container(new).await?;
    warnings.extend(more);
    reply::json(StatusCode::CREATED, &CreateContainerResponse { id, warnings })
}
