//! Sandboxes while the machine runs: one JSON file each, replaced by rename, never synced to a disk.

use crate::error::{Error, Result};
use pontoon_cnm::{RunState, SandboxRecord, StoreError};
use pontoon_types::SandboxId;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder of sandbox records.
#[derive(Debug)]
pub struct RunFiles {
    folder: PathBuf,
}

impl RunFiles {
    /// Opens or makes the folder, which should be on a tmpfs.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(file("make", folder))?;
        Ok(Self { folder: folder.into() })
    }

    fn path(&self, id: SandboxId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn read(path: &Path) -> Result<SandboxRecord> {
        let text = fs::read(path).map_err(file("read", path))?;
        serde_json::from_slice(&text).map_err(|cause| {
            let key = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Error::Record { key, path: path.into(), cause }
        })
    }

    fn write(&self, record: &SandboxRecord) -> Result<()> {
        let (path, new) = (self.path(record.id), self.folder.join(format!("{}.new", record.id)));
        let encode = |cause| Error::Record { key: record.id.to_string(), path: path.clone(), cause };
        let text = serde_json::to_vec(record).map_err(encode)?;
        fs::write(&new, text).map_err(file("write", &new))?;
        fs::rename(&new, &path).map_err(file("replace", &path))
    }
}

fn file(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::File { act, path, cause }
}

impl RunState for RunFiles {
    fn sandboxes(&self) -> std::result::Result<(Vec<SandboxRecord>, Vec<StoreError>), StoreError> {
        let entries = fs::read_dir(&self.folder).map_err(file("list", &self.folder))?;
        let (mut good, mut broken) = (Vec::new(), Vec::new());
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => match Self::read(&path) {
                    Ok(record) => good.push(record),
                    Err(error) => broken.push(error.into()),
                },
                // Left by a crash between write and rename: its sandbox was promised in its older form.
                Some("new") => {
                    broken.extend(fs::remove_file(&path).map_err(file("remove", &path)).err().map(Into::into))
                }
                _ => {}
            }
        }
        // The order of creation, which decides who gets what first.
        good.sort_by_key(|record| record.created);
        Ok((good, broken))
    }

    fn put_sandbox(&self, record: &SandboxRecord) -> std::result::Result<(), StoreError> {
        Ok(self.write(record)?)
    }

    fn delete_sandbox(&self, id: SandboxId) -> std::result::Result<(), StoreError> {
        let path = self.path(id);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(file("remove", &path)(cause).into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pontoon_types::SandboxSpec;
    use std::time::SystemTime;

    fn record(name: &str) -> SandboxRecord {
        SandboxRecord {
            id: SandboxId::random(),
            name: name.into(),
            spec: SandboxSpec::default(),
            created: SystemTime::now(),
            netns_path: Some("/run/x".into()),
            netns_id: None,
            owner: None,
            has_ipv6: true,
            endpoints: Vec::new(),
            mappings: Vec::new(),
            dns: None,
            resolv_digest: None,
        }
    }

    #[test]
    fn records_come_back_as_they_were_in_the_order_of_creation() {
        let folder = tempfile::tempdir().unwrap();
        let store = RunFiles::open(folder.path()).unwrap();
        let (a, mut b) = (record("a"), record("b"));
        store.put_sandbox(&b).unwrap();
        store.put_sandbox(&a).unwrap();
        b.has_ipv6 = false;
        store.put_sandbox(&b).unwrap();
        assert_eq!(RunFiles::open(folder.path()).unwrap().sandboxes().unwrap().0, vec![a.clone(), b.clone()]);
        store.delete_sandbox(a.id).unwrap();
        store.delete_sandbox(a.id).unwrap();
        assert_eq!(store.sandboxes().unwrap().0, vec![b]);
    }

    #[test]
    fn a_broken_record_is_told_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = RunFiles::open(folder.path()).unwrap();
        let good = record("a");
        store.put_sandbox(&good).unwrap();
        fs::write(folder.path().join("x.json"), "{\"half").unwrap();
        fs::write(folder.path().join("y.new"), "{").unwrap();
        let (records, broken) = store.sandboxes().unwrap();
        assert_eq!((records, broken.len()), (vec![good], 1));
        assert!(!folder.path().join("y.new").exists());
    }
}
