//! Datagrams by the batch: many received by one call, and answers to one client sent by one call.
//!
//! Owns: the buffers, one set for each thread however many sandboxes there are. An answering thread spends most of its
//! time in the kernel; segmentation offload (`UDP_SEGMENT`, Linux 4.18) lets a whole row of equally long answers to
//! one client cross the loopback and its rules once.

use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmsg, sendto};
use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd;

/// Datagrams of one batch; the kernel takes no more segments at once.
pub(crate) const SIZE: usize = 64;
/// The longest query over UDP; what is longer is cut off, and refused as malformed.
const LONGEST: usize = 2048;
/// Bytes of one segmented send; the kernel refuses more than a datagram can have.
const LONGEST_SEND: usize = 60_000;
/// Room for answers that is kept between batches.
const KEPT_ROOM: usize = 256 << 10;

/// Buffers for receiving and answering.
pub(crate) struct Batch {
    inputs: Box<[[u8; LONGEST]; SIZE]>,
    headers: MultiHeaders<SockaddrIn>,
    received: Vec<(usize, SockaddrIn)>,
    /// Answers, one after the other.
    pub(crate) out: Vec<u8>,
    answers: Vec<Outgoing>,
}

struct Outgoing {
    to: SockaddrIn,
    bytes: Range<usize>,
}

impl Outgoing {
    /// Answers to one client next to each other, longest first: only the last of a row of segments may be shorter.
    fn order(&self) -> (Ipv4Addr, u16, std::cmp::Reverse<usize>) {
        (self.to.ip(), self.to.port(), std::cmp::Reverse(self.bytes.len()))
    }
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            inputs: Box::new([[0; LONGEST]; SIZE]),
            headers: MultiHeaders::preallocate(SIZE, None),
            received: Vec::with_capacity(SIZE),
            out: Vec::new(),
            answers: Vec::with_capacity(SIZE),
        }
    }

    /// Receives what is there, at most [`SIZE`] datagrams, and tells how many.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> usize {
        self.received.clear();
        let mut slices = self.inputs.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        if let Ok(messages) = recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None) {
            let received = messages.filter_map(|message| Some((message.bytes, message.address?)));
            self.received.extend(received);
        }
        self.received.len()
    }

    /// A datagram of the batch, where it came from, and the room for its answer.
    pub(crate) fn datagram(&mut self, index: usize) -> Option<(&[u8], SockaddrIn, &mut Vec<u8>)> {
        let (length, from) = *self.received.get(index)?;
        Some((self.inputs.get(index)?.get(..length)?, from, &mut self.out))
    }

    /// What was appended to the room since `start` is an answer.
    pub(crate) fn answer(&mut self, to: SockaddrIn, start: usize) {
        self.answers.push(Outgoing { to, bytes: start..self.out.len() });
    }

    /// Sends the answers and forgets them. What cannot be sent is lost, as datagrams are.
    pub(crate) fn send(&mut self, socket: &UdpSocket) {
        self.answers.sort_unstable_by_key(Outgoing::order);
        let mut rest = &self.answers[..];
        while let Some(first) = rest.first() {
            let (row, others) = rest.split_at(row_len(rest));
            if row.len() == 1 || !self.send_row(socket, first, row) {
                self.send_singly(socket, row);
            }
            rest = others;
        }
        self.answers.clear();
        self.out.clear();
        self.out.shrink_to(KEPT_ROOM);
    }

    fn send_row(&self, socket: &UdpSocket, first: &Outgoing, row: &[Outgoing]) -> bool {
        let Ok(length) = u16::try_from(first.bytes.len()) else { return false };
        let mut slices = [IoSlice::new(&[]); SIZE];
        for (slice, answer) in slices.iter_mut().zip(row) {
            *slice = IoSlice::new(&self.out[answer.bytes.clone()]);
        }
        let slices = &slices[..row.len()];
        let segments = [ControlMessage::UdpGsoSegments(&length)];
        sendmsg(socket.as_raw_fd(), slices, &segments, MsgFlags::MSG_DONTWAIT, Some(&first.to)).is_ok()
    }

    fn send_singly(&self, socket: &UdpSocket, row: &[Outgoing]) {
        for answer in row {
            let bytes = &self.out[answer.bytes.clone()];
            if let Err(error) = sendto(socket.as_raw_fd(), bytes, &answer.to, MsgFlags::MSG_DONTWAIT) {
                tracing::trace!(%error, "an answer could not be sent");
            }
        }
    }
}

/// How many of the first answers can be sent as one row: one client, one length, the last perhaps shorter.
fn row_len(answers: &[Outgoing]) -> usize {
    let Some(first) = answers.first() else { return 0 };
    let length = first.bytes.len();
    let most = SIZE.min(LONGEST_SEND / length.max(1)).max(1);
    let same = |answer: &&Outgoing| answer.to == first.to;
    let equal = answers.iter().take(most).take_while(same).take_while(|answer| answer.bytes.len() == length).count();
    let shorter = answers.get(equal).filter(same).is_some_and(|answer| !answer.bytes.is_empty());
    equal + usize::from(shorter && equal < most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::net::SocketAddrV4;
    use std::time::Duration;

    fn client() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    }

    fn address(socket: &UdpSocket) -> SockaddrIn {
        let std::net::SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!("IPv4") };
        SocketAddrV4::into(address)
    }

    #[test]
    fn every_answer_arrives_whole_at_its_own_client_whatever_the_lengths() {
        let (server, clients) = (client(), [client(), client()]);
        let mut batch = Batch::new();
        let lengths = [40, 41, 40, 40, 12, 40, 600, 40, 33, 40, 41, 1300, 40, 1, 40];
        let mut expected: Vec<BTreeMap<Vec<u8>, usize>> = vec![BTreeMap::new(); 2];
        for (index, length) in lengths.iter().cycle().take(SIZE).enumerate() {
            let bytes = vec![index as u8; *length];
            let start = batch.out.len();
            batch.out.extend_from_slice(&bytes);
            batch.answer(address(&clients[index % 2]), start);
            *expected[index % 2].entry(bytes).or_default() += 1;
        }
        batch.send(&server);
        for (client, expected) in clients.iter().zip(expected) {
            let mut received = BTreeMap::new();
            let mut buffer = [0; 2048];
            for _ in 0..expected.values().sum() {
                let length = client.recv(&mut buffer).unwrap();
                *received.entry(buffer[..length].to_vec()).or_insert(0) += 1;
            }
            assert_eq!(received, expected);
        }
        assert!(batch.out.is_empty() && batch.answers.is_empty());
    }

    #[test]
    fn datagrams_are_received_with_their_senders() {
        let (server, clients) = (client(), [client(), client()]);
        let mut batch = Batch::new();
        for round in 0..3u8 {
            for client in &clients {
                client.send_to(&[round; 20], server.local_addr().unwrap()).unwrap();
            }
            let mut from = Vec::new();
            while from.len() < 2 {
                for index in 0..batch.receive(&server) {
                    let (bytes, sender, _) = batch.datagram(index).unwrap();
                    assert_eq!(bytes, [round; 20]);
                    from.push(sender);
                }
            }
            assert_eq!(from, clients.each_ref().map(address));
            assert!(batch.datagram(from.len()).is_none());
        }
    }
}
