//! Judging an answer against its offer (RFC 3264 §6).

use crate::codec::Codec;
use crate::direction::Direction;
use crate::error::{SdpError, SdpErrorKind};
use crate::media::{Media, Proto};
use crate::session::Session;
use smallvec::SmallVec;

/// What offer and answer agree on, per m= line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed<'a> {
    /// In the order of the m= lines.
    pub media: SmallVec<[AgreedMedia<'a>; 2]>,
}

impl Agreed<'_> {
    /// Whether every m= line was refused or disabled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.media.iter().all(|media| matches!(media, AgreedMedia::Rejected))
    }
}

/// The fate of one m= line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreedMedia<'a> {
    /// Port 0 on either side.
    Rejected,
    /// Media flows.
    Active {
        /// The answer's first codec that was offered, with the answerer's payload type; none for
        /// media that is not RTP.
        codec: Option<Codec<'a>>,
        /// The offerer's payload type for the same codec.
        codec_offer_pt: Option<u8>,
        /// The payload type for DTMF events towards the offerer (its own number).
        event_offer_pt: Option<u8>,
        /// The payload type for DTMF events towards the answerer (its own number).
        event_answer_pt: Option<u8>,
        /// From the answerer's view; never more than the offer allows.
        direction: Direction,
    },
}

/// Checks that `answer` answers `offer` and says what both agreed on.
///
/// Tolerated: RTP/AVP for RTP/AVPF and back (feedback is simply not used), RTP/SAVP for RTP/AVP where both bear keys,
/// a direction beyond the offer's (cut to it), an active m= line where the offer's was disabled (counts as refused).
///
/// # Errors
/// Another number of m= lines, another kind or transport in a place, or no common format; the
/// line is the answer's.
pub fn check_answer<'a>(offer: &Session<'_>, answer: &Session<'a>) -> Result<Agreed<'a>, SdpError> {
    check(offer, answer, is_same_transport)
}

/// As [`check_answer`], of descriptions on two legs, whose RTP may be secured differently.
///
/// # Errors
/// As [`check_answer`].
pub fn check_across<'a>(offer: &Session<'_>, answer: &Session<'a>) -> Result<Agreed<'a>, SdpError> {
    check(offer, answer, |offered, answered| {
        (offered.is_rtp() && answered.is_rtp()) || is_same_transport(offered, answered)
    })
}

fn check<'a>(
    offer: &Session<'_>,
    answer: &Session<'a>,
    fits: impl Fn(&Media<'_>, &Media<'_>) -> bool,
) -> Result<Agreed<'a>, SdpError> {
    let (offered, answered) = (offer.media(), answer.media());
    if offered.len() != answered.len() {
        let kind = SdpErrorKind::AnswerMediaCount { offer: offered.len(), answer: answered.len() };
        return Err(SdpError::at(0, kind));
    }
    let mut media = SmallVec::new();
    for (offered, answered) in offered.iter().zip(answered) {
        let agreed = agree(offered, answered, &fits).map_err(|kind| SdpError::at(answered.line, kind))?;
        media.push(agreed);
    }
    Ok(Agreed { media })
}

fn agree<'a>(
    offered: &Media<'_>,
    answered: &Media<'a>,
    fits: &impl Fn(&Media<'_>, &Media<'_>) -> bool,
) -> Result<AgreedMedia<'a>, SdpErrorKind> {
    if !offered.kind_token.eq_ignore_ascii_case(answered.kind_token) {
        return Err(SdpErrorKind::AnswerMediaType);
    }
    if offered.port == 0 || answered.port == 0 {
        return Ok(AgreedMedia::Rejected);
    }
    if !fits(offered, answered) {
        return Err(SdpErrorKind::AnswerTransport);
    }
    let direction = answered.effective_direction().as_answer_to(offered.effective_direction());
    if !offered.is_rtp_avp() && !offered.is_savp() {
        let has = |format: &[u8]| offered.formats().any(|other| other.eq_ignore_ascii_case(format));
        if !answered.formats().any(has) {
            return Err(SdpErrorKind::AnswerFormat);
        }
        return Ok(AgreedMedia::Active {
            codec: None,
            codec_offer_pt: None,
            event_offer_pt: None,
            event_answer_pt: None,
            direction,
        });
    }
    let (offered, answered) = (offered.codec_list(), answered.codec_list());
    let (codec, codec_offer_pt) = common_codec(&offered, &answered).ok_or(SdpErrorKind::AnswerFormat)?;
    let event = common_event(&offered, &answered, codec.clock);
    Ok(AgreedMedia::Active {
        codec: Some(codec),
        codec_offer_pt: Some(codec_offer_pt),
        event_offer_pt: event.map(|(offer, _)| offer),
        event_answer_pt: event.map(|(_, answer)| answer),
        direction,
    })
}

fn is_same_transport(offered: &Media<'_>, answered: &Media<'_>) -> bool {
    match (offered.transport(), answered.transport()) {
        (Proto::RtpAvp | Proto::RtpAvpf, Proto::RtpAvp | Proto::RtpAvpf) => true,
        // Keys beside plain RTP ask for SRTP where possible; some peers say so with the transport.
        (Proto::RtpAvp | Proto::RtpAvpf, Proto::RtpSavp) => offered.has_crypto() && answered.has_crypto(),
        (Proto::RtpAvp | Proto::RtpAvpf | Proto::RtpSavp, Proto::DtlsSavp) => {
            offered.has_fingerprint() && answered.has_fingerprint()
        }
        (Proto::Other, Proto::Other) => offered.proto.eq_ignore_ascii_case(answered.proto),
        (offered, answered) => offered == answered,
    }
}

/// The answer's first primary codec that was offered, and the offerer's number for it.
fn common_codec<'a>(offered: &[Codec<'_>], answered: &[Codec<'a>]) -> Option<(Codec<'a>, u8)> {
    answered.iter().filter(|codec| codec.is_primary()).find_map(|codec| {
        let same = offered.iter().find(|offered| offered.is_same_encoding(codec))?;
        Some((*codec, same.pt))
    })
}

/// Both sides' numbers for DTMF events; the codec's clock first, any common clock else.
fn common_event(offered: &[Codec<'_>], answered: &[Codec<'_>], clock: u32) -> Option<(u8, u8)> {
    let pair = |wanted: Option<u32>| {
        let mut events = answered.iter().filter(|codec| codec.is_telephone_event());
        events.find_map(|event| {
            let fits = wanted.is_none_or(|clock| event.clock == clock);
            let same = offered.iter().find(|offered| fits && offered.is_same_encoding(event))?;
            Some((same.pt, event.pt))
        })
    };
    pair(Some(clock)).or_else(|| pair(None))
}
