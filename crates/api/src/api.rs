//! The API as a service: a request in, an answer out, whatever the connection is.
//!
//! Owns: the order of the steps (route, version, body, call, headers, numbers). The calls are in `answers`.

use crate::answers::{self, Call, Listeners, LongCall};
use crate::body::{Bodies, BodyLimits};
use crate::machine::Machine;
use crate::query::Query;
use crate::reply::{self, Reply, ReplyBody};
use crate::route::{ContainerRoute, Route, target};
use crate::serve::Peer;
use crate::takeover::takes_over;
use crate::transfer::Transfers;
use crate::work::{Work, WorkLimits};
use crate::{ContainerEngine, Engine, Failure, Identity, NoMetrics, RequestMetrics};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Body;
use pontoon_api_types::ApiVersion;
use pontoon_images::Images;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;
use tokio::sync::watch;
use tracing::Instrument;

/// The API. Clones are handles to the same one.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

/// What all requests share.
pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) containers: Arc<dyn ContainerEngine>,
    identity: RwLock<Arc<Identity>>,
    pub(crate) machine: Machine,
    pub(crate) listeners: Listeners,
    pub(crate) closing: watch::Sender<bool>,
    metrics: Arc<dyn RequestMetrics>,
    bodies: Bodies,
    pub(crate) work: Work,
    images: OnceLock<Images>,
    pub(crate) transfers: Transfers,
    server: HeaderValue,
    number: AtomicU64,
}

/// The API over `engine` and `containers`, with default limits and nobody counting.
pub fn router(engine: Arc<dyn Engine>, containers: Arc<dyn ContainerEngine>, identity: Identity) -> Api {
    Api::new(engine, containers, identity, Arc::new(NoMetrics), BodyLimits::default(), WorkLimits::default())
}

impl Api {
    /// The API over `engine` and `containers`.
    pub fn new(
        engine: Arc<dyn Engine>,
        containers: Arc<dyn ContainerEngine>,
        identity: Identity,
        metrics: Arc<dyn RequestMetrics>,
        bodies: BodyLimits,
        work: WorkLimits,
    ) -> Self {
        let server = HeaderValue::from_str(&format!("Docker/{} (linux)", identity.version));
        Self(Arc::new(Inner {
            engine,
            containers,
            identity: RwLock::new(Arc::new(identity)),
            machine: Machine::read(),
            listeners: Listeners::default(),
            closing: watch::Sender::new(false),
            metrics,
            bodies: Bodies::new(bodies),
            work: Work::new(work),
            images: OnceLock::new(),
            transfers: Transfers::default(),
            server: server.unwrap_or(HeaderValue::from_static("Docker (linux)")),
            number: AtomicU64::new(0),
        }))
    }

    /// Serves these images. Without them calls about images are not implemented. Only the first call counts.
    pub fn serve_images(&self, images: Images) {
        let _ = self.0.images.set(images);
    }

    /// Replaces the identity, at a reload.
    pub fn set_identity(&self, identity: Identity) {
        *self.0.identity.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(identity);
    }

    /// Ends all event streams, and every one that is opened from now on after what is past was told.
    pub fn close_streams(&self) {
        self.0.closing.send_replace(true);
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let begun = Instant::now();
        let (method, target) = (request.method().clone(), target(request.method(), request.uri().path()));
        let pattern = target.route.as_ref().map_or("none", Route::pattern);
        let number = self.0.number.fetch_add(1, Ordering::Relaxed);
        let span = tracing::info_span!(
            "request",
            number,
            %method,
            route = pattern,
            network = tracing::field::Empty,
            sandbox = tracing::field::Empty,
            container = tracing::field::Empty
        );
        if let Some((field, id)) = target.route.as_ref().and_then(Route::subject) {
            span.record(field, id);
        }
        let answer = self.0.dispatch(target.route, target.version, request).instrument(span.clone()).await;
        let mut reply = answer.unwrap_or_else(|failure| {
            let (status, message) = (failure.status.as_u16(), &failure.body.message);
            span.in_scope(|| tracing::debug!(status, message, "refused"));
            reply::failed(&failure)
        });
        if !takes_over(&reply) {
            reply::stamp(reply.headers_mut(), &self.0.server);
        }
        let (status, took) = (reply.status().as_u16(), begun.elapsed());
        span.in_scope(|| tracing::debug!(status, took_us = took.as_micros() as u64, "answered"));
        self.0.metrics.answered(method.as_str(), pattern, status, took);
        reply
    }
}

impl Inner {
    pub(crate) fn identity(&self) -> Arc<Identity> {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The images, where they are served.
    pub(crate) fn images(&self) -> Result<&Images, Failure> {
        self.images.get().ok_or_else(|| Failure::new(StatusCode::NOT_IMPLEMENTED, "this daemon keeps no images"))
    }

    async fn dispatch<B>(
        self: &Arc<Self>,
        route: Option<Route>,
        version: Option<String>,
        request: Request<B>,
    ) -> Result<Reply, Failure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let route = route.ok_or_else(Failure::no_page)?;
        let version = match version {
            Some(text) => {
                ApiVersion::negotiate(&text, self.identity().min_api).map_err(|e| Failure::invalid(e.to_string()))?
            }
            None => ApiVersion::MAX,
        };
        let (parts, body) = request.into_parts();
        let length = body.size_hint().exact();
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        if let Route::Image(route) = &route
            && route.is_transfer()
        {
            let call = Call { version, query, body: Bytes::new() };
            return self.transfer(self.images()?, route.clone(), call, &parts.headers, body).await;
        }
        if let Route::Containers(ContainerRoute::One(id, of)) = &route
            && of.is_transfer()
        {
            let call = Call { version, query, body: Bytes::new() };
            return self.container_transfer(id, *of, &call, body).await;
        }
        let body = if route.takes_body() { self.bodies.read(&parts.headers, body).await? } else { Bytes::new() };
        let call = Call { version, query, body };
        match route {
            Route::Ping => Ok(reply::pong(parts.method == Method::HEAD)),
            Route::Version => self.version(),
            Route::Options => Ok(answers::options()),
            Route::Absent(path) => Err(answers::absent(&path)),
            Route::Plugins => reply::json(StatusCode::OK, &[(); 0]),
            Route::Events => self.events(&call, &parts.headers, parts.extensions.get::<Peer>().cloned()),
            Route::Connect(network) => self.connect(network, call).await,
            Route::Disconnect(network) => self.disconnect(network, call).await,
            Route::DiskUsage => answers::disk::usage(self, &call).await,
            Route::Volumes(route) => self.volumes(route, call).await,
            Route::Containers(_) | Route::Exec(..) => {
                let long =
                    LongCall { call, peer: parts.extensions.get::<Peer>().cloned(), headers: parts.headers, length };
                match route {
                    Route::Exec(id, of) => self.execs(id, of, long).await,
                    Route::Containers(of) => self.containers(of, long).await,
                    _ => Err(Failure::no_page()),
                }
            }
            _ => {
                let queue = route.queue();
                let inner = self.clone();
                self.work.run(queue, move || inner.answer(&route, &call)).await
            }
        }
    }

    /// Is over when a stream is: the client is gone, or the daemon ends.
    pub(crate) fn enough(&self, peer: Option<Peer>) -> impl Future<Output = ()> + Send + 'static {
        let mut closing = self.closing.subscribe();
        async move {
            let gone = async {
                match &peer {
                    Some(peer) => peer.closed().await,
                    None => std::future::pending().await,
                }
            };
            // An error means that nobody can close any more; then closing is not waited for.
            let closed = async {
                if closing.wait_for(|closing| *closing).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = gone => {}
                () = closed => {}
            }
        }
    }
}
