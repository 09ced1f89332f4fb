//! `/etc/hostname`.
//!
//! Owns: the check of a host name. Must never set one.

use crate::Error;

/// The file's text: the host name and a newline. Fails for what the kernel would not take (`HOST_NAME_MAX`, 64 bytes)
/// and for what is not one word.
pub fn hostname(name: &str) -> Result<String, Error> {
    let plain = !name.contains(|c: char| c.is_whitespace() || c.is_control());
    if plain && (1..=64).contains(&name.len()) {
        Ok(format!("{name}\n"))
    } else {
        Err(Error::Hostname(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_one_word() {
        assert_eq!(hostname("c1.invalid").unwrap(), "c1.invalid\n");
        for bad in ["", "a b", "a\nb", "a\0", &"x".repeat(65)] {
            assert_eq!(hostname(bad), Err(Error::Hostname(bad.to_owned())));
        }
    }
}
