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

fuzz_target!(|message: &[u8]| {
    if let Some(question) = question() {
        let _ = accepts(message, 0x1234, &question);
    }
});
