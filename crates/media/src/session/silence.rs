//! What is made of a peer's silence.

use super::Session;
use crate::control::{Reply, Side};
use crate::half::Half;
use base::Time;
use std::time::Duration;

/// The speaking side must have been heard this often before the other's silence is news (1 s).
const ONE_WAY_PACKETS: u64 = 50;
/// How long the silent side has had to begin.
const ONE_WAY_AFTER: Duration = Duration::from_secs(5);
/// The speaking side counts as speaking when heard within this time.
const SPEAKING_WITHIN: Duration = Duration::from_secs(1);

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

    /// Says once when a side that may send has never begun while the other is heard. Judged only
    /// where both have a timeout: before the answer, silence is normal.
    pub(super) fn judge_one_way(&mut self, now: Time, side: Side) {
        let mut news = false;
        for s in self.streams.iter_mut().filter(|s| !s.rejected) {
            let [a, b] = &mut s.halves;
            let (silent, speaker) = if side == Side::A { (a, b) } else { (b, a) };
            if silent.heard_since_change > 0 {
                silent.one_way = false;
                continue;
            }
            let may =
                |h: &Half| h.remote.as_ref().is_some_and(|r| r.receive && r.timeout.is_some() && !r.udptl);
            let had_time = now.since(silent.changed_at) >= ONE_WAY_AFTER;
            let heard = speaker.heard_since_change >= ONE_WAY_PACKETS
                && speaker.last_rtp.is_some_and(|t| now.since(t) <= SPEAKING_WITHIN);
            if !silent.one_way && may(silent) && may(speaker) && had_time && heard {
                silent.one_way = true;
                news = true;
            }
        }
        if news {
            self.tell(Reply::OneWay { session: self.id, side });
        }
    }
}
