//! The lite agent of one stream: answers checks, and learns from them where the peer is (RFC 8445 §7.3).
//!
//! It is always the controlled side (RFC 8445 §6.1.1). A check is believed when it names our fragment and
//! bears our password; then its source is proven, and it becomes the selected address when the check
//! nominates it. Checks of several peers (forks) live beside each other, told apart by their fragments;
//! [`Agent::describe`] says which of them counts.
//!
//! Who cannot name our fragment gets no answer, whatever he sends. Who names it and bears a wrong password is
//! told so, seldom, and never with more bytes than he sent. So the agent amplifies nothing, and answers nobody
//! who has not read our session description. It also sees that the peer still wants our media: its checks go
//! on for as long as it does (RFC 7675 §5.1), [`Agent::heard`].

use crate::COMPONENTS;
use crate::budget::Budget;
use crate::credentials::Credentials;
use crate::integrity::Key;
use crate::message::{Class, Message};
use crate::peer::{Peer, PeerDescription};
use crate::write::Writer;
use base::Time;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::time::Duration;

/// Peers (branches of a fork, generations of credentials) that are told apart; a further one takes the place of
/// the one that was heard least recently: limit `ice_peers`.
pub const PEERS_MAX: usize = 8;
/// Checks of a component that are answered at once, and per second after that: limit `ice_checks`. A full agent
/// makes at most 20 a second (RFC 8445 §14.2), and there may be [`PEERS_MAX`] of them.
pub const CHECKS_BURST: u32 = 400;
/// See [`CHECKS_BURST`].
pub const CHECKS_PER_SECOND: u32 = 200;
/// Refusals of a component that are sent at once, and per second after that: limit `ice_refusals`.
pub const REFUSALS_BURST: u32 = 10;
/// See [`REFUSALS_BURST`].
pub const REFUSALS_PER_SECOND: u32 = 5;
/// After a restart, checks with the credentials of before are still answered for this long, and after each of them:
/// Chromium goes on with them where it has begun to check anew before it had our new ones.
const OLD_CREDENTIALS_FOR: Duration = Duration::from_secs(30);

/// What became of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A good check. The first `length` bytes of the buffer are the answer to its source.
    Answer {
        /// Bytes of the answer.
        length: usize,
        /// [`Agent::selected`] says something else than before.
        moved: bool,
    },
    /// A refusal: the first `length` bytes of the buffer go back to the source, which is not to be believed.
    Refuse {
        /// Bytes of the answer.
        length: usize,
        /// Why.
        reason: Refusal,
    },
    /// No answer.
    Drop(Refusal),
}

/// Why a datagram is no good check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// No STUN message, or broken.
    Malformed,
    /// Not a Binding request: we ask nothing, so no response is for us; indications only keep
    /// address translators awake (RFC 8445 §11).
    NotRequest,
    /// It does not name our fragment.
    Foreign,
    /// It bears no MESSAGE-INTEGRITY, or a wrong one.
    Forged,
    /// More than are answered in the time.
    Flood,
    /// It needs an attribute to be understood that is not (RFC 8489 §6.3.1).
    Unknown,
    /// It says to be controlled, which we are (RFC 8445 §7.3.1.1).
    Role,
}

/// One side's credentials, ready for use.
#[derive(Clone, Debug)]
struct Local {
    credentials: Credentials,
    key: Key,
}

impl Local {
    fn new(credentials: Credentials) -> Local {
        let key = Key::new(credentials.password().as_bytes());
        Local { credentials, key }
    }
}

/// See the module text.
#[derive(Clone, Debug)]
pub struct Agent {
    local: Local,
    /// The credentials before the last restart, and until when they count if no check bears them.
    before: Option<(Local, Time)>,
    /// How often it has restarted.
    generation: u32,
    peers: SmallVec<[Peer; 1]>,
    /// The fragment of the peer that counts.
    current: Option<Box<str>>,
    /// What was selected before the last restart, until its peer nominates anew (RFC 8445 §9).
    kept: [Option<SocketAddr>; COMPONENTS],
    checks: [Budget; COMPONENTS],
    refusals: [Budget; COMPONENTS],
    answered: u64,
}

impl Agent {
    /// An agent that is known by these credentials.
    #[must_use]
    pub fn new(credentials: Credentials, now: Time) -> Agent {
        Agent {
            local: Local::new(credentials),
            before: None,
            generation: 0,
            peers: SmallVec::new(),
            current: None,
            kept: [None; COMPONENTS],
            checks: [Budget::new(now, CHECKS_BURST, CHECKS_PER_SECOND); COMPONENTS],
            refusals: [Budget::new(now, REFUSALS_BURST, REFUSALS_PER_SECOND); COMPONENTS],
            answered: 0,
        }
    }

    /// Its credentials.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.local.credentials
    }

    /// New credentials: ICE restarts (RFC 8445 §9). The same again change nothing. What was selected stays
    /// until a nomination replaces it.
    pub fn restart(&mut self, credentials: Credentials, now: Time) {
        if self.local.credentials != credentials {
            self.kept = std::array::from_fn(|component| self.selected(component));
            self.generation = self.generation.wrapping_add(1);
            let old = std::mem::replace(&mut self.local, Local::new(credentials));
            self.before = Some((old, now + OLD_CREDENTIALS_FOR));
        }
    }

    /// The peer that counts from now on, as it described itself.
    pub fn describe(&mut self, description: &PeerDescription, now: Time) {
        let peer = self.peer_of(description.ufrag.as_bytes(), now);
        peer.describe(&description.candidates);
        if self.current.as_deref() != Some(&description.ufrag) {
            self.current = Some(description.ufrag.clone());
        }
        (0..COMPONENTS).for_each(|component| self.forget_kept(component));
    }

    /// Another party comes: what the one before had proven before a restart is nothing to it.
    pub fn part(&mut self) {
        self.kept = [None; COMPONENTS];
    }

    /// A further peer (a branch of a fork), as it described itself. It counts when it is described.
    pub fn introduce(&mut self, description: &PeerDescription, now: Time) {
        self.peer_of(description.ufrag.as_bytes(), now).describe(&description.candidates);
    }

    /// The peer of a fragment. A new one may take the place of the one that was heard least recently, never of the
    /// one that counts.
    fn peer_of(&mut self, ufrag: &[u8], now: Time) -> &mut Peer {
        let at = self.peers.iter().position(|p| p.ufrag.as_slice() == ufrag).unwrap_or_else(|| {
            if self.peers.len() >= PEERS_MAX {
                let current = self.current.as_deref().unwrap_or_default().as_bytes();
                let others = (0..).zip(&self.peers).filter(|(_, p)| p.ufrag.as_slice() != current);
                if let Some(oldest) = others.min_by_key(|(_, p)| p.heard).map(|(at, _)| at) {
                    self.peers.remove(oldest);
                }
            }
            self.peers.push(Peer::new(ufrag, self.generation, now));
            self.peers.len() - 1
        });
        &mut self.peers[at]
    }

    /// What was selected before a restart ends with the first nomination of a peer that came after it.
    fn forget_kept(&mut self, component: usize) {
        let current = self.current().filter(|peer| peer.generation == self.generation);
        let nominated = current.and_then(|peer| peer.selected(component));
        if let Some(kept) = self.kept.get_mut(component).filter(|_| nominated.is_some()) {
            *kept = None;
        }
    }

    fn current(&self) -> Option<&Peer> {
        self.known(self.current.as_deref()?)
    }

    fn known(&self, ufrag: &str) -> Option<&Peer> {
        self.peers.iter().find(|p| p.ufrag.as_slice() == ufrag.as_bytes())
    }

    /// The address that the peer of a fragment has nominated for a component.
    #[must_use]
    pub fn selected_by(&self, ufrag: &str, component: usize) -> Option<SocketAddr> {
        self.known(ufrag)?.selected(component)
    }

    /// Whether the peer of a fragment has sent a good check from an address.
    #[must_use]
    pub fn is_proved_by(&self, ufrag: &str, component: usize, source: SocketAddr) -> bool {
        self.known(ufrag).is_some_and(|peer| peer.is_proved(component, source))
    }

    /// The address that the peer that counts has nominated for a component, or had before a restart.
    #[must_use]
    pub fn selected(&self, component: usize) -> Option<SocketAddr> {
        let nominated = self.current().and_then(|peer| peer.selected(component));
        nominated.or_else(|| self.kept.get(component).copied().flatten())
    }

    /// Whether the peer that counts has sent a good check from an address: media may come from there too, before it
    /// nominates and after (RFC 8445 §12.2).
    #[must_use]
    pub fn is_proved(&self, component: usize, source: SocketAddr) -> bool {
        self.current().is_some_and(|peer| peer.is_proved(component, source))
    }

    /// When the peer that counts last sent a good check; `None` before the first.
    #[must_use]
    pub fn heard(&self) -> Option<Time> {
        self.current().filter(|peer| peer.has_proved()).map(|peer| peer.heard)
    }

    /// Good checks so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// A datagram that looks like STUN, the first `length` bytes of `buffer`, came from `source` to our port of
    /// `component` (0: RTP, 1: RTCP). An answer is written over it.
    pub fn receive(
        &mut self,
        now: Time,
        component: usize,
        source: SocketAddr,
        buffer: &mut [u8],
        length: usize,
    ) -> Event {
        match self.judge(now, component, source, buffer.get(..length).unwrap_or_default()) {
            Judgement::Drop(reason) => Event::Drop(reason),
            Judgement::Good { transaction, key, moved } => {
                let mut writer = Writer::new(buffer, Class::Success, transaction);
                writer.mapped_address(source);
                writer.integrity(&key);
                writer
                    .finish()
                    .map_or(Event::Drop(Refusal::Malformed), |length| Event::Answer { length, moved })
            }
            Judgement::Bad { refused, reason } => {
                match self.refusals.get_mut(component).is_some_and(|b| b.take(now)) {
                    true => refused.write(buffer, length, reason),
                    false => Event::Drop(reason),
                }
            }
        }
    }

    /// What a datagram is worth; notes what it proves.
    fn judge(&mut self, now: Time, component: usize, source: SocketAddr, bytes: &[u8]) -> Judgement {
        let Ok(message) = Message::parse(bytes) else { return Judgement::Drop(Refusal::Malformed) };
        if message.class() != Class::Request || !message.is_binding() {
            return Judgement::Drop(Refusal::NotRequest);
        }
        let names = message.username().and_then(split_username);
        let found = names.and_then(|(ours, theirs)| Some((self.key_of(ours, now)?, theirs)));
        let Some((key, theirs)) = found else { return Judgement::Drop(Refusal::Foreign) };
        let transaction = message.transaction();
        let bad = |code, reason, key| {
            let unknown = message.not_understood().collect();
            Judgement::Bad { refused: Refused { transaction, code, unknown, key }, reason }
        };
        if !message.is_from(&key) {
            let code = if message.has_integrity() { 401 } else { 400 };
            return bad(code, Refusal::Forged, None);
        }
        if message.not_understood().next().is_some() {
            return bad(420, Refusal::Unknown, Some(key));
        }
        if message.is_controlled() {
            return bad(487, Refusal::Role, Some(key));
        }
        if !self.checks.get_mut(component).is_some_and(|b| b.take(now)) {
            return Judgement::Drop(Refusal::Flood);
        }
        self.answered += 1;
        let is_current = self.current.as_deref().is_some_and(|c| c.as_bytes() == theirs);
        if is_current {
            self.prolong(names, now);
        }
        let peer = self.peer_of(theirs, now);
        peer.heard = now;
        peer.prove(component, source);
        let claimed = message.priority().unwrap_or_default();
        let moved = message.use_candidate() && peer.nominate(now, component, source, claimed);
        self.forget_kept(component);
        Judgement::Good { transaction, key, moved: moved && is_current }
    }

    /// A good check of these names by the peer that counts: the credentials of before hold on where it bears them.
    fn prolong(&mut self, names: Option<(&[u8], &[u8])>, now: Time) {
        if let (Some((before, until)), Some((ours, _))) = (&mut self.before, names)
            && before.credentials.ufrag().as_bytes() == ours
        {
            *until = now + OLD_CREDENTIALS_FOR;
        }
    }

    /// The key that belongs to a fragment of ours.
    fn key_of(&self, ufrag: &[u8], now: Time) -> Option<Key> {
        let before = self.before.as_ref().filter(|(_, until)| now < *until).map(|(local, _)| local);
        let mut known = std::iter::once(&self.local).chain(before);
        known.find(|local| local.credentials.ufrag().as_bytes() == ufrag).map(|local| local.key.clone())
    }
}

/// What a datagram is worth.
enum Judgement {
    Good { transaction: [u8; 12], key: Key, moved: bool },
    Bad { refused: Refused, reason: Refusal },
    Drop(Refusal),
}

/// An error response to be written.
struct Refused {
    transaction: [u8; 12],
    code: u16,
    unknown: SmallVec<[u16; 4]>,
    key: Option<Key>,
}

impl Refused {
    /// Writes the response unless it would be longer than the request of `asked` bytes.
    fn write(self, buffer: &mut [u8], asked: usize, reason: Refusal) -> Event {
        let room = buffer.get_mut(..asked).unwrap_or_default();
        let mut writer = Writer::new(room, Class::Error, self.transaction);
        writer.error_code(self.code);
        if self.code == 420 {
            writer.unknown(self.unknown.into_iter());
        }
        if let Some(key) = &self.key {
            writer.integrity(key);
        }
        writer.finish().map_or(Event::Drop(reason), |length| Event::Refuse { length, reason })
    }
}

/// `ours:theirs` (RFC 8445 §7.2.2).
fn split_username(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.iter().position(|byte| *byte == b':')?;
    Some((name.get(..at)?, name.get(at + 1..)?))
}
