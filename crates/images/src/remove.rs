//! Removing images: `docker rmi` and `docker image prune`, with Docker's rules about who is in the way.

use crate::images::ImageUser;
use crate::store::State;
use crate::tag::{forget, names_of, untag};
use crate::{Digest, Error, Image, ImageId, Images, Reference, Result};
use pontoon_types::EventSubject;
use std::collections::BTreeSet;

/// What a removal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// A name is gone.
    Untagged(String),
    /// An image, or a layer under Docker's id for it, is gone.
    Deleted(String),
}

/// How a removal is asked for, and what it finds.
struct Removal<'a> {
    image: &'a Image,
    term: &'a str,
    force: bool,
    users: Vec<ImageUser>,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
struct Steps {
    untag: Vec<Reference>,
    delete: bool,
}

impl Images {
    /// Removes a name, or an image when it is asked for by id or has no other name. `force` removes names that containers
    /// use, but never an image that a running container uses.
    pub fn remove(&self, term: &str, force: bool) -> Result<Vec<Removed>> {
        let image = self.image(term)?;
        let removal = Removal { users: self.users(&image.id), image: &image, term, force };
        self.carry_out(image.id, |state| removal.plan(state))
    }

    /// Removes those that `takes` and that no container uses: of those with names, only if `all`. Tells what was done and
    /// how many bytes that freed.
    pub fn prune(&self, all: bool, takes: impl Fn(&Image) -> bool) -> Result<(Vec<Removed>, u64)> {
        let mut done = Vec::new();
        let before = self.layers_size();
        for image in self.images() {
            if image.built_in || !(all || image.is_dangling()) || !takes(&image) || !self.users(&image.id).is_empty() {
                continue;
            }
            let everything = |state: &State| Ok(Steps { untag: names_of(state, image.id), delete: true });
            match self.carry_out(image.id, everything) {
                Ok(removed) => done.extend(removed),
                // Somebody else was faster.
                Err(Error::NoImage(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let freed = before.saturating_sub(self.layers_size());
        let attributes = [("reclaimed", freed.to_string())];
        let attributes = attributes.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.0.events.publish(EventSubject::Image, "prune", String::new(), &attributes);
        Ok((done, freed))
    }

    fn users(&self, image: &ImageId) -> Vec<ImageUser> {
        self.0.users.get().map(|users| users.users(image)).unwrap_or_default()
    }

    fn carry_out(&self, id: ImageId, plan: impl FnOnce(&State) -> Result<Steps>) -> Result<Vec<Removed>> {
        let (steps, layers) = self.0.records.change(&self.0.folder, |state| {
            if id != self.0.host.id && !state.images.contains_key(&id) {
                return Err(Error::NoImage(id.to_string()));
            }
            let steps = plan(state)?;
            steps.untag.iter().for_each(|name| untag(state, name));
            let record = if steps.delete { forget(state, id) } else { None };
            Ok((steps, record.map(|record| record.layers).unwrap_or_default()))
        })?;
        let mut done: Vec<Removed> = steps.untag.iter().map(|name| Removed::Untagged(name.familiar())).collect();
        for _ in &steps.untag {
            self.0.tell("untag", id, &id.to_string());
        }
        if steps.delete {
            self.0.sweep()?;
            self.0.tell("delete", id, &id.to_string());
            done.push(Removed::Deleted(id.to_string()));
            done.extend(self.gone(&layers).into_iter().map(|chain| Removed::Deleted(chain.to_string())));
        }
        Ok(done)
    }

    /// Docker's ids of those layers of a removed image that are gone, the uppermost first.
    fn gone(&self, layers: &[Digest]) -> Vec<Digest> {
        let state = self.0.records.now();
        let kept: BTreeSet<Digest> = state.images.values().flat_map(|image| chains(&image.layers)).collect();
        chains(layers).into_iter().rev().filter(|chain| !kept.contains(chain)).collect()
    }
}

impl Removal<'_> {
    fn plan(&self, state: &State) -> Result<Steps> {
        if self.image.built_in {
            return self.plan_built_in();
        }
        let names = names_of(state, self.image.id);
        match self.named(state) {
            Some(name) => self.plan_name(name, names),
            None => self.plan_id(names),
        }
    }

    /// The name asked for, unless it is an id.
    fn named(&self, state: &State) -> Option<Reference> {
        let reference = Reference::parse(self.term).ok()?.or_latest();
        let reference = reference.digest().map_or(reference.clone(), |digest| reference.at(digest));
        (state.named(&reference) == Some(self.image.id)).then_some(reference)
    }

    /// The image stays, and so does its own name.
    fn plan_built_in(&self) -> Result<Steps> {
        match Reference::parse(self.term).map(Reference::or_latest) {
            Ok(name) if self.image.tags.contains(&name) && crate::host::host_name().as_ref() != Some(&name) => {
                Ok(Steps { untag: vec![name], delete: false })
            }
            _ => Err(Error::BuiltIn("the image host is this machine's own root; it is built in and cannot be removed")),
        }
    }

    fn plan_name(&self, name: Reference, mut names: Vec<Reference>) -> Result<Steps> {
        if !self.force
            && is_single(&names)
            && let Some(user) = self.users.first()
        {
            return Err(Error::InUse(format!(
                "conflict: unable to remove repository reference \"{}\" (must force) - container {} is using its \
                 referenced image {}",
                self.term,
                short(&user.container),
                self.image.id.short()
            )));
        }
        names.retain(|other| *other != name);
        let mut untag = vec![name.clone()];
        // Digests of a repository whose last tag goes, go with it.
        let same = |other: &Reference| other.repository() == name.repository();
        if name.digest().is_none() && !names.iter().any(|other| same(other) && other.tag().is_some()) {
            untag.extend(names.extract_if(.., |other| same(other)));
        }
        // A running container keeps the image, without a name; a stopped one has what it needs.
        let running = self.users.iter().any(|user| user.running);
        Ok(Steps { untag, delete: names.is_empty() && !running })
    }

    fn plan_id(&self, names: Vec<Reference>) -> Result<Steps> {
        if let Some(user) = self.users.iter().find(|user| user.running) {
            let text = format!("image is being used by running container {}", short(&user.container));
            return Err(self.conflict("cannot be forced", &text));
        }
        if !self.force {
            if !is_single(&names) {
                return Err(self.conflict("must be forced", "image is referenced in multiple repositories"));
            }
            if let Some(user) = self.users.first() {
                let text = format!("image is being used by stopped container {}", short(&user.container));
                return Err(self.conflict("must be forced", &text));
            }
        }
        Ok(Steps { untag: names, delete: true })
    }

    fn conflict(&self, forced: &str, text: &str) -> Error {
        Error::InUse(format!("conflict: unable to delete {} ({forced}) - {text}", self.image.id.short()))
    }
}

/// Whether all names are one: at most one tag, and digests only of the same repository.
fn is_single(names: &[Reference]) -> bool {
    let repositories: BTreeSet<Reference> = names.iter().map(Reference::repository).collect();
    names.iter().filter(|name| name.digest().is_none()).count() <= 1 && repositories.len() <= 1
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// Docker's ids of layers, each of which stands for all below it too.
fn chains(layers: &[Digest]) -> Vec<Digest> {
    let mut chains: Vec<Digest> = Vec::with_capacity(layers.len());
    for diff in layers {
        let chain = chains.last().map_or(*diff, |below| Digest::of(format!("{below} {diff}").as_bytes()));
        chains.push(chain);
    }
    chains
}
