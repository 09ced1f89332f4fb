//! The stock `docker network …` commands and docker-py against our socket.

use pontoon_test_support::{World, docker, docker_py, skip, until};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// `docker` with its own empty settings, in a world.
pub(crate) struct Docker<'a> {
    world: &'a World,
    program: std::path::PathBuf,
}

impl<'a> Docker<'a> {
    pub(crate) fn new(world: &'a World) -> Option<Self> {
        let found = docker();
        if found.is_none() {
            skip("there is no docker command");
        }
        Some(Self { world, program: found? })
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("DOCKER_HOST", format!("unix://{}", self.world.daemon().socket().display()))
            .env("DOCKER_CONFIG", self.world.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.world.host().spawn(self.command(words)).wait_with_output().unwrap()
    }

    /// What `docker LINE` prints; it must succeed.
    #[track_caller]
    pub(crate) fn told(&self, line: &str) -> String {
        let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
        assert!(output.status.success(), "docker {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What `docker network inspect` shows of `front` by a template.
    fn shows(&self, template: &str) -> String {
        let output = self.run(&["network", "inspect", "--format", template, "front"]);
        assert!(output.status.success(), "{template}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What `docker LINE` complains about; it must fail.
    #[track_caller]
    pub(crate) fn refused(&self, line: &str) -> String {
        let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
        assert!(!output.status.success(), "docker {line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
    }
}

#[test]
fn the_stock_docker_network_commands_do_their_work() {
    let Some(world) = World::new() else { return };
    let Some(docker) = Docker::new(&world) else { return };
    assert_eq!(docker.told("version --format {{.Server.Os}}"), "linux");
    let names = |docker: &Docker<'_>| {
        let mut names: Vec<String> = docker.told("network ls --format {{.Name}}").lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(names(&docker), ["bridge", "host", "none"]);
    let flags = "--ipv6 --subnet 10.8.0.0/24 --gateway 10.8.0.9 --ip-range 10.8.0.128/25 --aux-address a=10.8.0.130 \
                 --subnet fd08::/64 --label team=x -o com.docker.network.driver.mtu=1400";
    let id = docker.told(&format!("network create {flags} front"));
    assert_eq!(id.len(), 64);
    assert_eq!(docker.told("network inspect -f {{.Id}} front"), id);
    assert_eq!(docker.shows("{{(index .IPAM.Config 0).Subnet}}"), "10.8.0.0/24");
    assert_eq!(docker.told("network ls -q --no-trunc --filter label=team=x"), id);
    assert!(docker.refused("network create front").contains("network with name front already exists"));
    let web = world.sandbox("web", "");
    docker.told("network connect --ip 10.8.0.200 --alias shop front web");
    let containers = "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}";
    assert_eq!(docker.shows(containers), "web 10.8.0.200/24");
    assert!(
        docker.refused("network connect front web").contains("endpoint with name web already exists in network front")
    );
    assert!(docker.refused("network rm front").contains("has active endpoints"));
    assert_eq!(web.tell("ip -o -4 address show eth0").matches("10.8.0.200/24").count(), 1);
    docker.told("network disconnect front web");
    assert_eq!(docker.shows(containers), "");
    assert!(docker.refused("network connect nowhere web").contains("network nowhere not found"));
    assert!(docker.refused("network rm bridge").contains("is a pre-defined network and cannot be removed"));
    docker.told("network create unused");
    let pruned = docker.told("network prune -f --filter label!=team=x");
    assert!(pruned.contains("Deleted Networks:\nunused"), "{pruned}");
    assert_eq!(docker.told("network rm front"), "front");
    assert_eq!(names(&docker), ["bridge", "host", "none"]);
}

#[test]
fn the_stock_docker_command_sees_events_and_what_the_daemon_is() {
    let Some(world) = World::new() else { return };
    let Some(docker) = Docker::new(&world) else { return };
    let mut events = world.host().spawn(docker.command(&["events", "--filter", "type=network", "--since", "1"]));
    world.network("front");
    world.told("network rm front");
    let out = events.stdout.take().unwrap();
    let seen = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader};
        BufReader::new(out).lines().map_while(Result::ok).take(2).collect::<Vec<_>>()
    });
    until("both events", Duration::from_secs(20), || seen.is_finished().then_some(()));
    let _ = events.kill();
    let _ = events.wait();
    let seen = seen.join().unwrap();
    assert!(seen[0].contains("network create") && seen[0].contains("name=front"), "{seen:?}");
    assert!(seen[1].contains("network destroy") && seen[1].contains("name=front"), "{seen:?}");
    assert!(docker.told("info --format {{.Plugins.Network}}").contains("bridge"));
}

/// What docker-py is told to do; it ends with an error when something is not as it should be.
const SCRIPT: &str = r#"
import docker, docker.errors, docker.types, sys
client = docker.DockerClient(base_url=sys.argv[1], version="auto", timeout=30)
assert client.ping()
assert client.version()["Os"] == "linux"
assert sorted(n.name for n in client.networks.list()) == ["bridge", "host", "none"]
pool = docker.types.IPAMPool(subnet="10.8.0.0/24", gateway="10.8.0.9", iprange="10.8.0.128/25", aux_addresses={"a": "10.8.0.130"})
front = client.networks.create("front", driver="bridge", ipam=docker.types.IPAMConfig(pool_configs=[pool]),
    labels={"team": "x"}, options={"com.docker.network.driver.mtu": "1400"}, enable_ipv6=True, internal=False, check_duplicate=True)
assert len(front.id) == 64 and front.attrs["Driver"] == "bridge"
assert front.attrs["IPAM"]["Config"][0]["Gateway"] == "10.8.0.9"
try:
    client.networks.create("front")
    raise SystemExit("a second network of that name was made")
except docker.errors.APIError as error:
    assert error.status_code == 409, error
front.connect("web", aliases=["shop"], ipv4_address="10.8.0.200")
front.reload()
(endpoint,) = front.attrs["Containers"].values()
assert endpoint["Name"] == "web" and endpoint["IPv4Address"] == "10.8.0.200/24", endpoint
try:
    front.remove()
    raise SystemExit("a network in use was removed")
except docker.errors.APIError as error:
    assert error.status_code == 403, error
front.disconnect("web")
assert [n.id for n in client.networks.list(names=["front"], filters={"label": "team=x"})] == [front.id]
assert client.networks.get("front").id == front.id
try:
    client.networks.get("nowhere")
    raise SystemExit("a network that is not there was found")
except docker.errors.NotFound:
    pass
front.remove()
client.networks.create("unused")
assert client.networks.prune()["NetworksDeleted"] == ["unused"]
since = next(client.events(decode=True, since=1, filters={"type": "network"}))
assert since["Action"] == "create" and since["Actor"]["Attributes"]["name"] == "front", since
print("done")
"#;

#[test]
fn docker_pys_network_calls_do_their_work() {
    let Some(world) = World::new() else { return };
    let Some(python) = docker_py() else { return skip("docker-py is not prepared; scripts/test does it") };
    world.sandbox("web", "");
    let url = format!("unix://{}", world.daemon().socket().display());
    let output = world.host().output(python, &["-c", SCRIPT, &url]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"done\n");
}
