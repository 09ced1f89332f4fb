//! The host side of the daemon: folders, locks, kernel, drivers, resolver, core, all connected.

use crate::error::Error;
use crate::glue::{self, Carrier};
use pontoon_bridge::{Bridge, BridgeOptions};
use pontoon_cnm::{Controller, Driver, Parts, Stateless};
use pontoon_config::Config;
use pontoon_dns::Resolver;
use pontoon_forwarder::{Forwarder, Limits, Listening, OfKernel, Ports};
use pontoon_images::Images;
use pontoon_kernel::{Kernel, Kind, Netns};
use pontoon_linux::Linux;
use pontoon_store::{DefinitionsFile, RootLock, RunDirectory};
use std::path::Path;
use std::sync::Arc;

/// The folders, held against a second daemon.
#[derive(Debug)]
pub struct Roots {
    _data: RootLock,
    _exec: RootLock,
}

/// Makes and holds the folders. [`pontoon_store::Error::AlreadyRunning`] when another daemon has one of them.
pub fn hold_roots(config: &Config) -> Result<Roots, Error> {
    let (data, exec) = (RootLock::acquire(&config.data_root)?, RootLock::acquire(&config.exec_root)?);
    let netns = config.exec_root.join("netns");
    std::fs::create_dir_all(&netns).map_err(Error::file("make", &netns))?;
    Ok(Roots { _data: data, _exec: exec })
}

/// Everything that works together.
pub struct Host {
    /// The core.
    pub core: Arc<Controller>,
    /// The images.
    pub images: Images,
    /// The resolver in the sandboxes.
    pub resolver: Arc<Resolver>,
    /// The forwarder, where the host has IPv6.
    pub forwarder: Option<Arc<Forwarder>>,
}

/// Connects everything. Needs a runtime; writes nothing to the kernel yet.
pub fn connect(config: &Config) -> Result<Host, Error> {
    let linux = Arc::new(Linux::new().map_err(Error::kernel("use the kernel"))?);
    let kernel: Arc<dyn Kernel> = linux.clone();
    let forwarder = start_forwarder(&kernel)?;
    let carrier = forwarder.clone().map_or(Carrier::Absent, Carrier::Running);
    let options = BridgeOptions { check_forwarding: config.ip_forward, forward: Arc::new(carrier) };
    let bridge: Arc<dyn Driver> = Arc::new(Bridge::new(kernel.clone(), options)?);
    let resolver = Arc::new(Resolver::new(linux, pontoon_dns::Settings::default())?);
    let core = Controller::new(Parts {
        kernel,
        drivers: vec![bridge, Arc::new(Stateless::Host), Arc::new(Stateless::Null)],
        definitions: Box::new(DefinitionsFile::open(&config.data_root.join("definitions.redb"))?),
        run_state: Box::new(RunDirectory::open(&sandbox_folder(&config.exec_root))?),
        resolver: resolver.clone(),
        settings: glue::settings(config),
    })?;
    let images = open_images(config, &core)?;
    Ok(Host { core: Arc::new(core), images, resolver, forwarder })
}

fn open_images(config: &Config, core: &Controller) -> Result<Images, Error> {
    let hidden =
        [&config.data_root, &config.exec_root].map(|root| root.canonicalize().unwrap_or_else(|_| root.clone()));
    let settings = pontoon_images::Settings {
        root: config.data_root.join("images"),
        hidden: hidden.into(),
        insecure_registries: config.insecure_registries.clone(),
    };
    Ok(Images::open(settings, core.events().clone())?)
}

/// Where records of sandboxes are kept.
fn sandbox_folder(exec_root: &Path) -> std::path::PathBuf {
    exec_root.join("sandboxes")
}

/// On the ports that the rules in the kernel lead to already, if they are free: then a restart changes nothing.
fn start_forwarder(kernel: &Arc<dyn Kernel>) -> Result<Option<Arc<Forwarder>>, Error> {
    let table = kernel.table(&Netns::Host, &pontoon_ruleset::table_id());
    let observed = table.map_err(Error::kernel("read the rule set"))?;
    let wanted = observed.as_ref().and_then(pontoon_ruleset::forwarder_ports);
    let wanted = wanted.map(|ports| Ports { tcp: ports.tcp, udp: ports.udp });
    let listening = match Listening::open(kernel.as_ref(), wanted) {
        Ok(listening) => listening,
        Err(pontoon_forwarder::Error::Open(_, cause)) if is_without_ipv6(cause.kind) => {
            tracing::info!("this host has no IPv6: the forwarder stays off");
            return Ok(None);
        }
        Err(error) => return Err(Error::System { act: "start the forwarder", cause: std::io::Error::other(error) }),
    };
    let forwarder = listening.start(Arc::new(OfKernel(kernel.clone())), Limits::default());
    let failed = |error| Error::System { act: "start the forwarder", cause: std::io::Error::other(error) };
    Ok(Some(Arc::new(forwarder.map_err(failed)?)))
}

fn is_without_ipv6(kind: Kind) -> bool {
    matches!(kind, Kind::NotSupported | Kind::NotAvailable)
}
