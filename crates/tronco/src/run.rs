//! `tronco run`: the server, from the first check to the last record.

use crate::exit;
use crate::load::{LoadError, load};
use b2bua::{JournalEvent, Snapshot};
use config::{Config, LogFormat};
use runtime::{JournalError, JournalSink, Node, NodeHandle, NodeOptions, Secrets};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::{Store, StoreError, StoreOptions};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

/// Where records and the journal live when the configuration does not say.
const DATA_DIRECTORY: &str = "/var/lib/tronco";

/// The store's journal as the runtime wants it.
struct Journal(store::Journal);

impl JournalSink for Journal {
    fn append(&mut self, events: &[JournalEvent]) -> Result<(), JournalError> {
        self.0.append(events).map_err(|error| match error {
            StoreError::JournalHeld { source, .. } => JournalError::Write(source),
            StoreError::JournalDropped { .. } => JournalError::Full,
            _ => JournalError::Closed,
        })
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(path: &Path) -> ExitCode {
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(exit::CONFIG);
        }
    };
    start_log(&loaded.config);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match started {
        Ok(tokio) => tokio.block_on(serve(path, loaded.config)),
        Err(error) => failed("no event loop", &error, exit::FAILED),
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    error!("{what}: {error}");
    ExitCode::from(code)
}

async fn serve(path: &Path, config: Config) -> ExitCode {
    let drain = config.signalling.drain_timeout;
    let (store, journal) = match open_store(&config) {
        Ok(opened) => opened,
        Err(error) => return failed("records cannot be kept", &error, exit::FAILED),
    };
    let snapshot = Arc::new(Snapshot::new(config, 1));
    let options = NodeOptions {
        snapshot,
        secrets: Secrets::from_env(),
        journal: Box::new(Journal(journal)),
        seed: None,
        cpu: None,
    };
    let node = match Node::start(options) {
        Ok(node) => node,
        Err(error) => {
            let code = if error.is_configuration() { exit::CONFIG } else { exit::FAILED };
            return failed("not started", &error, code);
        }
    };
    let ports: Vec<String> =
        node.local_addresses().iter().map(|a| format!("{} {}:{}", a.name, a.transport, a.address)).collect();
    info!(version = env!("CARGO_PKG_VERSION"), listening = ports.join(", "), "ready");
    notify(&[sd_notify::NotifyState::Ready]);
    let code = match wait(path, &node).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed("stopping", &error, exit::FAILED),
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    info!(drain_seconds = drain.as_secs(), "draining");
    let stopped = tokio::task::spawn_blocking(move || node.stop(drain)).await.unwrap_or_default();
    info!(ended = stopped.ended_calls, cut = stopped.cut_calls, "stopped");
    match store.close() {
        Ok(()) => code,
        Err(error) => failed("records not closed", &error, exit::FAILED),
    }
}

fn open_store(config: &Config) -> Result<(Store, store::Journal), StoreError> {
    let directory = config.records.path.as_deref().unwrap_or(DATA_DIRECTORY);
    let options = StoreOptions {
        jsonl: config.records.jsonl.as_ref().map(Into::into),
        keep_days: config.records.keep_days,
        node: config.node.name.clone(),
        segment_bytes: 0,
    };
    let (store, recovered) = Store::open(Path::new(directory), options)?;
    if recovered.crashed_calls > 0 || recovered.replayed_records > 0 {
        warn!(
            crashed_calls = recovered.crashed_calls,
            replayed_records = recovered.replayed_records,
            "the last process did not stop by itself; its calls have their records now"
        );
    }
    let journal = store.journal()?;
    Ok((store, journal))
}

/// Waits for the signal to stop; reloads meanwhile.
async fn wait(path: &Path, node: &Node) -> std::io::Result<()> {
    let listen = |kind| -> std::io::Result<Signal> { signal(kind) };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut watch = tokio::time::interval(Duration::from_secs(1));
    let mut revision = 1;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => reload(path, &node.handle(), &mut revision),
            _ = watch.tick() => {
                if node.has_ended() {
                    return Err(std::io::Error::other("the signalling thread has ended"));
                }
            }
        }
    }
}

/// Applies the file anew, or says why the running configuration stays.
fn reload(path: &Path, node: &NodeHandle, revision: &mut u64) {
    notify(&[sd_notify::NotifyState::Reloading]);
    match load(path) {
        Err(LoadError::Unreadable(text) | LoadError::Invalid(text) | LoadError::TestsFailed(text)) => {
            for line in text.lines() {
                error!("{line}");
            }
            error!("not reloaded: the running configuration stays");
        }
        Ok(loaded) => {
            for warning in &loaded.warnings {
                warn!("{warning}");
            }
            let next = Arc::new(Snapshot::new(loaded.config, *revision + 1));
            match node.apply(next) {
                Ok(()) => {
                    *revision += 1;
                    info!(revision = *revision, "reloaded");
                }
                Err(error) => error!("not reloaded: {error}; the running configuration stays"),
            }
        }
    }
    notify(&[sd_notify::NotifyState::Ready]);
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("the service manager cannot be told: {error}");
    }
}

fn start_log(config: &Config) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match config.log.level {
        config::Level::Error => LevelFilter::ERROR,
        config::Level::Warn => LevelFilter::WARN,
        config::Level::Info => LevelFilter::INFO,
        config::Level::Debug => LevelFilter::DEBUG,
        config::Level::Trace => LevelFilter::TRACE,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    let set = match config.log.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => {
            let colour = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
            builder.with_ansi(colour).try_init()
        }
    };
    if let Err(error) = set {
        eprintln!("log: {error}");
    }
}
