//! A stream pump: how many bytes per second a TCP connection carries from one namespace to another.

use crate::error::{Error, Result};
use crate::world::{finish, inside};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CHUNK: usize = 128 * 1024;

/// A server that swallows one connection after the other.
pub struct Drain {
    listener: TcpListener,
}

impl Drain {
    /// Listens on every address of the namespace at `netns`.
    pub fn open(netns: &Path, port: u16) -> Result<Self> {
        let open = move || {
            let any = SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port));
            TcpListener::bind(any).map_err(Error::system("listen for the stream"))
        };
        Ok(Self { listener: finish(inside(netns, open)?)? })
    }

    /// Gigabits per second from `from` to `to`, which must lead here.
    pub fn measure(&self, from: &Path, to: SocketAddr, time: Duration) -> Result<f64> {
        let sender = send(from.to_owned(), to, time)?;
        let (mut stream, _) = match self.accept(&sender) {
            Some(accepted) => accepted.map_err(Error::system("accept the stream"))?,
            None => {
                finish(sender)?;
                return Err(Error::Unfit(format!("a connection to {to} did not arrive in its sandbox")));
            }
        };
        let begin = Instant::now();
        let (mut buffer, mut bytes) = (vec![0; CHUNK * 2], 0usize);
        loop {
            match stream.read(&mut buffer).map_err(Error::system("read the stream"))? {
                0 => break,
                count => bytes += count,
            }
        }
        let took = begin.elapsed();
        finish(sender)?;
        Ok(bytes as f64 * 8.0 / took.as_secs_f64() / 1e9)
    }

    /// The next connection, unless the sender gives up before.
    fn accept(&self, sender: &JoinHandle<Result<()>>) -> Option<std::io::Result<(TcpStream, SocketAddr)>> {
        // Blocking would wait for ever for a sender that cannot connect.
        if let Err(error) = self.listener.set_nonblocking(true) {
            return Some(Err(error));
        }
        loop {
            match self.listener.accept() {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && !sender.is_finished() => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return None,
                Ok((stream, from)) => return Some(stream.set_nonblocking(false).map(|()| (stream, from))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn send(from: PathBuf, to: SocketAddr, time: Duration) -> Result<JoinHandle<Result<()>>> {
    inside(&from, move || {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))
            .map_err(Error::system(format!("connect to {to}")))?;
        let (chunk, begin) = (vec![0x5a; CHUNK], Instant::now());
        while begin.elapsed() < time {
            stream.write_all(&chunk).map_err(Error::system("write the stream"))?;
        }
        Ok(())
    })
}
