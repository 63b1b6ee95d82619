//! `tronco run`: the server, from the first check to the last record.
//!
//! What must exist before a call is taken is made in this order: the control socket (it tells whether
//! another node runs here), the records, the node. Enter through [`run`].

mod fast;
mod keep;
mod logging;
mod obstacle;
mod registered;
mod service;
mod signals;

pub(crate) use obstacle::Obstacle;

use crate::exit;
use crate::load::sounds::load_sounds;
use crate::load::{Loaded, load};
use api::{ReloadState, Server, Socket, Subject};
use b2bua::Snapshot;
use keep::{Kept, StoppedRecords};
use registered::Registered;
use runtime::{Node, NodeOptions, Secrets};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tracing::{error, info, warn};

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(path: &Path) -> ExitCode {
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(exit::CONFIG);
        }
    };
    logging::start(&loaded.config.log);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let tokio = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(tokio) => tokio,
        Err(error) => return hindered(&error.into()),
    };
    let code = tokio.block_on(serve(path, loaded));
    // A question that still waits for its answer must not hold the process.
    tokio.shutdown_background();
    code
}

fn hindered(obstacle: &Obstacle) -> ExitCode {
    error!("{obstacle}");
    ExitCode::from(obstacle.code())
}

/// A node with all that belongs to it.
pub(crate) struct Running {
    node: Node,
    server: Server,
    kept: Kept,
    registered: Registered,
    reload: ReloadState,
}

impl Running {
    /// The records, when any are kept.
    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        self.kept.store()
    }

    /// Ends it by itself: calls have `drain` to end, then all is closed.
    pub(crate) async fn halt(self, drain: Duration) {
        let Running { node, server, kept, registered, .. } = self;
        registered.stop().await;
        let stopping = tokio::task::spawn_blocking(move || node.stop(drain));
        if let Err(error) = stopping.await {
            error!("stopping: {error}");
        }
        server.stop().await;
        if let StoppedRecords::Behind(error) = kept.close() {
            error!("records not closed: {error}");
        }
    }
}

/// Starts everything that serves calls; within a tokio runtime.
pub(crate) fn start(path: &Path, loaded: Loaded) -> Result<Running, Obstacle> {
    let (name, places) = (loaded.text.name.clone(), loaded.places.clone());
    let jsonl = loaded.config.records.jsonl.clone();
    assemble(path, loaded).map_err(|obstacle| obstacle.placed(&name, &places, jsonl.as_deref()))
}

fn assemble(path: &Path, loaded: Loaded) -> Result<Running, Obstacle> {
    let Loaded { mut config, text, places, .. } = loaded;
    let secrets = Secrets::from_env();
    secrets.open(&mut config)?;
    let socket = Socket::claim(Path::new(&config.api.socket))?;
    let (kept, journal) = keep::open(&config)?;
    let directory = config.records.path.clone();
    let (sounds, errors) = load_sounds(&config, &places);
    errors.into_iter().next().map_or(Ok(()), Err)?;
    let snapshot = Arc::new(Snapshot::new(config, 1).with_sounds(sounds));
    let fast_path = fast::start(&snapshot.config)?;
    let options = NodeOptions { snapshot, secrets, journal, seed: None, cpu: None, fast_path };
    let node = Node::start(options)?;
    let registered = Registered::start(node.handle(), directory.as_deref());
    let ports: Vec<String> =
        node.local_addresses().iter().map(|a| format!("{} {}:{}", a.name, a.transport, a.address)).collect();
    let reload = ReloadState::new(text);
    let control = socket.path().display().to_string();
    let subject = Subject {
        node: node.handle(),
        store: kept.store(),
        config: path.display().to_string(),
        reload: reload.clone(),
    };
    let server = Server::start(socket, subject)?;
    let version = env!("CARGO_PKG_VERSION");
    info!(version, listening = ports.join(", "), control, "ready");
    Ok(Running { node, server, kept, registered, reload })
}

async fn serve(path: &Path, loaded: Loaded) -> ExitCode {
    let drain = loaded.config.signalling.drain_timeout;
    let mut signals = match signals::Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return hindered(&error.into()),
    };
    let Running { node, server, kept, registered, reload } = match start(path, loaded) {
        Ok(running) => running,
        Err(obstacle) => return hindered(&obstacle),
    };
    service::ready();
    let mut code = match signals.wait(path, &node, &reload).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("stopping: {error}");
            ExitCode::from(exit::FAILED)
        }
    };
    service::stopping();
    registered.stop().await;
    info!(drain_seconds = drain.as_secs(), "draining; a second signal ends all calls at once");
    let stopped = signals.stop(node, drain).await;
    info!(ended = stopped.ended_calls, cut = stopped.cut_calls, "stopped");
    server.stop().await;
    match kept.close() {
        StoppedRecords::Closed => {}
        StoppedRecords::Behind(error) => {
            error!("records not closed: {error}");
            code = ExitCode::from(exit::FAILED);
        }
    }
    code
}
