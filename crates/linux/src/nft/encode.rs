//! Chains, rules and sets as netlink attributes.
//!
//! Owns: how each value of `pontoon_kernel::nft` is said to the kernel. Pure; must never send anything.

use super::number::{self, attribute as at, set_flag, verdict_code};
use crate::netlink::Attributes;
use pontoon_kernel::nft::{
    Chain, CmpOp, Data, Element, Expr, FibFlags, Field, HeaderBase, NatFamily, Register, Rule, Set, SetKind, Slice,
    Value, Verdict,
};

/// A chain without its rules.
pub(super) fn chain(table: &str, chain: &Chain) -> Attributes {
    let named = Attributes::default().text(at::chain::TABLE, table).text(at::chain::NAME, &chain.name);
    let Some(base) = &chain.base else { return named };
    let hook = Attributes::default()
        .number(at::hook::NUMBER, number::hook(base.hook))
        .number(at::hook::PRIORITY, base.priority as u32);
    named
        .nest(at::chain::HOOK, hook)
        .number(at::chain::POLICY, number::policy(base.policy))
        .text(at::chain::TYPE, &base.chain_type.to_string())
}

/// A rule at the end of a chain.
pub(super) fn rule(table: &str, chain: &str, rule: &Rule) -> Attributes {
    let list = |list: Attributes, expr: &Expr| list.nest(at::list::ELEMENT, expression(expr));
    let named = Attributes::default()
        .text(at::rule::TABLE, table)
        .text(at::rule::CHAIN, chain)
        .nest(at::rule::EXPRESSIONS, rule.exprs.iter().fold(Attributes::default(), list));
    if rule.comment.is_empty() { named } else { named.with(at::rule::USERDATA, &comment(&rule.comment)) }
}

/// A comment as `nft` stores it: type 0, length, text, terminator.
fn comment(text: &str) -> Vec<u8> {
    let text = &text.as_bytes()[..text.floor_char_boundary(127)];
    [&[0, text.len() as u8 + 1][..], text, &[0]].concat()
}

/// A set or map without its elements. `id` must be unique in the batch.
pub(super) fn set(table: &str, set: &Set, id: u32) -> Attributes {
    let ranges = if set.interval { set_flag::INTERVAL | set_flag::CONCAT } else { 0 };
    let map = if set.kind == SetKind::Set { 0 } else { set_flag::MAP };
    let attributes = Attributes::default()
        .text(at::set::TABLE, table)
        .text(at::set::NAME, &set.name)
        .number(at::set::FLAGS, ranges | map)
        .number(at::set::KEY_TYPE, number::fields(&set.key))
        .number(at::set::KEY_LEN, length(&set.key))
        .number(at::set::ID, id);
    // Names are in "host order" to nft, which prints lone ones as empty text unless told so: user data of type 0 (byte
    // order of the key), four bytes, 1.
    let attributes = match set.key[..] {
        [Field::IfName] => attributes.with(at::set::USERDATA, &[&[0, 4][..], &1u32.to_ne_bytes()].concat()),
        _ => attributes,
    };
    let attributes = match &set.kind {
        SetKind::Set => attributes,
        SetKind::VerdictMap => attributes.number(at::set::DATA_TYPE, number::DATA_VERDICT),
        SetKind::Map(data) => {
            attributes.number(at::set::DATA_TYPE, number::fields(data)).number(at::set::DATA_LEN, length(data))
        }
    };
    if set.interval { attributes.nest(at::set::DESCRIPTION, concatenation(&set.key)) } else { attributes }
}

/// How long the fields of a key of ranges are.
fn concatenation(fields: &[Field]) -> Attributes {
    let list = fields.iter().fold(Attributes::default(), |list, field| {
        let len = field.len().unwrap_or(0) as u32;
        list.nest(at::list::ELEMENT, Attributes::default().number(at::set::FIELD_LEN, len))
    });
    Attributes::default().nest(at::set::DESCRIPTION_CONCAT, list)
}

/// Bytes of a key or of data: in a concatenation each field is padded to whole registers.
fn length(fields: &[Field]) -> u32 {
    let len = |field: &Field| field.len().unwrap_or(0) as u32;
    match fields {
        [single] => len(single),
        several => several.iter().map(|field| len(field).next_multiple_of(4)).sum(),
    }
}

/// An element, without the list around it.
pub(super) fn element(element: &Element, with_data: bool) -> Attributes {
    let value = |values: &[Value]| Attributes::default().with(at::data::VALUE, &bytes(values));
    let mut attributes = Attributes::default().nest(at::element::KEY, value(&element.key.start));
    if let Some(end) = &element.key.end {
        attributes = attributes.nest(at::element::KEY_END, value(end));
    }
    match &element.data {
        Some(Data::Values(values)) if with_data => attributes.nest(at::element::DATA, value(values)),
        Some(Data::Verdict(to)) if with_data => attributes.nest(at::element::DATA, verdict(to)),
        _ => attributes,
    }
}

/// Values as they lie in registers.
fn bytes(values: &[Value]) -> Vec<u8> {
    let concatenated = values.len() > 1;
    let mut bytes = Vec::new();
    for value in values {
        match value {
            Value::Name(name) => {
                let end = bytes.len() + 16;
                bytes.extend(name.bytes().take(15));
                bytes.resize(end, 0);
            }
            Value::Ipv4(address) => bytes.extend(address.octets()),
            Value::Ipv6(address) => bytes.extend(address.octets()),
            Value::Protocol(number) => bytes.push(*number),
            Value::Port(port) => bytes.extend(port.to_be_bytes()),
            Value::Other(other) => bytes.extend(other),
        }
        if concatenated {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
    }
    bytes
}

fn verdict(verdict: &Verdict) -> Attributes {
    let (code, chain) = match verdict {
        Verdict::Drop => (verdict_code::DROP, None),
        Verdict::Accept => (verdict_code::ACCEPT, None),
        Verdict::Return => (verdict_code::RETURN, None),
        Verdict::Jump(chain) => (verdict_code::JUMP, Some(chain)),
        Verdict::Goto(chain) => (verdict_code::GOTO, Some(chain)),
    };
    let inner = Attributes::default().number(at::verdict::CODE, code);
    let inner = match chain {
        Some(chain) => inner.text(at::verdict::CHAIN, chain),
        None => inner,
    };
    Attributes::default().nest(at::data::VERDICT, inner)
}

/// One expression: its name and what it needs.
fn expression(expr: &Expr) -> Attributes {
    let (name, data) = match expr {
        Expr::Meta { key, to } => ("meta", load(*to).number(at::load::KEY, number::meta(*key))),
        Expr::Ct { key, to } => ("ct", load(*to).number(at::load::KEY, number::ct(*key))),
        Expr::Payload { slice, to } => ("payload", payload(*slice).register(at::payload::TO, *to)),
        Expr::PayloadStore { slice, from, checksum } => {
            let store = payload(*slice).register(at::payload::FROM, *from);
            (
                "payload",
                match checksum {
                    Some(checksum) => store
                        .number(at::payload::CHECKSUM_TYPE, libc::NFT_PAYLOAD_CSUM_INET as u32)
                        .number(at::payload::CHECKSUM_OFFSET, checksum.offset),
                    None => store,
                },
            )
        }
        Expr::Fib { of, to } => ("fib", fib(*of, *to)),
        Expr::Immediate { value, to } => ("immediate", load(*to).value(at::load::KEY, value)),
        Expr::Verdict(to) => {
            let verdict = verdict(to);
            let register = Attributes::default().number(at::load::TO, libc::NFT_REG_VERDICT as u32);
            ("immediate", register.nest(at::load::KEY, verdict))
        }
        Expr::Bitwise { from, to, mask, xor } => ("bitwise", bitwise(*from, *to, mask, xor)),
        Expr::Cmp { op, from, value } => {
            let op = if *op == CmpOp::Eq { libc::NFT_CMP_EQ } else { libc::NFT_CMP_NEQ };
            let register = Attributes::default().register(at::cmp::FROM, *from);
            ("cmp", register.number(at::cmp::OP, op as u32).value(at::cmp::DATA, value))
        }
        Expr::Lookup { set, from, inverted } => {
            let flags = u32::from(*inverted);
            ("lookup", lookup(set, *from).number(at::lookup::FLAGS, flags))
        }
        Expr::Map { map, from, to } => ("lookup", lookup(map, *from).register(at::lookup::TO, *to)),
        Expr::VerdictMap { map, from } => {
            ("lookup", lookup(map, *from).number(at::lookup::TO, libc::NFT_REG_VERDICT as u32))
        }
        Expr::Dnat { family, address, port } => ("nat", dnat(*family, *address, *port)),
        Expr::Masquerade => ("masq", Attributes::default()),
        Expr::Redirect { port } => ("redir", Attributes::default().register(at::redirect::PORT, *port)),
        Expr::Notrack => ("notrack", Attributes::default()),
        Expr::Counter => ("counter", Attributes::default()),
        // Never wanted; the kernel refuses the bare name, and says which.
        Expr::Other(name) => (name.as_str(), Attributes::default()),
    };
    Attributes::default().text(at::expression::NAME, name).nest(at::expression::DATA, data)
}

fn load(to: Register) -> Attributes {
    Attributes::default().register(at::load::TO, to)
}

fn payload(slice: Slice) -> Attributes {
    let base = match slice.base {
        HeaderBase::Network => libc::NFT_PAYLOAD_NETWORK_HEADER,
        HeaderBase::Transport => libc::NFT_PAYLOAD_TRANSPORT_HEADER,
    };
    Attributes::default()
        .number(at::payload::BASE, base as u32)
        .number(at::payload::OFFSET, slice.offset)
        .number(at::payload::LEN, slice.len)
}

/// `NFT_FIB_RESULT_ADDRTYPE` is 3; the flags are 1 for the source and 2 for the destination.
fn fib(of: FibFlags, to: Register) -> Attributes {
    let flags = match of {
        FibFlags::Saddr => 1,
        FibFlags::Daddr => 2,
    };
    Attributes::default().register(at::fib::TO, to).number(at::fib::RESULT, 3).number(at::fib::FLAGS, flags)
}

fn bitwise(from: Register, to: Register, mask: &[u8], xor: &[u8]) -> Attributes {
    Attributes::default()
        .register(at::bitwise::FROM, from)
        .register(at::bitwise::TO, to)
        .number(at::bitwise::LEN, mask.len() as u32)
        .value(at::bitwise::MASK, mask)
        .value(at::bitwise::XOR, xor)
}

fn lookup(set: &str, from: Register) -> Attributes {
    Attributes::default().text(at::lookup::SET, set).register(at::lookup::FROM, from)
}

fn dnat(family: NatFamily, address: Register, port: Option<Register>) -> Attributes {
    let family = match family {
        NatFamily::Ip => libc::NFPROTO_IPV4,
        NatFamily::Ip6 => libc::NFPROTO_IPV6,
    };
    let attributes = Attributes::default()
        .number(at::nat::TYPE, libc::NFT_NAT_DNAT as u32)
        .number(at::nat::FAMILY, family as u32)
        .register(at::nat::ADDRESS, address);
    match port {
        Some(port) => attributes.register(at::nat::PORT, port),
        None => attributes,
    }
}

impl Attributes {
    /// A number in network byte order, as nf_tables wants all of them.
    pub(super) fn number(self, kind: u16, number: u32) -> Self {
        self.with(kind, &number.to_be_bytes())
    }

    /// Text with its terminator.
    pub(super) fn text(self, kind: u16, text: &str) -> Self {
        self.with(kind, &[text.as_bytes(), &[0]].concat())
    }

    fn register(self, kind: u16, register: Register) -> Self {
        self.number(kind, number::register(register))
    }

    fn value(self, kind: u16, value: &[u8]) -> Self {
        self.nest(kind, Self::default().with(at::data::VALUE, value))
    }
}
