//! A running exchange of numbered packets, to see whether anything gets lost meanwhile.

use crate::error::{Error, Result};
use crate::world::{finish, inside};
use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BETWEEN: Duration = Duration::from_millis(1);
/// What has not come back after this long is lost.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// A stream under way.
pub struct Stream {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(u64, u64)>>,
}

impl Stream {
    /// Begins to send from the namespace at `from` to an echo reached at `to`.
    pub fn begin(from: &Path, to: SocketAddr) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        Ok(Self { stop, thread: inside(from, move || run(to, &stopped))? })
    }

    /// Ends it, and tells how many packets were sent and how many came back.
    pub fn end(self) -> Result<(u64, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        finish(self.thread)
    }
}

fn run(to: SocketAddr, stop: &AtomicBool) -> Result<(u64, u64)> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).map_err(Error::system("open a socket"))?;
    socket.connect(to).map_err(Error::system(format!("connect to {to}")))?;
    socket.set_read_timeout(Some(BETWEEN)).map_err(Error::system("set a timeout"))?;
    let (mut sent, mut back) = (0u64, HashSet::new());
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            // A refusal (nobody listens) is a lost packet like any other.
            let _ = socket.send(&sent.to_be_bytes());
            sent += 1;
            next += BETWEEN;
        }
        take(&socket, &mut back);
    }
    let end = Instant::now();
    while (back.len() as u64) < sent && end.elapsed() < STRAGGLERS {
        take(&socket, &mut back);
    }
    Ok((sent, back.len() as u64))
}

fn take(socket: &UdpSocket, back: &mut HashSet<u64>) {
    let mut buffer = [0; 8];
    if matches!(socket.recv(&mut buffer), Ok(8)) {
        back.insert(u64::from_be_bytes(buffer));
    }
}
