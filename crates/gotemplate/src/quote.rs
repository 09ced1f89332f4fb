//! Go's quoted strings: written for `%q` and `index` errors, read from templates.

/// The text in double quotes, as `strconv.Quote` writes it.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            c => escape(c, &mut out),
        }
    }
    out.push('"');
    out
}

/// The character in single quotes, as `strconv.QuoteRune` writes it.
pub(crate) fn quote_char(c: char) -> String {
    let mut out = String::from("'");
    match c {
        '\'' => out.push_str("\\'"),
        c => escape(c, &mut out),
    }
    out.push('\'');
    out
}

fn escape(c: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push(c),
    }
}

/// The value of a quoted source text: `"…"` with escapes, or raw between backquotes. `None` when malformed.
pub(crate) fn unquote(source: &str) -> Option<String> {
    if let Some(raw) = source.strip_prefix('`') {
        return raw.strip_suffix('`').map(|raw| raw.replace('\r', ""));
    }
    let body = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        if c == '\n' {
            return None;
        }
        rest = one(rest, c, &mut bytes)?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a character constant, `'a'` or `'\n'`.
pub(crate) fn unquote_char(source: &str) -> Option<char> {
    let body = source.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut bytes = Vec::new();
    let rest = one(body, body.chars().next()?, &mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut chars = text.chars();
    (rest.is_empty()).then(|| chars.next().filter(|_| chars.next().is_none())).flatten()
}

/// Reads one character or escape at the start of `rest`, which begins with `c`; returns what follows.
fn one<'a>(rest: &'a str, c: char, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let mut utf8 = [0; 4];
    if c != '\\' {
        bytes.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
        return rest.get(c.len_utf8()..);
    }
    let rest = &rest[1..];
    let kind = rest.chars().next()?;
    let simple = match kind {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(11),
        '\\' => Some(b'\\'),
        '"' => Some(b'"'),
        '\'' => Some(b'\''),
        _ => None,
    };
    if let Some(byte) = simple {
        bytes.push(byte);
        return rest.get(1..);
    }
    let (skip, digits, radix) = match kind {
        'x' => (1, 2, 16),
        'u' => (1, 4, 16),
        'U' => (1, 8, 16),
        '0'..='7' => (0, 3, 8),
        _ => return None,
    };
    let text = rest.get(skip..skip + digits).filter(|text| text.chars().all(|c| c.is_digit(radix)))?;
    let number = u32::from_str_radix(text, radix).ok()?;
    match kind {
        'u' | 'U' => bytes.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut utf8).as_bytes()),
        _ => bytes.push(u8::try_from(number).ok()?),
    }
    rest.get(skip + digits..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_strings_are_read() {
        for (source, value) in [
            (r#""a\tb\n\"\\""#, Some("a\tb\n\"\\")),
            (r#""\x41\u00e9\U0001F600\101""#, Some("A\u{e9}\u{1f600}A")),
            ("`raw \\n\r`", Some("raw \\n")),
            (r#""\q""#, None),
            (r#""\x4""#, None),
            (r#""\é""#, None),
            (r#""\u12é4""#, None),
            (r#""\777""#, None),
        ] {
            assert_eq!(unquote(source).as_deref(), value, "{source}");
        }
        assert_eq!(unquote_char("'a'"), Some('a'));
        assert_eq!(unquote_char(r"'\n'"), Some('\n'));
        assert_eq!(unquote_char("'ab'"), None);
    }

    #[test]
    fn what_was_quoted_is_read_back() {
        for text in ["", "a\"b\\", "\u{0}\u{7f}\t\u{85}é", "😀'"] {
            assert_eq!(unquote(&quote(text)).as_deref(), Some(text));
        }
    }
}
