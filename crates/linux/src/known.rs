//! What the watcher knows of links, to tell news from noise: the kernel reports every carrier change of every pair, some
//! of them many seconds late, and each look at a thousand links costs others the lock that all link changes need.
//!
//! Owns the last known state of each link that matters to plans. Must never be taken for the truth: plans look again.

use crate::host::Linux;
use crate::link;
use crate::netlink::{Frame, Socket};
use pontoon_kernel::{Link, LinkGroup, LinkIndex, LinkKind, Netns};
use pontoon_types::LinkName;
use std::collections::{BTreeSet, HashMap};

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
pub(crate) struct KnownLinks {
    links: HashMap<LinkIndex, State>,
    /// The numbers of the namespaces at the other ends of ours.
    behind: HashMap<LinkIndex, i32>,
}

impl KnownLinks {
    /// What there is now. Where it cannot be listed, everything is news at first.
    pub fn seed(linux: &Linux) -> Self {
        let mut known = Self::default();
        let list = |socket: &mut Socket| {
            let listed = socket.dump(&link::list(), |frame, found| {
                found.extend(link::read_link(frame.payload).map(|link| (link, link::read_other_end(frame.payload))));
            });
            listed.map_err(|refusal| refusal.into_error("list links"))
        };
        for (link, other_end) in linux.with_route(&Netns::Host, list).unwrap_or_default() {
            known.note_other_end(&link, other_end);
            known.links.insert(link.index, State::of(&link));
        }
        known
    }

    /// A link of ours that leads into the namespace with this number.
    pub fn leading_to(&self, namespace: i32) -> Option<LinkName> {
        let (index, _) = self.behind.iter().find(|(_, number)| **number == namespace)?;
        LinkName::new(self.links.get(index)?.name.as_str()).ok()
    }

    /// The numbers of all namespaces behind links of ours.
    pub fn namespaces(&self) -> BTreeSet<i32> {
        self.behind.values().copied().collect()
    }

    fn note_other_end(&mut self, link: &Link, other_end: Option<i32>) {
        match other_end.filter(|_| link.group == LinkGroup::Live.number()) {
            Some(number) => drop(self.behind.insert(link.index, number)),
            None => drop(self.behind.remove(&link.index)),
        }
    }

    /// Takes note of a message; tells whether it changes anything that plans depend on.
    pub fn hear(&mut self, frame: &Frame<'_>) -> bool {
        match frame.kind {
            link::RTM_NEWLINK => link::read_link(frame.payload).is_some_and(|link| {
                self.note_other_end(&link, link::read_other_end(frame.payload));
                self.changed(&link)
            }),
            link::RTM_DELLINK => link::read_link(frame.payload).is_some_and(|link| self.deleted(&link)),
            // An address too many harms no plan; one that is missing does.
            link::RTM_DELADDR => link::read_address(frame.payload).is_some_and(|address| self.is_bridge(address.link)),
            _ => false,
        }
    }

    fn changed(&mut self, link: &Link) -> bool {
        let state = State::of(link);
        if LinkGroup::is_retired(link.group) {
            self.links.remove(&link.index);
            return false;
        }
        let matters = state.matters();
        match self.links.insert(link.index, state.clone()) {
            Some(before) => (matters || before.matters()) && before != state,
            // A new one of ours is a request under way; a foreign one is in nobody's way.
            None => false,
        }
    }

    fn deleted(&mut self, link: &Link) -> bool {
        let before = self.links.remove(&link.index);
        self.behind.remove(&link.index);
        !LinkGroup::is_retired(link.group) && before.is_some_and(|before| before.matters())
    }

    fn is_bridge(&self, index: LinkIndex) -> bool {
        self.links.get(&index).is_some_and(|state| state.bridge)
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
            hairpin: false,
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
    fn the_namespace_behind_a_link_of_ours_is_known_as_long_as_the_link() {
        let (live, retired) = (LinkGroup::Live.number(), LinkGroup::Retired.number());
        let mut known = KnownLinks::default();
        let mut hear = |link: Link, other_end| {
            known.note_other_end(&link, other_end);
            known.changed(&link);
            (known.leading_to(7), known.namespaces().len())
        };
        assert_eq!(hear(link(1, 0, true, None), Some(7)), (None, 0), "not ours");
        assert_eq!(hear(link(1, live, true, None), Some(7)), (Some("veth1".parse().unwrap()), 1));
        assert_eq!(hear(link(1, retired, false, None), Some(7)), (None, 0), "cut off");
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
