//! Connections to the daemon: opened when needed, kept for the next call.
//!
//! Owns: sockets. Must never repeat a request that the daemon may have seen.

use crate::{Error, Host};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

type Sender = SendRequest<Full<Bytes>>;

/// How many unused connections are kept.
const IDLE: usize = 4;
/// How long to wait for a place in a daemon's queue.
const QUEUE: Duration = Duration::from_secs(10);

/// The way to one daemon.
pub(crate) struct Wire {
    host: Host,
    tls: Option<Arc<rustls::ClientConfig>>,
    idle: Mutex<Vec<Sender>>,
}

/// An answer whose body is still on its way. The connection can be given back when the body was read.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    pub(crate) sender: Sender,
}

impl Wire {
    pub(crate) fn new(host: Host, tls: Option<Arc<rustls::ClientConfig>>) -> Self {
        Self { host, tls, idle: Mutex::default() }
    }

    /// The same way without any connection yet.
    pub(crate) fn apart(&self) -> Self {
        Self::new(self.host.clone(), self.tls.clone())
    }

    /// Sends a request over a kept connection, or a new one if that turns out to be closed before it took anything.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, Error> {
        while let Some(mut sender) = self.take() {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(Answer { response, sender }),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Error::Http(error.into_error())),
                },
            }
        }
        let mut sender = self.open().await?;
        let response = sender.send_request(request).await.map_err(Error::Http)?;
        Ok(Answer { response, sender })
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn keep(&self, sender: Sender) {
        let mut idle = self.idle();
        if idle.len() < IDLE && !sender.is_closed() {
            idle.push(sender);
        }
    }

    fn take(&self) -> Option<Sender> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self) -> Result<Sender, Error> {
        let failed = |cause: io::Error| Error::Connect { host: self.host.clone(), cause };
        match (&self.host, &self.tls) {
            (Host::Unix(path), _) => start(unix(path).await.map_err(failed)?).await,
            (Host::Tcp { name, port }, tls) => {
                let stream = TcpStream::connect((name.as_str(), *port)).await.map_err(failed)?;
                stream.set_nodelay(true).map_err(failed)?;
                let Some(config) = tls else { return start(stream).await };
                let server = ServerName::try_from(name.clone()).map_err(|_| Error::ServerName(name.clone()))?;
                let connector = tokio_rustls::TlsConnector::from(config.clone());
                start(connector.connect(server, stream).await.map_err(failed)?).await
            }
        }
    }
}

/// Connects to a unix socket. Where the queue of a busy daemon is full, Linux refuses at once instead of waiting
/// (connect(2), EAGAIN); so the waiting is done here, for a while.
async fn unix(path: &Path) -> io::Result<UnixStream> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && begun.elapsed() < QUEUE => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(100));
            }
            done => return done,
        }
    }
}

async fn start<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> Result<Sender, Error> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::Http)?;
    // Ends by itself when the sender is dropped or the daemon hangs up; its error reaches the call in flight.
    tokio::spawn(connection);
    Ok(sender)
}
