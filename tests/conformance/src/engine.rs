//! The engine under test: a pontoond in a world, or the dockerd that `PONTOON_ENGINE` names in a scene of its own.

use crate::answer::Answer;
use crate::http::Http;
use crate::older::{note, version};
use bytes::Bytes;
use http::Method;
use pontoon_test_support::{BUSYBOX, Dockerd, Nameserver, Scene, Shape, World, Zone, busybox_image};
use serde_json::Value;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// The version that cases speak if they do not say otherwise: the newest that the oldest engine under test knows.
const VERSION: &str = "1.41";

/// A running engine on a host with machines beside it. It has the image `busybox`.
pub struct Engine {
    http: Http,
    newest: String,
    name: String,
    daemon: Daemon,
}

enum Daemon {
    Ours(World),
    Other(Dockerd),
}

impl Engine {
    /// Starts one; `None`, and said so, where it cannot be.
    pub fn start() -> Option<Self> {
        Self::with_flags(&[])
    }

    /// Starts one with flags that both kinds have.
    pub fn with_flags(flags: &[&str]) -> Option<Self> {
        let image = busybox_image()?;
        let engine = Self::empty(flags)?;
        engine.load(image);
        Some(engine)
    }

    /// Starts one without any image.
    pub fn empty(flags: &[&str]) -> Option<Self> {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let daemon = match std::env::var_os("PONTOON_ENGINE") {
            Some(program) => Daemon::Other(Dockerd::start(Path::new(&program), &flags)?),
            None => Daemon::Ours(World::shaped(Shape { flags, ..Shape::default() })?),
        };
        let scene: &Scene = match &daemon {
            Daemon::Ours(world) => world,
            Daemon::Other(dockerd) => dockerd,
        };
        // The host's own name server knows nobody, at once.
        Nameserver::start(scene.wan(), scene.wan().own[0], Zone::default());
        let socket = match &daemon {
            Daemon::Ours(world) => world.daemon().socket(),
            Daemon::Other(dockerd) => dockerd.socket(),
        };
        let about = Http::new(socket.clone(), "").get("/version").ok();
        let text = |key: &str| about[key].as_str().unwrap().to_owned();
        let name = match daemon {
            Daemon::Ours(_) => "pontoond".to_owned(),
            Daemon::Other(_) => format!("dockerd {}", text("Version")),
        };
        Some(Self { http: Http::new(socket, VERSION), newest: text("ApiVersion"), name, daemon })
    }

    /// Loads an archive of images and gives what the engine said.
    #[track_caller]
    pub fn load(&self, archive: Vec<u8>) -> Answer {
        self.send(Method::POST, "/images/load?quiet=1", Some(("application/x-tar", Bytes::from(archive)))).is(200)
    }

    /// Where its API is.
    pub fn socket(&self) -> PathBuf {
        self.http.socket()
    }

    /// The host it runs on, with the machines beside it.
    pub fn scene(&self) -> &Scene {
        match &self.daemon {
            Daemon::Ours(world) => world,
            Daemon::Other(dockerd) => dockerd,
        }
    }

    /// Whether the engine is one from before API `version`, where what `reason` says was otherwise. That is counted.
    pub fn before(&self, wanted: &str, reason: &str) -> bool {
        let older = version(&self.newest) < version(wanted);
        if older {
            note(&self.name, reason);
        }
        older
    }

    /// `now`, or `then` on an engine from before API `version`, where it was otherwise for `reason`. That is counted.
    pub fn since<T>(&self, wanted: &str, now: T, then: T, reason: &str) -> T {
        if self.before(wanted, reason) { then } else { now }
    }

    /// The same client at another API version.
    pub fn at(&self, version: &str) -> Http {
        self.http.at(version)
    }

    /// The newest version it serves.
    pub fn newest(&self) -> &str {
        &self.newest
    }

    /// Makes a network and gives its id.
    #[track_caller]
    pub fn network(&self, name: &str, fields: &Value) -> String {
        let mut body = serde_json::json!({"Name": name, "CheckDuplicate": true});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.post_json("/networks/create", &body).is(201).json()["Id"].as_str().unwrap().to_owned()
    }

    /// The name of the image that every engine here has.
    pub fn image(&self) -> &'static str {
        BUSYBOX
    }
}

impl Deref for Engine {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Daemon::Other(dockerd) = &self.daemon
            && std::thread::panicking()
        {
            let log = dockerd.log();
            let trouble: Vec<&str> = log
                .lines()
                .filter(|line| !["level=info", "plugin", "containerd config"].iter().any(|usual| line.contains(usual)))
                .collect();
            eprintln!("---- what {} complained of\n{}\n----", self.name, trouble.join("\n"));
        }
    }
}
