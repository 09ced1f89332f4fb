//! Addresses and prefixes as Go's `net/netip` reads them, with its error texts: clients see those.
//!
//! Owns: the grammar of `netip.ParseAddr` and `netip.ParsePrefix` (Go 1.25). Must never decide what an address is for.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with the zone that Go accepts behind an IPv6 address (`fe80::1%eth0`).
pub(crate) type Zoned = (IpAddr, Option<String>);

/// Go's text about `input`, with the place `at` which it stumbled over; empty for the whole.
struct Fault {
    text: &'static str,
    at: String,
}

impl Fault {
    fn whole(text: &'static str) -> Self {
        Self { text, at: String::new() }
    }

    fn at(text: &'static str, place: &[u8]) -> Self {
        Self { text, at: String::from_utf8_lossy(place).into_owned() }
    }
}

/// `text` in Go's `strconv.Quote` form.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => quoted.push_str(&format!("\\x{:02x}", c as u32)),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `netip.ParseAddr`; the error is Go's text.
pub(crate) fn parse_address(text: &str) -> Result<Zoned, String> {
    let found = match text.bytes().find(|c| matches!(c, b'.' | b':' | b'%')) {
        Some(b'.') => v4(text.as_bytes()).map(|octets| (IpAddr::V4(Ipv4Addr::from(octets)), None)),
        Some(b':') => v6(text),
        Some(_) => Err(Fault::whole("missing IPv6 address")),
        None => Err(Fault::whole("unable to parse IP")),
    };
    found.map_err(|fault| match fault.at.as_str() {
        "" => format!("ParseAddr({}): {}", quote(text), fault.text),
        at => format!("ParseAddr({}): {} (at {})", quote(text), fault.text, quote(at)),
    })
}

/// `netip.ParsePrefix`; host bits are kept. The error is Go's text.
pub(crate) fn parse_prefix(text: &str) -> Result<IpNet, String> {
    let bad = |cause: String| format!("netip.ParsePrefix({}): {cause}", quote(text));
    let (address, bits) = text.rsplit_once('/').ok_or_else(|| bad("no '/'".into()))?;
    let (address, zone) = parse_address(address).map_err(bad)?;
    if zone.is_some() {
        return Err(bad("IPv6 zones cannot be present in a prefix".into()));
    }
    let plain = bits == "0" || (!bits.starts_with('0') && bits.bytes().all(|c| c.is_ascii_digit()));
    let length = plain.then(|| bits.parse::<u32>().ok()).flatten();
    let length = length.ok_or_else(|| bad(format!("bad bits after slash: {}", quote(bits))))?;
    let fits = u8::try_from(length).ok().and_then(|length| IpNet::new(address, length).ok());
    fits.ok_or_else(|| bad("prefix length out of range".into()))
}

fn v4(text: &[u8]) -> Result<[u8; 4], Fault> {
    let (mut octets, mut place, mut value, mut digits) = ([0u8; 4], 0, 0u32, 0);
    for (i, &c) in text.iter().enumerate() {
        match c {
            b'0'..=b'9' if digits == 1 && value == 0 => {
                return Err(Fault::whole("IPv4 field has octet with leading zero"));
            }
            b'0'..=b'9' => {
                value = value * 10 + u32::from(c - b'0');
                digits += 1;
                if value > 255 {
                    return Err(Fault::whole("IPv4 field has value >255"));
                }
            }
            b'.' if digits == 0 || i + 1 == text.len() => {
                return Err(Fault::at("IPv4 field must have at least one digit", &text[i..]));
            }
            b'.' if place == 3 => return Err(Fault::whole("IPv4 address too long")),
            b'.' => {
                octets[place] = value as u8;
                (place, value, digits) = (place + 1, 0, 0);
            }
            _ => return Err(Fault::at("unexpected character", &text[i..])),
        }
    }
    if place < 3 {
        return Err(Fault::whole("IPv4 address too short"));
    }
    octets[3] = value as u8;
    Ok(octets)
}

fn v6(text: &str) -> Result<Zoned, Fault> {
    let (address, zone) = match text.split_once('%') {
        Some((_, "")) => return Err(Fault::whole("zone must be a non-empty string")),
        Some((address, zone)) => (address, Some(zone.to_owned())),
        None => (text, None),
    };
    let mut parser = V6 { rest: address.as_bytes(), bytes: [0; 16], filled: 0, ellipsis: None };
    if let Some(rest) = address.strip_prefix("::") {
        (parser.rest, parser.ellipsis) = (rest.as_bytes(), Some(0));
    }
    if !parser.rest.is_empty() || parser.ellipsis.is_none() {
        parser.fields()?;
    }
    Ok((IpAddr::V6(Ipv6Addr::from(parser.finish()?)), zone))
}

struct V6<'a> {
    rest: &'a [u8],
    bytes: [u8; 16],
    filled: usize,
    ellipsis: Option<usize>,
}

impl V6<'_> {
    fn fields(&mut self) -> Result<(), Fault> {
        while self.filled < 16 {
            let (value, length) = hex_field(self.rest)?;
            if self.rest.get(length) == Some(&b'.') {
                return self.embedded_v4();
            }
            self.bytes[self.filled..self.filled + 2].copy_from_slice(&value.to_be_bytes());
            self.filled += 2;
            self.rest = &self.rest[length..];
            if self.rest.is_empty() || self.separator()? {
                break;
            }
        }
        Ok(())
    }

    /// Takes the colon, and a second one; says whether the address ends there.
    fn separator(&mut self) -> Result<bool, Fault> {
        if self.rest[0] != b':' {
            return Err(Fault::at("unexpected character, want colon", self.rest));
        }
        if self.rest.len() == 1 {
            return Err(Fault::at("colon must be followed by more characters", self.rest));
        }
        self.rest = &self.rest[1..];
        if self.rest[0] != b':' {
            return Ok(false);
        }
        if self.ellipsis.is_some() {
            return Err(Fault::at("multiple :: in address", self.rest));
        }
        self.ellipsis = Some(self.filled);
        self.rest = &self.rest[1..];
        Ok(self.rest.is_empty())
    }

    fn embedded_v4(&mut self) -> Result<(), Fault> {
        if self.ellipsis.is_none() && self.filled != 12 {
            let text = "embedded IPv4 address must replace the final 2 fields of the address";
            return Err(Fault::at(text, self.rest));
        }
        if self.filled + 4 > 16 {
            let text = "too many hex fields to fit an embedded IPv4 at the end of the address";
            return Err(Fault::at(text, self.rest));
        }
        self.bytes[self.filled..self.filled + 4].copy_from_slice(&v4(self.rest)?);
        self.filled += 4;
        self.rest = &[];
        Ok(())
    }

    fn finish(mut self) -> Result<[u8; 16], Fault> {
        if !self.rest.is_empty() {
            return Err(Fault::at("trailing garbage after address", self.rest));
        }
        match self.ellipsis {
            None if self.filled < 16 => Err(Fault::whole("address string too short")),
            Some(_) if self.filled == 16 => Err(Fault::whole("the :: must expand to at least one field of zeros")),
            Some(place) => {
                let gap = 16 - self.filled;
                self.bytes.copy_within(place..self.filled, place + gap);
                self.bytes[place..place + gap].fill(0);
                Ok(self.bytes)
            }
            None => Ok(self.bytes),
        }
    }
}

fn hex_field(text: &[u8]) -> Result<(u16, usize), Fault> {
    let (mut value, mut length) = (0u32, 0);
    while let Some(digit) = text.get(length).and_then(|&c| (c as char).to_digit(16)) {
        if length > 3 {
            return Err(Fault::at("each group must have 4 or fewer digits", text));
        }
        value = value << 4 | digit;
        length += 1;
    }
    if length == 0 {
        return Err(Fault::at("each colon-separated field must have at least one digit", text));
    }
    Ok((value as u16, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn malformed_addresses_get_gos_texts() {
        for (text, error) in [
            ("x", "unable to parse IP"),
            ("", "unable to parse IP"),
            ("10.0.0.1/24", "unexpected character (at \"/24\")"),
            ("10.0.0.256", "IPv4 field has value >255"),
            ("10.0.0", "IPv4 address too short"),
            ("10.0.0.1.2", "IPv4 address too long"),
            ("10.0.01.1", "IPv4 field has octet with leading zero"),
            ("10..0.1", "IPv4 field must have at least one digit (at \".0.1\")"),
            (".1.2.3", "IPv4 field must have at least one digit (at \".1.2.3\")"),
            ("1.2.3.", "IPv4 field must have at least one digit (at \".\")"),
            ("%eth0", "missing IPv6 address"),
            ("fe80::1%", "zone must be a non-empty string"),
            ("fe80::12345", "each group must have 4 or fewer digits (at \"12345\")"),
            ("1:2", "address string too short"),
            (":1", "each colon-separated field must have at least one digit (at \":1\")"),
            ("1::2::3", "multiple :: in address (at \":3\")"),
            ("1:2:3:4:5:6:7:8:9", "trailing garbage after address (at \"9\")"),
            ("1:2:3:4:5:6:7::8", "the :: must expand to at least one field of zeros"),
            ("1:", "colon must be followed by more characters (at \":\")"),
            ("1:g", "each colon-separated field must have at least one digit (at \"g\")"),
            ("1g::", "unable"),
            ("::1.2.3", "IPv4 address too short"),
            ("1:1.2.3.4", "embedded IPv4 address must replace the final 2 fields of the address (at \"1.2.3.4\")"),
        ] {
            let found = parse_address(text).unwrap_err();
            if error == "unable" {
                assert_eq!(found, "ParseAddr(\"1g::\"): unexpected character, want colon (at \"g::\")");
            } else {
                assert_eq!(found, format!("ParseAddr({}): {error}", quote(text)));
            }
        }
    }

    #[test]
    fn malformed_prefixes_get_gos_texts() {
        for (text, error) in [
            ("10.0.0.0", "no '/'"),
            ("x/8", "ParseAddr(\"x\"): unable to parse IP"),
            ("10.0.0.0/33", "prefix length out of range"),
            ("10.0.0.0/08", "bad bits after slash: \"08\""),
            ("10.0.0.0/", "bad bits after slash: \"\""),
            ("10.0.0.0/-1", "bad bits after slash: \"-1\""),
            ("fe80::1%a/64", "IPv6 zones cannot be present in a prefix"),
            ("::/129", "prefix length out of range"),
        ] {
            assert_eq!(parse_prefix(text), Err(format!("netip.ParsePrefix({}): {error}", quote(text))), "{text}");
        }
        assert_eq!(parse_prefix("10.0.0.1/8"), Ok("10.0.0.1/8".parse().unwrap()));
        assert_eq!(parse_prefix("::/0"), Ok("::/0".parse().unwrap()));
    }

    #[test]
    fn a_zone_is_kept_apart() {
        assert_eq!(parse_address("fe80::1%eth0"), Ok(("fe80::1".parse().unwrap(), Some("eth0".into()))));
    }

    #[test]
    fn text_is_quoted_as_go_does() {
        assert_eq!(quote("a\"\\\n\u{1}é\u{85}"), "\"a\\\"\\\\\\n\\x01é\\u0085\"");
    }

    proptest! {
        #[test]
        fn every_address_is_read_back(v4 in any::<u32>(), v6 in any::<u128>()) {
            for ip in [IpAddr::from(Ipv4Addr::from(v4)), IpAddr::from(Ipv6Addr::from(v6))] {
                prop_assert_eq!(parse_address(&ip.to_string()), Ok((ip, None)));
            }
        }

        #[test]
        fn what_it_takes_is_what_the_standard_library_takes(text in "[0-9a-fA-F:.]{0,24}") {
            prop_assert_eq!(parse_address(&text).ok().map(|(ip, _)| ip), text.parse().ok());
        }

        #[test]
        fn no_text_makes_it_fall_over(text in any::<String>()) {
            let _ = (parse_address(&text), parse_prefix(&text));
        }
    }
}
