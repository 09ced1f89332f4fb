//! Links taken out of use without waiting for the kernel, and their later deletion together.
//!
//! Deleting a link waits for RCU, about 20 ms, however many go at once. So a link is first only cut off (well
//! under a millisecond) and deleted with all the others when nobody waits. Bridges do not wait together: the kernel has
//! each wait for its own (`br_multicast_dev_del`) with the lock for all links held, so that fifty at once would stop the
//! whole machine's links for half a second and more.

use crate::apply::addresses_of;
use crate::netlink::{Refusal, Socket};
use crate::{link, observe};
use pontoon_kernel::{Link, LinkGroup, LinkIndex, LinkKind, Result};
use pontoon_types::LinkName;

/// Cuts a link off and frees its name. A missing link is no error.
pub(crate) fn retire(socket: &mut Socket, name: &LinkName) -> Result<()> {
    match observe::link(socket, name)? {
        Some(link) => cut_off(socket, &link).map_err(|refusal| refusal.into_error(format!("retire {name}"))),
        None => Ok(()),
    }
}

fn cut_off(socket: &mut Socket, link: &Link) -> std::result::Result<(), Refusal> {
    let index = link.index;
    let group = if link.kind == LinkKind::Bridge { LinkGroup::RetiredBridge } else { LinkGroup::Retired };
    // Down before it leaves its bridge (the kernel would do it the other way round in one request, since 6.8):
    // otherwise the sandbox's frames would for a moment reach the host past all rules about the bridge.
    if let Err(refusal) = socket.acknowledged(&link::set_up(index, false)) {
        return tolerate(Err(refusal), &[libc::ENODEV]);
    }
    for net in addresses_of(socket, index)? {
        let removed = socket.acknowledged(&link::remove_address(index, &net));
        tolerate(removed, &[libc::EADDRNOTAVAIL, libc::ENODEV])?;
    }
    for name in free_names(index) {
        match socket.acknowledged(&link::withdraw(index, &name, group)) {
            Err(refusal) if refusal.errno == libc::EEXIST => {}
            outcome => return tolerate(outcome, &[libc::ENODEV]),
        }
    }
    Err(Refusal { errno: libc::EEXIST, message: Some("no free name for a retired link".into()) })
}

/// Renames a link; one that is up stays up, though kernels before 6.2 rename it only while it is down.
pub(crate) fn rename(socket: &mut Socket, index: LinkIndex, name: &LinkName) -> std::result::Result<(), Refusal> {
    let request = link::rename(index, name);
    match socket.acknowledged(&request) {
        Err(refusal) if refusal.errno == libc::EBUSY => {
            socket.acknowledged(&link::set_up(index, false))?;
            let renamed = socket.acknowledged(&request);
            socket.acknowledged(&link::set_up(index, true))?;
            renamed
        }
        outcome => outcome,
    }
}

/// Names that only a retired link has. The index makes them unique; a foreign link of that name costs another try.
fn free_names(index: LinkIndex) -> impl Iterator<Item = LinkName> {
    (0..16).filter_map(move |attempt| LinkName::new(format!("pon-{:x}.{attempt:x}", index.0)).ok())
}

fn tolerate(outcome: std::result::Result<(), Refusal>, errnos: &[i32]) -> std::result::Result<(), Refusal> {
    match outcome {
        Err(refusal) if errnos.contains(&refusal.errno) => Ok(()),
        outcome => outcome,
    }
}

/// Deletes the retired links but bridges; whether there were any.
pub(crate) fn reap(socket: &mut Socket) -> Result<bool> {
    match socket.acknowledged(&link::delete_group(LinkGroup::Retired)) {
        Ok(()) => Ok(true),
        // Nobody is in the group. Asking first would cost more than all else: a list of links grows with the square
        // of their number (each pair's other namespace is looked up in a list).
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(false),
        Err(refusal) => Err(refusal.into_error("delete retired links")),
    }
}

/// Deletes one retired bridge; whether there was one.
pub(crate) fn reap_bridge(socket: &mut Socket) -> Result<bool> {
    let act = "delete a retired bridge";
    let bridges = socket.dump(&link::list_bridges(), |frame, found| {
        let link = link::read_link(frame.payload).filter(|_| frame.kind == link::RTM_NEWLINK);
        found.extend(link.filter(|link| link.kind == LinkKind::Bridge && is_waiting(link)).map(|link| link.index));
    });
    let Some(index) = bridges.map_err(|refusal| refusal.into_error(act))?.into_iter().next() else { return Ok(false) };
    let deleted = socket.acknowledged(&link::delete(index));
    tolerate(deleted, &[libc::ENODEV]).map_err(|refusal| refusal.into_error(act))?;
    Ok(true)
}

fn is_waiting(link: &Link) -> bool {
    link.group == LinkGroup::RetiredBridge.number()
}
