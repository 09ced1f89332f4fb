//! The stock `docker` command and Compose, on the host of the engine under test, with empty settings of their own.

use crate::engine::Engine;
use pontoon_test_support::{Place, compose, docker, skip, until};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// `docker`, ready to be given lines.
pub struct Docker<'a> {
    engine: &'a Engine,
    program: PathBuf,
}

impl<'a> Docker<'a> {
    /// For that engine; `None`, and said so, where there is no such command.
    pub fn new(engine: &'a Engine) -> Option<Self> {
        let Some(program) = docker() else {
            skip("there is no docker command");
            return None;
        };
        std::fs::create_dir_all(engine.scene().folder().join("docker")).unwrap();
        Some(Self { engine, program })
    }

    /// The same with the Compose plugin; `None`, and said so, where it is not prepared.
    pub fn with_compose(engine: &'a Engine) -> Option<Self> {
        let docker = Self::new(engine)?;
        let Some(program) = compose() else {
            skip("Compose is not prepared; scripts/test does it");
            return None;
        };
        let plugins = docker.settings().join("cli-plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        std::os::unix::fs::symlink(program, plugins.join("docker-compose")).unwrap();
        Some(docker)
    }

    fn settings(&self) -> PathBuf {
        self.engine.scene().folder().join("docker")
    }

    /// `docker WORDS…`, not started yet.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("DOCKER_HOST", format!("unix://{}", self.engine.socket().display()))
            .env("DOCKER_CONFIG", self.settings())
            .env("HOME", self.engine.scene().folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `docker WORDS…` to its end, with that as its standard input.
    pub fn run_with(&self, words: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(words);
        command.stdin(Stdio::piped());
        let mut child = self.engine.scene().host().spawn(command);
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        // Whoever does not read all of it ends the pipe.
        let writer = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        output
    }

    /// What `docker LINE` prints, without the last line break; it must succeed. Words may stand in single quotes.
    #[track_caller]
    pub fn told(&self, line: &str) -> String {
        let output = self.output(line);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {line}: {}\n{errors}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What `docker LINE` complains about; it must fail.
    #[track_caller]
    pub fn refused(&self, line: &str) -> String {
        let output = self.output(line);
        assert!(!output.status.success(), "docker {line}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
    }

    /// `docker LINE` to its end.
    pub fn output(&self, line: &str) -> Output {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.engine.scene().host().spawn(self.command(&words)).wait_with_output().unwrap()
    }

    /// What a web server at port 80 of a published port tells somebody at `place`, once it serves.
    #[track_caller]
    pub fn page(&self, place: &Place, address: IpAddr, port: u16) -> String {
        let address = SocketAddr::new(address, port);
        until(&format!("a page from {address}"), Duration::from_secs(60), || fetch(place, address))
    }
}

/// The page `/` of a web server; `None` when nobody answers.
pub fn fetch(place: &Place, address: SocketAddr) -> Option<String> {
    place.run(|| {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.split_once("\r\n\r\n").map(|(_, page)| page.trim_end().to_owned())
    })
}

/// A line as words; what stands in single quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Writes a file into the folder of an engine's scene and gives its path.
pub fn written(engine: &Engine, name: &str, text: &str) -> PathBuf {
    let path: PathBuf = Path::new(engine.scene().folder()).join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}
