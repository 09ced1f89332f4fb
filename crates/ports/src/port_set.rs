//! Sets of ports that settings speak of.
//!
//! Owns: the text form of `net.ipv4.ip_local_reserved_ports`. Must never change after it was read.

use crate::Error;
use pontoon_types::PortRange;
use std::str::FromStr;

/// A set of ports, as runs in ascending order that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortSet {
    runs: Vec<PortRange>,
}

impl PortSet {
    /// The set of all these ports.
    pub fn new(mut runs: Vec<PortRange>) -> Self {
        runs.sort_unstable();
        runs.dedup_by(|next, kept| {
            let touches = u32::from(next.start) <= u32::from(kept.end) + 1;
            if touches {
                kept.end = kept.end.max(next.end);
            }
            touches
        });
        Self { runs }
    }

    /// Whether the port is in the set.
    pub fn contains(&self, port: u16) -> bool {
        self.last_of_overlap(PortRange::single(port)).is_some()
    }

    /// Whether all of `ports` are in the set.
    pub fn covers(&self, ports: PortRange) -> bool {
        self.run_before(ports.start).is_some_and(|run| run.start <= ports.start && ports.end <= run.end)
    }

    /// The parts of `ports` that are not in the set, in ascending order.
    pub fn gaps(&self, ports: PortRange) -> Vec<PortRange> {
        let mut gaps = Vec::new();
        let mut next = u32::from(ports.start);
        let first = self.runs.partition_point(|run| run.end < ports.start);
        for run in self.runs[first..].iter().take_while(|run| run.start <= ports.end) {
            push(&mut gaps, next, u32::from(run.start).saturating_sub(1));
            next = u32::from(run.end) + 1;
        }
        push(&mut gaps, next, u32::from(ports.end));
        gaps
    }

    /// The last port of the last run that shares a port with `ports`.
    pub(crate) fn last_of_overlap(&self, ports: PortRange) -> Option<u16> {
        self.run_before(ports.end).map(|run| run.end).filter(|&end| end >= ports.start)
    }

    /// The last run that begins at `port` or before.
    fn run_before(&self, port: u16) -> Option<PortRange> {
        self.runs[..self.runs.partition_point(|run| run.start <= port)].last().copied()
    }
}

fn push(gaps: &mut Vec<PortRange>, start: u32, end: u32) {
    if let (Ok(start), Ok(end)) = (u16::try_from(start), u16::try_from(end))
        && start <= end
    {
        gaps.push(PortRange { start, end });
    }
}

impl FromStr for PortSet {
    type Err = Error;

    /// The form of `ip_local_reserved_ports`: `8080,9000-9100`; empty for none.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let run = |part: &str| part.trim().parse().map_err(|_| Error::ReservedPorts(text.to_owned()));
        Ok(Self::new(text.split(',').map(run).collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> PortRange {
        text.parse().unwrap()
    }

    #[test]
    fn the_kernels_list_is_read() {
        let set: PortSet = "9000-9100,8080,9101\n".parse().unwrap();
        assert_eq!(set.runs, [range("8080"), range("9000-9101")]);
        assert_eq!("\n".parse::<PortSet>().unwrap(), PortSet::default());
        for bad in ["a", "80,,90", "90-80", "0", "80;90", "70000"] {
            let error = bad.parse::<PortSet>().unwrap_err();
            assert_eq!(error.to_string(), format!("malformed list of reserved ports {bad:?}"));
        }
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_ports(
            runs in prop::collection::vec((1u16..300, 0u16..40), 0..12),
            (start, length) in (1u16..300, 0u16..60),
        ) {
            let runs: Vec<PortRange> = runs.iter().map(|&(s, l)| PortRange { start: s, end: s + l }).collect();
            let set = PortSet::new(runs.clone());
            let inside = |port: u16| runs.iter().any(|run| run.contains(port));
            let ports = PortRange { start, end: start + length };
            for port in 1..400 {
                prop_assert_eq!(set.contains(port), inside(port));
            }
            prop_assert_eq!(set.covers(ports), (ports.start..=ports.end).all(inside));
            let gaps: Vec<u16> = set.gaps(ports).iter().flat_map(|gap| gap.start..=gap.end).collect();
            prop_assert_eq!(gaps, (ports.start..=ports.end).filter(|&port| !inside(port)).collect::<Vec<_>>());
        }
    }
}
