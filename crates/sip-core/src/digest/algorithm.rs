//! The hash functions, and the values that digests are made of: RFC 7616 §3.3, §3.4.

use super::Qop;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// Which hash function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hash {
    /// MD5: broken as a hash, and what most of the world still asks for.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256.
    Sha512t256,
}

/// A hash function and whether it makes session keys; ordered from weak to strong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Algorithm {
    /// The hash function.
    pub hash: Hash,
    /// Whether the key is bound to the first nonce (`-sess`).
    pub session: bool,
}

impl Algorithm {
    /// What holds when nothing is said. RFC 7616 §3.3.
    pub const DEFAULT: Algorithm = Algorithm { hash: Hash::Md5, session: false };

    /// One of a hash function, without session keys.
    #[must_use]
    pub const fn of(hash: Hash) -> Algorithm {
        Algorithm { hash, session: false }
    }

    /// Reads a token of RFC 7616 §6.1; `None` for those that we do not know.
    #[must_use]
    pub fn from_token(token: &[u8]) -> Option<Algorithm> {
        ALL.iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(token))
            .map(|(_, algorithm)| *algorithm)
    }

    /// The token on the wire.
    #[must_use]
    pub fn token(self) -> &'static str {
        ALL.iter().find(|(_, algorithm)| *algorithm == self).map_or("MD5", |(name, _)| name)
    }

    /// The key of a user: H(A1). RFC 7616 §3.4.2. What a server may keep instead of a password is this
    /// without `-sess`.
    #[must_use]
    pub(super) fn key(self, user_key: &Hex, nonce: &[u8], cnonce: &[u8]) -> Hex {
        if self.session { hash(self.hash, &[user_key.text(), b":", nonce, b":", cnonce]) } else { *user_key }
    }

    /// The digest itself. RFC 7616 §3.4.1; without a qop as RFC 2069 §2.1.2 has it.
    #[must_use]
    pub(super) fn response(self, key: &Hex, seen: &Seen<'_>) -> Hex {
        let body;
        let said: &[&[u8]] = match seen.qop {
            Some((Qop::AuthInt, ..)) => {
                body = hash(self.hash, &[seen.body]);
                &[seen.method, b":", seen.uri, b":", body.text()]
            }
            _ => &[seen.method, b":", seen.uri],
        };
        let said = hash(self.hash, said);
        match seen.qop {
            Some((qop, count, cnonce)) => {
                let token = qop.token().as_bytes();
                let parts =
                    [key.text(), b":", seen.nonce, b":", count, b":", cnonce, b":", token, b":", said.text()];
                hash(self.hash, &parts)
            }
            None => hash(self.hash, &[key.text(), b":", seen.nonce, b":", said.text()]),
        }
    }
}

/// The algorithms by their token.
const ALL: [(&str, Algorithm); 6] = [
    ("MD5", Algorithm { hash: Hash::Md5, session: false }),
    ("MD5-sess", Algorithm { hash: Hash::Md5, session: true }),
    ("SHA-256", Algorithm { hash: Hash::Sha256, session: false }),
    ("SHA-256-sess", Algorithm { hash: Hash::Sha256, session: true }),
    ("SHA-512-256", Algorithm { hash: Hash::Sha512t256, session: false }),
    ("SHA-512-256-sess", Algorithm { hash: Hash::Sha512t256, session: true }),
];

/// What a digest is made over.
pub(super) struct Seen<'a> {
    pub(super) method: &'a [u8],
    pub(super) uri: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) nonce: &'a [u8],
    /// Quality, nonce count in eight digits, the client's nonce.
    pub(super) qop: Option<(Qop, &'a [u8], &'a [u8])>,
}

/// A hash as lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hex {
    digits: [u8; 64],
    length: usize,
}

impl Hex {
    pub(super) fn text(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// Whether a peer wrote the same, compared in a time that does not depend on where they differ.
    pub(super) fn is(&self, other: &[u8]) -> bool {
        let differ = self.text().iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b.to_ascii_lowercase()));
        other.len() == self.length && differ == 0
    }
}

/// H(user:realm:password).
pub(super) fn user_key(kind: Hash, user: &[u8], realm: &[u8], password: &[u8]) -> Hex {
    hash(kind, &[user, b":", realm, b":", password])
}

fn hash(kind: Hash, parts: &[&[u8]]) -> Hex {
    match kind {
        Hash::Md5 => summed::<Md5>(parts),
        Hash::Sha256 => summed::<Sha256>(parts),
        Hash::Sha512t256 => summed::<Sha512_256>(parts),
    }
}

fn summed<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut sum = D::new();
    for part in parts {
        sum.update(part);
    }
    let mut hex = Hex { digits: [0; 64], length: 0 };
    for byte in sum.finalize().iter() {
        for nibble in [byte >> 4, byte & 15] {
            if let Some(digit) = hex.digits.get_mut(hex.length) {
                *digit = b"0123456789abcdef"[usize::from(nibble)];
                hex.length += 1;
            }
        }
    }
    hex
}
