//! Users and groups by the container's own `/etc/passwd` and `/etc/group`.
//!
//! Both files are the container's and not trusted: they are opened so that no link leads out of its root, only regular
//! files are read, and not without end.

use crate::{Error, Result};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2};
use std::io::Read;
use std::path::Path;

/// No sane file of users is larger.
const MOST: u64 = 8 << 20;

/// The largest id that Docker takes.
const MAX_ID: u32 = i32::MAX as u32;

/// A user as the kernel needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub uid: u32,
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
    pub home: String,
}

/// The user that `text` (`user`, `user:group`, `:group`) and the further `groups` mean in the container at `rootfs`.
pub(crate) fn find(rootfs: &Path, text: &str, groups: &[String]) -> Result<User> {
    let (user_part, group_part) = text.split_once(':').unwrap_or((text, ""));
    // Nothing is to be looked up for root without more, and the files need not be there.
    let passwd = read(rootfs, "etc/passwd");
    let group = if group_part.is_empty() && groups.is_empty() && user_part.is_empty() {
        String::new()
    } else {
        read(rootfs, "etc/group")
    };
    let mut user = by_name_or_number(&passwd, if user_part.is_empty() { "0" } else { user_part })?;
    let name = user.name.take();
    if group_part.is_empty() {
        user.found.groups = name.map_or_else(Vec::new, |name| memberships(&group, &name));
    } else {
        user.found.gid = group_id(&group, group_part)?;
    }
    let mut user = user.found;
    for wanted in groups {
        user.groups.push(group_id(&group, wanted)?);
    }
    // The first group is among the further ones, too: a process that drops it otherwise passes for nobody's member.
    user.groups.insert(0, user.gid);
    let mut seen = std::collections::HashSet::new();
    user.groups.retain(|gid| seen.insert(*gid));
    Ok(user)
}

struct Named {
    name: Option<String>,
    found: User,
}

fn by_name_or_number(passwd: &str, wanted: &str) -> Result<Named> {
    let number = wanted.parse::<u32>().ok();
    for line in passwd.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields[..] else { continue };
        let (Ok(uid), Ok(gid)) = (uid.parse::<u32>(), gid.parse::<u32>()) else { continue };
        if name == wanted || number == Some(uid) {
            let found = User { uid: sound(uid)?, gid: sound(gid)?, groups: Vec::new(), home: home_or_root(home) };
            return Ok(Named { name: Some(name.to_owned()), found });
        }
    }
    let missing = || Error::Invalid(format!("unable to find user {wanted}: no matching entries in passwd file"));
    let uid = sound(number.ok_or_else(missing)?)?;
    Ok(Named { name: None, found: User { uid, gid: 0, groups: Vec::new(), home: "/".into() } })
}

fn home_or_root(home: &str) -> String {
    if home.is_empty() { "/".into() } else { home.to_owned() }
}

fn group_id(group: &str, wanted: &str) -> Result<u32> {
    let number = wanted.parse::<u32>().ok();
    let found = groups(group).find(|(name, gid, _)| *name == wanted || number == Some(*gid));
    let missing = || Error::Invalid(format!("unable to find group {wanted}: no matching entries in group file"));
    sound(found.map(|(_, gid, _)| gid).or(number).ok_or_else(missing)?)
}

fn memberships(group: &str, user: &str) -> Vec<u32> {
    groups(group)
        .filter(|(_, _, members)| members.split(',').any(|member| member == user))
        .map(|(_, gid, _)| gid)
        .collect()
}

fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
        Some((name, gid, fields.next().unwrap_or_default()))
    })
}

fn sound(id: u32) -> Result<u32> {
    if id > MAX_ID {
        return Err(Error::Invalid(format!("uids and gids must be in range 0-{MAX_ID}")));
    }
    Ok(id)
}

/// A file of the container; empty when there is none that can be read.
fn read(rootfs: &Path, path: &str) -> String {
    let mut text = Vec::new();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = open(rootfs, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).and_then(|root| {
        openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
    });
    if let Ok(file) = opened
        && fstat(&file).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    {
        // What was read before an error is as good as it gets.
        let _ = std::fs::File::from(file).take(MOST).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn rootfs() -> tempfile::TempDir {
        let rootfs = tempfile::tempdir().unwrap();
        std::fs::create_dir(rootfs.path().join("etc")).unwrap();
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:100::/home/ann:\nbob:x:1001:101:::/bin/sh\n";
        std::fs::write(rootfs.path().join("etc/passwd"), passwd).unwrap();
        let group = "root:x:0:\nusers:x:100:\naudio:x:29:ann,bob\nvideo:x:44:bob\nbroken:x\n";
        std::fs::write(rootfs.path().join("etc/group"), group).unwrap();
        rootfs
    }

    #[test]
    fn users_and_groups_are_found_by_name_and_number() {
        let rootfs = rootfs();
        let found = |text: &str, groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
            find(rootfs.path(), text, &groups).map(|user| (user.uid, user.gid, user.groups, user.home)).unwrap()
        };
        assert_eq!(found("", &[]), (0, 0, vec![0], "/root".into()));
        assert_eq!(found("ann", &[]), (1000, 100, vec![100, 29], "/home/ann".into()));
        assert_eq!(found("1001", &[]), (1001, 101, vec![101, 29, 44], "/".into()));
        assert_eq!(found("4242", &[]), (4242, 0, vec![0], "/".into()));
        assert_eq!(found("ann:video", &[]), (1000, 44, vec![44], "/home/ann".into()));
        assert_eq!(found(":29", &["video", "7"]), (0, 29, vec![29, 44, 7], "/root".into()));
    }

    #[test]
    fn whoever_is_not_there_is_named() {
        let rootfs = rootfs();
        let text = |user: &str| find(rootfs.path(), user, &[]).unwrap_err().to_string();
        assert_eq!(text("nosuch"), "unable to find user nosuch: no matching entries in passwd file");
        assert_eq!(text("ann:nosuch"), "unable to find group nosuch: no matching entries in group file");
        assert_eq!(text("2147483648"), "uids and gids must be in range 0-2147483647");
    }

    #[test]
    fn a_link_does_not_lead_out_of_the_container() {
        let rootfs = rootfs();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("passwd"), "evil:x:0:0::/:\n").unwrap();
        std::fs::remove_file(rootfs.path().join("etc/passwd")).unwrap();
        symlink(outside.path().join("passwd"), rootfs.path().join("etc/passwd")).unwrap();
        assert!(find(rootfs.path(), "evil", &[]).is_err());
        // A link that stays inside is followed, and an absolute one begins at the container's root.
        std::fs::remove_file(rootfs.path().join("etc/passwd")).unwrap();
        std::fs::write(rootfs.path().join("elsewhere"), "good:x:5:5::/:\n").unwrap();
        symlink("/elsewhere", rootfs.path().join("etc/passwd")).unwrap();
        assert_eq!(find(rootfs.path(), "good", &[]).unwrap().uid, 5);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let rootfs = rootfs();
        std::fs::remove_file(rootfs.path().join("etc/passwd")).unwrap();
        nix::unistd::mkfifo(&rootfs.path().join("etc/passwd"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(find(rootfs.path(), "7", &[]).unwrap().uid, 7);
    }
}
