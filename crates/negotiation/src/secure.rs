//! Which keys a stream gets (RFC 4568 §5, §7): theirs chosen, ours drawn or kept, both paired; or by a handshake, of
//! which [`crate::dtls`] knows more.
//!
//! Keys live in the descriptions themselves: what was said to a peer and what it said are all that the engine's keys
//! follow from. Keys of ours belong to a port: on another port they are drawn anew, so that no key stream is used
//! twice (RFC 3711 §9.1).

use crate::dtls::{self, Ran};
use crate::end::{End, Rules};
use crate::local::{LocalSdp, Taken};
use crate::trouble::SdpTrouble;
use base::ReasonId;
use config::{SrtpKeys, SrtpMode, SrtpSuite};
use media::{Keys, Security, Srtp};
use sdp::{Cover, Crypto, Kind, Media, Proto, Session, Wrap};
use srtp::{MasterKey, Mint, Suite};

/// The suite that a word of the configuration names.
pub(crate) fn suite_of(word: SrtpSuite) -> Suite {
    match word {
        SrtpSuite::AeadAes256Gcm => Suite::AeadAes256Gcm,
        SrtpSuite::AeadAes128Gcm => Suite::AeadAes128Gcm,
        SrtpSuite::AesCm256Sha1_80 => Suite::AesCm256Sha1_80,
        SrtpSuite::AesCm256Sha1_32 => Suite::AesCm256Sha1_32,
        SrtpSuite::AesCm128Sha1_80 => Suite::AesCm128Sha1_80,
        SrtpSuite::AesCm128Sha1_32 => Suite::AesCm128Sha1_32,
    }
}

/// A line's key, with those that its sender may use as well.
fn master_of(line: &Crypto<'_>) -> Option<MasterKey> {
    let suite = Suite::from_name(line.suite)?;
    let master = |key: &[u8], mki: &[u8]| MasterKey::new(suite, key)?.with_mki(mki);
    let more = line.more.iter().filter_map(|one| master(&one.key, &one.mki));
    Some(more.fold(master(&line.key, &line.mki)?, MasterKey::or))
}

/// The first line of a peer's offer that its trunk allows: the order is the peer's (RFC 4568 §5.1.2).
fn chosen(rules: &Rules<'_>, media: &Media<'_>) -> Option<(u32, MasterKey)> {
    media.keys().find_map(|line| {
        let key = master_of(&line)?;
        rules.suites.iter().any(|s| suite_of(*s) == key.suite()).then_some((line.tag, key))
    })
}

/// How a stream is keyed.
enum Way {
    /// With this key of the peer's, by the number of its line.
    Sdes(u32, MasterKey),
    Dtls,
}

/// How a line of a peer's offer is keyed: the order of ways is ours.
fn way(rules: &Rules<'_>, media: &Media<'_>) -> Option<Way> {
    rules.keys.iter().find_map(|keys| match keys {
        SrtpKeys::Sdes if media.transport() == Proto::DtlsSavp => None,
        SrtpKeys::Sdes => chosen(rules, media).map(|(tag, key)| Way::Sdes(tag, key)),
        SrtpKeys::Dtls => dtls::is_usable(rules, media).then_some(Way::Dtls),
    })
}

/// Whether a peer may offer this m-line: whether it is secured as its trunk wants it.
pub(crate) fn admits(rules: &Rules<'_>, media: &Media<'_>) -> Result<(), ReasonId> {
    if media.port == 0 || !media.is_rtp() {
        // Nothing secures UDPTL (RFC 7345 is seen nowhere).
        let barred = media.port != 0 && media.kind == Kind::Image && !rules.t38;
        return if barred { Err(ReasonId::SrtpFax) } else { Ok(()) };
    }
    match rules.srtp {
        SrtpMode::Off if media.is_savp() => Err(ReasonId::SrtpUnsupported),
        SrtpMode::Off => Ok(()),
        SrtpMode::Required if way(rules, media).is_none() => Err(ReasonId::SrtpRequired),
        _ if media.is_savp() && way(rules, media).is_none() => Err(ReasonId::SrtpUnsupported),
        _ => Ok(()),
    }
}

/// Whether an offer has a stream that is secured as its trunk wants it, or none at all.
pub(crate) fn admits_any(rules: &Rules<'_>, session: &Session<'_>) -> Result<(), SdpTrouble> {
    let mut first = Ok(());
    for media in session.media().iter().filter(|media| media.port != 0 && sdp::can_anchor(media).is_ok()) {
        match admits(rules, media) {
            Ok(()) => return Ok(()),
            Err(reason) => first = first.and(Err(reason)),
        }
    }
    first.map_err(unfit)
}

pub(crate) fn unfit(reason: ReasonId) -> SdpTrouble {
    SdpTrouble { reason, warning: (302, "Incompatible transport protocol") }
}

/// How an m-line that we offer is secured. `held`: the same line as we said it last on this port.
pub(crate) fn offered(rules: &Rules<'_>, held: Option<&Media<'_>>, mint: &mut Mint) -> Cover {
    let mut lines = Vec::new();
    match held {
        // What holds is said again; a stream that was agreed in clear stays so where both may be.
        Some(held) if is_secured(held) || rules.srtp != SrtpMode::Required => {
            if rules.srtp != SrtpMode::Off || held.is_savp() {
                held.keys().for_each(|line| write(line.tag, line.suite, &line.key, &mut lines));
                if held.has_fingerprint() {
                    dtls::offered(Some(held), mint, &mut lines);
                }
            }
            return Cover { wrap: Wrap::of(held), lines };
        }
        _ if rules.srtp == SrtpMode::Off => return Cover::default(),
        _ => {}
    }
    let required = rules.srtp == SrtpMode::Required;
    for keys in rules.keys.iter().take(if required { 1 } else { rules.keys.len() }) {
        match keys {
            SrtpKeys::Sdes => write_all(rules, mint, &mut lines),
            SrtpKeys::Dtls => dtls::offered(None, mint, &mut lines),
        }
    }
    let wrap = match rules.keys.first() {
        Some(SrtpKeys::Dtls) if required => Wrap::Dtls,
        _ if required => Wrap::Savp,
        _ => Wrap::Plain,
    };
    Cover { wrap, lines }
}

/// Whether a line bears what SRTP needs.
fn is_secured(media: &Media<'_>) -> bool {
    media.has_crypto() || media.has_fingerprint()
}

/// A key of ours for each suite.
fn write_all(rules: &Rules<'_>, mint: &mut Mint, lines: &mut Vec<u8>) {
    for (tag, word) in (1u32..).zip(rules.suites) {
        if let Some(key) = mint.draw(suite_of(*word)) {
            sdp::write_crypto(tag, key.suite().name(), &key.key_and_salt(), lines);
        }
    }
}

fn write(tag: u32, suite: &[u8], key: &[u8], lines: &mut Vec<u8>) {
    if let Ok(suite) = std::str::from_utf8(suite) {
        sdp::write_crypto(tag, suite, key, lines);
    }
}

/// How our answer to an offered m-line is secured, and what of the peer's it takes. The key that we had on
/// this port stays while the peer's does; a new one of the peer's makes us draw one, too (RFC 4568 §7.1.4).
pub(crate) fn answered(
    rules: &Rules<'_>,
    (session, media): (&Session<'_>, &Media<'_>),
    (held, ran): (Option<(&Media<'_>, Option<&Taken>)>, Option<&Ran>),
    mint: &mut Mint,
) -> Result<(Cover, Option<Taken>), ReasonId> {
    admits(rules, media)?;
    if rules.srtp == SrtpMode::Off || !media.is_rtp() {
        return Ok((Cover::default(), None));
    }
    let (tag, theirs) = match way(rules, media) {
        None => return Ok((Cover::default(), None)),
        Some(Way::Dtls) => {
            let held = held.map(|(held, taken)| match taken {
                Some(Taken::Dtls(end)) => (held, Some(end)),
                _ => (held, None),
            });
            let (cover, end) = dtls::answered(rules, (session, media), (held, ran), mint);
            return Ok((cover, Some(Taken::Dtls(end))));
        }
        Some(Way::Sdes(tag, key)) => (tag, key),
    };
    let same = held.filter(|(_, before)| before.is_none_or(|one| *one == Taken::Key(theirs.clone())));
    let kept = same.and_then(|(held, _)| {
        held.keys().find_map(|l| master_of(&l).filter(|k| k.suite() == theirs.suite()))
    });
    let ours = kept.or_else(|| mint.draw(theirs.suite())).ok_or(ReasonId::SrtpUnsupported)?;
    let mut lines = Vec::new();
    sdp::write_crypto(tag, ours.suite().name(), &ours.key_and_salt(), &mut lines);
    Ok((Cover { wrap: Wrap::of(media), lines }, Some(Taken::Key(theirs))))
}

/// The keys that two descriptions of a stream agree on: one of them holds the line that was chosen of the other.
pub(crate) fn paired(theirs: &Media<'_>, ours: &Media<'_>) -> Option<Keys> {
    theirs.keys().find_map(|line| {
        let mine = ours.keys().find(|o| o.tag == line.tag && o.suite.eq_ignore_ascii_case(line.suite))?;
        Some(Keys { receive: master_of(&line)?, send: master_of(&mine)? })
    })
}

/// How what a peer sends of the first audio stream is protected, by what it described and was told. `shaken`: what its
/// last handshake agreed on.
#[must_use]
pub(crate) fn security((theirs, ours): (&[u8], &[u8]), shaken: Option<Security>) -> Option<Security> {
    let (theirs, ours) = (crate::parse(theirs).ok()?, crate::parse(ours).ok()?);
    let mut both = theirs.media().iter().zip(ours.media());
    let (theirs, ours) =
        both.find(|(media, _)| matches!(media.kind, Kind::Audio | Kind::Image) && media.port != 0)?;
    match paired(theirs, ours) {
        Some(keys) => Some(Security::Sdes(keys.receive.suite())),
        None if dtls::begins(theirs, ours).is_some() => shaken.or(Some(Security::Dtls(None))),
        None => Some(if ours.is_savp() { Security::Awaited } else { Security::Plain }),
    }
}

/// What the engine does with a stream. `ours`: what we told the peer of it.
pub(crate) fn between(
    rules: &Rules<'_>,
    (session, theirs): (&Session<'_>, &Media<'_>),
    ours: Option<&Media<'_>>,
) -> Srtp {
    if !theirs.is_rtp() {
        return Srtp::Off;
    }
    if let Some(keys) = ours.and_then(|ours| paired(theirs, ours)) {
        return Srtp::On(Box::new(keys));
    }
    if let Some(terms) = ours.and_then(|ours| dtls::agreed(rules, (session, theirs), ours)) {
        return Srtp::Dtls(Box::new(terms));
    }
    let wanted = rules.srtp != SrtpMode::Off && way(rules, theirs).is_some();
    let secured = match ours {
        Some(ours) => ours.is_savp() || (is_secured(ours) && is_secured(theirs)),
        None => wanted,
    };
    let demanded = rules.srtp == SrtpMode::Required || theirs.is_savp();
    if secured || demanded { Srtp::Awaited } else { Srtp::Off }
}

/// Whether the peer's answer has the keys that our offer asks for (RFC 4568 §5.1.3).
pub(crate) fn judge(offer: &Session<'_>, answer: &Session<'_>) -> Result<(), SdpTrouble> {
    for (offered, answered) in offer.media().iter().zip(answer.media()) {
        let active = offered.port != 0 && answered.port != 0 && is_secured(offered);
        let demanded = offered.is_savp() || answered.is_savp() || is_secured(answered);
        let keyed = paired(answered, offered).is_some() || dtls::begins(answered, offered).is_some();
        if active && demanded && !keyed {
            return Err(unfit(ReasonId::SrtpAnswerBad));
        }
    }
    Ok(())
}

/// The same m-line as it was said last, where it was said on the same port.
fn held<'s, 't>(before: Option<&'s Session<'t>>, index: usize, port: Option<u16>) -> Option<&'s Media<'t>> {
    before?.media().get(index).filter(|media| Some(media.port) == port)
}

/// The covers of a description, and the keys of the peer's that it answers.
pub(crate) struct Covers {
    pub(crate) covers: Vec<Cover>,
    pub(crate) taken: Vec<Option<Taken>>,
}

impl Covers {
    /// For each m-line that has a port; a line that cannot be secured as it must loses its port.
    pub(crate) fn of(
        end: &End<'_>,
        (session, offer): (&Session<'_>, Option<&Session<'_>>),
        ports: &mut [Option<u16>],
        local: &LocalSdp,
        mint: &mut Mint,
    ) -> Result<Covers, SdpTrouble> {
        let rules = end.rules();
        let before = if local.text.is_empty() { None } else { crate::parse(&local.text).ok() };
        let mut all = Covers { covers: Vec::new(), taken: Vec::new() };
        let (mut any, mut first) = (false, Ok(()));
        for (index, port) in ports.iter_mut().enumerate() {
            let held = held(before.as_ref(), index, *port);
            let media = session.media().get(index);
            let (cover, taken) = match offer.map(|offer| Some((offer, offer.media().get(index)?))) {
                _ if port.is_none() || media.is_none_or(|media| !media.is_rtp()) => Default::default(),
                None => (offered(&rules, held, mint), None),
                Some(None) => Default::default(),
                Some(Some(line)) => {
                    let taken = local.taken.get(index).and_then(Option::as_ref);
                    let ran = local.ran.get(index).and_then(Option::as_ref);
                    match answered(&rules, line, (held.map(|held| (held, taken)), ran), mint) {
                        Ok(made) => made,
                        Err(reason) => {
                            *port = None;
                            first = first.and(Err(reason));
                            Default::default()
                        }
                    }
                }
            };
            any |= port.is_some();
            all.covers.push(cover);
            all.taken.push(taken);
        }
        if any { Ok(all) } else { first.map(|()| all).map_err(unfit) }
    }
}
