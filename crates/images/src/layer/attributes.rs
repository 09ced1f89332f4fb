//! What an archive says of a file beside its content: owner, mode, times, extended attributes.

use super::inside::Place;
use rustix::fs::{AtFlags, FileType, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Beginning of the pax keys for extended attributes, as Docker, GNU tar and bsdtar write them.
const XATTR: &[u8] = b"SCHILY.xattr.";
/// Names that are overlayfs's own: an archive that sets them would change what a mount shows.
const OVERLAY: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];

/// Attributes of one entry.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    owner: (u32, u32),
    modified: (i64, u32),
    extended: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Attributes {
    /// Reads them from header and extensions.
    pub(super) fn of<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Self> {
        let header = entry.header();
        let fields = header.as_old();
        let number = |value: u64, what: &str| {
            u32::try_from(value).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{what} too large")))
        };
        let mut all = Self {
            mode: if is_blank(&fields.mode) { 0 } else { header.mode()? & 0o7777 },
            owner: (
                if is_blank(&fields.uid) { 0 } else { number(header.uid()?, "owner")? },
                if is_blank(&fields.gid) { 0 } else { number(header.gid()?, "group")? },
            ),
            modified: (i64::try_from(header.mtime().unwrap_or(0)).unwrap_or(0), 0),
            extended: BTreeMap::new(),
        };
        for extension in entry.pax_extensions()?.into_iter().flatten() {
            let extension = extension?;
            let (key, value) = (extension.key_bytes(), extension.value_bytes());
            if key == b"mtime" {
                all.modified = seconds(value).unwrap_or(all.modified);
            } else if let Some(name) = key.strip_prefix(XATTR) {
                all.extended.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(all)
    }

    /// Gives them to a file. The owner comes first: changing it takes away set-user-id bits and capabilities.
    pub(super) fn apply(&self, place: &Place, kind: FileType) -> io::Result<()> {
        let (user, group) = self.owner;
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        rustix::fs::chownat(&place.folder, &place.name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        if kind != FileType::Symlink {
            rustix::fs::chmodat(&place.folder, &place.name, Mode::from_raw_mode(self.mode), AtFlags::empty())?;
        }
        self.apply_extended(place)?;
        self.apply_time(place)
    }

    fn apply_extended(&self, place: &Place) -> io::Result<()> {
        for (name, value) in &self.extended {
            if OVERLAY.iter().any(|own| name.starts_with(own)) {
                continue;
            }
            match rustix::fs::lsetxattr(place.path(), name.as_slice(), value, XattrFlags::empty()) {
                // A file system, or a sort of file, without them; `user.` on links is never permitted. As in Docker.
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(Errno::PERM) if name.starts_with(b"user.") => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Sets the time of modification: for folders again, when everything in them is made.
    pub(super) fn apply_time(&self, place: &Place) -> io::Result<()> {
        let (seconds, nanoseconds) = self.modified;
        let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(&place.folder, &place.name, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }
}

/// Whether a field says nothing: some writers leave numbers out that are 0, and Docker reads them so.
fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|c| matches!(c, 0 | b' '))
}

/// `123.456`, maybe negative, as pax writes times.
fn seconds(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanoseconds: u32 = digits.parse().ok()?;
    match (seconds, nanoseconds) {
        (_, 0) => Some((seconds, 0)),
        _ if whole.starts_with('-') => Some((seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds)),
        _ => Some((seconds, nanoseconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_times_have_fractions_and_signs() {
        for (text, time) in [
            ("12", Some((12, 0))),
            ("12.5", Some((12, 500_000_000))),
            ("12.0000000019", Some((12, 1))),
            ("-1.25", Some((-2, 750_000_000))),
            ("-0.5", Some((-1, 500_000_000))),
            ("", None),
            ("x", None),
            ("1.x", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), time, "{text}");
        }
    }
}
