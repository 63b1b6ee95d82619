//! What a call leaves behind: its record, and the events of its journal while it lives; and the names it has.
//!
//! Values only, which `b2bua` fills and `store` and `api` write in formats of their own. Enter at [`CallRecord`] and
//! [`JournalEvent`].

pub mod journal;
pub mod record;
mod sent;
pub mod tag;
mod view;

pub use journal::{CallKey, JournalEvent};
pub use record::{
    AttemptFacts, AttemptRecord, CallFacts, CallRecord, MediaRecord, ReleasedBy, TransferHow, TransferRecord,
};
pub use sent::{SENT, Sent};
pub use view::{LinkView, StatusView};
