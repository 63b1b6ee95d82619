//! What a packet will touch, told ahead of it.

use super::Session;
use crate::control::Side;
use crate::half::Half;
use std::mem::offset_of;

/// Lines of memory, of 64 bytes, at the head of a half that a packet of a settled flow touches.
const HOT_LINES: usize = offset_of!(Half, rtcp).div_ceil(64);

/// Where the lines of memory lie that a value stands in.
#[inline]
pub fn lines_of<T>(value: &T) -> impl Iterator<Item = *const u8> + use<T> {
    let start = (&raw const *value).cast::<u8>();
    (0..size_of::<T>()).step_by(64).map(move |at| start.wrapping_add(at))
}

impl Session {
    /// Where the lines of memory lie that a packet of `side` touches. An engine may have them fetched while the operating
    /// system hands the packet over: a thousand calls do not fit into the near caches.
    #[inline]
    pub fn hot_lines(&self, side: Side, stream: u8) -> impl Iterator<Item = *const u8> {
        let stream = self.streams.get(usize::from(stream));
        let lines = stream.map(|s| {
            let half = (&raw const s.halves[side.index()]).cast::<u8>();
            let beyond = (&raw const s.halves[side.other().index()].guard).cast::<u8>();
            let near = (0..HOT_LINES).map(move |n| half.wrapping_add(n * 64));
            near.chain([beyond, (&raw const s.bridges).cast::<u8>()])
        });
        lines.into_iter().flatten()
    }

    /// The same of what changes packets of `side`, where it is; the hot lines should have come.
    #[inline]
    pub fn bridge_lines(&self, side: Side, stream: u8) -> impl Iterator<Item = *const u8> {
        let bridges = self.streams.get(usize::from(stream)).and_then(|s| s.bridges.as_ref());
        bridges.into_iter().flat_map(move |bridges| bridges.0[side.index()].hot_lines())
    }
}
