//! What a kernel (or a message that only looks like one of the kernel's) may answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pontoon_kernel::nft::TableFamily;
use pontoon_linux::{conntrack, link, netlink, nft};

fuzz_target!(|datagram: &[u8]| {
    for frame in netlink::frames(datagram) {
        let _ = netlink::attributes(frame.payload).count();
        let _ = link::read_link(frame.payload);
        let _ = link::read_address(frame.payload);
        let _ = link::read_routes(frame.payload);
        let _ = link::is_settled(frame.payload);
        let _ = conntrack::read_flow(frame.payload);
        let _ = netlink::refusal(frame.payload, 0);
    }
    let _ = nft::from_messages(TableFamily::Inet, "pontoon", datagram);
});
