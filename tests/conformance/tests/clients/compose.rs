//! Docker Compose: projects brought up, scaled, restarted and taken down by the stock plugin.

use pontoon_conformance::{Docker, Engine, until_true, written};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Two networks of which one is internal, aliases, static addresses, health, a range of ports, a shared network.
const SHOP: &str = r#"
name: shop
services:
  web:
    image: busybox
    hostname: web
    command: sh -c 'echo shop > /www/index.html; exec httpd -f -p 80 -h /www'
    stop_signal: SIGKILL
    ports: ["8080:80", "5000-5002:5000-5002"]
    networks:
      front: {aliases: [www], ipv4_address: 10.8.0.80}
      back: {}
    depends_on:
      db: {condition: service_healthy}
  db:
    image: busybox
    command: sh -c 'sleep 0.3; touch /tmp/ready; exec sleep 3600'
    stop_signal: SIGKILL
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/ready"], interval: 200ms, timeout: 10s, retries: 100}
    networks: [back]
    volumes: ["data:/data"]
  worker:
    image: busybox
    command: sleep 3600
    stop_signal: SIGKILL
    networks: [back]
  beside:
    image: busybox
    command: sleep 3600
    stop_signal: SIGKILL
    network_mode: service:web
networks:
  front: {ipam: {config: [{subnet: 10.8.0.0/24}]}}
  back: {internal: true}
volumes:
  data: {}
"#;

fn compose(file: &std::path::Path) -> String {
    format!("compose -f {}", file.display())
}

#[test]
fn a_project_is_brought_up_scaled_restarted_and_taken_down() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::with_compose(&engine) else { return };
    let compose = compose(&written(&engine, "shop/compose.yaml", SHOP));
    docker.told(&format!("{compose} up -d"));
    assert_eq!(docker.told(&format!("{compose} ps --services --status running")).lines().count(), 4);
    assert!(docker.told("ps --filter label=com.docker.compose.service=db --format {{.Status}}").contains("(healthy)"));
    let lan = engine.scene().lan();
    assert_eq!(docker.page(lan, lan.host[0], 8080), "shop");
    assert_eq!(docker.page(lan, lan.host[1], 8080), "shop");
    let web = docker.told("inspect -f '{{.NetworkSettings.Networks.shop_front.IPAddress}}' shop-web-1");
    assert_eq!(web, "10.8.0.80");
    let exec = |service: &str, line: &str| docker.told(&format!("{compose} exec -T {service} {line}"));
    assert!(exec("web", "ping -c 1 -W 5 db").contains("1 packets received"));
    assert!(exec("worker", "ping -c 1 -W 5 web").contains("1 packets received"));
    // It is in the internal network only.
    docker.refused(&format!("{compose} exec -T worker ping -c 1 -W 1 {}", lan.own[0]));
    docker.refused(&format!("{compose} exec -T db ping -c 1 -W 1 www"));
    assert_eq!(exec("beside", "hostname"), "web");
    assert!(exec("beside", "ip -4 -o addr").contains("10.8.0.80/24"));
    assert_eq!(docker.told(&format!("{compose} port web 5001")), "0.0.0.0:5001");
    assert_eq!(docker.told("network inspect -f '{{.Internal}}' shop_back"), "true");

    docker.told(&format!("{compose} up -d --scale worker=3"));
    let workers = || docker.told(&format!("{compose} ps -q worker")).lines().count();
    assert_eq!(workers(), 3);
    let names = || docker.output(&format!("{compose} exec -T web nslookup -type=a worker. 127.0.0.11")).stdout;
    until_true("all three have the name", PATIENCE, || String::from_utf8_lossy(&names()).matches("Name:").count() == 3);
    docker.told(&format!("{compose} up -d --scale worker=1"));
    assert_eq!(workers(), 1);

    docker.told(&format!("{compose} restart -t 1 db worker"));
    // Neighbours that asked for the old Ethernet address within the last second do not hear the first announcement.
    let ping = || docker.output(&format!("{compose} exec -T web ping -c 1 -W 1 db")).stdout;
    until_true("the database is reached again", PATIENCE, || {
        String::from_utf8_lossy(&ping()).contains("1 packets received")
    });
    // Nothing changed: nothing is made anew.
    let before = docker.told(&format!("{compose} ps -q web"));
    docker.told(&format!("{compose} up -d"));
    assert_eq!(docker.told(&format!("{compose} ps -q web")), before);
    assert!(docker.told(&format!("{compose} logs db")).lines().count() < 5);
    docker.told(&format!("{compose} stop -t 1 worker"));
    docker.told(&format!("{compose} start worker"));
    docker.told(&format!("{compose} down -t 1 --volumes"));
    assert_eq!(docker.told("ps -aq"), "");
    assert_eq!(docker.told("network ls -q --filter type=custom"), "");
    assert_eq!(docker.told("volume ls -q"), "");
}

#[test]
fn networks_with_a_name_or_from_outside_are_used_and_the_outer_one_stays() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::with_compose(&engine) else { return };
    let project = r#"
name: inner
services:
  web:
    image: busybox
    command: sleep 3600
    stop_signal: SIGKILL
    networks: [outer, named]
    extra_hosts: ["test:10.10.10.2"]
    dns_search: example.test
networks:
  outer: {external: true}
  named: {name: my-own, driver_opts: {com.docker.network.driver.mtu: "1400"}}
"#;
    let compose = compose(&written(&engine, "inner/compose.yaml", project));
    assert!(docker.refused(&format!("{compose} up -d")).contains("outer"));
    docker.told("network create outer");
    docker.told(&format!("{compose} up -d"));
    docker.told("run -d --name neighbour --net outer busybox sleep 3600");
    assert!(docker.told(&format!("{compose} exec -T web ping -c 1 -W 5 neighbour")).contains("1 packets received"));
    assert!(docker.told("exec neighbour ping -c 1 -W 5 web").contains("1 packets received"));
    assert!(docker.told(&format!("{compose} exec -T web cat /etc/hosts")).contains("10.10.10.2\ttest"));
    let networks =
        docker.told("inspect -f '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}' inner-web-1");
    assert_eq!(networks, "my-own outer");
    docker.told(&format!("{compose} down -t 1"));
    assert_eq!(docker.told("network ls --filter type=custom --format {{.Name}}"), "outer");
}

#[test]
fn the_way_out_is_the_network_with_the_highest_priority() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::with_compose(&engine) else { return };
    if engine.before("1.48", "there were no priorities of gateways") {
        return;
    }
    let project = r#"
name: ways
services:
  web:
    image: busybox
    command: sleep 3600
    stop_signal: SIGKILL
    networks:
      a: {gw_priority: 0}
      b: {gw_priority: 5}
      c: {gw_priority: -1}
networks:
  a: {ipam: {config: [{subnet: 10.1.0.0/24}]}}
  b: {ipam: {config: [{subnet: 10.2.0.0/24}]}}
  c: {ipam: {config: [{subnet: 10.3.0.0/24}]}}
"#;
    let compose = compose(&written(&engine, "ways/compose.yaml", project));
    docker.told(&format!("{compose} up -d"));
    let route = docker.told(&format!("{compose} exec -T web ip route"));
    assert!(route.contains("default via 10.2.0.1"), "{route}");
    docker.told("network disconnect ways_b ways-web-1");
    let route = docker.told(&format!("{compose} exec -T web ip route"));
    assert!(route.contains("default via 10.1.0.1"), "{route}");
    docker.told(&format!("{compose} down -t 1"));
}
