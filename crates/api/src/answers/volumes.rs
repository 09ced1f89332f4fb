//! Volumes: list, inspect, create, remove, prune.

use super::Call;
use crate::api::Inner;
use crate::query::{VolumeFilter, VolumePruneFilter};
use crate::reply::{self, Reply};
use crate::route::VolumeRoute;
use crate::{ContainerEngine, Failure, body};
use http::StatusCode;
use pontoon_api_types::{CreateVolumeRequest, VolumeList, VolumesPruned};
use std::sync::Arc;

impl Inner {
    pub(crate) async fn volumes(self: &Arc<Self>, route: VolumeRoute, call: Call) -> Result<Reply, Failure> {
        let containers = &self.containers;
        match route {
            VolumeRoute::List => list(containers.as_ref(), &call).await,
            VolumeRoute::Inspect(name) => reply::json(StatusCode::OK, &containers.volume(&name)?),
            VolumeRoute::Create => create(containers.as_ref(), &call).await,
            VolumeRoute::Prune => prune(containers.as_ref(), &call).await,
            VolumeRoute::Update(_) => Err(no_cluster()),
            VolumeRoute::Remove(name) => {
                containers.remove_volume(&name, call.query.flag("force")).await?;
                Ok(reply::empty(StatusCode::NO_CONTENT))
            }
        }
    }
}

fn no_cluster() -> Failure {
    Failure::new(StatusCode::NOT_IMPLEMENTED, "cluster volumes are not supported by Pontoon")
}

async fn list(containers: &dyn ContainerEngine, call: &Call) -> Result<Reply, Failure> {
    let filter = VolumeFilter::new(call.query.filters()?)?;
    let all = containers.volumes();
    let mut volumes: Vec<_> = all.into_iter().filter(|volume| filter.takes(volume)).collect();
    volumes.iter_mut().for_each(|volume| volume.usage_data = None);
    reply::json(StatusCode::OK, &VolumeList { volumes, warnings: None })
}

async fn create(containers: &dyn ContainerEngine, call: &Call) -> Result<Reply, Failure> {
    let request: CreateVolumeRequest = body::json(&call.body)?;
    if request.cluster_volume_spec.is_some() {
        return Err(no_cluster());
    }
    reply::json(StatusCode::CREATED, &containers.create_volume(request).await?)
}

async fn prune(containers: &dyn ContainerEngine, call: &Call) -> Result<Reply, Failure> {
    let filter = VolumePruneFilter::new(call.query.filters()?, call.version)?;
    let (names, space_reclaimed) = containers.prune_volumes(filter).await?;
    let volumes_deleted = Some(names).filter(|names| !names.is_empty());
    reply::json(StatusCode::OK, &VolumesPruned { volumes_deleted, space_reclaimed })
}
