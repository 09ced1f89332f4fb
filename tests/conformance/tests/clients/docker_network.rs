//! `docker network …` and containers in networks, as tutorials have them.

use pontoon_conformance::{Docker, Engine, until_true};
use std::net::IpAddr;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// A web server that tells its host's name.
const SERVE: &str = "sh -c 'hostname > /www/index.html; exec httpd -f -p 80 -h /www'";

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// The address of a container in its first network.
fn address(docker: &Docker<'_>, name: &str) -> IpAddr {
    let format = "'{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'";
    docker.told(&format!("container inspect --format {format} {name}")).parse().unwrap()
}

#[test]
fn web_servers_in_the_default_bridge_are_published_and_know_no_names() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    assert_eq!(sorted(&docker.told("network ls --format {{.Name}}")), ["bridge", "host", "none"]);
    docker.told(&format!("run -dit --name web01 --hostname web01 -p 8080:80 busybox {SERVE}"));
    docker.told(&format!("run -dit --name web02 --hostname web02 -p 8081:80 busybox {SERVE}"));
    let lan = engine.scene().lan();
    for (host, port, page) in [(lan.host[0], 8080, "web01"), (lan.host[1], 8081, "web02")] {
        assert_eq!(docker.page(lan, host, port), page);
    }
    for local in ["127.0.0.1", "::1"] {
        assert_eq!(docker.page(engine.scene().host(), local.parse().unwrap(), 8080), "web01");
    }
    let at = address(&docker, "web01");
    docker.refused("run --rm busybox ping -c 1 -W 1 web01");
    assert!(docker.told(&format!("run --rm busybox ping -c 1 -W 5 {at}")).contains("1 packets received"));
    assert_eq!(docker.told(&format!("run --rm busybox wget -q -O - http://{at}/")), "web01");
    let shown = docker.told("ps --format '{{.Names}} {{.Ports}}'");
    assert!(shown.contains("web01 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"), "{shown}");
    docker.told("rm -f web01 web02");
    assert_eq!(docker.told("ps -aq"), "");
}

#[test]
fn in_a_network_of_ones_own_web_servers_are_found_by_name() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let id = docker.told("network create mydockernet");
    assert_eq!(docker.told("network inspect mydockernet --format {{.Id}}"), id);
    docker.told(&format!("run -dit --name web01 --hostname web01 -p 8080:80 --net mydockernet busybox {SERVE}"));
    docker.told("run -dit --name web02 --net mydockernet busybox");
    assert!(docker.told("exec web02 ping -c 1 -W 5 web01").contains("1 packets received"));
    until_true("the page is there", PATIENCE, || {
        docker.output("exec web02 wget -q -O - http://web01/").stdout == b"web01\n"
    });
    let resolv = docker.told("exec web02 cat /etc/resolv.conf");
    assert!(resolv.contains("nameserver 127.0.0.11") && resolv.contains("ndots:0"), "{resolv}");
    assert_eq!(docker.page(engine.scene().lan(), engine.scene().lan().host[0], 8080), "web01");
    assert!(docker.refused("network rm mydockernet").contains("has active endpoints"));
    docker.told("stop -t 0 web01 web02");
    docker.told("rm web01 web02");
    assert_eq!(docker.told("network rm mydockernet"), "mydockernet");
}

#[test]
fn a_network_with_everything_said_is_scanned_from_inside() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    docker.told("network create --driver bridge --label project=dockerinaction --label chapter=5 --attachable --scope local --subnet 10.0.42.0/24 --ip-range 10.0.42.128/25 user-network");
    docker.told("network create --driver bridge --attachable --scope local --subnet 10.0.43.0/24 --ip-range 10.0.43.128/25 user-network2");
    assert_eq!(docker.told("network ls -f label=chapter=5 --format {{.Name}}"), "user-network");
    docker.told("run -dit --network user-network --name network-explorer busybox");
    let links = "exec network-explorer ls /sys/class/net";
    assert_eq!(docker.told(links), "eth0\nlo");
    docker.told("network connect user-network2 network-explorer");
    assert_eq!(docker.told(links), "eth0\neth1\nlo");
    let addresses = docker.told("exec network-explorer ip -4 -o addr");
    assert!(addresses.contains("10.0.42.128/24") || addresses.contains("10.0.42.129/24"), "{addresses}");
    docker.told("run -dit --name lighthouse --network user-network2 busybox");
    assert!(docker.told("exec network-explorer ping -c 1 -W 5 lighthouse").contains("1 packets received"));
    assert!(
        docker.told("exec network-explorer ping -c 1 -W 5 lighthouse.user-network2").contains("1 packets received")
    );
    let gateway = docker.told("network inspect -f '{{(index .IPAM.Config 0).Subnet}}' user-network2");
    assert_eq!(gateway, "10.0.43.0/24");
    // Who answers there: the gateway, itself and the other.
    let scan = "exec network-explorer sh -c 'for i in 1 $(seq 126 132); do ping -c 1 -W 1 10.0.43.$i > /dev/null && echo 10.0.43.$i; done'";
    let output = docker.output(scan);
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found.lines().count(), 3, "{found}");
    docker.told("network disconnect user-network2 network-explorer");
    until_true("the link goes", PATIENCE, || docker.told(links) == "eth0\nlo");
}

#[test]
fn host_none_and_a_shared_network_are_what_they_say() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let seen = docker.told("run --rm --network host busybox ip -o link");
    assert!(seen.contains(" lan@") && seen.contains(" wan@"), "{seen}");
    assert_eq!(docker.told("run --rm --network none busybox ls /sys/class/net"), "lo");
    assert_eq!(docker.told("run --rm --network none busybox ip route"), "");
    let id = docker.told("run -d --name donor busybox sleep 3600");
    let own = docker.told("exec donor ip -4 -o addr show eth0");
    assert_eq!(docker.told(&format!("run --rm --net=container:{id} busybox ip -4 -o addr show eth0")), own);
    assert_eq!(docker.told("run --rm --net=container:donor busybox hostname"), &id[..12]);
}

#[test]
fn links_are_private_aliases_or_lines_in_the_hosts_file() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    docker.told("network create local_bridge");
    docker.told("run -d --name provider --net local_bridge busybox sleep 3600");
    assert!(
        docker
            .told("run --rm --link provider:giver --net local_bridge busybox ping -c 1 -W 5 giver")
            .contains("1 packets received")
    );
    docker.refused("run --rm --net local_bridge busybox ping -c 1 -W 1 giver");
    docker.told("run -d --name db --expose 5432 busybox sleep 3600");
    let hosts = docker.told("run --rm --link=db:my_link busybox cat /etc/hosts");
    let id = docker.told("inspect -f {{.Id}} db");
    assert!(hosts.contains(&format!("{}\tmy_link {} db", address(&docker, "db"), &id[..12])), "{hosts}");
    docker.told("create --name linked --link=db:my_link busybox");
    assert_eq!(docker.told("inspect -f {{.HostConfig.Links}} linked"), "[/db:/linked/my_link]");
}

#[test]
fn options_of_a_bridge_do_what_they_say() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let lan = engine.scene().lan();
    // Those of one network do not talk to one another, but to the outside.
    docker.told("network create -o com.docker.network.bridge.enable_icc=false quiet");
    docker.told("run -dit --name left --net quiet busybox");
    docker.told("run -dit --name right --net quiet busybox");
    let at = address(&docker, "right");
    docker.refused(&format!("exec left ping -c 1 -W 1 {at}"));
    docker.told(&format!("exec left ping -c 1 -W 5 {}", lan.own[0]));
    // Without masquerading the outside sees who it is, and does not know the way back.
    docker.told("network create -o com.docker.network.bridge.enable_ip_masquerade=false routed");
    docker.refused(&format!("run --rm --net routed busybox ping -c 1 -W 1 {}", engine.scene().wan().own[0]));
    docker.told("network create -o com.docker.network.bridge.host_binding_ipv4=127.0.0.1 local");
    docker.told("run -d --name local --net local -p 80 busybox sleep 3600");
    assert!(docker.told("port local 80/tcp").starts_with("127.0.0.1:"));
    docker.told("network create -o com.docker.network.driver.mtu=1400 small");
    assert_eq!(docker.told("run --rm --net small busybox cat /sys/class/net/eth0/mtu"), "1400");
    docker.told("network create --internal inner");
    if !engine.before("1.44", "internal networks had a gateway that led nowhere") {
        assert!(!docker.told("run --rm --net inner busybox ip route").contains("default"));
    }
    docker.refused(&format!("run --rm --net inner busybox ping -c 1 -W 1 {}", lan.own[0]));
    docker.told("network create --ipv6 --subnet fd42::/64 six");
    docker.told("run -dit --name six --net six busybox");
    let seen = docker.told("run --rm --net six busybox ping6 -c 1 -W 5 six");
    assert!(seen.contains("fd42::"), "{seen}");
    assert!(
        docker
            .told(&format!("run --rm --net six busybox ping6 -c 1 -W 5 {}", lan.own[1]))
            .contains("1 packets received")
    );
}

#[test]
fn connect_takes_every_flag_and_disconnect_may_be_forced() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    docker.told("network create --subnet 10.8.0.0/24 front");
    docker.told("network create unused");
    docker.told("run -d --name db --net front busybox sleep 3600");
    docker.told("run -d --name web busybox sleep 3600");
    docker.told("network connect --alias x --ip 10.8.0.42 --link db:store --driver-opt a=b front web");
    assert!(docker.told("exec web ip -4 -o addr show eth1").contains("10.8.0.42/24"));
    assert!(docker.told("exec web ping -c 1 -W 5 store").contains("1 packets received"));
    assert!(docker.told("exec db ping -c 1 -W 5 x").contains("10.8.0.42"));
    docker.told("network disconnect -f front web");
    docker.refused("exec web ping -c 1 -W 1 store");
    assert!(docker.told("network prune -f").contains("Deleted Networks:\nunused"));
    assert_eq!(sorted(&docker.told("network ls --format {{.Name}}")), ["bridge", "front", "host", "none"]);
}
