//! Starting a container.

use crate::container::{Container, Live};
use crate::containers::{Containers, Inner};
use crate::health::{Health, Schedule};
use crate::spec::MountKind;
use crate::{Error, Result, Status};
use pontoon_types::EventSubject;
use std::sync::Arc;
use std::time::SystemTime;

/// Why a container is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Somebody asked.
    Asked,
    /// Its restart policy says so, after the run with this number.
    Policy(u64),
}

impl Containers {
    /// Starts a container; false when it runs already.
    pub async fn start(&self, term: &str) -> Result<bool> {
        let container = self.0.find(term)?;
        self.request(move |inner| async move { inner.start(container, Why::Asked).await }).await
    }
}

impl Inner {
    /// Starts a container when it is its turn among those that start.
    pub(crate) async fn start(self: &Arc<Self>, container: Arc<Container>, why: Why) -> Result<bool> {
        let _place = self.starting.acquire().await.map_err(|_| Error::ShuttingDown)?;
        self.blocking(move |inner| inner.start_now(&container, why)).await
    }

    fn start_now(self: &Arc<Self>, container: &Arc<Container>, why: Why) -> Result<bool> {
        let mut live = container.turn()?;
        match (live.state.status, why) {
            (Status::Removing | Status::Dead, _) => return Err(Error::StartGoing),
            (Status::Restarting, Why::Policy(run)) if run == live.run => {}
            // Somebody stopped it, or started it before.
            (_, Why::Policy(_)) => return Ok(false),
            (Status::Paused, Why::Asked) => return Err(Error::StartPaused),
            (Status::Running | Status::Restarting, Why::Asked) => return Ok(false),
            (Status::Created | Status::Exited, Why::Asked) => {
                live.state.restart_count = 0;
                live.backoff = Default::default();
            }
        }
        let launched = self.launch(container, &live.definition);
        let outcome = match launched {
            Ok(launched) => {
                self.has_started(container, &mut live, launched);
                return Ok(true);
            }
            Err(error) => error,
        };
        self.has_failed(container, &mut live, &outcome);
        let goes = live.definition.goes_at_end() && !live.stays;
        drop(live);
        if goes && let Err(error) = self.remove_ended(container, true) {
            tracing::warn!(container = %container.id.short(), error = %pontoon_types::chain(&error), "could not be removed");
        }
        Err(outcome)
    }

    fn has_started(self: &Arc<Self>, container: &Arc<Container>, live: &mut Live, launched: super::launch::Launched) {
        let schedule = schedule(live);
        live.run += 1;
        live.state.begin(launched.pid, SystemTime::now());
        live.state.manually_stopped = false;
        live.state.shares = launched.joined.shares;
        live.state.health = schedule.is_some().then(Health::default);
        if live.definition.endpoints != launched.joined.endpoints {
            live.redefine(|definition| definition.endpoints = launched.joined.endpoints);
        }
        self.note(container, live);
        container.tell(live, false);
        // Those who came between the process's creation and now.
        self.hand_over_streams(container);
        self.publish_volumes(live, "mount");
        self.publish(&live.definition, "start", &[]);
        self.supervise(container.clone(), live.run, schedule);
    }

    fn has_failed(&self, container: &Container, live: &mut Live, error: &Error) {
        live.state.fail(error.exit_code(), pontoon_types::chain(error));
        self.note(container, live);
        container.tell(live, false);
    }

    /// Tells that volumes come into use or go out of it.
    pub(super) fn publish_volumes(&self, live: &Live, action: &str) {
        let container = live.definition.id.to_string();
        for mount in live.definition.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
            let access = mount.writable.to_string();
            let attributes = [
                ("container", container.as_str()),
                ("driver", mount.driver.as_str()),
                ("destination", mount.destination.as_str()),
                ("propagation", mount.propagation.as_str()),
                ("read/write", access.as_str()),
            ];
            // Docker says less of an end.
            let attributes = if action == "mount" { &attributes[..] } else { &attributes[..2] };
            self.core.events().publish(EventSubject::Volume, action, mount.name.clone(), attributes);
        }
    }
}

/// How the container is checked, if it is.
pub(super) fn schedule(live: &Live) -> Option<Schedule> {
    let config = &live.definition.config;
    Schedule::of(config.healthcheck.as_ref(), config.shell.as_slice())
}
