//! Files: changes, mounts, volumes; and what else is told of a container that runs.

use pontoon_conformance::{Engine, Value, json, until_true};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn changes_of_files_are_told() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    assert!(engine.get("/containers/web/changes").is(200).text().len() < 400);
    web.tell("echo x > /root/new; rm /etc/group; chmod 700 /www");
    let changes = engine.get("/containers/web/changes").ok();
    let has = |path: &str, kind: u64| changes.as_array().unwrap().contains(&json!({"Path": path, "Kind": kind}));
    assert!(has("/root", 0) && has("/root/new", 1) && has("/etc/group", 2) && has("/www", 0), "{changes}");
}

#[test]
fn volumes_are_made_kept_shared_and_removed() {
    let Some(engine) = Engine::start() else { return };
    let made = engine.post_json("/volumes/create", &json!({"Name": "data", "Labels": {"a": "b"}})).is(201).json();
    assert_eq!((&made["Name"], &made["Driver"], &made["Scope"]), (&json!("data"), &json!("local"), &json!("local")));
    assert!(made["Mountpoint"].as_str().unwrap().ends_with("/data/_data"));
    // The same again is the same.
    assert_eq!(
        engine.post_json("/volumes/create", &json!({"Name": "data"})).is(201).json()["CreatedAt"],
        made["CreatedAt"]
    );
    let bind = |binds: Value| json!({"HostConfig": {"Binds": binds}});
    let writer = engine.run("writer", bind(json!(["data:/data"])));
    writer.tell("echo kept > /data/file");
    let reader = engine.run("reader", bind(json!(["data:/data:ro"])));
    assert_eq!(reader.tell("cat /data/file"), "kept\n");
    assert_ne!(reader.exec("echo x > /data/file").code, 0);
    let mount = reader.inspect()["Mounts"][0].clone();
    assert_eq!(
        (&mount["Type"], &mount["Name"], &mount["Destination"], &mount["RW"]),
        (&json!("volume"), &json!("data"), &json!("/data"), &json!(false))
    );
    engine.delete("/volumes/data").refuses(409, "volume is in use - [");
    writer.remove();
    reader.remove();
    assert_eq!(engine.get("/volumes").ok()["Volumes"].as_array().unwrap().len(), 1);
    engine.delete("/volumes/data").is(204);
    engine.delete("/volumes/data").is(404).refuses(404, "no such volume");
    engine.get("/volumes/data").is(404);
    // One that comes by itself goes with its container.
    let anonymous = engine.run("anonymous", json!({"Volumes": {"/cache": {}}}));
    let name = anonymous.inspect()["Mounts"][0]["Name"].as_str().unwrap().to_owned();
    assert_eq!(name.len(), 64);
    engine.get(&format!("/volumes/{name}")).is(200);
    anonymous.remove();
    engine.get(&format!("/volumes/{name}")).is(404);
}

#[test]
fn a_new_volume_begins_with_what_the_image_has_there() {
    let Some(engine) = Engine::start() else { return };
    let mounts = json!({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "seed", "Target": "/etc"}]}});
    let web = engine.run("web", mounts);
    assert!(web.tell("cat /etc/passwd").starts_with("root:"));
    let bare = engine.run(
        "bare",
        json!({"HostConfig": {"Mounts": [
            {"Type": "volume", "Source": "empty", "Target": "/etc", "VolumeOptions": {"NoCopy": true}},
            {"Type": "tmpfs", "Target": "/scratch", "TmpfsOptions": {"SizeBytes": 1 << 20}},
        ]}}),
    );
    assert_ne!(bare.exec("test -e /etc/passwd").code, 0);
    assert!(bare.tell("mount").contains("tmpfs on /scratch"));
    let host = engine.scene().folder().to_str().unwrap();
    std::fs::write(engine.scene().folder().join("shared"), "from the host\n").unwrap();
    let bound = engine.run("bound", json!({"HostConfig": {"Binds": [format!("{host}/shared:/shared:ro")], "Tmpfs": {"/run": "size=1m"}, "ReadonlyRootfs": true}}));
    assert_eq!(bound.tell("cat /shared"), "from the host\n");
    assert_ne!(bound.exec("touch /tmp/x").code, 0);
    assert_eq!(bound.exec("touch /run/x").code, 0);
}

#[test]
fn processes_and_counters_are_told() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({"Cmd": ["sleep", "3600"]}));
    let top = engine.get("/containers/web/top").ok();
    assert!(top["Titles"].as_array().unwrap().contains(&json!("PID")), "{top}");
    let processes = top["Processes"].as_array().unwrap();
    assert_eq!(processes.len(), 1);
    assert!(processes[0].as_array().unwrap().iter().any(|cell| cell.as_str().unwrap().contains("sleep 3600")));
    let gateway = web.endpoint("bridge")["Gateway"].as_str().unwrap().to_owned();
    web.exec(&format!("ping -c 2 -i 0.1 -W 5 {gateway}"));
    let stats = engine.get("/containers/web/stats?stream=0").ok();
    assert!(stats["networks"]["eth0"]["rx_bytes"].as_u64().unwrap() > 0, "{stats}");
    assert_eq!(stats["name"], "/web");
    assert!(stats["memory_stats"]["usage"].as_u64().is_some_and(|usage| usage > 0));
    assert!(stats["cpu_stats"]["cpu_usage"]["total_usage"].as_u64().is_some());
    assert_eq!(stats["pids_stats"]["current"], 1);
    let mut live = engine.stream("/containers/web/stats?stream=1");
    let (first, second) = (live.object().unwrap(), live.object().unwrap());
    assert!(first["read"].as_str().unwrap() < second["read"].as_str().unwrap());
    drop(live);
    web.stop();
    engine.get("/containers/web/top").refuses(409, "is not running");
}

#[test]
fn limits_users_and_rights_are_those_that_were_asked_for() {
    let Some(engine) = Engine::start() else { return };
    let usual = engine.output(
        "id -u; cat /proc/self/status; cat /proc/sys/kernel/core_pattern > /dev/null; touch /proc/sys/kernel/shmmax",
        json!({}),
    );
    assert!(usual.out.contains("CapEff:\t00000000a80425fb") && usual.out.contains("Seccomp:\t2"), "{usual:?}");
    let dropped = engine
        .output("grep CapEff /proc/self/status", json!({"HostConfig": {"CapDrop": ["ALL"], "CapAdd": ["NET_ADMIN"]}}));
    assert_eq!(dropped.out, "CapEff:\t0000000000001000\n");
    if !engine.before("1.44", "it gave privileged containers rights that it had not itself") {
        let script = "grep Seccomp: /proc/self/status; ip link add x type bridge && echo made";
        let privileged = engine.output(script, json!({"HostConfig": {"Privileged": true}}));
        assert_eq!(privileged.out, "Seccomp:\t0\nmade\n");
    }
    let user = engine.output("id -u; id -g", json!({"User": "65534:65534"}));
    assert_eq!(user.out, "65534\n65534\n");
    let sysctls = json!({"HostConfig": {"Sysctls": {"net.ipv4.ip_forward": "1"}, "Ulimits": [{"Name": "nofile", "Soft": 99, "Hard": 100}]}});
    let limited = engine.output("cat /proc/sys/net/ipv4/ip_forward; ulimit -n", sysctls);
    assert_eq!(limited.out, "1\n99\n");
    let plain = engine
        .output("grep NoNewPrivs /proc/self/status", json!({"HostConfig": {"SecurityOpt": ["no-new-privileges"]}}));
    assert_eq!(plain.out, "NoNewPrivs:\t1\n");
    let init =
        engine.run("init", json!({"Cmd": ["sleep", "3600"], "HostConfig": {"Memory": 64 << 20, "PidsLimit": 50}}));
    assert_eq!(init.inspect()["HostConfig"]["Memory"], 64 << 20);
    until_true("it runs", PATIENCE, || init.status() == "running");
}
