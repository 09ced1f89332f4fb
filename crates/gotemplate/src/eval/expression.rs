//! Pipelines, commands and operands.

use super::{OUTPUT, Run};
use crate::Error;
use crate::ast::{Command, Operand, Pipe, Term};
use crate::functions;
use crate::value::{NULL, Val, own, truth};
use serde_json::Value;
use std::borrow::Cow;

impl<'a> Run<'a> {
    /// The value of the last command, after setting the variables the pipeline declares (a range sets its own).
    pub(super) fn pipe(&mut self, pipe: &'a Pipe, dot: &Val<'a>) -> Result<Val<'a>, Error> {
        let mut value: Option<Val<'a>> = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        let value = value.unwrap_or(Cow::Owned(NULL));
        if let [name] = pipe.declared.as_slice() {
            if pipe.assigns {
                self.assign(name, value.clone());
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &'a Command, dot: &Val<'a>, last: Option<Val<'a>>) -> Result<Val<'a>, Error> {
        self.step(command.position)?;
        let [first, arguments @ ..] = command.operands.as_slice() else { return Ok(Cow::Owned(NULL)) };
        if let Term::Function(name) = &first.term {
            return self.call(command, name, arguments, dot, last);
        }
        if arguments.is_empty() && last.is_none() {
            if matches!(first.term, Term::Nil) {
                return Err(self.fail(first.position, "nil", "nil is not a command"));
            }
            return self.operand(first, dot);
        }
        if let (Term::Field(names), [argument], None) = (&first.term, arguments, &last)
            && let ([name], Value::String(key)) = (names.as_slice(), &*self.operand(argument, dot)?)
            && self.is_root(dot)
            && let Some(value) = self.lookup(name, key)
        {
            return Ok(value);
        }
        let reason = match &first.term {
            Term::Field(names) | Term::Chain(_, names) => {
                let name = names.last().map_or("", String::as_str);
                self.operand(first, dot)?;
                format!("{name} is not a method but has arguments")
            }
            Term::Variable(_, names) if !names.is_empty() => {
                format!("{} is not a method but has arguments", names.last().map_or("", String::as_str))
            }
            term => format!("can't give argument to non-function {term}"),
        };
        Err(self.fail(first.position, &first.term, reason))
    }

    fn call(
        &mut self,
        command: &'a Command,
        name: &'a str,
        arguments: &'a [Operand],
        dot: &Val<'a>,
        last: Option<Val<'a>>,
    ) -> Result<Val<'a>, Error> {
        if matches!(name, "and" | "or") {
            return self.short_circuit(command, name, arguments, dot, last);
        }
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.operand(argument, dot)?);
        }
        values.extend(last);
        let result = functions::call(name, values, self.settings.headings);
        let value = result.map_err(|reason| self.fail(command.position, command, reason))?;
        if matches!(&*value, Value::String(text) if text.len() > OUTPUT / 4) {
            return Err(self.fail(command.position, command, "the value is too long"));
        }
        Ok(value)
    }

    /// `and` and `or` stop at the first argument that decides.
    fn short_circuit(
        &mut self,
        command: &'a Command,
        name: &str,
        arguments: &'a [Operand],
        dot: &Val<'a>,
        last: Option<Val<'a>>,
    ) -> Result<Val<'a>, Error> {
        let mut value = None;
        for argument in arguments {
            let next = self.operand(argument, dot)?;
            let decided = truth(&next) == (name == "or");
            value = Some(next);
            if decided {
                return Ok(value.unwrap_or(Cow::Owned(NULL)));
            }
        }
        last.or(value).ok_or_else(|| {
            let reason = format!("wrong number of args for {name}: want at least 1 got 0");
            self.fail(command.position, command, reason)
        })
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Val<'a>) -> Result<Val<'a>, Error> {
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Cow::Owned(NULL)),
            Term::Bool(value) => Ok(own(*value)),
            Term::Number(value, _) => Ok(Cow::Owned(Value::Number(value.clone()))),
            Term::Text(value, _) => Ok(own(value.as_str())),
            Term::Field(names) => self.fields(operand, dot.clone(), names),
            Term::Variable(name, names) => self.fields(operand, self.variable(name), names),
            Term::Pipe(pipe) => {
                let known = self.variables.len();
                let value = self.pipe(pipe, dot);
                self.variables.truncate(known);
                value
            }
            Term::Chain(inner, names) => {
                let value = self.operand(inner, dot)?;
                if matches!(*value, Value::Null) {
                    let name = names.first().map_or("", String::as_str);
                    let reason = format!("nil pointer evaluating interface {{}}.{name}");
                    return Err(self.fail(operand.position, &operand.term, reason));
                }
                self.fields(operand, value, names)
            }
            Term::Function(name) => {
                let result = functions::call(name, Vec::new(), self.settings.headings);
                result.map_err(|reason| self.fail(operand.position, name, reason))
            }
        }
    }

    fn fields(&self, operand: &Operand, value: Val<'a>, names: &[String]) -> Result<Val<'a>, Error> {
        let found = names.iter().try_fold(value, |value, name| self.field(&value, name));
        found.map_err(|reason| self.fail(operand.position, &operand.term, reason))
    }
}
