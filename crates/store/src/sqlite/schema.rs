//! Tables, indexes and their versions.

use crate::error::StoreError;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// The newest schema that is known here.
const VERSION: i64 = 1;

/// Times are microseconds since 1970 (UTC), jitter and round trip microseconds, MOS times 100.
/// `trunks` holds the trunk in and those of all attempts, each between commas. `call_search`
/// covers what queries ask for and grows at its end, so it costs little when records come in.
const SCHEMA_1: &str = "
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE call (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    node TEXT NOT NULL,
    revision INTEGER NOT NULL,
    trunk_in TEXT NOT NULL,
    trunk_out TEXT NOT NULL,
    trunks TEXT NOT NULL,
    source TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    route TEXT NOT NULL,
    caller_received TEXT NOT NULL,
    called_received TEXT NOT NULL,
    caller TEXT NOT NULL,
    called TEXT NOT NULL,
    asserted_received TEXT NOT NULL,
    diversion_received TEXT NOT NULL,
    start INTEGER NOT NULL,
    progress INTEGER,
    early_media INTEGER,
    answer INTEGER,
    end INTEGER NOT NULL,
    end_estimated INTEGER NOT NULL,
    status INTEGER NOT NULL,
    q850 INTEGER NOT NULL,
    reason TEXT NOT NULL,
    released_by TEXT NOT NULL,
    decision TEXT NOT NULL,
    codec TEXT,
    media_ms INTEGER,
    caller_packets INTEGER,
    caller_expected INTEGER,
    caller_lost INTEGER,
    caller_dropped INTEGER,
    caller_jitter INTEGER,
    caller_jitter_max INTEGER,
    caller_rtt INTEGER,
    caller_mos_min INTEGER,
    caller_mos_avg INTEGER,
    caller_one_way INTEGER,
    caller_silence_ms INTEGER,
    caller_source TEXT,
    callee_packets INTEGER,
    callee_expected INTEGER,
    callee_lost INTEGER,
    callee_dropped INTEGER,
    callee_jitter INTEGER,
    callee_jitter_max INTEGER,
    callee_rtt INTEGER,
    callee_mos_min INTEGER,
    callee_mos_avg INTEGER,
    callee_one_way INTEGER,
    callee_silence_ms INTEGER,
    callee_source TEXT
);
CREATE UNIQUE INDEX call_key ON call (start, key);
CREATE INDEX call_search ON call
    (start, caller, called, caller_received, called_received, trunks, reason, status);
CREATE TABLE attempt (
    call INTEGER NOT NULL,
    number INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    trunk TEXT NOT NULL,
    gateway TEXT NOT NULL,
    target TEXT NOT NULL,
    transport TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    caller_sent TEXT NOT NULL,
    called_sent TEXT NOT NULL,
    start INTEGER NOT NULL,
    progress INTEGER,
    answer INTEGER,
    end INTEGER,
    status INTEGER NOT NULL,
    q850 INTEGER,
    reason TEXT NOT NULL,
    PRIMARY KEY (call, number)
) WITHOUT ROWID;
";

/// Sets the connection up and brings the schema to [`VERSION`].
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "PRAGMA journal_mode=WAL;
         PRAGMA synchronous=NORMAL;
         PRAGMA cache_size=-16384;
         PRAGMA temp_store=MEMORY;
         PRAGMA wal_autocheckpoint=4000;
         PRAGMA journal_size_limit=67108864;",
    )?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let exists = transaction
        .query_row("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'", [], |_| Ok(()))
        .optional()?
        .is_some();
    if exists {
        let found: i64 = transaction.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?;
        if found > VERSION {
            return Err(StoreError::SchemaTooNew { found, known: VERSION });
        }
    } else {
        transaction.execute_batch(SCHEMA_1)?;
        transaction.execute("INSERT INTO schema_version (version) VALUES (?1)", [VERSION])?;
    }
    transaction.commit()?;
    Ok(())
}
