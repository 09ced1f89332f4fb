//! Labels and domain names, as dockerd checks them.

/// A label of the daemon: `key=value`, the key not empty.
pub(crate) fn label(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some(("", _)) => Err(format!("invalid label '{text}': empty name")),
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("bad attribute format: {text}")),
    }
}

/// The labels without repetitions; a key with two values is an error.
pub(crate) fn without_conflicts(labels: Vec<String>) -> Result<Vec<String>, String> {
    let mut kept: Vec<String> = Vec::new();
    for label in labels {
        let key = label.split_once('=').map_or(label.as_str(), |(key, _)| key);
        let other = kept.iter().find(|kept| kept.split_once('=').is_some_and(|(other, _)| other == key));
        match other {
            Some(other) if *other == label => {}
            Some(other) => return Err(format!("conflict labels for {label} and {other}")),
            None => kept.push(label),
        }
    }
    Ok(kept)
}

/// A registry, `HOST[:PORT]`, or a network of them.
pub(crate) fn registry(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err("insecure registry should not contain '://'".to_owned());
    }
    let letter = |c: u8| c.is_ascii_alphanumeric() || b".:-_[]/".contains(&c);
    let network = !text.contains('/') || text.parse::<pontoon_types::IpNet>().is_ok();
    if text.is_empty() || !text.bytes().all(letter) || !network {
        return Err(format!("insecure registry {text} is not valid: want HOST[:PORT] or a network as CIDR"));
    }
    Ok(text.to_owned())
}

/// A search domain, without its final dot; `.` alone means no search.
pub(crate) fn search_domain(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed == "." {
        return Ok(trimmed.to_owned());
    }
    let name = trimmed.strip_suffix('.').unwrap_or(trimmed);
    let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let part = |part: &str| {
        let bytes = part.as_bytes();
        let ends = bytes.first().copied().is_some_and(plain) && bytes.last().copied().is_some_and(plain);
        ends && bytes.len() <= 63 && bytes.iter().all(|&c| plain(c) || c == b'-')
    };
    let letters = name.bytes().any(|c| c.is_ascii_alphabetic());
    if letters && name.len() < 255 && name.split('.').all(part) {
        Ok(name.to_owned())
    } else {
        Err(format!("{text} is not a valid domain"))
    }
}

/// One option for resolv.conf: a word.
pub(crate) fn resolver_option(text: &str) -> Result<String, String> {
    let word = !text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic());
    if word { Ok(text.to_owned()) } else { Err(format!("{text:?} is not a resolv.conf option")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_hosts_or_networks() {
        for text in ["reg.test", "reg.test:5000", "10.0.0.0/8", "fd00::/8", "[::1]:5000"] {
            assert_eq!(registry(text).as_deref(), Ok(text));
        }
        for text in ["", "http://reg.test", "reg.test/x", "a b"] {
            assert!(registry(text).is_err(), "{text}");
        }
    }

    #[test]
    fn search_domains_are_checked_as_names() {
        for (text, expected) in
            [("a.b", "a.b"), ("a.b.", "a.b"), (".", "."), (" x ", "x"), ("1a", "1a"), ("_tcp.x-y", "_tcp.x-y")]
        {
            assert_eq!(search_domain(text).as_deref(), Ok(expected), "{text:?}");
        }
        for bad in ["", "-a", "a-", "a..b", "a b", "1.2", "..", "é", &"a.".repeat(200)] {
            assert_eq!(search_domain(bad), Err(format!("{bad} is not a valid domain")));
        }
    }

    #[test]
    fn a_label_may_not_have_two_values() {
        let labels = |texts: &[&str]| without_conflicts(texts.iter().map(|t| (*t).to_owned()).collect());
        assert_eq!(labels(&["a=1", "b=1", "a=1"]), Ok(vec!["a=1".to_owned(), "b=1".to_owned()]));
        assert_eq!(labels(&["a=1", "a=2"]), Err("conflict labels for a=2 and a=1".to_owned()));
        assert_eq!(label("a"), Err("bad attribute format: a".to_owned()));
        assert!(label("=a").is_err() && label("a=").is_ok());
    }
}
