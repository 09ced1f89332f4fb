//! A set of servers that are asked together, and what they said.

use super::cache::Cache;
use super::flights::Flights;
use super::health::Health;
use super::race::race;
use super::{Budget, Shared};
use crate::wire::question::{Key, Question};
use crate::wire::response::Response;
use pontoon_kernel::Netns;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Connections that are being made to one server at a time; each blocks a thread.
const CONNECTING: usize = 8;

/// One server outside.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The namespace from which it is asked.
    pub(crate) ns: Netns,
    pub(crate) health: Health,
    pub(crate) connecting: Arc<Semaphore>,
}

impl Server {
    pub(crate) fn new(address: SocketAddr, ns: Netns) -> Self {
        Self { address, ns, health: Health::default(), connecting: Arc::new(Semaphore::new(CONNECTING)) }
    }
}

/// Servers, best first, with what they said.
pub(crate) struct ServerSet {
    servers: Arc<[Server]>,
    cache: Arc<Mutex<Cache>>,
    flights: Flights,
}

/// An answer from outside, and how many seconds ago it came if it was kept.
pub(crate) struct Answered {
    pub(crate) response: Arc<Response>,
    pub(crate) age: Option<u32>,
}

impl ServerSet {
    pub(crate) fn new(servers: Vec<Server>, limit: usize, budget: Budget) -> Self {
        Self {
            servers: servers.into(),
            cache: Arc::new(Mutex::new(Cache::new(limit, budget))),
            flights: Flights::default(),
        }
    }

    /// What they said before, if it may still be told.
    pub(crate) fn remembered(&self, shared: &Shared, question: &Question) -> Option<Answered> {
        if self.servers.is_empty() {
            return None;
        }
        let key = question.key()?;
        let (response, age) = lock(&self.cache).get(&key, shared.settings.clock.now())?;
        Some(Answered { response, age: Some(age) })
    }

    /// Asks them; `None` when none gives an answer.
    pub(crate) async fn ask(&self, shared: &Arc<Shared>, question: &Question) -> Option<Answered> {
        if self.servers.is_empty() {
            return None;
        }
        let response = match question.key() {
            Some(key) => self.flights.join(key.clone(), || self.fly(shared, question, key)).await?,
            None => Arc::new(race(shared, &self.servers, question).await?),
        };
        Some(Answered { response, age: None })
    }

    fn fly(
        &self,
        shared: &Arc<Shared>,
        question: &Question,
        key: Key,
    ) -> impl Future<Output = Option<Arc<Response>>> + Send + use<> {
        let (shared, servers, cache) = (Arc::clone(shared), Arc::clone(&self.servers), Arc::clone(&self.cache));
        let question = question.clone();
        async move {
            let response = Arc::new(race(&shared, &servers, &question).await?);
            lock(&cache).keep(key, response.clone(), shared.settings.clock.now());
            Some(response)
        }
    }
}

fn lock(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}
