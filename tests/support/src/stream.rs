//! A TCP connection that is used all the time, to see whether anything of it is ever lost or late.

use crate::place::Place;
use nix::sys::socket::{setsockopt, sockopt};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running connection to a server of [`crate::serve`].
pub struct Stream {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Report>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Numbers that went and came back in order.
    pub round_trips: u32,
    /// The longest time one took.
    pub longest: Duration,
}

/// How long one number may take before the connection counts as broken.
const PATIENCE: Duration = Duration::from_secs(10);

impl Stream {
    /// Connects, and sends number after number, each when the last has come back.
    pub fn start(place: &Place, address: SocketAddr) -> Self {
        let stream = place.run(|| TcpStream::connect_timeout(&address, PATIENCE).unwrap());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        // A connection that nobody knows any more must not wait for its own time-outs.
        let patience = u32::try_from(PATIENCE.as_millis()).unwrap();
        setsockopt(&stream, sockopt::TcpUserTimeout, &patience).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let until = stop.clone();
        Self { stop, thread: std::thread::spawn(move || talk(&stream, &until)) }
    }

    /// Ends it. Fails when anything was lost.
    pub fn finish(self) -> Report {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("the stream lost nothing")
    }
}

fn talk(stream: &TcpStream, stop: &AtomicBool) -> Report {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("the server says hello");
    let mut report = Report { round_trips: 0, longest: Duration::ZERO };
    while !stop.load(Ordering::SeqCst) {
        let begun = Instant::now();
        writeln!(writer, "{}", report.round_trips).expect("the connection takes a number");
        line.clear();
        reader.read_line(&mut line).expect("the number comes back");
        assert_eq!(line.trim_end(), report.round_trips.to_string());
        report.round_trips += 1;
        report.longest = report.longest.max(begun.elapsed());
        std::thread::sleep(Duration::from_millis(2));
    }
    report
}
