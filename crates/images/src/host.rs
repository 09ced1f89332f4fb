//! The built-in image `host`: the machine's own root, written to only in copies.
//!
//! It has an id that never changes, so that containers of it find it again; it has no layer, and nothing of it is
//! stored.

use crate::config::{HistoryEntry, ImageConfig, RunConfig};
use crate::{Digest, Image, ImageId, Reference};
use rustix::fs::{AtFlags, CWD, StatxFlags};
use std::sync::Arc;

/// Its name and tag.
pub const HOST: &str = "host:latest";
/// Docker's search path for programs.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Its id.
pub fn host_id() -> ImageId {
    ImageId::from(Digest::of(b"pontoon: the machine's own root"))
}

/// Its name.
pub(crate) fn host_name() -> Option<Reference> {
    Reference::parse(HOST).ok()
}

/// The image.
pub(crate) fn host_image() -> Image {
    let created = root_created();
    let step = HistoryEntry {
        created: created.clone(),
        created_by: "the machine's own root".into(),
        empty_layer: true,
        ..HistoryEntry::default()
    };
    let config = ImageConfig {
        architecture: crate::platform::architecture().into(),
        os: "linux".into(),
        created,
        comment: "built in: a copy-on-write view of this machine's root".into(),
        config: RunConfig {
            env: Some(vec![PATH.into()]),
            cmd: Some(vec!["/bin/sh".into()]),
            working_dir: "/".into(),
            ..RunConfig::default()
        },
        history: vec![step],
        ..ImageConfig::default()
    };
    Image {
        id: host_id(),
        config: Arc::new(config),
        tags: host_name().into_iter().collect(),
        digests: Vec::new(),
        layers: Vec::new(),
        size: 0,
        tagged: None,
        built_in: true,
    }
}

/// When the machine's root was made, or where the file system does not remember, when it was last changed.
fn root_created() -> Option<String> {
    let wanted = StatxFlags::BTIME | StatxFlags::MTIME;
    let found = rustix::fs::statx(CWD, "/", AtFlags::empty(), wanted).ok()?;
    let made = [found.stx_btime, found.stx_mtime].into_iter().find(|time| time.tv_sec > 0)?;
    Some(crate::platform::written(chrono::DateTime::from_timestamp(made.tv_sec, made.tv_nsec)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_id_never_changes() {
        // Containers keep it: another text here would leave them without their image.
        let known = "sha256:".to_owned() + &Digest::of(b"pontoon: the machine's own root").hex();
        assert_eq!(host_image().id.to_string(), known);
        assert_eq!(host_id(), host_image().id);
    }
}
