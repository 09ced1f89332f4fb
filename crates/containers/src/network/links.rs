//! Legacy links between containers of the default bridge: `name[:alias]` (containers-networking.md section 8).

use super::{Error, NetworkMode, Others};
use pontoon_types::ContainerId;
use serde::{Deserialize, Serialize};

/// A link to another container, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The container that is linked to. It may be renamed.
    pub child: ContainerId,
    /// What it is called by whoever links.
    pub alias: String,
}

/// The two halves of `name[:alias]`.
fn halves(text: &str) -> Result<(&str, &str), Error> {
    if text.is_empty() {
        return Err(Error::EmptyLink);
    }
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        [name] => Ok((name, name)),
        // The stored form of old clients, `/child:/parent/alias`.
        [name, alias] if name.starts_with('/') && !alias.is_empty() => {
            Ok((&name[1..], alias.rsplit('/').next().unwrap_or(alias)))
        }
        [name, alias] if !name.is_empty() && !alias.is_empty() => Ok((name, alias)),
        _ => Err(Error::BadLink(text.to_owned())),
    }
}

/// Finds the containers that links name. One that shares another's namespace stands for that one.
pub(super) fn parse(links: &[String], others: &dyn Others) -> Result<Vec<Link>, Error> {
    links.iter().map(|text| find(text, others)).collect()
}

fn find(text: &str, others: &dyn Others) -> Result<Link, Error> {
    let (name, alias) = halves(text)?;
    let mut child = others.find(name).ok_or_else(|| Error::LinkUnknown(name.to_owned()))?;
    let mut followed = 0;
    while let NetworkMode::Container(donor) = &child.mode {
        // A circle of containers that share each other's cannot be started either.
        followed += 1;
        let next = others.find(donor).filter(|_| followed < 32);
        child = next.ok_or_else(|| Error::LinkUnknown(donor.clone()))?;
    }
    match child.mode {
        NetworkMode::Host => Err(Error::LinksWithMode("host")),
        _ => Ok(Link { child: child.id, alias: alias.to_owned() }),
    }
}
