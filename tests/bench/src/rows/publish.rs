//! Publishing many ports, and a large range: time, rule set, processes.

use super::{Bench, timed};
use crate::daemon::Daemon;
use crate::error::{Error, Result};
use crate::report::{Line, Target};
use crate::sample::Sample;
use crate::world::command;
use pontoon_api_types::{HostBinding, PortMap};
use serde_json::Value;
use std::time::Duration;

const SANDBOX: &str = "bench-box";

fn prepared(bench: &mut Bench, name: &str) -> Result<Daemon> {
    let daemon = bench.fresh(name)?;
    daemon.network("bench-net")?;
    daemon.sandbox(SANDBOX, &["bench-net"])?;
    Ok(daemon)
}

fn bound(host: String) -> Option<Vec<HostBinding>> {
    Some(vec![HostBinding { host_port: host, ..HostBinding::default() }])
}

/// 200 ports that form no range, so that each is a mapping of its own, for both families.
pub fn many(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = prepared(bench, "publish-200")?;
    let mut ports = PortMap::default();
    for number in 0..200u32 {
        ports.insert(format!("{}/tcp", 1000 + number), bound((10_000 + 2 * number).to_string()));
    }
    let before = daemon.resident()?;
    let (mut open, mut close, mut children) = (Sample::default(), Sample::default(), Sample::default());
    for _ in 0..bench.rounds * 2 {
        open.push_ms(timed(|| daemon.publish(SANDBOX, ports.clone()))?);
        children.push(daemon.children()? as f64);
        expect_published(&daemon, 400)?;
        close.push_ms(timed(|| daemon.publish(SANDBOX, PortMap::default()))?);
    }
    let grown = (daemon.resident()? - before) / 1024.0;
    Ok(vec![
        Line::new("publish 200 ports, v4 and v6", "ms", open, Target::Most(20.0)),
        Line::new("close them", "ms", close, Target::None),
        Line::new("processes for them", "", children, Target::Most(0.0)),
        Line::one("memory they leave behind", "MB", grown, Target::None),
    ])
}

/// The range 20000–29999, tcp and udp, both families.
pub fn range(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = prepared(bench, "publish-range")?;
    let mut ports = PortMap::default();
    for protocol in ["tcp", "udp"] {
        ports.insert(format!("20000-29999/{protocol}"), bound("20000-29999".into()));
    }
    let before = rule_set_objects()?;
    let (mut open, mut close, mut objects) = (Sample::default(), Sample::default(), Sample::default());
    for _ in 0..bench.rounds {
        // The kernel closes the forty thousand sockets of the round before; that is not what is measured here.
        std::thread::sleep(Duration::from_secs(1));
        open.push_ms(timed(|| daemon.publish(SANDBOX, ports.clone()))?);
        objects.push(rule_set_objects()? - before);
        close.push_ms(timed(|| daemon.publish(SANDBOX, PortMap::default()))?);
    }
    if objects.p50() == Some(0.0) {
        return Err(Error::Unfit("publishing left the rule set as it was".into()));
    }
    let left = rule_set_objects()? - before;
    Ok(vec![
        Line::new("publish 20000–29999, tcp and udp, v4 and v6", "ms", open, Target::Most(50.0)),
        Line::new("close them again", "ms", close, Target::None),
        Line::new("rule-set objects for them", "", objects, Target::Most(8.0)),
        Line::one("rule-set objects left after closing", "", left, Target::Most(0.0)),
    ])
}

/// A fast answer to a request that did nothing would be a lie.
fn expect_published(daemon: &Daemon, bindings: usize) -> Result<()> {
    let sandbox = daemon.client.sandbox(SANDBOX).map_err(Error::api("inspect the sandbox"))?;
    let ports = &sandbox.network_settings.ports;
    let found: usize = ports.iter().map(|(_, hosts)| hosts.as_ref().map_or(0, Vec::len)).sum();
    if found == bindings {
        Ok(())
    } else {
        Err(Error::Unfit(format!("{found} bindings are published, not {bindings}")))
    }
}

/// Chains, rules, sets, maps and their elements in our table.
fn rule_set_objects() -> Result<f64> {
    let text = command("nft -j list table inet pontoon")?;
    let tree: Value = serde_json::from_str(&text).map_err(|cause| Error::Unfit(format!("nft's JSON: {cause}")))?;
    let objects = tree["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let elements = |object: &Value| {
        let inner = object.as_object().and_then(|object| object.values().next());
        inner.and_then(|inner| inner["elem"].as_array()).map_or(0, Vec::len)
    };
    let whole = objects.iter().filter(|object| object.get("metainfo").is_none());
    Ok(whole.map(|object| 1 + elements(object)).sum::<usize>() as f64)
}
