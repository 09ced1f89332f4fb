//! Starting containers: in mode none, in a network of one's own, many at once; and the memory that one costs.
//!
//! Both sides are asked over the same API in the same words, and take turns.

use super::{Bench, settle, timed};
use crate::error::{Error, Result};
use crate::processes::{pss, running_from};
use crate::report::{Line, Target};
use crate::sample::Sample;
use pontoon_client::blocking::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const EACH_ROUND: usize = 5;
const AT_ONCE: usize = 50;
const IDLE: usize = 20;
const NETWORK: &str = "bench-own";

/// The row of starts one after the other.
pub fn start(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("containers")?;
    let clients = both(&daemon.client, bench)?;
    let mut times = [[Sample::default(), Sample::default()], [Sample::default(), Sample::default()]];
    for _ in 0..bench.rounds {
        for (client, [none, own]) in clients.iter().zip(&mut times) {
            for _ in 0..EACH_ROUND {
                none.push_ms(started(client, "none")?);
                own.push_ms(started(client, NETWORK)?);
            }
            settle();
        }
    }
    let [[none, own], [their_none, their_own]] = times;
    let more = own.p50().unwrap_or_default() - none.p50().unwrap_or_default();
    let measured = |sample| (clients.len() > 1).then_some(sample);
    Ok(vec![
        Line::new("start a container in mode none", "ms", none, Target::Most(35.0)).beside(measured(their_none)),
        Line::new("start one in a network of one's own", "ms", own, Target::Most(40.0)).beside(measured(their_own)),
        Line::one("more than in mode none", "ms", more, Target::Most(5.0)),
    ])
}

/// The row of many at once.
pub fn at_once(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("containers-at-once")?;
    let clients = both(&daemon.client, bench)?;
    let mut times = [Sample::default(), Sample::default()];
    for _ in 0..bench.rounds.min(3) {
        for (client, times) in clients.iter().zip(&mut times) {
            times.push_ms(started_at_once(client)?);
            settle();
        }
    }
    let [ours, theirs] = times;
    let ratio = ours.p50().zip(theirs.p50()).map(|(ours, theirs)| ours / theirs);
    let what = format!("start {AT_ONCE} containers at once");
    let mut lines = vec![Line::new(what, "ms", ours, Target::None).beside((clients.len() > 1).then_some(theirs))];
    if let Some(ratio) = ratio {
        lines.push(Line::one("the same, as a part of dockerd's time", "", ratio, Target::Most(0.5)));
    }
    Ok(lines)
}

/// The row of memory.
pub fn memory(bench: &mut Bench) -> Result<Vec<Line>> {
    let daemon = bench.fresh("containers-memory")?;
    prepare(&daemon.client)?;
    let ours = memory_of_one(&daemon.client, daemon.root())?;
    let theirs = match &bench.dockerd {
        Some(dockerd) => {
            prepare(dockerd.client())?;
            let mut sample = Sample::default();
            sample.push(memory_of_one(dockerd.client(), dockerd.folder())?);
            Some(sample)
        }
        None => None,
    };
    let what = "memory per idle container, of daemon and monitors (PSS)";
    Ok(vec![Line::one(what, "MB", ours, Target::Most(2.0)).beside(theirs)])
}

/// The clients of both sides, ready to start containers.
fn both(ours: &Client, bench: &Bench) -> Result<Vec<Client>> {
    let clients: Vec<Client> =
        [Some(ours), bench.dockerd.as_ref().map(|dockerd| dockerd.client())].into_iter().flatten().cloned().collect();
    clients.iter().try_for_each(prepare)?;
    for client in &clients {
        // What is only slow the first time.
        started(client, "none")?;
        started(client, NETWORK)?;
    }
    Ok(clients)
}

/// Gives an engine the image and the network.
fn prepare(client: &Client) -> Result<()> {
    let image = pontoon_test_support::busybox_image();
    let image = image.ok_or_else(|| Error::Unfit("there is no static busybox for an image".into()))?;
    call(client, "/images/load?quiet=1", Some(&image))?;
    if call(client, "/networks/create", Some(json!({"Name": NETWORK, "CheckDuplicate": true}).to_string().as_bytes()))
        .is_err()
    {
        // It is there from another row.
        client
            .get(&format!("/networks/{NETWORK}"))
            .and_then(|answer| answer.success())
            .map_err(Error::api("make a network"))?;
    }
    Ok(())
}

fn call(client: &Client, path: &str, body: Option<&[u8]>) -> Result<Value> {
    let act = || format!("POST {path}");
    let answer = client.post(path, body).and_then(|answer| answer.success()).map_err(Error::api(act()))?;
    Ok(answer.json().unwrap_or_default())
}

fn created(client: &Client, network: &str) -> Result<String> {
    let body = json!({"Image": pontoon_test_support::BUSYBOX, "Cmd": ["sleep", "3600"], "HostConfig": {"NetworkMode": network}});
    let made = call(client, "/containers/create", Some(body.to_string().as_bytes()))?;
    Ok(made["Id"].as_str().unwrap_or_default().to_owned())
}

fn removed(client: &Client, id: &str) -> Result<()> {
    let answer = client.delete(&format!("/containers/{id}?force=1&v=1"));
    answer.and_then(|answer| answer.success()).map(drop).map_err(Error::api("remove a container"))
}

/// How long the start of one takes.
fn started(client: &Client, network: &str) -> Result<Duration> {
    let id = created(client, network)?;
    let took = timed(|| call(client, &format!("/containers/{id}/start"), None).map(drop))?;
    removed(client, &id)?;
    Ok(took)
}

/// How long it takes until all run that are started at once.
fn started_at_once(client: &Client) -> Result<Duration> {
    let ids = (0..AT_ONCE).map(|_| created(client, NETWORK)).collect::<Result<Vec<_>>>()?;
    let took = timed(|| {
        std::thread::scope(|scope| {
            let start = |id: &String| {
                let path = format!("/containers/{id}/start");
                // A client serves one caller at a time.
                let client = client.apart();
                scope.spawn(move || call(&client.map_err(Error::api("make a client"))?, &path, None).map(drop))
            };
            let starts: Vec<_> = ids.iter().map(start).collect();
            let failed = || Error::Unfit("a starting thread panicked".into());
            starts.into_iter().try_for_each(|start| start.join().unwrap_or_else(|_| Err(failed())))
        })
    })?;
    ids.iter().try_for_each(|id| removed(client, id))?;
    Ok(took)
}

/// By how much daemon and monitors grow, in MB, for each container that does nothing.
fn memory_of_one(client: &Client, root: &Path) -> Result<f64> {
    // What is only needed once is there before.
    let first = created(client, NETWORK)?;
    call(client, &format!("/containers/{first}/start"), None)?;
    let before = total(root)?;
    let mut ids = vec![first];
    for _ in 0..IDLE {
        let id = created(client, NETWORK)?;
        call(client, &format!("/containers/{id}/start"), None)?;
        ids.push(id);
    }
    settle();
    let after = total(root)?;
    ids.iter().try_for_each(|id| removed(client, id))?;
    Ok((after - before) / 1024.0 / IDLE as f64)
}

/// The memory, in KiB, of the programs that run from a folder.
fn total(root: &Path) -> Result<f64> {
    let programs = ["pontoond", "conmon", "dockerd", "containerd", "containerd-shim", "docker-proxy"];
    running_from(root, &programs)?.into_iter().map(pss).sum()
}
