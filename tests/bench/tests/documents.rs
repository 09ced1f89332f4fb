//! What the documents say about the repository is true: dependencies, rows of the benchmark, links.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test both are failures of the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of the crates of others in the dependency sections of every `Cargo.toml`.
fn direct_dependencies() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let entries = |folder: &str| fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let crates =
        ["crates", "crates/drivers", "cmd", "tests"].into_iter().flat_map(entries).chain([root().join("fuzz")]);
    for text in crates.filter_map(|folder| fs::read_to_string(folder.join("Cargo.toml")).ok()) {
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && let Some((name, _)) = line.split_once('=') {
                names.insert(name.split('.').next().unwrap_or(name).trim().to_owned());
            }
        }
    }
    names.retain(|name| !name.starts_with("pontoon") && !name.starts_with('#'));
    names
}

#[test]
fn every_direct_dependency_has_its_reason_written_down_and_no_other() {
    let page = read("docs/dependencies.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let written: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(written, direct_dependencies());
}

#[test]
fn every_row_that_the_specification_names_can_be_measured() {
    let code = read("tests/bench/src/rows.rs");
    let specification = read("SPECIFICATION.md");
    let mut rows = 0;
    for line in specification.lines().filter_map(|line| line.split_once("bench `")) {
        let name = line.1.split('`').next().unwrap_or_default();
        assert!(code.contains(&format!("(\"{name}\", ")), "{name}");
        rows += 1;
    }
    assert!(rows > 10, "{rows}");
}

#[test]
fn every_test_that_the_specification_names_exists() {
    let specification = read("SPECIFICATION.md");
    for line in specification.lines().filter_map(|line| line.split_once("test `")) {
        let reference = line.1.split('`').next().unwrap_or_default();
        let (file, name) = reference.split_once("::").unwrap_or_else(|| panic!("{reference}: FILE::NAME"));
        assert!(read(file).contains(&format!("fn {name}(")), "{reference}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut pages = vec![PathBuf::from("README.md"), "SPECIFICATION.md".into(), "CHANGELOG.md".into()];
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        pages.extend(entries.map(|name| Path::new(folder).join(name)).filter(|path| path.extension().is_some()));
    }
    for page in pages {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                let path = root().join(page.parent().unwrap_or(Path::new(""))).join(target);
                assert!(path.exists(), "{} links to {target}", page.display());
            }
        }
    }
}
