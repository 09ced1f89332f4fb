//! `docker run` and what people do with what runs.

use pontoon_conformance::{Docker, Engine, until_true};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn ports_are_published_in_every_way_and_docker_port_tells_them() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let run = |flags: &str| {
        docker.told("rm -f web");
        docker.told(&format!("run -d --name web {flags} busybox sleep 3600"));
        docker.told("port web")
    };
    let chosen = run("-p 8080");
    assert!(chosen.starts_with("8080/tcp -> 0.0.0.0:"), "{chosen}");
    let chosen = run("-p 127.0.0.1::80");
    assert!(chosen.starts_with("80/tcp -> 127.0.0.1:") && chosen.lines().count() == 1, "{chosen}");
    let own = engine.scene().lan().host[0];
    assert_eq!(run(&format!("-p {own}:8080:80")), format!("80/tcp -> {own}:8080"));
    assert_eq!(docker.told("port web 80/tcp"), format!("{own}:8080"));
    assert!(docker.refused("port web 81/tcp").contains("81/tcp"));
    let range = run("-p 5000-5005:5000-5005/udp");
    for port in 5000..=5005 {
        assert!(range.contains(&format!("{port}/udp -> 0.0.0.0:{port}")), "{range}");
        assert!(range.contains(&format!("{port}/udp -> [::]:{port}")), "{range}");
    }
    let all = run("-P --expose 5000-5005");
    for port in 5000..=5005 {
        assert!(all.contains(&format!("{port}/tcp -> 0.0.0.0:")), "{all}");
    }
    docker.told("run -d --name first -p 7000:80 busybox sleep 3600");
    let taken = docker.refused("run -d --name second -p 7000:80 busybox sleep 3600");
    assert!(taken.contains("failed: port is already allocated"), "{taken}");
}

#[test]
fn names_and_servers_are_those_that_were_asked_for() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let flags =
        "--hostname barker --dns 192.0.2.53 --dns-search example.test --dns-opt timeout:1 --add-host test:10.10.10.2";
    let files = docker.told(&format!("run --rm {flags} busybox sh -c 'hostname; cat /etc/hosts /etc/resolv.conf'"));
    for line in ["barker", "10.10.10.2\ttest", "nameserver 192.0.2.53", "search example.test", "options timeout:1"] {
        assert!(files.lines().any(|one| one == line), "{line:?} in {files}");
    }
    docker.told("network create front");
    let own = docker.told(&format!("run --rm --net front {flags} busybox cat /etc/resolv.conf"));
    assert!(own.contains("nameserver 127.0.0.11") && own.contains("search example.test"), "{own}");
    if !engine.before("1.44", "the command gives Ethernet addresses per network, which came later") {
        let mac = docker.told("run --rm --mac-address 02:42:ac:11:65:43 busybox cat /sys/class/net/eth0/address");
        assert_eq!(mac, "02:42:ac:11:65:43");
    }
}

#[test]
fn input_output_and_exit_status_are_the_process_s() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let output = docker.output("run --rm busybox sh -c 'echo out; echo err >&2; exit 7'");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
    let echoed = docker.run_with(&["run", "--rm", "-i", "busybox", "cat"], b"hello\n");
    assert_eq!((echoed.status.code(), &*echoed.stdout), (Some(0), &b"hello\n"[..]));
    let large = vec![b'x'; 3 << 20];
    let counted = docker.run_with(&["run", "--rm", "-i", "busybox", "wc", "-c"], &large);
    assert_eq!(String::from_utf8_lossy(&counted.stdout).trim(), large.len().to_string());
    let missing = docker.output("run --rm busybox no-such-program");
    assert_eq!(missing.status.code(), Some(127));
    docker.told("run -d --name web busybox sh -c 'echo started; sleep 3600'");
    let echoed = docker.run_with(&["exec", "-i", "web", "cat"], b"again\n");
    assert_eq!(&*echoed.stdout, b"again\n");
    assert_eq!(docker.output("exec web sh -c 'exit 9'").status.code(), Some(9));
    assert_eq!(docker.told("exec -e A=b -w /tmp -u nobody web sh -c 'echo $A; pwd; id -un'"), "b\n/tmp\nnobody");
    until_true("it wrote", PATIENCE, || docker.told("logs web") == "started");
    docker.told("kill web");
    assert_eq!(docker.told("wait web"), "137");
    assert_eq!(
        docker.told("ps -a --filter name=web --format {{.Status}}").split(' ').take(2).collect::<Vec<_>>(),
        ["Exited", "(137)"]
    );
}

#[test]
fn what_runs_is_looked_at_and_changed() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    docker.told("volume create data");
    docker.told("run -d --name web -v data:/data --memory 64m busybox sleep 3600");
    assert!(docker.told("top web").contains("sleep 3600"));
    assert!(docker.told("stats --no-stream --format {{.Name}} web").contains("web"));
    assert_eq!(docker.told("inspect -f {{.HostConfig.Memory}} web"), (64 << 20).to_string());
    docker.told("update --restart on-failure:2 web");
    docker.told("pause web");
    assert!(docker.told("ps --format {{.Status}}").ends_with("(Paused)"));
    docker.told("unpause web");
    docker.told("rename web shop");
    docker.told("restart -t 0 shop");
    assert_eq!(docker.told("ps --format {{.Names}}"), "shop");
    assert!(docker.told("system df").contains("Images"));
    assert!(docker.refused("volume rm data").contains("volume is in use"));
    docker.told("rm -f shop");
    assert_eq!(docker.told("volume rm data"), "data");
}

#[test]
fn images_are_saved_loaded_tagged_and_removed() {
    let Some(engine) = Engine::start() else { return };
    let Some(docker) = Docker::new(&engine) else { return };
    let id = docker.told("images -q --no-trunc busybox");
    let file = engine.scene().folder().join("saved.tar");
    docker.told(&format!("save -o {} busybox", file.display()));
    docker.told("tag busybox shop:1");
    let tags = docker.told("images --format {{.Repository}}:{{.Tag}}");
    assert!(tags.contains("shop:1") && tags.contains("busybox:latest"), "{tags}");
    docker.told("rmi shop:1 busybox");
    assert_eq!(docker.told("images -q busybox"), "");
    assert!(docker.told(&format!("load -i {}", file.display())).contains("Loaded image: busybox:latest"));
    assert_eq!(docker.told("images -q --no-trunc busybox"), id);
}
