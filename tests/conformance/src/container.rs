//! Containers in the words of cases.

use crate::engine::Engine;
use crate::hijack::Frame;
use crate::http::{Http, with_query};
use pontoon_test_support::{Place, until};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// A container of the engine under test.
pub struct Container<'a> {
    engine: &'a Engine,
    http: &'a Http,
    /// Its id.
    pub id: String,
}

/// What a process did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit status.
    pub code: i64,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Engine {
    /// Makes a container that sleeps if nothing else is said.
    #[track_caller]
    pub fn create(&self, name: &str, fields: Value) -> Container<'_> {
        let body = self.creation(fields);
        let query: &[(&str, &str)] = if name.is_empty() { &[] } else { &[("name", name)] };
        let created = self.post_json(&with_query("/containers/create", query), &body).is(201).json();
        Container { engine: self, http: self, id: created["Id"].as_str().unwrap().to_owned() }
    }

    /// Makes and starts one.
    #[track_caller]
    pub fn run(&self, name: &str, fields: Value) -> Container<'_> {
        let container = self.create(name, fields);
        container.start();
        container
    }

    /// What a container prints that runs `script` in a shell to its end.
    #[track_caller]
    pub fn output(&self, script: &str, mut fields: Value) -> Output {
        fields["Cmd"] = json!(["sh", "-c", script]);
        let container = self.run("", fields);
        let code = container.wait();
        let [out, err] = container.logs();
        self.delete(&format!("/containers/{}?force=1", container.id)).is(204);
        Output { code, out, err }
    }

    /// The body by which a container is made.
    pub fn creation(&self, fields: Value) -> Value {
        // A shell that gets SIGTERM as the first process would ignore it.
        let mut body = json!({"Image": self.image(), "Cmd": ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    }

    /// One that is there.
    pub fn container(&self, id: &str) -> Container<'_> {
        Container { engine: self, http: self, id: id.to_owned() }
    }
}

impl Container<'_> {
    /// Starts it.
    #[track_caller]
    pub fn start(&self) {
        self.post("start").is(204);
    }

    /// Stops it at once.
    #[track_caller]
    pub fn stop(&self) {
        self.post("stop?t=5").is(204);
    }

    /// Removes it, running or not.
    #[track_caller]
    pub fn remove(self) {
        self.http.delete(&format!("/containers/{}?force=1&v=1", self.id)).is(204);
    }

    /// `POST /containers/ID/ACTION`.
    pub fn post(&self, action: &str) -> crate::Answer {
        self.http.post(&format!("/containers/{}/{action}", self.id))
    }

    /// All that is to be known of it.
    #[track_caller]
    pub fn inspect(&self) -> Value {
        self.http.get(&format!("/containers/{}/json", self.id)).is(200).json()
    }

    /// `State.Status`.
    #[track_caller]
    pub fn status(&self) -> String {
        self.inspect()["State"]["Status"].as_str().unwrap().to_owned()
    }

    /// Waits until `State` has that value at `key`.
    #[track_caller]
    pub fn until_state(&self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        until(&format!("{key} is {value}"), Duration::from_secs(60), || {
            (self.inspect()["State"][key] == value).then_some(())
        });
    }

    /// Its network, while it runs, as a place that servers and clients of the test can be put in.
    #[track_caller]
    pub fn place(&self) -> Place {
        let about = self.inspect();
        let (pid, name) = (about["State"]["Pid"].as_i64().unwrap(), about["Name"].as_str().unwrap());
        assert!(pid > 0, "{name} does not run");
        self.engine.scene().network_of(pid, name.trim_start_matches('/'))
    }

    /// Its endpoint's settings in a network.
    #[track_caller]
    pub fn endpoint(&self, network: &str) -> Value {
        let networks = self.inspect()["NetworkSettings"]["Networks"].clone();
        assert!(networks.get(network).is_some(), "not in {network}: {networks}");
        networks[network].clone()
    }

    /// Its IPv4 address in a network.
    #[track_caller]
    pub fn ip4(&self, network: &str) -> IpAddr {
        self.endpoint(network)["IPAddress"].as_str().unwrap().parse().unwrap()
    }

    /// Its IPv6 address in a network.
    #[track_caller]
    pub fn ip6(&self, network: &str) -> IpAddr {
        self.endpoint(network)["GlobalIPv6Address"].as_str().unwrap().parse().unwrap()
    }

    /// Waits for its end and gives the exit status.
    #[track_caller]
    pub fn wait(&self) -> i64 {
        self.post("wait").is(200).json()["StatusCode"].as_i64().unwrap()
    }

    /// What it wrote so far to standard output and standard error.
    #[track_caller]
    pub fn logs(&self) -> [String; 2] {
        let mut outputs = [String::new(), String::new()];
        for Frame { stream, text } in self.log_frames(&[]) {
            outputs[usize::from(stream - 1)].push_str(&text);
        }
        outputs
    }

    /// The frames of its logs with a query beside both streams.
    #[track_caller]
    pub fn log_frames(&self, query: &[(&str, &str)]) -> Vec<Frame> {
        let both = [("stdout", "1"), ("stderr", "1")];
        let path = format!("/containers/{}/logs", self.id);
        let mut stream = self.http.stream(&with_query(&path, &[&both, query].concat()));
        std::iter::from_fn(|| stream.frame()).collect()
    }

    /// Runs a shell line in it to its end.
    #[track_caller]
    pub fn exec(&self, script: &str) -> Output {
        self.exec_with(json!({"Cmd": ["sh", "-c", script]}))
    }

    /// Runs a process in it to its end.
    #[track_caller]
    pub fn exec_with(&self, mut fields: Value) -> Output {
        fields["AttachStdout"] = json!(true);
        fields["AttachStderr"] = json!(true);
        let id = self.exec_id(fields);
        let started = self.http.hijack(&format!("/exec/{id}/start"), Some(&json!({})));
        let [out, err] = started.unwrap_or_else(|answer| panic!("{}: {}", answer.asked, answer.text())).outputs();
        let done = self.http.get(&format!("/exec/{id}/json")).ok();
        Output { code: done["ExitCode"].as_i64().unwrap_or_else(|| panic!("no exit status: {done}")), out, err }
    }

    /// Makes an exec and gives its id.
    #[track_caller]
    pub fn exec_id(&self, fields: Value) -> String {
        let path = format!("/containers/{}/exec", self.id);
        self.http.post_json(&path, &fields).is(201).json()["Id"].as_str().unwrap().to_owned()
    }

    /// What a shell line in it prints; it must succeed.
    #[track_caller]
    pub fn tell(&self, script: &str) -> String {
        let output = self.exec(script);
        assert_eq!(output.code, 0, "{script}: {output:?}");
        output.out
    }
}
