//! A small language to write rules in: each method appends what `nft` would compile its words to.
//!
//! Owns: registers and byte layouts, so that the rules themselves read like rules. Keys always begin at the first
//! register; nothing is kept in registers from one match to the next.

use pontoon_kernel::nft::{
    Checksum, CmpOp, CtDirection, CtKey, Expr, FibFlags, HeaderBase, MetaKey, NatFamily, Register, Rule, Slice, Verdict,
};
use pontoon_types::Protocol;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A family in `meta nfproto` and in NAT.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ip {
    V4,
    V6,
}

/// Something of a packet that can be compared or be part of a key.
#[derive(Clone, Copy)]
pub(crate) enum Fact {
    IifName,
    OifName,
    L4Proto,
    Saddr(Ip),
    Daddr(Ip),
    Sport,
    Dport,
}

impl Fact {
    /// Registers it takes, four bytes each.
    fn registers(self) -> u8 {
        match self {
            Self::IifName | Self::OifName | Self::Saddr(Ip::V6) | Self::Daddr(Ip::V6) => 4,
            Self::L4Proto | Self::Saddr(Ip::V4) | Self::Daddr(Ip::V4) | Self::Sport | Self::Dport => 1,
        }
    }

    fn load(self, to: Register) -> Expr {
        let network = |offset, len| Slice { base: HeaderBase::Network, offset, len };
        let transport = |offset| Slice { base: HeaderBase::Transport, offset, len: 2 };
        let slice = match self {
            Self::IifName => return Expr::Meta { key: MetaKey::IifName, to },
            Self::OifName => return Expr::Meta { key: MetaKey::OifName, to },
            Self::L4Proto => return Expr::Meta { key: MetaKey::L4Proto, to },
            Self::Saddr(Ip::V4) => network(12, 4),
            Self::Daddr(Ip::V4) => network(16, 4),
            Self::Saddr(Ip::V6) => network(8, 16),
            Self::Daddr(Ip::V6) => network(24, 16),
            Self::Sport => transport(0),
            Self::Dport => transport(2),
        };
        Expr::Payload { slice, to }
    }
}

const FIRST: Register = Register(0);

/// A rule being written.
pub(crate) struct Line {
    comment: String,
    exprs: Vec<Expr>,
}

/// Begins a rule; `comment` says what it is for.
pub(crate) fn line(comment: &str) -> Line {
    Line { comment: comment.to_owned(), exprs: Vec::new() }
}

impl Line {
    fn with(mut self, expr: Expr) -> Self {
        self.exprs.push(expr);
        self
    }

    fn key(mut self, facts: &[Fact]) -> Self {
        let mut next = FIRST.0;
        for fact in facts {
            self.exprs.push(fact.load(Register(next)));
            next += fact.registers();
        }
        self
    }

    fn compare(self, op: CmpOp, value: impl Into<Vec<u8>>) -> Self {
        self.with(Expr::Cmp { op, from: FIRST, value: value.into() })
    }

    fn end(self) -> Rule {
        Rule { comment: self.comment, exprs: self.exprs }
    }

    /// `meta nfproto …`
    pub(crate) fn family(self, ip: Ip) -> Self {
        let number = if ip == Ip::V4 { 2 } else { 10 };
        self.with(Expr::Meta { key: MetaKey::NfProto, to: FIRST }).compare(CmpOp::Eq, [number])
    }

    /// `meta l4proto …`
    pub(crate) fn protocol(self, protocol: Protocol) -> Self {
        self.key(&[Fact::L4Proto]).compare(CmpOp::Eq, [protocol.number()])
    }

    /// `iifname "…"`
    pub(crate) fn came_by(self, name: &str) -> Self {
        let mut bytes = [0; 16];
        // Names have at most 15 bytes; the rest stays zero, as the kernel compares all sixteen.
        bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        self.key(&[Fact::IifName]).compare(CmpOp::Eq, bytes)
    }

    /// Made by this host, not received (nor passing a bridge): it has no incoming link.
    pub(crate) fn made_here(self) -> Self {
        self.with(Expr::Meta { key: MetaKey::Iif, to: FIRST }).compare(CmpOp::Eq, [0; 4])
    }

    /// `ip saddr 127.0.0.0/8`, `ip daddr …`
    pub(crate) fn loopback4(self, fact: Fact) -> Self {
        let offset = if matches!(fact, Fact::Saddr(_)) { 12 } else { 16 };
        let slice = Slice { base: HeaderBase::Network, offset, len: 1 };
        self.family(Ip::V4).with(Expr::Payload { slice, to: FIRST }).compare(CmpOp::Eq, [127])
    }

    /// `ip saddr …`, `ip daddr …` in a table of family `ip`
    pub(crate) fn address4(self, fact: Fact, address: Ipv4Addr) -> Self {
        self.key(&[fact]).compare(CmpOp::Eq, address.octets())
    }

    /// `ip6 saddr …`, `ip6 daddr …`
    pub(crate) fn address6(self, fact: Fact, address: Ipv6Addr) -> Self {
        self.family(Ip::V6).key(&[fact]).compare(CmpOp::Eq, address.octets())
    }

    /// `ip6 saddr fe80::/10`
    pub(crate) fn link_local6(self) -> Self {
        let (mut mask, mut prefix) = ([0; 16], [0; 16]);
        mask[..2].copy_from_slice(&[0xff, 0xc0]);
        prefix[..2].copy_from_slice(&[0xfe, 0x80]);
        let bits = Expr::Bitwise { from: FIRST, to: FIRST, mask: mask.into(), xor: vec![0; 16] };
        self.family(Ip::V6).key(&[Fact::Saddr(Ip::V6)]).with(bits).compare(CmpOp::Eq, prefix)
    }

    /// `th sport …`, `th dport …`
    pub(crate) fn port(self, fact: Fact, port: u16) -> Self {
        self.key(&[fact]).compare(CmpOp::Eq, port.to_be_bytes())
    }

    /// `fib daddr type local`
    pub(crate) fn destined_here(self) -> Self {
        self.with(Expr::Fib { of: FibFlags::Daddr, to: FIRST }).compare(CmpOp::Eq, FibFlags::LOCAL.to_ne_bytes())
    }

    /// `ct status dnat`
    pub(crate) fn translated(self) -> Self {
        self.with(Expr::Ct { key: CtKey::Status, to: FIRST }).any_bit(CtKey::DNAT)
    }

    /// `ct state related`
    pub(crate) fn related(self) -> Self {
        self.with(Expr::Ct { key: CtKey::State, to: FIRST }).any_bit(CtKey::RELATED)
    }

    /// `ct direction reply`
    pub(crate) fn answer(self) -> Self {
        let number = CtDirection::Reply as u8;
        self.with(Expr::Ct { key: CtKey::Direction, to: FIRST }).compare(CmpOp::Eq, [number])
    }

    fn any_bit(self, bits: u32) -> Self {
        let mask = bits.to_ne_bytes().to_vec();
        self.with(Expr::Bitwise { from: FIRST, to: FIRST, mask, xor: vec![0; 4] }).compare(CmpOp::Ne, [0; 4])
    }

    /// `… . … @set`
    pub(crate) fn member(self, facts: &[Fact], set: &str) -> Self {
        self.key(facts).with(Expr::Lookup { set: set.into(), from: FIRST, inverted: false })
    }

    /// `… vmap @map`
    pub(crate) fn follow(self, fact: Fact, map: &str) -> Rule {
        self.key(&[fact]).with(Expr::VerdictMap { map: map.into(), from: FIRST }).end()
    }

    /// `dnat … to … map @map`, data being an address and a port
    pub(crate) fn dnat(self, ip: Ip, facts: &[Fact], map: &str) -> Rule {
        let port = Register(if ip == Ip::V4 { 1 } else { 4 });
        self.dnat_by(ip, facts, map, Some(port))
    }

    /// `dnat … to … map @map`, data being an address; the port stays
    pub(crate) fn dnat_same_port(self, ip: Ip, facts: &[Fact], map: &str) -> Rule {
        self.dnat_by(ip, facts, map, None)
    }

    fn dnat_by(self, ip: Ip, facts: &[Fact], map: &str, port: Option<Register>) -> Rule {
        let family = if ip == Ip::V4 { NatFamily::Ip } else { NatFamily::Ip6 };
        self.key(facts)
            .with(Expr::Map { map: map.into(), from: FIRST, to: FIRST })
            .with(Expr::Dnat { family, address: FIRST, port })
            .end()
    }

    /// `redirect to :port`
    pub(crate) fn redirect(self, port: u16) -> Rule {
        self.with(Expr::Immediate { value: port.to_be_bytes().into(), to: FIRST })
            .with(Expr::Redirect { port: FIRST })
            .end()
    }

    /// `notrack th sport|dport set port`, correcting the checksum of `protocol`, then `accept`
    pub(crate) fn rewrite(self, protocol: Protocol, fact: Fact, port: u16) -> Rule {
        let offset = if matches!(fact, Fact::Sport) { 0 } else { 2 };
        let slice = Slice { base: HeaderBase::Transport, offset, len: 2 };
        let checksum = match protocol {
            Protocol::Tcp => Some(Checksum { offset: 16 }),
            Protocol::Udp => Some(Checksum { offset: 6 }),
            // SCTP has a CRC over the whole packet, which nf_tables corrects by itself when asked for; not used here.
            Protocol::Sctp => None,
        };
        self.with(Expr::Notrack)
            .with(Expr::Immediate { value: port.to_be_bytes().into(), to: FIRST })
            .with(Expr::PayloadStore { slice, from: FIRST, checksum })
            .accept()
    }

    /// `masquerade`
    pub(crate) fn masquerade(self) -> Rule {
        self.with(Expr::Masquerade).end()
    }

    /// `goto chain`
    pub(crate) fn goto(self, chain: &str) -> Rule {
        self.with(Expr::Verdict(Verdict::Goto(chain.into()))).end()
    }

    /// `jump chain`
    pub(crate) fn jump(self, chain: &str) -> Rule {
        self.with(Expr::Verdict(Verdict::Jump(chain.into()))).end()
    }

    /// `accept`
    pub(crate) fn accept(self) -> Rule {
        self.with(Expr::Verdict(Verdict::Accept)).end()
    }

    /// `counter drop`: what is dropped can be counted by the operator
    pub(crate) fn drop(self) -> Rule {
        self.with(Expr::Counter).with(Expr::Verdict(Verdict::Drop)).end()
    }
}
