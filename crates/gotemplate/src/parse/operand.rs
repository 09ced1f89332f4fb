//! Values: literals, fields, variables, functions, parentheses.

use super::Parser;
use crate::Error;
use crate::ast::{Operand, Term};
use crate::functions;
use crate::lex::{Kind, Token};
use crate::quote::{unquote, unquote_char};
use serde_json::Number;

impl Parser {
    /// A term and the fields that hang on it; `None` when no value stands here.
    pub(super) fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        let position = self.peek().position;
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(self.next().text[1..].to_owned());
        }
        if names.is_empty() {
            return Ok(Some(operand));
        }
        match &mut operand.term {
            Term::Field(fields) | Term::Variable(_, fields) => fields.extend(names),
            term @ (Term::Bool(_) | Term::Text(..) | Term::Number(..) | Term::Nil | Term::Dot) => {
                let shown = term.to_string();
                return Err(self.error(format!("unexpected . after term {shown:?}")));
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => {
                operand = Operand { position, term: Term::Chain(Box::new(operand), names) };
            }
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Result<Option<Operand>, Error> {
        let token = self.peek().clone();
        let position = token.position;
        let term = match token.kind {
            Kind::Identifier if functions::exists(&token.text) => Term::Function(token.text.clone()),
            Kind::Identifier => {
                self.next();
                return Err(self.error(format!("function {:?} not defined", token.text)));
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::Field => Term::Field(vec![token.text[1..].to_owned()]),
            Kind::Variable if self.variables.contains(&token.text) => Term::Variable(token.text.clone(), Vec::new()),
            Kind::Variable => {
                self.next();
                return Err(self.error(format!("undefined variable {:?}", token.text)));
            }
            Kind::Char | Kind::Number | Kind::Quoted => self.literal(&token)?,
            Kind::LeftParen => {
                self.next();
                let pipe = self.nested(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                return Ok(Some(Operand { position, term: Term::Pipe(Box::new(pipe)) }));
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(Operand { position, term }))
    }

    fn literal(&self, token: &Token) -> Result<Term, Error> {
        let text = &token.text;
        let wrong = |reason: String| Error::Parse { line: token.line, reason };
        match token.kind {
            Kind::Quoted => match unquote(text) {
                Some(value) => Ok(Term::Text(value, text.clone())),
                None => Err(wrong(format!("invalid syntax in string {text}"))),
            },
            Kind::Char => match unquote_char(text) {
                Some(c) => Ok(Term::Number(Number::from(u32::from(c)), text.clone())),
                None => Err(wrong(format!("malformed character constant: {text}"))),
            },
            _ => match number(text) {
                Some(value) => Ok(Term::Number(value, text.clone())),
                None => Err(wrong(format!("bad number syntax: {text:?}"))),
            },
        }
    }
}

/// A number as Go writes them; imaginary ones apart.
fn number(text: &str) -> Option<Number> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits: String = body.chars().filter(|&c| c != '_').collect();
    let lower = digits.to_ascii_lowercase();
    let prefixed = |prefix: &str, radix| lower.strip_prefix(prefix).map(|digits| (digits.to_owned(), radix));
    let octal = || lower.strip_prefix('0').filter(|d| d.bytes().all(|c| c.is_ascii_digit())).map(|d| (d.to_owned(), 8));
    let radix = prefixed("0x", 16).or_else(|| prefixed("0b", 2)).or_else(|| prefixed("0o", 8)).or_else(octal);
    let (digits, radix) = radix.filter(|(digits, _)| !digits.is_empty()).unwrap_or((lower.clone(), 10));
    if digits.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric()) {
        let sign = if negative { "-" } else { "" };
        if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
            return Some(value.into());
        }
        if let (false, Ok(value)) = (negative, u64::from_str_radix(&digits, radix)) {
            return Some(value.into());
        }
    }
    let plain = !lower.starts_with(['+', '-'])
        && lower.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-'));
    let value: f64 = lower.parse().ok().filter(|_| plain)?;
    Number::from_f64(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_in_go() {
        for (text, expected) in [
            ("0", Some("0")),
            ("-12", Some("-12")),
            ("+7", Some("7")),
            ("0x1F", Some("31")),
            ("0b101", Some("5")),
            ("0o17", Some("15")),
            ("017", Some("15")),
            ("1_000", Some("1000")),
            ("1.5", Some("1.5")),
            (".5", Some("0.5")),
            ("1e3", Some("1000.0")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("1e999", None),
            ("0x", None),
            ("1a", None),
            ("--1", None),
            ("-", None),
            ("inf", None),
        ] {
            assert_eq!(number(text).map(|n| n.to_string()).as_deref(), expected, "{text}");
        }
    }
}
