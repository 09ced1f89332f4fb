//! Containers on the wire: run with the stock docker command, looked at from each other and from the machines beside the
//! host. A running container is a sandbox, so that tests can serve and ask in it like in any other.

use crate::docker::Docker;
use pontoon_test_support::{
    BUSYBOX, Member, Stream, Transport, World, answer, ask, busybox_image, patient, serve_all, skip, until, until_true,
};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A world with an image, and the command that runs it.
struct Stage<'a> {
    world: &'a World,
    docker: Docker<'a>,
}

impl<'a> Stage<'a> {
    fn new(world: &'a World) -> Option<Self> {
        let docker = Docker::new(world)?;
        if !programs_are_there(world) {
            return None;
        }
        let path = world.folder().join("image.tar");
        std::fs::write(&path, busybox_image()?).unwrap();
        docker.told(&format!("load -q -i {}", path.display()));
        Some(Self { world, docker })
    }

    /// `docker run -d --name NAME FLAGS` of something that does nothing.
    #[track_caller]
    fn run(&self, name: &str, flags: &str) -> Member {
        self.docker.told(&format!("run -d --name {name} --stop-timeout 1 {flags} {BUSYBOX} sleep 100000"));
        self.world.member(name)
    }

    /// What a command prints in a container that runs, once it ends well: names and lines follow in their own time.
    #[track_caller]
    fn inside(&self, name: &str, command: &str) -> String {
        let line = format!("exec {name} {command}");
        let words: Vec<&str> = line.split_whitespace().collect();
        until(&format!("docker {line}"), PATIENCE, || {
            let output = self.docker.run(&words);
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
        })
    }

    /// Whether a command in a container ends well.
    fn works(&self, name: &str, command: &str) -> bool {
        let line = format!("exec {name} {command}");
        self.docker.run(&line.split_whitespace().collect::<Vec<_>>()).status.success()
    }

    #[track_caller]
    fn inspect(&self, name: &str, template: &str) -> String {
        let output = self.docker.run(&["inspect", "--format", template, name]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Removes every container.
    fn end(self) {
        let all = self.docker.told("ps -aq");
        for id in all.lines() {
            self.docker.told(&format!("rm -f {id}"));
        }
    }
}

fn programs_are_there(world: &World) -> bool {
    let there = |name: &str| world.host().output("sh", &["-c", &format!("command -v {name}")]).status.success();
    let runs = there("conmon") && (there("crun") || there("runc"));
    if !runs {
        skip("there is no conmon, or no crun or runc");
    }
    runs
}

fn at(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip, port)
}

#[test]
fn containers_of_a_network_find_each_other_by_name_from_their_first_packet_on() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.docker.told("network create --ipv6 front");
    let web = stage.run("web", "--network front --network-alias shop --hostname www");
    let (id, ip) = (web.id()[..12].to_owned(), web.ip4("front"));
    for name in ["web", "shop", "www", &id, "web.front"] {
        let ping = format!("run --rm --network front {BUSYBOX} ping -4 -c 1 -W 5 {name}");
        assert!(stage.docker.told(&ping).contains(&format!("({ip})")), "{name}");
    }
    stage.docker.told(&format!("run --rm --network front {BUSYBOX} ping -6 -c 1 -W 5 web"));
    let files = stage.docker.told(&format!("run --rm --network front {BUSYBOX} cat /etc/resolv.conf"));
    assert!(files.contains("nameserver 127.0.0.11\n") && files.contains("ndots:0"), "{files}");
    assert_eq!(stage.inside("web", "cat /etc/hostname"), "www");
    assert!(stage.inside("web", "cat /etc/hosts").contains(&format!("{ip}\twww")));
    // On the default bridge the address works and the name does not.
    let plain = stage.run("plain", "");
    let plain_ip = plain.ip4("bridge");
    stage.docker.told(&format!("run --rm {BUSYBOX} ping -c 1 -W 5 {plain_ip}"));
    assert!(stage.docker.refused(&format!("run --rm {BUSYBOX} ping -c 1 -W 1 plain")).contains("bad address"));
    stage.end();
}

#[test]
fn a_published_port_is_reached_from_outside_only_where_it_is_published_before_and_after_a_restart() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.docker.told("network create --ipv6 front");
    let flags = "--network front -p 8080:80 -p 8080:80/udp -p 127.0.0.1:8081:80 -p 8000-8002:8000-8002";
    let serving = |member: &Member| serve_all(member, &[80, 8000, 8002]);
    let mut web = stage.run("web", flags);
    serving(&web);
    let (lan, host) = (world.lan(), world.lan().host);
    for round in 0..3 {
        for (own, host) in lan.own.into_iter().zip(host) {
            for transport in Transport::BOTH {
                let seen = patient(lan, transport, at(host, 8080)).unwrap();
                assert_eq!(seen, answer("web", own), "round {round}");
            }
            assert_eq!(patient(lan, Transport::Tcp, at(host, 8002)).unwrap(), answer("web", own));
            assert!(ask(lan, Transport::Tcp, at(host, 8081)).is_err(), "published on loopback");
        }
        for (way, ip) in [("direct", web.ip4("front")), ("direct", web.ip6("front"))] {
            assert!(ask(lan, Transport::Tcp, at(ip, 80)).is_err(), "{way} {ip}");
        }
        let seen = patient(world.host(), Transport::Tcp, at("127.0.0.1".parse().unwrap(), 8081)).unwrap();
        assert!(seen.starts_with("web sees "), "{seen}");
        match round {
            0 => {
                let before = (web.ip4("front"), web.ip6("front"));
                stage.docker.told("restart -t 0 web");
                web = world.member("web");
                serving(&web);
                assert_eq!((web.ip4("front"), web.ip6("front")), before, "alone it has its addresses again");
            }
            1 => {
                world.kill9_daemon();
                world.start_daemon();
            }
            _ => {}
        }
    }
    assert!(stage.docker.told("port web 80/tcp").contains("0.0.0.0:8080"));
    stage.docker.told("stop -t 0 web");
    assert!(ask(lan, Transport::Tcp, at(host[0], 8080)).is_err());
    stage.end();
}

#[test]
fn a_flow_through_a_published_port_does_not_notice_that_the_daemon_is_killed() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.docker.told("network create front");
    let web = stage.run("web", "--network front -p 8080:80");
    serve_all(&web, &[80]);
    let stream = Stream::start(world.lan(), at(world.lan().host[0], 8080));
    for _ in 0..3 {
        world.kill9_daemon();
        world.start_daemon();
    }
    assert!(stream.finish().round_trips > 0);
    assert_eq!(stage.inspect("web", "{{.State.Status}}"), "running");
    stage.end();
}

#[test]
fn guests_share_a_namespace_with_everything_in_it() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.docker.told("network create front");
    let donor = stage.run("donor", "--network front --hostname dh --add-host other:192.0.2.7");
    serve_all(&donor, &[80]);
    let guest = |command: &str| stage.docker.told(&format!("run --rm --network container:donor {BUSYBOX} {command}"));
    assert!(guest("ip -4 -o address show eth0").contains(&donor.ip4("front").to_string()));
    assert_eq!(guest("hostname"), "dh");
    assert_eq!(guest("cat /etc/hosts"), stage.inside("donor", "cat /etc/hosts"));
    assert!(guest("ping -c 1 -W 5 donor").contains("1 packets received"));
    assert!(guest("nc 127.0.0.1 80 -w 2").contains("donor sees 127.0.0.1"));
    // Nothing but loopback, and the host's own links.
    let none = stage.docker.told(&format!("run --rm --network none {BUSYBOX} ip -o link"));
    assert_eq!(none.lines().count(), 1, "{none}");
    assert_eq!(stage.docker.told(&format!("run --rm --network none {BUSYBOX} ip route")), "");
    let host = stage.docker.told(&format!("run --rm --network host {BUSYBOX} ip -o link"));
    assert!(host.contains("lan") && host.contains("wan"), "{host}");
    let gone = stage.docker.refused(&format!("run --rm --network container:nobody {BUSYBOX} true"));
    assert!(gone.contains("No such container: nobody"), "{gone}");
    stage.end();
}

#[test]
fn networks_come_and_go_under_a_running_container() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    for network in ["front", "back"] {
        stage.docker.told(&format!("network create {network}"));
    }
    let back = stage.run("db", "--network back");
    stage.run("web", "--network front -p 8080:80");
    assert!(!stage.works("web", "ping -c 1 -W 1 db"));
    stage.docker.told("network connect --alias shop back web");
    assert!(stage.inside("web", "ip -o link").contains("eth1"));
    stage.inside("web", "ping -c 1 -W 5 db");
    stage.inside("db", "ping -c 1 -W 5 shop");
    assert!(stage.inside("web", "cat /etc/hosts").matches('\n').count() > 2);
    let web = world.member("web");
    serve_all(&web, &[80]);
    assert!(patient(&back, Transport::Tcp, web.at4("back", 80)).is_ok());
    // The port follows the default route, which the first network by name has.
    assert!(patient(world.lan(), Transport::Tcp, at(world.lan().host[0], 8080)).is_ok());
    stage.docker.told("network disconnect back web");
    assert!(!stage.inside("web", "ip -o link").contains("eth1"));
    assert!(!stage.works("db", "ping -c 1 -W 1 shop"));
    assert!(patient(world.lan(), Transport::Tcp, at(world.lan().host[0], 8080)).is_ok());
    assert!(stage.docker.refused("network rm front").contains("has active endpoints"));
    stage.docker.told("stop -t 0 web");
    stage.docker.told("network rm front");
    assert!(stage.docker.refused("start web").contains("not found"));
    stage.docker.told("network connect back web");
    stage.docker.told("network disconnect -f front web");
    stage.docker.told("start web");
    stage.inside("db", "ping -c 1 -W 5 web");
    stage.end();
}

#[test]
fn a_new_name_is_known_at_once_and_the_old_one_no_longer() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.docker.told("network create front");
    let web = stage.run("web", "--network front --network-alias shop");
    stage.run("client", "--network front");
    stage.inside("client", "ping -c 1 -W 5 web");
    stage.docker.told("rename web site");
    for name in ["site", "shop"] {
        stage.inside("client", &format!("ping -4 -c 1 -W 5 {name}"));
    }
    assert!(!stage.works("client", "ping -c 1 -W 1 web"));
    let reverse = stage.inside("client", &format!("nslookup {}", web.ip4("front")));
    assert!(reverse.contains("site.front"), "{reverse}");
    let shown = stage.docker.told("network inspect front --format {{range.Containers}}{{.Name}},{{end}}");
    assert!(shown.contains("site,") && !shown.contains("web,"), "{shown}");
    world.kill9_daemon();
    world.start_daemon();
    stage.inside("client", "ping -c 1 -W 5 site");
    stage.end();
}

#[test]
fn links_on_the_default_bridge_follow_the_other_container() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.run("db", "--hostname dbhost --expose 5432");
    stage.run("web", "--link db:store");
    stage.inside("web", "ping -c 1 -W 5 store");
    stage.inside("web", "ping -c 1 -W 5 dbhost");
    assert_eq!(stage.inspect("web", "{{json .HostConfig.Links}}"), "[\"/db:/web/store\"]");
    let first = world.member("db").ip4("bridge");
    stage.docker.told("stop -t 0 db");
    stage.run("squatter", "");
    stage.docker.told("start db");
    let second = world.member("db").ip4("bridge");
    assert_ne!(first, second);
    until_true("the line follows", PATIENCE, || {
        stage.inside("web", "cat /etc/hosts").contains(&format!("{second}\tstore"))
    });
    stage.inside("web", "ping -c 1 -W 5 store");
    stage.docker.told("stop -t 0 db");
    assert!(
        stage.docker.refused("restart -t 0 web").contains("Cannot link to a non running container: /db AS /web/store")
    );
    stage.end();
}

#[test]
fn a_start_that_fails_for_its_port_leaves_nothing_and_works_once_the_port_is_free() {
    let Some(world) = World::new() else { return };
    let Some(stage) = Stage::new(&world) else { return };
    stage.run("first", "-p 8080:80");
    let refused = stage.docker.refused(&format!("run -d --name second -p 8080:80 {BUSYBOX} sleep 100000"));
    assert!(refused.contains("failed to set up container networking: driver failed programming external connectivity on endpoint second ("), "{refused}");
    assert!(refused.contains("Bind for 0.0.0.0:8080 failed: port is already allocated"), "{refused}");
    assert_eq!(stage.inspect("second", "{{.State.Status}}"), "created");
    stage.docker.told("stop -t 0 first");
    stage.docker.told("start second");
    assert_eq!(stage.inspect("second", "{{.State.Status}} {{len .NetworkSettings.Networks}}"), "running 1");
    stage.end();
}
