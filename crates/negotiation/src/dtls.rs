//! Streams whose keys are agreed on by a handshake (RFC 5763, RFC 8842): who begins, with which certificate, and when
//! the association is another one.
//!
//! As with keys in descriptions, all follows from what was said to a peer and what it said. Our name of an association
//! belongs to a port of ours; it stays while the peer's end is the same.

use crate::end::Rules;
use config::SrtpKeys;
use media::{Dtls, Fingerprint, Hash};
use sdp::{Cover, Media, Proof, Setup, Wrap};
use srtp::{Mint, Suite};
use std::fmt::Write;

/// Bytes of a name of ours; twice as many digits (RFC 8842 §4: at least 20).
const NAME: usize = 16;

/// The fingerprints of a line that can be verified: SHA-1 and MD5 are not believed.
fn fingerprints(media: &Media<'_>) -> Vec<Fingerprint> {
    let known = media.fingerprints().filter_map(|digest| {
        let is = |name: &[u8]| digest.hash.eq_ignore_ascii_case(name);
        let hash = match digest.bytes.len() {
            32 if is(b"sha-256") => Hash::Sha256,
            48 if is(b"sha-384") => Hash::Sha384,
            64 if is(b"sha-512") => Hash::Sha512,
            _ => return None,
        };
        Some(Fingerprint { hash, digest: digest.bytes.to_vec().into() })
    });
    known.collect()
}

/// The suites that a handshake can agree on, in our order.
fn suites(rules: &Rules<'_>) -> Vec<Suite> {
    rules.suites.iter().filter(|word| word.has_profile()).map(|word| crate::secure::suite_of(*word)).collect()
}

/// Whether a peer's line can be secured by a handshake, as far as its trunk allows.
pub(crate) fn is_usable(rules: &Rules<'_>, media: &Media<'_>) -> bool {
    rules.keys.contains(&SrtpKeys::Dtls)
        && media.setup() != Some(Setup::Holdconn)
        && !fingerprints(media).is_empty()
        && !suites(rules).is_empty()
}

/// What tells one end of the peer's from another: its name, or else where it is (RFC 8842 §5), and its certificate.
fn marks(media: &Media<'_>) -> String {
    let mut marks = String::new();
    match media.tls_id() {
        Some(name) => marks.push_str(&String::from_utf8_lossy(name)),
        // Writing to a String cannot fail.
        None => {
            let _ = write!(marks, "{:?}:{}", media.connection(), media.port);
        }
    }
    for one in fingerprints(media) {
        let _ = write!(marks, " {:?}", one.digest);
    }
    marks
}

fn named(mint: &mut Mint) -> String {
    let drawn = mint.draw(Suite::AeadAes256Gcm).map(|key| key.key_and_salt());
    let bytes = drawn.iter().flat_map(|bytes| bytes.iter().take(NAME));
    bytes.fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// The name that a line of ours bore before.
fn name_of(held: &Media<'_>) -> Option<String> {
    held.tls_id().map(|name| String::from_utf8_lossy(name).into_owned())
}

/// Our lines in an offer. `held`: the same line as we said it last on this port.
pub(crate) fn offered(held: Option<&Media<'_>>, mint: &mut Mint, lines: &mut Vec<u8>) {
    let name = held.and_then(name_of).unwrap_or_else(|| named(mint));
    let proof = Proof { digest: mint.certificate(), setup: Setup::Actpass, tls_id: Some(&name) };
    sdp::write_proof(&proof, lines);
}

/// Our lines in the answer to an offered line, and what they took of it. `held`: our line as we said it last on this
/// port, and what that took.
pub(crate) fn answered(
    rules: &Rules<'_>,
    media: &Media<'_>,
    held: Option<(&Media<'_>, Option<&str>)>,
    mint: &mut Mint,
) -> (Cover, Box<str>) {
    let marks = marks(media);
    // What we offered ourselves before was answered by the peer's end of then; which it was, the handshake knows.
    let held = held.filter(|(_, before)| before.is_none_or(|before| before == marks)).map(|(held, _)| held);
    let setup = match (media.setup(), held.and_then(Media::setup)) {
        (Some(Setup::Passive), _) => Setup::Active,
        (Some(Setup::Actpass), Some(before @ (Setup::Active | Setup::Passive))) => before,
        // What we offered was as good as always answered with `active`.
        (Some(Setup::Actpass), Some(Setup::Actpass)) => Setup::Passive,
        (Some(Setup::Actpass), _) if rules.begins => Setup::Active,
        // An offer that does not say who begins begins itself (RFC 4145 §4.1).
        _ => Setup::Passive,
    };
    let name = held.and_then(name_of).unwrap_or_else(|| named(mint));
    let tls_id = media.tls_id().map(|_| &*name);
    let mut lines = Vec::new();
    sdp::write_proof(&Proof { digest: mint.certificate(), setup, tls_id }, &mut lines);
    (Cover { wrap: Wrap::of(media), lines }, marks.into())
}

/// Whether we begin, when both lines are of one handshake: one of them answers the other.
pub(crate) fn begins(theirs: &Media<'_>, ours: &Media<'_>) -> Option<bool> {
    if fingerprints(theirs).is_empty() || !ours.has_fingerprint() {
        return None;
    }
    match (ours.setup()?, theirs.setup()) {
        (Setup::Active, _) => Some(true),
        (Setup::Passive, _) => Some(false),
        (Setup::Actpass, Some(Setup::Active)) => Some(false),
        (Setup::Actpass, Some(Setup::Passive)) => Some(true),
        _ => None,
    }
}

/// What both descriptions of a stream ask of a handshake.
pub(crate) fn agreed(rules: &Rules<'_>, theirs: &Media<'_>, ours: &Media<'_>) -> Option<Dtls> {
    let client = begins(theirs, ours)?;
    // A peer that knows no names is told none in answers.
    let own = theirs.tls_id().and_then(|_| name_of(ours)).unwrap_or_default();
    let association = format!("{own} {} {}", ours.port, marks(theirs)).into();
    let fingerprints = fingerprints(theirs);
    Some(Dtls { client, fingerprints, association, suites: suites(rules), answered: false })
}
