//! Several problems told at once.
//!
//! Owns: Docker's layout of a list of problems. Must never decide what is a problem.

use std::fmt;

/// Everything found wrong with a request, in the order found; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// The list, or `None` when there is nothing to complain about.
    pub fn new(problems: Vec<String>) -> Option<Self> {
        if problems.is_empty() { None } else { Some(Self(problems)) }
    }

    /// Each problem's text.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Problems {
    /// One problem is plain; of several each has a line beginning `* `, with its own further lines indented by a
    /// tab (Docker's multi-error text).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return f.write_str(only);
        }
        for (i, problem) in self.0.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            write!(f, "{newline}* {}", problem.replace('\n', "\n\t"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_problem_is_plain_and_several_are_a_list() {
        assert_eq!(Problems::new(vec![]), None);
        assert_eq!(Problems::new(vec!["a".into()]).unwrap().to_string(), "a");
        assert_eq!(Problems::new(vec!["a\nb".into(), "c".into()]).unwrap().to_string(), "* a\n\tb\n* c");
    }
}
