//! Instances of procfs that only we use, to look up sysctls in.
//!
//! In one instance, `net/ipv4/conf` of every namespace that was ever looked up there has the same name in the same
//! folder, and each lookup walks past those of all others (`proc_sys_compare`): measured with a thousand namespaces,
//! 140 µs instead of 2, and half a millisecond for the first in a new namespace. So the host's settings have an instance
//! in which nobody looks up anything else, and sandboxes' one that is replaced before it fills up.
//!
//! Owns those instances. Must never be mounted anywhere, nor get around a `/proc/sys` that was made read-only.

use crate::closer::Closer;
use crate::errno::failed;
use pontoon_kernel::{Netns, Result};
use rustix::fs::{Mode, OFlags, StatVfsMountFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// An instance is looked into so often. Making one costs as much as passing a hundred namespaces, off which a
/// connection takes three.
const USES: u32 = 96;

/// The instances.
#[derive(Debug, Default)]
pub(crate) struct Procfs {
    host: OnceLock<View>,
    sandboxes: Mutex<Option<Used>>,
}

/// The root of an instance.
#[derive(Clone, Debug)]
pub(crate) struct View(Arc<OwnedFd>);

#[derive(Debug)]
struct Used {
    view: View,
    uses: u32,
    /// Whether it is an instance of our own, so that replacing it makes it shorter.
    own: bool,
}

impl Procfs {
    /// Where to look up settings of `ns`, with the calling thread in it.
    pub(crate) fn view(&self, ns: &Netns, closer: &Closer) -> Result<View> {
        let view = match ns {
            Netns::Host => self.of_host(),
            Netns::At(_) => self.of_sandboxes(closer),
        };
        view.map_err(|error| failed("open /proc", &error))
    }

    fn of_host(&self) -> io::Result<View> {
        if let Some(view) = self.host.get() {
            return Ok(view.clone());
        }
        let (view, _) = open()?;
        Ok(self.host.get_or_init(|| view).clone())
    }

    fn of_sandboxes(&self, closer: &Closer) -> io::Result<View> {
        let mut current = self.sandboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = current.as_mut().filter(|used| !used.own || used.uses < USES) {
            used.uses = used.uses.saturating_add(1);
            return Ok(used.view.clone());
        }
        let (view, own) = open()?;
        let before = current.replace(Used { view: view.clone(), uses: 1, own });
        drop(current);
        // Closing it makes the kernel throw away all that was looked up in it. Whoever is the last to use it does that.
        if let Some(old) = before.and_then(|used| Arc::into_inner(used.view.0)) {
            closer.close(old);
        }
        Ok(view)
    }
}

impl AsFd for View {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A new instance, or what is mounted at `/proc` where there can be none; whether it is our own.
fn open() -> io::Result<(View, bool)> {
    if !is_read_only()? {
        match instance() {
            Ok(root) => return Ok((View(Arc::new(root)), true)),
            Err(error) => tracing::debug!(%error, "no procfs of our own: settings take longer with many namespaces"),
        }
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok((View(Arc::new(rustix::fs::open("/proc", flags, Mode::empty())?)), false))
}

/// Whether whoever runs us wants no setting changed (`ProtectKernelTunables=` of systemd, an unprivileged container).
fn is_read_only() -> io::Result<bool> {
    Ok(rustix::fs::statvfs("/proc/sys/net")?.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Since 5.2; before 5.8 all of a pid namespace are one.
fn instance() -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_create(context.as_fd())?;
    let attributes =
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    Ok(rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::fstat;

    #[test]
    fn sandboxes_get_a_new_instance_before_theirs_fills_up_and_the_host_keeps_its_own() {
        let (procfs, closer) = (Procfs::default(), Closer::default());
        let sandbox = Netns::At("/nowhere".into());
        let device = |ns: &Netns| fstat(procfs.view(ns, &closer).unwrap()).unwrap().st_dev;
        let host = device(&Netns::Host);
        let used: Vec<u64> = (0..=USES).map(|_| device(&sandbox)).collect();
        assert_eq!(device(&Netns::Host), host);
        let (last, first) = used.split_last().unwrap();
        assert!(first.windows(2).all(|two| two[0] == two[1]));
        if instance().is_err() {
            eprintln!("no procfs of our own here: all use the one at /proc");
            assert_eq!((first[0], *last), (host, host));
            return;
        }
        assert_ne!(first[0], *last);
        assert!(!used.contains(&host));
    }
}
