//! Log lines on standard error, as text or JSON, with a level that can change while running.

use pontoon_config::{LogFormat, LogLevel};
use std::io::IsTerminal;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, reload};

/// Changes the level.
pub struct Level(reload::Handle<LevelFilter, Registry>);

impl Level {
    /// From now on.
    pub fn set(&self, level: LogLevel) {
        // Fails only when the subscriber is gone, and with it everybody who could log.
        let _ = self.0.modify(|filter| *filter = level_filter(level));
    }
}

/// Starts logging.
pub fn start(level: LogLevel, format: LogFormat) -> Level {
    let (filter, handle) = reload::Layer::new(level_filter(level));
    let base = tracing_subscriber::registry().with(filter);
    // Colours are for people at a terminal, not for journals and files.
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    // A second start in one process would be refused; the first one stays.
    let _ = match format {
        LogFormat::Text => base.with(lines.with_target(false)).try_init(),
        LogFormat::Json => base.with(lines.json().flatten_event(true)).try_init(),
    };
    Level(handle)
}

fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
