//! Load on a UDP service: so many questions outstanding, for so long. With `dnsperf` where it is installed.
//!
//! Also the bare echo that answers are compared with: the same sockets, no thought.

use crate::error::{Error, Result};
use crate::world::{command, finish, inside};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const OUTSTANDING: usize = 100;

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Answers.
    pub answered: f64,
    /// Answers per second.
    pub per_second: f64,
    /// Questions without answer.
    pub lost: f64,
}

/// Puts load on `server` from the namespace at `netns`, asking for `names` (one `NAME TYPE` each).
pub fn load(netns: &Path, server: SocketAddr, names: &[String], time: Duration, folder: &Path) -> Result<Outcome> {
    if has_dnsperf() {
        return dnsperf(netns, server, names, time, folder);
    }
    let queries: Vec<Vec<u8>> = names.iter().filter_map(|line| query(line)).collect();
    finish(inside(netns, move || ask(server, &queries, time))?)
}

/// Whether dnsperf makes the load.
pub fn has_dnsperf() -> bool {
    command("command -v dnsperf").is_ok()
}

fn dnsperf(netns: &Path, server: SocketAddr, names: &[String], time: Duration, folder: &Path) -> Result<Outcome> {
    let file = folder.join("queries");
    std::fs::write(&file, names.join("\n") + "\n").map_err(Error::system("write the names"))?;
    let (netns, file, seconds) = (netns.display(), file.display(), time.as_secs().max(1));
    let (ip, port) = (server.ip(), server.port());
    let line =
        format!("nsenter --net={netns} dnsperf -s {ip} -p {port} -d {file} -c 1 -T 1 -q {OUTSTANDING} -l {seconds}");
    let text = command(&line)?;
    let number = |label: &str| {
        let rest = text.lines().find_map(|line| line.trim().strip_prefix(label))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    match (number("Queries completed:"), number("Queries per second:"), number("Queries lost:")) {
        (Some(answered), Some(per_second), Some(lost)) => Ok(Outcome { answered, per_second, lost }),
        _ => Err(Error::Unfit(format!("dnsperf's answer is not understood: {text}"))),
    }
}

/// A question for `NAME TYPE`, with id 0.
fn query(line: &str) -> Option<Vec<u8>> {
    let (name, kind) = line.split_once(' ')?;
    let kind: u8 = if kind == "AAAA" { 28 } else { 1 };
    let mut packet = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).ok()?);
        packet.extend(label.as_bytes());
    }
    packet.extend([0, 0, kind, 0, 1]);
    Some(packet)
}

fn ask(server: SocketAddr, queries: &[Vec<u8>], time: Duration) -> Result<Outcome> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(Error::system("open a socket"))?;
    socket.connect(server).map_err(Error::system("connect a socket"))?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).map_err(Error::system("set a timeout"))?;
    let (mut sent, mut answered, mut lost) = (0usize, 0f64, 0f64);
    let mut send = |count: usize| -> Result<()> {
        for _ in 0..count {
            let mut packet = queries[sent % queries.len()].clone();
            packet[..2].copy_from_slice(&(sent as u16).to_be_bytes());
            sent += 1;
            socket.send(&packet).map_err(Error::system("send a question"))?;
        }
        Ok(())
    };
    let begin = Instant::now();
    send(OUTSTANDING)?;
    let mut buffer = [0; 4096];
    while begin.elapsed() < time {
        match socket.recv(&mut buffer) {
            Ok(_) => {
                answered += 1.0;
                send(1)?;
            }
            Err(_) => {
                lost += OUTSTANDING as f64;
                send(OUTSTANDING)?;
            }
        }
    }
    Ok(Outcome { answered, per_second: answered / begin.elapsed().as_secs_f64(), lost })
}

/// A thread that sends back what it gets, until dropped.
pub struct Echo {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
    /// Where it listens.
    pub port: u16,
    /// `/proc` folder of its thread.
    pub task: String,
}

impl Echo {
    /// Listens at `address` in the namespace at `netns`.
    pub fn start(netns: &Path, address: SocketAddr) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, told) = std::sync::mpsc::channel();
        let stopped = stop.clone();
        let thread = inside(netns, move || {
            let socket = UdpSocket::bind(address).map_err(Error::system("open the echo's socket"))?;
            socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(Error::system("set a timeout"))?;
            let port = socket.local_addr().map_err(Error::system("read the echo's port"))?.port();
            // Nobody listening is seen by the caller, who then has no port.
            let _ = tell.send((port, format!("/proc/self/task/{}", nix::unistd::gettid())));
            let mut buffer = [0; 4096];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    // A lost echo is seen by who counts.
                    let _ = socket.send_to(&buffer[..length], from);
                }
            }
            Ok(())
        })?;
        match told.recv_timeout(Duration::from_secs(5)) {
            Ok((port, task)) => Ok(Self { stop, thread: Some(thread), port, task }),
            Err(_) => Err(finish(thread).err().unwrap_or_else(|| Error::Unfit("the echo did not start".into()))),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its errors were seen as missing answers.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_dns_packet() {
        let packet = query("web AAAA").unwrap();
        assert_eq!(&packet[12..], [3, b'w', b'e', b'b', 0, 0, 28, 0, 1]);
        assert_eq!(query("web"), None);
    }

    #[test]
    fn every_question_to_an_echo_is_answered() {
        let echo = Echo::start(Path::new("/proc/self/ns/net"), "127.0.0.1:0".parse().unwrap());
        // Entering a namespace takes root, also one's own.
        let Ok(echo) = echo else { return assert!(!nix::unistd::geteuid().is_root()) };
        let server = SocketAddr::from(([127, 0, 0, 1], echo.port));
        let outcome = ask(server, &[query("web A").unwrap()], Duration::from_millis(50)).unwrap();
        assert!(outcome.answered >= 100.0 && outcome.lost == 0.0, "{outcome:?}");
    }
}
