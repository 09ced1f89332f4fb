//! A name server of the outside world that remembers what it was asked.

use crate::place::Place;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

const NOERROR: u8 = 0;
const NXDOMAIN: u8 = 3;
const REFUSED: u8 = 5;
const A: u16 = 1;
const AAAA: u16 = 28;

/// What a name server knows.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// Addresses by name, without the last dot. Other names do not exist.
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// Refuses every question.
    pub refuses: bool,
}

impl Zone {
    /// Names with an address each.
    pub fn of(names: &[(&str, &str)]) -> Self {
        let mut zone = Self::default();
        for (name, address) in names {
            zone.names.entry((*name).to_owned()).or_default().push(address.parse().unwrap());
        }
        zone
    }
}

/// A running name server, over UDP and TCP. It ends with the test.
#[derive(Clone)]
pub struct Nameserver {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Nameserver {
    /// Serves at port 53 of `address` in `place`.
    pub fn start(place: &Place, address: IpAddr, zone: Zone) -> Self {
        Self::start_at(place, SocketAddr::new(address, 53), zone)
    }

    /// Serves at `at` in `place`.
    pub fn start_at(place: &Place, at: SocketAddr, zone: Zone) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (udp, tcp) = place.run(|| (UdpSocket::bind(at).unwrap(), TcpListener::bind(at).unwrap()));
        let (zone, log) = (zone, asked.clone());
        let over_tcp = (zone.clone(), asked.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, client)) = udp.recv_from(&mut buffer) {
                if let Some(reply) = reply(&buffer[..length], &zone, &log) {
                    let _ = udp.send_to(&reply, client);
                }
            }
        });
        std::thread::spawn(move || {
            for stream in tcp.incoming().map_while(Result::ok) {
                let (zone, log) = over_tcp.clone();
                std::thread::spawn(move || converse(stream, &zone, &log));
            }
        });
        Self { asked }
    }

    /// What it was asked so far: `NAME TYPE-NUMBER`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn converse(mut stream: TcpStream, zone: &Zone, log: &Mutex<Vec<String>>) -> Option<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut query).ok()?;
        let reply = reply(&query, zone, log)?;
        stream.write_all(&u16::try_from(reply.len()).ok()?.to_be_bytes()).ok()?;
        stream.write_all(&reply).ok()?;
    }
}

/// The answer to a query with one question; whatever else is in it is left aside.
fn reply(query: &[u8], zone: &Zone, log: &Mutex<Vec<String>>) -> Option<Vec<u8>> {
    let (name, end) = name_at(query, 12)?;
    let kind = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
    log.lock().unwrap().push(format!("{name} {kind}"));
    let known = zone.names.get(&name.to_ascii_lowercase());
    let code = match known {
        _ if zone.refuses => REFUSED,
        Some(_) => NOERROR,
        None => NXDOMAIN,
    };
    let wanted = |ip: &&IpAddr| (kind == A && ip.is_ipv4()) || (kind == AAAA && ip.is_ipv6());
    let answers: Vec<&IpAddr> = known.into_iter().flatten().filter(wanted).filter(|_| code == NOERROR).collect();
    let mut reply = query[..2].to_vec();
    reply.extend([0x81, 0x80 | code, 0, 1]);
    reply.extend(u16::try_from(answers.len()).ok()?.to_be_bytes());
    reply.extend([0; 4]);
    reply.extend(query.get(12..end + 4)?);
    for answer in answers {
        let data = match answer {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        // The question's name, the type, class IN, a minute to live.
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        reply.extend(data);
    }
    Some(reply)
}

/// The name that begins at `at`, and where what follows it begins.
fn name_at(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).into_owned());
        at += length;
    }
}
