//! Files of a container: what changed, what is there, copying out and in.

use crate::answers::Call;
use crate::api::Inner;
use crate::reply::{self, Reply};
use crate::route::ContainerCall;
use crate::transfer::{Form, Outlet, Upload};
use crate::{ContainerEngine, Failure};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderName, HeaderValue, StatusCode};
use hyper::body::Body;
use pontoon_api_types::{ContainerPathStat, rfc3339};
use pontoon_containers::{PathStat, UnpackWish};

/// Where the description of a path is told, as JSON in Base64.
const STAT: HeaderName = HeaderName::from_static("x-docker-container-path-stat");

const TAR: Form = Form { content: "application/x-tar", version: None };

pub(super) async fn changes(containers: &dyn ContainerEngine, id: &str) -> Result<Reply, Failure> {
    let changes = Some(containers.changes(id).await?).filter(|changes| !changes.is_empty());
    reply::json(StatusCode::OK, &changes)
}

pub(super) async fn stat(containers: &dyn ContainerEngine, id: &str, call: &Call) -> Result<Reply, Failure> {
    let stat = containers.stat_path(id, path(call)?).await?;
    let mut reply = reply::empty(StatusCode::OK);
    reply.headers_mut().insert(STAT, described(&stat)?);
    Ok(reply)
}

impl Inner {
    /// Answers a call about a container that moves much.
    pub(crate) async fn container_transfer<B>(
        &self,
        id: &str,
        of: ContainerCall,
        call: &Call,
        body: B,
    ) -> Result<Reply, Failure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let (containers, id) = (self.containers.clone(), id.to_owned());
        match of {
            ContainerCall::ArchiveGet => {
                let path = path(call)?.to_owned();
                let stat = described(&containers.stat_path(&id, &path).await?)?;
                let work = move |outlet: &mut Outlet| containers.pack(&id, &path, outlet);
                let mut reply = self.transfers.run(TAR, work).await?;
                reply.headers_mut().insert(STAT, stat);
                Ok(reply)
            }
            ContainerCall::Export => {
                // What cannot be found is an answer of its own, before the stream.
                containers.container(&id)?;
                self.transfers.run(TAR, move |outlet: &mut Outlet| containers.export(&id, outlet)).await
            }
            ContainerCall::ArchivePut => {
                let path = path(call)?.to_owned();
                let wish = UnpackWish {
                    keep_kinds: call.query.flag("noOverwriteDirNonDir"),
                    own: call.query.flag("copyUIDGID"),
                };
                let mut upload = Upload::begin(body);
                let work = move |_: &mut Outlet| containers.unpack(&id, &path, wish, &mut upload);
                self.transfers.run(TAR, work).await?;
                Ok(reply::empty(StatusCode::OK))
            }
            _ => Err(Failure::no_page()),
        }
    }
}

/// The path that is asked for; Docker refuses a call without one.
fn path(call: &Call) -> Result<&str, Failure> {
    Some(call.query.get("path"))
        .filter(|path| !path.is_empty())
        .ok_or_else(|| Failure::invalid("bad parameter: path cannot be empty"))
}

fn described(stat: &PathStat) -> Result<HeaderValue, Failure> {
    let stat = ContainerPathStat {
        name: stat.name.clone(),
        size: stat.size,
        mode: stat.mode,
        mtime: rfc3339(stat.modified),
        link_target: stat.link_target.clone(),
    };
    let failed = |what: String| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("describe a path: {what}"));
    let json = serde_json::to_vec(&stat).map_err(|error| failed(error.to_string()))?;
    HeaderValue::try_from(BASE64.encode(&json)).map_err(|error| failed(error.to_string()))
}
