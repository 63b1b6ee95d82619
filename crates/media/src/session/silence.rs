//! What is made of a peer's silence.

use super::Session;
use crate::control::{Reply, Side};
use base::Time;
use std::time::Duration;

impl Session {
    /// Says once when a peer has sent nothing at all for its timeout. Of a fax (T.38) both sides count: there is no
    /// RTCP, and whoever receives a page says nothing while it comes.
    pub(super) fn judge_silence(&mut self, now: Time, side: Side) {
        let mut limit: Option<Duration> = None;
        let mut last = Time::ZERO;
        for [half, other] in self.streams.iter().filter(|s| !s.rejected).map(|s| s.seen_from(side)) {
            let judged = half.remote.as_ref().filter(|_| half.is_judged());
            let Some((timeout, fax)) = judged.and_then(|r| Some((r.timeout?, r.udptl))) else { continue };
            limit = Some(limit.map_or(timeout, |l| l.min(timeout)));
            let others = other.last_rtp.filter(|_| fax);
            let heard = half.heard_at().into_iter().chain(others).max();
            last = last.max(heard.unwrap_or_default()).max(half.set_at);
        }
        let silent = limit.is_some_and(|limit| now.since(last) >= limit);
        if silent && !self.timed_out[side.index()] {
            self.tell(Reply::Timeout { session: self.id, side });
        }
        self.timed_out[side.index()] = silent;
    }
}
