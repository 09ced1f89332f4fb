//! What a server outside, or someone who pretends to be it, may answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pontoon_cnm::SandboxNames;
use pontoon_dns::{Action, Question, Scratch, Terms, Transport, accepts, answer};

/// `example.com` A, recursion desired, under id 0x1234.
const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";

fn question() -> Option<Question> {
    let terms = Terms { transport: Transport::Udp, ndots_set: false };
    match answer(QUERY, &SandboxNames::default(), terms, &mut Scratch::default(), &mut Vec::new()) {
        Action::Forward(question) => Some(question),
        _ => None,
    }
}

/// An answer that belongs to the question, so that what it says is read: flags, three counts and the records are made up.
fn belonging(made_up: &[u8]) -> Option<Vec<u8>> {
    let ([high, low, answers, authorities, additional], records) = made_up.split_first_chunk()?;
    let flags = [high & 0x07 | 0x80, *low];
    let counts = [0, 1, 0, answers & 7, 0, authorities & 3, 0, additional & 3];
    Some([&QUERY[..2], &flags, &counts, &QUERY[12..], records].concat())
}

fuzz_target!(|message: &[u8]| {
    if let Some(question) = question() {
        let _ = accepts(message, 0x1234, &question);
        if let Some(message) = belonging(message) {
            let _ = accepts(&message, 0x1234, &question);
        }
    }
});
