//! Saving: what is written is what was loaded, to the byte.

use crate::archive::{Archive, docker_archive};
use crate::bench::Bench;
use pontoon_types::{ErrorKind, Kind};

fn layers() -> Vec<Vec<u8>> {
    vec![Archive::new().file("one", b"1").end(), Archive::new().file("two", b"2").end()]
}

fn saved(bench: &Bench, terms: &[&str]) -> Vec<u8> {
    let terms: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
    let mut bytes = Vec::new();
    bench.images.export(&terms).unwrap().write(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_saved_is_loaded_as_the_same_images() {
    let Some(bench) = Bench::new() else { return };
    bench.load(&docker_archive(&layers(), &["app:1", "app:2"]).end()).unwrap();
    bench.load(&docker_archive(&layers()[..1], &["other:1"]).end()).unwrap();
    let ids = ["app:1", "other:1"].map(|name| bench.images.image(name).unwrap().id);
    let archive = saved(&bench, &["app", "other:1"]);
    assert_eq!(archive, saved(&bench, &["app:2", "app:1", "other:1"]));
    for term in ["app:1", "app:2", "other:1"] {
        bench.images.remove(term, false).unwrap();
    }
    assert_eq!(bench.kept(), Vec::<String>::new());
    let said = bench.load(&archive).unwrap();
    assert_eq!(said, "Loaded image: app:1\nLoaded image: app:2\nLoaded image: other:1\n");
    assert_eq!(["app:1", "other:1"].map(|name| bench.images.image(name).unwrap().id), ids);
    assert!(bench.told().contains(&"save app:1".to_owned()));
}

#[test]
fn by_id_an_image_is_saved_without_its_names() {
    let Some(bench) = Bench::new() else { return };
    bench.load(&docker_archive(&layers(), &["app:1"]).end()).unwrap();
    let id = bench.images.image("app:1").unwrap().id;
    let archive = saved(&bench, &[&id.short()]);
    bench.images.remove("app:1", false).unwrap();
    assert_eq!(bench.load(&archive).unwrap(), format!("Loaded image ID: {id}\n"));
}

#[test]
fn what_is_not_there_and_what_is_built_in_is_refused_before_anything_is_written() {
    let Some(bench) = Bench::new() else { return };
    let refused = |term: &str| bench.images.export(&[term.to_owned()]).err().unwrap();
    assert_eq!(refused("nope").to_string(), "No such image: nope:latest");
    assert_eq!(refused("host").kind(), ErrorKind::Conflict);
}

#[test]
fn an_image_that_is_being_saved_stays_until_it_is() {
    let Some(bench) = Bench::new() else { return };
    bench.load(&docker_archive(&layers(), &["app:1"]).end()).unwrap();
    let export = bench.images.export(&["app:1".to_owned()]).unwrap();
    bench.images.remove("app:1", false).unwrap();
    let mut bytes = Vec::new();
    export.write(&mut bytes).unwrap();
    drop(export);
    assert_eq!(bench.load(&bytes).unwrap(), "Loaded image: app:1\n");
}
