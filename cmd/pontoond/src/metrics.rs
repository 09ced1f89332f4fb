//! Numbers for Prometheus: requests, repairs, and how much of everything there is.

use pontoon_api::RequestMetrics;
use pontoon_cnm::Controller;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds of the request histogram, in seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.064, 0.25, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: String,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: &'static str,
}

type Durations = Family<Route, Histogram, fn() -> Histogram>;

/// Counts requests.
pub struct Requests {
    total: Family<Request, Counter>,
    seconds: Durations,
}

impl RequestMetrics for Requests {
    fn answered(&self, method: &str, route: &'static str, status: u16, took: Duration) {
        self.total.get_or_create(&Request { method: method.to_owned(), route, status }).inc();
        self.seconds.get_or_create(&Route { method: method.to_owned(), route }).observe(took.as_secs_f64());
    }
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// Requests; given to the API.
    pub requests: Arc<Requests>,
}

/// Reads numbers that others keep: name, help, value now.
pub type Source = Box<dyn Fn() -> Vec<(&'static str, &'static str, u64)> + Send + Sync>;

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("pontoon");
        let total = Family::default();
        let seconds = Durations::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("http_requests", "API requests answered", total.clone());
        registry.register("http_request_seconds", "Time until an answer began", seconds.clone());
        Self { registry, requests: Arc::new(Requests { total, seconds }) }
    }

    /// Shows how much of everything the core has.
    pub fn watch_core(&mut self, core: Arc<Controller>) {
        self.registry.register_collector(Box::new(Core(core)));
    }

    /// Shows counters that somebody else keeps.
    pub fn watch_counters(&mut self, source: Source) {
        self.registry.register_collector(Box::new(Counters(source)));
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

struct Core(Arc<Controller>);

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Core")
    }
}

impl Collector for Core {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sandboxes = self.0.sandboxes();
        let endpoints = sandboxes.iter().map(|sandbox| sandbox.record.endpoints.len()).sum();
        let ports: u64 = sandboxes
            .iter()
            .flat_map(|sandbox| &sandbox.record.mappings)
            .map(|mapping| u64::from(mapping.host.count()))
            .sum();
        let numbers = [
            ("networks", "Networks", self.0.networks().len()),
            ("sandboxes", "Sandboxes", sandboxes.len()),
            ("endpoints", "Endpoints", endpoints),
            ("published_ports", "Host ports published", usize::try_from(ports).unwrap_or(usize::MAX)),
        ];
        for (name, help, number) in numbers {
            let gauge = ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let counter = ConstCounter::new(self.0.repairs());
        counter.encode(encoder.encode_descriptor(
            "repairs",
            "Times that foreign changes were put right",
            None,
            counter.metric_type(),
        )?)
    }
}

struct Counters(Source);

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counters")
    }
}

impl Collector for Counters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, number) in (self.0)() {
            let counter = ConstCounter::new(number);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
