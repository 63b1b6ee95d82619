//! What a server asks with: nonces that bear their time and a secret, and the window of their counts.
//! RFC 7616 §3.3, §5.4, §5.12.

use super::fields::{escaped, push_quoted};
use super::{Algorithm, Asker, Qop};
use base::Time;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;
use std::time::Duration;

/// How a nonce stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freshness {
    /// Ours, and young enough.
    Fresh,
    /// Ours, and too old: asked again with `stale=true`.
    Stale,
    /// Not ours.
    Foreign,
}

/// Makes nonces and knows them again without a table.
#[derive(Clone, Debug)]
pub struct Nonces {
    secret: (u64, u64),
    life: Duration,
}

/// Digits of a nonce: milliseconds and a serial number, then the seal over both.
const TIME_DIGITS: usize = 16;
const MARK_DIGITS: usize = TIME_DIGITS + 8;
const NONCE_DIGITS: usize = MARK_DIGITS + 32;

impl Nonces {
    /// `secret`: 128 bits that no peer can know; `life`: how long a nonce is good.
    #[must_use]
    pub fn new(secret: (u64, u64), life: Duration) -> Nonces {
        Nonces { secret, life }
    }

    /// The nonce of this moment for a realm; `serial` tells those of one moment apart.
    #[must_use]
    pub fn issue(&self, now: Time, serial: u32, realm: &[u8]) -> String {
        let mark = format!("{:016x}{serial:08x}", now.as_millis());
        let (high, low) = self.seal(&mark, realm);
        format!("{mark}{high:016x}{low:016x}")
    }

    /// Whether a nonce is ours for this realm, and how old.
    #[must_use]
    pub fn judge(&self, nonce: &[u8], now: Time, realm: &[u8]) -> Freshness {
        let text = std::str::from_utf8(nonce).ok().filter(|t| t.len() == NONCE_DIGITS);
        let digits = text.filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
        let millis = digits.and_then(|t| u64::from_str_radix(t.get(..TIME_DIGITS)?, 16).ok());
        let mark = digits.and_then(|t| t.get(..MARK_DIGITS));
        let (Some(millis), Some(mark)) = (millis, mark) else { return Freshness::Foreign };
        let (high, low) = self.seal(mark, realm);
        let seal = format!("{high:016x}{low:016x}");
        let given = nonce.get(MARK_DIGITS..).unwrap_or_default();
        let differ = seal.bytes().zip(given).fold(0, |sum, (a, b)| sum | (a ^ b));
        let age = now.as_millis().checked_sub(millis).map(Duration::from_millis);
        match age {
            Some(age) if differ == 0 && age <= self.life => Freshness::Fresh,
            Some(_) if differ == 0 => Freshness::Stale,
            _ => Freshness::Foreign,
        }
    }

    fn seal(&self, mark: &str, realm: &[u8]) -> (u64, u64) {
        let mut hasher = SipHasher24::new_with_keys(self.secret.0, self.secret.1);
        hasher.write(mark.as_bytes());
        hasher.write(realm);
        let sum = hasher.finish128();
        (sum.h1, sum.h2)
    }
}

/// A challenge to write.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Who asks.
    pub asker: Asker,
    /// The realm.
    pub realm: &'a [u8],
    /// The nonce; see [`Nonces::issue`].
    pub nonce: &'a str,
    /// The hash function.
    pub algorithm: Algorithm,
    /// What the digest may cover; never empty.
    pub qops: &'a [Qop],
    /// The peer's nonce was too old, its password right.
    pub stale: bool,
}

impl Offer<'_> {
    /// Appends the row. RFC 7616 §3.3; several algorithms are several rows, the best first (RFC 8760 §2.1).
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.asker.challenge().as_str().as_bytes());
        out.extend_from_slice(b": Digest");
        push_quoted(out, "realm", &escaped(self.realm));
        out.push(b',');
        push_quoted(out, "nonce", self.nonce.as_bytes());
        out.extend_from_slice(b", algorithm=");
        out.extend_from_slice(self.algorithm.token().as_bytes());
        out.push(b',');
        let qops: Vec<&[u8]> = self.qops.iter().map(|qop| qop.token().as_bytes()).collect();
        push_quoted(out, "qop", &qops.join(&b","[..]));
        if self.stale {
            out.extend_from_slice(b", stale=true");
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Which counts of one nonce were used: each serves once, and late ones within 64 of the highest still do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    highest: u32,
    seen: u64,
}

impl Window {
    /// Takes a count; `false` for one that was used or is too far behind: somebody repeats an old request.
    pub fn accept(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if let Some(ahead) = count.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1u64.checked_shl(self.highest - count).unwrap_or(0);
        let fresh = bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        fresh
    }
}
