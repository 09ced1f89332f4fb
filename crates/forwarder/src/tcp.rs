//! TCP: a client's connection and one to the sandbox, and bytes from each to the other.
//!
//! A side that ends its sending ends it at the other; a side that breaks off breaks off the other.

use crate::counters::add;
use crate::forwarder::Shared;
use pontoon_types::Protocol;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes read at once in each direction.
const BUFFER: usize = 16 * 1024;
/// A silent side is asked after this long whether it is still there. (Go's dialer and listener: 15 s.)
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Pause after a failed accept: the usual cause, no free descriptor, does not go at once.
const PAUSE: Duration = Duration::from_millis(100);

/// The listening socket, before it serves.
pub(crate) struct Listener {
    socket: TcpListener,
    shared: Shared,
}

impl Listener {
    pub fn new(socket: std::net::TcpListener, shared: Shared) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: TcpListener::from_std(socket)?, shared })
    }

    /// Accepts until `stop`, then waits for the connections that are left.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                client = self.accept() => self.admit(client, &mut connections),
                Some(ended) = connections.join_next() => report(ended),
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        drop(self.socket);
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    }

    async fn accept(&self) -> TcpStream {
        loop {
            match self.socket.accept().await {
                Ok((client, _)) => return client,
                Err(error) => {
                    tracing::debug!(%error, "could not accept a redirected connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, client: TcpStream, connections: &mut JoinSet<()>) {
        if connections.len() >= self.shared.limits.tcp {
            return self.shared.tally.refuse();
        }
        connections.spawn(carry(client, self.shared.clone()));
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a forwarded connection ended by a mistake of ours");
    }
}

/// One connection from begin to end. A client whose sandbox does not answer is closed.
async fn carry(client: TcpStream, shared: Shared) {
    let (client, original) = match original(client, &shared) {
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(error, "a connection without known destination came to the forwarder");
            return shared.tally.refuse();
        }
    };
    let Some(target) = shared.target(Protocol::Tcp, original) else { return shared.tally.refuse() };
    let _open = shared.tally.open_tcp();
    tokio::select! {
        outcome = connect_and_copy(client, target, &shared) => {
            if let Err(error) = outcome {
                tracing::debug!(%original, %target, %error, "a forwarded connection failed");
                shared.tally.fail();
            }
        }
        () = shared.until_withdrawn(Protocol::Tcp, original, target) => {}
    }
}

/// The same connection, and where it wanted to go.
fn original(client: TcpStream, shared: &Shared) -> Result<(TcpStream, SocketAddr), Box<dyn std::error::Error>> {
    let client = client.into_std()?;
    let original = shared.originals.tcp(&client)?;
    Ok((TcpStream::from_std(client)?, original))
}

async fn connect_and_copy(mut client: TcpStream, target: SocketAddr, shared: &Shared) -> io::Result<()> {
    // The daemon's threads are in the host's namespace, where the sandbox is reached.
    let dialled = tokio::time::timeout(shared.limits.dial, TcpStream::connect(target)).await;
    let mut sandbox = dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    for side in [&client, &sandbox] {
        side.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        SockRef::from(side).set_tcp_keepalive(&keepalive)?;
    }
    let copied = copy_both(&mut client, &mut sandbox, shared).await;
    if copied.is_err() {
        // What was cut short must not look complete: both sides get a reset.
        for side in [&client, &sandbox] {
            let _ = SockRef::from(side).set_linger(Some(Duration::ZERO));
        }
    }
    copied
}

async fn copy_both(client: &mut TcpStream, sandbox: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let (from_client, to_client) = client.split();
    let (from_sandbox, to_sandbox) = sandbox.split();
    tokio::try_join!(
        copy(from_client, to_sandbox, &shared.tally.bytes_in),
        copy(from_sandbox, to_client, &shared.tally.bytes_out),
    )?;
    Ok(())
}

/// Carries bytes until the sender ends, then tells the receiver so.
async fn copy(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, total: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        to.write_all(bytes).await?;
        add(total, length as u64);
    }
    match to.shutdown().await {
        // Gone altogether: the other direction finds out whether by an error.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        other => other,
    }
}
