//! nf_tables over netlink: a transaction is one batch, a table is read in one consistent picture.
//!
//! Owns: the encoding both ways. Must never start a process or change what a transaction does not name. The encoding is
//! by hand: the generated bindings lack `masq`, `redir` and `notrack`, and miscount the attributes of elements.

mod batch;
mod decode;
mod decode_expr;
mod dump;
mod encode;
mod number;
mod send;

pub use batch::Batch;
pub use dump::{from_messages, observe};
pub use send::commit as commit_on;

use crate::Linux;
use crate::netlink::{Refusal, Socket};
use pontoon_kernel::nft::{Observed, TableId, Transaction};
use pontoon_kernel::{Netns, Result};

/// Our table in `ns` as the kernel has it; `None` when it is not there.
pub(crate) fn table(linux: &Linux, ns: &Netns, id: &TableId) -> Result<Option<Observed>> {
    with_socket(linux, ns, |socket| observe(socket, id))
}

/// Commits `transaction` in `ns`: all of it or nothing.
pub(crate) fn commit(linux: &Linux, ns: &Netns, transaction: &Transaction) -> Result<()> {
    if transaction.is_empty() {
        return Ok(());
    }
    with_socket(linux, ns, |socket| commit_on(socket, transaction))
}

fn with_socket<T>(linux: &Linux, ns: &Netns, act: impl FnOnce(&mut Socket) -> Result<T>) -> Result<T> {
    match ns {
        Netns::Host => linux.with_host_netfilter(act),
        Netns::At(_) => {
            let opened = linux.within(ns, || Socket::open(libc::NETLINK_NETFILTER))?;
            let failed = |error| Refusal::from(error).into_error("open a netfilter socket");
            let mut socket = opened.map_err(failed)?;
            let outcome = act(&mut socket);
            // Closing a socket that has changed something waits for RCU, 10 to 40 ms.
            linux.closer.close(socket);
            outcome
        }
    }
}

/// `struct nfgenmsg` for questions: family, version 0, no resource.
fn nfgenmsg(family: u8) -> [u8; 4] {
    [family, 0, 0, 0]
}
