//! One question to one server: over UDP, and over TCP when the answer did not fit.
//!
//! Owns: that an answer can only come from the server that was asked, by a socket of its own with a random port, under
//! a random id, with the same question (CVE-2019-19794 and its like).

use super::Shared;
use super::set::Server;
use crate::wire::header::Header;
use crate::wire::question::Question;
use crate::wire::response::Response;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

/// When a datagram is sent again, counted from the last time.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_millis(1500)];
/// The longest datagram that is taken; what is longer is asked for over TCP.
const MAX_DATAGRAM: usize = 4096;
/// After so many datagrams that do not fit, somebody is guessing: the server counts as silent.
const MAX_STRAYS: usize = 256;

/// Why there is no answer from this server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no answer in time")]
    Silent,
    #[error("a refusal without a question")]
    Bare,
    #[error("too many answers that do not belong to the question")]
    Guessing,
    #[error("no random numbers")]
    Random,
    #[error("no socket")]
    Socket(#[source] pontoon_kernel::Error),
    #[error("the network")]
    Network(#[from] io::Error),
}

/// Asks one server.
pub(crate) async fn exchange(shared: &Shared, server: &Server, question: &Question) -> Result<Response, Failure> {
    shared.counters.exchanges.one();
    let limit = shared.settings.exchange_timeout;
    let outcome = timeout(limit, over_udp(shared, server, question)).await.unwrap_or(Err(Failure::Silent));
    let answer = match outcome {
        Ok(Datagram::Whole(response)) if !response.is_truncated() => return Ok(response),
        Ok(datagram) => datagram,
        Err(failure) => return Err(failed(shared, server, failure)),
    };
    match (timeout(limit, over_tcp(shared, server, question)).await.unwrap_or(Err(Failure::Silent)), answer) {
        (Ok(response), _) => Ok(response),
        // Better the beginning than nothing.
        (Err(_), Datagram::Whole(response)) => Ok(response),
        (Err(failure), Datagram::TooLong) => Err(failed(shared, server, failure)),
    }
}

fn failed(shared: &Shared, server: &Server, failure: Failure) -> Failure {
    shared.counters.exchanges_failed.one();
    tracing::debug!(server = %server.address, error = %failure, "no answer from a name server");
    failure
}

enum Datagram {
    Whole(Response),
    TooLong,
}

async fn over_udp(shared: &Shared, server: &Server, question: &Question) -> Result<Datagram, Failure> {
    let any = match server.address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    // A few microseconds, on a thread that does nothing but this.
    let socket = shared.sockets.udp(&server.ns, any).map_err(Failure::Socket)?;
    // The kernel takes datagrams only from there, and tells at once when nobody listens.
    socket.connect(server.address)?;
    let socket = UdpSocket::from_std(socket)?;
    let id = random_id()?;
    let message = question.message(id);
    socket.send(&message).await?;
    let mut again = AGAIN.into_iter();
    let mut buffer = Vec::with_capacity(MAX_DATAGRAM + 1);
    for _ in 0..MAX_STRAYS {
        while !receive(&socket, &mut buffer, again.next()).await? {
            socket.send(&message).await?;
        }
        if buffer.len() > MAX_DATAGRAM {
            return Ok(Datagram::TooLong);
        }
        if let Some(response) = accepted(shared, &buffer, id, question)? {
            return Ok(Datagram::Whole(response));
        }
    }
    Err(Failure::Guessing)
}

/// Waits for a datagram; `false` when it took too long.
async fn receive(socket: &UdpSocket, buffer: &mut Vec<u8>, patience: Option<Duration>) -> io::Result<bool> {
    buffer.clear();
    let patience = async {
        match patience {
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        received = socket.recv_buf(buffer) => received.map(|_| true),
        () = patience => Ok(false),
    }
}

async fn over_tcp(shared: &Shared, server: &Server, question: &Question) -> Result<Response, Failure> {
    let mut stream = connect(shared, server).await?;
    let id = random_id()?;
    let message = question.message(id);
    let length = u16::try_from(message.len()).map_err(|_| Failure::Network(io::ErrorKind::InvalidInput.into()))?;
    let framed = [&length.to_be_bytes(), &message[..]].concat();
    stream.write_all(&framed).await?;
    let mut buffer = Vec::new();
    loop {
        let length = stream.read_u16().await?;
        buffer.resize(usize::from(length), 0);
        stream.read_exact(&mut buffer).await?;
        if let Some(response) = accepted(shared, &buffer, id, question)? {
            return Ok(response);
        }
    }
}

/// Connecting blocks, so it happens on a thread of its own; only so many at a time for each set of servers.
async fn connect(shared: &Shared, server: &Server) -> Result<TcpStream, Failure> {
    let gone = |_| Failure::Network(io::ErrorKind::Interrupted.into());
    let permit = server.connecting.clone().acquire_owned().await.map_err(|_| Failure::Silent)?;
    let (sockets, ns, address) = (Arc::clone(&shared.sockets), server.ns.clone(), server.address);
    let limit = shared.settings.exchange_timeout;
    let connecting = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        sockets.tcp_connect(&ns, address, limit)
    });
    let stream = connecting.await.map_err(gone)?.map_err(Failure::Socket)?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream)?)
}

/// The answer in `message`, if it is one to the question. A server that does not even repeat the question is given up.
fn accepted(shared: &Shared, message: &[u8], id: u16, question: &Question) -> Result<Option<Response>, Failure> {
    if let Some(response) = Response::read(message, id, question) {
        return Ok(Some(response));
    }
    let bare = |header: Header| header.id == id && header.is_response() && header.counts[0] == 0 && header.rcode() != 0;
    if Header::read(message).is_some_and(bare) {
        return Err(Failure::Bare);
    }
    shared.counters.answers_discarded.one();
    Ok(None)
}

fn random_id() -> Result<u16, Failure> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_err(|_| Failure::Random)?;
    Ok(u16::from_ne_bytes(bytes))
}
