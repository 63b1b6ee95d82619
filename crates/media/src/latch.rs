//! Who is the peer: the rules by which a packet's source is believed.
//!
//! Injection-proof by default: with [`Latch::Off`] nobody is believed for having come first, but the exact signalled
//! address and port. The other modes learn a source once. All prefer the exact one at any time, and follow a rebind
//! with proof alone: of the same host that it is the same stream (same SSRC, continuing sequence, old source silent);
//! from anywhere a right SRTP tag, the old source silent. A source
//! that the exact one has put out comes back when that falls silent: one forged packet does not take a call's sound away.
//! Nothing that arrives before a description is set is ever believed. Enter through
//! [`Lock::admit`] and [`RtcpLock::admit`].

use crate::control::Latch;
use crate::report::DropReason;
use base::Time;
use rtp::Header;
use rtp::stats::DROPOUT_MAX;
use std::net::SocketAddr;
use std::time::Duration;

/// After a new description, packets from the source known before are still taken for this long: the
/// peer moves when our answer reaches it, not when its offer reaches us.
const GRACE: Duration = Duration::from_secs(2);
/// How long the old source must have been silent before a rebind is believed.
pub(crate) const REBIND_SILENCE: Duration = Duration::from_millis(120);

/// What is said of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// It is the peer, as known.
    Known,
    /// It is the peer, and news: the lock has changed. True: a followed rebind.
    Moved { rebind: bool },
    /// It is not.
    No(DropReason),
}

/// A source that has begun to prove a rebind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Candidate {
    source: SocketAddr,
    next: u16,
}

/// What was heard of the stream before: its source, sequence and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) last: Time,
}

impl Heard {
    /// Whether a packet may be the next one of the stream.
    pub(crate) fn goes_on(&self, head: &Header) -> bool {
        let ahead = head.sequence.wrapping_sub(self.sequence);
        head.ssrc == self.ssrc && (1..DROPOUT_MAX).contains(&ahead)
    }

    pub(crate) fn is_silent(&self, now: Time) -> bool {
        now.since(self.last) >= REBIND_SILENCE
    }
}

/// The source of one side's media.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lock {
    mode: Latch,
    /// The last address that was signalled; stays through a hold with 0.0.0.0.
    peer: Option<SocketAddr>,
    /// The source that proved itself.
    locked: Option<SocketAddr>,
    /// The source before the last description, and until when it is taken.
    previous: Option<(SocketAddr, Time)>,
    candidate: Option<Candidate>,
    /// The source of a party that has left, and until when it is not taken for the one that came.
    left: Option<(SocketAddr, Time)>,
    /// The source that the exact one put out, and its SSRC.
    ousted: Option<(SocketAddr, Option<u32>)>,
    /// Other proof than media says where the peer is, and alone.
    fixed: bool,
    pub(crate) tries: Tries,
}

/// How a packet proves that it is the peer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof<'a> {
    /// Of a valid packet, `None` for UDPTL.
    pub(crate) head: Option<&'a Header>,
    pub(crate) heard: Option<Heard>,
    /// Its tag was right (SRTP).
    pub(crate) keyed: bool,
    /// Nobody else may be the peer.
    pub(crate) alone: bool,
}

impl Lock {
    /// A new description. The lock stays when the address is the same or none is said.
    pub(crate) fn set(&mut self, now: Time, mode: Latch, signalled: Option<SocketAddr>) {
        let rule_changed = self.mode != mode;
        (self.mode, self.fixed) = (mode, false);
        let Some(new) = signalled else { return };
        if self.peer == Some(new) && !rule_changed {
            return;
        }
        self.peer = Some(new);
        self.candidate = None;
        self.ousted = None;
        if self.locked != Some(new) {
            self.previous = self.locked.take().map(|old| (old, now + GRACE));
        }
    }

    /// The only source that counts, by other proof than media; `None`: nobody, for now.
    pub(crate) fn prove(&mut self, now: Time, source: Option<SocketAddr>) {
        self.peer = source;
        (self.candidate, self.fixed) = (None, true);
        if self.locked != source {
            let old = std::mem::replace(&mut self.locked, source);
            self.previous = old.filter(|_| source.is_some()).map(|old| (old, now + GRACE));
        }
    }

    /// The source that proved itself.
    pub(crate) fn locked(&self) -> Option<SocketAddr> {
        self.locked
    }

    /// The last address that was signalled.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn mode(&self) -> Latch {
        self.mode
    }

    /// Whether the proven source is the signalled one.
    pub(crate) fn is_exact(&self) -> bool {
        self.locked.is_some() && self.locked == self.peer
    }

    /// Whether the peer was found elsewhere than it said.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.locked.is_some() && self.locked != self.peer
    }

    /// Whether a source that nobody has described may prove itself by media.
    pub(crate) fn may_move(&self) -> bool {
        self.peer.is_some() && !self.fixed
    }

    /// Whether another source than the locked one may be believed now: none may be filtered away.
    pub(crate) fn is_moving(&self) -> bool {
        self.previous.is_some()
    }

    /// A source that has proved itself by its certificate; whether it is another one than before.
    pub(crate) fn certify(&mut self, source: SocketAddr) -> bool {
        let moves = self.mode != Latch::Off && self.locked != Some(source);
        if moves {
            self.move_to(source, false);
        }
        moves
    }

    /// The party has changed with the last description: the one before it is not heard, nor latched to while it
    /// still sends, where its source is told by its address (`gone`) or was followed from there. Whose another one was that
    /// was latched to nobody knows: it may be that of the party that holds now.
    pub(crate) fn part(&mut self, now: Time, gone: Option<SocketAddr>) {
        let is_here = |ip| self.peer.is_some_and(|peer| peer.ip() == ip);
        let followed = self.mode == Latch::Off;
        let theirs = |old: SocketAddr| {
            followed || gone.is_some_and(|gone| gone == old || (gone.ip() == old.ip() && !is_here(old.ip())))
        };
        if let Some((old, _)) = self.previous.filter(|(old, _)| theirs(*old)) {
            (self.previous, self.left) = (None, Some((old, now + GRACE)));
        }
    }

    /// Forgets the previous source at once.
    pub(crate) fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// Forgets the previous source when its time is over; true when it did.
    pub(crate) fn expire(&mut self, now: Time) -> bool {
        self.previous.take_if(|(_, until)| *until <= now).is_some()
    }

    /// Whether `source` is the peer.
    pub(crate) fn admit(&mut self, now: Time, source: SocketAddr, proof: Proof<'_>) -> Admission {
        if self.locked == Some(source) {
            return Admission::Known;
        }
        let Some(peer) = self.peer else { return Admission::No(DropReason::ForeignSource) };
        if source == peer {
            let old = self.locked.map(|old| (old, proof.heard.map(|h| h.ssrc)));
            let moved = self.move_to(source, false);
            self.ousted = old;
            return moved;
        }
        if self.previous.is_some_and(|(old, until)| old == source && now < until) {
            return Admission::Known;
        }
        let near = source.ip() == peer.ip();
        let left = self.left.is_some_and(|(old, until)| old == source && now < until);
        let found = self.locked.is_some();
        let (first, follows) = match self.mode {
            Latch::Nat => (true, true),
            Latch::Signalled => (near, near || proof.keyed),
            // What never spoke from where it said has only its key.
            Latch::Off => (false, proof.alone && !self.fixed && (proof.keyed || (near && found))),
        };
        if left || !follows {
            return Admission::No(DropReason::ForeignSource);
        }
        if first && !found {
            return self.move_to(source, false);
        }
        let silent = proof.heard.is_none_or(|heard| heard.is_silent(now));
        let returns = self.ousted == Some((source, proof.head.map(|h| h.ssrc)));
        match (proof.head, proof.heard) {
            _ if silent && (proof.keyed || returns) => self.move_to(source, found),
            (Some(head), Some(heard)) => self.rebind(source, head, heard, silent),
            (Some(_), None) | (None, _) => Admission::No(DropReason::ForeignSource),
        }
    }

    /// Whether `source` could be the peer by latching, as far as addresses tell; nothing changes. For what must be
    /// opened before it may be believed.
    pub(crate) fn might_admit(&self, now: Time, source: SocketAddr) -> bool {
        let Some(peer) = self.peer else { return self.locked == Some(source) };
        let wide = match self.mode {
            Latch::Off => false,
            Latch::Signalled => source.ip() == peer.ip(),
            Latch::Nat => true,
        };
        wide || self.admits_rtcp(now, source)
    }

    /// Whether RTCP on the RTP port is from the peer: only from the proven or exact source.
    pub(crate) fn admits_rtcp(&self, now: Time, source: SocketAddr) -> bool {
        self.locked == Some(source)
            || self.peer == Some(source)
            || self.previous.is_some_and(|(old, until)| old == source && now < until)
    }

    fn move_to(&mut self, source: SocketAddr, rebind: bool) -> Admission {
        self.locked = Some(source);
        self.previous = None;
        self.candidate = None;
        self.ousted = None;
        Admission::Moved { rebind }
    }

    /// Follows a rebind at its second packet: same SSRC, continuing sequence, old source silent.
    fn rebind(&mut self, source: SocketAddr, head: &Header, heard: Heard, silent: bool) -> Admission {
        // Of one that may not be believed for its address it matters only that it is a stranger's.
        let reason = if self.mode == Latch::Off { DropReason::ForeignSource } else { DropReason::Ssrc };
        if !heard.goes_on(head) || !silent {
            return Admission::No(reason);
        }
        let proven = self.candidate.is_some_and(|c| c.source == source && c.next == head.sequence);
        if proven {
            return self.move_to(source, true);
        }
        self.candidate = Some(Candidate { source, next: head.sequence.wrapping_add(1) });
        Admission::No(reason)
    }
}

/// Tags of sources that are not described which are tried in one span, of each kind ([`Tried`]): limit
/// `srtp_tags_tried`.
const TAGS_MAX: u16 = 500;
/// The span.
const TAGS_SPAN: Duration = Duration::from_millis(200);

/// What a stranger's packet looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tried {
    /// The next one of the stream that is heard.
    Next,
    /// Of another stream.
    Other,
    /// RTCP.
    Control,
}

/// How many tags were tried in the running span.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tries {
    since: Time,
    taken: [u16; 3],
}

impl Tries {
    /// Whether one more may be tried.
    pub(crate) fn take(&mut self, now: Time, kind: Tried) -> bool {
        if now.since(self.since) >= TAGS_SPAN {
            *self = Tries { since: now, taken: [0; 3] };
        }
        let taken = &mut self.taken[kind as usize];
        let may = *taken < TAGS_MAX;
        *taken += u16::from(may);
        may
    }
}

/// The source of one side's RTCP on the RTCP port.
#[derive(Clone, Debug, Default)]
pub(crate) struct RtcpLock {
    /// What was signalled, or follows from it (RFC 3550 §11).
    expected: Option<SocketAddr>,
    locked: Option<SocketAddr>,
}

impl RtcpLock {
    /// A new description.
    pub(crate) fn set(&mut self, expected: Option<SocketAddr>) {
        if expected.is_some() && self.expected != expected {
            self.expected = expected;
            self.locked = None;
        }
    }

    /// The source that proved itself.
    pub(crate) fn locked(&self) -> Option<SocketAddr> {
        self.locked
    }

    /// The only source that counts, by other proof than RTCP; `None`: nobody, for now.
    pub(crate) fn prove(&mut self, source: Option<SocketAddr>) {
        self.expected = source;
        self.locked = source;
    }

    /// Whether the proven source is the signalled one.
    pub(crate) fn is_exact(&self) -> bool {
        self.locked.is_some() && self.locked == self.expected
    }

    /// Whether `source` is the peer as it is known.
    pub(crate) fn knows(&self, source: SocketAddr, media: &Lock) -> bool {
        [self.locked, self.expected, media.locked()].contains(&Some(source))
    }

    /// Whether `source` could be the peer, as far as addresses tell; nothing changes.
    pub(crate) fn might_admit(&self, source: SocketAddr, media: &Lock) -> bool {
        self.knows(source, media) || self.trusted(media).is_some_and(|t| t.ip() == source.ip())
    }

    /// Whose host may also send RTCP from another port.
    fn trusted(&self, media: &Lock) -> Option<SocketAddr> {
        match media.mode() {
            Latch::Off => media.locked().filter(|_| media.is_elsewhere()),
            Latch::Signalled => media.locked().or(media.peer()),
            Latch::Nat => media.locked(),
        }
    }

    /// Whether `source` is the peer, given the lock of its media. `ssrc` is that of the
    /// compound, `heard` that of the media.
    pub(crate) fn admit(
        &mut self,
        source: SocketAddr,
        media: &Lock,
        ssrc: u32,
        heard: Option<u32>,
    ) -> Admission {
        if self.locked == Some(source) {
            return Admission::Known;
        }
        if self.expected == Some(source) {
            self.locked = Some(source);
            return Admission::Moved { rebind: false };
        }
        if media.locked() == Some(source) {
            return Admission::Known;
        }
        if self.trusted(media).is_none_or(|t| t.ip() != source.ip()) {
            return Admission::No(DropReason::ForeignSource);
        }
        if heard.is_some_and(|h| h != ssrc) || (heard.is_none() && self.locked.is_some()) {
            return Admission::No(DropReason::Ssrc);
        }
        self.locked = Some(source);
        Admission::Moved { rebind: false }
    }
}
