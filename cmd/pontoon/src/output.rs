//! What users read on standard output.
//!
//! Must never ask the daemon.

pub mod age;
pub mod inspect;
pub mod listing;
pub mod natural;
pub mod ports;
pub mod table;

use crate::error::Error;
use std::io::{self, Write};

/// Prints `text` as it is. A reader that went away (`| head`) ends us quietly.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Error::Closed),
        Err(cause) => Err(Error::System { act: "write output".to_owned(), cause }),
    }
}

/// Prints a line.
pub fn line(text: &str) -> Result<(), Error> {
    print(&format!("{text}\n"))
}

/// Says something that is no error, on standard error.
pub fn warn(text: &str) {
    // When standard error is closed nobody is left to tell.
    drop(writeln!(io::stderr(), "pontoon: warning: {text}"));
}

/// Does `act` to each name and prints the names it worked for. With `lenient`, a missing object is no error.
///
/// # Errors
/// All failures together.
pub fn each(
    names: &[String],
    lenient: bool,
    act: impl Fn(&str) -> Result<(), pontoon_client::Error>,
) -> Result<u8, Error> {
    let mut errors = Vec::new();
    for name in names {
        match act(name).map_err(Error::Client) {
            Ok(()) => line(name)?,
            Err(error) if lenient && error.is_not_found() => {}
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(0) } else { Err(Error::Several(errors)) }
}
