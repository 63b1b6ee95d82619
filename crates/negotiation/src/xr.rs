//! Extended reports of RTCP (RFC 3611 §5): what a peer hears beyond plain reports, and what is asked of it.

use crate::trouble::parse;
use config::{Policy, RtcpXr};
use media::{Extended, RoundTrip};
use sdp::{Kind, Media, RoundTripMode, Session};

/// What is asked of a peer for its view of the call.
const METRICS: &[u8] = b"voip-metrics";
/// Reference times are answered by whoever hears them, on hold too.
const ROUND_TRIP: &[u8] = b"rcvr-rtt=all";

/// What a peer hears of a stream, by what it said of it and was told by us.
pub(crate) fn between(
    policy: &Policy,
    (session, media): (&Session<'_>, &Media<'_>),
    ours: Option<(&Session<'_>, &Media<'_>)>,
) -> Extended {
    if policy.rtcp.extended == RtcpXr::Off {
        return Extended { strip: true, ..Extended::default() };
    }
    let wanted = session.extended_reports(media);
    // Both must have named it, and the stricter of both holds.
    let told = ours.and_then(|(session, media)| session.extended_reports(media).round_trip);
    let round_trip = match wanted.round_trip.zip(told) {
        None => RoundTrip::Off,
        Some((RoundTripMode::All, RoundTripMode::All)) => RoundTrip::All,
        Some(_) => RoundTrip::Sender,
    };
    Extended { strip: false, voip_metrics: wanted.voip_metrics, round_trip }
}

/// Puts what a trunk's peer is asked for into a description of ours. `other`: what the other peer said, whose own
/// wishes are kept; `offer`: what this peer offered, where ours is the answer.
pub(crate) fn weave(
    policy: &Policy,
    other: Option<&Session<'_>>,
    offer: Option<&Session<'_>>,
    made: &mut Vec<u8>,
) {
    if policy.rtcp.extended != RtcpXr::Make {
        return;
    }
    let lines = parse(made).map(|ours| ours.media().iter().map(is_heard).collect::<Vec<_>>());
    let Ok(lines) = lines else { return };
    *made = sdp::with_lines(made, b"", |index, out| {
        if lines.get(index) != Some(&true) {
            return;
        }
        let theirs = other.and_then(|session| session.rtcp_xr(session.media().get(index)?));
        let kept = theirs.unwrap_or_default().split(u8::is_ascii_whitespace);
        let kept =
            kept.filter(|format| !format.is_empty() && !names(format, METRICS) && !names(format, ROUND_TRIP));
        // A round trip takes two: an answer has it where the offer had (§5.2).
        let asked = |offer: &Session<'_>| offer.extended_reports(offer.media().get(index)?).round_trip;
        let agreed = offer.is_none_or(|offer| asked(offer).is_some());
        out.extend_from_slice(b"a=rtcp-xr:");
        out.extend_from_slice(METRICS);
        for format in agreed.then_some(ROUND_TRIP).into_iter().chain(kept) {
            out.push(b' ');
            out.extend_from_slice(format);
        }
        out.extend_from_slice(b"\r\n");
    });
}

/// Whether a line has sound that is told of.
fn is_heard(media: &Media<'_>) -> bool {
    media.kind == Kind::Audio && media.port != 0
}

/// Whether a format is of the same name as another one.
fn names(format: &[u8], other: &[u8]) -> bool {
    let name = |format: &[u8]| format.split(|byte| *byte == b'=').next().map(<[u8]>::to_vec);
    name(format) == name(other)
}
