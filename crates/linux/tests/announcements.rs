//! What others hear when an address is announced.
#![allow(clippy::unwrap_used)]

mod world;

use pontoon_kernel::{Kernel, Kind, Netns, Op};
use std::io::Read;
use std::time::{Duration, Instant};
use world::{bridge, command, eventually, name, veth, world};

/// Frames that arrive at the host's end, while `act` is done until one is there.
fn hear(folder: &std::path::Path, filter: &str, mut act: impl FnMut()) -> String {
    let file = folder.join("heard");
    let out = std::fs::File::create(&file).unwrap();
    let mut dump = std::process::Command::new("tcpdump")
        .args(["-i", "v0", "-l", "-n", "-e", "-v", "-c", "1", filter])
        .stdout(out)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while dump.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(10), "nothing was heard");
        act();
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut heard = String::new();
    std::fs::File::open(&file).unwrap().read_to_string(&mut heard).unwrap();
    heard
}

#[test]
fn both_families_are_announced_as_docker_does() {
    world(|linux, folder| {
        bridge(linux, "br0");
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        linux.apply(&Netns::Host, &[Op::CreateVeth(veth("v0", "br0", &ns, "eth0"))]).unwrap();
        let eth0 = || name("eth0");
        let down = linux.announce(&ns, &eth0(), "10.0.0.2".parse().unwrap()).unwrap_err();
        assert_eq!(down.cause, "network is down");
        linux.apply(&ns, &[Op::Up(eth0())]).unwrap();
        linux.settle(&ns, &eth0()).unwrap();
        let announce = |address: &str| {
            linux.announce(&ns, &eth0(), address.parse().unwrap()).unwrap();
        };
        let arp = hear(folder, "arp", || announce("10.0.0.2"));
        assert!(arp.contains("02:00:00:00:00:09 > ff:ff:ff:ff:ff:ff"), "{arp}");
        assert!(arp.contains("10.0.0.2") && arp.contains("Request") || arp.contains("Announcement"), "{arp}");
        let advertisement = hear(folder, "icmp6 && ip6[40] == 136", || announce("fd00::2"));
        for part in [
            "02:00:00:00:00:09 > 33:33:00:00:00:01",
            "hlim 255",
            "fd00::2 > ff02::1: [icmp6 sum ok] ICMP6, neighbor advertisement",
            "tgt is fd00::2, Flags [override]",
            "destination link-address option (2), length 8 (1): 02:00:00:00:00:09",
        ] {
            assert!(advertisement.contains(part), "{part}: {advertisement}");
        }
    });
}

#[test]
fn announcing_does_not_wait_for_the_kernel_and_leaves_no_socket() {
    world(|linux, folder| {
        bridge(linux, "br0");
        let ns = linux.create_netns(&folder.join("ns")).unwrap();
        linux.apply(&Netns::Host, &[Op::CreateVeth(veth("v0", "br0", &ns, "eth0")), Op::Up(name("v0"))]).unwrap();
        linux.apply(&ns, &[Op::Up(name("eth0"))]).unwrap();
        for number in 0..40 {
            let address = format!("10.0.0.{number}").parse().unwrap();
            linux.announce(&ns, &name("eth0"), address).unwrap();
        }
        eventually(|| command("cat /proc/thread-self/net/packet").lines().count() == 1);
        let path = folder.join("ns");
        eventually(|| world::inside(&path, "cat /proc/self/net/packet").lines().count() == 1);
        let lo = linux.announce(&Netns::Host, &name("missing"), "10.0.0.1".parse().unwrap()).unwrap_err();
        assert_eq!(lo.kind, Kind::NotFound);
    });
}
