//! Words of a template, with Go's rules for delimiters, trimming and comments.
//!
//! A mistake is a word too, the last one: the parser reports it when it gets there, unless it stumbles before.

/// Kinds of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Eof,
    Text,
    LeftDelim,
    RightDelim,
    LeftParen,
    RightParen,
    Space,
    Assign,
    Declare,
    Pipe,
    Comma,
    Other,
    Bool,
    Nil,
    Dot,
    Char,
    Number,
    Quoted,
    Field,
    Variable,
    Identifier,
    Keyword,
}

/// One word.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) position: usize,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Token {
    /// The word as Go's parser names it in errors.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone(),
            Kind::Keyword => format!("<{}>", self.text),
            _ => match self.text.char_indices().nth(10) {
                Some((end, _)) => format!("{}...", crate::quote::quote(&self.text[..end])),
                None => crate::quote::quote(&self.text),
            },
        }
    }
}

const KEYWORDS: [&str; 9] = ["block", "break", "continue", "define", "else", "end", "if", "range", "template"];
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Splits `text` into words; the last is [`Kind::Eof`] or [`Kind::Error`].
pub(crate) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, line: 1, tokens: Vec::new() };
    match lexer.template() {
        Ok(()) => lexer.push(Kind::Eof, 0),
        Err(reason) => {
            let token = Token { kind: Kind::Error, position: lexer.at, line: lexer.line, text: reason };
            lexer.tokens.push(token);
        }
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes `length` bytes as a word.
    fn push(&mut self, kind: Kind, length: usize) {
        let text = self.rest()[..length].to_owned();
        let (position, line) = (self.at, self.line);
        self.skip(length);
        self.tokens.push(Token { kind, position, line, text });
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest()[..length].matches('\n').count();
        self.at += length;
    }

    fn template(&mut self) -> Result<(), String> {
        let mut trim = false;
        loop {
            let rest = self.rest();
            let lead = if trim { rest.len() - rest.trim_start_matches(SPACES).len() } else { 0 };
            let Some(found) = rest.find("{{") else {
                self.skip(lead);
                let length = self.rest().len();
                if length > 0 {
                    self.push(Kind::Text, length);
                }
                return Ok(());
            };
            let marked = starts_trim(&rest[found + 2..]);
            let end = if marked { rest[..found].trim_end_matches(SPACES).len() } else { found };
            self.skip(lead.min(found));
            if end > lead {
                self.push(Kind::Text, end - lead);
            }
            self.skip(found - end.max(lead.min(found)));
            trim = self.action(marked)?;
        }
    }

    /// From `{{` to `}}`; returns whether the following text is trimmed.
    fn action(&mut self, marked: bool) -> Result<bool, String> {
        let skip = if marked { 4 } else { 2 };
        let body = self.rest()[2..].strip_prefix('-').filter(|_| marked).map_or(&self.rest()[2..], |rest| &rest[1..]);
        if body.starts_with("/*") {
            self.skip(skip);
            return self.comment();
        }
        self.push(Kind::LeftDelim, skip);
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            if let Some((length, trim)) = right_delim(rest) {
                if depth > 0 {
                    return Err("unclosed left paren".to_owned());
                }
                self.push(Kind::RightDelim, length);
                return Ok(trim);
            }
            self.word(&mut depth)?;
        }
    }

    fn comment(&mut self) -> Result<bool, String> {
        let Some(end) = self.rest().find("*/") else { return Err("unclosed comment".to_owned()) };
        self.skip(end + 2);
        let Some((length, trim)) = right_delim(self.rest()) else {
            return Err("comment ends before closing delimiter".to_owned());
        };
        self.skip(length);
        Ok(trim)
    }

    fn word(&mut self, depth: &mut usize) -> Result<(), String> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return Err("unclosed action".to_owned()) };
        match c {
            c if SPACES.contains(&c) => self.space(),
            '=' => self.push(Kind::Assign, 1),
            ':' if rest.starts_with(":=") => self.push(Kind::Declare, 2),
            ':' => return Err("expected :=".to_owned()),
            '|' => self.push(Kind::Pipe, 1),
            '"' | '\'' => return self.quoted(c),
            '`' => match rest[1..].find('`') {
                Some(end) => self.push(Kind::Quoted, end + 2),
                None => return Err("unterminated raw quoted string".to_owned()),
            },
            '$' => return self.name(Kind::Variable),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => return self.number(),
            '.' => return self.name(Kind::Field),
            '+' | '-' | '0'..='9' => return self.number(),
            c if c == '_' || c.is_alphanumeric() => return self.identifier(),
            '(' => {
                *depth += 1;
                self.push(Kind::LeftParen, 1);
            }
            ')' if *depth == 0 => return Err("unexpected right paren".to_owned()),
            ')' => {
                *depth -= 1;
                self.push(Kind::RightParen, 1);
            }
            ',' => self.push(Kind::Comma, 1),
            c if c.is_ascii_graphic() => self.push(Kind::Other, 1),
            c => return Err(format!("unrecognized character in action: U+{:04X}", c as u32)),
        }
        Ok(())
    }

    fn space(&mut self) {
        let rest = self.rest();
        let mut length = rest.len() - rest.trim_start_matches(SPACES).len();
        // The space before a trim marker belongs to the delimiter.
        if rest[length..].starts_with("-}}") {
            length -= 1;
        }
        self.push(Kind::Space, length);
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        let what = if quote == '"' { "unterminated quoted string" } else { "unterminated character constant" };
        let mut escaped = false;
        for (i, c) in self.rest().char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.push(if quote == '"' { Kind::Quoted } else { Kind::Char }, i + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(what.to_owned())
    }

    /// `.Name`, `.`, `$name` or `$`.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        let length = 1 + name_length(&self.rest()[1..]);
        let kind = if length == 1 && kind == Kind::Field { Kind::Dot } else { kind };
        self.terminated(length)?;
        self.push(kind, length);
        Ok(())
    }

    fn identifier(&mut self) -> Result<(), String> {
        let length = name_length(self.rest());
        self.terminated(length)?;
        let kind = match &self.rest()[..length] {
            "true" | "false" => Kind::Bool,
            "nil" => Kind::Nil,
            "with" => Kind::Keyword,
            word if KEYWORDS.contains(&word) => Kind::Keyword,
            _ => Kind::Identifier,
        };
        self.push(kind, length);
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let mut previous = ' ';
        let inside = |c: char| {
            let exponent = matches!(previous, 'e' | 'E' | 'p' | 'P') && matches!(c, '+' | '-');
            previous = c;
            exponent || c == '.' || c == '_' || c.is_alphanumeric()
        };
        let body = &rest[sign..];
        let length = sign + body.len() - body.trim_start_matches(inside).len();
        self.push(Kind::Number, length);
        Ok(())
    }

    /// A name must be followed by something that ends it.
    fn terminated(&self, length: usize) -> Result<(), String> {
        let rest = &self.rest()[length..];
        match rest.chars().next() {
            None => Ok(()),
            Some(c) if SPACES.contains(&c) || matches!(c, '.' | ',' | '|' | ':' | '=' | ')' | '(') => Ok(()),
            Some(_) if rest.starts_with("}}") => Ok(()),
            Some(c) => Err(format!("bad character U+{:04X} '{c}'", c as u32)),
        }
    }
}

fn name_length(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c == '_' || c.is_alphanumeric()).len()
}

fn starts_trim(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|text| text.starts_with(SPACES))
}

fn right_delim(rest: &str) -> Option<(usize, bool)> {
    if rest.starts_with("}}") {
        return Some((2, false));
    }
    let marked = rest.starts_with(SPACES) && rest[1..].starts_with("-}}");
    marked.then_some((4, true))
}
