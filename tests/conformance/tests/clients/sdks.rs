//! SDKs: docker-py for Python, bollard for Rust.

use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::{
    ContainerCreateBody, EndpointSettings, ExecConfig, HostConfig, NetworkConnectRequest, NetworkCreateRequest,
    NetworkDisconnectRequest, PortBinding,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListNetworksOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::{StreamExt, TryStreamExt};
use pontoon_conformance::{Engine, docker_py, skip};
use std::collections::HashMap;

/// What docker-py is told to do; it ends with an error when something is not as it should be.
const SCRIPT: &str = r#"
import docker, docker.errors, docker.types, sys
client = docker.DockerClient(base_url=sys.argv[1], version="auto", timeout=60)
front = client.networks.create("front", driver="bridge", labels={"team": "x"},
    ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="10.8.0.0/24")]))
back = client.networks.create("back", internal=True)
assert [n.name for n in client.networks.list(filters={"label": "team"})] == ["front"]
assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
try:
    client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    raise SystemExit("an exit status was lost")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and error.stderr == b"bad\n", error
web = client.containers.run("busybox", ["sleep", "3600"], name="web", detach=True, network="front",
    ports={"80/tcp": ("127.0.0.1", None), "81/udp": 8181}, environment={"A": "b"}, labels={"a": "b"}, hostname="barker",
    extra_hosts={"test": "10.10.10.2"}, dns=["192.0.2.53"], mem_limit="64m", restart_policy={"Name": "on-failure"})
web.reload()
assert web.status == "running" and web.attrs["Config"]["Hostname"] == "barker"
assert web.ports["81/udp"][0]["HostPort"] == "8181" and web.ports["80/tcp"][0]["HostIp"] == "127.0.0.1", web.ports
assert web.exec_run(["sh", "-c", "echo $A; exit 4"]) == (4, b"b\n")
code, (out, err) = web.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True)
assert (code, out, err) == (0, b"out\n", b"err\n")
back.connect(web, aliases=["x"])
web.reload()
assert sorted(web.attrs["NetworkSettings"]["Networks"]) == ["back", "front"]
other = client.containers.create("busybox", ["ping", "-c", "1", "-W", "5", "x"], name="other", network="back")
other.start()
assert other.wait()["StatusCode"] == 0, other.logs()
assert b"1 packets received" in other.logs()
assert [c.name for c in client.containers.list()] == ["web"]
assert sorted(c.name for c in client.containers.list(all=True)) == ["other", "web"]
back.reload()
assert [c.name for c in back.containers] == ["web"]
back.disconnect(web)
assert web.stats(stream=False)["networks"]["eth0"]["rx_packets"] >= 0
assert "sleep 3600" in str(web.top()["Processes"])
web.rename("shop"); web.pause(); web.unpause(); web.restart(timeout=0)
volume = client.volumes.create("data")
assert client.containers.run("busybox", ["sh", "-c", "echo kept > /d/f; cat /d/f"], remove=True, volumes={"data": {"bind": "/d"}}) == b"kept\n"
volume.remove()
web.kill(); web.wait()
try:
    web.exec_run("true")
    raise SystemExit("an exec in what does not run")
except docker.errors.APIError as error:
    assert error.status_code == 409, error
web.remove(); other.remove(); front.remove()
assert client.networks.prune()["NetworksDeleted"] == ["back"]
print("done")
"#;

#[test]
fn docker_py_does_its_work_with_containers() {
    let Some(engine) = Engine::start() else { return };
    let Some(python) = docker_py() else { return skip("docker-py is not prepared; scripts/test does it") };
    let url = format!("unix://{}", engine.socket().display());
    let output = engine.scene().host().output(python, &["-c", SCRIPT, &url]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"done\n");
}

#[test]
fn bollard_does_its_work_with_containers() {
    let Some(engine) = Engine::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(with_bollard(engine.socket().to_str().unwrap())).unwrap();
}

async fn with_bollard(socket: &str) -> Result<(), bollard::errors::Error> {
    let docker = Docker::connect_with_unix(socket, 60, API_DEFAULT_VERSION)?.negotiate_version().await?;
    let front = NetworkCreateRequest { name: "front".into(), ..NetworkCreateRequest::default() };
    let network = docker.create_network(front).await?;
    let filters = HashMap::from([("name", vec!["front"])]);
    let listed = docker.list_networks(Some(ListNetworksOptionsBuilder::default().filters(&filters).build())).await?;
    assert_eq!(listed[0].id.as_ref(), Some(&network.id));

    let ports =
        HashMap::from([("80/tcp".into(), Some(vec![PortBinding { host_ip: None, host_port: Some("8080".into()) }]))]);
    let body = ContainerCreateBody {
        image: Some("busybox".into()),
        cmd: Some(["sh", "-c", "echo started; sleep 3600"].map(String::from).into()),
        exposed_ports: Some(vec!["80/tcp".into()]),
        host_config: Some(HostConfig { port_bindings: Some(ports), ..HostConfig::default() }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::default().name("web").build();
    let web = docker.create_container(Some(options), body).await?;
    docker.start_container("web", None::<StartContainerOptions>).await?;
    let settings = EndpointSettings { aliases: Some(vec!["x".into()]), ..EndpointSettings::default() };
    let connect = NetworkConnectRequest { container: web.id.clone(), endpoint_config: Some(settings) };
    docker.connect_network("front", connect).await?;
    let about = docker.inspect_container("web", None::<InspectContainerOptions>).await?;
    let shown = about.network_settings.unwrap_or_default();
    assert_eq!(shown.networks.unwrap_or_default().len(), 2);
    let bound = shown.ports.unwrap_or_default()["80/tcp"].clone().unwrap_or_default();
    assert_eq!(bound[0].host_port.as_deref(), Some("8080"));

    let exec = ExecConfig {
        cmd: Some(["sh", "-c", "echo out; exit 4"].map(String::from).into()),
        attach_stdout: Some(true),
        ..ExecConfig::default()
    };
    let exec = docker.create_exec("web", exec).await?.id;
    let StartExecResults::Attached { output, .. } = docker.start_exec(&exec, None).await? else {
        panic!("not attached")
    };
    let said: Vec<LogOutput> = output.try_collect().await?;
    assert_eq!(said.iter().map(ToString::to_string).collect::<String>(), "out\n");
    assert_eq!(docker.inspect_exec(&exec).await?.exit_code, Some(4));

    docker
        .disconnect_network("front", NetworkDisconnectRequest { container: web.id.clone(), force: Some(false) })
        .await?;
    docker.kill_container("web", None::<bollard::query_parameters::KillContainerOptions>).await?;
    let ended = docker.wait_container("web", None::<WaitContainerOptions>).next().await;
    assert!(
        matches!(ended, Some(Err(bollard::errors::Error::DockerContainerWaitError { code: 137, .. }))),
        "{ended:?}"
    );
    let logs = docker.logs("web", Some(LogsOptionsBuilder::default().stdout(true).build()));
    let lines: Vec<LogOutput> = logs.try_collect().await?;
    assert_eq!(lines.iter().map(ToString::to_string).collect::<String>(), "started\n");
    docker.remove_container("web", Some(RemoveContainerOptionsBuilder::default().force(true).build())).await?;
    docker.remove_network("front").await
}
