//! What a hostile process in a sandbox may send to port 53.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pontoon_cnm::SandboxNames;
use pontoon_dns::{Scratch, Terms, Transport, answer};

fuzz_target!(|message: &[u8]| {
    let names = SandboxNames::default();
    for transport in [Transport::Udp, Transport::Tcp] {
        for ndots_set in [false, true] {
            let (mut scratch, mut out) = (Scratch::default(), Vec::new());
            let _ = answer(message, &names, Terms { transport, ndots_set }, &mut scratch, &mut out);
            assert!(out.len() <= 65_535);
        }
    }
});
