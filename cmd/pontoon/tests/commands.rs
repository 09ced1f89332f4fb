//! Commands as users type them, against a daemon that answers as told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use support::{Daemon, Done};

fn done(code: i32, out: &str, err: &str) -> Done {
    Done { code, out: out.to_owned(), err: err.to_owned() }
}

#[test]
fn networks_are_listed_by_name() {
    let list = r#"[{"Name":"n10","Id":"bbbbbbbbbbbbbbbb","Driver":"bridge","Scope":"local"},
        {"Name":"n2","Id":"aaaaaaaaaaaaaaaa","Driver":"bridge","Scope":"local","Labels":{"k":"v"}}]"#;
    let daemon = Daemon::new(move |_, _| (200, list.to_owned()));
    let table = "NETWORK ID     NAME      DRIVER    SCOPE\naaaaaaaaaaaa   n2        bridge    local\n\
                 bbbbbbbbbbbb   n10       bridge    local\n";
    assert_eq!(daemon.run(&["network", "ls"]), done(0, table, ""));
    assert_eq!(daemon.run(&["network", "ls", "-q", "--no-trunc"]), done(0, "aaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbb\n", ""));
    assert_eq!(daemon.run(&["network", "list", "--format", "{{.Name}} {{.Label \"k\"}}"]), done(0, "n2 v\nn10 \n", ""));
    daemon.run(&["network", "ls", "-f", "name=x", "--filter", "label=a=b"]);
    let query = "%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%2C%22name%22%3A%7B%22x%22%3Atrue%7D%7D";
    assert_eq!(daemon.requests().pop().unwrap(), format!("GET /networks?filters={query} "));
}

#[test]
fn inspecting_shows_what_is_there_and_reports_what_is_not() {
    let daemon = Daemon::new(|_, path| match path {
        "/networks/a" => (200, r#"{"Name":"a","Zeta":1,"IPAM":{"Config":[{"Subnet":"10.0.0.0/8"}]}}"#.to_owned()),
        _ => (404, r#"{"message":"network b not found","hint":"see 'pontoon network ls'"}"#.to_owned()),
    });
    let format = "{{.Name}} {{(index .IPAM.Config 0).Subnet}}";
    let err = "pontoon: network b not found\nhint: see 'pontoon network ls'\n";
    assert_eq!(daemon.run(&["network", "inspect", "-f", format, "a", "b"]), done(1, "a 10.0.0.0/8\n", err));
    assert_eq!(daemon.run(&["network", "inspect", "b"]), done(1, "[]\n", err));
    let whole = daemon.run(&["network", "inspect", "a"]).out;
    assert!(whole.starts_with("[\n    {\n        \"Name\": \"a\",\n        \"Zeta\": 1,\n"), "{whole}");
    let wrong = daemon.run(&["network", "inspect", "-f", "{{.Nope}}", "a"]);
    let text = "pontoon: template parsing error: template: :1:2: executing \"\" at <.Nope>: map has no entry for key \"Nope\"\n";
    assert!(wrong.code == 1 && wrong.err.starts_with(text), "{wrong:?}");
}

#[test]
fn networks_are_created_and_removed_as_docker_does() {
    let daemon = Daemon::new(|method, path| match (method, path) {
        ("POST", "/networks/create") => (201, r#"{"Id":"abc","Warning":""}"#.to_owned()),
        ("DELETE", "/networks/gone") => (404, r#"{"message":"network gone not found"}"#.to_owned()),
        _ => (204, String::new()),
    });
    assert_eq!(daemon.run(&["network", "create", "--subnet", "10.0.0.0/24", "n"]), done(0, "abc\n", ""));
    assert!(
        daemon.requests()[0]
            .contains(r#""IPAM":{"Driver":"default","Options":{},"Config":[{"Subnet":"10.0.0.0/24"}]}"#)
    );
    let gone = "pontoon: network gone not found\n";
    assert_eq!(daemon.run(&["network", "rm", "a", "gone", "b"]), done(1, "a\nb\n", gone));
    assert_eq!(daemon.run(&["network", "remove", "-f", "gone", "b"]), done(0, "b\n", ""));
    assert_eq!(daemon.run(&["network", "connect", "--alias", "x", "--ip6", "fd00::9", "n", "s"]), done(0, "", ""));
    let body = daemon.requests().pop().unwrap();
    assert!(body.starts_with(r#"POST /networks/n/connect {"Container":"s""#), "{body}");
    assert!(
        body.contains(r#""IPAMConfig":{"IPv6Address":"fd00::9"}"#) && body.contains(r#""Aliases":["x"]"#),
        "{body}"
    );
    assert_eq!(daemon.run(&["network", "disconnect", "-f", "n", "s"]), done(0, "", ""));
    assert_eq!(daemon.requests().pop().unwrap(), r#"POST /networks/n/disconnect {"Container":"s","Force":true}"#);
}

#[test]
fn pruning_asks_first() {
    let daemon = Daemon::new(|_, _| (200, r#"{"NetworksDeleted":["a","b"]}"#.to_owned()));
    let asked = daemon.run(&["network", "prune"]);
    assert_eq!((asked.code, daemon.requests().len()), (1, 0));
    assert!(asked.err.starts_with("pontoon: network prune has been cancelled\nhint: "), "{asked:?}");
    assert_eq!(daemon.run(&["network", "prune", "-f"]), done(0, "Deleted Networks:\na\nb\n\n", ""));
}

#[test]
fn sandboxes_are_made_listed_and_published() {
    let daemon = Daemon::new(|method, path| match (method, path) {
        ("POST", "/pontoon/v1/sandboxes/create") => (201, r#"{"Id":"abc","Warnings":["careful"]}"#.to_owned()),
        ("POST", _) => (200, r#"{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}}"#.to_owned()),
        ("DELETE", _) => (204, String::new()),
        (_, "/pontoon/v1/sandboxes") => (200, r#"[{"Id":"abc","Name":"web"}]"#.to_owned()),
        _ => {
            (200, r#"{"Id":"abc","NetworkSettings":{"Ports":{"53/udp":[{"HostIp":"::","HostPort":"53"}]}}}"#.to_owned())
        }
    });
    let made = daemon.run(&["sandbox", "create", "--name", "web", "--network", "n", "--netns", "/run/netns/x"]);
    assert_eq!(made, done(0, "abc\n", "pontoon: warning: careful\n"));
    let body = &daemon.requests()[0];
    assert!(body.contains(r#""Namespace":{"Path":"/run/netns/x"}"#) && body.contains(r#""Networks":{"n":{"#), "{body}");
    assert_eq!(daemon.run(&["sandbox", "ls", "-q"]), done(0, "abc\n", ""));
    assert_eq!(daemon.run(&["sandbox", "ports", "web", "-p", "8080:80"]), done(0, "80/tcp -> 0.0.0.0:8080\n", ""));
    let body = daemon.requests().pop().unwrap();
    let expected =
        r#"POST /pontoon/v1/sandboxes/web/ports {"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}}"#;
    assert_eq!(body, expected);
    daemon.run(&["sandbox", "ports", "web", "--none"]);
    assert!(daemon.requests().pop().unwrap().ends_with(r#"{"PortBindings":{}}"#));
    assert_eq!(daemon.run(&["port", "web"]), done(0, "53/udp -> [::]:53\n", ""));
    assert_eq!(daemon.run(&["port", "web", "53/udp"]), done(0, "[::]:53\n", ""));
    assert_eq!(daemon.run(&["port", "web", "53"]).code, 1);
    assert_eq!(daemon.run(&["sandbox", "rm", "-f", "web"]), done(0, "web\n", ""));
}

#[test]
fn events_are_printed_until_the_daemon_ends() {
    let line = r#"{"Type":"network","Action":"create","Actor":{"ID":"a","Attributes":{"name":"n"}},"scope":"local","timeNano":1}"#;
    let daemon = Daemon::new(move |_, _| (200, format!("{line}\n{line}\n")));
    let shown = daemon.run(&[
        "events",
        "--since",
        "5",
        "-f",
        "type=network",
        "--format",
        "{{.Action}} {{.Actor.Attributes.name}}",
    ]);
    assert_eq!(shown, done(0, "create n\ncreate n\n", ""));
    assert!(daemon.requests()[0].starts_with("GET /events?since=5&filters="), "{:?}", daemon.requests());
    assert_eq!(daemon.run(&["events", "--since", "whenever"]).code, 1);
}

#[test]
fn a_daemon_that_is_not_there_is_told_with_a_remedy() {
    let daemon = Daemon::new(|_, _| (200, String::new()));
    let done = daemon.run(&["-H", "unix:///nowhere/s", "info"]);
    assert_eq!(done.code, 1);
    assert!(done.err.starts_with("pontoon: connect to unix:///nowhere/s: "), "{done:?}");
    assert!(done.err.contains("\nhint: is pontoond running?"), "{done:?}");
    let version = daemon.run(&["-H", "unix:///nowhere/s", "version"]);
    assert!(version.code == 1 && version.out.starts_with("Client: Pontoon\n"), "{version:?}");
}

#[test]
fn a_closed_pipe_is_no_trouble() {
    let daemon = Daemon::new(|_, _| (200, format!("[{}]", vec![r#"{"Name":"n","Id":"i"}"#; 20_000].join(","))));
    let mut child = daemon
        .command(&["network", "ls"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn completions_are_scripts_for_each_shell() {
    let daemon = Daemon::new(|_, _| (200, String::new()));
    for (shell, word) in
        [("bash", "complete -F _pontoon"), ("zsh", "#compdef pontoon"), ("fish", "complete -c pontoon")]
    {
        let done = daemon.run(&["completion", shell]);
        assert!(done.code == 0 && done.out.contains(word), "{shell}");
        assert!(!done.out.contains("enter-sandbox"), "{shell}: what is hidden stays hidden");
    }
    assert_eq!(daemon.run(&["completion", "csh"]).code, 1);
}
