//! `pontoon run` and `pontoon exec` from end to end.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pontoon_test_support::{World, until_true};
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn sandboxes(world: &World) -> Vec<String> {
    world.api().sandboxes(&Default::default()).unwrap().into_iter().map(|sandbox| sandbox.name).collect()
}

#[test]
fn the_exit_status_is_the_commands() {
    let Some(world) = World::new() else { return };
    let cases: [(&[&str], i32); 6] = [
        (&["true"], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["sh", "-c", "kill -KILL $$"], 137),
        (&["/no/such/command"], 127),
        (&["/etc/passwd"], 126),
    ];
    for (command, status) in cases {
        let output = world.pontoon(&[&["run", "--"], command].concat());
        assert_eq!(output.status.code(), Some(status), "{command:?}: {output:?}");
    }
    assert_eq!(sandboxes(&world), Vec::<String>::new(), "each was removed with its command");
    let refused = world.pontoon(&["run", "--network", "nowhere", "--", "true"]);
    assert_eq!(refused.status.code(), Some(125), "{refused:?}");
}

#[test]
fn signals_reach_the_command_and_the_sandbox_goes_with_it() {
    let Some(world) = World::new() else { return };
    let mut command = world.command();
    command.args([
        "run",
        "--name",
        "waiting",
        "--",
        "sh",
        "-c",
        "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    let mut child = world.host().spawn(command);
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!((line.as_str(), sandboxes(&world)), ("ready\n", vec!["waiting".to_owned()]));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    assert_eq!(sandboxes(&world), Vec::<String>::new());
}

#[test]
fn a_killed_run_takes_its_command_and_its_sandbox_along() {
    let Some(world) = World::new() else { return };
    let mut command = world.command();
    command.args(["run", "--name", "orphan", "--", "sh", "-c", "echo $$; exec sleep 1000"]);
    let mut child = world.host().spawn(command);
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let pid: u32 = line.trim().parse().unwrap();
    let runs = || world.host().output("sh", &["-c", &format!("grep -q sleep /proc/{pid}/cmdline")]).status.success();
    until_true("the command runs", Duration::from_secs(10), runs);
    child.kill().unwrap();
    until_true("the command is gone", Duration::from_secs(30), || !runs());
    until_true("the sandbox is gone", Duration::from_secs(30), || sandboxes(&world).is_empty());
    child.wait().unwrap();
}

#[test]
fn the_command_sees_its_own_files_name_and_links() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 --subnet 10.7.0.0/24 front");
    let script =
        "hostname; cat /etc/hostname; cat /etc/resolv.conf; echo ---; cat /etc/hosts; echo ---; ls /sys/class/net";
    let line = "run --network front --ip 10.7.0.77 --hostname box --domainname example.org --add-host other:192.0.2.9 \
                --dns-search corp.example --";
    let words: Vec<&str> = line.split_whitespace().chain(["sh", "-c", script]).collect();
    let output = world.pontoon(&words);
    assert!(output.status.success(), "{output:?}");
    let text = said(&output).1;
    let parts: Vec<&str> = text.split("---").map(str::trim).collect();
    assert!(parts[0].starts_with("box\nbox"), "{text}");
    assert!(parts[0].contains("nameserver 127.0.0.11") && parts[0].contains("search corp.example"), "{text}");
    assert!(parts[1].contains("10.7.0.77\tbox.example.org box"), "{text}");
    assert!(parts[1].contains("192.0.2.9\tother"), "{text}");
    assert_eq!(parts[2], "eth0\nlo");
    // The host's own are as they were.
    assert!(!world.host().tell("cat /etc/hosts").contains("10.7.0.77"));
    assert!(!world.host().tell("cat /etc/resolv.conf").contains("127.0.0.11"));
}

#[test]
fn two_commands_find_each_other_and_exec_joins_one() {
    let Some(world) = World::new() else { return };
    world.network("--ipv6 front");
    let mut server = world.command();
    server.args(["run", "--name", "server", "--network", "front", "--network-alias", "srv", "-p", "8080:80", "--"]);
    server.args(["sh", "-c", "echo up; exec sleep 1000"]);
    let mut server = world.host().spawn(server);
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    let member = world.member("server");
    pontoon_test_support::serve_all(&member, &[80]);
    for name in ["server", "srv", "server.front"] {
        let output = world.pontoon(&["run", "--network", "front", "--", "ping", "-c", "1", "-W", "5", name]);
        assert!(output.status.success(), "{name}: {output:?}");
    }
    let inside = world.pontoon(&["exec", "server", "--", "sh", "-c", "hostname; ip -o -4 address show eth0; exit 3"]);
    let (status, text) = said(&inside);
    assert_eq!(status, Some(3));
    assert!(text.contains(&member.ip4("front").to_string()), "{text}");
    assert_eq!(world.told("port server"), "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080");
    kill(Pid::from_raw(i32::try_from(server.id()).unwrap()), Signal::SIGKILL).unwrap();
    server.wait().unwrap();
}

#[test]
fn a_kept_sandbox_stays_and_ports_of_our_choice_are_told() {
    let Some(world) = World::new() else { return };
    world.network("front");
    let line = "run --keep --name kept --network front -P --expose 80 --expose 53/udp -- true";
    world.told(line);
    assert_eq!(sandboxes(&world), ["kept"]);
    let ports = world.told("port kept");
    assert!(ports.contains("80/tcp -> 0.0.0.0:") && ports.contains("53/udp -> 0.0.0.0:"), "{ports}");
    world.told("sandbox rm --force kept");
    assert_eq!(sandboxes(&world), Vec::<String>::new());
}

#[test]
fn an_error_is_one_line_with_a_hint_where_there_is_a_remedy() {
    let Some(world) = World::new() else { return };
    world.network("front");
    world.sandbox("web", "--network front -p 8080:80");
    let taken = world.pontoon(&["sandbox", "create", "--network", "front", "-p", "8080:80"]);
    let text = String::from_utf8_lossy(&taken.stderr).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("hint:")).collect();
    assert_eq!((taken.status.success(), lines.len()), (false, 1), "{text}");
    assert!(text.contains("8080"), "{text}");
    world.daemon().stop();
    let away = world.pontoon(&["network", "ls"]);
    let text = String::from_utf8_lossy(&away.stderr).into_owned();
    assert!(!away.status.success() && text.contains("\nhint: "), "{text}");
}

#[test]
fn the_host_network_is_the_hosts_own() {
    let Some(world) = World::new() else { return };
    let mut command = Command::new("ip");
    command.args(["-o", "link"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let own = world.host().spawn(command).wait_with_output().unwrap();
    let names =
        |text: &str| text.lines().filter_map(|line| line.split(": ").nth(1).map(str::to_owned)).collect::<Vec<_>>();
    let inside = world.told("run --network host -- ip -o link");
    assert_eq!(names(&inside), names(&String::from_utf8_lossy(&own.stdout)));
    assert_eq!(names(&world.told("run --network none -- ip -o link")), ["lo"]);
}
