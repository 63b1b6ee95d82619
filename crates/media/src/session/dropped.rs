//! What is not relayed, counted once for reports of streams and for the engine's own figures.

use super::Session;
use crate::control::Side;
use crate::report::{DropReason, Drops};

impl Session {
    /// Counts a packet of `side` that was not relayed; also for the engine's own reasons
    /// ([`DropReason::SendFailed`], [`DropReason::Oversize`]).
    #[cold]
    pub fn count_drop(&mut self, side: Side, stream: u8, reason: DropReason) {
        self.drops.get_or_insert_default().add(reason);
        self.note_drop(side, stream, reason);
    }

    /// What was not relayed since this was last asked, of all streams: the one source of an engine's own counters.
    pub fn take_drops(&mut self) -> Option<Box<Drops>> {
        self.drops.take()
    }

    /// The same, of what stands in the report alone.
    pub(super) fn note_drop(&mut self, side: Side, stream: u8, reason: DropReason) {
        if let Some(s) = self.streams.get_mut(usize::from(stream)) {
            s.halves[side.index()].drops.add(reason);
        }
    }
}
