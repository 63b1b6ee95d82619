//! Streams that are added inside a call (RFC 3264 §8.1): how many the engine lacks ports for.

use crate::end::End;
use crate::fax;
use crate::secure;
use crate::trouble::parse;
use config::{Fax, Policy};
use media::MAX_STREAMS;
use sdp::Kind;

/// How many streams the engine has to have in all for a further offer of a peer; `None`: it has them. What cannot be
/// carried, or the other peer's trunk (`beyond`) takes none of, asks for nothing.
#[must_use]
pub fn growth(end: &End<'_>, beyond: &Policy, offer: &[u8]) -> Option<u8> {
    let relayed = end.relayed().filter(|relayed| *relayed < MAX_STREAMS)?;
    let lines = offer.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"m=")).count();
    if lines <= relayed {
        return None;
    }
    let (session, rules) = (parse(offer).ok()?, end.rules());
    let lines = session.media().iter().enumerate().take(MAX_STREAMS).skip(relayed);
    let mut lacking = lines.filter(|(at, media)| {
        let barred = media.kind == Kind::Image && beyond.fax == Fax::Passthrough;
        let usable = sdp::can_anchor(media).is_ok() && secure::admits(&rules, media).is_ok();
        usable && !barred && fax::stream_of(&session, *at, relayed).is_none()
    });
    lacking.next_back().and_then(|(at, _)| u8::try_from(at + 1).ok())
}
