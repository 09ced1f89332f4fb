//! The 64-hex identifiers of networks, endpoints and sandboxes.
//!
//! Each kind is a type of its own, so that one can never be passed for another.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 64 lower-case hexadecimal characters")]
pub struct IdError;

fn random_bytes() -> [u8; 32] {
    loop {
        let mut bytes = [0u8; 32];
        // The kernel's generator only fails where getrandom(2) does not exist; such a host cannot run us.
        if getrandom::fill(&mut bytes).is_err() {
            std::process::abort();
        }
        // Docker never hands out ids whose short form is all decimal: it would look like a number.
        if !bytes[..6].iter().all(|b| b >> 4 < 10 && b & 15 < 10) {
            return bytes;
        }
    }
}

fn parse(text: &str) -> Result<[u8; 32], IdError> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return Err(IdError);
    }
    let digit = |c: u8| match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(IdError),
    };
    let mut bytes = [0u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A new random id; its first twelve characters are never all decimal.
            pub fn random() -> Self {
                Self(random_bytes())
            }

            /// The first twelve hexadecimal characters, Docker's short form.
            pub fn short(&self) -> String {
                self.to_string()[..12].to_owned()
            }

            /// The last six bytes: random ones that are not in the short form.
            pub fn tail(&self) -> [u8; 6] {
                let [.., a, b, c, d, e, f] = self.0;
                [a, b, c, d, e, f]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                let text: String = digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect();
                f.write_str(&text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// Names one network for its whole life.
    NetworkId
}
id! {
    /// Names one endpoint: a sandbox's place in a network.
    EndpointId
}
id! {
    /// Names one sandbox: a network namespace with its endpoints. Docker's container id, where there is one.
    SandboxId
}
id! {
    /// Names one container for its whole life, running or not. While it runs it has a sandbox of the same id.
    ContainerId
}
id! {
    /// Names one command executed in a running container.
    ExecId
}

impl From<ContainerId> for SandboxId {
    fn from(id: ContainerId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = NetworkId::random();
        assert_eq!(id.to_string().parse::<NetworkId>(), Ok(id));
        assert_eq!(id.to_string().len(), 64);
        assert!(id.to_string().starts_with(&id.short()));
    }

    #[test]
    fn a_container_and_its_sandbox_have_one_id() {
        let container = ContainerId::random();
        assert_eq!(SandboxId::from(container).to_string(), container.to_string());
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in ["", "abc", &"g".repeat(64), &"A".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert_eq!(text.parse::<SandboxId>(), Err(IdError), "{text}");
        }
    }

    #[test]
    fn a_short_id_is_never_all_decimal() {
        for _ in 0..2000 {
            assert!(EndpointId::random().short().bytes().any(|c| c.is_ascii_lowercase()));
        }
    }
}
