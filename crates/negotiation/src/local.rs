//! The session description that was last sent to a peer, and what follows from it.

use crate::dtls::Ran;
use crate::ice::IceTold;
use crate::notice::Notice;
use crate::numbers::Numbers;
use crate::trouble::{SdpTrouble, parse};
use base::{Rng, WallTime};
use config::Policy;
use media::{Association, Command, MAX_STREAMS, Remote, SessionId, Side};
use sdp::{Cover, Session};
use srtp::MasterKey;

/// What an answer of ours took of the peer's offer of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taken {
    /// A key (RFC 4568).
    Key(MasterKey),
    /// A certificate to be shown in a handshake: what names the peer's end of it.
    Dtls(Association),
}

/// The session description that we last sent to the peer.
#[derive(Clone, Default, Debug)]
pub struct LocalSdp {
    /// `sess-id` of our origin line; 0 until the first.
    pub id: u64,
    /// `sess-version` of our origin line.
    pub version: u64,
    /// The description.
    pub text: Box<[u8]>,
    /// What holds instead of `text`, which the peer refused (RFC 3261 §14.1).
    pub standing: Option<Box<[u8]>>,
    /// The peers describe themselves, and who is on the other side has changed: what goes on is a further
    /// version of what the peer knows (RFC 3264 §8).
    pub continued: bool,
    /// Per m-line what this description took of the peer's, when it answers an offer.
    pub taken: Vec<Option<Taken>>,
    /// What the peer is told of the recording of its call; `None`: nothing.
    pub notice: Option<Notice>,
    /// It has yet to hear of that.
    pub unsaid: bool,
    /// What we are known by in the peer's checks; `None`: it was not told of any.
    pub ice: Option<Box<IceTold>>,
    /// What payload numbers have stood for.
    pub numbers: Numbers,
    /// A number was another one than the other peer's: what goes between them has to be told apart.
    pub renumbered: bool,
    /// It named our certificate: handshakes may follow.
    pub proved: bool,
    /// It is the first that the peer hears, and an offer: a handshake may come before the answer.
    pub awaits: bool,
    /// What was said of those, per m-line.
    pub ran: Vec<Option<Ran>>,
    /// Since when the peer holds the other one.
    pub held_since: Option<WallTime>,
}

impl LocalSdp {
    /// Before the first description of an attempt by a trunk with this policy. Beside others it names to its peer what they
    /// name to theirs: each may be checked for as long as it may answer (RFC 8445 §7.3).
    #[must_use]
    pub fn beside<'l>(policy: &Policy, mut others: impl Iterator<Item = &'l LocalSdp>) -> LocalSdp {
        let lite = policy.ice == config::Ice::Lite;
        let told = if lite { others.find_map(|other| other.ice.as_deref()) } else { None };
        LocalSdp { ice: told.map(|told| Box::new(told.beside())), ..LocalSdp::default() }
    }

    /// Whether it answers with keys for SRTP.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.taken.iter().any(Option::is_some)
    }

    /// What holds between us and the peer.
    #[must_use]
    pub fn standing(&self) -> &[u8] {
        self.standing.as_deref().unwrap_or(&self.text)
    }

    /// This description as the one that follows what the peer was told last, which may have changed since this
    /// one was made (RFC 3264 §8).
    #[must_use]
    pub fn after(self, last: &LocalSdp) -> LocalSdp {
        let follows = self.id == last.id && self.version > last.version;
        if follows || last.text.is_empty() || *self.text == *last.text {
            return self;
        }
        let text = sdp::continued(&last.text, &self.text).into_boxed_slice();
        LocalSdp { id: last.id, version: last.version + 1, text, ..self }
    }

    /// Says anew how the recording of its call stands; whether the peer has to hear of it.
    pub fn tell(&mut self, notice: Notice) -> bool {
        if self.notice.unwrap_or_default() == notice || self.text.is_empty() {
            return false;
        }
        self.notice = Some(notice);
        let mut text = self.standing.take().unwrap_or_else(|| self.text.clone()).into_vec();
        crate::notice::weave(self.notice, false, &mut text);
        self.continue_with(&text);
        self.unsaid = true;
        true
    }

    /// Takes what it answers, and how its lines are secured.
    pub(crate) fn take(&mut self, taken: Vec<Option<Taken>>, covers: &[Cover], offers: bool) {
        self.taken = taken;
        self.proved |= covers.iter().any(Cover::has_proof);
        self.awaits = self.proved && offers && self.text.is_empty();
    }

    /// Gives it a session id, once.
    pub(crate) fn begin(&mut self, rng: &mut Rng) {
        if self.id == 0 && !self.has_foreign_origin() {
            self.id = rng.next_u64() >> 2 | 1;
        }
    }

    /// Whether what the peer knows bears the other peer's origin line: media went between them until now.
    pub(crate) fn has_foreign_origin(&self) -> bool {
        self.id == 0 && !self.text.is_empty()
    }

    /// Takes a description as a further version of what the peer knows (RFC 3264 §8).
    pub(crate) fn continue_with(&mut self, text: &[u8]) {
        self.text = sdp::continued(&self.text, text).into_boxed_slice();
        self.version += u64::from(self.id != 0);
    }

    /// Takes what the other peer has described as it is.
    pub fn pass(&mut self, text: &[u8]) {
        if self.continued {
            self.continue_with(text);
        } else if *self.text != *text {
            self.text = text.into();
        }
    }

    /// Reads what this peer offered, if this is to answer it; what numbers have meant until now is remembered.
    pub(crate) fn read_offer<'t>(&mut self, offer: &'t [u8]) -> Result<Option<Session<'t>>, SdpTrouble> {
        self.numbers.note(&self.text);
        self.numbers.note(offer);
        if let (true, Ok(ours)) = (self.proved, parse(&self.text)) {
            crate::dtls::remember(&mut self.ran, &ours, &self.taken);
        }
        if offer.is_empty() { Ok(None) } else { parse(offer).map(Some) }
    }

    /// What the engine has to know before a side's peer hears of this description: what we are known by in its checks,
    /// and where it may begin a handshake before it has answered (RFC 5763 §5).
    pub fn before_it_leaves(&mut self, session: Option<SessionId>, side: Side) -> Vec<Command> {
        let Some(session) = session else { return Vec::new() };
        let ice = self.ice.as_ref().map(|ice| ice.credentials.clone());
        let ice = ice.map(|local| Command::Ice { session, side, local });
        let awaits = std::mem::take(&mut self.awaits);
        let told = if awaits { parse(&self.text).ok() } else { None };
        let lines = told.iter().flat_map(|told| (0..).zip(told.media())).take(MAX_STREAMS);
        let proved = lines.filter(|(_, media)| media.port != 0 && media.has_fingerprint());
        let unknown = |(stream, _)| Command::Set { session, side, stream, remote: Remote::unknown() };
        ice.into_iter().chain(proved.map(unknown)).collect()
    }

    /// The peer has described itself: a restart of its ICE is seen by that, its numbers hold from here on,
    /// who begins handshakes is remembered, and since when it holds the other one.
    pub fn note_peer(&mut self, text: &[u8], now: WallTime) {
        let holds = self.numbers.note(text) && crate::plan::holds(text);
        self.held_since = holds.then(|| self.held_since.unwrap_or(now));
        if self.ice.is_none() && !self.proved {
            return;
        }
        let Ok(session) = parse(text) else { return };
        crate::ice::note(&mut self.ice, &session);
        if let (true, Ok(ours)) = (self.proved, parse(self.standing.as_deref().unwrap_or(&self.text))) {
            crate::dtls::note(&mut self.ran, &session, &ours);
        }
    }

    /// Whether an offer of the other peer, which described itself as `before`, says nothing new: then what holds is said
    /// again, by the same numbers and under the same version (RFC 3264 §8, RFC 4028 §7.4).
    pub fn refresh(&mut self, before: &[u8], offer: &[u8]) -> bool {
        let same = self.id != 0 && !before.is_empty() && self.is_told(before, offer);
        if same {
            self.restate();
        }
        same
    }

    fn is_told(&self, before: &[u8], offer: &[u8]) -> bool {
        let [Ok(before), Ok(now), Ok(told)] = [before, offer, self.standing()].map(parse) else {
            return false;
        };
        // A stream that could not be carried then may be carried now.
        let mut lines = now.media().iter().zip(told.media());
        let carried = lines.all(|(now, told)| (now.port == 0) == (told.port == 0));
        let whole = now.media().len() == told.media().len();
        whole && carried && sdp::change(&before, &now) == sdp::Change::Nothing
    }

    /// The same; gives what it described, to be kept.
    #[must_use]
    pub fn hear(&mut self, text: &[u8], now: WallTime) -> Box<[u8]> {
        self.note_peer(text, now);
        text.into()
    }

    /// What holds, to be sent again; after a refused offer under a version of its own (RFC 3264 §8).
    pub fn restate(&mut self) -> &[u8] {
        if let Some(old) = self.standing.take() {
            self.version += 1;
            self.text = with_version(&old, self.id, self.version);
        }
        &self.text
    }
}

/// A description of ours with another version in its origin line.
fn with_version(text: &[u8], id: u64, version: u64) -> Box<[u8]> {
    let whole = String::from_utf8_lossy(text);
    let origin = format!("o=- {id} ");
    let Some(at) = whole.find(&origin).map(|at| at + origin.len()) else { return text.into() };
    let digits = whole[at..].bytes().take_while(u8::is_ascii_digit).count();
    format!("{}{version}{}", &whole[..at], &whole[at + digits..]).into_bytes().into_boxed_slice()
}
