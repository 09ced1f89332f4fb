//! Unsolicited ARP and Neighbour Advertisements: "this address is here now".
//!
//! Owns the two frames (RFC 5227 ARP announcement, RFC 4861 7.2.6) and sending one. Needed because addresses are used
//! again at once with another Ethernet address.

use crate::closer::Closer;
use crate::errno::{failed, refused};
use crate::host::index_of;
use crate::link;
use crate::netlink::Socket;
use pontoon_kernel::{Error, Kind, Result};
use pontoon_types::{LinkName, MacAddr};
use socket2::{Domain, SockAddr, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// Sends one announcement of `address` on the link `name` of the calling thread's namespace.
///
/// Closing a packet socket waits for RCU, about 16 ms: `closer` does that.
pub(crate) fn announce(socket: &mut Socket, name: &LinkName, address: IpAddr, closer: &Closer) -> Result<()> {
    let act = || format!("announce {address} on {name}");
    let index = index_of(name).map_err(|errno| refused(act(), errno as i32))?;
    let links = socket
        .ask(&link::get(name), |frame| link::read_link(frame.payload))
        .map_err(|refusal| refusal.into_error(act()))?;
    let Some(mac) = links.first().and_then(|link| link.mac) else {
        return Err(Error::new(Kind::NotSupported, act(), "the link has no Ethernet address"));
    };
    let (frame, ethertype) = match address {
        IpAddr::V4(address) => (arp(mac, address), ETHERTYPE_ARP),
        IpAddr::V6(address) => (advertisement(mac, address), ETHERTYPE_IPV6),
    };
    send(index.0, ethertype, &frame, closer).map_err(|error| failed(act(), &error))
}

fn ethernet(destination: [u8; 6], source: MacAddr, ethertype: u16) -> Vec<u8> {
    [&destination[..], &source.0, &ethertype.to_be_bytes()].concat()
}

/// A broadcast ARP request whose sender and target are both `address`.
fn arp(mac: MacAddr, address: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet([0xff; 6], mac, ETHERTYPE_ARP);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(address.octets());
    frame.extend([0; 6]);
    frame.extend(address.octets());
    frame
}

/// A Neighbour Advertisement to all nodes: override flag, target link-layer option.
fn advertisement(mac: MacAddr, address: Ipv6Addr) -> Vec<u8> {
    const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    message.extend([2, 1]);
    message.extend(mac.0);
    let sum = checksum(address, ALL_NODES, &message);
    message.splice(2..4, sum.to_be_bytes());
    let mut frame = ethernet([0x33, 0x33, 0, 0, 0, 1], mac, ETHERTYPE_IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((message.len() as u16).to_be_bytes());
    frame.extend([58, 255]);
    frame.extend(address.octets());
    frame.extend(ALL_NODES.octets());
    frame.extend(message);
    frame
}

/// The ICMPv6 checksum of a message of even length (RFC 4443 2.3).
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let mut pseudo = [source.octets(), destination.octets()].concat();
    pseudo.extend((message.len() as u32).to_be_bytes());
    pseudo.extend([0, 0, 0, 58]);
    pseudo.extend(message);
    let mut sum: u32 = pseudo.chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn send(index: u32, ethertype: u16, frame: &[u8], closer: &Closer) -> io::Result<()> {
    // Protocol 0: the socket receives nothing.
    let socket = socket2::Socket::new(Domain::PACKET, Type::RAW, None)?;
    let sent = link_address(index, ethertype).and_then(|address| socket.send_to(frame, &address));
    closer.close(socket);
    sent.map(|_| ())
}

#[allow(unsafe_code)]
fn link_address(index: u32, ethertype: u16) -> io::Result<SockAddr> {
    let index = i32::try_from(index).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    // SAFETY: the storage given is zeroed and large and aligned enough for every address; a sockaddr_ll is written
    // over its beginning, and exactly that many bytes are declared as filled.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            storage.cast::<libc::sockaddr_ll>().write(libc::sockaddr_ll {
                sll_family: libc::AF_PACKET as u16,
                sll_protocol: ethertype.to_be(),
                sll_ifindex: index,
                sll_hatype: 0,
                sll_pkttype: 0,
                sll_halen: 6,
                sll_addr: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0],
            });
            *length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            Ok(())
        })
    }?;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddr = MacAddr([2, 0x42, 0, 0, 0, 1]);

    #[test]
    fn the_arp_frame_names_itself_twice_and_goes_to_everyone() {
        let frame = arp(MAC, Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(frame.len(), 42);
        assert_eq!(frame[..6], [0xff; 6]);
        assert_eq!(frame[20..22], [0, 1]);
        assert_eq!((&frame[28..32], &frame[38..42]), (&[10, 0, 0, 2][..], &[10, 0, 0, 2][..]));
    }

    #[test]
    fn the_advertisement_has_a_valid_checksum_and_hop_limit() {
        let source: Ipv6Addr = "fd00::2".parse().unwrap();
        let frame = advertisement(MAC, source);
        assert_eq!((frame.len(), frame[21], frame[54]), (86, 255, 136));
        assert_eq!(checksum(source, "ff02::1".parse().unwrap(), &frame[54..]), 0);
    }
}
