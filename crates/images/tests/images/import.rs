//! Importing: what becomes of an archive, and what names then mean.

use crate::archive::Archive;
use crate::bench::Bench;
use flate2::write::GzEncoder;
use pontoon_images::{Import, Reference, host_id};
use pontoon_types::{ErrorKind, Kind};
use std::io::{self, Read, Write};

fn small() -> Vec<u8> {
    Archive::new().file("file", b"content").end()
}

#[test]
fn an_imported_image_is_found_by_name_id_and_beginning() {
    let Some(mut bench) = Bench::new() else { return };
    let import = Import {
        name: Some(Reference::parse("me/app:1").unwrap()),
        message: "a message".into(),
        changes: vec!["CMD [\"sh\"]".into(), "LABEL a=b".into()],
    };
    let id = bench.images.import(&small()[..], import).unwrap();
    bench.reopen();
    let hex = id.digest().hex();
    for term in ["me/app:1", &id.to_string(), &hex, &hex[..12], &format!("sha256:{}", &hex[..5]), "docker.io/me/app:1"]
    {
        assert_eq!(bench.images.image(term).unwrap().id, id, "{term}");
    }
    let image = bench.images.image("me/app:1").unwrap();
    assert_eq!(
        (image.config.config.cmd.as_deref(), image.config.comment.as_str()),
        (Some(&["sh".into()][..]), "a message")
    );
    assert_eq!((image.size, image.layers.len(), image.config.rootfs.diff_ids.len()), (7, 1, 1));
    assert_eq!(image.config.history[0].comment, "a message");
    assert!(image.created().is_some() && image.tagged.is_some());
    assert_eq!(pontoon_images::Digest::of(&bench.images.raw_config(&id).unwrap()), id.digest());
    assert_eq!(bench.told(), ["tag me/app:1".to_owned(), format!("import {id}")]);
}

#[test]
fn what_is_not_there_is_told_in_dockers_words() {
    let Some(bench) = Bench::new() else { return };
    for (term, text, kind) in [
        ("nope", "No such image: nope:latest", ErrorKind::NotFound),
        ("a.b:1/c:d", "No such image: a.b:1/c:d", ErrorKind::NotFound),
        ("deadbeef", "No such image: deadbeef:latest", ErrorKind::NotFound),
        ("Upper", "invalid reference format: repository name (Upper) must be lowercase", ErrorKind::Invalid),
        ("", "invalid reference format", ErrorKind::Invalid),
    ] {
        let missed = bench.images.image(term).unwrap_err();
        assert_eq!((missed.to_string().as_str(), missed.kind()), (text, kind));
    }
    let id = "f".repeat(64);
    assert_eq!(bench.images.image(&id).unwrap_err().to_string(), format!("No such image: sha256:{id}"));
}

#[test]
fn a_compressed_archive_is_the_same_layer() {
    let Some(bench) = Bench::new() else { return };
    let plain = bench.import(&small(), "plain");
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&small()).unwrap();
    let packed = bench.import(&gzip.finish().unwrap(), "packed");
    assert_eq!(plain.layers, packed.layers);
    assert_eq!(bench.kept().iter().filter(|name| name.starts_with("layers/")).count(), 1);
}

#[test]
fn the_same_archive_twice_at_once_is_one_layer() {
    let Some(bench) = Bench::new() else { return };
    let archive = Archive::new().file("large", &vec![5; 4 << 20]).end();
    let bench = &bench;
    let archive = &archive;
    std::thread::scope(|scope| {
        for number in 0..6 {
            scope.spawn(move || bench.import(archive, &format!("copy:{number}")));
        }
    });
    let mut layers: Vec<_> = bench.images.images().into_iter().filter(|image| !image.built_in).collect();
    layers.dedup_by_key(|image| image.layers.clone());
    assert_eq!(layers.len(), 1);
    let kept = bench.kept();
    assert_eq!(kept.iter().filter(|name| name.starts_with("layers/")).count(), 1, "{kept:?}");
    assert!(!kept.iter().any(|name| name.starts_with("tmp/")), "{kept:?}");
}

#[test]
fn a_stream_that_breaks_off_leaves_nothing() {
    let Some(bench) = Bench::new() else { return };
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let archive = small();
    assert!(bench.images.import((&archive[..600]).chain(Broken), Import::default()).is_err());
    assert_eq!(bench.kept(), Vec::<String>::new());
}

#[test]
fn the_built_in_image_is_there_and_keeps_its_name() {
    let Some(bench) = Bench::new() else { return };
    for term in ["host", "host:latest", &host_id().to_string(), &host_id().short()] {
        let image = bench.images.image(term).unwrap();
        assert!(image.built_in && image.id == host_id(), "{term}");
    }
    assert_eq!(bench.images.images().len(), 1);
    let name = Some(Reference::parse("host").unwrap());
    let refused = bench.images.import(&small()[..], Import { name, ..Import::default() }).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(bench.images.image("host:other").is_err());
}

#[test]
fn a_real_root_file_system_is_imported() {
    let Some(bench) = Bench::new() else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/busybox-image");
    let made = std::process::Command::new(script).arg("-").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let image = bench.import(&made.stdout, "busybox");
    let root = bench.container("c", &image);
    let said = std::process::Command::new("chroot").arg(&root).args(["/bin/sh", "-c", "echo $((6 * 7))"]).output();
    assert_eq!(said.unwrap().stdout, b"42\n");
}
