//! A client of the resolver, and messages read by another implementation than ours.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Longer than any answer may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A query for `name`, letter by letter.
pub fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(rand_id(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name_of(name), kind));
    message
}

pub fn with_edns(mut message: Message, size: u16, dnssec_ok: bool) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(size).set_dnssec_ok(dnssec_ok).set_version(0);
    message.set_edns(edns);
    message
}

pub fn name_of(text: &str) -> Name {
    let mut name = Name::from_labels(text.split('.').filter(|label| !label.is_empty()).map(str::as_bytes)).unwrap();
    name.set_fqdn(true);
    name
}

fn rand_id() -> u16 {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).unwrap();
    u16::from_ne_bytes(bytes)
}

/// Asks over UDP; `None` when nothing comes for a while.
pub fn try_udp(port: u16, query: &Message, patience: Duration) -> Option<Message> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(("127.0.0.11", port)).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send(&query.to_vec().unwrap()).unwrap();
    let mut buffer = [0; 65535];
    let length = socket.recv(&mut buffer).ok()?;
    let reply = Message::from_vec(&buffer[..length]).unwrap();
    assert_eq!(reply.metadata.id, query.metadata.id);
    assert_eq!(reply.metadata.message_type, MessageType::Response);
    Some(reply)
}

pub fn udp(port: u16, query: &Message) -> Message {
    try_udp(port, query, PATIENCE).expect("an answer")
}

/// Asks over UDP for a name.
pub fn ask(port: u16, name: &str, kind: RecordType) -> Message {
    udp(port, &query(name, kind))
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.11", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub fn framed(message: &Message) -> Vec<u8> {
    let bytes = message.to_vec().unwrap();
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), &bytes[..]].concat()
}

pub fn read_framed(stream: &mut TcpStream) -> Message {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).unwrap();
    Message::from_vec(&bytes).unwrap()
}

pub fn tcp(port: u16, query: &Message) -> Message {
    let mut stream = connect(port);
    stream.write_all(&framed(query)).unwrap();
    let reply = read_framed(&mut stream);
    assert_eq!(reply.metadata.id, query.metadata.id);
    reply
}

/// The addresses in an answer.
pub fn addresses(message: &Message) -> Vec<IpAddr> {
    let address = |data: &RData| match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    };
    message.answers.iter().filter_map(|record| address(&record.data)).collect()
}

/// The names in an answer.
pub fn pointers(message: &Message) -> Vec<String> {
    let target = |data: &RData| match data {
        RData::PTR(target) => Some(target.0.to_string()),
        _ => None,
    };
    message.answers.iter().filter_map(|record| target(&record.data)).collect()
}
