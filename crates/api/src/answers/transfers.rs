//! Images that come and go: load, import, save, pull, and who may.

use super::Call;
use super::images::check_platform;
use crate::Failure;
use crate::api::Inner;
use crate::body;
use crate::reply::{self, Reply};
use crate::route::ImageRoute;
use crate::transfer::{Form, Outlet, Upload};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hyper::body::Body;
use pontoon_api_types::{ApiVersion, AuthResponse, ProgressDetail, ProgressLine};
use pontoon_images::{Images, Import, Login, Progress, Reference};
use pontoon_types::{ErrorKind, Kind};
use serde::Deserialize;
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
        headers: &HeaderMap,
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
            ImageRoute::Create => self.pull(images, call, login(headers)?).await,
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

    async fn pull(&self, images: Images, call: Call, login: Login) -> Result<Reply, Failure> {
        let (from, tag) = (call.query.get("fromImage"), call.query.get("tag"));
        let parsed = |text: &str| Reference::parse(text).map_err(pontoon_images::Error::from);
        let name = parsed(from)?;
        let name = match tag {
            "" if name.tag().is_none() && name.digest().is_none() => {
                let text = "pulling all tags of a repository is not implemented: name one";
                return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, text));
            }
            "" => name,
            digest if digest.contains(':') => parsed(&format!("{}@{digest}", name.repository()))?,
            tag => name.tagged(tag).map_err(pontoon_images::Error::from)?,
        };
        let work = move |outlet: &mut Outlet| {
            images.pull(name, &login, &mut |progress| told(outlet, progress))?;
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

/// Who asks the registry: the header of Docker's clients. Nobody in particular without it.
fn login(headers: &HeaderMap) -> Result<Login, Failure> {
    let Some(value) = headers.get("x-registry-auth").filter(|value| !value.is_empty()) else {
        return Ok(Login::default());
    };
    let wrong = || Failure::invalid("invalid X-Registry-Auth header: it must be JSON in base64url");
    // Some clients leave the padding out, some use the other alphabet.
    let text: Vec<u8> = value.as_bytes().iter().copied().filter(|c| *c != b'=').collect();
    let engine = if text.iter().any(|c| b"+/".contains(c)) { &STANDARD_NO_PAD } else { &URL_SAFE_NO_PAD };
    let json = engine.decode(text).map_err(|_| wrong())?;
    as_login(serde_json::from_slice(&json).map_err(|_| wrong())?)
}

/// A login as clients send it.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Auth {
    username: String,
    password: String,
    serveraddress: String,
    identitytoken: String,
    registrytoken: String,
}

fn as_login(auth: Auth) -> Result<Login, Failure> {
    if !auth.identitytoken.is_empty() {
        let text = "identity tokens are not implemented: log in with name and password";
        return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, text));
    }
    Ok(Login { user: auth.username, password: auth.password, token: auth.registrytoken })
}

/// `POST /auth`: whether a registry knows the user.
pub(super) fn authenticate(images: &Images, call: &Call) -> Result<Reply, Failure> {
    let auth: Auth = body::json(&call.body)?;
    let server = auth.serveraddress.clone();
    let status = images.login(&server, &as_login(auth)?).map_err(|error| match error.kind() {
        // Clients ask again for a name and password.
        ErrorKind::Forbidden => Failure::new(StatusCode::UNAUTHORIZED, error.to_string()),
        _ => Failure::from(error),
    })?;
    reply::json(StatusCode::OK, &AuthResponse { status: status.to_owned(), identity_token: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> HeaderMap {
        [(http::HeaderName::from_static("x-registry-auth"), value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn logins_are_read_in_every_form_that_clients_send() {
        let me = Login { user: "me".into(), password: "pass?>".into(), token: String::new() };
        let json = br#"{"username":"me","password":"pass?>","serveraddress":"x"}"#;
        for text in [base64::engine::general_purpose::URL_SAFE.encode(json), STANDARD_NO_PAD.encode(json)] {
            assert_eq!(login(&header(&text)), Ok(me.clone()));
        }
        assert_eq!(login(&HeaderMap::new()), Ok(Login::default()));
        assert_eq!(login(&header("!")).unwrap_err().status, StatusCode::BAD_REQUEST);
        let token = URL_SAFE_NO_PAD.encode(br#"{"identitytoken":"x"}"#);
        assert_eq!(login(&header(&token)).unwrap_err().status, StatusCode::NOT_IMPLEMENTED);
    }
}
