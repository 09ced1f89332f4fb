//! What containers write and read: logs, attach, exec; in frames without a terminal and raw with one.

use chrono::DateTime;
use pontoon_conformance::{Container, Engine, Frame, Value, json, until_true};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn frame(stream: u8, text: &str) -> Frame {
    Frame { stream, text: text.to_owned() }
}

/// A container that wrote lines to both outputs and ended.
fn written<'a>(engine: &'a Engine, fields: Value) -> Container<'a> {
    let mut body =
        json!({"Cmd": ["sh", "-c", "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; printf four"]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let container = engine.run("", body);
    container.wait();
    container
}

#[test]
fn logs_are_frames_of_both_outputs_in_order() {
    let Some(engine) = Engine::start() else { return };
    let quiet = written(&engine, json!({}));
    let all = quiet.log_frames(&[]);
    assert_eq!(all, [frame(1, "one\n"), frame(2, "two\n"), frame(1, "three\n"), frame(1, "four")]);
    let path = format!("/containers/{}/logs", quiet.id);
    let only = |query: &str| {
        let mut stream = engine.stream(&format!("{path}?{query}"));
        std::iter::from_fn(move || stream.frame()).map(|frame| frame.text).collect::<Vec<_>>()
    };
    assert_eq!(only("stdout=1"), ["one\n", "three\n", "four"]);
    assert_eq!(only("stderr=1"), ["two\n"]);
    assert_eq!(only("stdout=1&stderr=1&tail=2"), ["three\n", "four"]);
    assert_eq!(only("stdout=1&stderr=1&tail=0"), Vec::<String>::new());
    assert_eq!(only("stdout=1&stderr=1&tail=all").len(), 4);
    engine.get(&path).refuses(400, "Bad parameters: you must choose at least one stream");
    let ended = engine.get(&format!("{path}?stdout=1")).is(200);
    if !engine.before("1.42", "logs did not say that they are multiplexed") {
        let newer = engine.at("1.42").get(&format!("{path}?stdout=1"));
        assert_eq!(newer.header("content-type"), "application/vnd.docker.multiplexed-stream");
    }
    assert_eq!(ended.body[0], 1);
}

#[test]
fn logs_have_times_and_are_cut_by_them() {
    let Some(engine) = Engine::start() else { return };
    let quiet = written(&engine, json!({}));
    let lines = quiet.log_frames(&[("timestamps", "1")]);
    let times: Vec<&str> = lines.iter().map(|frame| frame.text.split(' ').next().unwrap()).collect();
    for time in &times {
        assert!(time.len() == "2026-01-01T00:00:00.000000000Z".len() && time.ends_with('Z'), "{time}");
    }
    assert!(times.is_sorted());
    // Whatever was written from the third line on.
    let third = DateTime::parse_from_rfc3339(times[2]).unwrap();
    let since = format!("{}.{:09}", third.timestamp(), third.timestamp_subsec_nanos());
    assert_eq!(quiet.log_frames(&[("since", &since)]), [frame(1, "three\n"), frame(1, "four")]);
    let seconds = |time: &str| quiet.inspect()["State"][time].as_str().unwrap().to_owned();
    let started = seconds("StartedAt");
    assert!(times[0] >= &started[..19], "{} {started}", times[0]);
    assert_eq!(quiet.log_frames(&[("since", "1")]).len(), 4);
    assert_eq!(quiet.log_frames(&[("since", "4000000000")]), []);
    assert_eq!(quiet.log_frames(&[("until", "1")]), []);
    assert_eq!(quiet.log_frames(&[("until", "4000000000")]).len(), 4);
}

#[test]
fn logs_are_followed_until_the_container_ends() {
    let Some(engine) = Engine::start() else { return };
    let web =
        engine.run("web", json!({"Cmd": ["sh", "-c", "echo first; trap 'echo last; exit 0' TERM; sleep 3600 & wait"]}));
    until_true("it wrote", PATIENCE, || web.logs()[0] == "first\n");
    let mut live = engine.stream("/containers/web/logs?stdout=1&follow=1");
    assert_eq!(live.frame(), Some(frame(1, "first\n")));
    assert!(!live.says_more_within(Duration::from_millis(200)));
    web.post("stop?t=30").is(204);
    assert_eq!(live.frame(), Some(frame(1, "last\n")));
    assert_eq!(live.frame(), None);
    // They are kept over a restart, and go on.
    web.start();
    until_true("it wrote again", PATIENCE, || web.logs()[0] == "first\nlast\nfirst\n");
}

#[test]
fn logs_with_a_terminal_are_raw() {
    let Some(engine) = Engine::start() else { return };
    let terminal = written(&engine, json!({"Tty": true}));
    let raw = engine.get(&format!("/containers/{}/logs?stdout=1&stderr=1", terminal.id)).is(200).text();
    assert_eq!(raw, "one\r\ntwo\r\nthree\r\nfour");
}

#[test]
fn attach_gives_frames_and_takes_input_until_it_is_closed() {
    let Some(engine) = Engine::start() else { return };
    let fields = json!({"Cmd": ["sh", "-c", "while read line; do echo got $line; echo seen $line >&2; done; echo end"], "OpenStdin": true, "StdinOnce": true});
    let web = engine.create("web", fields);
    let attach = "/containers/web/attach?stream=1&stdin=1&stdout=1&stderr=1";
    let mut attached = engine.hijack(attach, None).ok().unwrap();
    web.start();
    for line in ["a", "b"] {
        attached.write(&format!("{line}\n"));
        let mut frames = [attached.frame().unwrap(), attached.frame().unwrap()];
        frames.sort_by_key(|frame| frame.stream);
        assert_eq!(frames, [frame(1, &format!("got {line}\n")), frame(2, &format!("seen {line}\n"))]);
    }
    attached.close_input();
    assert_eq!(attached.outputs(), ["end\n".to_owned(), String::new()]);
    assert_eq!(web.wait(), 0);
}

#[test]
fn attach_to_what_runs_gives_old_logs_if_asked_and_what_comes() {
    let Some(engine) = Engine::start() else { return };
    let script = "echo old; while ! test -e /tmp/go; do sleep 0.05; done; echo new";
    let web = engine.run("web", json!({"Cmd": ["sh", "-c", script]}));
    until_true("it wrote", PATIENCE, || web.logs()[0] == "old\n");
    let both = engine.hijack("/containers/web/attach?logs=1&stream=1&stdout=1&stderr=1", None).ok().unwrap();
    let live = engine.hijack("/containers/web/attach?stream=1&stdout=1", None).ok().unwrap();
    web.tell("touch /tmp/go");
    assert_eq!(both.outputs()[0], "old\nnew\n");
    assert_eq!(live.outputs()[0], "new\n");
    let refused = engine.hijack("/containers/nobody/attach?stream=1&stdout=1", None).err().unwrap();
    assert_eq!(refused.status, 404);
}

#[test]
fn attach_with_a_terminal_is_raw_and_detaches_by_keys() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.create("web", json!({"Cmd": ["sh"], "Tty": true, "OpenStdin": true}));
    let mut attached = engine.hijack("/containers/web/attach?stream=1&stdin=1&stdout=1&stderr=1", None).ok().unwrap();
    web.start();
    attached.write("echo $((6*7)) $(tty)\n");
    attached.until("42 /dev/pts/0");
    engine.post("/containers/web/resize?h=33&w=77").is(200);
    attached.write("stty size\n");
    attached.until("33 77");
    // Ctrl-p Ctrl-q lets go without ending it.
    attached.write("\u{10}\u{11}");
    attached.raw();
    assert_eq!(web.status(), "running");
    let mut again = engine.hijack("/containers/web/attach?stream=1&stdin=1&stdout=1", None).ok().unwrap();
    again.write("echo still; exit 3\n");
    again.until("still");
    assert_eq!(web.wait(), 3);
}

#[test]
fn exec_runs_a_process_beside_and_tells_its_end() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({"Env": ["A=1"], "WorkingDir": "/tmp", "Hostname": "barker"}));
    let output = web.exec("echo out; echo err >&2; exit 6");
    assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (6, "out\n", "err\n"));
    let output = web.exec_with(json!({"Cmd": ["sh", "-c", "echo $A $B; pwd; id -u; hostname"], "Env": ["B=2"], "WorkingDir": "/etc", "User": "nobody"}));
    assert_eq!(output.out, "1 2\n/etc\n65534\nbarker\n");
    assert_eq!(web.tell("pwd"), "/tmp\n");
    let missing = web.exec_id(json!({"Cmd": ["no-such-program"], "AttachStdout": true}));
    let started = engine.post_json(&format!("/exec/{missing}/start"), &json!({"Detach": true}));
    assert!(started.status >= 400 && started.message().contains("executable file not found"), "{}", started.text());
    let code = engine.since("1.44", 127, 126, "a missing program was one that cannot be run");
    assert_eq!(engine.get(&format!("/exec/{missing}/json")).ok()["ExitCode"], code);
    engine.post_json("/containers/web/exec", &json!({"Cmd": []})).refuses(400, "no exec command specified");
    engine.post_json("/containers/nobody/exec", &json!({"Cmd": ["true"]})).refuses(404, "No such container: nobody");
    engine.get("/exec/nothing/json").refuses(404, "No such exec instance: nothing");
}

#[test]
fn commands_that_are_over_at_once_tell_their_end_too() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    std::thread::scope(|scope| {
        for code in 1..4 {
            let web = engine.container(&web.id);
            scope.spawn(move || {
                for _ in 0..10 {
                    let output = web.exec(&format!("echo {code}; exit {code}"));
                    assert_eq!((output.code, output.out), (code, format!("{code}\n")));
                }
            });
        }
    });
}

#[test]
fn exec_takes_input_a_terminal_and_may_be_left_alone() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({}));
    let attached = json!({"AttachStdin": true, "AttachStdout": true, "AttachStderr": true});
    let with = |fields: Value| {
        let mut all = attached.clone();
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        web.exec_id(all)
    };
    let cat = with(json!({"Cmd": ["cat"]}));
    let mut started = engine.hijack(&format!("/exec/{cat}/start"), Some(&json!({}))).ok().unwrap();
    started.write("hello");
    assert_eq!(started.frame(), Some(frame(1, "hello")));
    let running = engine.get(&format!("/exec/{cat}/json")).ok();
    assert_eq!((&running["Running"], &running["ContainerID"]), (&json!(true), &json!(web.id)));
    assert_eq!(running["ProcessConfig"]["entrypoint"], "cat");
    assert_eq!(web.inspect()["ExecIDs"], json!([cat]));
    started.close_input();
    assert_eq!(started.outputs(), [String::new(), String::new()]);
    let done = engine.get(&format!("/exec/{cat}/json")).ok();
    assert_eq!((&done["Running"], &done["ExitCode"]), (&json!(false), &json!(0)));

    let terminal = with(json!({"Cmd": ["sh"], "Tty": true}));
    let mut started = engine.hijack(&format!("/exec/{terminal}/start"), Some(&json!({"Tty": true}))).ok().unwrap();
    started.write("echo $((6*7))\n");
    started.until("42");
    engine.post(&format!("/exec/{terminal}/resize?h=33&w=77")).is(200);
    started.write("stty size; exit 5\n");
    started.until("33 77");
    started.raw();
    until_true("it ended", PATIENCE, || engine.get(&format!("/exec/{terminal}/json")).ok()["ExitCode"] == 5);

    let alone = web.exec_id(json!({"Cmd": ["sh", "-c", "sleep 0.2; echo done > /tmp/alone"]}));
    engine.post_json(&format!("/exec/{alone}/start"), &json!({"Detach": true})).is(200);
    until_true("it did its work", PATIENCE, || web.exec("cat /tmp/alone").out == "done\n");
    let again = engine.post_json(&format!("/exec/{alone}/start"), &json!({"Detach": true}));
    assert!(again.status >= 400, "{}", again.text());
}

#[test]
fn a_reader_that_does_not_read_stalls_nobody_else() {
    let Some(engine) = Engine::start() else { return };
    let web = engine.run("web", json!({"Cmd": ["sh", "-c", "while :; do echo a line that goes on; done"]}));
    let _lazy = engine.stream("/containers/web/logs?stdout=1&follow=1");
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..20 {
        assert_eq!(web.status(), "running");
        engine.get("/_ping").is(200);
    }
    web.post("kill").is(204);
    assert_eq!(web.wait(), 137);
}
