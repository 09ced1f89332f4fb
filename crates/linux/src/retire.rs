//! Links taken out of use without waiting for the kernel, and their later deletion together.
//!
//! Deleting a link waits for RCU, about 20 ms, however many go at once. So a link is first only cut off (well
//! under a millisecond) and deleted with all the others when nobody waits.

use crate::apply::addresses_of;
use crate::host::index_of;
use crate::link;
use crate::netlink::{Refusal, Socket};
use pontoon_kernel::{LinkGroup, LinkIndex, Result};
use pontoon_types::LinkName;

/// Cuts a link off and frees its name. A missing link is no error.
pub(crate) fn retire(socket: &mut Socket, name: &LinkName) -> Result<()> {
    let Ok(index) = index_of(name) else { return Ok(()) };
    cut_off(socket, index).map_err(|refusal| refusal.into_error(format!("retire {name}")))
}

fn cut_off(socket: &mut Socket, index: LinkIndex) -> std::result::Result<(), Refusal> {
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
        match socket.acknowledged(&link::withdraw(index, &name)) {
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

/// Deletes the retired links; how many there were.
pub(crate) fn reap(socket: &mut Socket) -> Result<bool> {
    match socket.acknowledged(&link::delete_group(LinkGroup::Retired)) {
        Ok(()) => Ok(true),
        // Nobody is in the group. Asking first would cost more than all else: a list of links grows with the square
        // of their number (each pair's other namespace is looked up in a list).
        Err(refusal) if refusal.errno == libc::ENODEV => Ok(false),
        Err(refusal) => Err(refusal.into_error("delete retired links")),
    }
}
