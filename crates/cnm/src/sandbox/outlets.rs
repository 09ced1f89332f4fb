//! Published ports of a sandbox as a whole: on the endpoints that carry its default routes, moved when those change,
//! replaced when asked (ports.md section 8).
//!
//! Owns: which endpoint has what open, and putting all of it back after a failure.

use super::live::Live;
use super::ports::{Outlet, Role, roles};
use crate::controller::Controller;
use crate::{Error, Result};
use pontoon_types::{EndpointId, PortBinding, PortMapping};

/// What was open where: to be put back exactly, ephemeral ports included.
pub(crate) type Opened = Vec<(EndpointId, Role, Vec<PortMapping>)>;

/// What is open where.
pub(crate) fn opened(live: &Live) -> Opened {
    let one = |outlet: &Outlet| (outlet.endpoint, outlet.role, outlet.published.mappings.clone());
    live.outlets.iter().map(one).collect()
}

impl Controller {
    /// Publishes `bindings` in place of what the sandbox meant by `term` publishes now. Ports in both are not
    /// interrupted; on failure everything is as it was.
    pub fn set_ports(&self, term: &str, bindings: Vec<PortBinding>) -> Result<()> {
        let _open = self.accepting()?;
        let sandbox = self.find_sandbox(term)?;
        let mut live = sandbox.turn()?;
        if live.record.netns_path.is_none() {
            return Err(Error::BadSandbox("ports cannot be published in the host's namespace".into()));
        }
        let open = opened(&live);
        let before = std::mem::replace(&mut live.record.spec.ports, bindings);
        let changed = self.change_ports(&mut live).and_then(|()| Ok(self.run_state().put_sandbox(&live.record)?));
        if let Err(error) = changed {
            live.record.spec.ports = before;
            return Err(error.with_undo(self.reopen(&mut live, &open)));
        }
        sandbox.show(&live.record);
        Ok(())
    }

    fn change_ports(&self, live: &mut Live) -> Result<()> {
        let bindings = live.record.spec.ports.clone();
        let mut outlets = std::mem::take(&mut live.outlets);
        let mut changed = Ok(());
        for outlet in &mut outlets {
            changed = changed.and_then(|()| self.change_outlet(live, outlet, &bindings));
        }
        live.outlets = outlets;
        changed?;
        // Without anything published yet, the ports start here.
        self.rebalance_ports(live)
    }

    /// Publishes on the endpoints that carry the default routes now, and nowhere else. On failure it is as it was.
    pub(crate) fn rebalance_ports(&self, live: &mut Live) -> Result<()> {
        let before = opened(live);
        let moved = self.move_ports(live);
        note_mappings(live);
        moved.map_err(|error| error.with_undo(self.reopen(live, &before)))
    }

    fn move_ports(&self, live: &mut Live) -> Result<()> {
        let wanted = roles(&live.record.endpoints);
        // The old holder lets go first: both want the same ports.
        self.close_unless(live, |outlet| wanted.contains(&(outlet.endpoint, outlet.role)))?;
        if live.record.spec.ports.is_empty() {
            return Ok(());
        }
        for (endpoint, role) in wanted {
            if !live.outlets.iter().any(|outlet| outlet.endpoint == endpoint) {
                self.open_outlet(live, endpoint, role, None)?;
            }
        }
        Ok(())
    }

    /// Closes what an endpoint that is leaving has open. On failure it is still open.
    pub(crate) fn withdraw_ports(&self, live: &mut Live, leaving: EndpointId) -> Result<()> {
        let closed = self.close_unless(live, |outlet| outlet.endpoint != leaving);
        note_mappings(live);
        closed
    }

    /// Closes outlets up to the first that cannot be closed; that one and the rest stay.
    fn close_unless(&self, live: &mut Live, stays: impl Fn(&Outlet) -> bool) -> Result<()> {
        let mut closed = Ok(());
        for outlet in std::mem::take(&mut live.outlets) {
            if closed.is_err() || stays(&outlet) {
                live.outlets.push(outlet);
            } else if let Err(still) = self.close_outlet(live, outlet) {
                live.outlets.push(still.outlet);
                closed = Err(still.error);
            }
        }
        closed
    }

    /// Puts back what was open before, and nothing else. Goes on after a failure and tells them all.
    pub(crate) fn reopen(&self, live: &mut Live, before: &Opened) -> Vec<Error> {
        let is = |outlet: &Outlet, endpoint: EndpointId, role: Role| outlet.endpoint == endpoint && outlet.role == role;
        let mut failures = Vec::new();
        failures
            .extend(self.close_unless(live, |outlet| before.iter().any(|(id, role, _)| is(outlet, *id, *role))).err());
        for (endpoint, role, mappings) in before {
            let result = match live.outlets.iter().position(|outlet| is(outlet, *endpoint, *role)) {
                None => self.open_outlet(live, *endpoint, *role, Some(mappings)),
                Some(index) => {
                    let mut outlet = live.outlets.remove(index);
                    let exact: Vec<PortBinding> = mappings.iter().map(exactly).collect();
                    let same = outlet.published.mappings == *mappings;
                    let changed = if same { Ok(()) } else { self.change_outlet(live, &mut outlet, &exact) };
                    live.outlets.insert(index, outlet);
                    changed
                }
            };
            failures.extend(result.err());
        }
        note_mappings(live);
        failures
    }

    /// Closes everything; what cannot be closed stays and is told.
    pub(crate) fn drop_ports(&self, live: &mut Live) -> Vec<Error> {
        let mut failures = Vec::new();
        for outlet in std::mem::take(&mut live.outlets) {
            if let Err(still) = self.close_outlet(live, outlet) {
                live.outlets.push(still.outlet);
                failures.push(still.error);
            }
        }
        note_mappings(live);
        failures
    }

    /// Holds the ports of a restored sandbox again. Those that another program took meanwhile are published no longer.
    pub(crate) fn hold_again(&self, live: &mut Live) -> Vec<Error> {
        let roles = roles(&live.record.endpoints).into_iter();
        let failures = roles.filter_map(|(id, role)| self.hold_outlet(live, id, role).err()).collect();
        note_mappings(live);
        failures
    }
}

/// The record's list is what is open.
fn note_mappings(live: &mut Live) {
    live.record.mappings = live.outlets.iter().flat_map(|outlet| outlet.published.mappings.clone()).collect();
    // In an order that does not depend on which outlet was opened first.
    live.record.mappings.sort();
}

/// The binding that gives exactly this mapping.
fn exactly(mapping: &PortMapping) -> PortBinding {
    PortBinding {
        container: mapping.container(),
        protocol: mapping.protocol,
        host_ip: Some(mapping.host_ip),
        host: Some(mapping.host),
    }
}
