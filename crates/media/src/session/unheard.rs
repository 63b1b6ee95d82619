//! Sides that are not heard while the other one is.

use super::{Session, Stream};
use crate::control::{Reply, Side};
use crate::half::Half;
use crate::one_way::{NotHeard, OneWay};
use base::Time;
use std::time::Duration;

/// The speaking side must have been heard this often before the other's silence is news (1 s), or so many packets of the
/// silent side have come without being heard.
const ONE_WAY_PACKETS: u64 = 50;
/// How long the silent side has had to begin.
const ONE_WAY_AFTER: Duration = Duration::from_secs(5);
/// How long a side that was heard may pause, RTCP and all: while its reports come it is there, and listens. Also how long
/// one that is known to suppress silence may take to begin after a new description.
const STOPPED_AFTER: Duration = Duration::from_secs(15);
/// The same of a side that suppresses silence and sends reports: a participant is gone when none has come for five
/// intervals of 5 s (RFC 3550 §6.3.5).
const GONE_AFTER: Duration = Duration::from_secs(25);
/// The same of one that suppresses silence and has never sent a report: it may just listen.
const LISTENS_AFTER: Duration = Duration::from_secs(120);
/// The speaking side counts as speaking when heard within this time.
const SPEAKING_WITHIN: Duration = Duration::from_secs(1);

impl Session {
    /// Says when a side that may send is not heard while the other one is, or while its packets come, and when it is heard
    /// again. Judged only where both have a timeout: before the answer, silence is normal.
    pub(super) fn judge_one_way(&mut self, now: Time, side: Side) {
        let mut news = None;
        for stream in self.streams.iter_mut().filter(|s| !s.rejected) {
            if let Some(why) = stream.judge_one_way(now, side) {
                news = Some(why);
            }
        }
        if let Some(why) = news {
            self.tell(Reply::OneWay { session: self.id, side, why });
        }
    }
}

impl Stream {
    /// What is new of a side: why it is not heard, or that it is again.
    fn judge_one_way(&mut self, now: Time, side: Side) -> Option<Option<NotHeard>> {
        let [a, b] = &mut self.halves;
        let (silent, speaker) = if side == Side::A { (a, b) } else { (b, a) };
        let quiet_since = silent.last_rtp.unwrap_or_default().max(silent.changed_at);
        if silent.one_way.is_one_way() {
            let heard = silent.last_rtp.filter(|last| silent.one_way.is_before(*last));
            let ended = heard.or((!may_send(silent)).then_some(now));
            silent.one_way.end(ended?);
            return Some(None);
        }
        let begun = silent.heard_since_change > 0;
        let patience = patience(silent);
        let heard = speaker.heard_since_change >= ONE_WAY_PACKETS
            && speaker.last_rtp.is_some_and(|t| now.since(t) <= SPEAKING_WITHIN);
        let lives = begun && silent.last_rtcp.is_some_and(|t| now.since(t) < patience);
        let refused = silent.one_way.refused(&silent.drops);
        // Its packets come: then it does not matter whether the other side is heard, which may be met by the same.
        let fails = heard && may_send(speaker) || !begun && refused >= ONE_WAY_PACKETS;
        if !may_send(silent) || lives || !fails || now.since(quiet_since) < patience {
            return None;
        }
        let why = OneWay::of(silent.heard_since_change, &silent.drops);
        silent.one_way.begin(quiet_since, why);
        Some(Some(silent.not_heard(why)))
    }
}

/// How long a side may be silent.
fn patience(half: &Half) -> Duration {
    match (half.heard_since_change > 0, half.suppresses_silence()) {
        (false, false) => ONE_WAY_AFTER,
        // What it described anew need not make it speak at once.
        (false, true) | (true, false) => STOPPED_AFTER,
        (true, true) if half.sends_reports() => GONE_AFTER,
        (true, true) => LISTENS_AFTER,
    }
}

/// Whether what it sends would be heard: sound, from the answer on.
fn may_send(half: &Half) -> bool {
    half.remote.as_ref().is_some_and(|r| r.receive && r.timeout.is_some() && !r.udptl)
}
