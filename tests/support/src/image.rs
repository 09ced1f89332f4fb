//! An image made on the spot: Debian's static busybox, as `docker save` would write it.

use crate::skip::skip;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tar::{Builder, EntryType, Header};

/// The name that [`busybox_image`] is tagged with.
pub const BUSYBOX: &str = "busybox:latest";

/// What an image made here says beside its files.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// Its names, such as `busybox:latest`.
    pub tags: Vec<String>,
    /// More fields of its `config`, such as `ExposedPorts`.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// More files, by their path without the first slash.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A docker-archive with busybox and a link for each of its commands; `None`, and said so, without a static busybox.
pub fn busybox_image() -> Option<Vec<u8>> {
    Recipe { tags: vec![BUSYBOX.to_owned()], ..Recipe::default() }.archive()
}

impl Recipe {
    /// The image as a docker-archive; `None`, and said so, without a static busybox.
    pub fn archive(&self) -> Option<Vec<u8>> {
        let Some(program) = busybox() else {
            skip("there is no static busybox; the package busybox-static has it");
            return None;
        };
        let layer = self.layer(&program);
        let mut config =
            json!({"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]});
        config.as_object_mut().unwrap().extend(self.config.clone());
        let image = json!({
            "architecture": std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64"),
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "made by a test"}],
        });
        let image = image.to_string().into_bytes();
        let names = [format!("{}.json", digest(&image)), "layer.tar".to_owned()];
        let manifest = json!([{"Config": names[0], "RepoTags": self.tags, "Layers": [names[1]]}]).to_string();
        let mut archive = Builder::new(Vec::new());
        for (name, content) in [(&*names[0], &image[..]), (&names[1], &layer), ("manifest.json", manifest.as_bytes())] {
            file(&mut archive, name, content, 0o644);
        }
        Some(archive.into_inner().unwrap())
    }

    fn layer(&self, program: &Path) -> Vec<u8> {
        let mut layer = Builder::new(Vec::new());
        for (folder, mode) in [("bin/", 0o755), ("etc/", 0o755), ("root/", 0o700), ("tmp/", 0o1777), ("www/", 0o755)] {
            entry(&mut layer, EntryType::Directory, folder, None, mode);
        }
        file(&mut layer, "bin/busybox", &std::fs::read(program).unwrap(), 0o755);
        for command in commands(program).iter().filter(|command| *command != "busybox") {
            entry(&mut layer, EntryType::Symlink, &format!("bin/{command}"), Some("busybox"), 0o777);
        }
        file(
            &mut layer,
            "etc/passwd",
            b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
            0o644,
        );
        file(&mut layer, "etc/group", b"root:x:0:\nnogroup:x:65534:\n", 0o644);
        self.files.iter().for_each(|(path, content)| file(&mut layer, path, content, 0o644));
        layer.into_inner().unwrap()
    }
}

/// The static busybox of this machine.
fn busybox() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("busybox"));
    found.find(|program| program.is_file() && is_static(program)).and_then(|program| program.canonicalize().ok())
}

/// Whether a program needs no loader: it names none.
fn is_static(program: &Path) -> bool {
    let content = std::fs::read(program).unwrap_or_default();
    !content.is_empty() && !content[..content.len().min(4096)].windows(8).any(|bytes| bytes == b"/ld-linu")
}

fn commands(program: &Path) -> Vec<String> {
    let output = Command::new(program).arg("--list").output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn file(archive: &mut Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32) {
    let mut header = header(EntryType::Regular, mode);
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, path, content).unwrap();
}

fn entry(archive: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, target: Option<&str>, mode: u32) {
    let mut header = header(kind, mode);
    match target {
        Some(target) => archive.append_link(&mut header, path, target).unwrap(),
        None => archive.append_data(&mut header, path, std::io::empty()).unwrap(),
    }
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_767_225_600);
    header
}

fn digest(content: &[u8]) -> String {
    let mut text = String::new();
    Sha256::digest(content).iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
    text
}
