//! One direction out: packets of ours are encrypted and get their tag.

use crate::cipher::Cipher;
use crate::error::SrtpError;
use crate::keys::{Kind, MasterKey, SessionKeys};
use crate::replay::{Window, index_of};
use crate::state::State;
use crate::streams::{Moved, Streams};
use crate::suite::Suite;

/// Behind the highest packet index of RTP (RFC 3711 §9.2).
const RTP_INDEX_END: u64 = 1 << 48;
/// The highest packet index of RTCP (RFC 3711 §9.2).
const RTCP_INDEX_MAX: u32 = (1 << 31) - 1;
/// Sequence numbers from here on are nearer to the next rollover than to the last.
const UPPER_HALF: u16 = 0x8000;
/// The bit that says that an RTCP packet is encrypted (RFC 3711 §3.4).
pub(crate) const ENCRYPTED: u32 = 1 << 31;
/// Bytes of the head of an RTCP packet that stay readable.
pub(crate) const RTCP_HEAD: usize = 8;

/// See the module text.
pub struct Protector {
    master: MasterKey,
    rtp: SessionKeys,
    pub(crate) rtcp: SessionKeys,
    /// What was sent: the key stream of an index is used once (RFC 3711 §9.1).
    streams: Streams,
    /// The next index of RTCP. All streams share it, so that whatever comes and goes none is used twice (RFC 3711
    /// §3.4); a receiver takes the gaps for losses.
    rtcp_next: u32,
    /// With which it has begun.
    rtcp_first: u32,
    /// Behind the highest index that may be used.
    end: u64,
}

impl Protector {
    /// Begins with a key that protects nothing else (RFC 3711 §9.1).
    #[must_use]
    pub fn new(master: MasterKey) -> Protector {
        let (rtp, rtcp) = (master.derive(Kind::Rtp), master.derive(Kind::Rtcp));
        let (streams, end) = (Streams::default(), RTP_INDEX_END);
        Protector { master, rtp, rtcp, streams, rtcp_next: 0, rtcp_first: 0, end }
    }

    /// One that protects nothing: its key may have been used, and how far is not known (RFC 3711 §9.1).
    #[must_use]
    pub fn exhausted(master: MasterKey) -> Protector {
        Protector { rtcp_next: RTCP_INDEX_MAX + 1, end: 0, ..Protector::new(master) }
    }

    /// Whether it is such a one.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.end == 0
    }

    /// Whether it has protected nothing yet.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        // Whoever spoke last is at hand.
        let spoke = self.streams.at_hand().any(|stream| stream.rtp.newest().is_some());
        !spoke && self.rtcp_next == self.rtcp_first
    }

    /// Its suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.master.suite()
    }

    /// Whether it protects with this key.
    #[must_use]
    pub fn is_of(&self, master: &MasterKey) -> bool {
        self.master == *master
    }

    /// Bytes that protection adds to an RTP packet at most, also to an RTCP packet.
    #[must_use]
    pub fn overhead(&self) -> usize {
        self.suite().rtcp_tag_length() + self.master.mki().len() + 4
    }

    /// With the key that ours changes to. Numbers stay moved as they were, and the index of RTCP goes on (RFC 3711
    /// §3.4). Rollover counters begin anew, as nearly every peer has it, until [`Protector::go_on`].
    #[must_use]
    pub fn follow(former: &Protector, master: MasterKey) -> Protector {
        let mut protector = Protector::new(master);
        protector.streams = Streams::moved_as(&former.streams);
        protector.rtcp_first = if former.is_exhausted() { 0 } else { former.rtcp_next };
        protector.rtcp_next = protector.rtcp_first;
        protector
    }

    /// Rollover counters go on with those of the former key (RFC 3711 §3.3.1).
    pub fn go_on(&mut self, former: &Protector) {
        for before in former.streams.at_hand() {
            let place = self.streams.place(before.ssrc);
            let Some(newest) = before.rtp.newest().filter(|newest| newest >> 16 > 0) else { continue };
            let Some(stream) = self.streams.at(place) else { continue };
            let sequence = stream.rtp.newest().unwrap_or(newest) as u16;
            let reached = index_of(Some(newest), sequence);
            if stream.rtp.next() <= reached {
                stream.rtp = Window::after(reached + 1);
            }
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn export(&self) -> State {
        State { streams: self.streams.export(), rtcp_next: self.rtcp_next, former: Vec::new() }
    }

    /// Goes on where another left off, who sends no more with this key.
    #[must_use]
    pub fn import(master: MasterKey, state: &State) -> Protector {
        let mut protector = Protector::new(master);
        protector.streams = Streams::import(&state.streams);
        protector.rtcp_next = state.rtcp_next;
        protector
    }

    /// Goes on where another left off: the next packet of `ssrc` has a higher index than `newest`, and RTCP an
    /// index of at least `rtcp_next`. A key stream must never be used twice (RFC 3711 §9.1).
    pub fn resume(&mut self, ssrc: u32, newest: u64, rtcp_next: u32) {
        if let Some(stream) = self.streams.speaks(self.streams.place(ssrc), ssrc) {
            stream.rtp = Window::after(newest.saturating_add(1));
        }
        self.rtcp_next = self.rtcp_next.max(rtcp_next);
    }

    /// Protects the RTP packet of `length` bytes at the start of `buffer`; the new length (RFC 3711 §3.3).
    ///
    /// # Errors
    /// [`SrtpError::Malformed`], [`SrtpError::NoRoom`], [`SrtpError::Exhausted`], [`SrtpError::Replayed`] for an index
    /// that was used, or may have been: the packet must not be sent.
    #[inline]
    pub fn rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let head = Head::read(buffer.get(..length).ok_or(SrtpError::NoRoom)?)?;
        let place = self.streams.place(head.ssrc);
        let window = self.streams.part(place, head.ssrc, |stream| stream.rtp)?;
        let index = index_of(window.newest(), head.sequence);
        let total = self.send(&head, (index, window), buffer, length)?;
        if let Some(stream) = self.streams.speaks(place, head.ssrc) {
            stream.rtp.note(index);
        }
        Ok(total)
    }

    /// As [`Protector::rtp`], of a packet that another has numbered. Its number is moved where the receiver would
    /// lose the stream: one that begins in the upper half would roll over before long, and who misses the beginning
    /// would not know (RFC 3711 §3.3.1); one that begins anew, told by two packets in a row far from what was sent
    /// (RFC 3550 §A.1), goes on behind it.
    ///
    /// # Errors
    /// As [`Protector::rtp`].
    #[inline]
    pub fn relay(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let mut head = Head::read(buffer.get(..length).ok_or(SrtpError::NoRoom)?)?;
        let place = self.streams.place(head.ssrc);
        let (window, mut moved) = self.streams.part(place, head.ssrc, |stream| (stream.rtp, stream.moved))?;
        let sequence = head.sequence;
        let at_first = if sequence < UPPER_HALF { 0 } else { u32::from(UPPER_HALF).wrapping_neg() };
        let by = *moved.by.get_or_insert(if window.newest().is_none() { at_first } else { 0 });
        let mut index = index_of(window.newest(), sequence.wrapping_add(by as u16));
        if window.newest().is_some() && window.is_far_from(index) {
            (index, moved) = self.begun_anew(place, &head, window, moved)?;
        }
        moved.anew = None;
        head.sequence = index as u16;
        let total = self.send(&head, (index, window), number(buffer, head.sequence), length)?;
        if let Some(stream) = self.streams.speaks(place, head.ssrc) {
            stream.rtp.note(index);
            stream.moved = moved;
        }
        Ok(total)
    }

    /// Where the second packet of a source that begins anew goes on; the first one is not sent.
    #[cold]
    fn begun_anew(
        &mut self,
        place: Option<usize>,
        head: &Head,
        window: Window,
        moved: Moved,
    ) -> Result<(u64, Moved), SrtpError> {
        if moved.anew != Some(head.sequence) {
            if let Some(stream) = self.streams.speaks(place, head.ssrc) {
                stream.moved.anew = Some(head.sequence.wrapping_add(1));
            }
            return Err(SrtpError::Replayed);
        }
        let by = (window.next() as u32).wrapping_sub(u32::from(head.sequence));
        Ok((window.next(), Moved { by: Some(by), anew: None }))
    }

    /// Whether numbers of a stream that it was given lately were moved.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.streams.at_hand().any(|stream| stream.moved.by.unwrap_or_default() != 0)
    }

    /// By how much the numbers of a relayed stream were moved, modulo 2^32.
    #[must_use]
    pub fn moved_by(&self, ssrc: u32) -> u32 {
        let place = self.streams.place(ssrc);
        self.streams.part(place, ssrc, |stream| stream.moved.by).ok().flatten().unwrap_or_default()
    }

    /// Encrypts what is sent under an index; its new length.
    #[inline]
    fn send(
        &self,
        head: &Head,
        (index, window): (u64, Window),
        buffer: &mut [u8],
        length: usize,
    ) -> Result<usize, SrtpError> {
        if index >= self.end {
            return Err(SrtpError::Exhausted);
        }
        window.admits(index)?;
        let suite = self.suite();
        let mki = self.master.mki();
        let total = length + suite.rtp_tag_length() + mki.len();
        let room = buffer.get_mut(..total).ok_or(SrtpError::NoRoom)?;
        seal(&self.rtp, suite.rtp_tag_length(), head, index, room, length, mki)?;
        Ok(total)
    }

    /// Protects the RTCP compound of `length` bytes at the start of `buffer`; the new length (RFC 3711 §3.4).
    ///
    /// # Errors
    /// As [`Protector::rtp`].
    pub fn rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, SrtpError> {
        let ssrc = rtcp_ssrc(buffer.get(..length).ok_or(SrtpError::NoRoom)?)?;
        let index = self.rtcp_next;
        if index > RTCP_INDEX_MAX {
            return Err(SrtpError::Exhausted);
        }
        let suite = self.suite();
        let (tag, mki) = (suite.rtcp_tag_length(), self.master.mki());
        let total = length + tag + 4 + mki.len();
        let room = buffer.get_mut(..total).ok_or(SrtpError::NoRoom)?;
        let word = (ENCRYPTED | index).to_be_bytes();
        let keys = &self.rtcp;
        if suite.is_aead() {
            seal_control(keys, ssrc, index, room, length, mki).ok_or(SrtpError::NoRoom)?;
        } else {
            let (bytes, rest) = room.split_at_mut(length);
            let body = bytes.get_mut(RTCP_HEAD..).unwrap_or_default();
            keys.cipher.apply(keys.counter(ssrc, u64::from(index)), body);
            let sum = keys.cipher.sum(bytes, &word);
            put(rest, &[&word, mki, sum.get(..tag).unwrap_or_default()]);
        }
        self.rtcp_next = index + 1;
        Ok(total)
    }
}

/// AES-GCM of RTCP: the index lies outside of what is encrypted, but is authenticated (RFC 7714 §9).
fn seal_control(
    keys: &SessionKeys,
    ssrc: u32,
    index: u32,
    room: &mut [u8],
    length: usize,
    mki: &[u8],
) -> Option<()> {
    let word = (ENCRYPTED | index).to_be_bytes();
    let (bytes, rest) = room.split_at_mut_checked(length)?;
    let (head, body) = bytes.split_at_mut_checked(RTCP_HEAD)?;
    let mut known = [0; RTCP_HEAD + 4];
    known[..RTCP_HEAD].copy_from_slice(head);
    known[RTCP_HEAD..].copy_from_slice(&word);
    let tag = keys.cipher.seal(keys.nonce(ssrc, u64::from(index)), &known, body)?;
    put(rest, &[&tag, &word, mki]);
    Some(())
}

/// Encrypts the payload of an RTP packet and writes what follows it.
fn seal(
    keys: &SessionKeys,
    tag_length: usize,
    head: &Head,
    index: u64,
    room: &mut [u8],
    length: usize,
    mki: &[u8],
) -> Result<(), SrtpError> {
    let (bytes, rest) = room.split_at_mut_checked(length).ok_or(SrtpError::NoRoom)?;
    if let Cipher::Counter { .. } = keys.cipher {
        let payload = bytes.get_mut(head.length..).unwrap_or_default();
        keys.cipher.apply(keys.counter(head.ssrc, index), payload);
        let sum = keys.cipher.sum(bytes, &((index >> 16) as u32).to_be_bytes());
        put(rest, &[mki, sum.get(..tag_length).unwrap_or_default()]);
        return Ok(());
    }
    let (known, payload) = bytes.split_at_mut_checked(head.length).ok_or(SrtpError::Malformed)?;
    let tag = keys.cipher.seal(keys.nonce(head.ssrc, index), known, payload).ok_or(SrtpError::NoRoom)?;
    put(rest, &[&tag, mki]);
    Ok(())
}

/// Gives a packet its number.
#[inline]
fn number(packet: &mut [u8], sequence: u16) -> &mut [u8] {
    if let Some(place) = packet.get_mut(2..4) {
        place.copy_from_slice(&sequence.to_be_bytes());
    }
    packet
}

/// Writes pieces one after the other.
fn put(room: &mut [u8], pieces: &[&[u8]]) {
    let bytes = pieces.iter().flat_map(|piece| piece.iter());
    room.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
}

/// What protection must know of an RTP packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    /// Bytes that are not encrypted: header, sources and extension (RFC 3711 §3.1).
    pub(crate) length: usize,
}

impl Head {
    #[inline]
    pub(crate) fn read(packet: &[u8]) -> Result<Head, SrtpError> {
        let fixed = packet.first_chunk::<12>().ok_or(SrtpError::Malformed)?;
        if fixed[0] >> 6 != 2 {
            return Err(SrtpError::Malformed);
        }
        let mut length = 12 + 4 * usize::from(fixed[0] & 15);
        if fixed[0] & 0x10 != 0 {
            let words = packet.get(length + 2..length + 4).ok_or(SrtpError::Malformed)?;
            length += 4 + 4 * words.iter().fold(0, |n, &b| n << 8 | usize::from(b));
        }
        if length > packet.len() {
            return Err(SrtpError::Malformed);
        }
        let ssrc = u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]);
        Ok(Head { ssrc, sequence: u16::from_be_bytes([fixed[2], fixed[3]]), length })
    }
}

/// The sender of an RTCP compound.
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let head = packet.first_chunk::<RTCP_HEAD>().ok_or(SrtpError::Malformed)?;
    if head[0] >> 6 != 2 {
        return Err(SrtpError::Malformed);
    }
    Ok(u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
}
