//! The networks that are always there: `bridge`, `host`, `none`.
//!
//! Unlike Docker's, `bridge` keeps its id over restarts: sandboxes live on while the daemon is away.

use super::create::{Families, record};
use crate::Result;
use crate::controller::Controller;
use pontoon_types::{NetworkSpec, Options};

/// Marks the default bridge for the driver, as in Docker.
pub const DEFAULT_BRIDGE: &str = "com.docker.network.bridge.default_bridge";

impl Controller {
    /// Makes whichever of the predefined networks is missing.
    pub(crate) fn make_predefined(&self) -> Result<()> {
        for (name, driver) in [("none", "null"), ("host", "host"), ("bridge", "bridge")] {
            let known = self.networks_in_memory().iter().any(|network| network.record.name == name);
            if !known && self.driver(driver).is_ok() {
                self.make_predefined_network(name, driver)?;
            }
        }
        Ok(())
    }

    fn make_predefined_network(&self, name: &str, driver: &str) -> Result<()> {
        let options = if name == "bridge" { self.default_bridge_options() } else { Options::new() };
        let spec = NetworkSpec { name: name.into(), driver: driver.into(), options, ..NetworkSpec::default() };
        let driver = self.driver(driver)?;
        let traits = driver.check(&spec)?;
        let mut record = record(spec, driver.name(), driver.scope(), Families { v4: true, v6: false });
        record.predefined = true;
        record.pools = self.take_pools(&record, Vec::new(), traits)?;
        self.commit_network(record, driver.as_ref()).map(drop)
    }

    /// Options that Docker stores on its default bridge.
    fn default_bridge_options(&self) -> Options {
        let pairs = [
            (DEFAULT_BRIDGE, "true"),
            ("com.docker.network.bridge.enable_icc", "true"),
            ("com.docker.network.bridge.enable_ip_masquerade", "true"),
            ("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"),
            ("com.docker.network.driver.mtu", "1500"),
        ];
        let mut options: Options = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        options.insert("com.docker.network.bridge.name".into(), self.settings().default_bridge.clone());
        options
    }
}
