//! Tables, indexes and their versions.

use crate::error::StoreError;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// The newest schema that is known here.
const VERSION: i64 = 11;

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

/// Columns that records had not from the beginning; they stand at the end of their tables.
const SCHEMA_2: &str = "
ALTER TABLE call ADD COLUMN trace_id TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN site_in TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN site_out TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN preferred_received TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN site TEXT NOT NULL DEFAULT '';
";

/// Who an attempt named.
const SCHEMA_3: &str = "
ALTER TABLE attempt ADD COLUMN from_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN asserted_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN preferred_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN remote_party_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN privacy_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN diversion_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN history_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN called_party_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN charge_sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN referred_by_sent TEXT NOT NULL DEFAULT '';
";

/// Transfers; `joined` is the call that was joined.
const SCHEMA_4: &str = "
CREATE TABLE transfer (
    call INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    how TEXT NOT NULL,
    released_by TEXT NOT NULL,
    trunk TEXT NOT NULL,
    caller TEXT NOT NULL,
    called TEXT NOT NULL,
    joined TEXT NOT NULL,
    status INTEGER NOT NULL,
    PRIMARY KEY (call, number)
) WITHOUT ROWID;
";

/// How each leg's media were protected.
const SCHEMA_5: &str = "
ALTER TABLE call ADD COLUMN caller_security TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_security TEXT NOT NULL DEFAULT '';
";

/// How a call was recorded.
const SCHEMA_6: &str = "
ALTER TABLE call ADD COLUMN recording TEXT NOT NULL DEFAULT '';
";

/// How each side sounded; units are those of [`crate::QualityRow`].
const SCHEMA_7: &str = "
ALTER TABLE call ADD COLUMN caller_one_way_why TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN caller_late INTEGER;
ALTER TABLE call ADD COLUMN caller_duplicates INTEGER;
ALTER TABLE call ADD COLUMN caller_out_of_order INTEGER;
ALTER TABLE call ADD COLUMN caller_bursts INTEGER;
ALTER TABLE call ADD COLUMN caller_burst_density INTEGER;
ALTER TABLE call ADD COLUMN caller_burst_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_gap_density INTEGER;
ALTER TABLE call ADD COLUMN caller_gap_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_rtt_max_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_lost INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_loss INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_jitter_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_concealed_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_silent INTEGER;
ALTER TABLE call ADD COLUMN caller_noise_packets INTEGER;
ALTER TABLE call ADD COLUMN caller_drift_ppm INTEGER;
ALTER TABLE call ADD COLUMN caller_one_way_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_mos INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_r_factor INTEGER;
ALTER TABLE call ADD COLUMN callee_one_way_why TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_late INTEGER;
ALTER TABLE call ADD COLUMN callee_duplicates INTEGER;
ALTER TABLE call ADD COLUMN callee_out_of_order INTEGER;
ALTER TABLE call ADD COLUMN callee_bursts INTEGER;
ALTER TABLE call ADD COLUMN callee_burst_density INTEGER;
ALTER TABLE call ADD COLUMN callee_burst_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_gap_density INTEGER;
ALTER TABLE call ADD COLUMN callee_gap_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_rtt_max_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_lost INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_loss INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_jitter_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_concealed_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_silent INTEGER;
ALTER TABLE call ADD COLUMN callee_noise_packets INTEGER;
ALTER TABLE call ADD COLUMN callee_drift_ppm INTEGER;
ALTER TABLE call ADD COLUMN callee_one_way_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_mos INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_r_factor INTEGER;
";

/// What peers said in extended reports.
const SCHEMA_8: &str = "
ALTER TABLE call ADD COLUMN caller_peer_loss_mean INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_discard INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_burst_density INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_burst_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_gap_density INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_gap_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_rtt_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_end_system_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_peer_mos_listening INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_loss_mean INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_discard INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_burst_density INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_burst_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_gap_density INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_gap_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_rtt_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_end_system_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_peer_mos_listening INTEGER;
";

/// What each side spoke, and what became of it.
const SCHEMA_9: &str = "
ALTER TABLE call ADD COLUMN caller_codec TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN caller_recoded_to TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN caller_recoded_why TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_codec TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_recoded_to TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_recoded_why TEXT NOT NULL DEFAULT '';
";

/// Whose packets were not believed.
const SCHEMA_10: &str = "
ALTER TABLE call ADD COLUMN caller_foreign_source TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN caller_described TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_foreign_source TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN callee_described TEXT NOT NULL DEFAULT '';
";

/// How long sound was held.
const SCHEMA_11: &str = "
ALTER TABLE call ADD COLUMN caller_buffer_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_buffer_max_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_buffer_late INTEGER;
ALTER TABLE call ADD COLUMN caller_buffer_early INTEGER;
ALTER TABLE call ADD COLUMN caller_buffer_changes INTEGER;
ALTER TABLE call ADD COLUMN caller_stretched_ms INTEGER;
ALTER TABLE call ADD COLUMN caller_cut_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_buffer_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_buffer_max_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_buffer_late INTEGER;
ALTER TABLE call ADD COLUMN callee_buffer_early INTEGER;
ALTER TABLE call ADD COLUMN callee_buffer_changes INTEGER;
ALTER TABLE call ADD COLUMN callee_stretched_ms INTEGER;
ALTER TABLE call ADD COLUMN callee_cut_ms INTEGER;
";

/// What each version adds to the one before it.
const STEPS: [&str; VERSION as usize] = [
    SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5, SCHEMA_6, SCHEMA_7, SCHEMA_8, SCHEMA_9, SCHEMA_10,
    SCHEMA_11,
];

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
    let found: i64 = if exists {
        transaction.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?
    } else {
        0
    };
    if found > VERSION {
        return Err(StoreError::SchemaTooNew { found, known: VERSION });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    if found == 0 {
        transaction.execute("INSERT INTO schema_version (version) VALUES (?1)", [VERSION])?;
    } else if found < VERSION {
        transaction.execute("UPDATE schema_version SET version = ?1", [VERSION])?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    /// The last columns of calls, as the figures follow each other.
    fn of_quality() -> Vec<String> {
        let of_sides = |names: Vec<&str>| {
            ["caller", "callee"]
                .map(|side| names.iter().map(|name| format!("{side}_{name}")).collect::<Vec<_>>())
                .concat()
        };
        let mut names = std::iter::once("one_way_why").chain(crate::QualityRow::names());
        let mut quality: Vec<String> = of_sides(names.by_ref().take(1 + crate::quality::FIRST).collect());
        let between = crate::quality::LATER - crate::quality::FIRST;
        quality.extend(of_sides(names.by_ref().take(between).collect()));
        quality.extend(of_sides(vec!["codec", "recoded_to", "recoded_why"]));
        quality.extend(of_sides(vec!["foreign_source", "described"]));
        quality.extend(of_sides(names.collect()));
        quality
    }

    #[test]
    fn a_database_of_the_first_schema_is_brought_to_the_newest() {
        let columns = |connection: &Connection, table: &str| -> Vec<String> {
            let text = format!("SELECT name FROM pragma_table_info('{table}')");
            let mut statement = connection.prepare(&text).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(SCHEMA_1).unwrap();
        old.execute("INSERT INTO schema_version (version) VALUES (1)", []).unwrap();
        old.execute(
            "INSERT INTO attempt VALUES (1, 1, 0, 't', 'g', 'a', 'udp', 'c', '1', '2', 5, NULL, NULL, NULL, 200, NULL, 'r')",
            [],
        )
        .unwrap();
        prepare(&mut old).unwrap();
        prepare(&mut old).unwrap();
        let version: i64 = old.query_row("SELECT version FROM schema_version", [], |r| r.get(0)).unwrap();
        assert_eq!(version, VERSION);
        let site: String = old.query_row("SELECT site FROM attempt", [], |r| r.get(0)).unwrap();
        assert_eq!(site, "");
        let mut new = Connection::open_in_memory().unwrap();
        prepare(&mut new).unwrap();
        for table in ["call", "attempt", "transfer"] {
            assert_eq!(columns(&old, table), columns(&new, table));
        }
        let sent: Vec<String> = crate::sent::SentRow::columns().collect();
        assert!(columns(&new, "attempt").ends_with(&sent), "{sent:?}");
        let quality = of_quality();
        assert!(columns(&new, "call").ends_with(&quality), "{quality:?}");
    }
}
