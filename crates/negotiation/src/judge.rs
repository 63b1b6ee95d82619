//! Judgements about offers and answers of peers.

use crate::end::Rules;
use crate::secure;
use crate::trouble::{SdpTrouble, parse};
use base::ReasonId;
use sdp::{Kind, SdpErrorKind};

/// Whether an answer fits the offer that we sent (RFC 3264 §6): as many streams, each of its kind
/// with a codec that was offered, and with keys where ours
/// asks for them.
///
/// # Errors
/// [`ReasonId::SdpAnswerBad`], [`ReasonId::SrtpAnswerBad`], or that one of both cannot be read.
pub fn judge(sent: &[u8], answer: &[u8]) -> Result<(), SdpTrouble> {
    let (offer, answer) = (parse(sent)?, parse(answer)?);
    sdp::check_answer(&offer, &answer).map_err(|error| {
        // In clear where it must not be.
        let secured = offer.media().iter().any(|media| media.is_savp());
        let clear = secured && error.kind == SdpErrorKind::AnswerTransport;
        SdpTrouble::of(if clear { ReasonId::SrtpAnswerBad } else { ReasonId::SdpAnswerBad }, error)
    })?;
    secure::judge(&offer, &answer)
}

/// Whether what one peer described can be the answer to what the other one offered, however each leg is secured.
///
/// # Errors
/// [`ReasonId::SdpAnswerBad`], or that one of both cannot be read.
pub fn judge_across(offer: &[u8], text: &[u8]) -> Result<(), SdpTrouble> {
    let (offer, text) = (parse(offer)?, parse(text)?);
    sdp::check_across(&offer, &text).map(drop).map_err(|e| SdpTrouble::of(ReasonId::SdpAnswerBad, e))
}

/// Checks that an offer can be anchored at all, and is secured as its trunk wants it; tells how many streams it needs.
///
/// # Errors
/// Why not.
pub fn count_streams(text: &[u8], rules: &Rules<'_>) -> Result<u8, SdpTrouble> {
    let session = parse(text)?;
    sdp::can_anchor_any(&session).map_err(|error| SdpTrouble::of(ReasonId::MediaStreams, error))?;
    secure::admits_any(rules, &session)?;
    Ok(u8::try_from(session.media().len().clamp(1, media::MAX_STREAMS)).unwrap_or(1))
}

/// How many streams an offer has that somebody may be answered in, at least one.
#[must_use]
pub fn lines(offer: &[u8]) -> u8 {
    let lines = parse(offer).map_or(1, |session| session.media().len().clamp(1, media::MAX_STREAMS));
    u8::try_from(lines).unwrap_or(1)
}

/// The name of an answer's first audio codec, for the record.
pub(crate) fn first_codec(answer: &[u8]) -> Option<Box<str>> {
    let session = parse(answer).ok()?;
    let audio = session.media().iter().find(|m| m.kind == Kind::Audio && m.port != 0)?;
    let codec = audio.codecs().find(|c| !c.is_telephone_event())?;
    Some(String::from_utf8_lossy(codec.name).into_owned().into_boxed_str())
}
