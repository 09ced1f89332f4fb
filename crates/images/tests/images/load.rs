//! Loading: every form of archive, and what is wrong with some.

use crate::archive::{Archive, blob, config, docker_archive};
use crate::bench::Bench;
use flate2::write::GzEncoder;
use pontoon_images::{Digest, Progress, architecture};
use pontoon_types::{ErrorKind, Kind};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;

fn layers() -> Vec<Vec<u8>> {
    let low = Archive::new().folder("a/", 0o755).file("a/low", b"low").file("a/gone", b"").end();
    let high = Archive::new().folder("a/", 0o755).file("a/.wh.gone", b"").file("a/high", b"high").end();
    vec![low, high]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An OCI layout with compressed layers under an index for several machines.
fn layout(name: &str) -> Vec<u8> {
    let mut archive = Archive::new();
    let mut described = Vec::new();
    for layer in layers() {
        let (more, descriptor) = blob(archive, "application/vnd.oci.image.layer.v1.tar+gzip", &gzip(&layer));
        (archive, _) = (more, described.push(descriptor));
    }
    let (archive, config) = blob(archive, "application/vnd.oci.image.config.v1+json", &config(&layers()));
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": described}).to_string();
    let (archive, mut own) = blob(archive, "application/vnd.oci.image.manifest.v1+json", manifest.as_bytes());
    own["platform"] = json!({"os": "linux", "architecture": architecture()});
    let mut other = own.clone();
    other["platform"] = json!({"os": "linux", "architecture": "s390x"});
    other["digest"] = json!(Digest::of(b"not in the archive"));
    let inner = json!({"schemaVersion": 2, "manifests": [other, own]}).to_string();
    let (archive, mut inner) = blob(archive, "application/vnd.oci.image.index.v1+json", inner.as_bytes());
    inner["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [inner]}).to_string();
    archive.file("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}").file("index.json", index.as_bytes()).end()
}

#[test]
fn an_archive_of_docker_is_loaded_and_its_layers_lie_over_each_other() {
    let Some(bench) = Bench::new() else { return };
    let said = bench.load(&docker_archive(&layers(), &["app:1", "app:2"]).end()).unwrap();
    assert_eq!(said, "Loaded image: app:1\nLoaded image: app:2\n");
    let image = bench.images.image("app:2").unwrap();
    assert_eq!((image.tags.len(), image.layers.len(), image.size), (2, 2, 7));
    let root = bench.container("c", &image);
    let mut names: Vec<_> = fs::read_dir(root.join("a")).unwrap().map(|found| found.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["high", "low"]);
}

#[test]
fn a_compressed_archive_and_one_with_links_for_equal_layers_are_loaded() {
    let Some(bench) = Bench::new() else { return };
    let said = bench.load(&gzip(&docker_archive(&layers(), &[]).end())).unwrap();
    let id = bench.images.images().into_iter().find(|image| !image.built_in).unwrap().id;
    assert_eq!(said, format!("Loaded image ID: {id}\n"));
    let layer = layers().remove(0);
    let twice = vec![layer.clone(), layer.clone()];
    let name = format!("{}.json", Digest::of(&config(&twice)).hex());
    let manifest = json!([{"Config": name, "RepoTags": ["twice:1"], "Layers": ["x/layer.tar", "y/layer.tar"]}]);
    let archive = Archive::new()
        .symlink("y/layer.tar", "../x/layer.tar")
        .file("x/layer.tar", &layer)
        .file(&name, &config(&twice))
        .file("manifest.json", manifest.to_string().as_bytes());
    assert_eq!(bench.load(&archive.end()).unwrap(), "Loaded image: twice:1\n");
    assert_eq!(bench.images.image("twice:1").unwrap().layers.len(), 2);
}

#[test]
fn of_an_oci_layout_the_image_for_this_machine_is_loaded() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(bench.load(&layout("docker.io/me/app:1")).unwrap(), "Loaded image: me/app:1\n");
    assert_eq!(bench.images.image("me/app:1").unwrap().size, 7);
    // The same image, however it came.
    bench.load(&docker_archive(&layers(), &["same:1"]).end()).unwrap();
    assert_eq!(bench.images.image("same:1").unwrap().id, bench.images.image("me/app:1").unwrap().id);
    assert_eq!(bench.kept().iter().filter(|name| name.starts_with("layers/")).count(), 2);
    // A tag alone is no name.
    assert!(bench.load(&layout("latest")).unwrap().starts_with("Loaded image ID: sha256:"));
}

#[test]
fn a_name_moves_to_the_image_loaded_last() {
    let Some(bench) = Bench::new() else { return };
    bench.load(&docker_archive(&layers(), &["app:1"]).end()).unwrap();
    let old = bench.images.image("app:1").unwrap().id;
    let said = bench.load(&docker_archive(&layers()[..1], &["app:1"]).end()).unwrap();
    let moved = format!("The image app:1 already exists, renaming the old one with ID {old} to empty string\n");
    assert_eq!(said, moved + "Loaded image: app:1\n");
    assert!(bench.images.by_id(&old).unwrap().is_dangling());
}

#[test]
fn progress_is_told_for_new_layers_and_nobody_listening_ends_the_work() {
    let Some(bench) = Bench::new() else { return };
    let archive = docker_archive(&layers(), &["app:1"]).end();
    let refused = bench.images.load(&archive[..], false, &mut |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(refused.to_string(), "cancelled");
    assert_eq!(bench.kept(), Vec::<String>::new());
    let mut told = Vec::new();
    let mut listener = |progress| {
        told.push(progress);
        ControlFlow::Continue(())
    };
    bench.images.load(&archive[..], false, &mut listener).unwrap();
    assert_eq!(told.len(), 5, "{told:?}");
    let size = layers()[0].len() as u64;
    let id = Digest::of(&layers()[0]).short();
    let step =
        |done| Progress::Status { id: Some(id.clone()), status: "Loading layer".into(), amount: Some((done, size)) };
    assert_eq!(told[..2], [step(0), step(size)]);
}

#[test]
fn archives_that_are_no_images_are_refused_and_nothing_is_left() {
    let Some(bench) = Bench::new() else { return };
    let manifest = |value: Value| Archive::new().file("manifest.json", value.to_string().as_bytes());
    let wrong_layer = {
        let other = Archive::new().file("other", b"").end();
        let config = config(&layers());
        let name = format!("{}.json", Digest::of(&config).hex());
        manifest(json!([{"Config": name, "Layers": ["a", "b"]}]))
            .file(&name, &config)
            .file("a", &other)
            .file("b", &other)
    };
    let with_config = |text: &str| manifest(json!([{"Config": "c", "Layers": []}])).file("c", text.as_bytes());
    let many: Vec<String> = (0..128).map(|n: u32| Digest::of(&n.to_le_bytes()).to_string()).collect();
    let many = json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": many}}).to_string();
    let zero = "0".repeat(64);
    for (archive, text) in [
        (Archive::new().file("x", b""), "there is neither manifest.json nor index.json in the archive"),
        (manifest(json!({})), "read manifest.json"),
        (manifest(json!([{"Config": "none"}])), "none is missing in the archive"),
        (manifest(json!([{"Config": "../../etc/passwd"}])), "is missing in the archive"),
        (Archive::new().file("../../x", b""), "is outside of the root directory"),
        (Archive::new().symlink("manifest.json", "manifest.json"), "there is neither"),
        (with_config("nothing"), "read its configuration"),
        (with_config(&many), "max depth exceeded"),
        (with_config(r#"{"os":"windows"}"#), "image operating system \"windows\" cannot be used on this platform"),
        (
            manifest(json!([{"Config": "c", "Layers": ["x"]}])).file("c", b"{}"),
            "layers length mismatch: expected 0, got 1",
        ),
        (wrong_layer, "does not match the expected"),
        (
            manifest(json!([{"Config": format!("blobs/sha256/{zero}")}])).file(&format!("blobs/sha256/{zero}"), b"{}"),
            "digest mismatch",
        ),
        (Archive::new().file("index.json", b"{\"manifests\":[]}"), "no image for this machine"),
        (with_config("{}").file("m", b""), ""),
    ] {
        match bench.load(&archive.end()) {
            Err(refused) => {
                assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
                assert!(refused.to_string().contains(text), "{refused}: {text}");
            }
            // An image without a layer is one.
            Ok(_) => assert_eq!(text, ""),
        }
    }
    let mut host = docker_archive(&layers(), &["host:latest"]).end();
    assert_eq!(bench.load(&host).unwrap_err().kind(), ErrorKind::Conflict);
    host.truncate(3000);
    assert!(bench.load(&host).is_err());
    // The configuration of the one without a layer.
    assert_eq!(bench.kept().len(), 1, "{:?}", bench.kept());
}

#[test]
fn an_image_may_have_127_layers() {
    let Some(bench) = Bench::new() else { return };
    let layers: Vec<Vec<u8>> =
        (0..127).map(|number| Archive::new().file(&format!("file{number}"), b"x").end()).collect();
    bench.load(&docker_archive(&layers, &["deep:1"]).end()).unwrap();
    let root = bench.container("c", &bench.images.image("deep:1").unwrap());
    for number in 0..127 {
        assert!(root.join(format!("file{number}")).exists(), "{number}");
    }
    fs::write(root.join("file0"), "new").unwrap();
    assert_eq!(bench.images.rootfs().changes("c").unwrap().len(), 1);
}
