//! Names under `in-addr.arpa` and `ip6.arpa`, read back into addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that a reverse name stands for; `None` for names that stand for none, or for a whole subnet.
///
/// Case does not matter (RFC 4343); Docker forwards upper-case suffixes.
pub(crate) fn address(name: &str) -> Option<IpAddr> {
    if let Some(digits) = strip_suffix(name, ".in-addr.arpa") {
        return ipv4(digits).map(IpAddr::V4);
    }
    ipv6(strip_suffix(name, ".ip6.arpa")?).map(IpAddr::V6)
}

fn strip_suffix<'n>(name: &'n str, suffix: &str) -> Option<&'n str> {
    let (rest, end) = name.split_at_checked(name.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(rest)
}

fn ipv4(digits: &str) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut labels = digits.split('.');
    for octet in octets.iter_mut().rev() {
        let label = labels.next()?;
        if label.len() > 1 && label.starts_with('0') || !label.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = label.parse().ok()?;
    }
    labels.next().is_none().then_some(Ipv4Addr::from(octets))
}

fn ipv6(digits: &str) -> Option<Ipv6Addr> {
    let mut bits = 0u128;
    let mut labels = digits.split('.');
    for place in 0..32 {
        let [digit] = labels.next()?.as_bytes() else { return None };
        let value = char::from(*digit).to_digit(16)?;
        bits |= u128::from(value) << (4 * place);
    }
    labels.next().is_none().then_some(Ipv6Addr::from(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_names_are_read() {
        let nibbles = |address: &str| {
            let address: Ipv6Addr = address.parse().unwrap();
            let digits = address.octets().map(|octet| format!("{octet:02x}")).concat();
            let labels: Vec<String> = digits.chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa", labels.join("."))
        };
        let cases = [
            ("2.0.0.10.in-addr.arpa".to_owned(), Some("10.0.0.2")),
            ("2.0.0.10.IN-ADDR.arpa".to_owned(), Some("10.0.0.2")),
            (nibbles("fd00::1a"), Some("fd00::1a")),
            (nibbles("fd00::1a").to_uppercase(), Some("fd00::1a")),
            ("0.0.10.in-addr.arpa".to_owned(), None),
            ("1.2.0.0.10.in-addr.arpa".to_owned(), None),
            ("256.0.0.10.in-addr.arpa".to_owned(), None),
            ("02.0.0.10.in-addr.arpa".to_owned(), None),
            ("+2.0.0.10.in-addr.arpa".to_owned(), None),
            ("in-addr.arpa".to_owned(), None),
            (".in-addr.arpa".to_owned(), None),
            (nibbles("fd00::1")[2..].to_owned(), None),
            (nibbles("fd00::1").replacen('1', "g", 1), None),
            ("web".to_owned(), None),
            ("ü.in-addr.arp".to_owned(), None),
        ];
        for (name, expected) in cases {
            assert_eq!(address(&name), expected.map(|text| text.parse().unwrap()), "{name}");
        }
    }
}
