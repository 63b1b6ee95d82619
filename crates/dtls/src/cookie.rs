//! Who may begin a handshake with us: whoever shows that it hears what is sent to its address (RFC 6347 §4.2.1).
//!
//! Nothing is kept of those who do not: a ClientHello without our cookie costs one checksum and one datagram, not longer
//! than its own.

use crate::crypto::random;
use crate::hello::{ClientHello, verify_request};
use crate::messages::{Kind, whole};
use crate::reader::Reader;
use crate::reassembly::Fragment;
use crate::record::{self, Content, Record};
use crate::trouble::Trouble;
use aws_lc_rs::hmac;
use base::Time;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes of a cookie of ours.
const COOKIE: usize = 20;

/// How long cookies are made with one key; those of the one before are good for as long again: limit `dtls_cookie`.
const KEY_LIFE: Duration = Duration::from_secs(60);

/// See the module text.
pub struct Doorman {
    key: hmac::Key,
    /// The one before.
    last: hmac::Key,
    since: Time,
}

/// What a datagram is to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// No ClientHello.
    Other,
    /// A ClientHello without our cookie; this goes back.
    Ask(Vec<u8>),
    /// A ClientHello with it, and its random value.
    Admitted([u8; 32]),
    /// The first fragment of one with it, and its random value.
    Begun([u8; 32]),
}

impl Doorman {
    /// One whose cookies nobody can guess.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn new() -> Result<Doorman, Trouble> {
        Ok(Doorman { key: fresh()?, last: fresh()?, since: Time::ZERO })
    }

    /// Another key, when its time has come: who has collected cookies cannot use them for long (RFC 6347 §4.2.1).
    fn rotate(&mut self, now: Time) {
        let age = now.since(self.since);
        // Without a new one the old one goes on.
        let (true, Ok(key)) = (age >= KEY_LIFE, fresh()) else { return };
        let last = std::mem::replace(&mut self.key, key);
        self.last = if age < KEY_LIFE * 2 { last } else { self.key.clone() };
        self.since = now;
    }

    /// Judges a datagram.
    #[must_use]
    pub fn answer(&mut self, now: Time, source: SocketAddr, datagram: &[u8]) -> Answered {
        self.rotate(now);
        let Some((record, fragment)) = first_fragment(datagram) else { return Answered::Other };
        // A long ClientHello comes in pieces; of its first one is known what must be known (RFC 6347 §4.2.1).
        let (number, entire) = (fragment.number, fragment.entire());
        let whole_one = entire.is_none_or(|body| ClientHello::read(body).is_ok());
        let opening =
            fragment.opening().filter(|_| whole_one).and_then(|bytes| ClientHello::opening(bytes).ok());
        let Some((random, said)) = opening else { return Answered::Other };
        let [tag, last] = [&self.key, &self.last].map(|key| cookie(key, source, &random));
        let [ours, before] = [&tag, &last].map(|tag| tag.as_ref().get(..COOKIE).unwrap_or_default());
        let is = |one| aws_lc_rs::constant_time::verify_slices_are_equal(said, one).is_ok();
        if is(ours) || is(before) {
            return if entire.is_some() { Answered::Admitted(random) } else { Answered::Begun(random) };
        }
        let message = whole(Kind::HelloVerifyRequest, number, &verify_request(ours));
        let mut out = Vec::with_capacity(64);
        // The number is the record's own, so that both sides' windows go on (RFC 6347 §4.2.1).
        match record::write(Content::Handshake, (0, record), &message, None, &mut out) {
            Ok(()) => Answered::Ask(out),
            Err(_) => Answered::Other,
        }
    }
}

fn fresh() -> Result<hmac::Key, Trouble> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &random()?))
}

fn cookie(key: &hmac::Key, source: SocketAddr, random: &[u8; 32]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(source.to_string().as_bytes());
    context.update(random);
    context.sign()
}

/// The fragment of a ClientHello that a datagram begins with, and the number of its record.
pub(crate) fn first_fragment(datagram: &[u8]) -> Option<(u64, Fragment<'_>)> {
    let record = Record::next(&mut Reader(datagram))?;
    if record.content != Content::Handshake || record.epoch != 0 {
        return None;
    }
    let fragment = Fragment::read(&mut Reader(record.body)).ok()?;
    (Kind::of(fragment.kind) == Some(Kind::ClientHello)).then_some((record.sequence, fragment))
}

/// The ClientHello that a datagram begins with, whole, with the numbers of its record and of its message.
pub(crate) fn first_hello(datagram: &[u8]) -> Option<(u64, u16, ClientHello)> {
    let (record, fragment) = first_fragment(datagram)?;
    let hello = ClientHello::read(fragment.entire()?).ok()?;
    Some((record, fragment.number, hello))
}

impl fmt::Debug for Doorman {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorman")
    }
}
