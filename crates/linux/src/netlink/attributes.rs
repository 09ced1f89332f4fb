//! Netlink attributes: writing nested ones by hand, and reading the few we want of the many the kernel sends.
//!
//! Must never panic on malformed input: a broken attribute ends the walk.

use netlink_packet_core::{NLA_F_NESTED, NlaBuffer, NlasIterator};

/// One attribute: its type without flags, and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Type.
    pub kind: u16,
    /// Value.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The attributes nested in this one.
    pub fn nested(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attributes(self.value)
    }

    /// A number in host byte order; `None` when the value is of another size.
    pub fn u32(&self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.value.try_into().ok()?))
    }

    /// A number of one byte.
    pub fn u8(&self) -> Option<u8> {
        self.value.first().copied()
    }

    /// A port in network byte order.
    pub fn port(&self) -> Option<u16> {
        Some(u16::from_be_bytes(self.value.try_into().ok()?))
    }

    /// An address of four or sixteen bytes.
    pub fn address(&self) -> Option<std::net::IpAddr> {
        match self.value.len() {
            4 => Some(<[u8; 4]>::try_from(self.value).ok()?.into()),
            16 => Some(<[u8; 16]>::try_from(self.value).ok()?.into()),
            _ => None,
        }
    }

    /// Text up to its terminator; `None` when it is not UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        let end = self.value.iter().position(|&byte| byte == 0).unwrap_or(self.value.len());
        std::str::from_utf8(self.value.get(..end)?).ok()
    }
}

/// The attributes in `bytes`, up to the first malformed one.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    NlasIterator::new(bytes).map_while(|attribute: Result<NlaBuffer<&[u8]>, _>| {
        let attribute = attribute.ok()?;
        let (kind, length) = (attribute.kind(), usize::from(attribute.length()));
        Some(Attribute { kind, value: attribute.into_inner().get(4..length)? })
    })
}

/// Attributes being written.
#[derive(Clone, Debug, Default)]
pub struct Attributes(Vec<u8>);

impl Attributes {
    /// Starts after a fixed header.
    pub fn after(header: &[u8]) -> Self {
        Self(header.to_vec())
    }

    /// Appends one with that value.
    #[must_use]
    pub fn with(mut self, kind: u16, value: &[u8]) -> Self {
        // A value over 64 KiB cannot be said in netlink; none of ours comes near.
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Appends a nest of others.
    #[must_use]
    pub fn nest(self, kind: u16, inner: Self) -> Self {
        self.with(kind | NLA_F_NESTED, &inner.0)
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = Attributes::default()
            .with(1, &7u32.to_ne_bytes())
            .nest(2, Attributes::default().with(3, b"eth0\0"))
            .into_bytes();
        let found: Vec<_> = attributes(&bytes).collect();
        assert_eq!((found[0].kind, found[0].u32()), (1, Some(7)));
        assert_eq!(found[1].kind, 2);
        assert_eq!(found[1].nested().next().and_then(|inner| inner.text()), Some("eth0"));
    }

    #[test]
    fn values_of_the_wrong_size_are_no_numbers() {
        let short = Attribute { kind: 1, value: &[1, 2, 3] };
        assert_eq!((short.u32(), short.port(), short.address()), (None, None, None));
        assert_eq!(Attribute { kind: 1, value: &[] }.u8(), None);
        assert_eq!(Attribute { kind: 1, value: &[0xff, 0xfe] }.text(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for attribute in attributes(&bytes) {
                let _ = (attribute.u32(), attribute.u8(), attribute.port(), attribute.address(), attribute.text());
                prop_assert!(attribute.nested().count() <= bytes.len());
            }
        }
    }
}
