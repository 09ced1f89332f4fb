//! Rules as text, near to what `nft list` prints.
//!
//! Owns: following values through registers, so that expressions read as sentences. The text is for people and for
//! reviewed snapshots; nothing parses it.

use super::{
    CmpOp, CtDirection, CtKey, Expr, FibFlags, HeaderBase, MetaKey, NatFamily, Register, Rule, Slice, Verdict,
};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Drop => f.write_str("drop"),
            Self::Return => f.write_str("return"),
            Self::Jump(chain) => write!(f, "jump {chain}"),
            Self::Goto(chain) => write!(f, "goto {chain}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reader = Reader::default();
        let words: Vec<String> = self.exprs.iter().filter_map(|expr| reader.read(expr)).collect();
        f.write_str(&words.join(" "))?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, " comment \"{}\"", self.comment) }
    }
}

/// What kind of value a register holds, as far as its text depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Index,
    Name,
    NfProto,
    L4Proto,
    CtState,
    CtStatus,
    CtDirection,
    AddressType,
    Ipv4,
    Ipv6,
    Number,
}

/// A register's content: its text, its sort, and the mask it went through.
#[derive(Clone)]
struct Content {
    text: String,
    sort: Sort,
    mask: Option<Vec<u8>>,
}

/// Reads expressions in order, remembering what each register holds.
#[derive(Default)]
struct Reader {
    registers: BTreeMap<Register, Content>,
}

impl Reader {
    /// The words of `expr`, or `None` when it only fills a register.
    fn read(&mut self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Meta { key, to } => self.load(*to, meta_text(*key), meta_sort(*key)),
            Expr::Ct { key, to } => self.load(*to, ct_text(*key), ct_sort(*key)),
            Expr::Payload { slice, to } => self.load(*to, slice_text(*slice), slice_sort(*slice)),
            Expr::Fib { of: FibFlags::Daddr, to } => self.load(*to, "fib daddr type".into(), Sort::AddressType),
            Expr::Fib { of: FibFlags::Saddr, to } => self.load(*to, "fib saddr type".into(), Sort::AddressType),
            Expr::Immediate { value, to } => self.load(*to, value_text(Sort::Number, value), Sort::Number),
            Expr::Bitwise { from, to, mask, xor } => self.mask(*from, *to, mask, xor),
            Expr::Cmp { op, from, value } => Some(self.compare(*op, *from, value)),
            Expr::Lookup { set, from, inverted } => {
                Some(format!("{} {}@{set}", self.take(*from), if *inverted { "!= " } else { "" }))
            }
            Expr::Map { map, from, to } => {
                let text = format!("{} map @{map}", self.take(*from));
                self.load(*to, text, Sort::Number)
            }
            Expr::VerdictMap { map, from } => Some(format!("{} vmap @{map}", self.take(*from))),
            Expr::Dnat { family, address, .. } => {
                let family = if *family == NatFamily::Ip { "ip" } else { "ip6" };
                Some(format!("dnat {family} to {}", self.text(*address)))
            }
            Expr::PayloadStore { slice, from, .. } => Some(format!("{} set {}", slice_text(*slice), self.text(*from))),
            Expr::Redirect { port } => Some(format!("redirect to :{}", self.text(*port))),
            Expr::Verdict(verdict) => Some(verdict.to_string()),
            Expr::Masquerade => Some("masquerade".into()),
            Expr::Notrack => Some("notrack".into()),
            Expr::Counter => Some("counter".into()),
            Expr::Other(name) => Some(format!("<{name}>")),
        }
    }

    fn load(&mut self, to: Register, text: String, sort: Sort) -> Option<String> {
        self.registers.insert(to, Content { text, sort, mask: None });
        None
    }

    fn mask(&mut self, from: Register, to: Register, mask: &[u8], xor: &[u8]) -> Option<String> {
        let mut content = self.content(from);
        if xor.iter().any(|&byte| byte != 0) {
            let _ = write!(content.text, " ^ {}", hex(xor));
        }
        content.mask = Some(mask.to_vec());
        self.registers.insert(to, content);
        None
    }

    fn compare(&mut self, op: CmpOp, from: Register, value: &[u8]) -> String {
        let content = self.content(from);
        self.take(from);
        let flags = matches!(content.sort, Sort::CtState | Sort::CtStatus);
        match &content.mask {
            // "some of these bits" is written like an equality.
            Some(mask) if flags && op == CmpOp::Ne && value.iter().all(|&byte| byte == 0) => {
                format!("{} {}", content.text, value_text(content.sort, mask))
            }
            Some(mask) => {
                let length: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
                format!("{}{} {}/{length}", content.text, not(op), value_text(content.sort, value))
            }
            None => format!("{}{} {}", content.text, not(op), value_text(content.sort, value)),
        }
    }

    fn content(&self, register: Register) -> Content {
        let unknown = || Content { text: format!("<register {}>", register.0), sort: Sort::Number, mask: None };
        self.registers.get(&register).cloned().unwrap_or_else(unknown)
    }

    fn text(&self, register: Register) -> String {
        self.content(register).text
    }

    /// The key that begins at `from`: it and everything loaded after it. A key is read once.
    fn take(&mut self, from: Register) -> String {
        let key = self.registers.split_off(&from);
        let words: Vec<String> = key.into_values().map(|content| content.text).collect();
        words.join(" . ")
    }
}

fn not(op: CmpOp) -> &'static str {
    if op == CmpOp::Ne { " !=" } else { "" }
}

fn meta_text(key: MetaKey) -> String {
    match key {
        MetaKey::NfProto => "meta nfproto",
        MetaKey::L4Proto => "meta l4proto",
        MetaKey::Iif => "iif",
        MetaKey::IifName => "iifname",
        MetaKey::OifName => "oifname",
    }
    .into()
}

fn meta_sort(key: MetaKey) -> Sort {
    match key {
        MetaKey::NfProto => Sort::NfProto,
        MetaKey::L4Proto => Sort::L4Proto,
        MetaKey::Iif => Sort::Index,
        MetaKey::IifName | MetaKey::OifName => Sort::Name,
    }
}

fn ct_text(key: CtKey) -> String {
    match key {
        CtKey::State => "ct state",
        CtKey::Status => "ct status",
        CtKey::Direction => "ct direction",
    }
    .into()
}

fn ct_sort(key: CtKey) -> Sort {
    match key {
        CtKey::State => Sort::CtState,
        CtKey::Status => Sort::CtStatus,
        CtKey::Direction => Sort::CtDirection,
    }
}

fn slice_text(slice: Slice) -> String {
    let Slice { base, offset, len } = slice;
    match (base, offset, len) {
        (HeaderBase::Network, 12, 1 | 4) => "ip saddr".into(),
        (HeaderBase::Network, 16, 1 | 4) => "ip daddr".into(),
        (HeaderBase::Network, 8, 16) => "ip6 saddr".into(),
        (HeaderBase::Network, 24, 16) => "ip6 daddr".into(),
        (HeaderBase::Transport, 0, 2) => "th sport".into(),
        (HeaderBase::Transport, 2, 2) => "th dport".into(),
        (HeaderBase::Network, ..) => format!("@nh,{},{}", u64::from(offset) * 8, u64::from(len) * 8),
        (HeaderBase::Transport, ..) => format!("@th,{},{}", u64::from(offset) * 8, u64::from(len) * 8),
    }
}

fn slice_sort(slice: Slice) -> Sort {
    match (slice.base, slice.offset, slice.len) {
        (HeaderBase::Network, 12 | 16, 1 | 4) => Sort::Ipv4,
        (HeaderBase::Network, 8 | 24, 16) => Sort::Ipv6,
        _ => Sort::Number,
    }
}

fn value_text(sort: Sort, value: &[u8]) -> String {
    let host_order = || value.try_into().map(u32::from_ne_bytes).unwrap_or(0);
    match (sort, value) {
        (Sort::Name, _) => format!("\"{}\"", String::from_utf8_lossy(value).trim_end_matches('\0')),
        (Sort::Index, _) => host_order().to_string(),
        (Sort::NfProto, [2]) => "ipv4".into(),
        (Sort::NfProto, [10]) => "ipv6".into(),
        (Sort::L4Proto, [number]) => protocol_text(*number),
        (Sort::CtState, _) => bits(host_order(), &[(CtKey::ESTABLISHED, "established"), (CtKey::RELATED, "related")]),
        (Sort::CtStatus, _) => bits(host_order(), &[(CtKey::DNAT, "dnat")]),
        (Sort::CtDirection, [0]) => CtDirection::Original.to_string(),
        (Sort::CtDirection, [1]) => CtDirection::Reply.to_string(),
        (Sort::AddressType, _) if host_order() == FibFlags::LOCAL => "local".into(),
        (Sort::Ipv4, [first]) => format!("{first}.0.0.0/8"),
        (Sort::Ipv4, &[a, b, c, d]) => Ipv4Addr::new(a, b, c, d).to_string(),
        (Sort::Ipv6, _) => <[u8; 16]>::try_from(value).map_or_else(|_| hex(value), |v| Ipv6Addr::from(v).to_string()),
        (Sort::Number, &[high, low]) => u16::from_be_bytes([high, low]).to_string(),
        _ => hex(value),
    }
}

/// A transport protocol's name, or its number.
pub(super) fn protocol_text(number: u8) -> String {
    match number {
        6 => "tcp".into(),
        17 => "udp".into(),
        132 => "sctp".into(),
        other => other.to_string(),
    }
}

fn bits(value: u32, names: &[(u32, &str)]) -> String {
    let known: u32 = names.iter().map(|(bit, _)| bit).sum();
    let mut words: Vec<String> =
        names.iter().filter(|(bit, _)| value & bit != 0).map(|(_, name)| (*name).to_owned()).collect();
    if value & !known != 0 {
        words.push(format!("{:#x}", value & !known));
    }
    words.join(",")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |text, byte| format!("{text}{byte:02x}"))
}

impl fmt::Display for CtDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Original => "original",
            Self::Reply => "reply",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(exprs: Vec<Expr>) -> String {
        Rule { comment: String::new(), exprs }.to_string()
    }

    #[test]
    fn registers_read_as_sentences() {
        let r = Register;
        let key = || {
            vec![
                Expr::Meta { key: MetaKey::L4Proto, to: r(0) },
                Expr::Payload { slice: Slice { base: HeaderBase::Transport, offset: 2, len: 2 }, to: r(1) },
            ]
        };
        let mut dnat = key();
        dnat.push(Expr::Map { map: "m".into(), from: r(0), to: r(0) });
        dnat.push(Expr::Dnat { family: NatFamily::Ip, address: r(0), port: Some(r(1)) });
        assert_eq!(text(dnat), "dnat ip to meta l4proto . th dport map @m");

        let mut lookup = key();
        lookup.push(Expr::Lookup { set: "s".into(), from: r(0), inverted: true });
        lookup.push(Expr::Verdict(Verdict::Drop));
        assert_eq!(text(lookup), "meta l4proto . th dport != @s drop");

        let status = CtKey::DNAT.to_ne_bytes().to_vec();
        let flags = vec![
            Expr::Ct { key: CtKey::Status, to: r(0) },
            Expr::Bitwise { from: r(0), to: r(0), mask: status, xor: vec![0; 4] },
            Expr::Cmp { op: CmpOp::Ne, from: r(0), value: vec![0; 4] },
        ];
        assert_eq!(text(flags), "ct status dnat");
    }

    #[test]
    fn odd_rules_of_other_hands_still_have_a_text() {
        let cmp = Expr::Cmp { op: CmpOp::Ne, from: Register(3), value: vec![1, 2, 3] };
        assert_eq!(text(vec![cmp, Expr::Other("limit".into())]), "<register 3> != 0x010203 <limit>");
        let far = Slice { base: HeaderBase::Network, offset: u32::MAX, len: u32::MAX };
        let store = Expr::PayloadStore { slice: far, from: Register(9), checksum: None };
        assert_eq!(text(vec![store]), "@nh,34359738360,34359738360 set <register 9>");
    }
}
