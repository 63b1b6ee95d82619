//! Digits between two peers: what each is offered of named events, how each speaks of digits, and what the
//! engine does between them.
//!
//! Values and judgements only. Between two peers whose trunks say `auto` nothing is changed: they agree with
//! each other. As soon as one trunk says something else, each peer is dealt with by itself: [`toward`] shapes
//! its description, [`way`] reads what came of it, [`plan`] says what has to be converted.

use crate::codecs::events_at;
use crate::numbers::{Line, Numbers};
use bridge::{DigitPlan, Hears, Says};
use config::{Dtmf, DtmfInfo, Policy};
use sdp::{EventTypes, Media, Session, event_types};
use sip_core::{InfoDigit, InfoForm};
use sip_msg::{Method, Msg};

/// Clocks at which events are offered, when a codec has them.
const CLOCKS: [u32; 3] = [8_000, 16_000, 48_000];
/// The payload type that peers expect events under, then any that is dynamic (RFC 3551 §3).
const FIRST_PT: u8 = 101;
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

/// What becomes of a request that may hold a digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InfoFate {
    /// It goes on as it is.
    Pass,
    /// Its digit goes on with a body of the other form.
    Rewrite(InfoDigit),
    /// The other peer hears its digit in the media.
    Convert(InfoDigit),
}

/// How one peer speaks of digits in one stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// Named events: those that it may send, and the one that it is sent.
    Events {
        /// As we told it.
        hears: EventTypes,
        /// As it told us.
        says: (u8, u32),
    },
    /// INFO.
    Info,
    /// In its sound.
    Sound,
}

/// Whether digits may be converted between two trunks.
#[must_use]
pub(crate) fn converts(a: &Policy, b: &Policy) -> bool {
    a.digits.by != Dtmf::Auto || b.digits.by != Dtmf::Auto
}

/// The body that a trunk's peer is sent.
#[must_use]
pub fn info_form(policy: &Policy) -> InfoForm {
    match policy.digits.info {
        DtmfInfo::Relay => InfoForm::Relay,
        DtmfInfo::Plain => InfoForm::Plain,
    }
}

/// What becomes of a request of one peer, by the policies of its trunk and of the other's. `converts`: the engine
/// turns digits of this peer into something else.
#[must_use]
pub fn info_fate([here, there]: [&Policy; 2], msg: Msg<'_>, converts: bool) -> InfoFate {
    let plain = msg.method() == Method::Info && !msg.is_encoded();
    let form = msg.content_type().and_then(InfoForm::of).filter(|_| plain);
    let Some((form, digit)) = form.and_then(|form| Some((form, InfoDigit::read(msg.body())?))) else {
        return InfoFate::Pass;
    };
    match (here.digits.by, there.digits.by) {
        (_, Dtmf::Info) if info_form(there) != form => InfoFate::Rewrite(digit),
        (_, Dtmf::Info) => InfoFate::Pass,
        (Dtmf::Info, _) if converts => InfoFate::Convert(digit),
        _ => InfoFate::Pass,
    }
}

/// Whether a peer is to be offered named events.
pub(crate) fn wants_events(policy: &Policy) -> bool {
    matches!(policy.digits.by, Dtmf::Auto | Dtmf::Rfc4733)
}

/// The other peer's description as this one is to see it, before it is anchored. `offer`: what this peer offered,
/// when the description answers it. `numbers`: this peer's.
pub(crate) fn toward(
    session: &Session<'_>,
    peer: &Policy,
    offer: Option<&Session<'_>>,
    numbers: &Numbers,
) -> Vec<u8> {
    let mut out = Vec::new();
    sdp::with_events(
        session,
        |at, media| events_for((media, numbers.of_line(at)), peer, offer.map(|o| o.media().get(at))),
        &mut out,
    );
    out
}

/// The events of one media description toward a peer; `None`: as they are. `offered`: the peer's own, when this
/// answers it; inside none when it has none in that place.
fn events_for(
    (media, stood): (&Media<'_>, Line<'_>),
    peer: &Policy,
    offered: Option<Option<&Media<'_>>>,
) -> Option<EventTypes> {
    if !wants_events(peer) {
        return Some(EventTypes::new());
    }
    let have = event_types(media);
    let known = offered.map(|media| media.map(event_types).unwrap_or_default());
    // An answer names nothing that was not offered (RFC 3264 §6.1).
    let is_known =
        |clock: u32| known.as_ref().is_none_or(|known| known.iter().any(|(_, known)| *known == clock));
    let common: EventTypes = have.iter().copied().filter(|(_, clock)| is_known(*clock)).collect();
    if !common.is_empty() {
        return (common.len() < have.len()).then_some(common);
    }
    let clocks = CLOCKS.into_iter().filter(|clock| has_clock(media, *clock));
    Some(match known {
        None => numbered((media, stood), clocks.map(|clock| (None, clock))),
        // Under the offerer's own numbers (RFC 3264 §6.1), as far as they are free here.
        Some(known) => numbered(
            (media, stood),
            clocks.filter_map(|clock| {
                known.iter().find(|(_, k)| *k == clock).map(|(pt, clock)| (Some(*pt), *clock))
            }),
        ),
    })
}

fn has_clock(media: &Media<'_>, clock: u32) -> bool {
    media.codecs().any(|codec| codec.is_primary() && codec.clock == clock)
}

/// Gives each clock a payload type that is free in the media description.
fn numbered(
    (media, stood): (&Media<'_>, Line<'_>),
    wanted: impl Iterator<Item = (Option<u8>, u32)>,
) -> EventTypes {
    let mut taken: Vec<u8> = media.codecs().map(|codec| codec.pt).collect();
    let mut types = EventTypes::new();
    for (number, clock) in wanted {
        let is_taken = |pt: u8| taken.contains(&pt);
        let tries = [FIRST_PT].into_iter().chain(DYNAMIC);
        let free = || stood.pick(&events_at(clock), is_taken, tries);
        if let Some(pt) = number.filter(|pt| !is_taken(*pt)).or_else(free) {
            taken.push(pt);
            types.push((pt, clock));
        }
    }
    types
}

/// How a peer speaks of digits, by what we told it last and what it said.
pub(crate) fn way(policy: &Policy, ours: &Media<'_>, theirs: &Media<'_>) -> Way {
    match policy.digits.by {
        Dtmf::Info => Way::Info,
        Dtmf::Inband => Way::Sound,
        Dtmf::Auto | Dtmf::Rfc4733 => {
            let (mut hears, says) = (event_types(ours), event_types(theirs));
            // Its own number is what it may use where both are free (RFC 3264 §6.1).
            says.iter().for_each(|own| {
                if !hears.contains(own) {
                    hears.push(*own)
                }
            });
            let clock =
                theirs.codecs().find(|codec| codec.is_primary()).map_or(CLOCKS[0], |codec| codec.clock);
            let known = |(_, clock): &&(u8, u32)| hears.iter().any(|(_, heard)| heard == clock);
            let best = says.iter().filter(known).min_by_key(|(_, said)| *said != clock);
            best.map_or(Way::Sound, |says| Way::Events { hears: hears.clone(), says: *says })
        }
    }
}

/// What the engine does from one peer to the other; `None`: nothing.
pub(crate) fn plan(from: &Way, to: &Way) -> Option<DigitPlan> {
    match (from, to) {
        (Way::Sound, Way::Sound) | (Way::Info, Way::Info) => return None,
        (Way::Events { hears, .. }, Way::Events { says, .. }) if hears.contains(says) => return None,
        _ => {}
    }
    let hears = match from {
        Way::Events { hears, .. } => Hears::Events(hears.to_vec()),
        Way::Info => Hears::Signalled,
        Way::Sound => Hears::Sound,
    };
    let says = match to {
        Way::Events { says: (payload_type, clock), .. } => {
            Says::Events { payload_type: *payload_type, clock: *clock }
        }
        Way::Info => Says::Signalled,
        Way::Sound => Says::Sound,
    };
    Some(DigitPlan { hears, says })
}
