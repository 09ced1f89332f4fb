//! Chains, rules and sets out of netlink attributes.
//!
//! Owns: reading what the kernel tells, also of other hands. Must never panic or fail: what is not understood becomes
//! `Other`, which equals nothing that is wanted, or is left out when it has not even a name.

use super::number::{self, attribute as at, set_flag, verdict_code};
use crate::netlink::{Attribute, attributes};
use pontoon_kernel::nft::{Base, Chain, Data, Element, Field, Key, Rule, Set, SetKind, Value, Verdict};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The value of the first attribute of that type.
pub(super) fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|attribute| attribute.kind == kind).map(|attribute| attribute.value)
}

/// The number, in network byte order, of the first attribute of that type.
pub(super) fn number(bytes: &[u8], kind: u16) -> Option<u32> {
    Some(u32::from_be_bytes(find(bytes, kind)?.try_into().ok()?))
}

/// The text of the first attribute of that type.
pub(super) fn text(bytes: &[u8], kind: u16) -> Option<&str> {
    attributes(bytes).find(|attribute| attribute.kind == kind).and_then(|attribute| attribute.text())
}

/// A chain of `table`, without rules; `None` when it is another table's.
pub(super) fn chain(bytes: &[u8], table: &str) -> Option<Chain> {
    if text(bytes, at::chain::TABLE)? != table {
        return None;
    }
    let base = find(bytes, at::chain::HOOK).and_then(|hook| {
        Some(Base {
            chain_type: number::chain_type_from(text(bytes, at::chain::TYPE)?)?,
            hook: number::hook_from(number(hook, at::hook::NUMBER)?)?,
            priority: number(hook, at::hook::PRIORITY)? as i32,
            policy: number::policy_from(number(bytes, at::chain::POLICY)?)?,
        })
    });
    Some(Chain { name: text(bytes, at::chain::NAME)?.to_owned(), base, rules: Vec::new() })
}

/// A rule of `table` and its chain's name; `None` when it is another table's.
pub(super) fn rule(bytes: &[u8], table: &str) -> Option<(String, Rule)> {
    if text(bytes, at::rule::TABLE)? != table {
        return None;
    }
    let list = find(bytes, at::rule::EXPRESSIONS).unwrap_or_default();
    let exprs = attributes(list).map(|element| super::decode_expr::expression(element.value)).collect();
    let comment = find(bytes, at::rule::USERDATA).and_then(comment).unwrap_or_default();
    Some((text(bytes, at::rule::CHAIN)?.to_owned(), Rule { comment, exprs }))
}

/// The comment in a rule's user data: a list of type, length, value; type 0 is the comment, with its terminator.
fn comment(mut userdata: &[u8]) -> Option<String> {
    while let [kind, len, rest @ ..] = userdata {
        let value = rest.get(..usize::from(*len))?;
        if *kind == 0 {
            let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
            return Some(String::from_utf8_lossy(&value[..end]).into_owned());
        }
        userdata = &rest[usize::from(*len)..];
    }
    None
}

/// A set or map of `table`, without elements; `None` when it is another table's, or part of a rule (anonymous).
pub(super) fn set(bytes: &[u8], table: &str) -> Option<Set> {
    if text(bytes, at::set::TABLE)? != table {
        return None;
    }
    let flags = number(bytes, at::set::FLAGS).unwrap_or(0);
    if flags & set_flag::ANONYMOUS != 0 {
        return None;
    }
    let data = number(bytes, at::set::DATA_TYPE).unwrap_or(0);
    let key = number::fields_from(number(bytes, at::set::KEY_TYPE).unwrap_or(0));
    let known = set_flag::INTERVAL | set_flag::MAP | set_flag::CONCAT;
    let kind = match flags & set_flag::MAP {
        0 => SetKind::Set,
        _ if data == number::DATA_VERDICT => SetKind::VerdictMap,
        _ => SetKind::Map(number::fields_from(data)),
    };
    // Timeouts, elements added by packets and other things of another hand: a key that no wanted set has.
    let key = if flags & !known == 0 { key } else { vec![Field::Other(0)] };
    let name = text(bytes, at::set::NAME)?.to_owned();
    Some(Set { name, key, kind, interval: flags & set_flag::INTERVAL != 0, elements: Default::default() })
}

/// The elements in one message about `set`.
pub(super) fn elements<'a>(bytes: &'a [u8], set: &'a Set) -> impl Iterator<Item = Element> + 'a {
    let list = find(bytes, at::elements::LIST).unwrap_or_default();
    attributes(list).filter_map(|element| self::element(element, set))
}

fn element(attribute: Attribute<'_>, set: &Set) -> Option<Element> {
    let value = |kind| find(find(attribute.value, kind)?, at::data::VALUE);
    let start = values(value(at::element::KEY)?, &set.key);
    let end = value(at::element::KEY_END).map(|end| values(end, &set.key)).unwrap_or_else(|| start.clone());
    let data = find(attribute.value, at::element::DATA).and_then(|data| match &set.kind {
        SetKind::Set => None,
        SetKind::VerdictMap => verdict(data).map(Data::Verdict),
        SetKind::Map(fields) => Some(Data::Values(values(find(data, at::data::VALUE)?, fields))),
    });
    Some(Element { set: set.name.clone().into(), key: Key::range(start, end), data })
}

/// Cuts a value into its fields.
fn values(mut bytes: &[u8], fields: &[Field]) -> Vec<Value> {
    let mut values = Vec::with_capacity(fields.len());
    for field in fields {
        let Some((value, _)) = field.len().and_then(|len| bytes.split_at_checked(len)) else {
            values.push(Value::Other(bytes.to_vec()));
            break;
        };
        values.push(value_of(*field, value));
        bytes = bytes.get(value.len().next_multiple_of(4)..).unwrap_or_default();
    }
    values
}

fn value_of(field: Field, bytes: &[u8]) -> Value {
    let known = match (field, bytes) {
        (Field::IfName, _) => {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            std::str::from_utf8(&bytes[..end]).ok().map(|name| Value::Name(name.to_owned()))
        }
        (Field::Ipv4, _) => <[u8; 4]>::try_from(bytes).ok().map(|octets| Value::Ipv4(Ipv4Addr::from(octets))),
        (Field::Ipv6, _) => <[u8; 16]>::try_from(bytes).ok().map(|octets| Value::Ipv6(Ipv6Addr::from(octets))),
        (Field::Protocol, [number]) => Some(Value::Protocol(*number)),
        (Field::Port, &[high, low]) => Some(Value::Port(u16::from_be_bytes([high, low]))),
        _ => None,
    };
    known.unwrap_or_else(|| Value::Other(bytes.to_vec()))
}

/// The verdict in a data attribute; `None` when it is none or of a kind we never use.
pub(super) fn verdict(data: &[u8]) -> Option<Verdict> {
    let verdict = find(data, at::data::VERDICT)?;
    let chain = || text(verdict, at::verdict::CHAIN).map(str::to_owned);
    match number(verdict, at::verdict::CODE)? {
        verdict_code::DROP => Some(Verdict::Drop),
        verdict_code::ACCEPT => Some(Verdict::Accept),
        verdict_code::RETURN => Some(Verdict::Return),
        verdict_code::JUMP => Some(Verdict::Jump(chain()?)),
        verdict_code::GOTO => Some(Verdict::Goto(chain()?)),
        _ => None,
    }
}
