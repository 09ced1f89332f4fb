//! A container's settings joined with its image's. Pure.

use crate::spec::{Config, Healthcheck, Words};
use pontoon_types::Ordered;

/// Fills in from the image what the client left open.
pub(super) fn image(config: &mut Config, image: &Config) {
    if config.user.is_empty() {
        config.user.clone_from(&image.user);
    }
    join(&mut config.exposed_ports, &image.exposed_ports);
    environment(config, image);
    labels(config, image);
    command(config, image);
    healthcheck(config, image);
    if config.working_dir.is_empty() {
        config.working_dir.clone_from(&image.working_dir);
    }
    join(&mut config.volumes, &image.volumes);
    if config.stop_signal.is_empty() {
        config.stop_signal.clone_from(&image.stop_signal);
    }
    if config.shell.is_empty() {
        config.shell = image.shell.clone();
    }
}

fn join<V: Clone>(own: &mut Option<Ordered<V>>, image: &Option<Ordered<V>>) {
    for (key, value) in image.iter().flat_map(|map| map.iter()) {
        let own = own.get_or_insert_default();
        if own.get(key).is_none() {
            own.insert(key.to_owned(), value.clone());
        }
    }
}

/// Variables of the image come after the client's, unless the client set them.
fn environment(config: &mut Config, image: &Config) {
    let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
    let given = config.env.clone().unwrap_or_default();
    let missing = |line: &&String| !given.iter().any(|own| name(own) == name(line));
    let added: Vec<String> = image.env.iter().flatten().filter(missing).cloned().collect();
    if config.env.is_some() || !added.is_empty() {
        config.env.get_or_insert_default().extend(added);
    }
}

fn labels(config: &mut Config, image: &Config) {
    let own = config.labels.get_or_insert_default();
    for (key, value) in image.labels.iter().flatten() {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// The image's command belongs to the image's entry point: with another entry point it does not count.
fn command(config: &mut Config, image: &Config) {
    if config.entrypoint.is_empty() {
        if config.cmd.is_empty() {
            config.cmd = image.cmd.clone();
        }
        if config.entrypoint.is_unset() {
            config.entrypoint = image.entrypoint.clone();
        }
    }
    // How clients say that they want none.
    if config.entrypoint.as_slice() == [""] {
        config.entrypoint = Words::default();
    }
}

fn healthcheck(config: &mut Config, image: &Config) {
    let Some(theirs) = &image.healthcheck else { return };
    let Some(own) = &mut config.healthcheck else {
        config.healthcheck = Some(theirs.clone());
        return;
    };
    if own.test.is_empty() {
        own.test.clone_from(&theirs.test);
    }
    let or = |own: &mut i64, theirs: i64| {
        if *own == 0 {
            *own = theirs;
        }
    };
    let Healthcheck { interval, timeout, start_period, start_interval, retries, .. } = own;
    or(interval, theirs.interval);
    or(timeout, theirs.timeout);
    or(start_period, theirs.start_period);
    or(start_interval, theirs.start_interval);
    or(retries, theirs.retries);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Words {
        Words(Some(words.iter().map(|word| (*word).to_owned()).collect()))
    }

    fn merged(entrypoint: Words, cmd: Words) -> (Vec<String>, Vec<String>) {
        let theirs = Config { entrypoint: words(&["/entry"]), cmd: words(&["arg"]), ..Config::default() };
        let mut own = Config { entrypoint, cmd, ..Config::default() };
        image(&mut own, &theirs);
        (own.entrypoint.as_slice().to_vec(), own.cmd.as_slice().to_vec())
    }

    #[test]
    fn the_images_command_goes_with_its_entry_point() {
        let own = |entry: &[&str], cmd: &[&str]| {
            let text = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            (text(entry), text(cmd))
        };
        assert_eq!(merged(Words(None), Words(None)), own(&["/entry"], &["arg"]));
        assert_eq!(merged(Words(None), words(&["x"])), own(&["/entry"], &["x"]));
        assert_eq!(merged(words(&["/own"]), Words(None)), own(&["/own"], &[]));
        assert_eq!(merged(words(&[""]), words(&["x"])), own(&[], &["x"]));
    }

    #[test]
    fn variables_of_the_image_give_way() {
        let theirs = Config { env: Some(vec!["A=1".into(), "B=2".into()]), ..Config::default() };
        let mut own = Config { env: Some(vec!["B=3".into(), "C".into()]), ..Config::default() };
        image(&mut own, &theirs);
        assert_eq!(own.env.unwrap(), ["B=3", "C", "A=1"]);
    }

    #[test]
    fn a_health_check_inherits_what_it_leaves_open() {
        let check = |test: &[&str], interval, retries| Healthcheck {
            test: test.iter().map(|word| (*word).to_owned()).collect(),
            interval,
            retries,
            ..Healthcheck::default()
        };
        let theirs = Config { healthcheck: Some(check(&["CMD", "x"], 5, 7)), ..Config::default() };
        let mut own = Config { healthcheck: Some(check(&[], 9, 0)), ..Config::default() };
        image(&mut own, &theirs);
        assert_eq!(own.healthcheck.unwrap(), check(&["CMD", "x"], 9, 7));
        let mut none = Config { healthcheck: Some(check(&["NONE"], 0, 0)), ..Config::default() };
        image(&mut none, &theirs);
        assert_eq!(none.healthcheck.unwrap().test, ["NONE"]);
    }
}
