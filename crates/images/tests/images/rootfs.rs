//! Root file systems: what containers see, what they change, and what outlives the daemon.

use crate::archive::Archive;
use crate::bench::Bench;
use pontoon_images::{ChangeKind, Image, host_id};
use pontoon_types::{ErrorKind, Kind};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

fn image(bench: &Bench) -> Image {
    let archive = Archive::new()
        .folder("etc/", 0o755)
        .file("etc/hosts", b"of the image")
        .symlink("etc/resolv.conf", "/run/nowhere")
        .folder("data/", 0o755)
        .file("data/one", b"1")
        .file("data/two", b"2")
        .folder("whole/", 0o755)
        .file("whole/a", b"a")
        .file("whole/b", b"b")
        .end();
    bench.import(&archive, "base")
}

fn told(bench: &Bench, container: &str) -> Vec<String> {
    let changes = bench.images.rootfs().changes(container).unwrap();
    let letter = |kind| match kind {
        ChangeKind::Modified => 'C',
        ChangeKind::Added => 'A',
        ChangeKind::Deleted => 'D',
    };
    changes.iter().map(|change| format!("{} {}", letter(change.kind), change.path.display())).collect()
}

#[test]
fn a_container_finds_what_every_container_needs_and_none_of_it_is_a_change() {
    let Some(bench) = Bench::new() else { return };
    let root = bench.container("c", &image(&bench));
    for folder in ["proc", "sys", "dev/pts", "dev/shm"] {
        assert!(root.join(folder).is_dir(), "{folder}");
    }
    for file in ["etc/hosts", "etc/hostname", "etc/resolv.conf", "dev/console", ".dockerenv"] {
        let about = fs::symlink_metadata(root.join(file)).unwrap();
        assert!(about.is_file() && about.len() == 0, "{file}");
    }
    assert_eq!(fs::read_link(root.join("etc/mtab")).unwrap(), Path::new("/proc/mounts"));
    assert_eq!(told(&bench, "c"), Vec::<String>::new());
    assert_eq!(bench.images.rootfs().size("c").unwrap().written, 0);
}

#[test]
fn changes_are_told_as_docker_tells_them() {
    let Some(bench) = Bench::new() else { return };
    let root = bench.container("c", &image(&bench));
    fs::write(root.join("data/one"), "changed").unwrap();
    fs::remove_file(root.join("data/two")).unwrap();
    fs::create_dir_all(root.join("new/deep")).unwrap();
    fs::write(root.join("new/deep/file"), [0; 1000]).unwrap();
    fs::remove_dir_all(root.join("whole")).unwrap();
    fs::create_dir(root.join("whole")).unwrap();
    fs::write(root.join("whole/a"), "anew").unwrap();
    assert_eq!(
        told(&bench, "c"),
        [
            "C /data",
            "C /data/one",
            "D /data/two",
            "A /new",
            "A /new/deep",
            "A /new/deep/file",
            "C /whole",
            "C /whole/a",
            "D /whole/b",
        ]
    );
    let size = bench.images.rootfs().size("c").unwrap();
    assert_eq!((size.written, size.total), (7 + 1000 + 4, 7 + 1000 + 4 + 12 + 4));
    fs::remove_dir_all(root.join("new")).unwrap();
    fs::remove_dir_all(root.join("whole")).unwrap();
    assert_eq!(told(&bench, "c"), ["C /data", "C /data/one", "D /data/two", "D /whole"]);
}

#[test]
fn containers_of_one_image_share_its_layer_and_not_what_they_write() {
    let Some(bench) = Bench::new() else { return };
    let image = image(&bench);
    let (one, two) = (bench.container("one", &image), bench.container("two", &image));
    fs::write(one.join("data/one"), "mine").unwrap();
    assert_eq!(fs::read(two.join("data/one")).unwrap(), b"1");
}

#[test]
fn a_mount_outlives_the_daemon_and_is_found_again() {
    let Some(mut bench) = Bench::new() else { return };
    let root = bench.container("c", &image(&bench));
    fs::write(root.join("kept"), "x").unwrap();
    bench.reopen();
    assert_eq!(fs::read(root.join("kept")).unwrap(), b"x");
    assert_eq!(bench.images.rootfs().mount("c").unwrap(), root);
    // As after a reboot: not mounted, and all is there when it is mounted again.
    bench.images.rootfs().unmount("c").unwrap();
    bench.images.rootfs().unmount("c").unwrap();
    assert!(!root.join("kept").exists());
    bench.reopen();
    bench.images.rootfs().mount("c").unwrap();
    assert_eq!(fs::read(root.join("kept")).unwrap(), b"x");
}

#[test]
fn a_stopped_containers_files_can_be_opened_and_are_unmounted_by_the_last() {
    let Some(bench) = Bench::new() else { return };
    let image = image(&bench);
    bench.images.create_rootfs("c", &image.id).unwrap();
    let systems = bench.images.rootfs();
    let one = systems.open_for("c").unwrap();
    let two = systems.open_for("c").unwrap();
    fs::write(one.path().join("data/new"), "x").unwrap();
    let path = one.path().to_owned();
    drop(one);
    assert!(two.path().join("data/new").exists());
    drop(two);
    assert!(!path.join("data").exists());
    // Opened while it runs, it stays mounted.
    let root = systems.mount("c").unwrap();
    drop(systems.open_for("c").unwrap());
    assert!(root.join("data/new").exists());
    // Stopped while it is open, it is unmounted by who has it open.
    let open = systems.open_for("c").unwrap();
    systems.unmount("c").unwrap();
    assert!(open.path().join("data/new").exists());
    drop(open);
    assert!(!root.join("data").exists());
}

#[test]
fn a_removed_container_leaves_nothing() {
    let Some(bench) = Bench::new() else { return };
    let image = image(&bench);
    let root = bench.container("c", &image);
    assert_eq!(bench.images.create_rootfs("c", &image.id).unwrap_err().kind(), ErrorKind::Conflict);
    bench.images.rootfs().remove("c").unwrap();
    bench.images.rootfs().remove("c").unwrap();
    assert!(!root.exists());
    assert_eq!(bench.images.rootfs().containers().unwrap(), Vec::<String>::new());
    assert_eq!(bench.images.rootfs().mount("c").unwrap_err().kind(), ErrorKind::NotFound);
    for bad in ["", "..", ".", "a/b", "../../etc"] {
        assert_eq!(bench.images.create_rootfs(bad, &image.id).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(bench.images.rootfs().remove(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_machines_own_root_is_seen_and_not_written() {
    let Some(bench) = Bench::new() else { return };
    let image = bench.images.by_id(&host_id()).unwrap();
    let root = bench.container("c", &image);
    let program = fs::read("/usr/bin/env").unwrap();
    assert_eq!(fs::read(root.join("usr/bin/env")).unwrap(), program);
    let name = format!("pontoon-test-{}", std::process::id());
    fs::write(root.join("etc").join(&name), "x").unwrap();
    fs::write(root.join("usr/bin/env"), "x").unwrap();
    assert!(!Path::new("/etc").join(&name).exists());
    assert_eq!(fs::read("/usr/bin/env").unwrap(), program);
    assert_eq!(
        told(&bench, "c"),
        ["C /etc".to_owned(), format!("A /etc/{name}"), "C /usr".into(), "C /usr/bin".into(), "C /usr/bin/env".into()]
    );
    // The daemon's own folders look empty, with nothing on the way to them changed.
    let own = bench.root();
    let hidden = own.parent().unwrap();
    assert_eq!(fs::read_dir(root.join(hidden.strip_prefix("/").unwrap())).unwrap().count(), 0);
    let about = |path: &Path| fs::metadata(path).map(|about| (about.mode(), about.uid())).unwrap();
    assert_eq!(about(&root.join("tmp")), about(Path::new("/tmp")));
    for folder in ["proc", "sys"] {
        assert_eq!(fs::read_dir(root.join(folder)).unwrap().count(), 0, "{folder}");
    }
}
