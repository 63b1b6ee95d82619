//! One direction in: packets of the peer are judged and decrypted.

use crate::cipher::is_same;
use crate::error::SrtpError;
use crate::keys::{Kind, MasterKey, SessionKeys};
use crate::protect::{ENCRYPTED, Head, RTCP_HEAD, rtcp_ssrc};
use crate::replay::{Window, index_of};
use crate::state::State;
use crate::streams::{AT_HAND, Streams};
use crate::suite::Suite;
use smallvec::SmallVec;

/// Session keys of one of several master keys.
struct Other {
    mki: Box<[u8]>,
    rtp: SessionKeys,
    rtcp: SessionKeys,
}

impl Other {
    fn new(master: &MasterKey) -> Other {
        Other { mki: master.mki().into(), rtp: master.derive(Kind::Rtp), rtcp: master.derive(Kind::Rtcp) }
    }
}

/// See the module text.
pub struct Opener {
    master: MasterKey,
    rtp: SessionKeys,
    pub(crate) rtcp: SessionKeys,
    /// Of the peer's other keys, told apart by their identifiers. What was received is one for all (RFC 3711 §3.2.1).
    others: Vec<Other>,
    /// What was received (RFC 3711 §3.3.2).
    streams: Streams,
    /// Streams under the peer's former key whose counters may go on under this one: SSRC and newest index.
    former: SmallVec<[(u32, u64); 2]>,
    /// One of them did.
    goes_on: bool,
}

impl Opener {
    /// Begins with the key that the peer protects with.
    #[must_use]
    pub fn new(master: MasterKey) -> Opener {
        let (rtp, rtcp) = (master.derive(Kind::Rtp), master.derive(Kind::Rtcp));
        let others = master.others().iter().map(Other::new).collect();
        Opener {
            master,
            rtp,
            rtcp,
            others,
            streams: Streams::default(),
            former: SmallVec::new(),
            goes_on: false,
        }
    }

    /// Its suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.master.suite()
    }

    /// With the key that the peer changes to. Most peers begin its counters at 0, some go on with those of the former
    /// key, as RFC 3711 §3.3.1 has it: of each stream the first packet shows which.
    #[must_use]
    pub fn follow(former: &Opener, master: MasterKey) -> Opener {
        let mut opener = Opener::new(master);
        let unheard = former.former.iter().filter(|(ssrc, _)| former.streams.place(*ssrc).is_none());
        let rolled = former.positions().filter(|(_, newest)| newest >> 16 > 0);
        opener.former = rolled.chain(unheard.copied()).take(AT_HAND).collect();
        opener
    }

    /// Whether the peer's counters went on when its key changed.
    #[inline]
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Whether it opens what is protected with this key.
    #[must_use]
    pub fn is_of(&self, master: &MasterKey) -> bool {
        self.master == *master
    }

    /// How far it has come.
    #[must_use]
    pub fn export(&self) -> State {
        State { streams: self.streams.export(), rtcp_next: 0, former: self.former.to_vec() }
    }

    /// Goes on where another left off.
    #[must_use]
    pub fn import(master: MasterKey, state: &State) -> Opener {
        let mut opener = Opener::new(master);
        opener.streams = Streams::import(&state.streams);
        opener.former = state.former.iter().copied().take(AT_HAND).collect();
        opener
    }

    /// Goes on where another left off: the newest RTP index of `ssrc` that was received.
    pub fn resume(&mut self, ssrc: u32, newest: u64) {
        if let Some(stream) = self.streams.speaks(self.streams.place(ssrc), ssrc) {
            stream.rtp = Window::after(newest.saturating_add(1));
        }
    }

    /// Where each stream stands: SSRC and newest RTP index (rollover counter and sequence number).
    pub(crate) fn positions(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.streams.at_hand().filter_map(|s| Some((s.ssrc, s.rtp.newest()?)))
    }

    /// Judges and decrypts an SRTP packet in place; the length of the RTP packet (RFC 3711 §3.3).
    ///
    /// # Errors
    /// Why it must be dropped; its bytes are then as before, so that another key may be tried.
    #[inline]
    pub fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let suite = self.suite();
        let (tag_length, mki) = (suite.rtp_tag_length(), self.master.mki());
        let length = packet.len().checked_sub(tag_length + mki.len()).ok_or(SrtpError::Malformed)?;
        let (bytes, rest) = packet.split_at_mut_checked(length).ok_or(SrtpError::Malformed)?;
        let head = Head::read(bytes)?;
        let place = self.streams.place(head.ssrc);
        let window = self.streams.part(place, head.ssrc, |stream| stream.rtp)?;
        let mut index = index_of(window.newest(), head.sequence);
        window.admits(index)?;
        let mut opened = self.unlock(&head, index, bytes, rest);
        if opened == Err(SrtpError::Forged)
            && window.newest().is_none()
            && let Some(other) = self.elsewhere(&head)
        {
            index = other;
            opened = self.unlock(&head, index, bytes, rest);
            self.goes_on |= opened.is_ok() && self.former.iter().any(|(ssrc, _)| *ssrc == head.ssrc);
        }
        opened?;
        if let Some(stream) = self.streams.speaks(place, head.ssrc) {
            stream.rtp.note(index);
        }
        Ok(length)
    }

    /// The keys of another identifier.
    #[cold]
    fn other(&self, mki: &[u8]) -> Result<&Other, SrtpError> {
        self.others.iter().find(|other| *other.mki == *mki).ok_or(SrtpError::OtherKey)
    }

    /// Where a stream that was not heard before may stand but at the beginning: it goes on from under the former key,
    /// or it rolled over before we had its key.
    #[cold]
    fn elsewhere(&self, head: &Head) -> Option<u64> {
        match self.former.iter().find(|(ssrc, _)| *ssrc == head.ssrc) {
            Some((_, newest)) => Some(index_of(Some(*newest), head.sequence)).filter(|index| index >> 16 > 0),
            None => (head.sequence < 0x8000).then_some(1 << 16 | u64::from(head.sequence)),
        }
    }

    /// Decrypts in place what lies before tag and identifier, if the tag is right for this index.
    #[inline]
    fn unlock(&self, head: &Head, index: u64, bytes: &mut [u8], rest: &[u8]) -> Result<(), SrtpError> {
        let mki = self.master.mki();
        // Nearly all have none, and a comparison that reads nothing from nowhere is slow.
        let is_first = |key: &[u8]| mki.is_empty() || key == mki;
        let tag_length = self.suite().rtp_tag_length();
        if self.suite().is_aead() {
            let (tag, key) = rest.split_at_checked(tag_length).ok_or(SrtpError::Malformed)?;
            let keys = if is_first(key) { &self.rtp } else { &self.other(key)?.rtp };
            let tag = <[u8; 16]>::try_from(tag).map_err(|_| SrtpError::Malformed)?;
            let (known, payload) = bytes.split_at_mut_checked(head.length).ok_or(SrtpError::Malformed)?;
            let right = keys.cipher.unseal(keys.nonce(head.ssrc, index), known, payload, tag);
            return if right { Ok(()) } else { Err(SrtpError::Forged) };
        }
        let (key, tag) = rest.split_at_checked(mki.len()).ok_or(SrtpError::Malformed)?;
        let keys = if is_first(key) { &self.rtp } else { &self.other(key)?.rtp };
        let sum = keys.cipher.sum(bytes, &((index >> 16) as u32).to_be_bytes());
        if !is_same(sum.get(..tag_length).unwrap_or_default(), tag) {
            return Err(SrtpError::Forged);
        }
        let payload = bytes.get_mut(head.length..).unwrap_or_default();
        keys.cipher.apply(keys.counter(head.ssrc, index), payload);
        Ok(())
    }

    /// Judges and decrypts an SRTCP packet in place; the length of the RTCP compound (RFC 3711 §3.4).
    ///
    /// # Errors
    /// Why it must be dropped; its bytes are then as before.
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let suite = self.suite();
        let (tag_length, mki) = (suite.rtcp_tag_length(), self.master.mki());
        let length = packet.len().checked_sub(tag_length + 4 + mki.len()).ok_or(SrtpError::Malformed)?;
        let (bytes, rest) = packet.split_at_mut_checked(length).ok_or(SrtpError::Malformed)?;
        let ssrc = rtcp_ssrc(bytes)?;
        let trailer = Trailer::read(rest, suite, mki).ok_or(SrtpError::Malformed)?;
        let keys = if trailer.mki == mki { &self.rtcp } else { &self.other(trailer.mki)?.rtcp };
        let index = trailer.word & !ENCRYPTED;
        let place = self.streams.place(ssrc);
        let window = self.streams.part(place, ssrc, |stream| stream.rtcp)?;
        window.admits(u64::from(index))?;
        let right = if suite.is_aead() {
            unseal_control(keys, ssrc, &trailer, bytes)
        } else {
            open_control(keys, ssrc, &trailer, bytes)
        };
        if !right {
            return Err(SrtpError::Forged);
        }
        if let Some(stream) = self.streams.speaks(place, ssrc) {
            stream.rtcp.note(u64::from(index));
        }
        Ok(length)
    }
}

/// What follows an RTCP compound.
struct Trailer<'a> {
    word: u32,
    mki: &'a [u8],
    tag: &'a [u8],
}

impl<'a> Trailer<'a> {
    /// The tag comes last with HMAC (RFC 3711 §3.4), and first with GCM (RFC 7714 §9.2).
    fn read(rest: &'a [u8], suite: Suite, mki: &[u8]) -> Option<Trailer<'a>> {
        let first = if suite.is_aead() { suite.rtcp_tag_length() } else { 0 };
        let (before, rest) = rest.split_at_checked(first)?;
        let (word, rest) = rest.split_first_chunk::<4>()?;
        let (mki, after) = rest.split_at_checked(mki.len())?;
        let tag = if suite.is_aead() { before } else { after };
        Some(Trailer { word: u32::from_be_bytes(*word), mki, tag })
    }
}

fn open_control(keys: &SessionKeys, ssrc: u32, trailer: &Trailer<'_>, bytes: &mut [u8]) -> bool {
    let sum = keys.cipher.sum(bytes, &trailer.word.to_be_bytes());
    if !is_same(sum.get(..trailer.tag.len()).unwrap_or_default(), trailer.tag) {
        return false;
    }
    if trailer.word & ENCRYPTED != 0 {
        let index = u64::from(trailer.word & !ENCRYPTED);
        let body = bytes.get_mut(RTCP_HEAD..).unwrap_or_default();
        keys.cipher.apply(keys.counter(ssrc, index), body);
    }
    true
}

/// Encrypted, the head and the index are authenticated beside it; in clear, the whole compound is (RFC 7714 §9.3).
fn unseal_control(keys: &SessionKeys, ssrc: u32, trailer: &Trailer<'_>, bytes: &mut [u8]) -> bool {
    let Ok(tag) = <[u8; 16]>::try_from(trailer.tag) else { return false };
    let nonce = keys.nonce(ssrc, u64::from(trailer.word & !ENCRYPTED));
    let word = trailer.word.to_be_bytes();
    if trailer.word & ENCRYPTED == 0 {
        let mut known: SmallVec<[u8; 256]> = SmallVec::from_slice(bytes);
        known.extend_from_slice(&word);
        return keys.cipher.unseal(nonce, &known, &mut [], tag);
    }
    let Some((head, body)) = bytes.split_at_mut_checked(RTCP_HEAD) else { return false };
    let mut known = [0; RTCP_HEAD + 4];
    known[..RTCP_HEAD].copy_from_slice(head);
    known[RTCP_HEAD..].copy_from_slice(&word);
    keys.cipher.unseal(nonce, &known, body, tag)
}
