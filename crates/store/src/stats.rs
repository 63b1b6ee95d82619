//! Counters of the store: every limit that was hit and every failure, as plain atomics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Live counters, shared by the journals and the writer.
        #[derive(Default, Debug)]
        pub(crate) struct Counters {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
        pub struct StoreStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Reads all.
            pub(crate) fn read(&self) -> StoreStats {
                StoreStats { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Events appended.
    events,
    /// Their bytes.
    bytes,
    /// Appends that the system refused.
    append_errors,
    /// Bytes that wait in memory because the system refused them.
    held_bytes,
    /// Events dropped because too many waited.
    events_dropped,
    /// Fields cut because they were longer than a field may be.
    fields_cut,
    /// Syncs of a journal to the disk.
    syncs,
    /// Those that the system refused; tried again.
    sync_errors,
    /// Segments begun.
    segments_opened,
    /// Segments deleted.
    segments_deleted,
    /// Segments rewritten without the calls that are over.
    segments_compacted,
    /// Journal bytes that could not be understood and were passed over.
    corrupt_bytes,
    /// Journal files of a version that is not known; left alone.
    segments_unknown,
    /// Records committed to SQLite.
    records,
    /// Records that were already there.
    records_repeated,
    /// Transactions that failed and were tried again.
    sqlite_errors,
    /// Lines written to the JSON lines file.
    lines,
    /// Writes to the JSON lines file that failed; caught up later.
    line_errors,
    /// Times that the JSON lines file was opened again after rotation.
    line_reopens,
    /// Records removed because they were older than `keep_days`.
    purged,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Relaxed);
}
