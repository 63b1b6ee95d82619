//! Answers of our own to a caller's offer, so that it may hear something before the callee has answered; and why a
//! peer hears nothing of what it was to hear from us. Enter through [`answer_early`].

use crate::codecs;
use crate::describe::{Draws, describe};
use crate::end::End;
use crate::fax;
use crate::local::LocalSdp;
use crate::trouble::{SdpTrouble, parse};
use config::{RingingTone, TrunkSounds};
use media::{Sound, Yields};
use sdp::{Kind, Media, Recast};
use std::fmt;
use std::sync::Arc;

/// Codecs that are named where none of them is spoken here.
const NAMED_MAX: usize = 6;

/// Why a peer hears nothing of what it was to hear from us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unheard {
    /// It offered nothing that could be answered for it.
    Offer,
    /// It has none of the codecs that sound is made in here, but these.
    Codecs(String),
    /// The description cannot be made or used.
    Trouble(SdpTrouble),
}

impl From<SdpTrouble> for Unheard {
    fn from(trouble: SdpTrouble) -> Unheard {
        Unheard::Trouble(trouble)
    }
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unheard::Offer => f.write_str("no offer of sound, both ways, alone"),
            Unheard::Codecs(names) => {
                write!(f, "sound is made in PCMA, PCMU, G722 and opus, and its codecs are {names}")
            }
            Unheard::Trouble(trouble) => f.write_str(trouble.warning.1),
        }
    }
}

impl Unheard {
    /// Of a peer that has these codecs.
    pub(crate) fn speaks<'a>(codecs: impl Iterator<Item = sdp::Codec<'a>>) -> Unheard {
        let name = |codec: sdp::Codec<'_>| codec.name.escape_ascii().to_string();
        let names: Vec<String> = codecs.filter(sdp::Codec::is_primary).map(name).take(NAMED_MAX).collect();
        Unheard::Codecs(if names.is_empty() { "none".to_owned() } else { names.join(", ") })
    }

    fn of(media: &Media<'_>) -> Unheard {
        if is_ear(media) { Unheard::speaks(media.codecs()) } else { Unheard::Offer }
    }
}

/// An answer of our own to an offer with sound: in each stream of sound the first codec that is spoken here, and named
/// events. `whole`: it holds for the call, so that nothing of the offer may be refused; else the first stream of sound
/// is enough, and all others are refused.
///
/// # Errors
/// Why it cannot be made.
pub fn answer_early(
    end: &End<'_>,
    (offer, whole): (&[u8], bool),
    local: &mut LocalSdp,
    draws: Draws<'_>,
) -> Result<(), Unheard> {
    if offer.is_empty() || end.seat.is_none() {
        return Err(Unheard::Offer);
    }
    let session = parse(offer)?;
    if fax::is_fax(&session) {
        return Err(Unheard::Offer);
    }
    let (mut recasts, mut found, mut why) = (Vec::new(), false, Unheard::Offer);
    for media in session.media() {
        let spoken = if is_ear(media) { codecs::spoken(end.policy, media) } else { None };
        recasts.push(match spoken {
            _ if media.port == 0 => None,
            Some(recast) if whole || !found => {
                found = true;
                Some(recast)
            }
            None if whole => return Err(Unheard::of(media)),
            None if !found && why == Unheard::Offer => {
                why = Unheard::of(media);
                Some(Recast::refused())
            }
            _ => Some(Recast::refused()),
        });
    }
    if !found {
        return Err(why);
    }
    let text = sdp::recast(&session, &recasts);
    Ok(describe(end, &end.rules(), (&text, offer), local, draws)?)
}

/// The ringing tone that callers of a trunk hear, if any, and when it gives way to early media.
#[must_use]
pub fn ringing(sounds: &TrunkSounds) -> Option<(Sound, Yields)> {
    let yields = match sounds.ringing {
        RingingTone::Off => return None,
        RingingTone::Auto => Yields::AtOnce,
        RingingTone::Always => Yields::Never,
    };
    Some((Sound::Tone(Arc::new(sounds::ringing::of(&sounds.country))), yields))
}

/// Whether a line of an offer is of sound that goes both ways.
fn is_ear(media: &Media<'_>) -> bool {
    let direction = media.direction();
    let both = direction.sends() && direction.receives() && !media.is_null_hold();
    media.kind == Kind::Audio && media.is_rtp() && both
}
