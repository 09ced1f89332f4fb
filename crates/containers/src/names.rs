//! Names of containers: which are allowed, and those that are given to containers without one.

use crate::{Error, Result};
use pontoon_types::ContainerId;

/// Checks a name that a client gave; tells it without the leading slash.
pub(crate) fn check(name: &str) -> Result<&str> {
    let bare = name.strip_prefix('/').unwrap_or(name);
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    let sound =
        bare.len() >= 2 && bare.len() <= LIMIT && bare.as_bytes()[0].is_ascii_alphanumeric() && bare.bytes().all(plain);
    if sound { Ok(bare) } else { Err(Error::BadName(name.to_owned())) }
}

/// A name of a network's endpoint, a sandbox and a host name: longer ones fail there.
const LIMIT: usize = 128;

/// A name for `container` after `tries` others were taken: an adjective and a surname, like Docker's.
pub(crate) fn invent(container: &ContainerId, tries: usize) -> String {
    // Ids are random; their ends are not in the short form.
    let pick = |words: &[&'static str], salt: usize| {
        let tail = container.tail().iter().fold(0usize, |sum, byte| sum.wrapping_mul(257) + usize::from(*byte));
        words[tail.wrapping_mul(salt).wrapping_add(tries.wrapping_mul(salt + 2)) % words.len()]
    };
    let name = format!("{}_{}", pick(ADJECTIVES, 1), pick(SURNAMES, 31));
    if tries < 6 { name } else { format!("{name}{}", tries - 5) }
}

const ADJECTIVES: &[&str] = &[
    "able", "agile", "airy", "amber", "ample", "apt", "artful", "avid", "balmy", "bold", "brave", "breezy", "bright",
    "brisk", "calm", "candid", "canny", "cheery", "civil", "clear", "clever", "cosy", "crisp", "curious", "dapper",
    "daring", "deft", "devoted", "eager", "earnest", "easy", "fair", "famous", "fervent", "festive", "fine", "fleet",
    "fluent", "fond", "frank", "free", "fresh", "gallant", "gentle", "genuine", "gifted", "glad", "golden", "grand",
    "hardy", "hearty", "honest", "humble", "ideal", "jaunty", "jolly", "jovial", "just", "keen", "kind", "lively",
    "loyal", "lucid", "mellow", "merry", "mighty", "modest", "neat", "nimble", "noble", "patient", "peppy", "placid",
    "plucky", "polite", "prime", "proud", "quick", "quiet", "ready", "robust", "rustic", "serene", "sharp", "sincere",
    "smooth", "snappy", "solid", "spry", "steady", "stellar", "stoic", "sturdy", "sunny", "swift", "tender", "tidy",
    "tranquil", "trusty", "upbeat", "valiant", "vivid", "warm", "wise", "witty", "zesty",
];

const SURNAMES: &[&str] = &[
    "abel",
    "agnesi",
    "ampere",
    "antonelli",
    "archimedes",
    "babbage",
    "banach",
    "bardeen",
    "bell",
    "bernoulli",
    "bessel",
    "bohr",
    "bolzano",
    "boole",
    "bose",
    "brahe",
    "brunel",
    "cantor",
    "carson",
    "cauchy",
    "cerf",
    "chandrasekhar",
    "chebyshev",
    "clarke",
    "copernicus",
    "curie",
    "dalton",
    "darwin",
    "dijkstra",
    "dirac",
    "eiffel",
    "einstein",
    "engelbart",
    "erdos",
    "euclid",
    "euler",
    "faraday",
    "fermat",
    "fermi",
    "feynman",
    "fourier",
    "franklin",
    "galileo",
    "galois",
    "gauss",
    "germain",
    "godel",
    "goodall",
    "hamilton",
    "hawking",
    "heaviside",
    "heisenberg",
    "hertz",
    "hilbert",
    "hodgkin",
    "hopper",
    "hubble",
    "huygens",
    "hypatia",
    "jacobi",
    "johnson",
    "joule",
    "kepler",
    "khayyam",
    "kirchhoff",
    "knuth",
    "kovalevskaya",
    "lagrange",
    "lamarr",
    "laplace",
    "leavitt",
    "legendre",
    "leibniz",
    "lovelace",
    "maxwell",
    "mccarthy",
    "meitner",
    "mendel",
    "metcalfe",
    "minkowski",
    "napier",
    "newton",
    "nightingale",
    "noether",
    "nobel",
    "ohm",
    "pascal",
    "pasteur",
    "pauli",
    "planck",
    "poincare",
    "postel",
    "ptolemy",
    "pythagoras",
    "raman",
    "ramanujan",
    "riemann",
    "ritchie",
    "rosing",
    "rutherford",
    "sagan",
    "shannon",
    "snell",
    "stokes",
    "taussig",
    "tesla",
    "thales",
    "thompson",
    "torvalds",
    "turing",
    "vaughan",
    "volta",
    "watt",
    "weierstrass",
    "wiles",
    "wozniak",
    "wright",
    "yalow",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_checked_as_docker_does() {
        assert_eq!(check("/web").unwrap(), "web");
        assert_eq!(check("a1.b_c-d").unwrap(), "a1.b_c-d");
        for bad in ["a", "", "/", "-web", "a b", "//web", "web/x", "wéb"] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.starts_with(&format!("Invalid container name ({bad}), only ")), "{error}");
        }
    }

    #[test]
    fn invented_names_are_names_and_differ() {
        let id = ContainerId::random();
        let names: HashSet<String> = (0..20).map(|tries| invent(&id, tries)).collect();
        assert!(names.len() >= 18, "{names:?}");
        assert!(names.iter().all(|name| check(name).is_ok()), "{names:?}");
        let many: HashSet<String> = (0..1000).map(|_| invent(&ContainerId::random(), 0)).collect();
        assert!(many.len() > 800, "{}", many.len());
    }
}
