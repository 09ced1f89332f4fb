//! Whether a user has edited a file of ours.
//!
//! Owns: the digest kept beside the file (`<path>.hash`). Must never be used against malice: whoever can edit the file
//! may be able to edit the digest.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The digest of what we wrote, as Docker writes it: `sha256:` and 64 hexadecimal digits.
pub fn digest(content: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(content) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether the file still has what we wrote when `recorded` was made; white space around the digest is ignored. A file
/// that was edited is never written again, until the next start.
pub fn is_unmodified(content: &[u8], recorded: &str) -> bool {
    digest(content) == recorded.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_edit_is_noticed() {
        let recorded = digest(b"abc");
        assert_eq!(recorded, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_unmodified(b"abc", &format!("{recorded}\n")));
        for (content, recorded) in [("abc\n", recorded.as_str()), ("", &recorded), ("abc", ""), ("abc", "sha256:")] {
            assert!(!is_unmodified(content.as_bytes(), recorded));
        }
    }
}
