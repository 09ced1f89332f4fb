//! Networks of a container that exists already: connect and disconnect, in each state.

use crate::container::{Container, Live};
use crate::containers::{Containers, Inner, record};
use crate::network::{self, Changed, Standing};
use crate::spec::EndpointSettings;
use crate::store::Change;
use crate::{Result, State};
use std::sync::Arc;

impl Containers {
    /// Connects a container to a network, durably; one that does not run joins it when it starts.
    pub async fn connect(&self, network: &str, term: &str, settings: EndpointSettings) -> Result<()> {
        let container = self.0.find(term)?;
        let network = network.to_owned();
        self.blocking(move |inner| {
            inner.change_networks(&container, |live| {
                let standing = standing(&live.state);
                network::connect(&inner.core, &live.definition.for_network(), standing, &network, settings)
            })
        })
        .await
    }

    /// Disconnects a container from a network, durably.
    pub async fn disconnect(&self, network: &str, term: &str, force: bool) -> Result<()> {
        let container = self.0.find(term)?;
        let network = network.to_owned();
        self.blocking(move |inner| {
            inner.change_networks(&container, |live| {
                let standing = standing(&live.state);
                network::disconnect(&inner.core, &live.definition.for_network(), standing, &network, force)
            })
        })
        .await
    }
}

fn standing(state: &State) -> Standing {
    match state {
        state if state.has_process() => Standing::Running,
        state if state.is_going() => Standing::Leaving,
        _ => Standing::Stopped,
    }
}

impl Inner {
    fn change_networks(
        self: &Arc<Self>,
        container: &Container,
        change: impl FnOnce(&Live) -> std::result::Result<Changed, network::Error>,
    ) -> Result<()> {
        let mut live = container.turn()?;
        let changed = change(&live)?;
        live.redefine(|definition| {
            definition.endpoints = changed.endpoints;
            if let Some(mode) = changed.network_mode {
                definition.host_config.network_mode = mode;
            }
        });
        container.show(&live);
        // It is done: a disk that fails must not make it look undone. It is tried again.
        match self.keeper.now(vec![Change::PutContainer(Box::new(record(&live)))]) {
            Err(error) if live.state.has_process() => {
                let error = pontoon_types::chain(&error);
                tracing::warn!(container = %container.id.short(), error, "its networks are not kept durably yet");
                self.keeper.soon(record(&live));
                Ok(())
            }
            kept => kept,
        }
    }
}
