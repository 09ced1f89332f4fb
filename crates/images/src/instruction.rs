//! Lines as in a Dockerfile that change how containers of an image run: those that `docker import --change` takes.
//!
//! Must never build anything: a line that would is refused.

use crate::config::{Healthcheck, RunConfig, set};
use crate::{Error, Result};

/// Applies lines one after another.
pub(crate) fn change_config(config: &mut RunConfig, lines: &[String]) -> Result<()> {
    // One parameter may hold several lines.
    for line in lines.iter().flat_map(|text| text.lines()).map(str::trim) {
        if !line.is_empty() && !line.starts_with('#') {
            change(config, line)?;
        }
    }
    Ok(())
}

fn change(config: &mut RunConfig, line: &str) -> Result<()> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (name, rest) = (name.to_ascii_uppercase(), rest.trim());
    let known = [
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
        "ENV",
        "EXPOSE",
        "LABEL",
        "ONBUILD",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    if !known.contains(&name.as_str()) {
        return Err(Error::Change(format!("{name} is not a valid change command")));
    }
    if rest.is_empty() && !matches!(name.as_str(), "CMD" | "ENTRYPOINT") {
        return Err(Error::Change(format!("{name} requires at least one argument")));
    }
    match name.as_str() {
        "CMD" => config.cmd = Some(command(rest)),
        "ENTRYPOINT" => config.entrypoint = Some(command(rest)),
        "ENV" => {
            let mut env = config.env.take().unwrap_or_default();
            for (name, value) in pairs("ENV", rest)? {
                env.retain(|old| old.split_once('=').is_none_or(|(old, _)| old != name));
                env.push(format!("{name}={value}"));
            }
            config.env = Some(env);
        }
        "LABEL" => config.labels.get_or_insert_default().extend(pairs("LABEL", rest)?),
        "EXPOSE" => {
            for word in words(rest) {
                config.exposed_ports.get_or_insert_default().extend(set(ports(&word)?));
            }
        }
        "VOLUME" => {
            let volumes = json_list(rest).unwrap_or_else(|| words(rest));
            config.volumes.get_or_insert_default().extend(set(volumes));
        }
        "HEALTHCHECK" => config.healthcheck = Some(healthcheck(rest)?),
        "ONBUILD" => config.on_build.get_or_insert_default().push(rest.to_owned()),
        "STOPSIGNAL" => config.stop_signal = rest.to_owned(),
        "USER" => config.user = rest.to_owned(),
        _ => config.working_dir = joined(&config.working_dir, rest),
    }
    Ok(())
}

/// A list in JSON, or a line for the shell.
fn command(text: &str) -> Vec<String> {
    match json_list(text) {
        Some(list) => list,
        None if text.is_empty() => Vec::new(),
        None => ["/bin/sh", "-c", text].map(ToOwned::to_owned).into(),
    }
}

fn json_list(text: &str) -> Option<Vec<String>> {
    text.starts_with('[').then(|| serde_json::from_str(text).ok())?
}

/// `name=value …`, or one `name value` in the old form.
fn pairs(instruction: &str, text: &str) -> Result<Vec<(String, String)>> {
    let words = words(text);
    let first = words.first().map_or("", String::as_str);
    if !first.contains('=') {
        let (name, value) = text
            .split_once(char::is_whitespace)
            .ok_or_else(|| Error::Change(format!("{instruction} must have two arguments")))?;
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    let pair = |word: &String| match word.split_once('=') {
        Some(("", _)) => Err(Error::Change(format!("{instruction} names can not be blank"))),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Error::Change(format!("Syntax error - can't find = in {word:?}. Must be of the form: name=value"))),
    };
    words.iter().map(pair).collect()
}

/// `80`, `80/udp` or `80-82/tcp` as every port of it.
fn ports(text: &str) -> Result<Vec<String>> {
    let wrong = || Error::Change(format!("invalid containerPort: {text}"));
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
    let (first, last) = (number(first)?, number(last)?);
    if first > last || !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(wrong());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

fn healthcheck(text: &str) -> Result<Healthcheck> {
    let mut check = Healthcheck::default();
    let mut rest = text;
    while let Some(option) = rest.strip_prefix("--") {
        let (option, after) = option.split_once(char::is_whitespace).unwrap_or((option, ""));
        let unknown = || Error::Change(format!("Unknown flag: {option}"));
        let (name, value) = option.split_once('=').ok_or_else(unknown)?;
        let time = || nanoseconds(value).ok_or_else(|| Error::Change(format!("time: invalid duration {value:?}")));
        match name {
            "interval" => check.interval = time()?,
            "timeout" => check.timeout = time()?,
            "start-period" => check.start_period = time()?,
            "start-interval" => check.start_interval = time()?,
            "retries" => {
                let retries = value.parse().ok().filter(|count| *count >= 0);
                check.retries = retries.ok_or_else(|| Error::Change(format!("--retries: invalid number {value:?}")))?;
            }
            _ => return Err(unknown()),
        }
        rest = after.trim();
    }
    let (form, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let command = command.trim();
    let test = match (form.to_ascii_uppercase().as_str(), json_list(command)) {
        ("NONE", _) if command.is_empty() => vec!["NONE".to_owned()],
        ("NONE", _) => return Err(Error::Change("HEALTHCHECK NONE takes no arguments".into())),
        ("CMD", _) if command.is_empty() => return Err(Error::Change("Missing command after HEALTHCHECK CMD".into())),
        ("CMD", Some(list)) => [vec!["CMD".to_owned()], list].concat(),
        ("CMD", None) => vec!["CMD-SHELL".to_owned(), command.to_owned()],
        _ => return Err(Error::Change(format!("Unknown type {form:?} in HEALTHCHECK (try CMD)"))),
    };
    check.test = Some(test);
    Ok(check)
}

/// Go's text for a duration, not negative.
fn nanoseconds(text: &str) -> Option<i64> {
    let mut total = 0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at(unit_end);
        let factor = match unit {
            "h" => 3600e9,
            "m" => 60e9,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" => 1e3,
            "ns" => 1.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    (!text.is_empty() && total <= i64::MAX as f64).then_some(total as i64)
}

/// Words, where quotes and a backslash keep blanks within one.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(letters.next()),
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A folder, relative to the one before unless it says otherwise.
fn joined(before: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", before.trim_end_matches('/')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(lines: &[&str]) -> Result<RunConfig> {
        let mut config = RunConfig::default();
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change_config(&mut config, &lines).map(|()| config)
    }

    #[test]
    fn every_line_changes_its_part() {
        let config = changed(&[
            "CMD [\"httpd\", \"-f\"]",
            "entrypoint echo  $HOME",
            "ENV A=1 B=\"two words\"\nENV A=3",
            "ENV OLD the rest of it",
            "EXPOSE 80 53/UDP 8000-8001",
            "LABEL a=b c='d e'",
            "VOLUME /data /more",
            "VOLUME [\"/a b\"]",
            "WORKDIR /srv",
            "WORKDIR www",
            "USER web:www",
            "STOPSIGNAL SIGINT",
            "ONBUILD RUN x",
            "HEALTHCHECK --interval=1m30s --retries=2 CMD wget -q localhost",
        ])
        .unwrap();
        assert_eq!(config.cmd.unwrap(), ["httpd", "-f"]);
        assert_eq!(config.entrypoint.unwrap(), ["/bin/sh", "-c", "echo  $HOME"]);
        assert_eq!(config.env.unwrap(), ["B=two words", "A=3", "OLD=the rest of it"]);
        let ports: Vec<String> = config.exposed_ports.unwrap().into_keys().collect();
        assert_eq!(ports, ["53/udp", "80/tcp", "8000/tcp", "8001/tcp"]);
        let labels: Vec<_> = config.labels.unwrap().into_iter().collect();
        assert_eq!(labels, [("a".into(), "b".into()), ("c".into(), "d e".into())]);
        let volumes: Vec<String> = config.volumes.unwrap().into_keys().collect();
        assert_eq!(volumes, ["/a b", "/data", "/more"]);
        assert_eq!((config.working_dir.as_str(), config.user.as_str()), ("/srv/www", "web:www"));
        assert_eq!((config.stop_signal.as_str(), config.on_build.unwrap().len()), ("SIGINT", 1));
        let check = config.healthcheck.unwrap();
        assert_eq!((check.interval, check.retries), (90_000_000_000, 2));
        assert_eq!(check.test.unwrap(), ["CMD-SHELL", "wget -q localhost"]);
    }

    #[test]
    fn lines_that_build_or_make_no_sense_are_refused() {
        for (line, text) in [
            ("RUN x", "RUN is not a valid change command"),
            ("nope", "NOPE is not a valid change command"),
            ("USER", "USER requires at least one argument"),
            ("ENV A", "ENV must have two arguments"),
            ("ENV A=1 B", "Syntax error - can't find = in \"B\". Must be of the form: name=value"),
            ("ENV =1", "ENV names can not be blank"),
            ("EXPOSE 0", "invalid containerPort: 0"),
            ("EXPOSE 9-8", "invalid containerPort: 9-8"),
            ("EXPOSE 1/x", "invalid containerPort: 1/x"),
            ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
            ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
            ("HEALTHCHECK --interval=x CMD y", "time: invalid duration \"x\""),
            ("HEALTHCHECK --nope CMD y", "Unknown flag: nope"),
        ] {
            assert_eq!(changed(&[line]).unwrap_err().to_string(), text);
        }
        assert_eq!(changed(&["# a note", ""]).unwrap(), RunConfig::default());
    }
}
