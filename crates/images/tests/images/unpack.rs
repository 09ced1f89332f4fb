//! From archives to layers: everything an archive can say arrives, and nothing arrives where it must not.

use crate::archive::Archive;
use crate::bench::Bench;
use pontoon_images::{Import, UnpackError};
use pontoon_types::{ErrorKind, Kind};
use rustix::fs::{AtFlags, CWD, FileType};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use tar::EntryType;

#[test]
fn owners_modes_times_attributes_links_and_devices_arrive() {
    let Some(bench) = Bench::new() else { return };
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    let archive = Archive::new()
        .folder("./", 0o711)
        .folder("srv/", 0o750)
        .file("srv/conf", b"content")
        .symlink("srv/link", "/conf")
        .hard_link("hard", "srv/conf")
        .device("null", EntryType::Char, 1, 3)
        .device("disk", EntryType::Block, 8, 1)
        .device("pipe", EntryType::Fifo, 0, 0)
        .special("suid", (12, 34), 0o4755, &[("mtime", b"1500000000.25"), ("SCHILY.xattr.user.note", b"hi\0there")])
        .special("big", (0, 0), 0o600, &[("uid", b"70000"), ("gid", b"80000")])
        .long(&long, b"deep")
        .end();
    let image = bench.import(&archive, "all");
    let root = bench.container("c", &image);
    let about = |name: &str| fs::symlink_metadata(root.join(name)).unwrap();
    assert_eq!(about("").permissions().mode() & 0o7777, 0o711);
    assert_eq!((about("srv").mode() & 0o7777, about("srv").mtime()), (0o750, 1_600_000_000));
    assert_eq!(fs::read(root.join("hard")).unwrap(), b"content");
    assert_eq!((about("hard").ino(), about("hard").nlink()), (about("srv/conf").ino(), 2));
    assert_eq!(fs::read_link(root.join("srv/link")).unwrap().to_str(), Some("/conf"));
    let device = |name: &str| (FileType::from_raw_mode(about(name).mode()), about(name).rdev());
    assert_eq!(device("null"), (FileType::CharacterDevice, rustix::fs::makedev(1, 3)));
    assert_eq!(device("disk"), (FileType::BlockDevice, rustix::fs::makedev(8, 1)));
    assert_eq!(device("pipe").0, FileType::Fifo);
    let suid = about("suid");
    assert_eq!((suid.uid(), suid.gid(), suid.mode() & 0o7777), (12, 34, 0o4755));
    assert_eq!((suid.mtime(), suid.mtime_nsec()), (1_500_000_000, 250_000_000));
    let mut value = [0; 16];
    let length = rustix::fs::lgetxattr(root.join("suid"), "user.note", &mut value).unwrap();
    assert_eq!(&value[..length], b"hi\0there");
    assert_eq!((about("big").uid(), about("big").gid()), (70_000, 80_000));
    assert_eq!(fs::read(root.join(&long)).unwrap(), b"deep");
    assert_eq!(image.size, 7 + 1 + 1 + 4);
}

#[test]
fn numbers_that_an_archive_leaves_out_are_0() {
    let Some(bench) = Bench::new() else { return };
    let root = bench.container("c", &bench.import(&Archive::new().bare("file").end(), "bare"));
    let about = fs::metadata(root.join("file")).unwrap();
    assert_eq!((about.uid(), about.gid(), about.mode() & 0o7777), (0, 0, 0));
}

#[test]
fn an_archive_with_hostile_names_is_refused_and_nothing_is_left() {
    let Some(bench) = Bench::new() else { return };
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().to_str().unwrap();
    let up = "../".repeat(12);
    for (archive, text) in [
        (Archive::new().file("../evil", b""), "is outside of the root directory"),
        (Archive::new().file("a/../../evil", b""), "is outside of the root directory"),
        (Archive::new().file("a", b"").hard_link("b", &format!("{up}etc/passwd")), "is outside of the root directory"),
        (Archive::new().hard_link("b", "/etc/passwd"), "unpack \"b\""),
        (Archive::new().file("a/.wh.", b""), "is not a valid whiteout"),
        (Archive::new().file("a/.wh...", b""), "is not a valid whiteout"),
        (Archive::new().entry("odd", EntryType::new(b'Z'), 0, b""), "unknown type"),
        (Archive::new().symlink("l", "nowhere").file("l/x", b""), "unpack \"l/x\""),
        (Archive::new().symlink("l", "l").file("l/x", b""), "unpack \"l/x\""),
        (Archive::new().file("file", b"").file("file/x", b""), "unpack \"file/x\""),
    ] {
        let refused = bench.images.import(&archive.end()[..], Import::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
        assert!(refused.to_string().contains(text), "{refused}");
    }
    // These are no error: they stay inside, as they would in a container.
    let archive = Archive::new()
        .symlink("abs", out)
        .symlink("rel", &format!("{up}{}", &out[1..]))
        .folder(&out[1..], 0o755)
        .file("abs/one", b"1")
        .file("rel/two", b"2")
        .file("/three", b"3")
        .end();
    let image = bench.import(&archive, "inside");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    let root = bench.container("c", &image);
    assert_eq!(fs::read(root.join(&out[1..]).join("one")).unwrap(), b"1");
    assert_eq!(fs::read(root.join(&out[1..]).join("two")).unwrap(), b"2");
    assert_eq!(fs::read(root.join("three")).unwrap(), b"3");
    bench.images.rootfs().remove("c").unwrap();
    // Its configuration, its archive and its layer.
    assert_eq!(bench.kept().len(), 3, "{:?}", bench.kept());
}

#[test]
fn what_is_no_archive_or_cut_short_is_refused_and_nothing_is_left() {
    let Some(bench) = Bench::new() else { return };
    let whole = Archive::new().file("a", &[1; 5000]).end();
    for bytes in [&b"nothing of the kind, but long enough to be one header of an archive"[..], &whole[..2000]] {
        let refused = bench.images.import(bytes, Import::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    }
    let refused = bench.images.import(&b"BZh91AY&SY"[..], Import::default()).unwrap_err();
    assert!(std::error::Error::source(&refused).is_some_and(|cause| cause.to_string().contains("bzip2")));
    assert_eq!(bench.kept(), Vec::<String>::new());
}

#[test]
fn a_header_that_would_fill_the_memory_is_refused() {
    let Some(bench) = Bench::new() else { return };
    let archive = Archive::new().entry("x", EntryType::XHeader, 0, &vec![b'a'; 3 << 20]).file("y", b"").end();
    let refused = bench.images.import(&archive[..], Import::default()).unwrap_err();
    let pontoon_images::Error::Unpack(UnpackError::Archive(cause)) = &refused else { panic!("{refused}") };
    assert!(cause.to_string().contains("header too large"), "{cause}");
}

#[test]
fn an_archive_cannot_speak_to_the_overlay_file_system() {
    let Some(bench) = Bench::new() else { return };
    let record: (&str, &[u8]) = ("SCHILY.xattr.trusted.overlay.redirect", b"/etc");
    let image = bench.import(&Archive::new().special("a", (0, 0), 0o644, &[record]).end(), "sly");
    let layer = bench.root().join("layers").join(image.layers[0].hex()).join("diff/a");
    assert!(rustix::fs::lgetxattr_query(layer, "trusted.overlay.redirect").is_err());
}

#[test]
fn marks_of_deletion_become_the_overlay_file_systems_own() {
    let Some(bench) = Bench::new() else { return };
    let archive = Archive::new()
        .folder("kept/", 0o755)
        .file("kept/.wh.gone", b"")
        .folder("emptied/", 0o700)
        .file("emptied/.wh..wh..opq", b"")
        .file("emptied/new", b"")
        .file(".wh..wh.plnk", b"")
        .end();
    let image = bench.import(&archive, "marks");
    let layer = bench.root().join("layers").join(image.layers[0].hex()).join("diff");
    let gone = rustix::fs::statat(CWD, layer.join("kept/gone"), AtFlags::SYMLINK_NOFOLLOW).unwrap();
    assert_eq!((FileType::from_raw_mode(gone.st_mode), gone.st_rdev), (FileType::CharacterDevice, 0));
    let mut value = [0; 4];
    assert_eq!(rustix::fs::lgetxattr(layer.join("emptied"), "trusted.overlay.opaque", &mut value), Ok(1));
    let mut names: Vec<_> = fs::read_dir(&layer).unwrap().map(|found| found.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["emptied", "kept"]);
}

#[test]
fn of_two_entries_with_one_name_the_later_counts() {
    let Some(bench) = Bench::new() else { return };
    let archive = Archive::new()
        .folder("a/", 0o755)
        .file("a/x", b"1")
        .file("a", b"now a file")
        .file("b", b"")
        .folder("b/", 0o700)
        .file("b/y", b"2")
        .folder("b/", 0o711)
        .end();
    let root = bench.container("c", &bench.import(&archive, "twice"));
    assert_eq!(fs::read(root.join("a")).unwrap(), b"now a file");
    assert_eq!(fs::read(root.join("b/y")).unwrap(), b"2");
    assert_eq!(fs::metadata(root.join("b")).unwrap().mode() & 0o777, 0o711);
}
