//! The rules of the model, as sentences.

mod failures;
mod links;
mod namespaces;
mod network;
mod ports;

use super::FakeHost;
use crate::{BridgeSpec, Kernel, Link, Netns, Op, VethSpec};
use ipnet::IpNet;
use pontoon_types::{LinkName, MacAddr};
use std::path::PathBuf;

const MAC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 1]);

fn name(text: &str) -> LinkName {
    text.parse().unwrap()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn bridge(text: &str) -> Op {
    Op::CreateBridge(BridgeSpec { name: name(text), mac: MAC, mtu: None })
}

fn veth(host: &str, bridge: &str, peer_ns: &Netns) -> VethSpec {
    VethSpec {
        host: name(host),
        bridge: name(bridge),
        isolated: false,
        hairpin: false,
        peer_ns: peer_ns.clone(),
        peer: name("eth0"),
        peer_mac: MAC,
        mtu: None,
    }
}

fn at(text: &str) -> PathBuf {
    PathBuf::from("/run/test").join(text)
}

/// A host with bridge `br0`, which is up, and a sandbox `eth0` behind its port `veth0`.
fn joined() -> (FakeHost, Netns) {
    let host = FakeHost::new();
    let sandbox = host.create_netns(&at("a")).unwrap();
    let ops = [bridge("br0"), Op::Up(name("br0")), Op::CreateVeth(veth("veth0", "br0", &sandbox))];
    host.apply(&Netns::Host, &ops).unwrap();
    (host, sandbox)
}

fn link(host: &FakeHost, ns: &Netns, text: &str) -> Option<Link> {
    host.link(ns, &name(text)).unwrap()
}

fn addresses(host: &FakeHost, ns: &Netns, text: &str) -> Vec<String> {
    let observed = host.observe(ns).unwrap();
    let index = observed.link(&name(text)).unwrap().index;
    observed.addresses_of(index).map(|address| address.net.to_string()).collect()
}

fn routes(host: &FakeHost, ns: &Netns) -> Vec<String> {
    host.routes(ns).unwrap().iter().map(|route| route.destination.to_string()).collect()
}
