//! Sending a batch and hearing what became of it.
//!
//! Owns: the one datagram in which a whole transaction goes, and its answers. Must never send part of a transaction.

use super::batch::Batch;
use crate::netlink::{Refusal, Socket, frames, refusal};
use netlink_packet_core::NLMSG_ERROR;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, getsockopt, recv, send, setsockopt, sockopt};
use pontoon_kernel::nft::Transaction;
use pontoon_kernel::{Error, Result};
use std::os::fd::AsRawFd;

/// Answers come in pieces of a page or two.
const ANSWER: usize = 16 * 1024;
/// The kernel wants some room in the send buffer beside the datagram.
const ROOM: usize = 4096;

/// Commits `transaction`: all of it, or nothing and the first refusal. An empty one does nothing.
///
/// `socket` is a netfilter socket of the namespace, with nothing under way on it.
pub fn commit(socket: &Socket, transaction: &Transaction) -> Result<()> {
    if transaction.is_empty() {
        return Ok(());
    }
    let batch = Batch::encode(transaction)?;
    let whole = |errno: Errno| Refusal::errno(errno as i32).into_error(format!("change table {}", transaction.table));
    make_room(socket, batch.bytes().len()).map_err(whole)?;
    loop {
        match send(socket.as_raw_fd(), batch.bytes(), MsgFlags::empty()) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(whole(errno)),
        }
    }
    outcome(&answers(socket).map_err(whole)?, &batch, transaction)
}

/// A datagram must fit the send buffer. Beyond the system's limit that takes CAP_NET_ADMIN over the namespace.
fn make_room(socket: &Socket, bytes: usize) -> nix::Result<()> {
    let wanted = bytes + ROOM;
    if getsockopt(socket, sockopt::SndBuf)? >= wanted {
        return Ok(());
    }
    setsockopt(socket, sockopt::SndBufForce, &wanted).or_else(|_| setsockopt(socket, sockopt::SndBuf, &wanted))
}

/// Everything the kernel has to say. It works a batch off inside `send`: what is not there by now does not come. An
/// error (too many answers to hold) is told after all else was read, so that nothing is left for the next batch.
fn answers(socket: &Socket) -> nix::Result<Vec<u8>> {
    let (mut answers, mut error) = (Vec::new(), None);
    let mut buffer = vec![0; ANSWER];
    loop {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => answers.extend_from_slice(&buffer[..length]),
            Err(Errno::EAGAIN) => return error.map_or(Ok(answers), Err),
            Err(Errno::EINTR) => {}
            // Told once and then cleared by the kernel; anything else would be told for ever.
            Err(Errno::ENOBUFS) => error = Some(Errno::ENOBUFS),
            Err(errno) => return Err(errno),
        }
    }
}

/// The first refusal in order of the batch, or the acknowledgement of its last message.
fn outcome(answers: &[u8], batch: &Batch, transaction: &Transaction) -> Result<()> {
    let mut acknowledged = false;
    let mut first: Option<(u32, Refusal)> = None;
    for frame in frames(answers).filter(|frame| frame.kind == NLMSG_ERROR && batch.act(frame.sequence).is_some()) {
        match refusal(frame.payload, frame.flags) {
            Ok(()) => acknowledged |= frame.sequence == batch.last(),
            Err(refusal) if first.as_ref().is_none_or(|(sequence, _)| frame.sequence < *sequence) => {
                first = Some((frame.sequence, refusal));
            }
            Err(_) => {}
        }
    }
    match first {
        Some((sequence, refusal)) => Err(overlap(refusal).into_error(batch.act(sequence).unwrap_or_default())),
        None if acknowledged => Ok(()),
        None => Err(Error::new(
            pontoon_kernel::Kind::Other,
            format!("change table {}", transaction.table),
            "the kernel did not answer",
        )),
    }
}

/// Interval sets say ENOTEMPTY for what overlaps but is not the same: it exists already.
fn overlap(mut refusal: Refusal) -> Refusal {
    if refusal.errno == libc::ENOTEMPTY {
        refusal.errno = libc::EEXIST;
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_kernel::Kind;
    use pontoon_kernel::nft::{TableFamily, TableId};
    use proptest::prelude::*;

    fn transaction() -> Transaction {
        Transaction::delete(TableId::new(TableFamily::Inet, "t"))
    }

    fn answer(sequence: u32, code: i32) -> Vec<u8> {
        let mut bytes = 36_u32.to_ne_bytes().to_vec();
        bytes.extend(NLMSG_ERROR.to_ne_bytes());
        bytes.extend(netlink_packet_core::NLM_F_CAPPED.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(code.to_ne_bytes());
        bytes.extend([0; 16]);
        bytes
    }

    #[test]
    fn the_first_refusal_counts_and_silence_is_no_success() {
        let transaction = transaction();
        let batch = Batch::encode(&transaction).unwrap();
        let outcome = |answers: &[Vec<u8>]| outcome(&answers.concat(), &batch, &transaction);
        assert!(outcome(&[answer(batch.last(), 0)]).is_ok());
        assert_eq!(outcome(&[]).unwrap_err().kind, Kind::Other);
        assert_eq!(outcome(&[answer(7, 0)]).unwrap_err().kind, Kind::Other, "somebody else's answer");
        let refused = outcome(&[answer(batch.last(), -libc::ENOENT), answer(Batch::FIRST, -libc::EPERM)]).unwrap_err();
        assert_eq!((refused.kind, refused.act.as_str()), (Kind::Denied, "change table inet t"));
        let refused = outcome(&[answer(batch.last(), -libc::ENOENT)]).unwrap_err();
        assert_eq!((refused.kind, refused.act.as_str()), (Kind::NotFound, "delete table inet t"));
        let refused = outcome(&[answer(batch.last(), -libc::ENOTEMPTY)]).unwrap_err();
        assert_eq!(refused.kind, Kind::Exists, "overlapping ranges");
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let transaction = transaction();
            let _ = outcome(&bytes, &Batch::encode(&transaction).unwrap(), &transaction);
        }
    }
}
