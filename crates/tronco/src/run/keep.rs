//! The records of a running node: opened, journalled to, closed; or none at all.

use b2bua::JournalEvent;
use config::Config;
use runtime::{JournalError, JournalSink, NoJournal};
use std::path::Path;
use std::sync::Arc;
use store::{Store, StoreError, StoreOptions};
use tracing::warn;

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

/// An open store, or none because the configuration wants none.
pub(super) struct Kept(Option<Arc<Store>>);

/// How closing went.
pub(super) enum StoppedRecords {
    /// All that was journalled is a record.
    Closed,
    /// The rest becomes records at the next start.
    Behind(StoreError),
}

/// Opens what the configuration names.
pub(super) fn open(config: &Config) -> Result<(Kept, Box<dyn JournalSink>), StoreError> {
    let Some(directory) = &config.records.path else {
        return Ok((Kept(None), Box::new(NoJournal)));
    };
    let options = StoreOptions {
        jsonl: config.records.jsonl.as_ref().map(Into::into),
        keep_days: config.records.keep_days,
        node: config.node.name.clone(),
        segment_bytes: 0,
        sync: config.records.sync,
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
    Ok((Kept(Some(Arc::new(store))), Box::new(Journal(journal))))
}

impl Kept {
    /// The store, when there is one.
    pub(super) fn store(&self) -> Option<Arc<Store>> {
        self.0.clone()
    }

    /// Commits what was journalled. An export that still runs may hold the store a little longer; it
    /// only reads.
    pub(super) fn close(self) -> StoppedRecords {
        let closed = match self.0.map(Arc::try_unwrap) {
            None => Ok(()),
            Some(Ok(store)) => store.close(),
            Some(Err(shared)) => shared.flush(),
        };
        closed.map_or_else(StoppedRecords::Behind, |()| StoppedRecords::Closed)
    }
}
