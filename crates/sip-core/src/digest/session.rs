//! One accepted challenge, and the answers to it: RFC 7616 §3.4.

use super::Challenge;
use super::algorithm::{Hex, Seen, user_key};
use super::fields::{escaped, push_quoted};

/// Who we are towards a realm.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The user name, as given to us.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
}

/// A challenge and how often it was answered; the same nonce serves until the peer gives another.
#[derive(Clone, Debug)]
pub struct Session {
    challenge: Challenge,
    cnonce: [u8; 32],
    count: u32,
}

impl Session {
    /// Takes a challenge up; `seed`: 128 bits that the peer cannot know, for our own nonce.
    #[must_use]
    pub fn new(challenge: Challenge, seed: (u64, u64)) -> Session {
        let mut cnonce = [0; 32];
        let bits = u128::from(seed.0) << 64 | u128::from(seed.1);
        for (place, digit) in cnonce.iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(bits >> (4 * place) & 15) as usize];
        }
        Session { challenge, cnonce, count: 0 }
    }

    /// The challenge.
    #[must_use]
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Appends the row that answers the challenge for one request, and counts the nonce's use.
    /// RFC 7616 §3.4, RFC 3261 §22.4.
    pub fn answer(
        &mut self,
        who: &Credentials<'_>,
        method: &[u8],
        uri: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
    ) {
        self.count = self.count.saturating_add(1);
        let count = format!("{:08x}", self.count);
        let (user, uri) = (escaped(who.username.as_bytes()), escaped(uri));
        let Challenge { realm, nonce, algorithm, qop, .. } = &self.challenge;
        let key = user_key(algorithm.hash, &user, realm, who.password.as_bytes());
        let key = algorithm.key(&key, nonce, &self.cnonce);
        let qop = qop.map(|qop| (qop, count.as_bytes(), &self.cnonce[..]));
        let seen = Seen { method, uri: &uri, body, nonce, qop };
        let response = algorithm.response(&key, &seen);
        self.write(&user, &seen, &response, out);
    }

    /// Appends the row.
    fn write(&self, user: &[u8], seen: &Seen<'_>, response: &Hex, out: &mut Vec<u8>) {
        let Challenge { realm, nonce, opaque, algorithm, .. } = &self.challenge;
        out.extend_from_slice(self.challenge.asker.answer().as_str().as_bytes());
        out.extend_from_slice(b": Digest");
        push_quoted(out, "username", user);
        let mut put = |name: &str, value: &[u8]| {
            out.push(b',');
            push_quoted(out, name, value);
        };
        put("realm", realm);
        put("nonce", nonce);
        put("uri", seen.uri);
        put("response", response.text());
        if seen.qop.is_some() || algorithm.session {
            put("cnonce", &self.cnonce);
        }
        if let Some(opaque) = opaque {
            put("opaque", opaque);
        }
        if self.challenge.names_algorithm {
            out.extend_from_slice(b", algorithm=");
            out.extend_from_slice(algorithm.token().as_bytes());
        }
        if let Some((qop, count, _)) = seen.qop {
            out.extend_from_slice(b", qop=");
            out.extend_from_slice(qop.token().as_bytes());
            out.extend_from_slice(b", nc=");
            out.extend_from_slice(count);
        }
        out.extend_from_slice(b"\r\n");
    }
}
