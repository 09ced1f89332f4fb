//! Images that come and go as archives: load, import, save.

use super::Call;
use super::images::check_platform;
use crate::Failure;
use crate::api::Inner;
use crate::reply::Reply;
use crate::route::ImageRoute;
use crate::transfer::{Form, Outlet, Upload};
use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use pontoon_api_types::{ApiVersion, ProgressDetail, ProgressLine};
use pontoon_images::{Images, Import, Progress, Reference};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

/// Pieces of an archive on its way out.
const PIECE: usize = 64 << 10;

impl Inner {
    /// Answers a call about images that moves much.
    pub(crate) async fn transfer<B>(
        &self,
        images: &Images,
        route: ImageRoute,
        call: Call,
        body: B,
    ) -> Result<Reply, Failure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let images = images.clone();
        check_platform(call.query.get("platform"))?;
        match route {
            ImageRoute::Load => self.load(images, call, Upload::begin(body)).await,
            ImageRoute::Create if !call.query.get("fromSrc").is_empty() => {
                self.import(images, call, Upload::begin(body)).await
            }
            ImageRoute::Save(name) => self.save(images, vec![name]).await,
            ImageRoute::SaveSeveral => self.save(images, call.query.all("names")).await,
            _ => Err(Failure::no_page()),
        }
    }

    async fn load(&self, images: Images, call: Call, mut upload: Upload) -> Result<Reply, Failure> {
        let quiet = call.query.flag("quiet");
        let work = move |outlet: &mut Outlet| {
            images.load(&mut upload, quiet, &mut |progress| told(outlet, progress))?;
            Ok(())
        };
        self.transfers.run(lines(call.version), work).await
    }

    async fn import(&self, images: Images, call: Call, mut upload: Upload) -> Result<Reply, Failure> {
        let query = &call.query;
        let source = query.get("fromSrc");
        if source != "-" {
            let text = "importing from a URL is not implemented: give the archive in the request's body";
            return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, text)
                .with_hint(format!("curl -L {source} | docker import - NAME")));
        }
        let import = Import {
            name: name(query.get("repo"), query.get("tag"))?,
            message: Some(query.get("message")).filter(|text| !text.is_empty()).unwrap_or("Imported from -").to_owned(),
            changes: query.all("changes"),
        };
        let work = move |outlet: &mut Outlet| {
            let id = images.import(&mut upload, import)?;
            // As in Docker: the id is the last line.
            outlet.line(&ProgressLine { status: Some(id.to_string()), ..ProgressLine::default() });
            Ok(())
        };
        self.transfers.run(lines(call.version), work).await
    }

    async fn save(&self, images: Images, names: Vec<String>) -> Result<Reply, Failure> {
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err(Failure::invalid("no images given: name them with the parameter names"));
        }
        let work = move |outlet: &mut Outlet| {
            let export = images.export(&names)?;
            let mut buffered = BufWriter::with_capacity(PIECE, outlet);
            export.write(&mut buffered)?;
            buffered.flush().map_err(|cause| Failure::from(pontoon_images::Error::Send { cause }))
        };
        self.transfers.run(Form { content: "application/x-tar", version: None }, work).await
    }
}

/// The answer is lines of progress, and an error a line like the others.
fn lines(version: ApiVersion) -> Form {
    Form { content: "application/json", version: Some(version) }
}

/// Tells a client how far the work is; work for nobody ends.
fn told(outlet: &mut Outlet, progress: Progress) -> ControlFlow<()> {
    let line = match progress {
        Progress::Said(text) => ProgressLine { stream: Some(text), ..ProgressLine::default() },
        Progress::Status { id, status, amount } => ProgressLine {
            status: Some(status),
            // Docker writes an empty one where a part has no numbers.
            progress_detail: id.as_ref().map(|_| {
                amount.map_or_else(ProgressDetail::default, |(current, total)| ProgressDetail { current, total })
            }),
            id,
            ..ProgressLine::default()
        },
    };
    if outlet.line(&line) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// The name that an import gives; none is fine.
fn name(repository: &str, tag: &str) -> Result<Option<Reference>, Failure> {
    if repository.is_empty() {
        return Ok(None);
    }
    let name = Reference::parse(repository).map_err(pontoon_images::Error::from)?;
    if name.digest().is_some() {
        return Err(Failure::invalid("cannot import digest reference"));
    }
    let name = if tag.is_empty() { name } else { name.tagged(tag).map_err(pontoon_images::Error::from)? };
    Ok(Some(name.or_latest()))
}
