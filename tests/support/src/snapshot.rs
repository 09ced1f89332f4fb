//! What the kernel has of a host's network at one moment, as text that can be compared.

use crate::place::Place;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// A host's links, addresses, routes, rules, and the namespaces and mounts in a folder. Counters are left out, handles
/// of rules are not: a rule that was made anew is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    lines: BTreeSet<String>,
}

impl Snapshot {
    /// Of `host`, and of what is mounted or stands below `folder`.
    pub fn take(host: &Place, folder: &Path) -> Self {
        let mut lines = BTreeSet::new();
        let mut note =
            |what: &str, text: String| lines.extend(text.lines().map(|line| format!("{what}: {}", line.trim())));
        note("link", links(&host.tell("ip -j -d link show")));
        note("address", without_automatic(&host.tell("ip -o address show")));
        note("route", without_automatic(&host.tell("ip -4 route show table all")));
        note("route", without_automatic(&host.tell("ip -6 route show table all")));
        note("rule", host.tell("nft -s -a list ruleset"));
        note("mount", mounts_below(&host.tell("cat /proc/self/mountinfo"), folder));
        let namespaces = host.output("find", &[&folder.join("netns"), Path::new("-mindepth"), Path::new("1")]);
        note("namespace", String::from_utf8(namespaces.stdout).unwrap());
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

/// What of each link is set by somebody, not what time and traffic do to it.
fn links(json: &str) -> String {
    let links: Vec<Value> = serde_json::from_str(json).unwrap();
    let line = |link: &Value| {
        let up = link["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "UP"));
        let fields = ["ifindex", "ifname", "address", "mtu", "master", "group", "ifalias"].map(|key| &link[key]);
        let info = &link["linkinfo"];
        let port = ["isolated", "hairpin"].map(|key| &info["info_slave_data"][key]);
        format!("{} up={up} kind={} port={port:?}", fields.map(shown).join(" "), shown(&info["info_kind"]))
    };
    links.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Without what the kernel makes by itself: link-local addresses and routes to its own addresses, which come with a
/// cable, and signs of one; routes for neighbours it talked to.
fn without_automatic(text: &str) -> String {
    const AUTOMATIC: [&str; 5] = ["fe80::", "ff00::/8", " table local ", "proto redirect", " expires "];
    let lasting = |line: &&str| !AUTOMATIC.iter().any(|sign| line.contains(sign));
    let lines = text.lines().filter(lasting).map(|line| line.replace(" linkdown", ""));
    lines.collect::<Vec<_>>().join("\n")
}

/// Mount points below `folder`. Field five of a line is where it is mounted.
fn mounts_below(mountinfo: &str, folder: &Path) -> String {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    points.filter(|point| Path::new(point).starts_with(folder)).collect::<Vec<_>>().join("\n")
}
