//! Repair that names packets by their numbers: not offered where SRTP is made on the way, for there a source's numbers
//! may be moved ([`srtp::Protector::relay`]), and what is repaired by the old ones would be noise.

use crate::end::Rules;
use crate::trouble::{SdpTrouble, parse};
use config::SrtpMode;
use sdp::{Codec, Media, Recast, Written};
use std::borrow::Cow;

/// Formats whose payloads hold sequence numbers of others: RFC 4588 §4, RFC 5109 §7.3, RFC 6015 §4.2, RFC 6682 §5.2,
/// RFC 8627 §4.2.
const NUMBERED: [&[u8]; 7] =
    [b"rtx", b"ulpfec", b"parityfec", b"1d-interleaved-parityfec", b"raptorfec", b"flexfec", b"flexfec-03"];

fn is_numbered(codec: &Codec<'_>) -> bool {
    NUMBERED.iter().any(|name| codec.name.eq_ignore_ascii_case(name))
}

/// A line without them; one that holds nothing else is refused.
fn line(media: &Media<'_>) -> Option<Recast> {
    if media.port == 0 || !media.is_rtp() || !media.codecs().any(|codec| is_numbered(&codec)) {
        return None;
    }
    let kept = media.codecs().filter(|codec| !is_numbered(codec));
    Some(Recast { formats: kept.map(|codec| Written::Kept(codec.pt)).collect(), ptime: None })
}

/// What goes from one leg to another, without them where one of both is secured or may be. An answer holds none that was
/// not offered.
pub(crate) fn left_out<'t>(
    legs: [&Rules<'_>; 2],
    text: &'t [u8],
    answers: bool,
) -> Result<Cow<'t, [u8]>, SdpTrouble> {
    if answers || legs.iter().all(|rules| rules.srtp == SrtpMode::Off) {
        return Ok(Cow::Borrowed(text));
    }
    let session = parse(text)?;
    let lines: Vec<_> = session.media().iter().map(line).collect();
    let changed = lines.iter().any(Option::is_some);
    Ok(if changed { Cow::Owned(sdp::recast(&session, &lines)) } else { Cow::Borrowed(text) })
}
