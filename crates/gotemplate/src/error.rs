//! What can be wrong with a template, in Go's words.

use pontoon_types::{ErrorKind, Kind};

/// A template that cannot be parsed or executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no template.
    #[error("template: :{line}: {reason}")]
    Parse {
        /// Line, counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// The template does not fit the data.
    #[error("template: :{line}:{column}: executing \"\" at <{node}>: {reason}")]
    Execute {
        /// Line, counted from 1.
        line: usize,
        /// Bytes before the node in its line.
        column: usize,
        /// The node, shortened to 20 characters as Go does.
        node: String,
        /// Why.
        reason: String,
    },
}

impl Error {
    pub(crate) fn execute(text: &str, position: usize, node: &str, reason: String) -> Self {
        let before = text.get(..position).unwrap_or(text);
        let column = before.rfind('\n').map_or(before.len(), |at| before.len() - at - 1);
        let node = match node.char_indices().nth(20) {
            Some((end, _)) => format!("{}...", &node[..end]),
            None => node.to_owned(),
        };
        Self::Execute { line: 1 + before.matches('\n').count(), column, node, reason }
    }
}

impl Kind for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
