//! What is made of a peer's silence.

use super::{Session, Stream};
use crate::control::{Remote, Reply, Side};
use crate::half::Half;
use base::Time;
use std::fmt;
use std::time::Duration;

/// For how long nothing of a silent side has come, way by way; nothing where nothing ever came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Silence {
    /// RTP, or UDPTL.
    pub rtp: Option<Duration>,
    /// RTCP.
    pub rtcp: Option<Duration>,
    /// Good ICE checks, its consent to be sent to (RFC 7675 §5.1), where it makes any.
    pub checks: Option<Option<Duration>>,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [("RTP", Some(self.rtp)), ("RTCP", Some(self.rtcp)), ("ICE check", self.checks)];
        for (n, (way, since)) in ways.into_iter().filter_map(|(way, since)| Some((way, since?))).enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            match since {
                Some(since) => write!(f, "{comma}no {way} for {} s", since.as_secs())?,
                None => write!(f, "{comma}never any {way}")?,
            }
        }
        Ok(())
    }
}

impl Silence {
    /// The same of another stream besides: what came later counts.
    fn join(&mut self, now: Time, half: &Half) {
        let later = |known: Option<Duration>, at: Option<Time>| {
            known.into_iter().chain(at.map(|at| now.since(at))).min()
        };
        (self.rtp, self.rtcp) = (later(self.rtp, half.last_rtp), later(self.rtcp, half.last_rtcp));
        if half.is_checked() {
            self.checks = Some(later(self.checks.flatten(), half.checked_at()));
        }
    }
}

impl Stream {
    /// Whether the silence of a side's peer counts. It is active while media may flow in at least one direction, for which
    /// one has to say and the other to hear (RFC 3264 §6.1): whoever is answered with a hold is held too.
    fn is_judged(&self, side: Side, peer: &Remote) -> bool {
        let [_, other] = self.seen_from(side);
        let (heard, said) = other.remote.as_ref().map_or((true, true), |other| (other.send, other.receive));
        let flows = peer.receive && heard || peer.send && (said || self.is_played_to(side));
        if peer.rtp.is_some() && flows { peer.care.judge_active } else { peer.care.judge_held }
    }
}

impl Session {
    /// Says once when a peer has sent nothing at all for its timeout. Of a fax (T.38) both sides count: there is no
    /// RTCP, and whoever receives a page says nothing while it comes.
    pub(super) fn judge_silence(&mut self, now: Time, side: Side) {
        let mut limit: Option<Duration> = None;
        let (mut last, mut silence) = (Time::ZERO, Silence::default());
        for stream in self.streams.iter().filter(|s| !s.rejected) {
            let [half, other] = stream.seen_from(side);
            let judged = half.remote.as_ref().filter(|remote| stream.is_judged(side, remote));
            let Some((timeout, fax)) = judged.and_then(|r| Some((r.timeout?, r.udptl))) else { continue };
            limit = Some(limit.map_or(timeout, |l| l.min(timeout)));
            let others = other.last_rtp.filter(|_| fax);
            let heard = half.heard_at().into_iter().chain(others).max();
            last = last.max(heard.unwrap_or_default()).max(half.set_at);
            silence.join(now, half);
        }
        let silent = limit.is_some_and(|limit| now.since(last) >= limit);
        if silent && !self.timed_out[side.index()] {
            self.tell(Reply::Timeout { session: self.id, side, silence });
        }
        self.timed_out[side.index()] = silent;
    }
}
