//! Descriptions that cross as they are, because the peers speak to each other directly: what both trunks say of secure
//! media holds for what the peers agree on, although no key is ours.
//!
//! Where neither trunk has anything to say nothing is read here. Enter through [`pass`].

use crate::dtls;
use crate::end::Rules;
use crate::local::LocalSdp;
use crate::secure::{admits, paired, suite_of, unfit};
use crate::trouble::{SdpTrouble, parse};
use base::ReasonId;
use config::{SrtpKeys, SrtpMode};
use media::Keys;
use sdp::{Kind, Media, Recast, Session};

/// Passes on what the other peer described, an offer or the answer to `offer`, as far as both legs' rules allow: streams
/// of an offer that a rule bars are not passed but refused with port 0.
///
/// # Errors
/// No stream of the offer may be, or the answer has one that may not be.
pub(crate) fn pass(
    rules: [&Rules<'_>; 2],
    (text, offer): (&[u8], &[u8]),
    local: &mut LocalSdp,
) -> Result<(), SdpTrouble> {
    if !is_bound(rules, text) {
        local.pass(text);
        return Ok(());
    }
    let session = parse(text)?;
    if offer.is_empty() {
        let barred = barred(rules, &session)?;
        let made = barred.map(|recasts| sdp::recast(&session, &recasts));
        local.pass(made.as_deref().unwrap_or(text));
        return Ok(());
    }
    let offered = parse(offer)?;
    let mut lines = offered.media().iter().zip(session.media());
    if lines.all(|(offered, answered)| rules.iter().all(|rules| is_kept(rules, offered, answered))) {
        local.pass(text);
        return Ok(());
    }
    Err(unfit(ReasonId::SrtpAnswerBad))
}

/// Whether a rule could have anything against a description.
fn is_bound(rules: [&Rules<'_>; 2], text: &[u8]) -> bool {
    let secured = || text.windows(4).any(|word| word == b"SAVP");
    rules.iter().any(|rules| rules.srtp != SrtpMode::Off) || secured()
}

/// The lines of an offer that are not passed, if there are any.
fn barred(rules: [&Rules<'_>; 2], session: &Session<'_>) -> Result<Option<Vec<Option<Recast>>>, SdpTrouble> {
    let judged = |media: &Media<'_>| rules.iter().try_for_each(|rules| admits(rules, media)).err();
    let reasons: Vec<Option<ReasonId>> = session.media().iter().map(judged).collect();
    let mut lines = session.media().iter().zip(&reasons);
    let any = lines.any(|(media, reason)| media.port != 0 && reason.is_none());
    match reasons.iter().find_map(|reason| *reason) {
        Some(reason) if !any => Err(unfit(reason)),
        Some(_) => Ok(Some(reasons.iter().map(|reason| reason.map(|_| Recast::refused())).collect())),
        None => Ok(None),
    }
}

/// Whether an answered line keeps to a rule.
fn is_kept(rules: &Rules<'_>, offered: &Media<'_>, answered: &Media<'_>) -> bool {
    if offered.port == 0 || answered.port == 0 {
        return true;
    }
    let allowed = |keys: Keys| rules.suites.iter().any(|suite| suite_of(*suite) == keys.receive.suite());
    match rules.srtp {
        SrtpMode::Off => !answered.is_savp(),
        SrtpMode::Required if answered.is_rtp() => {
            // An offer may bear both ways, and the peer must not choose the one that is barred.
            rules.keys.iter().any(|way| match way {
                SrtpKeys::Sdes => paired(answered, offered).is_some_and(allowed),
                SrtpKeys::Dtls => dtls::begins(answered, offered).is_some(),
            })
        }
        SrtpMode::Required => answered.kind != Kind::Image || rules.t38,
        _ => true,
    }
}
