//! The table of results, in Markdown.
//!
//! Must never show a number that was not measured: what is missing is a dash, what failed says why.

use crate::sample::{Sample, Short};
use std::fmt::Write as _;

/// A promise: the most or the least a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At most.
    Most(f64),
    /// At least.
    Least(f64),
    /// None: told for information.
    None,
}

impl Target {
    fn met(self, value: f64) -> Option<bool> {
        match self {
            Self::Most(limit) => Some(value <= limit),
            Self::Least(limit) => Some(value >= limit),
            Self::None => None,
        }
    }

    fn shown(self, unit: &str) -> String {
        match self {
            Self::Most(limit) => format!("≤ {limit} {unit}").trim_end().to_owned(),
            Self::Least(limit) => format!("≥ {limit} {unit}").trim_end().to_owned(),
            Self::None => "–".to_owned(),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// Ours.
    pub ours: Sample,
    /// dockerd's, measured in the same run.
    pub dockerd: Option<Sample>,
    /// What is promised.
    pub target: Target,
}

impl Line {
    /// A line without dockerd's side.
    pub fn new(what: impl Into<String>, unit: &'static str, ours: Sample, target: Target) -> Self {
        Self { what: what.into(), unit, ours, dockerd: None, target }
    }

    /// The same with dockerd's side, where it was measured.
    pub fn beside(mut self, dockerd: Option<Sample>) -> Self {
        self.dockerd = dockerd;
        self
    }

    /// A line of one number.
    pub fn one(what: impl Into<String>, unit: &'static str, value: f64, target: Target) -> Self {
        let mut ours = Sample::default();
        ours.push(value);
        Self::new(what, unit, ours, target)
    }

    /// Whether the middle keeps the promise; `None` where there is no promise.
    pub fn met(&self) -> Option<bool> {
        self.ours.p50().and_then(|value| self.target.met(value))
    }

    fn row(&self) -> String {
        let dockerd = self.dockerd.as_ref().map_or_else(|| "–".to_owned(), |sample| sample.shown(self.unit));
        let ratio = match (self.dockerd.as_ref().and_then(Sample::p50), self.ours.p50()) {
            (Some(theirs), Some(ours)) if theirs > 0.0 => format!("{} ×", Short(ours / theirs)),
            _ => "–".to_owned(),
        };
        let met = match self.met() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let (ours, target) = (self.ours.shown(self.unit), self.target.shown(self.unit));
        format!("| {} | {ours} | {dockerd} | {ratio} | {target} | {met} |", self.what)
    }
}

/// Everything a run found.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
    failures: Vec<(&'static str, String)>,
}

impl Report {
    /// Adds results.
    pub fn add(&mut self, lines: Vec<Line>) {
        self.lines.extend(lines);
    }

    /// Notes that a row could not be measured.
    pub fn fail(&mut self, row: &'static str, why: String) {
        self.failures.push((row, why));
    }

    /// Whether every row that was asked for was measured.
    pub fn is_whole(&self) -> bool {
        self.failures.is_empty()
    }

    /// How many promises are not kept.
    pub fn missed(&self) -> usize {
        self.lines.iter().filter(|line| line.met() == Some(false)).count()
    }

    /// The table.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| what | pontoond: p50 (p10–p90) | dockerd | ours ÷ dockerd | target | met |\n|---|---|---|---|---|---|\n",
        );
        for line in &self.lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", line.row());
        }
        for (row, why) in &self.failures {
            let _ = writeln!(text, "| {row} | **not measured**: {why} | – | – | – | – |");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_ratio_and_whether_the_promise_is_kept() {
        let mut report = Report::default();
        let mut theirs = Sample::default();
        theirs.push(20.0);
        report.add(vec![Line::one("create", "ms", 2.0, Target::Most(4.0)).beside(Some(theirs))]);
        report.add(vec![Line::one("ratio", "", 0.5, Target::Least(0.9)), Line::one("told", "MB", 1.0, Target::None)]);
        assert_eq!((report.is_whole(), report.missed()), (true, 1));
        report.fail("names", "no resolver".into());
        assert!(!report.is_whole());
        let text = report.markdown();
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(rows[0], "| create | 2.00 ms | 20.0 ms | 0.10 × | ≤ 4 ms | yes |");
        assert!(rows[1].ends_with("| – | – | ≥ 0.9 | **no** |"), "{}", rows[1]);
        assert!(rows[2].ends_with("| – | – |"), "{}", rows[2]);
        assert_eq!(rows[3], "| names | **not measured**: no resolver | – | – | – | – |");
    }
}
