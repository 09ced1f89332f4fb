//! Another name for a container.

use crate::container::Container;
use crate::containers::{Containers, Inner, record};
use crate::store::Change;
use crate::{Error, Result, names, network};

impl Containers {
    /// Gives a container another name, durably. On failure it has the name it had.
    pub async fn rename(&self, term: &str, name: &str) -> Result<()> {
        let (term, name) = (term.to_owned(), name.to_owned());
        self.blocking(move |inner| {
            if term.is_empty() || name.is_empty() {
                return Err(Error::Invalid("Neither old nor new names may be empty".into()));
            }
            let container = inner.find(&term)?;
            inner.rename(&container, &name)
        })
        .await
    }
}

impl Inner {
    fn rename(&self, container: &Container, name: &str) -> Result<()> {
        let mut live = container.turn()?;
        let old = live.definition.name.clone();
        let new = names::check(name)?.to_owned();
        if new == old {
            return Err(Error::Invalid("Renaming a container with the same name as its current name".into()));
        }
        self.claim_name(&new, container.id).map_err(|error| error.during("Error when allocating new name"))?;
        let before = live.definition.clone();
        live.redefine(|definition| definition.name.clone_from(&new));
        let renamed = network::rename(&self.core, container.id, &new).map_err(Error::from);
        let kept = renamed.and_then(|()| self.keeper.now(vec![Change::PutContainer(Box::new(record(&live)))]));
        if let Err(error) = kept {
            live.definition = before;
            let undone = network::rename(&self.core, container.id, &old).err().map(Error::from);
            self.free_name(&new);
            return Err(error.with_undo(undone.into_iter().collect()));
        }
        container.show(&live);
        self.free_name(&old);
        self.publish(&live.definition, "rename", &[("oldName", format!("/{old}").as_str())]);
        Ok(())
    }
}
