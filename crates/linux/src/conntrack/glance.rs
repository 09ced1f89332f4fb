//! A look at the tracked connections that costs next to nothing where there are few: the kernel's list as text.
//!
//! Only tells which filters mean any; to delete one takes its id, which is not in the text. Measured with a table of
//! 262,144 buckets and one flow: 0.14 ms without a lock. A listing by netlink takes 3 to 12 ms, locking bucket after bucket
//! with soft interrupts off: for so long no packet is worked off on that processor, and no link of the host changes, as
//! each change waits for all readers (`synchronize_net`). Must never be trusted when it cannot be understood.

use super::{Flow, Tuple, means};
use pontoon_kernel::FlowFilter;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// Up to so many flows the text is cheaper: a line costs the kernel 1 µs.
const FEW: usize = 2000;

/// Those of `filters` that mean any flow of the calling thread's namespace, which tracks `tracked`. `None` when that
/// must be found out otherwise.
pub(crate) fn hits(filters: &[FlowFilter], tracked: Option<usize>) -> Option<Vec<FlowFilter>> {
    tracked.filter(|tracked| *tracked <= FEW)?;
    // Absent where the kernel was built without it.
    let list = File::open("/proc/thread-self/net/nf_conntrack").ok()?;
    let mut hit = vec![false; filters.len()];
    for line in BufReader::new(list).lines() {
        let flow = read_line(&line.ok()?)?;
        hit.iter_mut().zip(filters).for_each(|(hit, filter)| *hit |= means(filter, &flow));
    }
    Some(filters.iter().zip(hit).filter(|(_, hit)| *hit).map(|(filter, _)| filter.clone()).collect())
}

/// `ipv4 2 udp 17 29 src=127.0.0.1 dst=127.0.0.1 sport=20000 dport=53 [UNREPLIED] src=127.0.0.1 …`: two tuples.
fn read_line(line: &str) -> Option<Flow<'static>> {
    let protocol = line.split_ascii_whitespace().nth(3)?.parse().ok()?;
    let tuple = Tuple { protocol: Some(protocol), ..Tuple::default() };
    let mut tuples = Vec::with_capacity(2);
    for (key, value) in line.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
        if key == "src" {
            tuples.push(Tuple { source: Some(value.parse().ok()?), ..tuple });
            continue;
        }
        let Some(tuple) = tuples.last_mut() else { continue };
        match key {
            "dst" => tuple.destination = Some(value.parse().ok()?),
            "sport" => tuple.source_port = Some(value.parse().ok()?),
            "dport" => tuple.destination_port = Some(value.parse().ok()?),
            _ => {}
        }
    }
    match tuples.as_slice() {
        [original, reply] if original.destination.is_some() && reply.destination.is_some() => {
            Some(Flow { original: *original, reply: *reply, ..Flow::default() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn ends(tuple: Tuple) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let end = |address: Option<_>, port: Option<_>| Some(SocketAddr::new(address?, port?));
        (end(tuple.source, tuple.source_port), end(tuple.destination, tuple.destination_port))
    }

    #[test]
    fn a_line_is_a_flow_of_two_tuples() {
        let flow = read_line(
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.2 dst=192.0.2.1 sport=40000 dport=443 packets=3 bytes=9 \
             src=192.0.2.1 dst=198.51.100.1 sport=443 dport=40001 packets=2 bytes=8 [ASSURED] mark=0 zone=0 use=2",
        )
        .unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        assert_eq!(flow.original.protocol, Some(6));
        assert_eq!(ends(flow.original), (at("10.0.0.2:40000"), at("192.0.2.1:443")));
        assert_eq!(ends(flow.reply), (at("192.0.2.1:443"), at("198.51.100.1:40001")));
    }

    #[test]
    fn ipv6_is_written_in_full_and_some_protocols_have_no_ports() {
        let flow = read_line(
            "ipv6     10 icmpv6   58 29 src=fd00:0000:0000:0000:0000:0000:0000:0002 dst=fd00:0000:0000:0000:0000:0000:0000:0003 \
             type=128 code=0 id=7 src=fd00:0000:0000:0000:0000:0000:0000:0003 dst=fd00:0000:0000:0000:0000:0000:0000:0002 \
             type=129 code=0 id=7 mark=0 use=2",
        )
        .unwrap();
        assert_eq!((flow.original.source, flow.original.source_port), (Some("fd00::2".parse().unwrap()), None));
        assert!(means(&FlowFilter::Address("fd00::3".parse().unwrap()), &flow));
    }

    #[test]
    fn what_is_not_understood_is_no_flow() {
        for line in
            ["", "ipv4 2 udp", "ipv4 2 udp 17 29 src=x dst=1.2.3.4 src=1.2.3.4 dst=1.2.3.4", "a b c 6 src=1.2.3.4"]
        {
            assert_eq!(read_line(line), None, "{line}");
        }
    }

    #[test]
    fn with_many_flows_it_is_not_asked() {
        assert_eq!(hits(&[], Some(FEW + 1)), None);
        assert_eq!(hits(&[], None), None);
    }
}
