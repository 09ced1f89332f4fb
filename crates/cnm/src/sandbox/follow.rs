//! Following the host's resolv.conf when it changes: in the sandboxes' files and in where their resolvers forward to.

use crate::Error;
use crate::controller::Controller;

impl Controller {
    /// Takes a changed file over. A sandbox's own file that a user edited stays as it is.
    pub(crate) fn follow_resolv_conf(&self) {
        tracing::info!("the host's resolv.conf changed");
        for sandbox in self.sandboxes_in_memory() {
            let Ok(_open) = self.accepting() else { return };
            let Ok(mut live) = sandbox.turn() else { continue };
            let digest = live.record.resolv_digest.clone();
            let followed = self.refresh_resolv_conf(&mut live.record).and_then(|()| self.serve_names(&mut live));
            let stored = match live.record.resolv_digest == digest {
                true => Ok(()),
                false => self.run_state().put_sandbox(&live.record).map_err(Error::from),
            };
            sandbox.show(&live.record);
            if let Err(error) = followed.and(stored) {
                tracing::warn!(sandbox = %live.record.id.short(), %error, "could not follow the host's resolv.conf");
            }
        }
    }
}
