//! Files come out as they were, go in as they are sent, and nothing leads out.

use super::jail::{Seen, within};
use super::pack::pack;
use super::path::{Asked, PathStat};
use super::unpack::{UnpackWish, unpack};
use crate::{Error, Result};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A container's root, and a folder of the host beside it.
struct Place(TempDir);

impl Place {
    /// `None`, and said so, without the right to have mounts of one's own.
    fn new() -> Option<Self> {
        let place = Self(tempfile::tempdir().unwrap());
        for folder in ["root/etc", "root/deep/er", "outside"] {
            std::fs::create_dir_all(place.0.path().join(folder)).unwrap();
        }
        std::fs::write(place.root().join("etc/file"), "content").unwrap();
        std::fs::write(place.outside().join("secret"), "secret").unwrap();
        match within(&place.root(), &[], || Ok(())) {
            Ok(()) => Some(place),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "nothing may be skipped where CI is set: {error}");
                eprintln!("SKIPPED: no mounts of one's own: {error}");
                None
            }
        }
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.0.path().join("outside")
    }

    fn stat(&self, path: &str) -> Result<PathStat> {
        let asked = Asked::new(path)?;
        within(&self.root(), &[], || asked.stat("web"))
    }

    fn packed(&self, path: &str, seen: &[Seen]) -> Result<Vec<u8>> {
        let asked = Asked::new(path)?;
        within(&self.root(), seen, || {
            let mut bytes = Vec::new();
            pack(&asked, &asked.real("web")?, &mut bytes).map(|()| bytes)
        })
    }

    fn unpack(&self, bytes: &[u8], path: &str, wish: UnpackWish, owner: Option<(u32, u32)>) -> Result<()> {
        let asked = Asked::new(path)?;
        within(&self.root(), &[], || unpack(bytes, &Asked { follows: true, ..asked }.real("web")?, wish, owner))
    }
}

fn names(bytes: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().to_string_lossy().into_owned()).collect()
}

/// An archive of entries: name, kind, content or where a link leads.
fn archive(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o4750);
        header.set_uid(12);
        header.set_gid(34);
        header.set_mtime(1_000_000_000);
        // Names that a careful builder would refuse.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
        if is_link {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        let content = if is_link { "" } else { content };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

use tar::EntryType::{Directory, Fifo, Link, Regular, Symlink};

#[test]
fn a_path_is_described_as_dockers_clients_read_it() {
    let Some(place) = Place::new() else { return };
    symlink("/etc/file", place.root().join("link")).unwrap();
    symlink("../../../nowhere", place.root().join("deep/dangling")).unwrap();
    symlink("/etc", place.root().join("folder")).unwrap();
    let stat = place.stat("etc/../etc/./file").unwrap();
    assert_eq!((stat.name.as_str(), stat.size, stat.mode, stat.link_target.as_str()), ("file", 7, 0o644, ""));
    let stat = place.stat("/link").unwrap();
    assert_eq!((stat.mode >> 27, stat.link_target.as_str()), (1, "/etc/file"));
    assert_eq!(place.stat("/deep/dangling").unwrap().link_target, "/nowhere");
    assert_eq!(place.stat("/folder").unwrap().mode >> 27, 1);
    assert_eq!(place.stat("/folder/").unwrap().mode, 1 << 31 | 0o755);
    assert_eq!(place.stat("/").unwrap().name, "/");
    let missing = place.stat("/no/such").unwrap_err();
    assert_eq!(missing.to_string(), "Could not find the file /no/such in container web");
    assert!(matches!(place.stat("/etc/file/"), Err(Error::Invalid(_))));
    assert!(place.stat("").is_err());
}

#[test]
fn what_is_packed_comes_back_the_same() {
    let Some(place) = Place::new() else { return };
    let tree = place.root().join("tree");
    std::fs::create_dir_all(tree.join("sub")).unwrap();
    std::fs::write(tree.join("sub/one"), "1".repeat(100_000)).unwrap();
    std::fs::hard_link(tree.join("sub/one"), tree.join("sub/two")).unwrap();
    std::fs::write(tree.join("n".repeat(200)), "long").unwrap();
    std::fs::set_permissions(tree.join("sub"), std::fs::Permissions::from_mode(0o2711)).unwrap();
    symlink("sub/one", tree.join("link")).unwrap();
    nix::unistd::mkfifo(&tree.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.join("socket")).unwrap();
    let bytes = place.packed("/tree", &[]).unwrap();
    assert_eq!(names(&bytes)[..2], ["tree/".to_owned(), "tree/fifo".to_owned()]);
    place.unpack(&bytes, "/deep", UnpackWish::default(), None).unwrap();
    let copy = place.root().join("deep/tree");
    assert_eq!(std::fs::read(copy.join("sub/two")).unwrap().len(), 100_000);
    assert_eq!(std::fs::metadata(copy.join("sub/one")).unwrap().nlink(), 2);
    assert_eq!(std::fs::read_to_string(copy.join("n".repeat(200))).unwrap(), "long");
    assert_eq!(std::fs::metadata(copy.join("sub")).unwrap().mode() & 0o7777, 0o2711);
    assert_eq!(std::fs::read_link(copy.join("link")).unwrap(), Path::new("sub/one"));
    let times = [&tree, &copy].map(|path| std::fs::metadata(path.join("sub")).unwrap().mtime());
    assert_eq!(times[0], times[1]);
    assert!(copy.join("fifo").exists() && !copy.join("socket").exists());
    assert_eq!(names(&place.packed("/tree/sub/one", &[]).unwrap()), ["one"]);
    // A folder whose name is followed by a dot is the folder all the same.
    assert_eq!(names(&place.packed("/tree/sub/.", &[]).unwrap()), ["sub/", "sub/one", "sub/two"]);
}

#[test]
fn an_archive_that_means_harm_stays_inside() {
    let Some(place) = Place::new() else { return };
    let outside = place.outside();
    let evil = archive(&[
        ("../../../../up", Regular, "up"),
        ("/absolute", Regular, "absolute"),
        ("way", Symlink, outside.to_str().unwrap()),
        ("climb", Symlink, "../../../../../../../../../.."),
        ("climb/climbed", Regular, "climbed"),
    ]);
    place.unpack(&evil, "/deep/er", UnpackWish::default(), None).unwrap();
    let root = place.root();
    assert!(root.join("deep/er/up").exists() && root.join("deep/er/absolute").exists());
    assert!(root.join("climbed").exists(), "the top is the container's root");
    let through = archive(&[("way/x", Regular, "x")]);
    assert!(place.unpack(&through, "/deep/er", UnpackWish::default(), None).is_err());
    let link = archive(&[("stolen", Link, "way/secret")]);
    assert!(place.unpack(&link, "/deep/er", UnpackWish::default(), None).is_err());
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    // Nor does what stands in the container lead out when it is read.
    assert!(place.packed("/deep/er/way/secret", &[]).is_err());
    assert_eq!(names(&place.packed("/deep/er/way", &[]).unwrap()), ["way"]);
    assert!(place.unpack(&archive(&[(".", Regular, "x")]), "/", UnpackWish::default(), None).is_err());
    assert!(root.join("etc/file").exists());
    assert!(matches!(place.unpack(b"no tar at all", "/", UnpackWish::default(), None), Err(Error::Invalid(_))));
}

#[test]
fn owners_permissions_and_kinds_are_as_wished() {
    let Some(place) = Place::new() else { return };
    let bytes = archive(&[("dir", Directory, ""), ("dir/file", Regular, "x"), ("dir/pipe", Fifo, "")]);
    let file = place.root().join("dir/file");
    let owner =
        |path: &Path| std::fs::metadata(path).map(|meta| (meta.uid(), meta.gid(), meta.mode() & 0o7777)).unwrap();
    if place.unpack(&bytes, "/", UnpackWish::default(), None).is_ok() {
        assert_eq!(owner(&file), (12, 34, 0o4750));
        assert_eq!(std::fs::metadata(&file).unwrap().mtime(), 1_000_000_000);
    }
    place.unpack(&bytes, "/", UnpackWish { own: true, ..UnpackWish::default() }, Some((0, 0))).unwrap();
    assert_eq!(owner(&file), (0, 0, 0o4750));
    let keep = UnpackWish { keep_kinds: true, ..UnpackWish::default() };
    let swap = archive(&[("dir", Regular, "x")]);
    let refused = place.unpack(&swap, "/", keep, Some((0, 0))).unwrap_err();
    assert_eq!(refused.to_string(), "cannot overwrite directory \"/dir\" with non-directory");
    assert!(place.unpack(&archive(&[("dir/file", Directory, "")]), "/", keep, Some((0, 0))).is_err());
    place.unpack(&swap, "/", UnpackWish::default(), Some((0, 0))).unwrap();
    assert!(place.root().join("dir").is_file());
}

#[test]
fn mounts_are_seen_and_only_in_the_copying_thread() {
    let Some(place) = Place::new() else { return };
    let volume = |below: Option<&str>, writable| Seen {
        source: place.outside(),
        below: below.map(PathBuf::from),
        target: "/deep/volume".into(),
        writable,
    };
    let bytes = place.packed("/deep", &[volume(None, true)]).unwrap();
    assert_eq!(names(&bytes), ["deep/", "deep/er/", "deep/volume/", "deep/volume/secret"]);
    assert_eq!(std::fs::read_dir(place.root().join("deep/volume")).unwrap().count(), 0);
    let write = |seen: Seen| within(&place.root(), &[seen], || Ok(std::fs::write("/deep/volume/new", "").is_ok()));
    assert!(!write(volume(None, false)).unwrap(), "it is read-only");
    assert!(write(volume(None, true)).unwrap() && place.outside().join("new").exists());
    // What is below a volume is looked for in the volume, whatever link stands there.
    symlink(place.root().join("etc"), place.outside().join("out")).unwrap();
    assert_eq!(names(&place.packed("/deep/volume", &[volume(Some("out"), true)]).unwrap()), ["volume/"]);
}
