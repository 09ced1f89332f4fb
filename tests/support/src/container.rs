//! A container of a world, driven over the Engine API.

use crate::image::{BUSYBOX, busybox_image};
use crate::place::Place;
use crate::wait::until;
use crate::world::World;
use pontoon_client::blocking::Client;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// A container: its id, and the way to ask for it.
#[derive(Clone)]
pub struct Container {
    client: Client,
    /// Its id.
    pub id: String,
}

impl World {
    /// A world whose daemon has the image [`BUSYBOX`]; `None`, and said so, where there can be none.
    pub fn with_image() -> Option<Self> {
        let image = busybox_image()?;
        let world = Self::new()?;
        let loaded = world.api().post("/images/load?quiet=1", Some(&image)).unwrap();
        loaded.success().unwrap();
        Some(world)
    }

    /// Makes a container by the fields of its creation; it sleeps if nothing else is said.
    #[track_caller]
    pub fn create(&self, name: &str, fields: &Value) -> Container {
        Container::create(&self.api(), name, fields).unwrap_or_else(|error| panic!("create {name}: {error}"))
    }

    /// Makes and starts one.
    #[track_caller]
    pub fn run(&self, name: &str, fields: &Value) -> Container {
        let container = self.create(name, fields);
        container.call("start").unwrap_or_else(|error| panic!("start {name}: {error}"));
        container
    }

    /// The network of a running container, as a place.
    #[track_caller]
    pub fn place_of(&self, container: &Container) -> Place {
        let about = container.inspect();
        let name = about["Name"].as_str().unwrap().trim_start_matches('/').to_owned();
        self.network_of(about["State"]["Pid"].as_i64().unwrap(), &name)
    }
}

impl Container {
    /// Makes one over `client`.
    pub fn create(client: &Client, name: &str, fields: &Value) -> Result<Self, pontoon_client::Error> {
        let mut body = json!({"Image": BUSYBOX, "Cmd": ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let path = format!("/containers/create?name={name}");
        let made: Value = client.post(&path, Some(body.to_string().as_bytes()))?.success()?.json()?;
        Ok(Self { client: client.clone(), id: made["Id"].as_str().unwrap_or_default().to_owned() })
    }

    /// `POST /containers/ID/ACTION`, which must be a success.
    pub fn call(&self, action: &str) -> Result<(), pontoon_client::Error> {
        self.client.post(&format!("/containers/{}/{action}", self.id), None)?.success().map(drop)
    }

    /// Removes it, running or not.
    pub fn remove(&self) -> Result<(), pontoon_client::Error> {
        self.client.delete(&format!("/containers/{}?force=1&v=1", self.id))?.success().map(drop)
    }

    /// The container with that id.
    pub fn over_id(client: &Client, id: &str) -> Self {
        Self { client: client.clone(), id: id.to_owned() }
    }

    /// The same container over another client, such as that of a daemon that was started again.
    pub fn over(&self, client: &Client) -> Self {
        Self { client: client.clone(), id: self.id.clone() }
    }

    /// All that is to be known of it.
    #[track_caller]
    pub fn inspect(&self) -> Value {
        let path = format!("/containers/{}/json", self.id);
        self.client
            .get(&path)
            .and_then(|answer| answer.success()?.json())
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Waits until `State` has that value at `key`.
    #[track_caller]
    pub fn until_state(&self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        until(&format!("{key} is {value}"), Duration::from_secs(60), || {
            (self.inspect()["State"][key] == value).then_some(())
        });
    }

    /// Its addresses in a network, IPv4 first; none where it has none.
    #[track_caller]
    pub fn addresses(&self, network: &str) -> [Option<IpAddr>; 2] {
        let endpoint = self.inspect()["NetworkSettings"]["Networks"][network].clone();
        ["IPAddress", "GlobalIPv6Address"].map(|field| endpoint[field].as_str().and_then(|text| text.parse().ok()))
    }

    /// What it wrote so far, both outputs, without the frames' heads.
    #[track_caller]
    pub fn logs(&self) -> String {
        let path = format!("/containers/{}/logs?stdout=1&stderr=1", self.id);
        let answer = self.client.get(&path).and_then(|answer| answer.success()).unwrap();
        let (mut rest, mut text) = (&answer.body[..], String::new());
        while let Some((head, behind)) = rest.split_at_checked(8) {
            let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
            text.push_str(&String::from_utf8_lossy(&behind[..length]));
            rest = &behind[length..];
        }
        text
    }
}
