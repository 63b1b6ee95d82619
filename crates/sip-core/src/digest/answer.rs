//! Answers to challenges, as a server reads and proves them: RFC 7616 §3.4, §3.4.6.

use super::algorithm::{Hash, Seen, user_key};
use super::fields::walk;
use super::{Algorithm, Asker, Qop, ROWS_MAX};
use sip_msg::Msg;

/// What a server knows of a user.
#[derive(Clone, Copy)]
pub struct Password<'a>(
    /// The password.
    pub &'a str,
);

/// One row of Authorization or Proxy-Authorization, borrowed; quotes removed, escapes kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer<'a> {
    /// The user name.
    pub username: &'a [u8],
    /// The realm.
    pub realm: &'a [u8],
    /// Our nonce.
    pub nonce: &'a [u8],
    /// The URI that the digest was made over; the owner compares it with the Request-URI (RFC 7616 §3.4.6).
    pub uri: &'a [u8],
    /// What the peer gave back of our `opaque`.
    pub opaque: Option<&'a [u8]>,
    /// The hash function.
    pub algorithm: Algorithm,
    /// Quality and nonce count; `None` for a peer of RFC 2069.
    pub qop: Option<(Qop, u32)>,
    response: &'a [u8],
    cnonce: &'a [u8],
    count: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Reads one row; `None` when it lacks what RFC 7616 §3.4 demands, or is of another scheme.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Answer<'a>> {
        let mut given: [Option<&'a [u8]>; 10] = [None; 10];
        const NAMES: [&[u8]; 10] = [
            b"username",
            b"realm",
            b"nonce",
            b"uri",
            b"response",
            b"opaque",
            b"algorithm",
            b"qop",
            b"nc",
            b"cnonce",
        ];
        walk(value, |name, value| {
            let place = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
            if let Some(slot) = place.and_then(|at| given.get_mut(at)) {
                slot.get_or_insert(value);
            }
        })?;
        let [username, realm, nonce, uri, response, opaque, algorithm, qop, count, cnonce] = given;
        let algorithm = algorithm.map_or(Some(Algorithm::DEFAULT), Algorithm::from_token)?;
        let (qop, cnonce) = match qop {
            Some(token) => (Some((Qop::from_token(token)?, number(count?)?)), cnonce?),
            None if algorithm.session => (None, cnonce?),
            None => (None, cnonce.unwrap_or_default()),
        };
        Some(Answer {
            username: username?,
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            opaque,
            algorithm,
            qop,
            response: response?,
            cnonce,
            count: count.unwrap_or_default(),
        })
    }

    /// The answers of a request to one asker and realm, of the first [`ROWS_MAX`] rows.
    #[must_use]
    pub fn find(request: Msg<'a>, asker: Asker, realm: &[u8]) -> Option<Answer<'a>> {
        let rows = request.rows(asker.answer()).take(ROWS_MAX);
        rows.filter_map(Answer::parse).find(|answer| answer.realm == realm)
    }

    /// Whether the peer knows the password. RFC 7616 §3.4.1.
    #[must_use]
    pub fn proves(&self, password: Password<'_>, method: &[u8], body: &[u8]) -> bool {
        let hash: Hash = self.algorithm.hash;
        let key = user_key(hash, self.username, self.realm, password.0.as_bytes());
        let key = self.algorithm.key(&key, self.nonce, self.cnonce);
        let qop = self.qop.map(|(qop, _)| (qop, self.count, self.cnonce));
        let seen = Seen { method, uri: self.uri, body, nonce: self.nonce, qop };
        self.algorithm.response(&key, &seen).is(self.response)
    }
}

/// A nonce count: eight hex digits (RFC 7616 §3.4).
fn number(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|t| t.len() == 8 && !t.starts_with('+'))?;
    u32::from_str_radix(text, 16).ok()
}
