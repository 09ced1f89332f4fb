//! Mounts in the short form: `source:destination[:options]`. Pure.

use super::MountPoint;
use super::point::clean;
use crate::{Error, Result};
use pontoon_runtime::Propagation;

/// What the options of a mount say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    read_only: bool,
    no_copy: bool,
    propagation: Option<Propagation>,
}

/// Reads one of `HostConfig.Binds`.
pub(super) fn parse(text: &str) -> Result<MountPoint> {
    let invalid = || Error::Invalid(format!("invalid volume specification: '{text}'"));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, destination, mode) = match parts[..] {
        [_, second] if options(second).is_some() => return Err(invalid()),
        [destination] => ("", destination, ""),
        [source, destination] => (source, destination, ""),
        [source, destination, mode] => (source, destination, mode),
        _ => return Err(invalid()),
    };
    if destination.is_empty() || source.is_empty() && parts.len() > 1 {
        return Err(invalid());
    }
    let said = options(mode).ok_or_else(|| Error::Invalid(format!("invalid mode: {mode}")))?;
    let point = point(source, destination, &said)
        .map_err(|why| Error::Invalid(format!("invalid volume specification: '{text}': {why}")))?;
    Ok(MountPoint { mode: mode.to_owned(), writable: !said.read_only, ..point })
}

fn point(source: &str, destination: &str, said: &Options) -> std::result::Result<MountPoint, String> {
    let of = |kind: &str, why: &str| format!("invalid mount config for type \"{kind}\": {why}");
    let is_path = source.starts_with('/');
    let kind = if is_path { "bind" } else { "volume" };
    if !destination.starts_with('/') {
        return Err(of(kind, &format!("invalid mount path: '{destination}' mount path must be absolute")));
    }
    let destination = clean(destination);
    if destination == "/" {
        return Err(of(kind, "invalid specification: destination can't be '/'"));
    }
    if is_path {
        if said.no_copy {
            return Err(of(kind, "field VolumeOptions must not be specified"));
        }
        let propagation = said.propagation.unwrap_or_default().word().to_owned();
        return Ok(MountPoint { propagation, make_source: true, ..MountPoint::bind(clean(source), destination) });
    }
    if said.propagation.is_some() {
        return Err(of(kind, "field BindOptions must not be specified"));
    }
    if !source.is_empty() {
        crate::volumes::check_name(source).map_err(|error| error.to_string())?;
    }
    Ok(MountPoint { copy: !said.no_copy, ..MountPoint::volume(source.to_owned(), destination) })
}

/// Reads options such as `ro,z,rslave`; `None` when there is an unknown one, or two of a sort.
fn options(text: &str) -> Option<Options> {
    let (mut said, mut access, mut label, mut copy, mut consistency) = (Options::default(), 0, 0, 0, 0);
    for word in text.split(',').filter(|_| !text.is_empty()) {
        match word {
            "ro" | "rw" => {
                access += 1;
                said.read_only = word == "ro";
            }
            // SELinux: hosts without it have nothing to label.
            "z" | "Z" => label += 1,
            "nocopy" => {
                copy += 1;
                said.no_copy = true;
            }
            "consistent" | "cached" | "delegated" | "default" => consistency += 1,
            word => {
                if word.is_empty() || said.propagation.is_some() {
                    return None;
                }
                said.propagation = Some(Propagation::from_word(word)?);
            }
        }
    }
    [access, label, copy, consistency].iter().all(|count| *count <= 1).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::MountKind;

    #[test]
    fn binds_are_read() {
        let bind = parse("/a//b:/c/../d:ro,rslave").unwrap();
        assert_eq!((bind.kind, bind.source.as_str(), bind.destination.as_str()), (MountKind::Bind, "/a/b", "/d"));
        assert_eq!((bind.writable, bind.propagation.as_str(), bind.make_source), (false, "rslave", true));
        let volume = parse("data:/d:nocopy").unwrap();
        assert_eq!((volume.kind, volume.name.as_str(), volume.copy), (MountKind::Volume, "data", false));
        assert!(parse("/d").unwrap().anonymous);
    }

    #[test]
    fn what_is_no_bind_is_told_in_dockers_words() {
        for (text, error) in [
            ("/a:ro", "invalid volume specification: '/a:ro'"),
            ("/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"),
            ("/a:", "invalid volume specification: '/a:'"),
            (":/b", "invalid volume specification: ':/b'"),
            ("/a:/b:nope", "invalid mode: nope"),
            ("/a:/b:ro,rw", "invalid mode: ro,rw"),
            (
                "/a:b",
                "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute",
            ),
            (
                "/a:/",
                "invalid volume specification: '/a:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
            ),
            (
                "a/b:/c",
                "invalid volume specification: 'a/b:/c': \"a/b\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error, "{text}");
        }
    }
}
