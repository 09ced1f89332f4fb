//! `if`, `with`, `range` and the variables they declare.

use super::{Parser, Stop};
use crate::Error;
use crate::ast::{Branch, Node};
use crate::lex::Kind;

impl Parser {
    /// The rest of `{{if …}}`, `{{with …}}` or `{{range …}}`, up to and with its `{{end}}`.
    pub(super) fn control(&mut self, context: &str) -> Result<Branch, Error> {
        self.nested(|parser| {
            let known = parser.variables.len();
            let pipe = parser.pipeline(context, Kind::RightDelim)?;
            parser.ranges += usize::from(context == "range");
            let body = parser.list();
            parser.ranges -= usize::from(context == "range");
            let (then, stop) = body?;
            let otherwise = match stop {
                Stop::End => Vec::new(),
                Stop::Else => parser.otherwise(context)?,
                Stop::Eof => return Err(parser.error("unexpected EOF")),
            };
            parser.variables.truncate(known);
            Ok(Branch { pipe, then, otherwise })
        })
    }

    /// What follows `{{else`.
    fn otherwise(&mut self, context: &str) -> Result<Vec<Node>, Error> {
        self.skip_space();
        let token = self.peek();
        // `{{else if …}}` and `{{else with …}}` are a branch that shares our `{{end}}`.
        if token.kind == Kind::Keyword && token.text == context && context != "range" {
            self.next();
            let branch = self.control(context)?;
            return Ok(vec![if context == "if" { Node::If(branch) } else { Node::With(branch) }]);
        }
        self.close("else")?;
        match self.list()? {
            (nodes, Stop::End) => Ok(nodes),
            (_, Stop::Else) => Err(self.error("expected end; found {{else}}")),
            (_, Stop::Eof) => Err(self.error("unexpected EOF")),
        }
    }

    /// `$x :=`, `$x =` or, in a range, `$i, $x :=` at the start of a pipeline; whether it assigns.
    pub(super) fn declarations(&mut self, context: &str) -> Result<(Vec<String>, bool), Error> {
        let mut declared: Vec<String> = Vec::new();
        loop {
            self.skip_space();
            if self.peek().kind != Kind::Variable {
                break;
            }
            let start = self.at;
            let name = self.next().text;
            self.skip_space();
            match self.peek().kind {
                kind @ (Kind::Assign | Kind::Declare) => {
                    self.next();
                    declared.push(name);
                    return self.declare(declared, kind == Kind::Assign);
                }
                Kind::Comma => {
                    self.next();
                    declared.push(name);
                    if context != "range" || declared.len() > 1 {
                        return Err(self.error(format!("too many declarations in {context}")));
                    }
                    self.skip_space();
                    if !matches!(self.peek().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return Err(self.error("range can only initialize variables"));
                    }
                }
                _ => {
                    self.at = start;
                    break;
                }
            }
        }
        if declared.is_empty() { Ok((declared, false)) } else { Err(self.error("range can only initialize variables")) }
    }

    fn declare(&mut self, names: Vec<String>, assigns: bool) -> Result<(Vec<String>, bool), Error> {
        for name in &names {
            if !assigns {
                self.variables.push(name.clone());
            } else if !self.variables.contains(name) {
                return Err(self.error(format!("undefined variable {name:?}")));
            }
        }
        Ok((names, assigns))
    }
}
