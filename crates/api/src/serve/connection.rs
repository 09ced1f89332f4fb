//! One connection: TLS if asked for, then HTTP/1 requests one after another.

use super::ConnectionLimits;
use super::peer::{Peer, Stream};
use crate::Api;
use crate::takeover::Departure;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, Parts};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};

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

    async fn http<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(mut self, stream: S, peer: Peer) {
        let (api, own) = (self.api, peer.clone());
        let (depart, mut departing) = mpsc::channel(1);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(own.clone());
            let (api, depart) = (api.clone(), depart.clone());
            async move {
                let reply = api.handle(request).await;
                if let Some(departure) = Departure::of(&reply) {
                    // From here on the connection is not HTTP's: this request is never answered by hyper.
                    let _ = depart.send(departure).await;
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(reply)
            }
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(self.limits.head.max(8 << 10))
            .half_close(true)
            // As Go writes them; scripts look for `Api-Version`.
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        // The guard that waiting gives must not be held while the connection ends.
        let closing = async { drop(self.closing.wait_for(|closing| *closing).await) };
        tokio::pin!(closing);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            Some(departure) = departing.recv() => return depart_with(departure, connection.into_parts(), peer, closing).await,
            () = &mut closing => {
                Pin::new(&mut connection).graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended early");
        }
    }
}

/// Goes on with a connection that a call took over, to its end or the daemon's.
async fn depart_with<S, T>(departure: Departure, parts: Parts<TokioIo<S>, T>, peer: Peer, closing: impl Future)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (input, output) = tokio::io::split(parts.io.into_inner());
    let going = departure.run(parts.read_buf, Box::new(input), Box::new(output), peer);
    tokio::select! {
        () = going => {}
        _ = closing => {}
    }
}

fn accepted(stream: TcpStream) -> (Stream, Peer) {
    // Only makes answers slower when it fails.
    let _ = stream.set_nodelay(true);
    Peer::tcp(stream)
}
