//! One direction in: packets of the peer are judged and decrypted.

use crate::cipher::is_same;
use crate::error::SrtpError;
use crate::keys::{Kind, MasterKey, SessionKeys};
use crate::protect::{ENCRYPTED, Head, RTCP_HEAD, STREAMS_MAX, rtcp_ssrc};
use crate::replay::{Window, index_of};
use crate::suite::Suite;
use smallvec::SmallVec;

/// A stream of the peer's.
#[derive(Clone, Copy, Default)]
struct Heard {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

/// See the module text.
pub struct Opener {
    master: MasterKey,
    rtp: SessionKeys,
    rtcp: SessionKeys,
    /// Least recently begun first.
    streams: SmallVec<[Heard; 2]>,
}

impl Opener {
    /// Begins with the key that the peer protects with.
    #[must_use]
    pub fn new(master: MasterKey) -> Opener {
        let (rtp, rtcp) = (master.derive(Kind::Rtp), master.derive(Kind::Rtcp));
        Opener { master, rtp, rtcp, streams: SmallVec::new() }
    }

    /// Its suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.master.suite()
    }

    /// Goes on where another left off: the newest RTP index of `ssrc` that was received.
    pub fn resume(&mut self, ssrc: u32, newest: u64) {
        self.streams.retain(|s| s.ssrc != ssrc);
        self.push(Heard { ssrc, rtp: Window::at(newest), rtcp: Window::default() });
    }

    /// Where each stream stands: SSRC and newest RTP index (rollover counter and sequence number).
    pub fn positions(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.streams.iter().filter_map(|s| Some((s.ssrc, s.rtp.newest()?)))
    }

    fn push(&mut self, heard: Heard) {
        if self.streams.len() >= STREAMS_MAX {
            self.streams.remove(0);
        }
        self.streams.push(heard);
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
        let at = self.streams.iter().position(|s| s.ssrc == head.ssrc);
        let window = at.and_then(|at| self.streams.get(at)).map_or(Window::default(), |s| s.rtp);
        let index = index_of(window.newest(), head.sequence);
        window.admits(index)?;
        let keys = &self.rtp;
        if suite.is_aead() {
            let (tag, key) = rest.split_at_checked(tag_length).ok_or(SrtpError::Malformed)?;
            if key != mki {
                return Err(SrtpError::OtherKey);
            }
            let tag = <[u8; 16]>::try_from(tag).map_err(|_| SrtpError::Malformed)?;
            let (known, payload) = bytes.split_at_mut_checked(head.length).ok_or(SrtpError::Malformed)?;
            if !keys.cipher.unseal(keys.nonce(head.ssrc, index), known, payload, tag) {
                return Err(SrtpError::Forged);
            }
        } else {
            let (key, tag) = rest.split_at_checked(mki.len()).ok_or(SrtpError::Malformed)?;
            if key != mki {
                return Err(SrtpError::OtherKey);
            }
            let sum = keys.cipher.sum(bytes, &((index >> 16) as u32).to_be_bytes());
            if !is_same(sum.get(..tag_length).unwrap_or_default(), tag) {
                return Err(SrtpError::Forged);
            }
            let payload = bytes.get_mut(head.length..).unwrap_or_default();
            keys.cipher.apply(keys.counter(head.ssrc, index), payload);
        }
        match at.and_then(|at| self.streams.get_mut(at)) {
            Some(heard) => heard.rtp.note(index),
            None => self.push(Heard { ssrc: head.ssrc, rtp: Window::at(index), rtcp: Window::default() }),
        }
        Ok(length)
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
        if trailer.mki != mki {
            return Err(SrtpError::OtherKey);
        }
        let index = trailer.word & !ENCRYPTED;
        let at = self.streams.iter().position(|s| s.ssrc == ssrc);
        let window = at.and_then(|at| self.streams.get(at)).map_or(Window::default(), |s| s.rtcp);
        window.admits(u64::from(index))?;
        let keys = &self.rtcp;
        let right = if suite.is_aead() {
            unseal_control(keys, ssrc, &trailer, bytes)
        } else {
            open_control(keys, ssrc, &trailer, bytes)
        };
        if !right {
            return Err(SrtpError::Forged);
        }
        match at.and_then(|at| self.streams.get_mut(at)) {
            Some(heard) => heard.rtcp.note(u64::from(index)),
            None => self.push(Heard { ssrc, rtp: Window::default(), rtcp: Window::at(u64::from(index)) }),
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
