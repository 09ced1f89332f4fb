//! Ethernet frames written by hand: what an attacker sends, or a neighbour with a broken stack.
//!
//! Pure. Checksums are right, everything else is the caller's lie.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

/// Who an Ethernet frame comes from and goes to.
#[derive(Clone, Copy, Debug)]
pub struct Ethernet {
    /// Sender.
    pub from: [u8; 6],
    /// Receiver.
    pub to: [u8; 6],
}

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(pub Vec<u8>);

impl Frame {
    /// A UDP datagram.
    pub fn udp(ethernet: Ethernet, from: SocketAddr, to: SocketAddr, data: &[u8]) -> Self {
        let mut segment = ports(from, to);
        segment.extend(u16::try_from(8 + data.len()).unwrap().to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(data);
        finish(ethernet, from.ip(), to.ip(), UDP, segment, 6)
    }

    /// The packet that opens a TCP connection, with data in it to know it by.
    pub fn syn(ethernet: Ethernet, from: SocketAddr, to: SocketAddr, data: &[u8]) -> Self {
        const SYN: u8 = 2;
        let mut segment = ports(from, to);
        // Sequence number, acknowledgement, five words of header, window, checksum, urgent pointer.
        segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 5 << 4, SYN, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(data);
        finish(ethernet, from.ip(), to.ip(), TCP, segment, 16)
    }

    /// A router advertisement to all nodes: default router for half an hour, and `prefix`/64 to take addresses from.
    pub fn router_advertisement(from: [u8; 6], source: Ipv6Addr, prefix: Ipv6Addr) -> Self {
        let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        let ethernet = Ethernet { from, to: [0x33, 0x33, 0, 0, 0, 1] };
        // Type, code, checksum, hop limit, flags, lifetime, reachable and retransmission time.
        let mut message = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
        // Prefix information: on-link and autonomous, valid and preferred for an hour.
        message.extend([3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0, 0]);
        message.extend(prefix.octets());
        message.extend([1, 1]);
        message.extend(from);
        finish(ethernet, source.into(), all_nodes.into(), ICMP6, message, 2)
    }
}

fn ports(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    [from.port().to_be_bytes(), to.port().to_be_bytes()].concat()
}

/// Puts headers before `segment`, whose checksum stands at `checksum_at`.
fn finish(
    ethernet: Ethernet,
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    mut segment: Vec<u8>,
    checksum_at: usize,
) -> Frame {
    let sum = checksum(&[&pseudo_header(from, to, protocol, segment.len()), &segment]);
    segment[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    let mut frame = [ethernet.to, ethernet.from].concat();
    frame.extend(if from.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
    frame.extend(ip_header(from, to, protocol, segment.len()));
    frame.extend(segment);
    Frame(frame)
}

fn ip_header(from: IpAddr, to: IpAddr, protocol: u8, length: usize) -> Vec<u8> {
    const HOPS: u8 = 64;
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = vec![0x45, 0];
            header.extend(u16::try_from(20 + length).unwrap().to_be_bytes());
            header.extend([0, 1, 0, 0, HOPS, protocol, 0, 0]);
            header.extend([from.octets(), to.octets()].concat());
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(u16::try_from(length).unwrap().to_be_bytes());
            // Neighbour discovery is only believed with a hop limit that no router has touched.
            header.extend([protocol, if protocol == ICMP6 { 255 } else { HOPS }]);
            header.extend([from.octets(), to.octets()].concat());
            header
        }
        _ => panic!("{from} and {to} are of different families"),
    }
}

fn pseudo_header(from: IpAddr, to: IpAddr, protocol: u8, length: usize) -> Vec<u8> {
    let octets = |ip| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    // The families' forms differ, their sums do not.
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [octets(from), octets(to), vec![0, protocol], length.to_vec()].concat()
}

/// The Internet checksum (RFC 1071); each part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_header_gets_its_known_checksum() {
        // The example that everybody uses, of RFC 1071's sum over an IPv4 header.
        let header = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7];
        assert_eq!(checksum(&[&header]), 0xb861);
    }

    #[test]
    fn a_finished_segment_sums_to_nothing() {
        let ethernet = Ethernet { from: [2; 6], to: [4; 6] };
        for (from, to, header) in [("10.0.0.1:1", "10.0.0.2:2", 20), ("[fd00::1]:1", "[fd00::2]:2", 40)] {
            let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
            for (protocol, Frame(frame)) in
                [(UDP, Frame::udp(ethernet, from, to, b"odd")), (TCP, Frame::syn(ethernet, from, to, b"odd"))]
            {
                let segment = &frame[14 + header..];
                let pseudo = pseudo_header(from.ip(), to.ip(), protocol, segment.len());
                assert_eq!(checksum(&[&pseudo, segment]), 0);
            }
        }
    }
}
