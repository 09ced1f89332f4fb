//! The daemon's life: start, serve until told to stop, end in order.

use crate::error::Error;
use crate::host::{self, Host};
use crate::metrics::Metrics;
use crate::pidfile::PidFile;
use crate::reload::Reloader;
use crate::{containers, listeners, log};
use pontoon_api::serve::{ConnectionLimits, bind_tcp, serve};
use pontoon_api::{Api, BodyLimits, Identity, WorkLimits};
use pontoon_cnm::Controller;
use pontoon_config::{Config, Loaded};
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long forwarded connections may take to end at a stop.
const FORWARDER_GRACE: Duration = Duration::from_secs(1);

/// Runs until told to stop.
pub fn run(loaded: Loaded, args: Vec<OsString>) -> Result<(), Error> {
    let config = loaded.config;
    let level = log::start(config.effective_log_level(), config.log_format);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let _roots = host::hold_roots(&config)?;
    let _pid_file = config.pidfile.as_deref().map(PidFile::write).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build();
    let runtime = runtime.map_err(Error::system("start the runtime"))?;
    let done = runtime.block_on(live(config, level, args, loaded.warnings));
    // Blocking calls that are stuck in the kernel do not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}

/// The work is the kernel's: more threads than this only wait for each other.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4)
}

async fn live(config: Config, level: log::Level, args: Vec<OsString>, warnings: Vec<String>) -> Result<(), Error> {
    let begun = Instant::now();
    // From here on a signal to stop waits until there is something to stop in order.
    let signals = Signals::listen()?;
    // Sockets first: clients that come early wait instead of being refused.
    let listeners = listeners::open(&config)?;
    let host = host::connect(&config)?;
    let core = host.core.clone();
    let ready = on_a_thread({
        let core = core.clone();
        move || core.start()
    })
    .await??;
    for failure in &ready.failures {
        tracing::warn!(failure, "could not bring back everything");
    }
    let watcher = Watcher::start(core.clone())?;
    let handle = containers::connect(&config, &host)?;
    let found = handle.containers.begin().await?;
    let metrics = Arc::new(measure(&host));
    let identity = identity(&config, warnings);
    let api = Api::new(
        core.clone(),
        Arc::new(handle.clone()),
        identity.clone(),
        metrics.requests.clone(),
        BodyLimits::default(),
        WorkLimits::default(),
    );
    api.serve_images(host.images.clone());
    let (stop, stopped) = watch::channel(false);
    let exposition = expose(&config, metrics, stopped.clone())?;
    let limits =
        ConnectionLimits { grace: config.shutdown_timeout.unwrap_or(Duration::MAX), ..ConnectionLimits::default() };
    let serving = tokio::spawn(serve(api.clone(), listeners, limits, until(stopped)));
    tracing::info!(
        networks = ready.networks,
        sandboxes = ready.sandboxes,
        containers = found.containers,
        running = found.running,
        gone = ready.gone,
        kernel_writes = ready.writes,
        milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "ready"
    );
    notify(&[sd_notify::NotifyState::Ready]);
    let config =
        signals.wait(config, &core, Reloader { args, level, api, images: host.images.clone(), identity }).await;
    notify(&[sd_notify::NotifyState::Stopping]);
    stop.send_replace(true);
    // A server that broke down has nothing more to say.
    let _ = serving.await;
    if let Some(exposition) = exposition {
        let _ = exposition.await;
    }
    handle.containers.close().await;
    finish(&host, watcher).await;
    listeners::remove_files(&config);
    tracing::info!("stopped; sandboxes and published ports stay as they are");
    Ok(())
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|broken| Error::System { act: "start", cause: std::io::Error::other(broken) })
}

/// Follows the kernel's news until stopped.
struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watcher {
    fn start(core: Arc<Controller>) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let own = stop.clone();
        let follow = move || {
            while !own.load(Ordering::SeqCst) {
                if let Err(error) = core.watch(&own) {
                    tracing::error!(%error, "lost the kernel's news; listening anew");
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
        };
        let thread = std::thread::Builder::new().name("watcher".into()).spawn(follow);
        Ok(Self { stop, thread: thread.map_err(Error::system("start the watcher"))? })
    }
}

async fn finish(host: &Host, watcher: Watcher) {
    host.core.close();
    watcher.stop.store(true, Ordering::SeqCst);
    if let Some(forwarder) = &host.forwarder {
        forwarder.stop(FORWARDER_GRACE).await;
    }
    // It looks at the flag once a second.
    let _ = on_a_thread(move || watcher.thread.join()).await;
}

fn identity(config: &Config, warnings: Vec<String>) -> Identity {
    let version = config.min_api_version;
    Identity {
        min_api: pontoon_api::ApiVersion::new(version.major, version.minor),
        data_root: config.data_root.clone(),
        labels: config.labels.clone(),
        debug: config.debug,
        live_restore: config.live_restore,
        forwarder: config.userland_proxy,
        warnings,
        ..Identity::default()
    }
}

fn measure(host: &Host) -> Metrics {
    let mut metrics = Metrics::new();
    metrics.watch_core(host.core.clone());
    let resolver = host.resolver.clone();
    metrics.watch_counters(Box::new(move || resolver_counters(&resolver.metrics())));
    if let Some(forwarder) = host.forwarder.clone() {
        metrics.watch_counters(Box::new(move || {
            let counters = forwarder.counters();
            vec![
                ("forwarder_tcp_connections", "TCP connections carried by the forwarder", counters.tcp_total),
                ("forwarder_udp_flows", "UDP flows carried by the forwarder", counters.udp_total),
                ("forwarder_refused", "Flows that the forwarder refused", counters.refused),
            ]
        }));
    }
    metrics
}

fn resolver_counters(of: &pontoon_dns::Metrics) -> Vec<(&'static str, &'static str, u64)> {
    vec![
        ("dns_udp_queries", "Queries received in datagrams", of.udp_queries),
        ("dns_tcp_queries", "Queries received over connections", of.tcp_queries),
        ("dns_answered_locally", "Queries answered from the names of networks", of.answered_locally),
        ("dns_answered_from_cache", "Queries answered from earlier answers of servers outside", of.answered_from_cache),
        ("dns_forwarded", "Queries handed on to servers outside", of.forwarded),
        ("dns_refused", "Queries refused because too many were on their way", of.refused),
        ("dns_failed", "Queries that no server outside answered", of.failed),
    ]
}

type Exposition = tokio::task::JoinHandle<()>;

fn expose(config: &Config, metrics: Arc<Metrics>, stopped: watch::Receiver<bool>) -> Result<Option<Exposition>, Error> {
    let Some(address) = config.metrics else { return Ok(None) };
    let listener = bind_tcp(address)?;
    let render = Arc::new(move || metrics.render());
    Ok(Some(tokio::spawn(pontoon_api::serve::expose(listener, render, until(stopped)))))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone stops as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Signals that were sent since [`Signals::listen`].
struct Signals {
    hangup: Signal,
    end: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::system("listen for signals"));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            end: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Reloads at SIGHUP, returns at SIGTERM or SIGINT.
    async fn wait(mut self, mut config: Config, core: &Arc<Controller>, reloader: Reloader) -> Config {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    notify(&[sd_notify::NotifyState::Reloading]);
                    if let Some(new) = reloader.reload(&config, core) {
                        config = new;
                    }
                    notify(&[sd_notify::NotifyState::Ready]);
                }
                _ = self.end.recv() => return config,
                _ = self.interrupt.recv() => return config,
            }
        }
    }
}

/// Tells systemd; without systemd nobody listens, which is no error.
fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}
