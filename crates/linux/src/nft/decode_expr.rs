//! Expressions out of netlink attributes.
//!
//! Owns: the mirror of `encode::expression`. An expression with anything we never say (another key, a flag, a
//! range) is `Other`: what equals a wanted rule must do exactly the same. Must never panic or fail.

use super::decode::{find, number, text, verdict};
use super::number::{self as numbers, attribute as at};
use pontoon_kernel::nft::{Checksum, CmpOp, Expr, FibFlags, HeaderBase, NatFamily, Register, Slice};

/// The expression in one element of a rule's list.
pub(super) fn expression(bytes: &[u8]) -> Expr {
    let name = text(bytes, at::expression::NAME).unwrap_or_default();
    let data = find(bytes, at::expression::DATA).unwrap_or_default();
    let known = match name {
        "meta" => meta(data),
        "ct" => ct(data),
        "payload" => payload(data),
        "fib" => fib(data),
        "immediate" => immediate(data),
        "bitwise" => bitwise(data),
        "cmp" => cmp(data),
        "lookup" => lookup(data),
        "nat" => dnat(data),
        "redir" => redirect(data),
        "masq" => masquerade(data),
        "notrack" => Some(Expr::Notrack),
        "counter" => Some(Expr::Counter),
        _ => None,
    };
    known.unwrap_or_else(|| Expr::Other(name.to_owned()))
}

fn register(bytes: &[u8], kind: u16) -> Option<Register> {
    numbers::register_from(number(bytes, kind)?)
}

fn value(bytes: &[u8], kind: u16) -> Option<Vec<u8>> {
    Some(find(find(bytes, kind)?, at::data::VALUE)?.to_vec())
}

/// `None` unless the attribute is missing or zero, or has only bits of `allowed`.
fn no_more_than(bytes: &[u8], kind: u16, allowed: u32) -> Option<()> {
    (number(bytes, kind).unwrap_or(0) & !allowed == 0).then_some(())
}

/// `None` unless the last of a range is missing or the same as the first.
fn no_range(bytes: &[u8], first: u16, last: u16) -> Option<()> {
    (find(bytes, last).is_none() || find(bytes, last) == find(bytes, first)).then_some(())
}

fn meta(bytes: &[u8]) -> Option<Expr> {
    let key = numbers::meta_from(number(bytes, at::load::KEY)?)?;
    Some(Expr::Meta { key, to: register(bytes, at::load::TO)? })
}

fn ct(bytes: &[u8]) -> Option<Expr> {
    let key = numbers::ct_from(number(bytes, at::load::KEY)?)?;
    let plain = find(bytes, at::ct::DIRECTION).is_none();
    plain.then_some(Expr::Ct { key, to: register(bytes, at::load::TO)? })
}

fn payload(bytes: &[u8]) -> Option<Expr> {
    let base = match number(bytes, at::payload::BASE)? {
        base if base == libc::NFT_PAYLOAD_NETWORK_HEADER as u32 => HeaderBase::Network,
        base if base == libc::NFT_PAYLOAD_TRANSPORT_HEADER as u32 => HeaderBase::Transport,
        _ => return None,
    };
    let slice = Slice { base, offset: number(bytes, at::payload::OFFSET)?, len: number(bytes, at::payload::LEN)? };
    if let Some(to) = register(bytes, at::payload::TO) {
        return Some(Expr::Payload { slice, to });
    }
    no_more_than(bytes, at::payload::CHECKSUM_FLAGS, 0)?;
    let checksum = match number(bytes, at::payload::CHECKSUM_TYPE).unwrap_or(0) {
        0 => None,
        kind if kind == libc::NFT_PAYLOAD_CSUM_INET as u32 => {
            Some(Checksum { offset: number(bytes, at::payload::CHECKSUM_OFFSET)? })
        }
        _ => return None,
    };
    Some(Expr::PayloadStore { slice, from: register(bytes, at::payload::FROM)?, checksum })
}

fn fib(bytes: &[u8]) -> Option<Expr> {
    let of = match (number(bytes, at::fib::RESULT)?, number(bytes, at::fib::FLAGS)?) {
        (3, 1) => FibFlags::Saddr,
        (3, 2) => FibFlags::Daddr,
        _ => return None,
    };
    Some(Expr::Fib { of, to: register(bytes, at::fib::TO)? })
}

fn immediate(bytes: &[u8]) -> Option<Expr> {
    if number(bytes, at::load::TO)? == libc::NFT_REG_VERDICT as u32 {
        return verdict(find(bytes, at::load::KEY)?).map(Expr::Verdict);
    }
    Some(Expr::Immediate { value: value(bytes, at::load::KEY)?, to: register(bytes, at::load::TO)? })
}

fn bitwise(bytes: &[u8]) -> Option<Expr> {
    // Operation 0 is mask and xor; newer kernels have others.
    no_more_than(bytes, at::bitwise::OP, 0)?;
    Some(Expr::Bitwise {
        from: register(bytes, at::bitwise::FROM)?,
        to: register(bytes, at::bitwise::TO)?,
        mask: value(bytes, at::bitwise::MASK)?,
        xor: value(bytes, at::bitwise::XOR)?,
    })
}

fn cmp(bytes: &[u8]) -> Option<Expr> {
    let op = match number(bytes, at::cmp::OP)? {
        op if op == libc::NFT_CMP_EQ as u32 => CmpOp::Eq,
        op if op == libc::NFT_CMP_NEQ as u32 => CmpOp::Ne,
        _ => return None,
    };
    Some(Expr::Cmp { op, from: register(bytes, at::cmp::FROM)?, value: value(bytes, at::cmp::DATA)? })
}

fn lookup(bytes: &[u8]) -> Option<Expr> {
    let set = text(bytes, at::lookup::SET)?.to_owned();
    let from = register(bytes, at::lookup::FROM)?;
    let inverted = number(bytes, at::lookup::FLAGS).unwrap_or(0) == 1;
    match number(bytes, at::lookup::TO) {
        None => Some(Expr::Lookup { set, from, inverted }),
        Some(to) if to == libc::NFT_REG_VERDICT as u32 => Some(Expr::VerdictMap { map: set, from }),
        Some(to) => Some(Expr::Map { map: set, from, to: numbers::register_from(to)? }),
    }
}

fn dnat(bytes: &[u8]) -> Option<Expr> {
    if number(bytes, at::nat::TYPE)? != libc::NFT_NAT_DNAT as u32 {
        return None;
    }
    no_more_than(bytes, at::nat::FLAGS, numbers::NAT_IMPLIED)?;
    no_range(bytes, at::nat::ADDRESS, at::nat::ADDRESS_MAX)?;
    no_range(bytes, at::nat::PORT, at::nat::PORT_MAX)?;
    let family = match number(bytes, at::nat::FAMILY)? {
        family if family == libc::NFPROTO_IPV4 as u32 => NatFamily::Ip,
        family if family == libc::NFPROTO_IPV6 as u32 => NatFamily::Ip6,
        _ => return None,
    };
    Some(Expr::Dnat { family, address: register(bytes, at::nat::ADDRESS)?, port: register(bytes, at::nat::PORT) })
}

fn redirect(bytes: &[u8]) -> Option<Expr> {
    no_more_than(bytes, at::redirect::FLAGS, numbers::NAT_IMPLIED)?;
    no_range(bytes, at::redirect::PORT, at::redirect::PORT_MAX)?;
    Some(Expr::Redirect { port: register(bytes, at::redirect::PORT)? })
}

fn masquerade(bytes: &[u8]) -> Option<Expr> {
    no_more_than(bytes, at::masquerade::FLAGS, 0)?;
    find(bytes, at::masquerade::PORT).is_none().then_some(Expr::Masquerade)
}
