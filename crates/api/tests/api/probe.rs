//! Asking the API without a socket, and what came back.

use crate::containers::model::Model;
use crate::core::Core;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Full};
use pontoon_api::{Api, Identity, router};
use pontoon_api_types::ApiVersion;
use serde_json::Value;
use std::sync::Arc;

/// The API over a core in memory. Serves versions from 1.24 on, so that all differences can be seen.
pub struct Probe {
    pub core: Arc<Core>,
    pub containers: Arc<Model>,
    pub api: Api,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The message of an error.
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no message: {}", self.body)).to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Probe {
    pub fn new() -> Self {
        Self::over(Core::new())
    }

    pub fn over(core: Core) -> Self {
        let core = Arc::new(core);
        let identity = Identity { min_api: ApiVersion::MIN, version: "9.9.9".into(), ..Identity::default() };
        let containers = Arc::new(Model::default());
        Self { api: router(core.clone(), containers.clone(), identity), core, containers }
    }

    /// A request such as `GET /networks`. A body makes it JSON.
    pub async fn call(&self, line: &str, body: Option<&str>) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(Full::new(Bytes::from(body.unwrap_or_default().to_owned()))).unwrap()).await
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.api.handle(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(&format!("GET {path}"), None).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.call(&format!("POST {path}"), Some(body)).await
    }

    /// Makes a network and gives its id.
    pub async fn network(&self, body: &str) -> String {
        let answer = self.post("/networks/create", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["Id"].as_str().unwrap().to_owned()
    }

    /// Makes a sandbox and gives its id.
    pub async fn sandbox(&self, body: &str) -> String {
        let answer = self.post("/pontoon/v1/sandboxes/create", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["Id"].as_str().unwrap().to_owned()
    }

    /// Names in a list of networks.
    pub async fn listed(&self, filters: &str) -> Vec<String> {
        let path =
            if filters.is_empty() { "/networks".to_owned() } else { format!("/networks?filters={}", encoded(filters)) };
        let answer = self.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().as_array().unwrap().iter().map(|n| n["Name"].as_str().unwrap().to_owned()).collect()
    }
}

/// Text as the value of a query parameter.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
