//! What proves a message: MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 §14.5, §14.7).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fmt;
use subtle::ConstantTimeEq;

/// Bytes of an HMAC-SHA1.
pub(crate) const SUM: usize = 20;
/// What a fingerprint is combined with, so that it differs from other checksums (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554e;

/// A password ready for use (short-term credentials, RFC 8489 §9.1). It shows itself to nobody.
#[derive(Clone)]
pub struct Key(Hmac<Sha1>);

impl Key {
    /// Prepares a password. ICE allows only letters, digits, `+` and `/` in it, which no preparation changes.
    #[must_use]
    pub fn new(password: &[u8]) -> Key {
        // HMAC takes keys of any length: the error never happens, and an empty key opens nothing of ours.
        let keyed = Hmac::<Sha1>::new_from_slice(password);
        Key(keyed.unwrap_or_else(|_| Hmac::<Sha1>::new(&Default::default())))
    }

    /// The sum over a message up to its MESSAGE-INTEGRITY attribute, whose header says a length that ends with
    /// that attribute.
    pub(crate) fn sum(&self, before: &[u8]) -> [u8; SUM] {
        let length = u16::try_from((before.len() + 4 + SUM).saturating_sub(20)).unwrap_or(u16::MAX);
        let mut mac = self.0.clone();
        mac.update(before.get(..2).unwrap_or_default());
        mac.update(&length.to_be_bytes());
        mac.update(before.get(4..).unwrap_or_default());
        mac.finalize().into_bytes().into()
    }

    pub(crate) fn is_right(&self, before: &[u8], sum: &[u8]) -> bool {
        self.sum(before).ct_eq(sum).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The fingerprint of a message up to its FINGERPRINT attribute; the header's length counts that attribute.
pub(crate) fn fingerprint(before: &[u8]) -> u32 {
    let length = u16::try_from((before.len() + 8).saturating_sub(20)).unwrap_or(u16::MAX);
    let mut crc = crc32fast::Hasher::new();
    crc.update(before.get(..2).unwrap_or_default());
    crc.update(&length.to_be_bytes());
    crc.update(before.get(4..).unwrap_or_default());
    crc.finalize() ^ FINGERPRINT_MASK
}
