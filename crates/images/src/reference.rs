//! Names of images: `[domain/]path[:tag][@digest]`, read and shown as Docker does.
//!
//! Owns Docker's rules of normalising and shortening. Must never look anything up.

use crate::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The registry of names without one.
const DEFAULT_DOMAIN: &str = "docker.io";
/// Where that registry keeps names without a slash.
const OFFICIAL: &str = "library/";
/// The tag of names without one.
const DEFAULT_TAG: &str = "latest";

/// The name of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Text that is no name of an image. The texts are Docker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Not of the form of a name.
    #[error("invalid reference format")]
    Format,
    /// Upper-case letters in the path.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    UpperCase(String),
    /// It would look like an id.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    LikeId(String),
    /// A new name with a digest.
    #[error("refusing to create a tag with a digest reference")]
    WithDigest,
    /// Longer than registries allow.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
}

impl Reference {
    /// Reads a name as a user types it: `alpine` is `docker.io/library/alpine`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if Digest::from_hex(text).is_some() {
            return Err(ReferenceError::LikeId(text.to_owned()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|_| ReferenceError::Format)?)),
            None => (text, None),
        };
        let (domain, rest) = split_domain(rest);
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if path.bytes().any(|c| c.is_ascii_uppercase()) {
            return Err(ReferenceError::UpperCase(path.to_owned()));
        }
        if !valid_domain(domain) || !path.split('/').all(valid_component) || !tag.is_none_or(valid_tag) {
            return Err(ReferenceError::Format);
        }
        let official = domain == DEFAULT_DOMAIN && !path.contains('/');
        let path = if official { format!("{OFFICIAL}{path}") } else { path.to_owned() };
        if domain.len() + 1 + path.len() > 255 {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self { domain: domain.to_owned(), path, tag: tag.map(ToOwned::to_owned), digest })
    }

    /// The registry, with its port.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The path within the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// With the tag `latest`, if it has neither tag nor digest.
    pub fn or_latest(self) -> Self {
        let bare = self.tag.is_none() && self.digest.is_none();
        if bare { self.with_tag(DEFAULT_TAG) } else { self }
    }

    /// The same name with a digest and without a tag.
    pub fn at(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The same name with a tag that is checked, and without a digest.
    pub fn tagged(&self, tag: &str) -> Result<Self, ReferenceError> {
        if valid_tag(tag) {
            Ok(Self { digest: None, ..self.clone().with_tag(tag) })
        } else {
            Err(ReferenceError::Format)
        }
    }

    /// Without tag and digest.
    pub fn repository(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }

    /// As Docker shows it: the default registry and its folder are left out.
    pub fn familiar(&self) -> String {
        self.written(&self.familiar_name())
    }

    /// The same without tag and digest.
    pub fn familiar_name(&self) -> String {
        match self.domain.as_str() {
            DEFAULT_DOMAIN => self.path.strip_prefix(OFFICIAL).unwrap_or(&self.path).to_owned(),
            domain => format!("{domain}/{}", self.path),
        }
    }

    fn with_tag(self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), ..self }
    }

    fn written(&self, name: &str) -> String {
        let mut text = name.to_owned();
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        text
    }
}

/// In full.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(&format!("{}/{}", self.domain, self.path)))
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The first component is a registry if it looks like a host.
fn split_domain(text: &str) -> (&str, &str) {
    let host = |first: &str| {
        first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|c| c.is_ascii_uppercase())
    };
    match text.split_once('/') {
        Some(("index.docker.io", rest)) => (DEFAULT_DOMAIN, rest),
        Some((first, rest)) if host(first) => (first, rest),
        _ => (DEFAULT_DOMAIN, text),
    }
}

/// `host[:port]`, where the host is a name, an IPv4 address or an IPv6 address in brackets.
fn valid_domain(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, rest)) => {
            if inner.is_empty() || !inner.bytes().all(|c| c.is_ascii_hexdigit() || c == b':') {
                return false;
            }
            return rest.is_empty() || rest.strip_prefix(':').is_some_and(valid_port);
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let label = |label: &str| {
        let inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.split('.').all(label) && port.is_none_or(valid_port)
}

fn valid_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit())
}

/// Lower-case letters and digits, joined by one dot, one or two underscores, or any number of dashes.
fn valid_component(text: &str) -> bool {
    let word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    let joined = bytes
        .split(|&c| word(c))
        .all(|join| matches!(join, b"" | b"." | b"_" | b"__") || join.iter().all(|&c| c == b'-'));
    word(first) && word(last) && joined
}

fn valid_tag(text: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let mut bytes = text.bytes();
    text.len() <= 128 && bytes.next().is_some_and(word) && bytes.all(|c| word(c) || c == b'.' || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn names_are_completed_and_shown_short_as_in_docker() {
        for (text, full, familiar) in [
            ("alpine", "docker.io/library/alpine", "alpine"),
            ("alpine:3", "docker.io/library/alpine:3", "alpine:3"),
            ("me/app", "docker.io/me/app", "me/app"),
            ("index.docker.io/alpine", "docker.io/library/alpine", "alpine"),
            ("docker.io/library/alpine", "docker.io/library/alpine", "alpine"),
            ("localhost/app", "localhost/app", "localhost/app"),
            ("host:5000/a/b:t-1.x", "host:5000/a/b:t-1.x", "host:5000/a/b:t-1.x"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000/app", "127.0.0.1:5000/app"),
            ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
            ("a__b/c-----d.e_f", "docker.io/a__b/c-----d.e_f", "a__b/c-----d.e_f"),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!((reference.to_string().as_str(), reference.familiar().as_str()), (full, familiar), "{text}");
        }
        let digest = Reference::parse(&format!("app:t@sha256:{HEX}")).unwrap();
        assert_eq!(digest.familiar(), format!("app:t@sha256:{HEX}"));
        assert_eq!(Reference::parse("app").unwrap().or_latest().familiar(), "app:latest");
        assert_eq!(digest.clone().or_latest(), digest);
    }

    #[test]
    fn other_text_is_refused_in_dockers_words() {
        for text in [
            "",
            ":",
            "a:",
            "a:b:c",
            "a//b",
            "/a",
            "a/",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a:-x",
            "a@b",
            "a@sha256:0",
            "ä",
            "a b",
            "a.b.c:x/a",
            "[::1/a",
        ] {
            assert_eq!(Reference::parse(text), Err(ReferenceError::Format), "{text}");
        }
        assert_eq!(
            Reference::parse("a/Bc").unwrap_err().to_string(),
            "invalid reference format: repository name (a/Bc) must be lowercase"
        );
        assert_eq!(Reference::parse(HEX).unwrap_err(), ReferenceError::LikeId(HEX.into()));
        assert_eq!(Reference::parse(&"a".repeat(250)).unwrap_err(), ReferenceError::TooLong);
        assert_eq!(Reference::parse(&format!("a:{}", "t".repeat(129))).unwrap_err(), ReferenceError::Format);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_read_back_the_same(text in "[a-zA-Z0-9._:/@\\[\\]-]{0,40}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference.clone()));
                prop_assert_eq!(Reference::parse(&reference.familiar()), Ok(reference));
            }
        }
    }
}
