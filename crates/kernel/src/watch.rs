//! News from the kernel.

use crate::Result;
use pontoon_types::LinkName;
use std::time::Duration;

/// Something changed that plans depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A link came, went or changed, or an address did.
    Links,
    /// Our nf_tables table may have changed by another hand.
    Rules,
    /// A mount or process went: owners of adopted namespaces should be looked at.
    Namespaces,
    /// An address, a route or a rule of ours may have gone in the namespace at the other end of this link of the host.
    Inside(LinkName),
    /// The kernel dropped messages: look at everything.
    Lost,
}

/// A stream of changes.
pub trait Changes: Send {
    /// The next change, or `None` when `timeout` passed without one. Our own writes may be reported too.
    fn next(&mut self, timeout: Duration) -> Result<Option<Change>>;

    /// Tells the watcher which adopted namespaces' owners to look after (replaces the list).
    fn follow(&mut self, owners: &[crate::NetnsOwner]) -> Result<()>;
}
