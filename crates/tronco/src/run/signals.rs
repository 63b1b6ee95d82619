//! Signals and the watch over the node: SIGHUP reloads, SIGTERM and SIGINT stop, a second one hurries.
//!
//! Questions to the node wait for its thread, so each is asked on a thread of its own. Enter through
//! [`Signals::wait`], then [`Signals::stop`].

use super::service;
use crate::load::load;
use crate::load::sounds::load_sounds;
use api::{ConfigText, ReloadState};
use b2bua::{Command, Snapshot};
use runtime::{Node, NodeHandle, Secrets, Stopped};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{error, info, warn};

/// How often the signalling thread is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a service manager is asked for patience while calls are waited for.
const PATIENCE_EVERY: Duration = Duration::from_secs(10);
/// After a second signal the last messages of calls have this long.
const HURRY: Duration = Duration::from_secs(3);

/// The signals of this process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// Configurations applied.
    revision: u64,
    watchdog: Option<Interval>,
}

/// The next tick, or never.
async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

fn feed_watchdog(node: NodeHandle) {
    // A node that does not answer is not alive, and the service manager may end it.
    tokio::task::spawn_blocking(move || match node.status() {
        Ok(_) => service::alive(),
        Err(gone) => warn!("the watchdog is not fed: {gone}"),
    });
}

impl Signals {
    /// Takes over the signals.
    pub(super) fn listen() -> io::Result<Signals> {
        let every = |period: Duration| {
            let mut interval = interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            revision: 1,
            watchdog: service::watchdog().map(every),
        })
    }

    /// Waits for the signal to stop; reloads meanwhile.
    pub(super) async fn wait(&mut self, path: &Path, node: &Node, reload: &ReloadState) -> io::Result<()> {
        let mut look = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Ok(()),
                _ = self.interrupt.recv() => return Ok(()),
                _ = self.hangup.recv() => {
                    service::reloading();
                    let outcome = self.reload(path, node.handle()).await;
                    reload.tell(outcome);
                    service::ready();
                }
                () = tick(&mut self.watchdog) => feed_watchdog(node.handle()),
                _ = look.tick() => {
                    if node.has_ended() {
                        return Err(io::Error::other("the signalling thread has ended"));
                    }
                }
            }
        }
    }

    /// Applies the file anew, or says why the running configuration stays.
    async fn reload(&mut self, path: &Path, node: NodeHandle) -> Result<ConfigText, String> {
        let (path, revision): (PathBuf, u64) = (path.to_path_buf(), self.revision + 1);
        let applied = tokio::task::spawn_blocking(move || apply(&path, revision, &node)).await;
        let outcome = applied.unwrap_or_else(|_| Err("a fault of ours; see the log".to_owned()));
        match &outcome {
            Ok(_) => {
                self.revision = revision;
                info!(revision, "reloaded");
            }
            Err(why) => {
                why.lines().for_each(|line| error!("{line}"));
                error!("not reloaded: the running configuration stays");
            }
        }
        outcome
    }

    /// Stops the node; a second signal ends its calls at once instead of waiting for them.
    pub(super) async fn stop(&mut self, node: Node, drain: Duration) -> Stopped {
        let handle = node.handle();
        let mut stopping = tokio::task::spawn_blocking(move || node.stop(drain));
        let mut patience = interval(PATIENCE_EVERY);
        let hurry = tokio::select! {
            stopped = &mut stopping => return stopped.unwrap_or_default(),
            () = async {
                loop {
                    tokio::select! {
                        _ = self.terminate.recv() => return,
                        _ = self.interrupt.recv() => return,
                        () = tick(&mut self.watchdog) => feed_watchdog(handle.clone()),
                        _ = patience.tick() => service::still_stopping(),
                    }
                }
            } => handle.command(Command::EndAll),
        };
        match hurry {
            Ok(()) => warn!("a second signal: all calls are ended now"),
            Err(gone) => warn!("a second signal: {gone}"),
        }
        match tokio::time::timeout(HURRY, stopping).await {
            Ok(stopped) => stopped.unwrap_or_default(),
            // What is not recorded yet is in the journal, and becomes records at the next start.
            Err(_) => Stopped::default(),
        }
    }
}

fn apply(path: &Path, revision: u64, node: &NodeHandle) -> Result<ConfigText, String> {
    let mut loaded = load(path).map_err(|error| error.to_string())?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    Secrets::from_env().open(&mut loaded.config).map_err(|error| error.to_string())?;
    let (sounds, errors) = load_sounds(&loaded.config, &loaded.places);
    if let Some(error) = errors.first() {
        return Err(error.to_string());
    }
    let next = Arc::new(Snapshot::new(loaded.config, revision).with_sounds(sounds));
    node.apply(next).map_err(|error| error.to_string())?;
    Ok(loaded.text)
}
