//! UDP: every client has a flow, and every flow a socket of its own to the sandbox.
//!
//! Owns the one socket that clients reach, and the book of flows. A flow begins by asking the kernel where it wanted
//! to go, off this task; its first datagrams wait for the answer. Datagrams that cannot be sent on at once are lost, as
//! datagrams may be.

mod flow;

use crate::counters::add;
use crate::datagram::{self, LARGEST, Path};
use crate::forwarder::Shared;
use flow::{Ended, Flow};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// Datagrams taken in one go before anything else gets its turn.
const BATCH: usize = 64;
/// Flows whose destination is being looked up at once; datagrams of more are lost.
const LOOKUPS: usize = 256;
/// Datagrams, and bytes, of a flow that wait for its lookup.
const WAITING: (usize, usize) = (16, 64 * 1024);
/// A flow to nowhere is not looked up again before this time.
const PENALTY: Duration = Duration::from_secs(1);

/// The socket that clients reach, with everything that hangs on it.
pub(crate) struct Front {
    socket: Arc<UdpSocket>,
    port: u16,
    shared: Shared,
    flows: HashMap<Path, State>,
    lookups: usize,
    tasks: JoinSet<Step>,
    buffer: Vec<u8>,
}

/// How far a flow is.
enum State {
    /// Being looked up; these wait.
    Waiting(Vec<Vec<u8>>),
    /// Carried.
    Carried(Arc<Flow>),
    /// Not ours to carry.
    Ignored,
}

/// What a task of a flow has come to.
enum Step {
    /// Looked up: carry it, or ignore it for a while.
    Found(Path, Option<Flow>),
    /// Over, or to be looked up again when more comes.
    Over(Path),
}

impl Front {
    pub fn new(socket: std::net::UdpSocket, port: u16, shared: Shared) -> io::Result<Self> {
        datagram::prepare(&socket)?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let (flows, tasks, buffer) = (HashMap::new(), JoinSet::new(), vec![0; LARGEST]);
        Ok(Self { socket, port, shared, flows, lookups: 0, tasks, buffer })
    }

    /// Carries datagrams until `stop`. All flows end with it.
    pub async fn serve(mut self, mut stop: watch::Receiver<bool>) {
        let socket = self.socket.clone();
        // The runtime must have seen once that it is writable; until then it says that it is not.
        let _ = socket.writable().await;
        loop {
            tokio::select! {
                _ = socket.readable() => self.take_batch(),
                Some(step) = self.tasks.join_next() => self.advance(step),
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
    }

    fn take_batch(&mut self) {
        for _ in 0..BATCH {
            match datagram::receive(&self.socket, &mut self.buffer) {
                Ok((length, Some(path))) => self.take(path, length),
                Ok((_, None)) => self.shared.tally.refuse(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error about an answer: the client it is about will fall silent by itself.
                Err(error) => tracing::trace!(%error, "receive a redirected datagram"),
            }
        }
    }

    fn take(&mut self, path: Path, length: usize) {
        let bytes = self.buffer.get(..length).unwrap_or_default();
        match self.flows.get_mut(&path) {
            Some(State::Carried(flow)) => flow.send(bytes, &self.shared),
            Some(State::Waiting(waiting)) => {
                let total: usize = waiting.iter().map(Vec::len).sum();
                if waiting.len() < WAITING.0 && total + length <= WAITING.1 {
                    waiting.push(bytes.to_vec());
                }
            }
            Some(State::Ignored) => {}
            None => {
                let bytes = bytes.to_vec();
                self.begin(path, bytes);
            }
        }
    }

    fn begin(&mut self, path: Path, first: Vec<u8>) {
        if self.flows.len() >= self.shared.limits.udp || self.lookups >= LOOKUPS {
            return self.shared.tally.refuse();
        }
        self.flows.insert(path, State::Waiting(vec![first]));
        self.lookups += 1;
        let find = flow::find(path, self.port, self.shared.clone());
        self.tasks.spawn(async move { Step::Found(path, find.await) });
    }

    fn advance(&mut self, step: Result<Step, JoinError>) {
        match step {
            Ok(Step::Found(path, found)) => {
                self.lookups -= 1;
                match found {
                    Some(flow) => self.carry(path, flow),
                    None => self.ignore(path),
                }
            }
            Ok(Step::Over(path)) => drop(self.flows.remove(&path)),
            Err(error) => tracing::error!(%error, "a forwarded flow ended by a mistake of ours"),
        }
    }

    fn carry(&mut self, path: Path, flow: Flow) {
        let flow = Arc::new(flow);
        if let Some(State::Waiting(waiting)) = self.flows.insert(path, State::Carried(flow.clone())) {
            waiting.iter().for_each(|bytes| flow.send(bytes, &self.shared));
        }
        let (front, shared) = (self.socket.clone(), self.shared.clone());
        self.tasks.spawn(async move {
            let Ended = flow.answer(&front, &shared).await;
            Step::Over(path)
        });
    }

    fn ignore(&mut self, path: Path) {
        self.shared.tally.refuse();
        self.flows.insert(path, State::Ignored);
        self.tasks.spawn(async move {
            tokio::time::sleep(PENALTY).await;
            Step::Over(path)
        });
    }
}

impl Flow {
    /// Sends a client's datagram on.
    fn send(&self, bytes: &[u8], shared: &Shared) {
        self.touch();
        match self.backend().try_send(bytes) {
            Ok(length) => add(&shared.tally.bytes_in, length as u64),
            // Refused: an answer to an earlier datagram. The service may come up yet, and this one goes out again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                let _ = self.backend().try_send(bytes);
            }
            Err(error) => tracing::trace!(%error, "send a datagram to a sandbox"),
        }
    }
}
