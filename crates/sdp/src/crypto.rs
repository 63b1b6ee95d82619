//! Keys in a description: `a=crypto` lines read and written (RFC 4568 §4, §6, §9).
//!
//! Read with what the field does to it: a lifetime in either form is read and not enforced (it binds whoever sends
//! with the key), padding may be missing. Of several keys those behind the first count where an identifier tells them apart. A line that demands less than encryption
//! and authentication of everything, or an option that is not known, cannot be used (RFC 4568 §6.3.7).

use crate::line::{attributes, first_token, number, tokens};
use crate::media::Media;
use crate::wrap::Wrap;
use base::base64;
use smallvec::SmallVec;
use std::fmt;

/// Lines of one m= line that are looked at: limit `crypto_lines`.
pub const CRYPTO_LINES_MAX: usize = 16;
/// The longest key with its salt, bytes.
const KEY_MAX: usize = 48;
/// The longest master key identifier, bytes (RFC 4568 §6.1).
const MKI_MAX: u32 = 128;
/// Digits of its value that are read: as many as so many bytes can have.
const MKI_DIGITS_MAX: usize = 309;
/// Keys of one line that are looked at: limit `crypto_keys`.
const INLINE_MAX: usize = 16;
/// The highest tag: nine digits (RFC 4568 §9.2).
const TAG_MAX: u32 = 999_999_999;
/// The largest power of two in a lifetime (RFC 3711 §9.2).
const LIFETIME_POWER_MAX: u32 = 48;

/// A master key identifier; few are longer than 4 bytes.
pub type Mki = SmallVec<[u8; 16]>;

/// One usable key of a line. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Inline {
    /// Master key and salt in one piece.
    pub key: SmallVec<[u8; KEY_MAX]>,
    /// The master key identifier that its packets bear; empty without one.
    pub mki: Mki,
}

/// One usable `a=crypto` line. It shows its key to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Its number within the m= line.
    pub tag: u32,
    /// The crypto suite, as written.
    pub suite: &'a [u8],
    /// Master key and salt in one piece.
    pub key: SmallVec<[u8; KEY_MAX]>,
    /// The master key identifier that its packets bear; empty without one.
    pub mki: Mki,
    /// Others that its sender may use, each with an identifier as long.
    pub more: Vec<Inline>,
}

impl fmt::Debug for Crypto<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {})", self.tag, String::from_utf8_lossy(self.suite))
    }
}

impl<'a> Crypto<'a> {
    /// Reads the value of a line; `None`: it cannot be used.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Option<Crypto<'a>> {
        let (tag, rest) = first_token(value);
        let tag = number(tag, TAG_MAX)?;
        let (suite, rest) = first_token(rest);
        let (keys, options) = first_token(rest);
        if suite.is_empty() || !tokens(options).all(is_harmless) {
            return None;
        }
        let mut inlines = keys.split(|byte| *byte == b';').take(INLINE_MAX).map(Inline::read);
        let Inline { key, mki } = inlines.next()??;
        let fits = |one: &Inline| one.mki.len() == mki.len() && !mki.is_empty();
        let more = inlines.flatten().filter(fits).collect();
        Some(Crypto { tag, suite, key, mki, more })
    }
}

impl Inline {
    fn read(text: &[u8]) -> Option<Inline> {
        let (method, info) = text.split_at_checked(7)?;
        if !method.eq_ignore_ascii_case(b"inline:") {
            return None;
        }
        let mut parts = info.split(|byte| *byte == b'|');
        let key = decode(parts.next()?)?;
        let mut mki = SmallVec::new();
        for (at, part) in parts.enumerate() {
            match read_mki(part) {
                Some(found) if at < 2 => mki = found,
                None if at == 0 && is_lifetime(part) => {}
                _ => return None,
            }
        }
        Some(Inline { key, mki })
    }
}

/// Session parameters that change nothing for us: a window hint, and a derivation rate of none (RFC 4568 §6.3).
fn is_harmless(option: &[u8]) -> bool {
    let names = |prefix: &[u8]| option.get(..prefix.len()).is_some_and(|o| o.eq_ignore_ascii_case(prefix));
    names(b"WSH=") || option.first() == Some(&b'-')
}

/// `2^20`, or a number (RFC 4568 §6.1).
fn is_lifetime(part: &[u8]) -> bool {
    match part.strip_prefix(b"2^") {
        Some(power) => number(power, LIFETIME_POWER_MAX).is_some(),
        None => !part.is_empty() && part.len() <= 15 && part.iter().all(u8::is_ascii_digit),
    }
}

/// `value:length`, the value in decimal and the length in bytes (RFC 4568 §6.1).
fn read_mki(part: &[u8]) -> Option<Mki> {
    let at = part.iter().position(|byte| *byte == b':')?;
    let (value, length) = (part.get(..at)?, part.get(at + 1..)?);
    let length = number(length, MKI_MAX).filter(|length| *length > 0)? as usize;
    if value.is_empty() || value.len() > MKI_DIGITS_MAX || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut bytes = SmallVec::from_elem(0, length);
    for digit in value {
        let mut carry = u16::from(digit - b'0');
        for byte in bytes.iter_mut().rev() {
            carry += 10 * u16::from(*byte);
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(bytes)
}

/// Appends a line for a key of ours: no lifetime and no identifier, which not every peer reads.
pub fn write_crypto(tag: u32, suite: &str, key: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("a=crypto:{tag} {suite} inline:").as_bytes());
    encode(key, out);
    out.extend_from_slice(b"\r\n");
}

/// How an m= line of ours is secured. It shows its keys to nobody.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Cover {
    /// The transport in an offer; an answer repeats the offer's.
    pub wrap: Wrap,
    /// Whole lines, as [`write_crypto`] and [`crate::write_proof`] make them.
    pub lines: Vec<u8>,
}

impl Cover {
    /// Whether it names a certificate.
    #[must_use]
    pub fn has_proof(&self) -> bool {
        let name = b"a=fingerprint:";
        self.lines.windows(name.len()).any(|bytes| bytes == name)
    }
}

impl fmt::Debug for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cover").field("wrap", &self.wrap).field("keys", &!self.lines.is_empty()).finish()
    }
}

fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let sextet = (word >> (18 - 6 * at) & 63) as usize;
            out.push(if at <= chunk.len() { base64::DIGITS[sextet] } else { b'=' });
        }
    }
}

/// Base64 (RFC 4648 §4) of at most [`KEY_MAX`] bytes; padding may be missing.
fn decode(text: &[u8]) -> Option<SmallVec<[u8; KEY_MAX]>> {
    let end = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let (digits, padding) = text.split_at_checked(end)?;
    if padding.len() > 2 || padding.iter().any(|byte| *byte != b'=') || digits.len() % 4 == 1 {
        return None;
    }
    let mut out = SmallVec::new();
    let (mut word, mut bits) = (0u32, 0);
    for digit in digits {
        let sextet = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (word, bits) = (word << 6 | u32::from(sextet), bits + 6);
        if bits >= 8 {
            bits -= 8;
            if out.len() == KEY_MAX {
                return None;
            }
            out.push((word >> bits) as u8);
        }
    }
    Some(out)
}

impl<'a> Media<'a> {
    /// The `a=crypto` lines that can be used, in order; at most [`CRYPTO_LINES_MAX`] are looked at.
    pub fn keys(&self) -> impl Iterator<Item = Crypto<'a>> + use<'a> {
        attributes(self.section, b"crypto").take(CRYPTO_LINES_MAX).filter_map(Crypto::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn read(options: &str) -> Option<(u32, usize, Vec<u8>)> {
        let text = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{options}");
        Crypto::read(text.as_bytes()).map(|c| (c.tag, c.key.len(), c.mki.to_vec()))
    }

    /// The examples of RFC 4568 §4.1 and §6.1, and what the field writes.
    #[test]
    fn lifetimes_and_identifiers_are_read() {
        assert_eq!(read(""), Some((1, 30, vec![])));
        assert_eq!(read("|2^20|1:4"), Some((1, 30, vec![0, 0, 0, 1])));
        assert_eq!(read("|2^31"), Some((1, 30, vec![])));
        assert_eq!(read("|1048576"), Some((1, 30, vec![])));
        assert_eq!(read("|1066:4"), Some((1, 30, vec![0, 0, 4, 42])));
        assert_eq!(read("|2^31|1:1"), Some((1, 30, vec![1])), "Lync");
        assert_eq!(read("|258:128").map(|read| read.2), Some([&[0; 126][..], &[1, 2]].concat()));
        let most = "1".to_owned() + &"0".repeat(38);
        let bytes = 10u128.pow(38).to_be_bytes().to_vec();
        assert_eq!(read(&format!("|{most}:16")).map(|read| read.2), Some(bytes));
        assert_eq!(read(" WSH=128 -VENDOR=1"), Some((1, 30, vec![])));
    }

    /// RFC 4568 §6.1: each with an identifier, all of one length.
    #[test]
    fn of_several_keys_those_count_that_can_be_told_apart() {
        let more = |options: &str| {
            let text = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{options}");
            let line = Crypto::read(text.as_bytes()).unwrap();
            line.more.iter().map(|one| (one.key == line.key, one.mki.to_vec())).collect::<Vec<_>>()
        };
        let two = [(true, vec![0, 2]), (true, vec![0, 3])];
        assert_eq!(more(&format!("|2^20|1:2;inline:{KEY}|2^20|2:2;inline:{KEY}|3:2")), two);
        assert_eq!(more(&format!("|1:2;inline:{KEY}|2:4;inline:{KEY};other:{KEY}|2:2")), []);
        assert_eq!(more(&format!(";inline:{KEY}")), [], "the first alone counts");
    }

    #[test]
    fn what_weakens_or_is_not_known_is_not_used() {
        let weak =
            " UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP, KDR=6, FEC_ORDER=SRTP_FEC, NEW";
        for options in weak.split(',') {
            assert_eq!(read(options), None, "{options}");
        }
        for broken in [
            "|",
            "|2^49",
            "|x",
            "|1:0",
            "|1:129",
            "|256:1",
            "|65536:2",
            "|1:4|2^20",
            "|2^20|1:4|1:4",
            "|:4",
            "=",
        ] {
            assert_eq!(read(broken).filter(|_| broken != "="), None, "{broken}");
        }
        for line in [
            "",
            "1",
            "1 A",
            "1 A inline",
            "x A inline:AAAA",
            "1 A other:AAAA",
            "1 A inline:A",
            "1 A inline:AA*A",
            "1000000000 A inline:AAAA",
        ] {
            assert_eq!(Crypto::read(line.as_bytes()), None, "{line}");
        }
        let long = format!("1 A inline:{}", "A".repeat(4 * KEY_MAX));
        assert_eq!(Crypto::read(long.as_bytes()), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for length in 1..=KEY_MAX {
            let key: Vec<u8> = (0..length as u8).map(|n| n.wrapping_mul(83) ^ 0xa5).collect();
            let mut line = Vec::new();
            write_crypto(7, "AEAD_AES_128_GCM", &key, &mut line);
            let value = line.strip_prefix(b"a=crypto:").and_then(|l| l.strip_suffix(b"\r\n")).unwrap();
            let read = Crypto::read(value).unwrap();
            assert_eq!((read.tag, read.suite, &read.key[..]), (7, &b"AEAD_AES_128_GCM"[..], &key[..]));
        }
        let mut line = Vec::new();
        write_crypto(1, "X", b"foobar", &mut line);
        assert_eq!(line, b"a=crypto:1 X inline:Zm9vYmFy\r\n", "RFC 4648 section 10");
    }
}
