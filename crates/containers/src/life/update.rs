//! Changing limits and restart policy of a container.

use crate::container::{Container, Live};
use crate::containers::{Containers, Inner, record};
use crate::create::{check_resources, restart_policy};
use crate::plan;
use crate::spec::{HostConfig, RestartPolicy};
use crate::store::Change;
use crate::{Error, Result};

/// What is to change; what is 0, empty or absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Limits: only the fields of Docker's `Resources` count.
    pub resources: HostConfig,
    /// Another restart policy.
    pub restart_policy: RestartPolicy,
}

impl Containers {
    /// Changes a container, durably and at once; tells what cannot be as asked for.
    pub async fn update(&self, term: &str, update: Update) -> Result<Vec<String>> {
        let container = self.0.find(term)?;
        self.blocking(move |inner| {
            let id = container.id;
            inner.update(&container, update).map_err(|error| error.during(format!("Cannot update container {id}")))
        })
        .await
    }
}

impl Inner {
    fn update(&self, container: &Container, update: Update) -> Result<Vec<String>> {
        restart_policy(&update.restart_policy)?;
        let mut live = container.turn()?;
        if live.state.is_going() {
            return Err(Error::Conflict("container is marked for removal and cannot be \"update\"".into()));
        }
        let changes_policy = !update.restart_policy.name.is_empty();
        if changes_policy && live.definition.host_config.auto_remove && !update.restart_policy.is_none() {
            let text = "Restart policy cannot be updated because AutoRemove is enabled for the container";
            return Err(Error::Invalid(text.into()));
        }
        let mut wanted = live.definition.host_config.clone();
        apply(&mut wanted, &update.resources);
        if changes_policy {
            wanted.restart_policy = update.restart_policy;
        }
        let warnings = check_resources(&mut wanted, &self.runtime.cgroups())?;
        if wanted != live.definition.host_config {
            self.carry_out(container, &mut live, wanted)?;
        }
        self.publish(&live.definition, "update", &[]);
        Ok(warnings)
    }

    /// The process first, then the record: if that cannot be kept, the process gets its old limits back.
    fn carry_out(&self, container: &Container, live: &mut Live, wanted: HostConfig) -> Result<()> {
        let (old, new) = (plan::resources(&live.definition.host_config), plan::resources(&wanted));
        let limits = live.state.has_process() && old != new;
        if limits {
            self.runtime.update(&container.id, &new)?;
        }
        let before = live.definition.clone();
        live.redefine(|definition| definition.host_config = wanted);
        if let Err(error) = self.keeper.now(vec![Change::PutContainer(Box::new(record(live)))]) {
            live.definition = before;
            let undone = limits.then(|| self.runtime.update(&container.id, &old).err()).flatten().map(Error::from);
            return Err(error.with_undo(undone.into_iter().collect()));
        }
        container.show(live);
        Ok(())
    }
}

/// Takes over what is said.
fn apply(host: &mut HostConfig, said: &HostConfig) {
    macro_rules! numbers {
        ($($field:ident),*) => { $( if said.$field != 0 { host.$field = said.$field; } )* };
    }
    macro_rules! others {
        ($is_unsaid:ident: $($field:ident),*) => { $( if !said.$field.$is_unsaid() { host.$field = said.$field.clone(); } )* };
    }
    numbers!(cpu_shares, cpu_realtime_period, cpu_realtime_runtime, blkio_weight, memory_reservation);
    others!(is_empty: cpuset_cpus, cpuset_mems);
    others!(is_none: pids_limit, memory_swappiness);
    // Two ways to say the same: the newer one counts.
    if said.nano_cpus != 0 {
        (host.nano_cpus, host.cpu_period, host.cpu_quota) = (said.nano_cpus, said.cpu_period, said.cpu_quota);
    } else if said.cpu_period != 0 || said.cpu_quota != 0 {
        host.nano_cpus = 0;
        numbers!(cpu_period, cpu_quota);
    }
    if said.memory != 0 {
        // A limit of both that was made of the old limit follows it.
        let followed = host.memory_swap == host.memory.saturating_mul(2);
        host.memory = said.memory;
        if said.memory_swap == 0 && (followed || host.memory_swap == 0) {
            host.memory_swap = said.memory.saturating_mul(2);
        }
    }
    numbers!(memory_swap);
}
