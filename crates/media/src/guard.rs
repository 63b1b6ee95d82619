//! The keys of one side of a stream: what its peer sends is opened with them, what goes to it is protected.
//!
//! Nothing that an attacker sends changes a state here: a packet counts once its tag is right. Keys that are said again
//! keep their counters and their replay window; new ones begin anew, and the old ones open what is still on its way.

use crate::renumbered::retell;
use crate::report::DropReason;
use crate::secured::{Dtls, Keys, Security, Srtp};
use base::Time;
use bridge::Moved;
use srtp::{Opener, Protector, SrtpError};
use std::fmt;
use std::time::Duration;

/// How long packets under the peer's former key are still taken after it was replaced.
const GRACE: Duration = Duration::from_secs(2);
/// Former keys, of the peer's and of our own, that are remembered, for one that returns goes on where it was: limit
/// `srtp_keys_kept`.
const FORMER_MAX: usize = 3;

/// A datagram at the start of a buffer that has room behind it for the tag that protection adds.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// The whole buffer.
    pub buffer: &'a mut [u8],
    /// How many bytes of it are the datagram.
    pub length: usize,
}

impl Datagram<'_> {
    /// Its bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.length).unwrap_or_default()
    }
}

/// Keys of descriptions that protected for others who had the place: limit `srtp_forks_kept`.
const SPENT_MAX: usize = 256;

/// What kind of packet is opened or protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Media,
    Control,
}

/// What opens packets under a former key of the peer's.
struct Former {
    opener: Opener,
    /// Until then it opens what is still on its way.
    until: Time,
}

/// What protected for others who had the place, under keys of descriptions. One that was laid aside is never forgotten.
#[derive(Default)]
pub(crate) struct Spent {
    all: Vec<Protector>,
    /// There was no room for one: of a key that is not among them it is not known whether it was used.
    is_full: bool,
}

/// Keys in use, and those before them.
struct Live {
    keys: Keys,
    opener: Opener,
    protector: Protector,
    former: Vec<Former>,
    /// Under former keys of our own: no key stream is used twice, even if a description is taken back.
    spent: Vec<Protector>,
    /// Whether our counters go on under a new key is not known: they do as the peer's do.
    waits: bool,
    /// Agreed on by a handshake: nobody else has them.
    shaken: bool,
    /// That handshake was by the terms that hold: its association lasts (RFC 8842 §4).
    lasts: bool,
}

/// See the module text.
#[derive(Default)]
pub(crate) struct Guard {
    /// None while keys are awaited: nothing passes.
    live: Option<Box<Live>>,
    /// Of RTCP on a port of its own, which has a handshake of its own (RFC 5764 §4.2).
    apart: Option<Box<Live>>,
    /// With whom keys are agreed by handshakes.
    terms: Option<Box<Dtls>>,
    /// The peer wants RTCP where RTP goes.
    muxed: bool,
}

impl Guard {
    /// What a description says of keys: those that hold from now on; none where the stream is plain, and those that
    /// rest meanwhile.
    pub(crate) fn follow(
        held: Option<Guard>,
        now: Time,
        srtp: &Srtp,
        muxed: bool,
    ) -> (Option<Guard>, Option<Guard>) {
        if *srtp == Srtp::Off {
            return (None, held);
        }
        let mut guard = Guard { muxed, ..held.unwrap_or_default() };
        guard.terms.take_if(|terms| terms.is_unknown());
        match srtp {
            // Keys that hold go on until others are agreed.
            Srtp::Off | Srtp::Awaited => {}
            Srtp::On(keys) => {
                (guard.apart, guard.terms) = (None, None);
                take(&mut guard.live, now, keys, false);
            }
            Srtp::Dtls(terms) => {
                let before = guard.terms.take();
                guard.take_terms(before, terms);
            }
        }
        (Some(guard), None)
    }

    /// Takes what is said of a handshake now.
    fn take_terms(&mut self, before: Option<Box<Dtls>>, said: &Dtls) {
        let mut terms = said.clone();
        if let Some(before) = before {
            if !before.goes_on(said) {
                self.each().for_each(|live| live.lasts = false);
            } else if said.open {
                terms.client = before.client;
            }
            terms.association = before.association;
            terms.association.follow(&said.association);
        }
        self.terms = Some(Box::new(terms));
    }

    /// Whether a handshake by these terms has agreed on keys that are in use, RTCP's own or those of the media.
    pub(crate) fn lasts(&self, control: bool) -> bool {
        let live = if control { &self.apart } else { &self.live };
        live.as_ref().is_some_and(|live| live.lasts)
    }

    /// With whom keys are agreed by handshakes, and whether RTCP has one of its own.
    pub(crate) fn terms(&self) -> Option<(&Dtls, bool)> {
        self.terms.as_deref().map(|terms| (terms, !self.muxed))
    }

    /// Takes the keys of a handshake.
    pub(crate) fn keyed(&mut self, now: Time, control: bool, keys: &Keys) {
        take(if control { &mut self.apart } else { &mut self.live }, now, keys, true);
    }

    /// The keys of a packet, by its kind and whether it is on the port of RTCP.
    #[inline]
    fn of(&mut self, kind: Kind, control: bool) -> Result<&mut Live, DropReason> {
        let apart = kind == Kind::Control && control && self.terms.is_some();
        let live = if apart { &mut self.apart } else { &mut self.live };
        live.as_deref_mut().ok_or(DropReason::SrtpKey)
    }

    /// Opens a packet of the peer in place.
    #[inline]
    pub(crate) fn open(
        &mut self,
        now: Time,
        packet: &mut Datagram<'_>,
        (kind, control): (Kind, bool),
    ) -> Result<(), DropReason> {
        let live = self.of(kind, control)?;
        let opened = match unlock(&mut live.opener, packet.bytes_mut(), kind) {
            Err(error) if !live.former.is_empty() => {
                live.open_late(now, packet.bytes_mut(), kind).ok_or(error)
            }
            opened => opened,
        };
        if live.waits && live.opener.goes_on() {
            live.go_on();
        }
        packet.length = opened.map_err(|error| reason(error, packet.bytes()))?;
        if kind == Kind::Control
            && let Some(live) = self.live.as_deref().filter(|live| live.protector.moves())
        {
            let moved = |ssrc| Moved { numbers: live.protector.moved_by(ssrc), ..Moved::default() };
            retell(packet.bytes_mut(), moved, |_| Moved::default());
        }
        Ok(())
    }

    /// Protects a packet that goes to the peer.
    #[inline]
    pub(crate) fn protect(&mut self, packet: &mut Datagram<'_>, kind: Kind) -> Result<(), DropReason> {
        let live = self.of(kind, !self.muxed)?;
        let made = match kind {
            Kind::Media => live.protector.relay(packet.buffer, packet.length),
            Kind::Control => live.protector.rtcp(packet.buffer, packet.length),
        };
        packet.length = made.map_err(|error| reason(error, packet.bytes()))?;
        Ok(())
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Box<Live>> {
        [&mut self.live, &mut self.apart].into_iter().flatten()
    }

    /// Another peer takes the place. Forks may share a key of ours, since one offer of ours reached all of them: what
    /// protects is laid aside for the next one, for no key stream may be used twice (RFC 3711 §9.1). Keys of a handshake
    /// are nobody else's: they stay.
    pub(crate) fn lay_aside(&mut self, spent: &mut Spent) {
        for live in self.each() {
            let own = (!live.shaken && !live.protector.is_exhausted()).then(|| {
                let none = Protector::exhausted(live.keys.send.clone());
                std::mem::replace(&mut live.protector, none)
            });
            for used in live.spent.drain(..).filter(|used| !used.is_exhausted()).chain(own) {
                if spent.all.len() < SPENT_MAX {
                    spent.all.push(used);
                } else {
                    spent.is_full = true;
                }
            }
        }
    }

    /// Its peer is another party than the one before: nothing is still on its way to be heard.
    pub(crate) fn forget_former(&mut self) {
        self.each().flat_map(|live| &mut live.former).for_each(|former| former.until = Time::ZERO);
    }

    /// Its peer has the place: what was laid aside of its key goes on.
    pub(crate) fn take_up(&mut self, spent: &mut Spent) {
        for live in self.each().filter(|live| !live.shaken) {
            if let Some(at) = spent.all.iter().position(|one| one.is_of(&live.keys.send)) {
                (live.protector, live.waits) = (spent.all.remove(at), false);
            } else if spent.is_full && live.protector.is_unused() {
                live.protector = Protector::exhausted(live.keys.send.clone());
            }
        }
    }

    /// How it protects.
    pub(crate) fn security(&self) -> Security {
        let suite = self.live.as_ref().map(|live| live.keys.receive.suite());
        match suite {
            _ if self.terms.is_some() => Security::Dtls(suite),
            Some(suite) => Security::Sdes(suite),
            None => Security::Awaited,
        }
    }
}

/// Takes keys: those that hold already go on.
fn take(held: &mut Option<Box<Live>>, now: Time, keys: &Keys, shaken: bool) {
    let Some(live) = held else {
        let (opener, protector) = (Opener::new(keys.receive.clone()), Protector::new(keys.send.clone()));
        let (keys, former, spent) = (keys.clone(), Vec::new(), Vec::new());
        *held = Some(Box::new(Live {
            keys,
            opener,
            protector,
            former,
            spent,
            waits: false,
            shaken,
            lasts: shaken,
        }));
        return;
    };
    if live.keys.send != keys.send {
        live.change(keys);
    }
    if live.keys.receive != keys.receive {
        live.renew(now, keys);
    }
    (live.keys, live.shaken, live.lasts) = (keys.clone(), shaken, shaken);
}

impl Live {
    /// A new key of ours.
    fn change(&mut self, keys: &Keys) {
        let known = self.spent.iter().position(|spent| spent.is_of(&keys.send));
        let next = known.map(|at| self.spent.remove(at));
        self.waits = next.is_none();
        let next = next.unwrap_or_else(|| Protector::follow(&self.protector, keys.send.clone()));
        if self.spent.len() >= FORMER_MAX {
            self.spent.remove(0);
        }
        self.spent.push(std::mem::replace(&mut self.protector, next));
    }

    /// The peer's counters went on under its new key, so it expects that ours do.
    #[cold]
    fn go_on(&mut self) {
        self.waits = false;
        if let Some(former) = self.spent.last() {
            self.protector.go_on(former);
        }
    }

    /// A new key of the peer's.
    fn renew(&mut self, now: Time, keys: &Keys) {
        let known = self.former.iter().position(|former| former.opener.is_of(&keys.receive));
        let next = known.map(|at| self.former.remove(at).opener);
        let next = next.unwrap_or_else(|| Opener::follow(&self.opener, keys.receive.clone()));
        if self.former.len() >= FORMER_MAX {
            self.former.remove(0);
        }
        let opener = std::mem::replace(&mut self.opener, next);
        self.former.push(Former { opener, until: now + GRACE });
    }

    /// Opens what is still on its way under a former key.
    #[cold]
    fn open_late(&mut self, now: Time, bytes: &mut [u8], kind: Kind) -> Option<usize> {
        let former = self.former.iter_mut().filter(|former| now < former.until);
        former.rev().find_map(|former| unlock(&mut former.opener, bytes, kind).ok())
    }
}

/// Opens in place; on failure the bytes are as before.
#[inline]
fn unlock(opener: &mut Opener, bytes: &mut [u8], kind: Kind) -> Result<usize, SrtpError> {
    match kind {
        Kind::Media => opener.rtp(bytes),
        Kind::Control => opener.rtcp(bytes),
    }
}

#[cold]
fn reason(error: SrtpError, bytes: &[u8]) -> DropReason {
    match error {
        SrtpError::Malformed if bytes.first().is_some_and(|first| first >> 6 != 2) => DropReason::BadVersion,
        SrtpError::Malformed => DropReason::BadLength,
        SrtpError::Forged => DropReason::SrtpForged,
        SrtpError::Replayed => DropReason::SrtpReplayed,
        SrtpError::OtherKey => DropReason::SrtpKey,
        SrtpError::Exhausted => DropReason::SrtpExhausted,
        SrtpError::NoRoom => DropReason::Oversize,
    }
}

impl fmt::Debug for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spent({})", self.all.len())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.live.is_some() { "Guard(keys)" } else { "Guard(awaited)" })
    }
}
