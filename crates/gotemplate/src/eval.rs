//! Runs a parsed template over data.
//!
//! Owns variables, control flow and the limits on work and output. Must never know what a function does.

mod expression;

use crate::Error;
use crate::ast::{Branch, Node, Pipe};
use crate::show::{show, sorted};
use crate::value::{NULL, Val, own, truth, type_name};
use serde_json::Value;
use std::borrow::Cow;

/// What a field that is not there means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing<'a> {
    /// `map has no entry for key "X"`, as `docker inspect` says in the end.
    #[default]
    Entry,
    /// `can't evaluate field X in type T`, with this T.
    FieldOf(&'a str),
}

/// How to run a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings<'a> {
    /// What a missing field means.
    pub missing: Missing<'a>,
    /// The data are a table's headings: functions that reshape a value (`json`, `upper`, `truncate`…) leave it alone.
    pub headings: bool,
    /// Methods that look a text up in an object, such as Docker's `{{.Label "key"}}`; a missing key gives "".
    pub lookups: &'a [(&'a str, &'a Value)],
}

/// How many steps a template may take: enough for any listing, over in a second or two.
const STEPS: u32 = 5_000_000;
/// How many bytes a template may write, and any one value may have.
const OUTPUT: usize = 64 << 20;

pub(crate) fn execute(text: &str, nodes: &[Node], data: &Value, settings: Settings<'_>) -> Result<String, Error> {
    let variables = vec![("$", Cow::Borrowed(data))];
    let mut run = Run { text, root: data, settings, variables, out: String::new(), steps: 0 };
    run.nodes(nodes, Cow::Borrowed(data))?;
    Ok(run.out)
}

#[derive(PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

struct Run<'a> {
    text: &'a str,
    root: &'a Value,
    settings: Settings<'a>,
    variables: Vec<(&'a str, Val<'a>)>,
    out: String,
    steps: u32,
}

impl<'a> Run<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: Val<'a>) -> Result<Flow, Error> {
        for node in nodes {
            let flow = match node {
                Node::Text(text) => self.write(text, 0).map(|()| Flow::Next)?,
                Node::Action(pipe) => self.action(pipe, &dot)?,
                Node::If(branch) => self.either(branch, &dot, false)?,
                Node::With(branch) => self.either(branch, &dot, true)?,
                Node::Range(branch) => self.range(branch, &dot)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, pipe: &'a Pipe, dot: &Val<'a>) -> Result<Flow, Error> {
        let value = self.pipe(pipe, dot)?;
        if pipe.declared.is_empty() {
            self.write(&show(&value), pipe.position)?;
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, text: &str, position: usize) -> Result<(), Error> {
        self.step(position)?;
        if self.out.len() + text.len() > OUTPUT {
            return Err(self.fail(position, "output", "the template writes too much"));
        }
        self.out.push_str(text);
        Ok(())
    }

    /// Counts a piece of work.
    fn step(&mut self, position: usize) -> Result<(), Error> {
        self.steps += 1;
        if self.steps > STEPS { Err(self.fail(position, "work", "the template runs too long")) } else { Ok(()) }
    }

    fn fail(&self, position: usize, node: impl ToString, reason: impl Into<String>) -> Error {
        Error::execute(self.text, position, &node.to_string(), reason.into())
    }

    fn either(&mut self, branch: &'a Branch, dot: &Val<'a>, with: bool) -> Result<Flow, Error> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let flow = if truth(&value) {
            self.nodes(&branch.then, if with { value } else { dot.clone() })
        } else {
            self.nodes(&branch.otherwise, dot.clone())
        };
        self.variables.truncate(known);
        flow
    }

    fn range(&mut self, branch: &'a Branch, dot: &Val<'a>) -> Result<Flow, Error> {
        let known = self.variables.len();
        let value = self.pipe(&branch.pipe, dot)?;
        let items = self.items(branch, value)?;
        let mut flow = Flow::Next;
        if items.is_empty() {
            flow = self.nodes(&branch.otherwise, dot.clone())?;
        }
        for (key, item) in items {
            self.step(branch.pipe.position)?;
            let inner = self.variables.len();
            self.bind(&branch.pipe, key, &item);
            let stop = self.nodes(&branch.then, item)? == Flow::Break;
            self.variables.truncate(inner);
            if stop {
                break;
            }
        }
        self.variables.truncate(known);
        Ok(flow)
    }

    /// Sets `$i, $v` or `$v` for one turn of a range.
    fn bind(&mut self, pipe: &'a Pipe, key: Val<'a>, item: &Val<'a>) {
        let values = match pipe.declared.as_slice() {
            [] => return,
            [value] => vec![(value, item.clone())],
            [first, second, ..] => vec![(first, key), (second, item.clone())],
        };
        for (name, value) in values {
            if pipe.assigns { self.assign(name, value) } else { self.variables.push((name, value)) }
        }
    }

    /// What a range goes through, with keys: lists, maps by sorted keys, whole numbers.
    fn items(&self, branch: &Branch, value: Val<'a>) -> Result<Vec<(Val<'a>, Val<'a>)>, Error> {
        let numbered = |(i, item)| (own(i), item);
        Ok(match value {
            Cow::Borrowed(Value::Array(list)) => list.iter().map(Cow::Borrowed).enumerate().map(numbered).collect(),
            Cow::Owned(Value::Array(list)) => list.into_iter().map(Cow::Owned).enumerate().map(numbered).collect(),
            Cow::Borrowed(Value::Object(map)) => {
                sorted(map).into_iter().map(|(key, value)| (own(key.as_str()), Cow::Borrowed(value))).collect()
            }
            Cow::Owned(Value::Object(map)) => {
                sorted(&map).into_iter().map(|(key, value)| (own(key.as_str()), Cow::Owned(value.clone()))).collect()
            }
            value => match (&*value, value.as_i64()) {
                (Value::Null, _) => Vec::new(),
                (_, Some(count)) if count <= i64::from(STEPS) => (0..count).map(|i| (own(i), own(i))).collect(),
                _ => {
                    let shown = crate::show::plain(&value);
                    let reason = format!("range can't iterate over {shown}");
                    return Err(self.fail(branch.pipe.position, &branch.pipe, reason));
                }
            },
        })
    }

    fn assign(&mut self, name: &str, value: Val<'a>) {
        if let Some((_, slot)) = self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            *slot = value;
        }
    }

    fn variable(&self, name: &str) -> Val<'a> {
        let found = self.variables.iter().rev().find(|(known, _)| *known == name);
        found.map_or(Cow::Owned(NULL), |(_, value)| value.clone())
    }

    /// The field `name` of `value`.
    fn field(&self, value: &Val<'a>, name: &str) -> Result<Val<'a>, String> {
        let found = match value {
            Cow::Borrowed(Value::Object(map)) => map.get(name).map(Cow::Borrowed),
            Cow::Owned(Value::Object(map)) => map.get(name).cloned().map(Cow::Owned),
            _ => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        match &**value {
            // Go's maps have free keys and give nothing for a missing one; its structs have fields in capitals.
            Value::Object(map) if !(self.is_root(value) || is_struct(map)) => Ok(Cow::Owned(NULL)),
            Value::Object(_) => Err(match self.settings.missing {
                Missing::FieldOf(kind) if self.is_root(value) => format!("can't evaluate field {name} in type {kind}"),
                _ => format!("map has no entry for key {name:?}"),
            }),
            Value::Null => Err(format!("nil pointer evaluating interface {{}}.{name}")),
            other => Err(format!("can't evaluate field {name} in type {}", type_name(other))),
        }
    }

    /// What a method of that name gives for `key`; over headings, the key's last part as Docker shows it.
    fn lookup(&self, name: &str, key: &str) -> Option<Val<'a>> {
        let (_, values) = self.settings.lookups.iter().find(|(known, _)| *known == name)?;
        if self.settings.headings {
            let last = key.rsplit('.').next().unwrap_or(key);
            return Some(own(last.replace(['-', '_'], " ")));
        }
        Some(values.get(key).map_or_else(|| own(""), Cow::Borrowed))
    }

    fn is_root(&self, value: &Val<'a>) -> bool {
        matches!(value, Cow::Borrowed(value) if std::ptr::eq(*value, self.root))
    }
}

fn is_struct(map: &serde_json::Map<String, Value>) -> bool {
    !map.is_empty() && map.keys().all(|key| key.starts_with(|c: char| c.is_ascii_uppercase()))
}
