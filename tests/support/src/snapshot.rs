//! What the kernel has of a host's network at one moment, as text that can be compared.

use crate::place::Place;
use std::collections::BTreeSet;

/// A host's links, addresses, routes, rules, and the namespaces and mounts in a folder. Counters are left out, handles
/// of rules are not: a rule that was made anew is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    lines: BTreeSet<String>,
}

impl Snapshot {
    /// Of `host`, and of what is mounted or stands below `folder`.
    pub fn take(host: &Place, folder: &std::path::Path) -> Self {
        let mut lines = BTreeSet::new();
        let mut note = |what: &str, text: String| lines.extend(text.lines().map(|line| format!("{what}: {}", line.trim())));
        note("link", host.tell("ip -o -d link show"));
        note("address", host.tell("ip -o address show"));
        note("route", host.tell("ip route show table all"));
        note("route6", stable_routes(&host.tell("ip -6 route show table all")));
        note("rule", host.tell("nft -s -a list ruleset"));
        note("mount", mounts_below(&host.tell("cat /proc/self/mountinfo"), folder));
        let netns = folder.join("netns");
        note("namespace", host.tell(&format!("find {} -mindepth 1", netns.display()).replace("find", "find -H")));
        Self { lines }
    }

    /// What is here and not there, and the reverse; nothing when they are the same.
    pub fn difference(&self, other: &Self) -> Vec<String> {
        let gone = self.lines.difference(&other.lines).map(|line| format!("- {line}"));
        let new = other.lines.difference(&self.lines).map(|line| format!("+ {line}"));
        gone.chain(new).collect()
    }

    /// The lines that tell of one thing, such as `link` or `namespace`.
    pub fn of(&self, what: &str) -> Vec<&str> {
        let prefix = format!("{what}: ");
        self.lines.iter().filter_map(|line| line.strip_prefix(prefix.as_str())).collect()
    }
}

/// Routes that the kernel makes for neighbours it talked to come and go by themselves.
fn stable_routes(text: &str) -> String {
    let stable = |line: &&str| !line.contains("proto redirect") && !line.contains(" expires ");
    text.lines().filter(stable).collect::<Vec<_>>().join("\n")
}

/// Mount points below `folder`. Field five of a line is where it is mounted.
fn mounts_below(mountinfo: &str, folder: &std::path::Path) -> String {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    points.filter(|point| std::path::Path::new(point).starts_with(folder)).collect::<Vec<_>>().join("\n")
}
