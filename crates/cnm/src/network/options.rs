//! Options that every driver's networks share, read and checked. Pure (api-networks.md section 6).

use crate::{Error, Result};
use pontoon_types::{NetworkSpec, Options, parse_go_bool};

/// Option that turns IPv4 on or off where the request's own field is absent.
pub const ENABLE_IPV4: &str = "com.docker.network.enable_ipv4";
/// The same for IPv6.
pub const ENABLE_IPV6: &str = "com.docker.network.enable_ipv6";
/// Name of an endpoint's link inside the sandbox.
pub const IFNAME: &str = "com.docker.network.endpoint.ifname";
/// Sysctls of an endpoint's link.
pub const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";

const NMSGS: &str = "com.docker.network.advertise_addr_nmsgs";
const INTERVAL: &str = "com.docker.network.advertise_addr_ms";

/// Options of the request, with the daemon's defaults for its driver filled in where the request says nothing.
pub fn merged(spec: &NetworkSpec, defaults: Option<&Options>) -> Options {
    let mut options = spec.options.clone();
    for (key, value) in defaults.into_iter().flatten() {
        options.entry(key.clone()).or_insert_with(|| value.clone());
    }
    options
}

/// Decides one family: the request's field, else the option, else `default`. The option is dropped when the field wins.
pub fn family(field: Option<bool>, options: &mut Options, key: &'static str, default: bool) -> Result<bool> {
    let option = match options.get(key) {
        Some(text) => Some(parse_go_bool(text).ok_or(Error::EnableOption(key))?),
        None => None,
    };
    if field.is_some() {
        options.remove(key);
    }
    Ok(field.or(option).unwrap_or(default))
}

/// How addresses are announced: messages, and milliseconds between them.
pub fn announcement(options: &Options) -> Result<(u8, u64)> {
    let refuse = |text: String| Err(Error::AdvertiseOption(text));
    let mut wanted = (3, 1000);
    if let Some(text) = options.get(NMSGS) {
        match text.parse::<i64>() {
            Ok(number @ 0..=3) => wanted.0 = u8::try_from(number).unwrap_or(3),
            Ok(_) => return refuse(format!("{NMSGS} must be in the range 0 to 3")),
            Err(_) => return refuse(format!("value for option {NMSGS} \"{text}\" must be an integer")),
        }
    }
    if let Some(text) = options.get(INTERVAL) {
        match text.parse::<i64>() {
            Ok(number @ 100..=2000) => wanted.1 = number.unsigned_abs(),
            Ok(_) => return refuse(format!("{INTERVAL} must be in the range 100 to 2000")),
            Err(_) => return refuse(format!("value for option {INTERVAL} \"{text}\" must be integer milliseconds")),
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_wins_over_the_option_and_drops_it() {
        let mut options = Options::from([(ENABLE_IPV6.to_owned(), "true".to_owned())]);
        assert!(family(None, &mut options, ENABLE_IPV6, false).unwrap());
        assert!(options.contains_key(ENABLE_IPV6));
        assert!(!family(Some(false), &mut options, ENABLE_IPV6, false).unwrap());
        assert!(!options.contains_key(ENABLE_IPV6));
    }

    #[test]
    fn a_bad_boolean_is_named() {
        let mut options = Options::from([(ENABLE_IPV4.to_owned(), "yes".to_owned())]);
        let error = family(None, &mut options, ENABLE_IPV4, true).unwrap_err();
        assert_eq!(error.to_string(), "driver-opt \"com.docker.network.enable_ipv4\" is not a valid bool");
    }

    #[test]
    fn announcements_outside_their_range_are_refused() {
        let with = |key: &str, value: &str| announcement(&Options::from([(key.to_owned(), value.to_owned())]));
        assert_eq!(announcement(&Options::new()).unwrap(), (3, 1000));
        assert_eq!(with(NMSGS, "0").unwrap(), (0, 1000));
        assert_eq!(with(INTERVAL, "100").unwrap(), (3, 100));
        for (key, value) in [(NMSGS, "4"), (NMSGS, "-1"), (NMSGS, "x"), (INTERVAL, "99"), (INTERVAL, "1s")] {
            assert!(with(key, value).is_err(), "{key}={value}");
        }
    }
}
