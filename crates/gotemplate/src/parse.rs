//! From words to nodes, by Go's grammar.
//!
//! Must never recurse deeper than [`DEPTH`].

mod control;
mod operand;

use crate::Error;
use crate::ast::{Command, Node, Operand, Pipe, Term};
use crate::lex::{Kind, Token, lex};

/// How deep parentheses and blocks may nest.
pub(crate) const DEPTH: usize = 100;

/// Parses a whole template.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Error> {
    let mut parser = Parser { tokens: lex(text), at: 0, variables: vec!["$".to_owned()], depth: 0, ranges: 0 };
    let (nodes, stop) = parser.list()?;
    match stop {
        Stop::Eof => Ok(nodes),
        Stop::End => Err(parser.error("unexpected {{end}}")),
        Stop::Else => Err(parser.error("unexpected {{else}}")),
    }
}

/// What ended a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Eof,
    End,
    Else,
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    variables: Vec<String>,
    depth: usize,
    /// How many `range` blocks surround us.
    ranges: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        // The last word is always there and never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.at += 1;
        }
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        let last = self.tokens.get(self.at.saturating_sub(1)).unwrap_or(self.peek());
        Error::Parse { line: last.line, reason: reason.into() }
    }

    fn unexpected(&self, token: &Token, context: &str) -> Error {
        let reason = match token.kind {
            Kind::Error => token.text.clone(),
            _ => format!("unexpected {} in {context}", token.shown()),
        };
        Error::Parse { line: token.line, reason }
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= DEPTH {
            return Err(self.error(format!("nested deeper than {DEPTH} levels")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Nodes up to `{{end}}`, `{{else}}` or the end of the text. After `else` the word following it is next.
    fn list(&mut self) -> Result<(Vec<Node>, Stop), Error> {
        let mut nodes = Vec::new();
        loop {
            let token = self.next();
            match token.kind {
                Kind::Eof => return Ok((nodes, Stop::Eof)),
                Kind::Text => nodes.push(Node::Text(token.text)),
                Kind::LeftDelim => {
                    self.skip_space();
                    let stop = match (self.peek().kind, self.peek().text.as_str()) {
                        (Kind::Keyword, "end") => Stop::End,
                        (Kind::Keyword, "else") => Stop::Else,
                        _ => {
                            nodes.push(self.action()?);
                            continue;
                        }
                    };
                    self.next();
                    if stop == Stop::End {
                        self.close("end")?;
                    }
                    return Ok((nodes, stop));
                }
                _ => return Err(self.unexpected(&token, "input")),
            }
        }
    }

    fn close(&mut self, context: &str) -> Result<(), Error> {
        self.skip_space();
        let token = self.next();
        if token.kind == Kind::RightDelim { Ok(()) } else { Err(self.unexpected(&token, context)) }
    }

    /// What stands between `{{` and `}}`, the keywords `end` and `else` apart.
    fn action(&mut self) -> Result<Node, Error> {
        if self.peek().kind != Kind::Keyword {
            return self.pipeline("command", Kind::RightDelim).map(Node::Action);
        }
        let keyword = self.next();
        match keyword.text.as_str() {
            "if" => self.control("if").map(Node::If),
            "with" => self.control("with").map(Node::With),
            "range" => self.control("range").map(Node::Range),
            word @ ("break" | "continue") => {
                self.close(&format!("{{{{{word}}}}}"))?;
                if self.ranges == 0 {
                    return Err(self.error(format!("{{{{{word}}}}} outside {{{{range}}}}")));
                }
                Ok(if word == "break" { Node::Break } else { Node::Continue })
            }
            word => Err(self.error(format!("{{{{{word}}}}} is not supported"))),
        }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, Error> {
        self.skip_space();
        let position = self.peek().position;
        let (declared, assigns) = self.declarations(context)?;
        let mut pipe = Pipe { position, declared, assigns, commands: Vec::new() };
        loop {
            self.skip_space();
            let kind = self.peek().kind;
            if kind == end {
                self.next();
                self.check(&pipe, context)?;
                return Ok(pipe);
            }
            match kind {
                Kind::Bool | Kind::Char | Kind::Dot | Kind::Field | Kind::Identifier | Kind::Number | Kind::Nil => {}
                Kind::Quoted | Kind::Variable | Kind::LeftParen => {}
                _ => {
                    let token = self.next();
                    return Err(self.unexpected(&token, context));
                }
            }
            let command = self.command()?;
            pipe.commands.push(command);
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result<(), Error> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if matches!(first, Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(..) | Term::Text(..))) {
                return Err(self.error(format!("non executable command in pipeline stage {}", i + 1)));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, Error> {
        self.skip_space();
        let position = self.peek().position;
        let mut operands: Vec<Operand> = Vec::new();
        loop {
            self.skip_space();
            operands.extend(self.operand()?);
            match self.peek().kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => break,
                Kind::Pipe => {
                    self.next();
                    self.skip_space();
                    if matches!(self.peek().kind, Kind::RightDelim | Kind::RightParen) {
                        return Err(self.error("missing value for command"));
                    }
                    break;
                }
                _ => {
                    let token = self.next();
                    return Err(self.unexpected(&token, "operand"));
                }
            }
        }
        if operands.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(Command { position, operands })
    }
}
