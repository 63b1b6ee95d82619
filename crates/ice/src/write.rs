//! Writing STUN into a buffer of the caller's (RFC 8489 §5, §14).
//!
//! Enter through [`Writer::new`]; finish with [`Writer::finish`], which says how long the message became.

use crate::integrity::{self, Key, SUM};
use crate::message::{COOKIE, Class, HEADER, kind};
use std::net::{IpAddr, SocketAddr};

/// Unknown attribute types that a 420 lists; more are left out: limit `stun_unknown`.
pub const UNKNOWN_LISTED_MAX: usize = 8;

/// A message on its way into a buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut [u8],
    at: usize,
    /// Something did not fit.
    full: bool,
}

impl<'b> Writer<'b> {
    /// A Binding message of that class.
    #[must_use]
    pub fn new(out: &'b mut [u8], class: Class, transaction: [u8; 12]) -> Writer<'b> {
        let first: u16 = 1 | match class {
            Class::Request => 0,
            Class::Indication => 0x10,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        let mut writer = Writer { out, at: 0, full: false };
        writer.put(&first.to_be_bytes());
        writer.put(&[0, 0]);
        writer.put(&COOKIE.to_be_bytes());
        writer.put(&transaction);
        writer
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.out.get_mut(self.at..self.at + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.full = true,
        }
    }

    /// An attribute, its value in pieces; padded to four bytes with zeros.
    pub fn attribute(&mut self, kind: u16, value: &[&[u8]]) {
        let length: usize = value.iter().map(|piece| piece.len()).sum();
        self.put(&kind.to_be_bytes());
        self.put(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        value.iter().for_each(|piece| self.put(piece));
        self.put([0; 3].get(..length.next_multiple_of(4) - length).unwrap_or_default());
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2). An IPv4 address in IPv6 clothes is written as IPv4.
    pub fn mapped_address(&mut self, address: SocketAddr) {
        let port = (address.port() ^ (COOKIE >> 16) as u16).to_be_bytes();
        let mut mask = [0; 16];
        mask.iter_mut().zip(self.out.iter().skip(4)).for_each(|(m, b)| *m = *b);
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => {
                let mut octets = ip.octets();
                octets.iter_mut().zip(mask).for_each(|(o, m)| *o ^= m);
                self.attribute(kind::XOR_MAPPED_ADDRESS, &[&[0, 1], &port, &octets]);
            }
            IpAddr::V6(ip) => {
                let mut octets = ip.octets();
                octets.iter_mut().zip(mask).for_each(|(o, m)| *o ^= m);
                self.attribute(kind::XOR_MAPPED_ADDRESS, &[&[0, 2], &port, &octets]);
            }
        }
    }

    /// ERROR-CODE without a phrase: it is for machines, and may not be longer than what it answers
    /// (RFC 8489 §14.8).
    pub fn error_code(&mut self, code: u16) {
        let (class, number) = (((code / 100) & 7) as u8, (code % 100) as u8);
        self.attribute(kind::ERROR_CODE, &[&[0, 0, class, number]]);
    }

    /// UNKNOWN-ATTRIBUTES (RFC 8489 §14.13).
    pub fn unknown(&mut self, kinds: impl Iterator<Item = u16>) {
        let mut list = [0; 2 * UNKNOWN_LISTED_MAX];
        let mut used = 0;
        for (room, kind) in list.chunks_exact_mut(2).zip(kinds) {
            room.copy_from_slice(&kind.to_be_bytes());
            used += 2;
        }
        self.attribute(kind::UNKNOWN_ATTRIBUTES, &[list.get(..used).unwrap_or_default()]);
    }

    fn set_length(&mut self) {
        let length = u16::try_from(self.at - HEADER.min(self.at)).unwrap_or(u16::MAX);
        if let Some(room) = self.out.get_mut(2..4) {
            room.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// MESSAGE-INTEGRITY over what is written so far.
    pub fn integrity(&mut self, key: &Key) {
        let sum: [u8; SUM] = key.sum(self.out.get(..self.at).unwrap_or_default());
        self.attribute(kind::MESSAGE_INTEGRITY, &[&sum]);
    }

    /// FINGERPRINT, and the length of the whole message; `None` when the buffer is too small.
    #[must_use]
    pub fn finish(mut self) -> Option<usize> {
        let sum = integrity::fingerprint(self.out.get(..self.at).unwrap_or_default());
        self.attribute(kind::FINGERPRINT, &[&sum.to_be_bytes()]);
        self.set_length();
        (!self.full).then_some(self.at)
    }
}
