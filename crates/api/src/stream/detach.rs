//! The keys that end a client's session with a terminal and leave the process alone.
//!
//! Owns: reading their names, and finding them in what is typed, wherever it is cut. Pure.

use crate::Failure;

/// Keys that detach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys(Vec<u8>);

/// What is typed, searched for the keys.
#[derive(Debug)]
pub(crate) struct Search {
    keys: Keys,
    /// How many of the keys were just seen. They are held back until it is clear what they are.
    seen: usize,
}

impl Default for Keys {
    /// ctrl-p, ctrl-q.
    fn default() -> Self {
        Self(vec![16, 17])
    }
}

impl Keys {
    /// Reads `ctrl-p,ctrl-q`, `a`, `ctrl-@,x`; the empty text means the usual keys.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let wrong = || Failure::invalid(format!("Invalid detach keys ({text}) provided"));
        text.split(',').map(|key| code(key).ok_or_else(wrong)).collect::<Result<_, _>>().map(Self)
    }
}

fn code(key: &str) -> Option<u8> {
    if let [only] = key.as_bytes() {
        return Some(*only);
    }
    if key == "DEL" {
        return Some(127);
    }
    match key.strip_prefix("ctrl-")?.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(letter - b'a' + 1),
        b"@" => Some(0),
        b"[" => Some(27),
        b"\\" => Some(28),
        b"]" => Some(29),
        b"^" => Some(30),
        b"_" => Some(31),
        _ => None,
    }
}

impl Search {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys, seen: 0 }
    }

    /// Takes what was typed; gives what is for the process, and whether the keys were typed to their end.
    pub(crate) fn feed(&mut self, typed: &[u8]) -> (Vec<u8>, bool) {
        let mut passed = Vec::with_capacity(typed.len() + self.seen);
        for byte in typed {
            if self.take(*byte, &mut passed) {
                return (passed, true);
            }
        }
        (passed, false)
    }

    /// Takes one byte. Where it is not the key waited for, the longest part of what was held back that may still be the
    /// keys' beginning stays held back.
    fn take(&mut self, byte: u8, passed: &mut Vec<u8>) -> bool {
        let keys = &self.keys.0;
        let mut held = keys[..self.seen].to_vec();
        held.push(byte);
        while !keys.starts_with(&held) {
            passed.push(held.remove(0));
        }
        self.seen = held.len();
        self.seen == keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_have_dockers_names() {
        for (text, keys) in [
            ("", vec![16, 17]),
            ("ctrl-a", vec![1]),
            ("ctrl-z,x", vec![26, b'x']),
            ("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", vec![0, 27, 28, 29, 30, 31]),
            ("DEL", vec![127]),
        ] {
            assert_eq!(Keys::parse(text), Ok(Keys(keys)), "{text}");
        }
        for bad in ["ctrl-", "ctrl-A", "ctrl-ab", "ab", "a,", ",", "é", "ctrl-1"] {
            let told = Keys::parse(bad).unwrap_err();
            assert_eq!(
                (told.status.as_u16(), told.body.message),
                (400, format!("Invalid detach keys ({bad}) provided"))
            );
        }
    }

    fn typed(keys: &str, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut search = Search::new(Keys::parse(keys).unwrap());
        let mut all = Vec::new();
        for piece in pieces {
            let (passed, detached) = search.feed(piece);
            all.extend(passed);
            if detached {
                return (all, true);
            }
        }
        (all, false)
    }

    #[test]
    fn the_keys_are_found_and_not_passed_on_wherever_they_are_cut() {
        assert_eq!(typed("", &[b"ls\n\x10\x11more"]), (b"ls\n".to_vec(), true));
        assert_eq!(typed("", &[b"ls\n\x10", b"\x11more"]), (b"ls\n".to_vec(), true));
        assert_eq!(typed("a,a,b", &[b"a", b"a", b"a", b"b"]), (b"a".to_vec(), true));
    }

    #[test]
    fn a_beginning_that_is_none_is_passed_on() {
        assert_eq!(typed("", &[b"\x10", b"x"]), (b"\x10x".to_vec(), false));
        assert_eq!(typed("", &[b"\x10\x10\x11"]), (b"\x10".to_vec(), true));
        assert_eq!(typed("", &[b"\x11\x10"]), (b"\x11".to_vec(), false));
    }

    proptest! {
        #[test]
        fn how_typing_is_cut_changes_nothing(
            text in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'c')], 0..40), at in 0usize..40,
        ) {
            let at = at.min(text.len());
            prop_assert_eq!(typed("a,b,a,c", &[&text]), typed("a,b,a,c", &[&text[..at], &text[at..]]));
        }

        #[test]
        fn without_the_keys_all_but_their_beginning_arrives(text in proptest::collection::vec(0u8..16, 0..40)) {
            prop_assert_eq!(typed("", &[&text]), (text, false));
        }
    }
}
