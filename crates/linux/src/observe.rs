//! What a namespace has, all of it.

use crate::apply::routes;
use crate::link;
use crate::netlink::Socket;
use netlink_packet_route::AddressFamily;
use pontoon_kernel::{Counters, Error, Kind, Link, Observed, Result, Route};
use pontoon_types::LinkName;
use std::time::{Duration, Instant};

/// Links, addresses and routes of the socket's namespace.
pub(crate) fn observe(socket: &mut Socket) -> Result<Observed> {
    let links = socket
        .dump(&link::list(), |frame, found| {
            found.extend(link::read_link(frame.payload).filter(|_| frame.kind == link::RTM_NEWLINK));
        })
        .map_err(|refusal| refusal.into_error("list links"))?;
    let addresses = socket
        .dump(&link::list_addresses(None), |frame, found| {
            found.extend(link::read_address(frame.payload).filter(|_| frame.kind == link::RTM_NEWADDR));
        })
        .map_err(|refusal| refusal.into_error("list addresses"))?;
    Ok(Observed { links, addresses, routes: all_routes(socket)? })
}

/// The main tables of both families.
pub(crate) fn all_routes(socket: &mut Socket) -> Result<Vec<Route>> {
    let mut all = routes(socket, AddressFamily::Inet)?;
    all.extend(routes(socket, AddressFamily::Inet6)?);
    Ok(all)
}

/// What went through each link.
pub(crate) fn counters(socket: &mut Socket) -> Result<Vec<(LinkName, Counters)>> {
    socket
        .dump(&link::count(), |frame, found| {
            found.extend(link::read_counters(frame.payload).filter(|_| frame.kind == link::RTM_NEWLINK));
        })
        .map_err(|refusal| refusal.into_error("list links"))
}

/// One link; `None` when there is none of that name.
pub(crate) fn link(socket: &mut Socket, name: &LinkName) -> Result<Option<Link>> {
    match socket.ask(&link::get(name), |frame| link::read_link(frame.payload)) {
        Ok(links) => Ok(links.into_iter().next()),
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(None),
        Err(refusal) => Err(refusal.into_error(format!("look up {name}"))),
    }
}

/// Waits until the kernel's link watch has acted on the carrier of a link, at most a second.
///
/// Since 6.8 the question itself makes the kernel do so first (`linkwatch_sync_dev`); before, it is asked again.
pub(crate) fn settle(socket: &mut Socket, name: &LinkName) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_millis(1);
    let act = || format!("wait for {name}");
    let begin = Instant::now();
    loop {
        match socket.ask(&link::get(name), |frame| link::is_settled(frame.payload)) {
            Ok(answers) if answers.iter().all(|settled| *settled) => return Ok(()),
            Ok(_) => {}
            Err(refusal) if refusal.errno == libc::ENODEV => return Ok(()),
            Err(refusal) => return Err(refusal.into_error(act())),
        }
        if begin.elapsed() > PATIENCE {
            return Err(Error::new(Kind::Busy, act(), "its carrier is up but its queue is not"));
        }
        std::thread::sleep(PAUSE);
    }
}
