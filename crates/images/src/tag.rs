//! Giving images names: `docker tag`.

use crate::import::refuse_host;
use crate::store::{ImageRecord, State};
use crate::{Image, ImageId, Images, Reference, ReferenceError, Result};
use std::time::SystemTime;

impl Images {
    /// Gives the image `term` the name `repository:tag`; without a tag `latest`. The name is taken from whatever image
    /// has it.
    pub fn tag(&self, term: &str, repository: &str, tag: &str) -> Result<()> {
        let name = Reference::parse(repository)?;
        if name.digest().is_some() {
            return Err(ReferenceError::WithDigest.into());
        }
        let name = if tag.is_empty() { name.or_latest() } else { name.tagged(tag)? };
        refuse_host(Some(&name))?;
        let id = self.find(term)?;
        self.0.records.change(&self.0.folder, |state| {
            self.still_there(state, id, term)?;
            if let Some(record) = state.images.get_mut(&id) {
                record.tagged = Some(SystemTime::now());
            }
            state.tags.insert(name.clone(), id);
            Ok(())
        })?;
        self.0.tell("tag", id, &name.familiar());
        Ok(())
    }

    fn still_there(&self, state: &State, id: ImageId, term: &str) -> Result<()> {
        if state.images.contains_key(&id) || id == self.0.host.id {
            return Ok(());
        }
        Err(crate::Error::NoImage(term.to_owned()))
    }

    /// The built-in image with the names that it has been given beside its own.
    pub(crate) fn host(&self, state: &State) -> Image {
        let mut image = self.0.host.clone();
        let given = state.tags.iter().filter(|(_, id)| **id == image.id);
        image.tags.extend(given.map(|(name, _)| name.clone()));
        image.tags.sort();
        image
    }
}

/// All names of an image, those with a digest too.
pub(crate) fn names_of(state: &State, id: ImageId) -> Vec<Reference> {
    let all = state.tags.iter().chain(&state.digests);
    all.filter(|(_, of)| **of == id).map(|(name, _)| name.clone()).collect()
}

/// Takes a name away.
pub(crate) fn untag(state: &mut State, name: &Reference) {
    state.tags.remove(name);
    state.digests.remove(name);
}

/// Takes an image and all its names away.
pub(crate) fn forget(state: &mut State, id: ImageId) -> Option<ImageRecord> {
    state.tags.retain(|_, of| *of != id);
    state.digests.retain(|_, of| *of != id);
    state.images.remove(&id)
}
