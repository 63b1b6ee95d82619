//! What users have registered: kept beside the records while the node runs, given back to it at the start.

use b2bua::Command;
use b2bua::view::KeptBinding;
use runtime::NodeHandle;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::warn;

/// Changes are written this often.
const EVERY: Duration = Duration::from_secs(2);

/// Writes what is registered as it changes.
pub(super) struct Registered {
    writing: Option<JoinHandle<()>>,
    keeper: Option<Keeper>,
}

#[derive(Clone)]
struct Keeper {
    node: NodeHandle,
    directory: PathBuf,
}

impl Registered {
    /// Gives the node what the last process kept, and keeps what is registered from now on, below the directory of
    /// the records; without one nothing is kept.
    pub(super) fn start(node: NodeHandle, directory: Option<&str>) -> Registered {
        let Some(directory) = directory.map(PathBuf::from) else {
            return Registered { writing: None, keeper: None };
        };
        let kept = store::read_registered(&directory);
        if !kept.is_empty() && node.command(Command::Restore(kept)).is_err() {
            warn!("what was registered could not be restored; users register anew");
        }
        let keeper = Keeper { node, directory };
        let writing = tokio::spawn(keeper.clone().write_changes());
        Registered { writing: Some(writing), keeper: Some(keeper) }
    }

    /// Writes it once more; nothing afterwards.
    pub(super) async fn stop(self) {
        if let (Some(writing), Some(keeper)) = (self.writing, self.keeper) {
            writing.abort();
            let _ = keeper.write(None).await;
        }
    }
}

impl Keeper {
    async fn write_changes(self) {
        let mut last = None;
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once, before what was kept has been given back.
        tick.tick().await;
        loop {
            tick.tick().await;
            if let Some(now) = self.write(last.as_ref()).await {
                last = Some(now);
            }
        }
    }

    /// Writes what is registered, unless it is as before; gives what was written.
    async fn write(&self, last: Option<&Vec<KeptBinding>>) -> Option<Vec<KeptBinding>> {
        let node = self.node.clone();
        let now = tokio::task::spawn_blocking(move || node.bindings()).await.ok()?.ok()?;
        if last.map_or(now.is_empty(), |last| *last == now) {
            return None;
        }
        let (directory, rows) = (self.directory.clone(), now.clone());
        let written =
            tokio::task::spawn_blocking(move || store::write_registered(&directory, &rows)).await.ok()?;
        if let Err(error) = written {
            warn!("what is registered could not be kept: {error}");
        }
        Some(now)
    }
}
