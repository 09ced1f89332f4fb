//! Names in messages: labels with lengths, at most 255 bytes, in answers possibly continued elsewhere by a pointer.
//!
//! Owns: the bounds that keep a hostile message from making us read in circles.

/// The longest name in a message, its root label included.
pub(crate) const MAX: usize = 255;
const MAX_LABEL: usize = 63;
const POINTER: u8 = 0xc0;

/// Length of the uncompressed name at the start of `bytes`, its root label included.
///
/// `None` when it is malformed, too long, cut off, or has a pointer: nothing stands before a question's name that it
/// could point to.
pub(crate) fn uncompressed_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let label = usize::from(*bytes.get(at)?);
        at += 1 + label;
        if label > MAX_LABEL || at > MAX {
            return None;
        }
        if label == 0 {
            return Some(at);
        }
    }
}

/// An uncompressed name as text, without a dot at its end; the root is empty.
///
/// `None` when no name of ours can be written so: a label with a dot in it, or bytes that are no UTF-8.
pub(crate) fn text<'b>(name: &[u8], buffer: &'b mut [u8; MAX]) -> Option<&'b str> {
    let (mut at, mut end) = (0, 0);
    loop {
        let label = usize::from(*name.get(at)?);
        if label == 0 {
            break;
        }
        let bytes = name.get(at + 1..at + 1 + label)?;
        if bytes.contains(&b'.') {
            return None;
        }
        if end > 0 {
            *buffer.get_mut(end)? = b'.';
            end += 1;
        }
        buffer.get_mut(end..end + label)?.copy_from_slice(bytes);
        end += label;
        at += 1 + label;
    }
    std::str::from_utf8(buffer.get(..end)?).ok()
}

/// Appends `text` as an uncompressed name. `false`, with nothing appended, when a label is empty or over 63 bytes, or
/// the whole over 255.
pub(crate) fn append(text: &str, out: &mut Vec<u8>) -> bool {
    if text.len() + 2 > MAX || text.split('.').any(|label| label.is_empty() || label.len() > MAX_LABEL) {
        return false;
    }
    for label in text.split('.') {
        // Checked above: at most 63.
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    true
}

/// Where the name that begins at `start` ends in a whole message, pointers followed and checked.
///
/// Every pointer must lead before the place where the part it ends began, so there are no circles.
pub(crate) fn end(message: &[u8], start: usize) -> Option<usize> {
    let mut ignored = Vec::new();
    walk(message, start, &mut ignored, false)
}

/// The name that begins at `start` in a whole message, without pointers.
pub(crate) fn expanded(message: &[u8], start: usize) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(64);
    walk(message, start, &mut name, true)?;
    Some(name)
}

fn walk(message: &[u8], start: usize, name: &mut Vec<u8>, keep: bool) -> Option<usize> {
    let (mut at, mut part, mut length, mut after) = (start, start, 0, None);
    loop {
        let first = *message.get(at)?;
        if first & POINTER == POINTER {
            let target = usize::from(super::u16_at(message, at)? & 0x3fff);
            after = after.or(Some(at + 2));
            if target >= part {
                return None;
            }
            (at, part) = (target, target);
            continue;
        }
        let label = usize::from(first);
        length += 1 + label;
        if label > MAX_LABEL || length > MAX {
            return None;
        }
        let bytes = message.get(at..at + 1 + label)?;
        if keep {
            name.extend_from_slice(bytes);
        }
        at += 1 + label;
        if label == 0 {
            return Some(after.unwrap_or(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(append(text, &mut out), "{text}");
        out
    }

    #[test]
    fn names_survive_their_wire_form() {
        for name in ["a", "web.mynet", "x.y.z", "grüße.netz", "a.".repeat(126).trim_end_matches('.')] {
            let bytes = wire(name);
            assert_eq!(uncompressed_len(&bytes), Some(bytes.len()), "{name}");
            assert_eq!(text(&bytes, &mut [0; MAX]), Some(name));
            assert_eq!(end(&bytes, 0), Some(bytes.len()));
            assert_eq!(expanded(&bytes, 0), Some(bytes));
        }
        assert_eq!(text(&[0], &mut [0; MAX]), Some(""));
    }

    #[test]
    fn text_that_is_no_name_is_not_written() {
        for bad in ["", ".", "a..b", ".a", "a.", &"a".repeat(64), &"abc.".repeat(70)] {
            let mut out = vec![7];
            assert!(!append(bad, &mut out), "{bad}");
            assert_eq!(out, [7]);
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        let cases: [&[u8]; 7] =
            [&[], &[1], &[1, b'a'], &[64, 0], &[0xc0, 0], &[0x80, 0], &[[1, b'a'].repeat(128), vec![0]].concat()];
        for bytes in cases {
            assert_eq!(uncompressed_len(bytes), None, "{bytes:?}");
        }
        assert_eq!(text(&[3, b'a', b'.', b'b', 0], &mut [0; MAX]), None);
        assert_eq!(text(&[1, 0xff, 0], &mut [0; MAX]), None);
    }

    #[test]
    fn pointers_may_only_lead_back() {
        let message = [1, b'a', 0, 1, b'b', 0xc0, 0, 0xc0, 3, 0xc0, 9, 0xc0, 13, 0, 1, b'c', 0xc0, 14];
        assert_eq!(end(&message, 3), Some(7));
        assert_eq!(expanded(&message, 7), Some(vec![1, b'b', 1, b'a', 0]));
        assert_eq!(end(&message, 7), Some(9));
        for (start, why) in [(9, "to itself"), (11, "forward"), (14, "into its own part"), (17, "cut off")] {
            assert_eq!(end(&message, start), None, "{why}");
        }
    }
}
