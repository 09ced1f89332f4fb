//! The wire itself: frames sent past the kernel's checks, and everything that arrives at a place.

use crate::frame::Frame;
use crate::place::Place;
use crate::wait::until_true;
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvfrom, sendto, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Sends a frame out of a link.
pub fn send(place: &Place, link: &str, frame: &Frame) {
    place.run(|| {
        let wire = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).unwrap();
        let out = getifaddrs().unwrap().filter(|address| address.interface_name == link);
        let out = out.filter_map(|address| address.address?.as_link_addr().copied()).next();
        let out = out.unwrap_or_else(|| panic!("no link {link} in {}", place.name()));
        let sent = sendto(wire.as_raw_fd(), &frame.0, &out, MsgFlags::empty()).unwrap();
        assert_eq!(sent, frame.0.len());
    });
}

/// Listens to everything that arrives at a place, on all its links, before any rule is asked.
pub struct Sniffer {
    stop: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Sniffer {
    /// Begins; what arrives from now on is heard.
    pub fn start(place: &Place) -> Self {
        let open = || socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll);
        let wire = place.run(open).unwrap();
        setsockopt(&wire, sockopt::ReceiveTimeout, &TimeVal::milliseconds(100)).unwrap();
        let (stop, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (until, into) = (stop.clone(), heard.clone());
        let thread = std::thread::spawn(move || listen(&wire, &until, &into));
        Self { stop, heard, thread: Some(thread) }
    }

    /// Whether a frame with these bytes in it has arrived.
    pub fn heard(&self, bytes: &[u8]) -> bool {
        let heard = self.heard.lock().unwrap();
        heard.iter().any(|frame| frame.windows(bytes.len()).any(|window| window == bytes))
    }

    /// Waits until a frame with these bytes arrives.
    #[track_caller]
    pub fn wait_for(&self, bytes: &[u8]) {
        let what = format!("a frame with {:?}", String::from_utf8_lossy(bytes));
        until_true(&what, Duration::from_secs(10), || self.heard(bytes));
    }
}

impl Drop for Sniffer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(wire: &OwnedFd, stop: &AtomicBool, heard: &Mutex<Vec<Vec<u8>>>) {
    /// `PACKET_OUTGOING`: a copy of what this place itself sends.
    const OUTGOING: u8 = 4;
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::SeqCst) {
        match recvfrom::<LinkAddr>(wire.as_raw_fd(), &mut buffer) {
            Ok((_, Some(from))) if from.pkttype() == OUTGOING => {}
            Ok((length, _)) => heard.lock().unwrap().push(buffer[..length].to_vec()),
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENETDOWN) => {}
            Err(errno) => panic!("listen: {errno}"),
        }
    }
}
