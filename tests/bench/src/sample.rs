//! Numbers measured again and again: their middle and their spread. Pure.

use std::fmt;
use std::time::Duration;

/// Measurements of one thing, in one unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds one.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in milliseconds.
    pub fn push_ms(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1000.0);
    }

    /// The value below which `percent` of a hundred lie (nearest rank); `None` of nothing.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    }

    /// The middle.
    pub fn p50(&self) -> Option<f64> {
        self.percentile(50.0)
    }

    /// `p50 (p10–p90, n)` with a unit.
    pub fn shown(&self, unit: &str) -> String {
        match (self.p50(), self.percentile(10.0), self.percentile(90.0)) {
            (Some(p50), Some(p10), Some(p90)) => {
                let value = format!("{} {unit}", Short(p50));
                let spread = format!("({}–{}, n={})", Short(p10), Short(p90), self.0.len());
                if self.0.len() == 1 { value.trim_end().to_owned() } else { format!("{} {spread}", value.trim_end()) }
            }
            _ => "–".to_owned(),
        }
    }
}

/// A number with three digits that count.
pub struct Short(pub f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        let digits = if size >= 100.0 {
            0
        } else if size >= 10.0 {
            1
        } else {
            2
        };
        write!(f, "{:.digits$}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let mut sample = Sample::default();
        assert_eq!((sample.p50(), sample.shown("ms")), (None, "–".to_owned()));
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            sample.push(value);
        }
        assert_eq!((sample.p50(), sample.percentile(10.0), sample.percentile(90.0)), (Some(3.0), Some(1.0), Some(5.0)));
        assert_eq!(sample.shown("ms"), "3.00 ms (1.00–5.00, n=5)");
    }

    #[test]
    fn numbers_are_shown_with_three_digits() {
        for (number, text) in [(0.123, "0.12"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234"), (-12.34, "-12.3")] {
            assert_eq!(Short(number).to_string(), text);
        }
    }
}
