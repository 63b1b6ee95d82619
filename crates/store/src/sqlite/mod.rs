//! Records in SQLite: one writer, batches in transactions, cheap indexes.
//!
//! Write-ahead log with `synchronous=NORMAL`: a commit survives the end of the process; a loss of
//! power may cost the last transactions but never the database. Ids are given here and never
//! reused, in the order of storing. A record is known by its start and key, an index that grows
//! at its end: a key alone is random and would cost a page of its own for every record.

mod insert;
mod schema;
pub(crate) mod select;

pub(crate) use insert::Inserter;

use crate::error::StoreError;
use crate::moment::Moment;
use crate::row::StoredCall;
use b2bua::CallKey;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rows that one transaction of a purge removes, so that new records need not wait long.
const PURGE_BATCH: i64 = 2_000;
/// How long a statement waits for another program that has locked the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection that writes.
pub(crate) struct Database {
    connection: Connection,
    next_id: i64,
}

impl Database {
    /// Opens or makes the database. One that is damaged beyond opening is set aside under another
    /// name, because calls and their records must go on; the name is given back.
    pub(crate) fn open(path: &Path, now: Moment) -> Result<(Database, Option<PathBuf>), StoreError> {
        match Database::open_existing(path) {
            Err(StoreError::Sqlite(error)) if is_damage(&error) => {
                let aside = path.with_extension(format!("damaged-{}", now.0 / 1_000_000));
                std::fs::rename(path, &aside).map_err(StoreError::file(path))?;
                for side in ["-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(side);
                    let mut target = aside.as_os_str().to_owned();
                    target.push(side);
                    let _ = std::fs::rename(name, target);
                }
                Ok((Database::open_existing(path)?, Some(aside)))
            }
            other => Ok((other?, None)),
        }
    }

    fn open_existing(path: &Path) -> Result<Database, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        schema::prepare(&mut connection)?;
        let newest: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM call", [], |r| r.get(0))?;
        let given = meta(&connection, "next_id")?.unwrap_or(0);
        Ok(Database { next_id: given.max(newest + 1), connection })
    }

    /// The id that the next record will have.
    pub(crate) fn next_id(&self) -> i64 {
        self.next_id
    }

    /// Does work in one transaction; on failure nothing of it remains.
    pub(crate) fn transaction<R>(
        &mut self,
        work: impl FnOnce(&mut Inserter<'_>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut inserter = Inserter::new(&transaction, self.next_id)?;
        let result = work(&mut inserter)?;
        let next_id = inserter.next_id();
        drop(inserter);
        transaction.commit()?;
        self.next_id = next_id;
        Ok(result)
    }

    /// Moves the write-ahead log into the database and waits for the disk, so that what it holds
    /// no longer needs the journal even if power is lost.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Whether a record of this call exists that began within `slack` microseconds of `start`.
    pub(crate) fn has_call(&self, key: CallKey, start: Moment, slack: u64) -> Result<bool, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM call WHERE start BETWEEN ?1 AND ?2 AND key = ?3 LIMIT 1")?;
        let bounds = (signed(start.0.saturating_sub(slack)), signed(start.0.saturating_add(slack)));
        let key = key.0.to_be_bytes();
        Ok(statement.query_row((bounds.0, bounds.1, key), |_| Ok(())).optional()?.is_some())
    }

    /// The call of a record, to tell whether a line was written from this database.
    pub(crate) fn key_of(&self, id: i64) -> Result<Option<CallKey>, StoreError> {
        let key: Option<[u8; 16]> = self
            .connection
            .query_row("SELECT key FROM call WHERE id = ?1", [id], |row| row.get(0))
            .optional()?;
        Ok(key.map(|bytes| CallKey(u128::from_be_bytes(bytes))))
    }

    /// Records after an id, for sinks that catch up.
    pub(crate) fn after(&self, id: i64, limit: usize) -> Result<Vec<StoredCall>, StoreError> {
        select::select(
            &self.connection,
            &select::Query { after: Some(id), limit, ..select::Query::default() },
        )
    }

    /// Reads a small number that outlives the process.
    pub(crate) fn meta(&self, name: &str) -> Result<Option<i64>, StoreError> {
        meta(&self.connection, name)
    }

    /// Keeps a small number, in a transaction of its own.
    pub(crate) fn set_meta(&mut self, name: &str, value: i64) -> Result<(), StoreError> {
        insert::set_meta(&self.connection, name, value)
    }

    /// Removes up to a batch of records that began before `horizon` and have an id below
    /// `below_id`; gives how many, which is less than a batch when none are left.
    pub(crate) fn purge(&mut self, horizon: Moment, below_id: i64) -> Result<(usize, bool), StoreError> {
        let next_id = self.next_id;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let doomed: Vec<i64> = transaction
            .prepare_cached("SELECT id FROM call WHERE start < ?1 AND id < ?2 LIMIT ?3")?
            .query_map((signed(horizon.0), below_id, PURGE_BATCH), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if doomed.is_empty() {
            return Ok((0, false));
        }
        {
            let mut call = transaction.prepare_cached("DELETE FROM call WHERE id = ?1")?;
            let mut attempts = transaction.prepare_cached("DELETE FROM attempt WHERE call = ?1")?;
            let mut transfers = transaction.prepare_cached("DELETE FROM transfer WHERE call = ?1")?;
            for id in &doomed {
                call.execute([id])?;
                attempts.execute([id])?;
                transfers.execute([id])?;
            }
        }
        insert::set_meta(&transaction, "next_id", next_id)?;
        transaction.commit()?;
        Ok((doomed.len(), doomed.len() as i64 == PURGE_BATCH))
    }
}

/// A connection that only reads, beside the writer.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn meta(connection: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// SQLite's integers are signed.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
