//! What a packet will touch, told ahead of it.

use super::Session;
use crate::control::Side;
use crate::half::Half;
use std::mem::offset_of;

/// Lines of memory, of 64 bytes, at the head of a half that a packet of a settled flow touches.
const HOT_LINES: usize = offset_of!(Half, rtcp).div_ceil(64);

impl Session {
    /// Where the lines of memory lie that a packet of `side` touches. An engine may have them fetched while the operating
    /// system hands the packet over: a thousand calls do not fit into the near caches.
    pub fn hot_lines(&self, side: Side, stream: u8) -> impl Iterator<Item = *const u8> {
        let half = self.streams.get(usize::from(stream)).map(|s| &raw const s.halves[side.index()]);
        let lines = half.map(|half| (0..HOT_LINES).map(move |n| half.cast::<u8>().wrapping_add(n * 64)));
        lines.into_iter().flatten()
    }
}
