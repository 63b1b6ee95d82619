//! Challenges as a client reads them: RFC 7616 §3.3, RFC 8760 §2.

use super::{Algorithm, Asker, Qop, ROWS_MAX, fields};
use sip_msg::Msg;

/// One challenge that we can answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// Who asks.
    pub asker: Asker,
    /// The realm, escapes kept.
    pub realm: Box<[u8]>,
    /// The nonce, escapes kept.
    pub nonce: Box<[u8]>,
    /// To be given back as it is.
    pub opaque: Option<Box<[u8]>>,
    /// The hash function.
    pub algorithm: Algorithm,
    /// Whether it named its algorithm; then the answer does so too.
    pub names_algorithm: bool,
    /// What the digest is to cover; `None` for a peer of RFC 2069.
    pub qop: Option<Qop>,
    /// The nonce before was good once, and so was the password (RFC 7616 §3.3).
    pub stale: bool,
}

impl Challenge {
    /// Reads one row. `None`: another scheme, a broken row, no realm or nonce, or an algorithm or quality that
    /// we do not know, for such challenges are to be ignored (RFC 7616 §3.3).
    #[must_use]
    pub fn parse(asker: Asker, value: &[u8]) -> Option<Challenge> {
        let (mut realm, mut nonce, mut opaque, mut algorithm, mut qop) = (None, None, None, None, None);
        let mut stale = None;
        fields::walk(value, |name, value| {
            let slot = match name.to_ascii_lowercase().as_slice() {
                b"realm" => &mut realm,
                b"nonce" => &mut nonce,
                b"opaque" => &mut opaque,
                b"algorithm" => &mut algorithm,
                b"qop" => &mut qop,
                b"stale" => &mut stale,
                // `userhash` offers what we need not take up (RFC 7616 §3.4.4).
                _ => return,
            };
            slot.get_or_insert(value);
        })?;
        Some(Challenge {
            asker,
            realm: realm?.into(),
            nonce: nonce?.into(),
            opaque: opaque.map(Into::into),
            algorithm: algorithm.map_or(Some(Algorithm::DEFAULT), Algorithm::from_token)?,
            names_algorithm: algorithm.is_some(),
            qop: qop.map_or(Some(None), |list| choose(list).map(Some))?,
            stale: stale.is_some_and(|word: &[u8]| word.eq_ignore_ascii_case(b"true")),
        })
    }
}

/// The quality to use of those offered: `auth` where it is, for what lies between may change bodies.
fn choose(list: &[u8]) -> Option<Qop> {
    let offered = list.split(|byte| *byte == b',').filter_map(|word| Qop::from_token(word.trim_ascii()));
    offered.min_by_key(|qop| *qop == Qop::AuthInt)
}

/// The challenges of a response that we can answer, in their order, of the first [`ROWS_MAX`] rows of each kind.
#[must_use]
pub fn challenges(response: Msg<'_>) -> Vec<Challenge> {
    let rows = |asker: Asker| response.rows(asker.challenge()).take(ROWS_MAX).map(move |row| (asker, row));
    let all = Asker::BOTH.into_iter().flat_map(rows);
    all.filter_map(|(asker, row)| Challenge::parse(asker, row)).collect()
}

/// Of several challenges of one realm by one asker that with the strongest algorithm, the first of equals.
#[must_use]
pub fn strongest<'a>(challenges: &'a [Challenge], asker: Asker, realm: &[u8]) -> Option<&'a Challenge> {
    let fitting = challenges.iter().filter(|c| c.asker == asker && *c.realm == *realm);
    fitting.rev().max_by_key(|c| c.algorithm.hash)
}
