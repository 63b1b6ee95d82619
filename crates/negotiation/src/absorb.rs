//! Further offers of a peer that the other one need not hear of (INTEROP 38).

use crate::trouble::parse;
use config::Dialog;
use sdp::{Change, Kind, Media, Session};

/// What the other peer described last (`theirs`), as far as it answers a further offer of a peer that described itself
/// as `before`; `None`: the offer is not ours to answer, by the rules of its trunk or by what it asks. `relayed`: how many
/// streams the engine relays; `None`: the peers' own business.
#[must_use]
pub fn answerable(
    rules: &Dialog,
    relayed: Option<usize>,
    (before, theirs): (&[u8], &[u8]),
    offer: &[u8],
) -> Option<Vec<u8>> {
    if before.is_empty() || theirs.is_empty() {
        return None;
    }
    let (before, now, theirs) = (parse(before).ok()?, parse(offer).ok()?, parse(theirs).ok()?);
    // What was refused and is offered again is for the other peer to judge.
    if offers_refused(relayed, &theirs, &now) {
        return None;
    }
    // Peers that speak to each other directly have to hear of each other's changes.
    let anchored = relayed.is_some();
    let absorbed = match sdp::change(&before, &now) {
        Change::Nothing => rules.absorb_refresh,
        Change::Direction => rules.absorb_hold && anchored,
        Change::Other => rules.absorb_codec && anchored && sdp::keeps_agreed(&before, &theirs, &now),
    };
    // Where sound is transcoded the other peer's codecs answer nothing: it hears of the offer.
    if absorbed { sdp::narrow(&theirs, &now).filter(|answer| has_sound(answer)) } else { None }
}

/// Whether each stream of sound has a codec left, and not digits or noise alone.
fn has_sound(answer: &[u8]) -> bool {
    let sound = |media: &&Media<'_>| media.kind == Kind::Audio && media.port != 0;
    let is_heard = |media: &Media<'_>| media.codecs().any(|codec| codec.is_primary());
    parse(answer).is_ok_and(|session| session.media().iter().filter(sound).all(is_heard))
}

/// Whether an offer holds a stream that the other peer has refused and that could be relayed.
fn offers_refused(relayed: Option<usize>, theirs: &Session<'_>, offer: &Session<'_>) -> bool {
    let refused = |at| theirs.media().get(at).is_none_or(|media: &Media<'_>| media.port == 0);
    let usable = |media: &Media<'_>| relayed.is_none() || sdp::can_anchor(media).is_ok();
    let mut offered = offer.media().iter().enumerate().take(relayed.unwrap_or(usize::MAX));
    offered.any(|(at, media)| media.port != 0 && refused(at) && usable(media))
}
