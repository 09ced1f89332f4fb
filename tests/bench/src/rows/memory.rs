//! Resident memory: with nothing to do, and for each endpoint.

use super::Bench;
use super::crowd::ENDPOINTS;
use crate::error::Result;
use crate::report::{Line, Target};
use crate::sample::Sample;

/// The row.
pub fn memory(bench: &mut Bench) -> Result<Vec<Line>> {
    let theirs = match &bench.dockerd {
        Some(dockerd) => {
            let mut sample = Sample::default();
            sample.push(dockerd.resident()? / 1024.0);
            Some(sample)
        }
        None => None,
    };
    let crowd = bench.crowd()?;
    let each = (crowd.full - crowd.idle) / ENDPOINTS as f64;
    Ok(vec![
        Line::one("resident memory, idle", "MB", crowd.idle / 1024.0, Target::Most(25.0)).beside(theirs),
        Line::one("resident memory per endpoint (of 1000)", "KB", each, Target::Most(16.0)),
    ])
}
