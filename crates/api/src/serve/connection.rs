//! One connection: TLS if asked for, then HTTP/1 requests one after another.

use super::ConnectionLimits;
use super::peer::{Peer, Stream};
use crate::Api;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

/// A connection as it was taken.
pub(super) enum Wire {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(TcpStream, Arc<rustls::ServerConfig>),
}

/// What all connections share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) api: Api,
    pub(super) limits: ConnectionLimits,
    pub(super) closing: watch::Receiver<bool>,
}

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

impl Connections {
    /// Serves the connection to its end. Trouble with it is the client's and only noted.
    pub(super) async fn converse(self, wire: Wire) {
        match wire {
            Wire::Unix(stream) => {
                let (stream, peer) = Peer::unix(stream);
                self.http(stream, peer).await;
            }
            Wire::Tcp(stream) => {
                let (stream, peer) = accepted(stream);
                self.http(stream, peer).await;
            }
            // Kept apart, so that connections in the clear need not have room for it.
            Wire::Tls(stream, config) => Box::pin(self.tls(stream, config)).await,
        }
    }

    async fn tls(self, stream: TcpStream, config: Arc<rustls::ServerConfig>) {
        let (stream, peer) = accepted(stream);
        let handshake = tokio_rustls::TlsAcceptor::from(config).accept(stream);
        match tokio::time::timeout(HANDSHAKE, handshake).await {
            Ok(Ok(stream)) => self.http(stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin>(mut self, stream: S, peer: Peer) {
        let api = self.api;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.handle(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(self.limits.head.max(8 << 10))
            .half_close(true)
            // As Go writes them; scripts look for `Api-Version`.
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        // The guard that waiting gives must not be held while the connection ends.
        let closing = async { drop(self.closing.wait_for(|closing| *closing).await) };
        tokio::pin!(connection, closing);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = closing => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        }
    }
}

fn accepted(stream: TcpStream) -> (Stream, Peer) {
    // Only makes answers slower when it fails.
    let _ = stream.set_nodelay(true);
    Peer::tcp(stream)
}
