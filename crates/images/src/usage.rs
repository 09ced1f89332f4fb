//! How much room images take, and how much of it they share.

use crate::{Digest, ImageId, Images};
use std::collections::BTreeMap;

/// Room that images take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagesUsage {
    /// Bytes of all layers, each counted once.
    pub layers: u64,
    /// Of each image, the bytes of layers that another image has too.
    pub shared: BTreeMap<ImageId, u64>,
}

impl Images {
    /// Finds it out. A layer that cannot be read counts nothing.
    pub fn usage(&self) -> ImagesUsage {
        let images = self.images();
        let mut owners: BTreeMap<Digest, u32> = BTreeMap::new();
        for diff in images.iter().flat_map(|image| &image.layers) {
            *owners.entry(*diff).or_default() += 1;
        }
        let sizes: BTreeMap<Digest, u64> = owners.keys().map(|diff| (*diff, self.layer_size(*diff))).collect();
        let shared = |layers: &[Digest]| {
            layers.iter().filter(|diff| owners.get(diff).is_some_and(|count| *count > 1)).map(|diff| sizes[diff]).sum()
        };
        ImagesUsage {
            layers: sizes.values().sum(),
            shared: images.iter().map(|image| (image.id, shared(&image.layers))).collect(),
        }
    }

    pub(crate) fn layers_size(&self) -> u64 {
        self.usage().layers
    }

    fn layer_size(&self, diff: Digest) -> u64 {
        self.0.layers.get(diff).ok().flatten().map_or(0, |layer| layer.size)
    }
}
