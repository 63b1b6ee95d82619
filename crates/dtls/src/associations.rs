//! The handshakes that one session's streams need: whom they are with, who may try, and what comes of them.
//!
//! Nothing of a stranger's takes a call over (the race of CVE-2023-49786): until one peer has proved the certificate
//! that signalling names, several sources may try side by side, and of those that fail nothing is left but a count.

use crate::cookie::Answered;
use crate::desk::Desk;
use crate::early::Early;
use crate::gathering::{Gathering, Piece};
use crate::shake::Shake;
use crate::trouble::Trouble;
use base::Time;
use media::{Component, DropReason, Dtls, Session, Spot};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Sources that may try at the same time to be the peer of one port: limit `dtls_candidates`.
const CANDIDATES_MAX: usize = 4;
/// Those of one host among them: limit `dtls_of_a_host`.
const OF_A_HOST_MAX: usize = 3;
/// Sources whose handshake failed that are remembered, of one port: limit `dtls_refused`.
const REFUSED_MAX: usize = 4;
/// Between two handshakes that peers begin on one port.
const BEGUN_GAP: Duration = Duration::from_millis(50);
/// How long an answered call waits for keys: limit `dtls_patience`.
const PATIENCE: Duration = Duration::from_secs(15);
/// A peer that has kept the keys of before is heard within this time; else we begin once more where that is our part.
const HEARD_WITHIN: Duration = Duration::from_secs(2);
/// A handshake of ours that failed is begun again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// One peer that tries, and its address.
struct Candidate {
    source: SocketAddr,
    shake: Shake,
}

/// What one port needs.
struct Association {
    spot: Spot,
    terms: Dtls,
    to: Option<SocketAddr>,
    /// Since when keys are waited for.
    since: Time,
    candidates: Vec<Candidate>,
    /// Those that failed, the last ones.
    refused: Vec<SocketAddr>,
    gathering: Gathering,
    early: Early,
    agreed: bool,
    /// The keys are those of before the stream was another one (RFC 8842 §4), and nobody was heard under them since.
    doubted: bool,
    /// What went wrong last.
    trouble: Trouble,
    told: bool,
    /// No other handshake begins before.
    next: Time,
}

/// How datagrams leave.
type Send<'s> = &'s mut dyn FnMut(Spot, SocketAddr, &[u8]);

/// See the module text.
#[derive(Default)]
pub struct Associations {
    all: Vec<Association>,
}

impl Associations {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes what the session's descriptions say now. The same terms go on with the same handshake.
    pub fn follow(&mut self, now: Time, session: &mut Session, desk: &mut Desk, send: Send<'_>) {
        let wanted: Vec<(Spot, Dtls, Option<SocketAddr>)> =
            session.handshakes().map(|(spot, terms, to)| (spot, terms.clone(), to)).collect();
        let is_wanted = |one: &mut Association| wanted.iter().any(|(spot, terms, _)| one.is(*spot, terms));
        let gone: Vec<Association> = self.all.extract_if(.., |one| !is_wanted(one)).collect();
        for (spot, terms, to) in wanted {
            match self.all.iter_mut().find(|one| one.is(spot, &terms)) {
                Some(known) => known.retold(now, &terms, to),
                None => {
                    let lasts = session.lasts(spot, &terms);
                    self.all.push(Association::new(now, spot, (terms, to), lasts));
                }
            }
        }
        for one in gone {
            self.take_early(now, one, session);
        }
        for one in &mut self.all {
            one.begin(now, desk);
            one.settle(now, session, send);
        }
    }

    /// Hands on what came early to an association whose terms are said now.
    fn take_early(&mut self, now: Time, mut gone: Association, session: &mut Session) {
        if gone.early.is_empty() {
            return;
        }
        let heir = self.all.iter_mut().find(|one| one.spot == gone.spot && !one.terms.client);
        let to = heir.as_ref().and_then(|heir| session.whereabouts(heir.spot, &heir.terms));
        let lost = gone.early.judge(to, |source| heir.is_some() && session.may_shake(now, gone.spot, source));
        for _ in 0..lost {
            session.count_drop(gone.spot.side, gone.spot.stream, DropReason::ForeignSource);
        }
        if let Some(heir) = heir {
            heir.early = gone.early;
        }
    }

    /// With whom a datagram at a port has to do. Before the answer there may be several (forks), told apart by where they
    /// are, and by whose checks came from there (ICE).
    fn whose(&mut self, session: &Session, spot: Spot, source: SocketAddr) -> Option<&mut Association> {
        let tries = |one: &Association| one.candidates.iter().any(|candidate| candidate.source == source);
        let is_at = |one: &Association| one.to == Some(source);
        // Whoever has shown another certificate than one's may be the next one's.
        let may = |one: &Association| !one.refused.contains(&source);
        let checks = |one: &Association| may(one) && session.is_proved_by(spot, &one.terms, source);
        let is_near = |one: &Association| may(one) && one.to.is_some_and(|to| to.ip() == source.ip());
        let open = |one: &Association| may(one) && !one.agreed;
        let found =
            |is: &dyn Fn(&Association) -> bool| self.all.iter().position(|one| one.spot == spot && is(one));
        let at =
            found(&tries).or_else(|| found(&is_at)).or_else(|| found(&checks)).or_else(|| found(&is_near));
        let at = at.or_else(|| found(&open)).or_else(|| found(&|_| true))?;
        self.all.get_mut(at)
    }

    /// Takes a datagram that came to a port from a source that may be the peer's.
    pub fn receive(
        &mut self,
        now: Time,
        (spot, source): (Spot, SocketAddr),
        datagram: &[u8],
        (session, desk): (&mut Session, &mut Desk),
        send: Send<'_>,
    ) {
        let taken = self.whose(session, spot, source).is_some_and(|one| {
            let taken = one.receive(now, source, datagram, desk, send);
            one.settle(now, session, send);
            taken
        });
        if !taken {
            session.count_drop(spot.side, spot.stream, DropReason::Dtls);
        }
    }

    /// Time goes on: call a few times a second.
    pub fn on_tick(&mut self, now: Time, session: &mut Session, desk: &mut Desk, send: Send<'_>) {
        for one in &mut self.all {
            one.candidates.iter_mut().for_each(|candidate| candidate.shake.on_tick(now));
            one.follow(session.whereabouts(one.spot, &one.terms));
            one.doubted &= session.lasts(one.spot, &one.terms) == Some(false);
            one.begin(now, desk);
            one.settle(now, session, send);
            one.judge_patience(now, session);
        }
    }
}

impl Association {
    fn new(
        now: Time,
        spot: Spot,
        (terms, to): (Dtls, Option<SocketAddr>),
        lasts: Option<bool>,
    ) -> Association {
        let trouble = Trouble::Silent;
        let candidates = Vec::new();
        Association {
            spot,
            terms,
            to,
            since: now,
            candidates,
            refused: Vec::new(),
            gathering: Gathering::default(),
            early: Early::default(),
            agreed: lasts.is_some(),
            doubted: lasts == Some(false),
            trouble,
            told: false,
            next: now,
        }
    }

    fn is(&self, spot: Spot, terms: &Dtls) -> bool {
        self.spot == spot && self.terms.goes_on(terms)
    }

    fn retold(&mut self, now: Time, terms: &Dtls, to: Option<SocketAddr>) {
        if terms.answered && !self.terms.answered {
            self.since = now;
        }
        self.terms.answered = terms.answered;
        self.terms.association.follow(&terms.association);
        self.follow(to);
    }

    /// The peer is there now: what we have begun goes on there, unless it was met elsewhere.
    fn follow(&mut self, to: Option<SocketAddr>) {
        let own = self.candidates.first_mut().filter(|own| self.terms.client && Some(own.source) == self.to);
        if let (Some(own), Some(to)) = (own, to) {
            own.source = to;
        }
        self.to = to;
    }

    /// Begins where that is our part.
    fn begin(&mut self, now: Time, desk: &mut Desk) {
        if !self.terms.client && !self.agreed && !self.terms.is_unknown() && self.next <= now {
            return self.begin_early(now, desk);
        }
        let doubts = self.doubted && now.since(self.since) >= HEARD_WITHIN;
        let idle = self.terms.client && (!self.agreed || doubts) && self.candidates.is_empty();
        let Some(source) = self.to.filter(|_| idle && self.next <= now) else { return };
        self.next = now + AGAIN_AFTER;
        self.doubted = false;
        if desk.admit(now)
            && let Ok(shake) = Shake::client(now, desk.certificate.clone(), self.terms.clone())
        {
            self.candidates.push(Candidate { source, shake });
        }
    }

    /// Begins with what came before the peer was known.
    fn begin_early(&mut self, now: Time, desk: &mut Desk) {
        if let Some((source, hello)) = self.early.next() {
            self.admit(now, source, &hello, desk);
        }
    }

    /// Whether the datagram was of use, or at least of somebody who may be the peer.
    fn receive(
        &mut self,
        now: Time,
        source: SocketAddr,
        datagram: &[u8],
        desk: &mut Desk,
        send: Send<'_>,
    ) -> bool {
        if self.terms.client {
            return match self.candidates.first_mut() {
                Some(own) => {
                    if own.shake.receive(now, datagram) {
                        own.source = source;
                    }
                    true
                }
                None => false,
            };
        }
        match desk.doorman.answer(now, source, datagram) {
            Answered::Ask(reply) => {
                send(self.spot, source, &reply);
                true
            }
            Answered::Admitted(random) if !self.is_known(source, &random) => {
                self.admit(now, source, datagram, desk)
            }
            Answered::Begun(random) if !self.is_known(source, &random) => {
                self.gathering.begin(source, random, datagram);
                self.go_on(now, source, datagram, desk)
            }
            _ => self.go_on(now, source, datagram, desk),
        }
    }

    /// A datagram of somebody who has begun.
    fn go_on(&mut self, now: Time, source: SocketAddr, datagram: &[u8], desk: &mut Desk) -> bool {
        match self.gathering.take(source, datagram) {
            Piece::More => true,
            Piece::Whole(hello) => self.admit(now, source, &hello, desk),
            Piece::Foreign => match self.candidates.iter_mut().rev().find(|one| one.source == source) {
                Some(candidate) => {
                    candidate.shake.receive(now, datagram);
                    true
                }
                None => false,
            },
        }
    }

    fn is_known(&self, source: SocketAddr, random: &[u8; 32]) -> bool {
        self.candidates.iter().any(|one| one.source == source && one.shake.client_random() == random)
    }

    /// A further peer tries, or the same one anew.
    fn admit(&mut self, now: Time, source: SocketAddr, datagram: &[u8], desk: &mut Desk) -> bool {
        if self.terms.is_unknown() {
            self.early.keep(source, datagram);
            return true;
        }
        if now < self.next || !desk.admit(now) {
            return false;
        }
        self.next = now + BEGUN_GAP;
        let Ok(shake) = Shake::server(now, desk.certificate.clone(), self.terms.clone(), datagram) else {
            return false;
        };
        self.make_room(source);
        self.candidates.push(Candidate { source, shake });
        true
    }

    /// Whoever has agreed keeps its place until another has, too. Of one host only some try beside each other, so that one
    /// with many ports takes no other's place; where the peer was met it is not put out by others.
    fn make_room(&mut self, source: SocketAddr) {
        let open = |one: &Candidate| one.shake.ended().is_none();
        self.candidates.retain(|one| one.source != source || !open(one));
        let met = self.to;
        let loose = |one: &Candidate| open(one) && Some(one.source) != met;
        let near = |one: &Candidate| loose(one) && one.source.ip() == source.ip();
        let full = self.candidates.len() >= CANDIDATES_MAX;
        let crowded = self.candidates.iter().filter(|one| near(one)).count() >= OF_A_HOST_MAX;
        let place = |of: &dyn Fn(&Candidate) -> bool| self.candidates.iter().position(of);
        let at = if crowded {
            place(&near)
        } else if full {
            place(&loose).or_else(|| place(&open))
        } else {
            None
        };
        if let Some(at) = at {
            self.candidates.remove(at);
        }
    }

    /// Sends what is to be sent, and takes what has come of handshakes.
    fn settle(&mut self, now: Time, session: &mut Session, send: Send<'_>) {
        let mut failed = None;
        let mut agreed = None;
        for (at, candidate) in self.candidates.iter_mut().enumerate() {
            while let Some(datagram) = candidate.shake.poll() {
                send(self.spot, candidate.source, &datagram);
            }
            match candidate.shake.ended() {
                Some(Err(trouble)) => failed = Some(*trouble),
                Some(Ok(keys)) if !candidate.shake.is_told() => agreed = Some((at, keys.clone())),
                _ => {}
            }
        }
        if let Some((at, keys)) = agreed {
            self.candidates = vec![self.candidates.swap_remove(at)];
            if let Some(candidate) = self.candidates.first_mut() {
                candidate.shake.tell();
                session.keyed(now, (self.spot, &self.terms), candidate.source, &keys);
            }
            self.agreed = true;
            self.early = Early::default();
        }
        if let Some(trouble) = failed {
            let is_lost = |one: &mut Candidate| matches!(one.shake.ended(), Some(Err(_)));
            self.refused.extend(self.candidates.extract_if(.., is_lost).map(|one| one.source));
            self.refused.drain(..self.refused.len().saturating_sub(REFUSED_MAX));
            self.trouble = trouble;
            if trouble != Trouble::Silent {
                session.count_drop(self.spot.side, self.spot.stream, DropReason::Dtls);
            }
        }
    }

    /// Says once that an answered call has no keys. RTCP without keys is missed by nobody.
    fn judge_patience(&mut self, now: Time, session: &mut Session) {
        let waits = !self.agreed && self.terms.answered && self.spot.component == Component::Rtp;
        if waits && !self.told && now.since(self.since) >= PATIENCE {
            self.told = true;
            session.unkeyed(self.spot.side, self.trouble.to_string());
        }
    }
}

impl fmt::Debug for Associations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|one| (one.spot, one.agreed))).finish()
    }
}
