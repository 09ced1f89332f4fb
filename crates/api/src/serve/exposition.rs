//! Numbers for Prometheus, over plain HTTP on a socket of their own.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Scrapers at once; more wait.
const AT_ONCE: usize = 16;
/// A scraper that sends nothing for so long is cut off.
const HEAD: Duration = Duration::from_secs(5);

/// Makes the text.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Answers `GET /metrics` with what `render` makes, until `shutdown`.
pub async fn expose(listener: TcpListener, render: Render, shutdown: impl Future<Output = ()>) {
    let mut open = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            Some(_) = open.join_next(), if !open.is_empty() => {}
            taken = listener.accept(), if open.len() < AT_ONCE => match taken {
                Ok((stream, _)) => {
                    open.spawn(converse(stream, render.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot take a scraper");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

async fn converse(stream: tokio::net::TcpStream, render: Render) {
    let service = service_fn(move |request| {
        let render = render.clone();
        async move { Ok::<_, Infallible>(answer(&request, &render)) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // A scraper that hangs up is its own business.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

fn answer(request: &Request<Incoming>, render: &Render) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            (StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", render())
        }
        _ => (StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "metrics are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
