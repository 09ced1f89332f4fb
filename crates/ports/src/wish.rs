//! What bindings ask for, sorted, joined and spread over addresses.
//!
//! Owns: which bindings become which groups of ports (ports.md 2 and 3). Must never know which ports are free.

use crate::{Context, Error};
use pontoon_types::{PortBinding, PortRange, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which host ports will do. Exact ones come first, so that no choice takes a port that another binding insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Want {
    /// The container's port plus this number.
    Exact(i32),
    /// Any port of the run, for this port of the container.
    Within(PortRange, u16),
    /// Any ephemeral port.
    Ephemeral,
}

/// One address at the host and where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    pub(crate) host_ip: IpAddr,
    pub(crate) container_ip: IpAddr,
}

/// Ports of the container that get the same host ports on all addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) want: Want,
    pub(crate) protocol: Protocol,
    pub(crate) container: PortRange,
    pub(crate) targets: Vec<Target>,
}

impl Wish {
    /// The unspecified address among the targets, if there is a specific one of its family besides: the two cannot
    /// have one port.
    pub(crate) fn conflict_in_itself(&self) -> Option<IpAddr> {
        let any = |target: &&Target| target.host_ip.is_unspecified();
        self.targets.iter().filter(any).map(|target| target.host_ip).find(|any| {
            let same_family = |target: &&Target| target.host_ip.is_ipv4() == any.is_ipv4();
            self.targets.iter().filter(same_family).count() > 1
        })
    }
}

/// Why a host address gets no mapping. None of these is an error, as in Docker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The endpoint is not its sandbox's gateway for the family.
    NotGateway,
    /// The endpoint has no IPv4 address; IPv4 is never forwarded to IPv6.
    NoAddress,
    /// The endpoint has no IPv6 address, and nothing forwards IPv6 to IPv4.
    NoForwarder,
}

/// A part of a binding that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Ports inside.
    pub container: PortRange,
    /// Address at the host.
    pub host_ip: IpAddr,
    /// Why.
    pub reason: SkipReason,
}

/// Turns bindings into wishes, in the order in which ports are given out: exact ones first, then by container port and
/// protocol. The same binding given twice counts once.
pub(crate) fn wishes(bindings: &[PortBinding], context: &Context<'_>) -> Result<(Vec<Wish>, Vec<Skipped>), Error> {
    let mut asked = Vec::with_capacity(bindings.len());
    for binding in bindings {
        let host_ip = binding.host_ip.map(|address| address.to_canonical());
        asked.push(((want(binding)?, binding.protocol, host_ip), binding.container));
    }
    let mut skipped = Vec::new();
    let mut spread = Vec::new();
    for ((want, protocol, host_ip), container) in joined(asked) {
        for host_ip in addresses(host_ip, context).into_iter().flatten() {
            match inside(host_ip, protocol, context) {
                Ok(container_ip) => {
                    spread.push(((want, protocol, Target { host_ip, container_ip }), container));
                }
                Err(reason) => skipped.push(Skipped { protocol, container, host_ip, reason }),
            }
        }
    }
    let mut wishes = grouped(joined(spread));
    wishes.sort_by_key(|wish| (!matches!(wish.want, Want::Exact(_)), wish.container.start, wish.protocol, wish.want));
    Ok((wishes, skipped))
}

fn want(binding: &PortBinding) -> Result<Want, Error> {
    for range in [Some(binding.container), binding.host].into_iter().flatten() {
        if range.start == 0 || range.start > range.end {
            return Err(Error::Specification(format!("{range}/{}", binding.protocol)));
        }
    }
    match binding.host {
        None => Ok(Want::Ephemeral),
        Some(host) if host.count() == binding.container.count() => {
            Ok(Want::Exact(i32::from(host.start) - i32::from(binding.container.start)))
        }
        Some(host) if binding.container.count() == 1 => Ok(Want::Within(host, binding.container.start)),
        Some(host) => Err(Error::Lengths { container: binding.container, host }),
    }
}

/// The host addresses a binding means.
fn addresses(host_ip: Option<IpAddr>, context: &Context<'_>) -> [Option<IpAddr>; 2] {
    const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    match host_ip {
        Some(address) => [Some(address), None],
        None => match context.default_host_ip.map(|address| address.to_canonical()) {
            None | Some(ANY) => [Some(ANY), context.host_has_v6.then_some(IpAddr::V6(Ipv6Addr::UNSPECIFIED))],
            Some(address) => [Some(address), None],
        },
    }
}

/// The container's address that a host address leads to.
fn inside(host_ip: IpAddr, protocol: Protocol, context: &Context<'_>) -> Result<IpAddr, SkipReason> {
    let v4 = context.container_v4.filter(|_| context.is_v4_gateway);
    match host_ip {
        IpAddr::V4(_) if !context.is_v4_gateway => Err(SkipReason::NotGateway),
        IpAddr::V4(_) => v4.map(IpAddr::V4).ok_or(SkipReason::NoAddress),
        IpAddr::V6(_) if !context.is_v6_gateway => Err(SkipReason::NotGateway),
        IpAddr::V6(_) => {
            // The forwarder carries TCP and UDP; SCTP from IPv6 to IPv4 is left out, as Docker does without its proxy.
            let carried = context.forwarder && protocol != Protocol::Sctp;
            let forwarded = v4.filter(|_| carried).map(IpAddr::V4);
            context.container_v6.map(IpAddr::V6).or(forwarded).ok_or(SkipReason::NoForwarder)
        }
    }
}

/// Sorts by key and joins runs of the same key that overlap or continue each other.
fn joined<K: Ord + Copy>(mut runs: Vec<(K, PortRange)>) -> Vec<(K, PortRange)> {
    runs.sort_unstable_by_key(|&(key, run)| (key, run.start));
    runs.dedup_by(|(key, next), (kept_key, kept)| {
        let joins = key == kept_key && u32::from(next.start) <= u32::from(kept.end) + 1;
        if joins {
            kept.end = kept.end.max(next.end);
        }
        joins
    });
    runs
}

/// Brings runs that differ only in their target together, cut where the set of targets changes.
fn grouped(runs: Vec<((Want, Protocol, Target), PortRange)>) -> Vec<Wish> {
    let mut ends: BTreeMap<(Want, Protocol), BTreeSet<u32>> = BTreeMap::new();
    for &((want, protocol, _), run) in &runs {
        ends.entry((want, protocol)).or_default().extend([u32::from(run.start), u32::from(run.end) + 1]);
    }
    let mut pieces: BTreeMap<(Want, Protocol, u16), Wish> = BTreeMap::new();
    for ((want, protocol, target), run) in runs {
        let Some(ends) = ends.get(&(want, protocol)) else { continue };
        let mut start = run.start;
        for &end in ends.range(u32::from(run.start) + 1..=u32::from(run.end) + 1) {
            let Ok(last) = u16::try_from(end - 1) else { continue };
            let container = PortRange { start, end: last };
            let piece = pieces.entry((want, protocol, start));
            piece.or_insert_with(|| Wish { want, protocol, container, targets: Vec::new() }).targets.push(target);
            start = last.saturating_add(1);
        }
    }
    let mut wishes: Vec<Wish> = pieces.into_values().collect();
    wishes.dedup_by(|next, kept| {
        let joins = (next.want, next.protocol) == (kept.want, kept.protocol)
            && next.container.start.checked_sub(1) == Some(kept.container.end)
            && next.targets == kept.targets;
        if joins {
            kept.container.end = next.container.end;
        }
        joins
    });
    wishes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EphemeralPorts;
    use std::sync::LazyLock;

    static EPHEMERAL: LazyLock<EphemeralPorts> = LazyLock::new(EphemeralPorts::default);

    fn both() -> Context<'static> {
        Context {
            container_v4: Some(Ipv4Addr::new(10, 0, 0, 2)),
            container_v6: Some("fd00::2".parse().unwrap()),
            default_host_ip: None,
            host_has_v6: true,
            is_v4_gateway: true,
            is_v6_gateway: true,
            forwarder: true,
            ephemeral: &EPHEMERAL,
        }
    }

    fn binding(host_ip: &str, host: &str, container: &str, protocol: Protocol) -> PortBinding {
        PortBinding {
            container: container.parse().unwrap(),
            protocol,
            host_ip: host_ip.parse().ok(),
            host: host.parse().ok(),
        }
    }

    fn spread(host_ip: &str, context: &Context<'_>) -> Vec<String> {
        let (wishes, _) = wishes(&[binding(host_ip, "80", "80", Protocol::Tcp)], context).unwrap();
        let targets = wishes.iter().flat_map(|wish| &wish.targets);
        targets.map(|target| format!("{} {}", target.host_ip, target.container_ip)).collect()
    }

    #[test]
    fn an_empty_host_address_means_the_default_binding_address() {
        let default = |address: &str| Context { default_host_ip: address.parse().ok(), ..both() };
        for (address, expected) in [
            ("", vec!["0.0.0.0 10.0.0.2", ":: fd00::2"]),
            ("0.0.0.0", vec!["0.0.0.0 10.0.0.2", ":: fd00::2"]),
            ("192.0.2.1", vec!["192.0.2.1 10.0.0.2"]),
            ("::", vec![":: fd00::2"]),
            ("2001:db8::1", vec!["2001:db8::1 fd00::2"]),
        ] {
            assert_eq!(spread("", &default(address)), expected, "{address}");
        }
        assert_eq!(spread("", &Context { host_has_v6: false, ..both() }), ["0.0.0.0 10.0.0.2"]);
        assert_eq!(spread("127.0.0.1", &default("::")), ["127.0.0.1 10.0.0.2"]);
        assert_eq!(spread("0.0.0.0", &both()), ["0.0.0.0 10.0.0.2"]);
        assert_eq!(spread("::", &both()), [":: fd00::2"]);
        assert_eq!(spread("::ffff:192.0.2.1", &both()), ["192.0.2.1 10.0.0.2"]);
    }

    #[test]
    fn ipv6_at_the_host_leads_to_ipv4_only_through_the_forwarder() {
        let v4_only = Context { container_v6: None, ..both() };
        assert_eq!(spread("", &v4_only), ["0.0.0.0 10.0.0.2", ":: 10.0.0.2"]);
        assert_eq!(spread("", &Context { forwarder: false, ..v4_only }), ["0.0.0.0 10.0.0.2"]);
        assert!(spread("::1", &Context { forwarder: false, ..v4_only }).is_empty());
        assert!(spread("::1", &Context { is_v4_gateway: false, ..v4_only }).is_empty());
        let v6_only = Context { container_v4: None, ..both() };
        assert_eq!(spread("", &v6_only), [":: fd00::2"]);
        assert!(spread("127.0.0.1", &v6_only).is_empty());
    }

    #[test]
    fn only_the_gateway_of_a_family_publishes_it_and_the_rest_is_reported() {
        let context = Context { is_v6_gateway: false, ..both() };
        let (wishes, skipped) = wishes(&[binding("", "80", "80", Protocol::Tcp)], &context).unwrap();
        assert_eq!(wishes[0].targets.len(), 1);
        let expected = Skipped {
            protocol: Protocol::Tcp,
            container: PortRange::single(80),
            host_ip: "::".parse().unwrap(),
            reason: SkipReason::NotGateway,
        };
        assert_eq!(skipped, [expected]);
        assert_eq!(spread("", &Context { is_v4_gateway: false, ..both() }), [":: fd00::2"]);
    }

    #[test]
    fn exact_ports_come_first_then_container_ports_ascend() {
        let bindings = [
            binding("", "", "10", Protocol::Udp),
            binding("", "", "10", Protocol::Tcp),
            binding("", "8000-8010", "5", Protocol::Tcp),
            binding("", "90", "80", Protocol::Sctp),
            binding("", "80", "80", Protocol::Tcp),
        ];
        let (wishes, _) = wishes(&bindings, &both()).unwrap();
        let order: Vec<String> = wishes.iter().map(|w| format!("{}/{}", w.container, w.protocol)).collect();
        assert_eq!(order, ["80/tcp", "80/sctp", "5/tcp", "10/tcp", "10/udp"]);
    }

    #[test]
    fn ten_thousand_single_bindings_are_one_wish_for_each_protocol() {
        let single = |port: u16, protocol| PortBinding {
            container: PortRange::single(port),
            protocol,
            host_ip: None,
            host: Some(PortRange::single(port)),
        };
        let mut bindings: Vec<PortBinding> =
            (20_000..30_000).flat_map(|port| [single(port, Protocol::Udp), single(port, Protocol::Tcp)]).collect();
        bindings.reverse();
        let (wishes, _) = wishes(&bindings, &both()).unwrap();
        assert_eq!(wishes.len(), 2);
        assert!(wishes.iter().all(|wish| wish.container.count() == 10_000 && wish.targets.len() == 2));
    }

    #[test]
    fn bindings_that_differ_in_the_host_address_belong_together() {
        let bindings = [
            binding("127.0.0.1", "", "80-89", Protocol::Tcp),
            binding("192.0.2.1", "", "85", Protocol::Tcp),
            binding("127.0.0.1", "", "80", Protocol::Tcp),
        ];
        let (wishes, _) = wishes(&bindings, &both()).unwrap();
        let seen: Vec<_> = wishes.iter().map(|w| (w.container.to_string(), w.targets.len())).collect();
        assert_eq!(seen, [("80-84".to_owned(), 1), ("85".to_owned(), 2), ("86-89".to_owned(), 1)]);
    }

    #[test]
    fn runs_that_make_no_sense_are_refused() {
        let bad = |container: (u16, u16), host: Option<(u16, u16)>| {
            let range = |(start, end)| PortRange { start, end };
            let binding = PortBinding {
                container: range(container),
                protocol: Protocol::Tcp,
                host_ip: None,
                host: host.map(range),
            };
            wishes(&[binding], &both()).unwrap_err().to_string()
        };
        assert_eq!(bad((0, 0), None), "invalid port specification: \"0/tcp\"");
        assert_eq!(bad((9, 8), None), "invalid port specification: \"9-8/tcp\"");
        assert_eq!(bad((80, 80), Some((0, 5))), "invalid port specification: \"0-5/tcp\"");
        assert_eq!(
            bad((80, 89), Some((80, 85))),
            "invalid ranges specified for container and host ports: 80-89 and 80-85"
        );
    }

    #[test]
    fn the_last_port_is_no_trap() {
        let bindings = [binding("127.0.0.1", "", "1-65535", Protocol::Tcp), binding("::1", "", "65535", Protocol::Tcp)];
        let (wishes, _) = wishes(&bindings, &both()).unwrap();
        assert_eq!(wishes.iter().map(|w| w.container.count()).sum::<u32>(), 65_535);
        assert_eq!(wishes.last().unwrap().targets.len(), 2);
    }
}
