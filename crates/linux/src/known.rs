//! What the watcher knows of links, to tell news from noise: the kernel reports every carrier change of every pair, some
//! of them many seconds late, and each look at a thousand links costs others the lock that all link changes need.
//!
//! Owns the last known state of each link that matters to plans. Must never be taken for the truth: plans look again.

use crate::host::Linux;
use crate::link;
use crate::netlink::Frame;
use pontoon_kernel::{Kernel, Link, LinkGroup, LinkIndex, LinkKind, Netns};
use std::collections::HashMap;

/// As much of a link as plans depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    ours: bool,
    bridge: bool,
    up: bool,
    master: Option<LinkIndex>,
    mtu: u32,
    name: String,
}

impl State {
    fn of(link: &Link) -> Self {
        Self {
            ours: link.group == LinkGroup::Live.number(),
            bridge: link.kind == LinkKind::Bridge,
            up: link.up,
            master: link.master,
            mtu: link.mtu,
            name: link.name.to_string(),
        }
    }

    fn matters(&self) -> bool {
        self.ours || self.bridge
    }
}

/// The links of the host's namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownLinks(HashMap<LinkIndex, State>);

impl KnownLinks {
    /// What there is now. Where it cannot be listed, everything is news at first.
    pub fn seed(linux: &Linux) -> Self {
        let links = linux.observe(&Netns::Host).map(|observed| observed.links).unwrap_or_default();
        Self(links.iter().map(|link| (link.index, State::of(link))).collect())
    }

    /// Takes note of a message; tells whether it changes anything that plans depend on.
    pub fn hear(&mut self, frame: &Frame<'_>) -> bool {
        match frame.kind {
            link::RTM_NEWLINK => link::read_link(frame.payload).is_some_and(|link| self.changed(&link)),
            link::RTM_DELLINK => link::read_link(frame.payload).is_some_and(|link| self.deleted(&link)),
            // An address too many harms no plan; one that is missing does.
            link::RTM_DELADDR => link::read_address(frame.payload).is_some_and(|address| self.is_bridge(address.link)),
            _ => false,
        }
    }

    fn changed(&mut self, link: &Link) -> bool {
        let state = State::of(link);
        if link.group == LinkGroup::Retired.number() {
            self.0.remove(&link.index);
            return false;
        }
        let matters = state.matters();
        match self.0.insert(link.index, state.clone()) {
            Some(before) => (matters || before.matters()) && before != state,
            // A new one of ours is a request under way; a foreign one is in nobody's way.
            None => false,
        }
    }

    fn deleted(&mut self, link: &Link) -> bool {
        let before = self.0.remove(&link.index);
        link.group != LinkGroup::Retired.number() && before.is_some_and(|before| before.matters())
    }

    fn is_bridge(&self, index: LinkIndex) -> bool {
        self.0.get(&index).is_some_and(|state| state.bridge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, group: u32, up: bool, master: Option<u32>) -> Link {
        Link {
            index: LinkIndex(index),
            name: "veth1".parse().unwrap(),
            kind: LinkKind::Veth,
            mac: None,
            mtu: 1500,
            up,
            master: master.map(LinkIndex),
            isolated: false,
            group,
            alias: None,
        }
    }

    #[test]
    fn only_changes_that_plans_depend_on_are_news() {
        let live = LinkGroup::Live.number();
        let mut known = KnownLinks::default();
        assert!(!known.changed(&link(1, live, true, Some(9))), "a new link");
        assert!(!known.changed(&link(1, live, true, Some(9))), "a carrier change");
        assert!(known.changed(&link(1, live, true, None)), "out of its bridge");
        assert!(known.changed(&link(1, live, false, None)), "down");
        assert!(known.deleted(&link(1, live, false, None)), "deleted");
        assert!(!known.deleted(&link(1, live, false, None)), "never seen");
    }

    #[test]
    fn retired_and_foreign_links_are_no_news() {
        let (live, retired) = (LinkGroup::Live.number(), LinkGroup::Retired.number());
        let mut known = KnownLinks::default();
        known.changed(&link(1, live, true, Some(9)));
        assert!(!known.changed(&link(1, retired, false, None)));
        assert!(!known.deleted(&link(1, retired, false, None)));
        known.changed(&link(2, 0, true, None));
        assert!(!known.changed(&link(2, 0, false, None)));
        assert!(!known.deleted(&link(2, 0, false, None)));
    }
}
