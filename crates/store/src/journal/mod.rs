//! The journal: what calls must remember, appended to segment files before messages leave.
//!
//! Each journal (one per shard) is a stream of segments `RUN-STREAM-SEGMENT.journal`; `alive`
//! files say until when a run is known to have lived. [`stream`] appends, [`tail`] reads what was
//! appended and deletes what is no longer needed, [`sync`] brings it to the disk, [`frame`], [`event`]
//! and [`decode`] are the format.

pub(crate) mod bytes;
pub(crate) mod decode;
pub(crate) mod event;
pub(crate) mod files;
pub(crate) mod frame;
pub(crate) mod stream;
pub(crate) mod sync;
pub(crate) mod tail;
