//! Streams that come to an open session, and go.

use super::{Session, Stream};
use crate::control::{MAX_STREAMS, Side};
use base::Time;

impl Session {
    /// Further streams, up to so many in all ([`MAX_STREAMS`] at most), that know no peer yet.
    pub fn grow(&mut self, now: Time, streams: u8) -> bool {
        let count = usize::from(streams).min(MAX_STREAMS);
        let more = count.saturating_sub(self.streams.len());
        self.streams.extend((0..more).map(|_| Stream::new(now)));
        self.grow_copies();
        more > 0
    }

    /// Closes a stream for good; what was heard of it stays in the report.
    pub fn reject(&mut self, now: Time, stream: u8) -> bool {
        let Some(s) = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected) else { return false };
        for side in Side::BOTH {
            let other_rtt = s.halves[side.other().index()].rtt_ms();
            let half = &mut s.halves[side.index()];
            half.rate(now, other_rtt, true);
            half.remote = None;
            half.forget_others();
        }
        s.rejected = true;
        s.unbridge();
        (s.watch, s.players) = (None, None);
        s.settle();
        self.changed = true;
        true
    }
}
