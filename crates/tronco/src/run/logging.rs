//! The log: lines on stderr, as the configuration wants them.

use config::{Level, Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::filter::LevelFilter;

/// Starts the log of the process.
pub(super) fn start(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let builder =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    let set = match log.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => {
            let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            builder.with_ansi(!forbidden && std::io::stderr().is_terminal()).try_init()
        }
    };
    if let Err(error) = set {
        eprintln!("log: {error}");
    }
}
