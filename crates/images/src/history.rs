//! How an image came to be: `docker history`.

use crate::config::HistoryEntry;
use crate::{ImageId, Images, Reference, Result};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryStep {
    /// The image, at its last step.
    pub id: Option<ImageId>,
    /// Its names, at its last step.
    pub tags: Vec<Reference>,
    /// What is known of the step.
    pub entry: HistoryEntry,
    /// Bytes of the files that the step made.
    pub size: u64,
}

impl Images {
    /// The steps, the last one first.
    pub fn history(&self, term: &str) -> Result<Vec<HistoryStep>> {
        let image = self.image(term)?;
        let mut layers = image.layers.iter();
        let mut steps = Vec::new();
        for entry in image.config.history.clone() {
            let layer = if entry.empty_layer { None } else { layers.next() };
            let size = layer.map(|diff| self.0.layers.get(*diff)).transpose()?.flatten().map_or(0, |layer| layer.size);
            steps.push(HistoryStep { id: None, tags: Vec::new(), entry, size });
        }
        // Layers that no step tells of.
        for diff in layers {
            let size = self.0.layers.get(*diff)?.map_or(0, |layer| layer.size);
            steps.push(HistoryStep { id: None, tags: Vec::new(), entry: HistoryEntry::default(), size });
        }
        steps.reverse();
        if let Some(last) = steps.first_mut() {
            (last.id, last.tags) = (Some(image.id), image.tags);
        }
        Ok(steps)
    }
}
