//! The part of Go's `text/template` that `docker … --format` users write, evaluated over JSON.
//!
//! Owns parsing, evaluation, Docker's extra functions and Go's way of printing values. Must never panic, recurse without
//! bound or run without end, whatever the template says; and it knows nothing of networks or output devices.

mod ast;
mod error;
mod eval;
mod functions;
mod lex;
mod parse;
mod printf;
mod quote;
mod show;
mod value;

pub use error::Error;
pub use eval::{Missing, Settings};
pub use show::show;

use serde_json::Value;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    nodes: Vec<ast::Node>,
}

impl Template {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`Error::Parse`] with Go's words and the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self { text: text.to_owned(), nodes: parse::parse(text)? })
    }

    /// The template's output for `data`, which is `.` and `$`.
    ///
    /// # Errors
    /// [`Error::Execute`] with Go's words, line, column and the node at fault; also when the template runs too long or
    /// writes too much.
    pub fn execute(&self, data: &Value, settings: Settings<'_>) -> Result<String, Error> {
        eval::execute(&self.text, &self.nodes, data, settings)
    }
}
