//! What makes two requests the same to a server: RFC 3261 §17.2.3.
//!
//! The matching texts are not kept: a keyed 128-bit SipHash stands for them, whose key no peer knows, so
//! that nobody can make two requests collide.

use super::branch::COOKIE;
use sip_msg::{Method, Msg, Name, NameAddr, Via};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::{BuildHasher, Hasher};

/// Stands for a server transaction's matching texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fingerprint(pub(super) u64, pub(super) u64);

impl std::hash::Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Hashes fingerprints by taking their first half: they are hashes already.
#[derive(Clone, Copy, Default)]
pub(super) struct PrintHasher;

/// The state of [`PrintHasher`].
#[derive(Default)]
pub(super) struct FirstHalf(u64);

impl Hasher for FirstHalf {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 << 8) | u64::from(b);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

impl BuildHasher for PrintHasher {
    type Hasher = FirstHalf;
    fn build_hasher(&self) -> FirstHalf {
        FirstHalf::default()
    }
}

/// The mandatory headers of a request, read once.
pub(super) struct Heads<'a> {
    pub(super) via: Via<'a>,
    pub(super) from: NameAddr<'a>,
    pub(super) to: NameAddr<'a>,
    pub(super) call_id: &'a [u8],
    pub(super) cseq: u32,
}

/// The fingerprint of a request as if its method were `method`: ACK and CANCEL are looked up as INVITE.
///
/// RFC 3261 §17.2.3: branch, sent-by and method; for peers without the magic cookie the second list there
/// (Request-URI, tags, Call-ID, CSeq number, top Via). The To tag of an ACK is left out of that one: it is
/// the tag of our response, which the INVITE did not have.
pub(super) fn fingerprint(key: (u64, u64), msg: Msg<'_>, heads: &Heads<'_>, method: Method) -> Fingerprint {
    let mut hasher = SipHasher13::new_with_keys(key.0, key.1);
    let mut part = |bytes: &[u8]| {
        hasher.write(bytes);
        hasher.write_u8(0xff);
    };
    if method == Method::Other {
        part(msg.method_token())
    } else {
        part(method.as_str().as_bytes())
    }
    let port = heads.via.port.unwrap_or(0).to_be_bytes();
    let branch = heads.via.branch;
    if branch.len() > COOKIE.len()
        && branch.get(..COOKIE.len()).is_some_and(|c| c.eq_ignore_ascii_case(COOKIE))
    {
        part(branch);
        part(heads.via.host);
        part(&port);
    } else {
        part(msg.request_uri());
        part(heads.from.tag().unwrap_or_default());
        if method != Method::Invite {
            part(heads.to.tag().unwrap_or_default());
        }
        part(heads.call_id);
        part(&heads.cseq.to_be_bytes());
        part(msg.list(Name::Via).next().unwrap_or_default());
    }
    let hash = hasher.finish128();
    Fingerprint(hash.h1, hash.h2)
}

/// A 64-bit stand-in for a text that a peer chose.
pub(super) fn short(key: (u64, u64), text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key.0, key.1);
    hasher.write(text);
    hasher.finish128().h1
}
