//! The two smallest drivers: `host` and `null`. Neither makes links, rules or addresses.

use crate::driver::{Driver, Joined, LinkPlan, Repaired, Traits, Wanted};
use crate::{EndpointRecord, Error, NetworkRecord, Result};
use pontoon_kernel::Netns;
use pontoon_types::{ErrorKind, Family, NetworkSpec, Options, PortMapping};
use std::net::IpAddr;

/// A driver without kernel state: the sandbox is the host's own namespace, or has only its loopback link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stateless {
    /// `host`.
    Host,
    /// `null`.
    Null,
}

impl Driver for Stateless {
    fn name(&self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Null => "null",
        }
    }

    fn check(&self, spec: &NetworkSpec) -> Result<Traits> {
        // Docker: one network of each, made at start.
        if spec.name != if *self == Self::Host { "host" } else { "none" } {
            let text = format!("only one instance of \"{}\" network is allowed", self.name());
            return Err(Error::driver(ErrorKind::Forbidden, text));
        }
        Ok(Traits { uses_ipam: false, gateway_v4: false, gateway_v6: false })
    }

    fn create_network(&self, _: &NetworkRecord) -> Result<()> {
        Ok(())
    }

    fn remove_network(&self, _: &NetworkRecord) -> Result<()> {
        Ok(())
    }

    fn link_plan(&self, _: &NetworkRecord, _: &Options) -> Result<LinkPlan> {
        Ok(LinkPlan { fixed: None, prefix: String::new() })
    }

    fn join(&self, _: &NetworkRecord, _: &EndpointRecord, _: &Netns) -> Result<Joined> {
        Ok(Joined::default())
    }

    fn leave(&self, _: &NetworkRecord, _: &EndpointRecord, _: &Netns) -> Result<()> {
        Ok(())
    }

    fn binding_address(&self, _: &NetworkRecord) -> Option<IpAddr> {
        None
    }

    fn publishes(&self, _: &NetworkRecord, _: Family) -> bool {
        false
    }

    fn publish(&self, _: &[PortMapping], _: &[PortMapping]) -> Result<()> {
        Ok(())
    }

    fn restore(&self, _: &Wanted) -> Result<Repaired> {
        Ok(Repaired::default())
    }

    fn differs(&self, _: &Wanted) -> Result<bool> {
        Ok(false)
    }

    fn cleanup(&self) -> Result<()> {
        Ok(())
    }
}
