//! SIGHUP: reads the settings again and takes over what may change while running.

use crate::log::Level;
use pontoon_api::{Api, Identity};
use pontoon_cnm::Controller;
use pontoon_config::{Config, Start};
use pontoon_images::Images;
use pontoon_types::EventSubject;
use std::ffi::OsString;

/// What a reload works on.
pub struct Reloader {
    /// The command line, read again each time.
    pub args: Vec<OsString>,
    /// The level of log lines.
    pub level: Level,
    /// Where clients see the daemon's settings.
    pub api: Api,
    /// The images, for which some registries may be asked without TLS.
    pub images: Images,
    /// What clients see, without the settings that change.
    pub identity: Identity,
}

impl Reloader {
    /// Reads the settings and applies them. On any mistake nothing changes.
    pub fn reload(&self, config: &Config, core: &Controller) -> Option<Config> {
        let loaded = match crate::load(&self.args) {
            Ok(Start::Loaded(loaded)) => loaded,
            Ok(_) => return None,
            Err(mistakes) => {
                tracing::error!(error = %mistakes, "Error reloading configuration");
                return None;
            }
        };
        let outcome = config.reload(&loaded.config);
        for key in &outcome.waiting {
            tracing::warn!(key, "changed, and takes effect only after a restart");
        }
        self.level.set(outcome.config.effective_log_level());
        self.api.set_identity(Identity {
            labels: outcome.config.labels.clone(),
            debug: outcome.config.debug,
            live_restore: outcome.config.live_restore,
            ..self.identity.clone()
        });
        self.images.set_insecure_registries(outcome.config.insecure_registries.clone());
        let attributes: Vec<(&str, &str)> =
            outcome.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let actor = core.daemon_id().unwrap_or_default();
        core.events().publish(EventSubject::Daemon, "reload", actor, &attributes);
        tracing::info!("Reloaded configuration");
        Some(outcome.config)
    }
}
