//! Ending a link between containers of the default bridge.

use crate::containers::{Containers, Inner, record};
use crate::store::Change;
use crate::{Error, Result, network};

impl Containers {
    /// Ends the link that the container meant by `parent` calls `alias`, durably.
    pub async fn unlink(&self, parent: &str, alias: &str) -> Result<()> {
        let (parent, alias) = (parent.to_owned(), alias.to_owned());
        self.blocking(move |inner| inner.unlink(&parent, &alias)).await
    }
}

impl Inner {
    fn unlink(&self, parent: &str, alias: &str) -> Result<()> {
        let unknown = || Error::NoContainer(format!("{parent}/{alias}"));
        let container = self.find(parent).map_err(|_| unknown())?;
        let mut live = container.turn()?;
        if !live.definition.links.iter().any(|link| link.alias == alias) {
            return Err(unknown());
        }
        let before = live.definition.clone();
        live.redefine(|definition| definition.links.retain(|link| link.alias != alias));
        let kept = self.keeper.now(vec![Change::PutContainer(Box::new(record(&live)))]);
        if let Err(error) = kept {
            live.definition = before;
            return Err(error);
        }
        container.show(&live);
        Ok(network::unlink(&self.core, container.id, alias)?)
    }
}
