//! Name servers outside, on loopback addresses of their own.

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{RData, Record};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// One query that a server received.
#[derive(Clone, Debug)]
pub struct Seen {
    pub message: Message,
    pub from: SocketAddr,
    pub over_tcp: bool,
}

/// What a server does with a query: any number of datagrams (over TCP: messages).
type Behaviour = dyn Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync;

pub struct Server {
    pub address: IpAddr,
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A loopback address that no other test of this run uses.
pub fn own_address() -> IpAddr {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, process, ..] = std::process::id().swap_bytes().to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 64 + process % 128, (number >> 8) as u8, number as u8))
}

impl Server {
    /// A server at an address of its own. All servers of one resolver have one port.
    pub fn start(port: u16, behaviour: impl Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::at(own_address(), port, behaviour)
    }

    pub fn at(address: IpAddr, port: u16, behaviour: impl Fn(&Seen) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = sockets(address, port);
        let port = udp.local_addr().unwrap().port();
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let threads = vec![
            {
                let (seen, stop, behaviour) = (seen.clone(), stop.clone(), behaviour.clone());
                std::thread::spawn(move || serve_udp(&udp, &seen, &stop, &behaviour))
            },
            {
                let (seen, stop) = (seen.clone(), stop.clone());
                std::thread::spawn(move || serve_tcp(&tcp, &seen, &stop, &behaviour))
            },
        ];
        Self { address, port, seen, stop, threads }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

fn sockets(address: IpAddr, port: u16) -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind((address, port)).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
    panic!("no port for both transports");
}

fn serve_udp(socket: &UdpSocket, seen: &Mutex<Vec<Seen>>, stop: &AtomicBool, behaviour: &Arc<Behaviour>) {
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut buffer = [0; 65535];
    while !stop.load(Ordering::Acquire) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let query = Seen { message: Message::from_vec(&buffer[..length]).unwrap(), from, over_tcp: false };
        seen.lock().unwrap().push(query.clone());
        for reply in behaviour(&query) {
            socket.send_to(&reply, from).unwrap();
        }
    }
}

fn serve_tcp(listener: &TcpListener, seen: &Mutex<Vec<Seen>>, stop: &AtomicBool, behaviour: &Arc<Behaviour>) {
    listener.set_nonblocking(true).unwrap();
    while !stop.load(Ordering::Acquire) {
        let Ok((mut stream, from)) = listener.accept() else {
            std::thread::park_timeout(Duration::from_millis(5));
            continue;
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut length = [0; 2];
        if stream.read_exact(&mut length).is_err() {
            continue;
        }
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes).unwrap();
        let query = Seen { message: Message::from_vec(&bytes).unwrap(), from, over_tcp: true };
        seen.lock().unwrap().push(query.clone());
        for reply in behaviour(&query) {
            let framed = [&u16::try_from(reply.len()).unwrap().to_be_bytes(), &reply[..]].concat();
            stream.write_all(&framed).unwrap();
        }
    }
}

/// An answer to a query, still empty.
pub fn reply_to(query: &Message) -> Message {
    let mut reply = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    reply.add_queries(query.queries.clone());
    reply.metadata.recursion_desired = query.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    if let Some(edns) = &query.edns {
        reply.set_edns(edns.clone());
    }
    reply
}

/// An answer with addresses.
pub fn addresses(query: &Message, ttl: u32, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut reply = reply_to(query);
    let name = query.queries[0].name().clone();
    for address in addresses {
        reply.add_answer(Record::from_rdata(name.clone(), ttl, RData::A(A(*address))));
    }
    reply.to_vec().unwrap()
}

/// A status without records.
pub fn status(query: &Message, code: ResponseCode) -> Vec<u8> {
    let mut reply = reply_to(query);
    reply.metadata.response_code = code;
    reply.to_vec().unwrap()
}

/// NXDOMAIN that may be kept so long.
pub fn no_such_name(query: &Message, ttl: u32) -> Vec<u8> {
    let mut reply = reply_to(query);
    reply.metadata.response_code = ResponseCode::NXDomain;
    let (zone, mail) = (super::client::name_of("example"), super::client::name_of("mail.example"));
    let soa = SOA::new(zone.clone(), mail, 1, 1, 1, 1, ttl);
    reply.add_authority(Record::from_rdata(zone, 86400, RData::SOA(soa)));
    reply.to_vec().unwrap()
}

/// The address that the usual server gives to everything.
pub const USUAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);

/// A server that gives [`USUAL`] to everything.
pub fn usual(port: u16) -> Server {
    Server::start(port, |seen| vec![addresses(&seen.message, 300, &[USUAL])])
}

/// A server that never answers.
pub fn silent(port: u16) -> Server {
    Server::start(port, |_| Vec::new())
}
