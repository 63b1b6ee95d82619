//! Which codecs a description names on its way to a trunk: the rules of both trunks, and what transcoding adds.
//!
//! An offer holds what the other peer has and this trunk may use, then what we would transcode; an answer what both
//! agreed on, or else what we speak ourselves ([`crate::plan`] says how the two sides are joined then). Without a
//! rule nothing is read or written here. Enter through [`offered`] and [`answered`].

use crate::dtmf::wants_events;
use crate::numbers::{Line, Numbers};
use crate::trouble::SdpTrouble;
use base::ReasonId;
use bridge::Codec;
use codec::{Law, opus};
use config::{Policy, Transcode};
use sdp::{Kind, Media, Recast, Session, Written};

/// The first payload type that is free for anybody's use (RFC 3551 §3).
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

/// The rules of both trunks for a description on its way.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// Of the trunk that it goes to.
    pub(crate) here: &'a Policy,
    /// Of the trunk that it comes from.
    pub(crate) beyond: &'a Policy,
}

impl Rules<'_> {
    /// Whether anything is to be done at all.
    pub(crate) fn is_any(&self) -> bool {
        [self.here, self.beyond].iter().any(|policy| {
            let codecs = &policy.codecs;
            !codecs.allowed.is_empty() || codecs.locked || codecs.ptime_ms.is_some() || codecs.gain_db != 0
        })
    }

    pub(crate) fn transcodes(&self) -> bool {
        [self.here, self.beyond].iter().all(|policy| policy.codecs.transcode == Transcode::Needed)
    }

    /// What is said of packet times: those of this trunk, else those that the other one needs.
    fn ptime(&self) -> Option<Option<u8>> {
        self.here.codecs.ptime_ms.or(self.beyond.codecs.ptime_ms).map(Some)
    }
}

/// Whether a trunk may use a codec.
fn allows(policy: &Policy, codec: &sdp::Codec<'_>) -> bool {
    let allowed = &policy.codecs.allowed;
    allowed.is_empty() || rank(policy, codec).is_some()
}

/// The place of a codec in a trunk's list.
fn rank(policy: &Policy, codec: &sdp::Codec<'_>) -> Option<usize> {
    policy.codecs.allowed.iter().position(|name| codec.name.eq_ignore_ascii_case(name.as_bytes()))
}

/// The codec as a bridge knows it; none for those that only pass.
pub(crate) fn sound_of(codec: &sdp::Codec<'_>) -> Option<Codec> {
    let is = |name: &[u8], clock, channels| {
        codec.name.eq_ignore_ascii_case(name) && codec.clock == clock && codec.channels == channels
    };
    Some(match () {
        () if is(b"PCMU", 8_000, 1) => Codec::G711(Law::Mu),
        () if is(b"PCMA", 8_000, 1) => Codec::G711(Law::A),
        () if is(b"G722", 8_000, 1) => Codec::G722,
        () if is(b"opus", opus::CLOCK, 2) => Codec::Opus(wish_of(codec.fmtp.unwrap_or_default())),
        () => return None,
    })
}

/// What a peer asks of Opus packets to it (RFC 7587 §6.1).
fn wish_of(fmtp: &[u8]) -> opus::Wish {
    let value = |wanted: &str| {
        fmtp.split(|byte| *byte == b';').find_map(|parameter| {
            let (name, value) = std::str::from_utf8(parameter).ok()?.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().parse::<u32>().ok())?
        })
    };
    opus::Wish {
        bitrate_max: value("maxaveragebitrate").unwrap_or(0),
        fec: value("useinbandfec") == Some(1),
        constant: value("cbr") == Some(1),
    }
}

/// The names, payload types and parameters of what we can add.
const OURS: [(&str, Option<u8>, &str, &str); 4] = [
    ("PCMA", Some(8), "PCMA/8000", ""),
    ("PCMU", Some(0), "PCMU/8000", ""),
    ("G722", Some(9), "G722/8000", ""),
    ("opus", None, "opus/48000/2", "useinbandfec=1"),
];

/// The first codec of a peer's line that we speak and its trunk may use, with the named events of its clock.
pub(crate) fn spoken(policy: &Policy, media: &Media<'_>) -> Option<Recast> {
    let list: Vec<_> = media.codecs().filter(|_| is_ours(media)).collect();
    let first = list.iter().find(|c| c.is_primary() && allows(policy, c) && sound_of(c).is_some())?;
    let events = |codec: &&sdp::Codec<'_>| {
        codec.is_telephone_event() && codec.clock == first.clock && wants_events(policy)
    };
    let formats = std::iter::once(first).chain(list.iter().filter(events));
    Some(Recast { formats: formats.map(|codec| Written::Kept(codec.pt)).collect(), ptime: None })
}

/// A description with other formats; none where nothing changes.
fn changed(session: &Session<'_>, recasts: Vec<Option<Recast>>) -> Option<Vec<u8>> {
    recasts.iter().any(Option::is_some).then(|| sdp::recast(session, &recasts))
}

fn is_ours(media: &Media<'_>) -> bool {
    media.kind == Kind::Audio && media.port != 0 && (media.is_rtp_avp() || media.is_savp())
}

/// An offer of the trunk beyond as it goes here; none where it stays as it is. `numbers`: those of the peer here.
///
/// # Errors
/// [`ReasonId::NoCodec`].
pub(crate) fn offered(
    rules: Rules<'_>,
    session: &Session<'_>,
    numbers: &Numbers,
) -> Result<Option<Vec<u8>>, SdpTrouble> {
    if !rules.is_any() {
        return Ok(None);
    }
    let mut recasts = Vec::new();
    for (at, media) in session.media().iter().enumerate() {
        let line = numbers.of_line(at);
        recasts.push(if is_ours(media) { offered_line(rules, media, line)? } else { None });
    }
    Ok(changed(session, recasts))
}

fn offered_line(rules: Rules<'_>, media: &Media<'_>, stood: Line<'_>) -> Result<Option<Recast>, SdpTrouble> {
    let list: Vec<_> = media.codecs().collect();
    let theirs: Vec<_> = list.iter().filter(|c| c.is_primary() && allows(rules.beyond, c)).collect();
    let mut common: Vec<_> = theirs.iter().filter(|codec| allows(rules.here, codec)).collect();
    // The list of where it goes counts first; without one that of where it comes from.
    let order = if rules.here.codecs.allowed.is_empty() { rules.beyond } else { rules.here };
    common.sort_by_key(|codec| rank(order, codec));
    let mut formats: Vec<Written> = common.iter().map(|codec| Written::Kept(codec.pt)).collect();
    if rules.transcodes() && theirs.iter().any(|codec| sound_of(codec).is_some()) {
        for name in &rules.here.codecs.allowed {
            let known = common.iter().any(|codec| codec.name.eq_ignore_ascii_case(name.as_bytes()));
            let ours = OURS.iter().find(|(ours, ..)| ours == name).filter(|_| !known);
            let Some((_, fixed, map, fmtp)) = ours else { continue };
            let taken = |pt: u8| {
                list.iter().any(|codec| codec.pt == pt) || formats.iter().any(|f| f.payload_type() == pt)
            };
            let free = || stood.pick(&named(map), taken, DYNAMIC.rev());
            let Some(pt) = fixed.or_else(free) else { continue };
            formats.push(Written::New(pt, map, fmtp));
        }
    }
    if formats.is_empty() {
        return Err(no_codec());
    }
    let beside = events_beside(&list, &formats, stood);
    formats.extend(list.iter().filter(|codec| !codec.is_primary()).map(|codec| Written::Kept(codec.pt)));
    formats.extend(beside);
    Ok(changes(&list, Recast { formats, ptime: rules.ptime() }))
}

/// Named events at the clocks of codecs that we add, where the peer has events at others alone: they go at the clock
/// of the sound beside them (RFC 4733 §2.1).
fn events_beside(list: &[sdp::Codec<'_>], formats: &[Written], stood: Line<'_>) -> Vec<Written> {
    let has = |clock: u32| list.iter().any(|codec| codec.is_telephone_event() && codec.clock == clock);
    let adds = |clock: &str| {
        formats.iter().any(|f| matches!(f, Written::New(_, map, _) if map.split('/').nth(1) == Some(clock)))
    };
    let wanted =
        [("8000", 8_000), ("48000", 48_000)].into_iter().filter(|(name, clock)| adds(name) && !has(*clock));
    let mut events = Vec::new();
    for (_, clock) in wanted.filter(|_| list.iter().any(sdp::Codec::is_telephone_event)) {
        let taken = |pt: u8| {
            list.iter().any(|codec| codec.pt == pt)
                || formats.iter().chain(&events).any(|f: &Written| f.payload_type() == pt)
        };
        if let Some(pt) = stood.pick(&events_at(clock), taken, [101].into_iter().chain(DYNAMIC)) {
            events.push(event(pt, clock));
        }
    }
    events
}

/// Named events at a clock.
pub(crate) fn events_at(clock: u32) -> sdp::Codec<'static> {
    sdp::Codec { pt: 0, name: b"telephone-event", clock, channels: 1, fmtp: None }
}

/// A codec of [`OURS`] by its a=rtpmap.
fn named(map: &'static str) -> sdp::Codec<'static> {
    let mut parts = map.split('/');
    let name = parts.next().unwrap_or_default().as_bytes();
    let clock = parts.next().and_then(|clock| clock.parse().ok()).unwrap_or(8_000);
    let channels = parts.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    sdp::Codec { pt: 0, name, clock, channels, fmtp: None }
}

/// A change that is one.
fn changes(list: &[sdp::Codec<'_>], recast: Recast) -> Option<Recast> {
    let kept = list.iter().map(|codec| Written::Kept(codec.pt));
    (recast.ptime.is_some() || !kept.eq(recast.formats.iter().cloned())).then_some(recast)
}

/// An answer of the trunk beyond as it goes here, to what was offered from here; none where it stays as it is.
///
/// # Errors
/// [`ReasonId::NoCodec`].
pub(crate) fn answered(
    rules: Rules<'_>,
    session: &Session<'_>,
    offer: &Session<'_>,
) -> Result<Option<Vec<u8>>, SdpTrouble> {
    if !rules.is_any() {
        return Ok(None);
    }
    let mut recasts = Vec::new();
    for (media, offer) in session.media().iter().zip(offer.media()) {
        let both = is_ours(media) && is_ours(offer);
        recasts.push(if both { answered_line(rules, media, offer)? } else { None });
    }
    Ok(changed(session, recasts))
}

fn answered_line(
    rules: Rules<'_>,
    media: &Media<'_>,
    offer: &Media<'_>,
) -> Result<Option<Recast>, SdpTrouble> {
    let (list, offered): (Vec<_>, Vec<_>) = (media.codecs().collect(), offer.codecs().collect());
    let asked: Vec<_> = offered.iter().filter(|c| c.is_primary() && allows(rules.here, c)).collect();
    let told: Vec<_> = list.iter().filter(|codec| codec.is_primary()).collect();
    let common = |codec: &sdp::Codec<'_>| asked.iter().any(|asked| asked.is_same_encoding(codec));
    let count = told.iter().filter(|codec| common(codec)).count();
    let ptime = rules.ptime();
    if count == told.len() || !rules.transcodes() {
        let keep = if rules.here.codecs.locked { 1 } else { told.len() };
        let primary = told.iter().take(keep).map(|codec| codec.pt);
        let others = beside(&list, &offered).map(|codec| codec.pt);
        let formats = primary.chain(others).map(Written::Kept).collect();
        return Ok(changes(&list, Recast { formats, ptime }));
    }
    // Ours is the answer: one codec, by the numbers of whoever asked.
    let first = told.iter().copied().find(|told| common(told));
    let first = first.and_then(|told| asked.iter().copied().find(|asked| asked.is_same_encoding(told)));
    let speaks = |codec: &&&sdp::Codec<'_>| sound_of(codec).is_some();
    let best = || asked.iter().filter(speaks).min_by_key(|codec| rank(rules.here, codec)).copied();
    let Some(chosen) = first.or_else(best) else { return Err(no_codec()) };
    let Some(map) = OURS.iter().find(|(name, ..)| chosen.name.eq_ignore_ascii_case(name.as_bytes())) else {
        return Err(no_codec());
    };
    let mut formats = vec![Written::New(chosen.pt, map.2, map.3)];
    let events = list.iter().any(sdp::Codec::is_telephone_event);
    for codec in &offered {
        match () {
            () if codec.is_telephone_event() && events => formats.push(event(codec.pt, codec.clock)),
            () if codec.is_comfort_noise() && codec.clock == 8_000 && chosen.clock == 8_000 => {
                formats.push(Written::New(codec.pt, "CN/8000", ""));
            }
            () => {}
        }
    }
    Ok(Some(Recast { formats, ptime }))
}

/// What an answer names beside its sound: no events that were not offered (RFC 3264 §6.1).
fn beside<'l, 't>(
    list: &'l [sdp::Codec<'t>],
    offered: &[sdp::Codec<'t>],
) -> impl Iterator<Item = &'l sdp::Codec<'t>> {
    let known = |codec: &sdp::Codec<'_>| offered.iter().any(|offered| offered.is_same_encoding(codec));
    let fits = move |codec: &&sdp::Codec<'_>| !codec.is_telephone_event() || known(codec);
    list.iter().filter(|codec| !codec.is_primary()).filter(fits)
}

pub(crate) fn event(pt: u8, clock: u32) -> Written {
    let map = match clock {
        48_000 => "telephone-event/48000",
        16_000 => "telephone-event/16000",
        _ => "telephone-event/8000",
    };
    Written::New(pt, map, "0-15")
}

fn no_codec() -> SdpTrouble {
    SdpTrouble { reason: ReasonId::NoCodec, warning: (305, "Incompatible media format") }
}
