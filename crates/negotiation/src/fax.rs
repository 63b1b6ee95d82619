//! Fax: which of the engine's streams carries T.38, what a trunk hears of fax, and what the record says of it.
//!
//! T.38 comes in a re-INVITE, in the place of the audio (RFC 3264 §8.3.3) or behind it, with the audio disabled. Both
//! forms use the ports that the audio had. The attributes of T.38 and of V.152 cross as they are; what a trunk's
//! `fax` keeps from its peer is taken out here.
//!
//! Whoever changes packets of a call asks [`is_fax`] of what holds before it does: neither T.38 nor voice-band data
//! may be transcoded, given comfort noise, or searched for digits.

use crate::end::End;
use crate::judge::first_codec;
use crate::trouble::{SdpTrouble, parse};
use base::ReasonId;
use config::{Fax, Policy};
use sdp::{Kind, Media, Session};
use std::borrow::Cow;

/// What the record says of T.38 that was agreed on.
const RELAYED: &str = "t38";
/// What it says where T.38 was offered and refused.
const PASSED: &str = "passthrough";

/// The engine's stream that carries an m-line: its own place, or for T.38 beyond those that are relayed, that of a
/// stream which the same description leaves without a port.
pub(crate) fn stream_of(session: &Session<'_>, at: usize, relayed: usize) -> Option<u8> {
    let lines = session.media();
    let media = lines.get(at)?;
    let beyond = |to: usize| lines.iter().take(to).skip(relayed).filter(|m| is_t38(m)).count();
    let free = |to: usize| lines.iter().take(relayed.min(to)).enumerate().filter(|(_, m)| m.port == 0);
    let place = match media.port {
        0 if at < relayed && free(at).count() < beyond(lines.len()) => None,
        _ if at < relayed => Some(at),
        _ if is_t38(media) => free(relayed).nth(beyond(at)).map(|(place, _)| place),
        _ => None,
    };
    place.and_then(|place| u8::try_from(place).ok())
}

/// An active stream of T.38.
fn is_t38(media: &Media<'_>) -> bool {
    media.kind == Kind::Image && media.port != 0
}

/// Whether all that a description has active is T.38.
fn is_t38_alone(session: &Session<'_>) -> bool {
    let mut active = session.media().iter().filter(|media| media.port != 0).peekable();
    active.peek().is_some() && active.all(is_t38)
}

/// Whether a description is of a fax: T.38, or audio of which a format is voice-band data (ITU-T V.152). Nothing but
/// addresses may then be changed on the way.
#[must_use]
pub fn is_fax(session: &Session<'_>) -> bool {
    session.media().iter().any(|media| is_t38(media) || has_vbd(media))
}

fn has_vbd(media: &Media<'_>) -> bool {
    let says = |value: &[u8]| value.to_ascii_lowercase().windows(7).any(|part| part == b"vbd=yes");
    media.port != 0 && media.attributes("gpmd").any(says)
}

/// Whether a trunk is not to be called with this offer: it is of T.38 alone, and the trunk takes none.
#[must_use]
pub fn bars_fax(policy: &Policy, offer: &[u8]) -> bool {
    policy.fax == Fax::Passthrough && parse(offer).is_ok_and(|session| is_t38_alone(&session))
}

/// A description as a trunk's peer may hear it.
///
/// # Errors
/// [`ReasonId::MediaFax`] or [`ReasonId::SrtpFax`], when an offer leaves nothing.
pub(crate) fn fitted<'t>(end: &End<'_>, text: &'t [u8], is_offer: bool) -> Result<Cow<'t, [u8]>, SdpTrouble> {
    let barred = end.seat.is_some() && !end.rules().t38;
    match if barred { Fax::Passthrough } else { end.policy.fax } {
        Fax::Auto => Ok(Cow::Borrowed(text)),
        Fax::T38 => Ok(edited(text, |line| !is_vbd_line(line), false)),
        Fax::Passthrough if !is_offer => Ok(Cow::Borrowed(text)),
        Fax::Passthrough if parse(text).is_ok_and(|session| is_t38_alone(&session)) => {
            let warning = (304, "no T.38 on the other side");
            let reason = if barred { ReasonId::SrtpFax } else { ReasonId::MediaFax };
            Err(SdpTrouble { reason, warning })
        }
        Fax::Passthrough => Ok(edited(text, |_| true, true)),
    }
}

fn is_vbd_line(line: &[u8]) -> bool {
    line.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"a=gpmd:"))
}

/// A description with those lines alone that are kept, and with T.38 refused where `refused` says so.
fn edited(text: &[u8], keep: impl Fn(&[u8]) -> bool, refused: bool) -> Cow<'_, [u8]> {
    let is_image =
        |line: &[u8]| refused && line.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"m=image "));
    if text.split(|c| *c == b'\n').all(|line| keep(line) && !is_image(line)) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|c| *c == b'\n').filter(|line| keep(line)) {
        let rest = line.get(8..).filter(|_| is_image(line));
        match rest.and_then(|rest| rest.iter().position(|c| *c == b' ').and_then(|at| rest.get(at..))) {
            Some(rest) => {
                out.extend_from_slice(b"m=image 0");
                out.extend_from_slice(rest);
            }
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}

/// What the record says of the codec after an answer: that of the first audio stream, and behind it what became of a
/// fax (`PCMA+t38`). `None`: as before.
#[must_use]
pub fn codec_noted(before: &str, answer: &[u8]) -> Option<Box<str>> {
    let (sound, fax) = before.split_once('+').map_or((before, None), |(sound, fax)| (sound, Some(fax)));
    let relayed = parse(answer).is_ok_and(|session| session.media().iter().any(is_t38));
    let fax = if relayed { Some(RELAYED) } else { fax };
    let codec = first_codec(answer);
    (relayed || codec.is_some()).then(|| join(codec.as_deref().unwrap_or(sound), fax))
}

/// What it says after an offer was refused: where that was of T.38, the fax goes on as sound.
#[must_use]
pub fn codec_kept(before: Box<str>, offer: &[u8]) -> Box<str> {
    let refused = parse(offer).is_ok_and(|session| is_t38_alone(&session));
    if refused { codec_of_fax(before) } else { before }
}

/// What it says where T.38 was refused and the call goes on.
#[must_use]
pub fn codec_of_fax(before: Box<str>) -> Box<str> {
    if before.contains('+') { before } else { join(&before, Some(PASSED)) }
}

fn join(sound: &str, fax: Option<&str>) -> Box<str> {
    fax.map_or_else(|| sound.into(), |fax| format!("{sound}+{fax}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    const T38: &str = "m=image 4002 udptl t38\r\na=T38FaxVersion:3\r\n";

    fn places(lines: &str, relayed: usize) -> Vec<Option<u8>> {
        let text = format!("{HEAD}{lines}");
        let session = parse(text.as_bytes()).unwrap();
        (0..session.media().len()).map(|at| stream_of(&session, at, relayed)).collect()
    }

    #[test]
    fn t38_behind_disabled_audio_takes_the_place_of_the_audio() {
        assert_eq!(places(T38, 1), [Some(0)]);
        assert_eq!(places(&format!("m=audio 0 RTP/AVP 8\r\n{T38}"), 1), [None, Some(0)]);
        assert_eq!(places(&format!("m=audio 4000 RTP/AVP 8\r\n{T38}"), 1), [Some(0), None]);
        assert_eq!(places(&format!("m=audio 4000 RTP/AVP 8\r\n{T38}"), 2), [Some(0), Some(1)]);
        assert_eq!(places("m=audio 4000 RTP/AVP 8\r\nm=image 0 udptl t38\r\n", 1), [Some(0), None]);
        assert_eq!(
            places(&format!("m=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 31\r\n{T38}"), 2),
            [None, Some(1), Some(0)]
        );
        assert_eq!(places("m=audio 0 RTP/AVP 8\r\nm=video 4 RTP/AVP 31\r\n", 1), [Some(0), None]);
    }

    #[test]
    fn a_fax_is_t38_or_voice_band_data() {
        let fax = |lines: &str| is_fax(&parse(format!("{HEAD}{lines}").as_bytes()).unwrap());
        assert!(fax(T38) && fax("m=audio 4 RTP/AVP 0\r\na=gpmd:0 vbd=yes;ecan=on\r\n"));
        assert!(!fax("m=audio 4 RTP/AVP 0\r\n") && !fax("m=audio 4 RTP/AVP 0\r\na=gpmd:0 vbd=no\r\n"));
        assert!(!fax("m=audio 4 RTP/AVP 8\r\nm=image 0 udptl t38\r\n"));
    }

    #[test]
    fn only_what_the_trunk_does_not_take_is_taken_out() {
        let vbd = "m=audio 4000 RTP/AVP 8 96\r\na=rtpmap:96 PCMU/8000\r\na=GPMD:96 vbd=yes\r\na=ptime:20\r\n";
        let both = format!("{HEAD}{vbd}{T38}");
        let without = edited(both.as_bytes(), |line| !is_vbd_line(line), false);
        assert_eq!(without, both.replace("a=GPMD:96 vbd=yes\r\n", "").as_bytes());
        let refused = edited(both.as_bytes(), |_| true, true);
        assert_eq!(refused, both.replace("m=image 4002", "m=image 0").as_bytes());
        assert!(matches!(edited(HEAD.as_bytes(), |_| true, true), Cow::Borrowed(_)));
        let bare = edited(b"m=image \r\nm=image 4\r\n", |_| true, true);
        assert_eq!(bare, &b"m=image \r\nm=image 4\r\n"[..], "nothing is made of what is no m-line");
    }

    #[test]
    fn the_record_tells_the_codec_and_the_fax() {
        let audio = format!("{HEAD}m=audio 4 RTP/AVP 0\r\n");
        let fax = format!("{HEAD}m=audio 0 RTP/AVP 0\r\n{T38}");
        assert_eq!(codec_noted("", audio.as_bytes()).as_deref(), Some("PCMU"));
        assert_eq!(codec_noted("PCMA", fax.as_bytes()).as_deref(), Some("PCMA+t38"));
        assert_eq!(codec_noted("PCMA+t38", audio.as_bytes()).as_deref(), Some("PCMU+t38"));
        assert_eq!(codec_noted("PCMA+passthrough", fax.as_bytes()).as_deref(), Some("PCMA+t38"));
        assert_eq!(codec_noted("PCMA", b""), None);
        let beside = format!("{HEAD}m=audio 4 RTP/AVP 0\r\n{T38}");
        assert_eq!(
            codec_noted("PCMA", beside.as_bytes()).as_deref(),
            Some("PCMU+t38"),
            "T.38 beside the sound"
        );
        assert_eq!(&*codec_kept("PCMA".into(), fax.as_bytes()), "PCMA+passthrough");
        assert_eq!(&*codec_kept("PCMA+t38".into(), fax.as_bytes()), "PCMA+t38");
        assert_eq!(&*codec_kept("PCMA".into(), audio.as_bytes()), "PCMA");
    }
}
