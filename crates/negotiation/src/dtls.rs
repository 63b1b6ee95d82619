//! Streams whose keys are agreed on by a handshake (RFC 5763, RFC 8842): who begins, with which certificate, and when
//! the association is another one.
//!
//! As with keys in descriptions, all follows from what was said to a peer and what it said. Our name of an association
//! belongs to a port of ours; it stays while the peer's end is the same.

use crate::end::Rules;
use crate::local::Taken;
use crate::trouble::SdpTrouble;
use base::ReasonId;
use config::SrtpKeys;
use media::{Association, Dtls, Fingerprint, Hash};
use sdp::{Cover, Media, Origin, Proof, Session, Setup, Wrap};
use srtp::{Mint, Suite};
use std::fmt::Write;

/// Bytes of a name of ours; twice as many digits (RFC 8842 §4: at least 20).
const NAME: usize = 16;

/// Who begins a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begins {
    We,
    Peer,
    /// Both said `actpass`: whoever has begun before (RFC 8842 §5.5).
    Open,
}

/// What two descriptions of a line said of a handshake last: with which end of the peer's, and who begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    end: Association,
    begins: Begins,
}

/// What the other side is told of such an answer.
const LEFT_OPEN: (u16, &str) = (399, "The answer leaves open who begins the DTLS handshake");

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

/// Whether a description gives a stream addresses to check (RFC 8445).
fn has_checks(media: &Media<'_>) -> bool {
    media.has_ice() && !media.is_ice_mismatch()
}

/// What tells one end of the peer's from another, with its certificate: its name, or else where it is (RFC 8842 §5).
/// With `checks` on both sides it is at others after a restart of ICE (RFC 8842 §6): then it is known by its session, too
/// (RFC 8866 §5.2), which changes while the end stays where somebody passes on who is behind it now.
fn end_of(session: &Session<'_>, media: &Media<'_>, checks: bool) -> Association {
    let named = media.tls_id().map(String::from_utf8_lossy);
    let mut name = String::from(named.as_deref().unwrap_or_default());
    for one in fingerprints(media) {
        // Writing to a String cannot fail.
        let _ = write!(name, " {:?}", one.digest);
    }
    let place = match media.is_null_connection() {
        false => Some(format!("{:?}:{}", media.connection(), media.port).into()),
        // It fills the place of an address where there are candidates (RFC 9429 §5.2.1).
        true if checks => {
            let all: Vec<_> =
                media.candidates().filter(|one| one.component == 1).map(|one| one.address).collect();
            // Who has gathered none yet is known by the session alone.
            (!all.is_empty()).then(|| format!("{all:?}").into())
        }
        // Who is held by it is told nothing of where the other one is (RFC 3264 §8.4).
        true => None,
    };
    let known = |origin| format!("{:?}", Origin { sess_version: b"", ..origin }).into();
    let end = match named {
        Some(_) => [None, None],
        None => [place, session.origin().filter(|_| checks).map(known)],
    };
    Association { name: name.into(), end }
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
/// port, and what that took. `ran`: what was last agreed on.
pub(crate) fn answered(
    rules: &Rules<'_>,
    (session, media): (&Session<'_>, &Media<'_>),
    (held, ran): (Option<(&Media<'_>, Option<&Association>)>, Option<&Ran>),
    mint: &mut Mint,
) -> (Cover, Association) {
    let end = end_of(session, media, rules.checks && has_checks(media));
    let began = ran.filter(|ran| ran.end.goes_on(&end)).map_or(Begins::Peer, |ran| ran.begins);
    // What we offered ourselves before was answered by the peer's end of then; which it was, the handshake knows.
    let held =
        held.filter(|(_, before)| before.is_none_or(|before| before.goes_on(&end))).map(|(held, _)| held);
    let setup = match (media.setup(), held.and_then(Media::setup)) {
        (Some(Setup::Passive), _) => Setup::Active,
        (Some(Setup::Actpass), Some(before @ (Setup::Active | Setup::Passive))) => before,
        (Some(Setup::Actpass), Some(Setup::Actpass)) if began.is_ours(rules) => Setup::Active,
        (Some(Setup::Actpass), Some(Setup::Actpass)) => Setup::Passive,
        (Some(Setup::Actpass), _) if rules.begins => Setup::Active,
        // An offer that does not say who begins begins itself (RFC 4145 §4.1).
        _ => Setup::Passive,
    };
    let name = held.and_then(name_of).unwrap_or_else(|| named(mint));
    let tls_id = media.tls_id().map(|_| &*name);
    let mut lines = Vec::new();
    sdp::write_proof(&Proof { digest: mint.certificate(), setup, tls_id }, &mut lines);
    (Cover { wrap: Wrap::of(media), lines }, end)
}

/// Who begins, when both lines are of one handshake: one of them answers the other.
pub(crate) fn begins(theirs: &Media<'_>, ours: &Media<'_>) -> Option<Begins> {
    if fingerprints(theirs).is_empty() || !ours.has_fingerprint() {
        return None;
    }
    match (ours.setup()?, theirs.setup()) {
        (Setup::Active, _) => Some(Begins::We),
        (Setup::Passive, _) => Some(Begins::Peer),
        (Setup::Actpass, Some(Setup::Active)) => Some(Begins::Peer),
        (Setup::Actpass, Some(Setup::Passive)) => Some(Begins::We),
        (Setup::Actpass, Some(Setup::Actpass)) => Some(Begins::Open),
        _ => None,
    }
}

impl Begins {
    /// Whether that is our part.
    fn is_ours(self, rules: &Rules<'_>) -> bool {
        match self {
            Begins::We => true,
            Begins::Peer => false,
            Begins::Open => rules.begins,
        }
    }
}

/// Whether the peer's answer says who begins, where its trunk demands that (RFC 5763 §5).
pub(crate) fn check_answer(
    rules: &Rules<'_>,
    theirs: &Media<'_>,
    ours: Option<&Media<'_>>,
) -> Result<(), SdpTrouble> {
    let open = ours.is_some_and(|ours| begins(theirs, ours) == Some(Begins::Open));
    if open && !rules.open {
        Err(SdpTrouble { reason: ReasonId::DtlsAnswerOpen, warning: LEFT_OPEN })
    } else {
        Ok(())
    }
}

/// Remembers who begins by what our last description answered.
pub(crate) fn remember(ran: &mut Vec<Option<Ran>>, ours: &Session<'_>, taken: &[Option<Taken>]) {
    for (at, (media, taken)) in ours.media().iter().zip(taken).enumerate() {
        let Some(Taken::Dtls(end)) = taken else { continue };
        let begins = match media.setup() {
            Some(Setup::Active) => Begins::We,
            Some(Setup::Passive) => Begins::Peer,
            _ => continue,
        };
        if ran.len() <= at {
            ran.resize(at + 1, None);
        }
        if let Some(place) = ran.get_mut(at) {
            *place = Some(Ran { end: end.clone(), begins });
        }
    }
}

/// Notes what two descriptions say of their handshakes: what was left open is as it was with the same end of the peer's.
pub(crate) fn note(ran: &mut Vec<Option<Ran>>, theirs: &Session<'_>, ours: &Session<'_>) {
    let (session, both) = (theirs, theirs.media().iter().zip(ours.media()));
    let noted = both.enumerate().map(|(at, (theirs, ours))| {
        let before = ran.get_mut(at).and_then(Option::take);
        let Some(begins) = begins(theirs, ours) else { return before };
        let end = end_of(session, theirs, has_checks(theirs) && has_checks(ours));
        let same = before.filter(|before| begins == Begins::Open && before.end.goes_on(&end));
        Some(Ran { begins: same.map_or(begins, |before| before.begins), end })
    });
    *ran = noted.collect();
}

/// What both descriptions of a stream ask of a handshake.
pub(crate) fn agreed(
    rules: &Rules<'_>,
    (session, theirs): (&Session<'_>, &Media<'_>),
    ours: &Media<'_>,
) -> Option<Dtls> {
    let begins = begins(theirs, ours)?;
    let (client, open) = (begins.is_ours(rules), begins == Begins::Open);
    // A peer that knows no names is told none in answers.
    let own = theirs.tls_id().and_then(|_| name_of(ours)).unwrap_or_default();
    let checks = has_checks(theirs) && has_checks(ours);
    let end = end_of(session, theirs, checks);
    let association = Association { name: format!("{own} {} {}", ours.port, end.name).into(), ..end };
    let fingerprints = fingerprints(theirs);
    Some(Dtls { client, open, fingerprints, association, suites: suites(rules), answered: false })
}
