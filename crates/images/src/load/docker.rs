//! The form of `docker save`: `manifest.json` names the configuration and the layers of each image.

use super::{Found, Loading};
use crate::{Error, ImageId, Reference, Result};
use serde::Deserialize;

/// One image of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl Loading<'_, '_> {
    pub(super) fn docker(&mut self) -> Result<Vec<ImageId>> {
        let text = self.archive.text("manifest.json")?;
        let items: Vec<Item> =
            serde_json::from_slice(&text).map_err(|error| Error::NotAnImage(format!("read manifest.json: {error}")))?;
        items.into_iter().map(|item| self.item(item)).collect()
    }

    fn item(&mut self, item: Item) -> Result<ImageId> {
        let config = self.archive.text(&item.config)?;
        super::archive::check(&item.config, crate::Digest::of(&config))?;
        let names = item.repo_tags.unwrap_or_default();
        let names: Result<Vec<Reference>> = names.iter().map(|name| Ok(Reference::parse(name)?.or_latest())).collect();
        self.add(Found { config, layers: item.layers.unwrap_or_default(), names: names?, manifest: None })
    }
}
