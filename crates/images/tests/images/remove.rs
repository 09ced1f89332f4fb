//! Names, removal and pruning, with Docker's rules.

use crate::archive::{Archive, docker_archive};
use crate::bench::Bench;
use pontoon_images::{ImageId, ImageUser, ImageUsers, Removed};
use pontoon_types::{ErrorKind, Kind};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Users(Mutex<Vec<(ImageId, bool)>>);

impl ImageUsers for Users {
    fn users(&self, image: &ImageId) -> Vec<ImageUser> {
        let all = self.0.lock().unwrap();
        let of = all.iter().filter(|(id, _)| id == image);
        of.map(|(_, running)| ImageUser { container: "c".repeat(64), running: *running }).collect()
    }
}

fn layers() -> Vec<Vec<u8>> {
    vec![Archive::new().file("one", b"1").end(), Archive::new().file("two", b"22").end()]
}

fn bench() -> Option<(Bench, Arc<Users>)> {
    let bench = Bench::new()?;
    let users = Arc::new(Users::default());
    bench.images.set_users(users.clone());
    bench.load(&docker_archive(&layers(), &["app:1"]).end()).unwrap();
    Some((bench, users))
}

fn shown(removed: &[Removed]) -> Vec<String> {
    let one = |removed: &Removed| match removed {
        Removed::Untagged(name) => format!("-{name}"),
        Removed::Deleted(id) => id[..12].to_owned(),
    };
    removed.iter().map(one).collect()
}

#[test]
fn the_last_name_takes_the_image_with_it_and_layers_that_others_have_stay() {
    let Some((bench, _)) = bench() else { return };
    bench.load(&docker_archive(&layers()[..1], &["base:1"]).end()).unwrap();
    bench.images.tag("app:1", "second", "").unwrap();
    assert_eq!(shown(&bench.images.remove("app:1", false).unwrap()), ["-app:1"]);
    let id = bench.images.image("second").unwrap().id;
    let removed = bench.images.remove("second", false).unwrap();
    // The name, the image and the one layer that nobody else has.
    assert_eq!(removed.len(), 3, "{removed:?}");
    assert_eq!(removed[1], Removed::Deleted(id.to_string()));
    assert_eq!(bench.images.image("second").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bench.kept().iter().filter(|name| name.starts_with("layers/")).count(), 1);
    let told = bench.told();
    for event in [format!("untag {id}"), format!("delete {id}"), "tag second:latest".into()] {
        assert!(told.contains(&event), "{event} {told:?}");
    }
}

#[test]
fn who_is_in_the_way_is_told_in_dockers_words() {
    let Some((bench, users)) = bench() else { return };
    let id = bench.images.image("app:1").unwrap().id;
    let (short, container) = (id.short(), "c".repeat(12));
    let refused = |term: &str, force| {
        let refused = bench.images.remove(term, force).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        refused.to_string()
    };
    users.0.lock().unwrap().push((id, false));
    assert_eq!(
        refused("app:1", false),
        format!(
            "conflict: unable to remove repository reference \"app:1\" (must force) - container {container} is using \
             its referenced image {short}"
        )
    );
    assert_eq!(
        refused(&short, false),
        format!(
            "conflict: unable to delete {short} (must be forced) - image is being used by stopped container {container}"
        )
    );
    users.0.lock().unwrap()[0].1 = true;
    for force in [false, true] {
        assert_eq!(
            refused(&short, force),
            format!(
                "conflict: unable to delete {short} (cannot be forced) - image is being used by running container \
                 {container}"
            )
        );
    }
    // By name and with force it only loses its name.
    assert_eq!(shown(&bench.images.remove("app:1", true).unwrap()), ["-app:1"]);
    assert!(bench.images.by_id(&id).unwrap().is_dangling());
    users.0.lock().unwrap().clear();
    for name in ["a:1", "b:1"] {
        bench.images.tag(&short, name.split(':').next().unwrap(), "1").unwrap();
    }
    assert_eq!(
        refused(&short, false),
        format!("conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories")
    );
    assert_eq!(shown(&bench.images.remove(&short, true).unwrap()).len(), 5);
}

#[test]
fn a_container_keeps_its_layers_when_its_image_is_removed() {
    let Some((mut bench, _)) = bench() else { return };
    let image = bench.images.image("app:1").unwrap();
    let root = bench.container("c", &image);
    bench.images.remove("app:1", true).unwrap();
    bench.images.rootfs().unmount("c").unwrap();
    bench.reopen();
    bench.images.rootfs().mount("c").unwrap();
    assert!(root.join("one").exists() && root.join("two").exists());
    bench.images.rootfs().remove("c").unwrap();
    bench.reopen();
    assert_eq!(bench.kept(), Vec::<String>::new());
}

#[test]
fn the_built_in_image_stays() {
    let Some((bench, _)) = bench() else { return };
    for term in ["host", "host:latest", &pontoon_images::host_id().short()] {
        assert_eq!(bench.images.remove(term, true).unwrap_err().kind(), ErrorKind::Conflict, "{term}");
    }
    assert_eq!(bench.images.tag("app:1", "host", "").unwrap_err().kind(), ErrorKind::Conflict);
    // Other names for it come and go.
    bench.images.tag("host", "machine", "").unwrap();
    assert_eq!(bench.images.image("machine").unwrap().tags.len(), 2);
    assert_eq!(shown(&bench.images.remove("machine", false).unwrap()), ["-machine:latest"]);
    assert_eq!(bench.images.image("host").unwrap().tags.len(), 1);
    bench.images.prune(true, |_| true).unwrap();
    assert!(bench.images.image("host").is_ok());
}

#[test]
fn names_that_are_none_are_refused() {
    let Some((bench, _)) = bench() else { return };
    for (name, tag, text) in [
        ("Upper", "", "invalid reference format: repository name (Upper) must be lowercase"),
        ("a", "b c", "invalid reference format"),
        (&format!("a@{}", pontoon_images::Digest::of(b"")), "", "refusing to create a tag with a digest reference"),
    ] {
        let refused = bench.images.tag("app:1", name, tag).unwrap_err();
        assert_eq!((refused.kind(), refused.to_string()), (ErrorKind::Invalid, text.to_owned()));
    }
    assert_eq!(bench.images.tag("nope", "a", "").unwrap_err().to_string(), "No such image: nope:latest");
}

#[test]
fn pruning_takes_what_nobody_needs() {
    let Some((bench, users)) = bench() else { return };
    bench.load(&docker_archive(&layers()[..1], &[]).end()).unwrap();
    let (removed, freed) = bench.images.prune(false, |_| true).unwrap();
    // Its only layer is the other's as well.
    assert_eq!((removed.len(), freed), (1, 0), "{removed:?}");
    let id = bench.images.image("app:1").unwrap().id;
    users.0.lock().unwrap().push((id, false));
    assert_eq!(bench.images.prune(true, |_| true).unwrap().0, []);
    users.0.lock().unwrap().clear();
    assert_eq!(bench.images.prune(true, |_| false).unwrap().0, []);
    let (removed, freed) = bench.images.prune(true, |_| true).unwrap();
    assert_eq!((removed.len(), freed), (4, 3), "{removed:?}");
    assert_eq!(bench.kept(), Vec::<String>::new());
}

#[test]
fn history_and_usage_tell_of_layers() {
    let Some((bench, _)) = bench() else { return };
    bench.load(&docker_archive(&layers()[..1], &["base:1"]).end()).unwrap();
    let steps = bench.images.history("app:1").unwrap();
    assert_eq!(steps.iter().map(|step| step.size).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((steps[0].id, steps[1].id), (Some(bench.images.image("app:1").unwrap().id), None));
    let usage = bench.images.usage();
    assert_eq!(usage.layers, 3);
    assert_eq!(usage.shared[&bench.images.image("app:1").unwrap().id], 1);
}
