//! How two sides that agreed on different codecs or packet times, or speak of digits differently, are joined: the
//! plans of their bridges.
//!
//! A function of the four descriptions that hold: what each peer described and what we described to it. Whoever may
//! send a codec, and by which number, follows from RFC 3264 §6.1: a peer sends by our numbers and hears by its own.
//! Enter through [`plans`].

use crate::codecs::{Rules, sound_of};
use crate::dtmf::{self, converts, way};
use crate::early::Unheard;
use crate::fax::is_fax;
use crate::local::LocalSdp;
use crate::trouble::parse;
use bridge::{Codec, DigitPlan, Events, Format, Noise, Plan, Takes};
use config::Policy;
use media::MAX_STREAMS;
use sdp::{Kind, Media, Session};

/// Where packet times are not said (RFC 3551 §4.2).
const PTIME_MS: u8 = 20;

/// What holds between us and one peer.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// The rules of its trunk.
    pub policy: &'a Policy,
    /// What the peer described.
    pub theirs: &'a [u8],
    /// What we described to it.
    pub ours: &'a [u8],
    /// Numbers in that are not those of the other peer.
    pub renumbered: bool,
}

/// The plans of one stream: for what the first peer says, and for what the second one says.
pub type Pair = [Plan; 2];

/// Whether what holds between us and two peers could ask for a bridge, as far as one look tells. `settled`: as below.
pub(crate) fn may_bridge(a: &Standing<'_>, b: &Standing<'_>, settled: bool) -> bool {
    let ruled = settled || a.renumbered || b.renumbered || converts(a.policy, b.policy);
    ruled
        || recodes(a.policy, b.policy)
        || [a.theirs, a.ours, b.theirs, b.ours].into_iter().any(names_annex_b)
}

fn recodes(a: &Policy, b: &Policy) -> bool {
    let rules = Rules { here: a, beyond: b };
    rules.is_any() && rules.transcodes()
}

/// The plans of each stream; none where packets may pass as they are. `settled`: one peer has an answer of ours that
/// was made before the other one's.
#[must_use]
pub fn plans(a: &Standing<'_>, b: &Standing<'_>, settled: bool) -> [Option<Box<Pair>>; MAX_STREAMS] {
    let mut plans = [const { None }; MAX_STREAMS];
    if !may_bridge(a, b, settled) {
        return plans;
    }
    let texts = [a.theirs, a.ours, b.theirs, b.ours];
    let [Ok(a_theirs), Ok(a_ours), Ok(b_theirs), Ok(b_ours)] = texts.map(parse) else { return plans };
    // Nothing is searched for digits in the sound of a fax.
    let digits = settled || a.renumbered || b.renumbered || converts(a.policy, b.policy);
    let digits = digits && !(is_fax(&a_theirs) && is_fax(&b_theirs));
    let recoded = recodes(a.policy, b.policy) || settled;
    let fax = is_fax(&a_theirs) || is_fax(&b_theirs);
    for (index, place) in plans.iter_mut().enumerate() {
        let lines =
            (line(&a_theirs, index), line(&a_ours, index), line(&b_theirs, index), line(&b_ours, index));
        if let (Some(at), Some(ao), Some(bt), Some(bo)) = lines {
            let digits =
                if digits { between((a.policy, &ao, &at), (b.policy, &bo, &bt)) } else { [None, None] };
            let (mut a, mut b) = (Agreed::new(&at, &ao, a.policy), Agreed::new(&bt, &bo, b.policy));
            if fax {
                [&mut a, &mut b].into_iter().for_each(Agreed::leave_alone);
            }
            *place = pair(&a, &b, recoded, digits).map(Box::new);
        }
    }
    plans
}

/// Whether what holds between us and two peers can be joined, whatever each was told of the other.
#[must_use]
pub fn can_join(a: &Standing<'_>, b: &Standing<'_>) -> bool {
    let rules = Rules { here: a.policy, beyond: b.policy };
    let [Some((_, a)), Some((_, b))] = [a, b].map(Standing::agreed) else { return false };
    let spoken = || rules.transcodes() && sound(&a, &b, None).is_some() && sound(&b, &a, None).is_some();
    !differ(&a, &b) || spoken()
}

/// What is shown of a call's codec: what was noted of its answers, and where its sides have agreed on none in common that
/// of the caller and that of the callee (`opus/G722`).
pub(crate) fn codec_shown(noted: &str, [caller, callee]: [Standing<'_>; 2]) -> Option<Box<str>> {
    let fax = noted.find('+').map_or("", |at| &noted[at..]);
    let both = caller.agreed().zip(callee.agreed()).filter(|((_, a), (_, b))| !(a.within(b) && b.within(a)));
    let name =
        |agreed: &Agreed<'_>| Some(String::from_utf8_lossy(agreed.primary.first()?.codec.name).into_owned());
    let told = both.and_then(|((_, a), (_, b))| Some((name(&a)?, name(&b)?))).filter(|(a, b)| a != b);
    let told = told.map(|(a, b)| format!("{a}/{b}{fax}").into());
    told.or_else(|| (!noted.is_empty()).then(|| noted.into()))
}

impl<'a> Standing<'a> {
    /// Of a peer that was told this last, if anything.
    #[must_use]
    pub fn new(policy: &'a Policy, theirs: &'a [u8], told: Option<&'a LocalSdp>) -> Standing<'a> {
        let ours = told.map_or(&b""[..], LocalSdp::standing);
        Standing { policy, theirs, ours, renumbered: told.is_some_and(|told| told.renumbered) }
    }

    /// The first stream of sound, and what was agreed on for it.
    fn agreed(&self) -> Option<(u8, Agreed<'a>)> {
        let (theirs, ours) = (parse(self.theirs).ok()?, parse(self.ours).ok()?);
        (0..MAX_STREAMS).find_map(|index| {
            let agreed = Agreed::new(&line(&theirs, index)?, &line(&ours, index)?, self.policy);
            Some((u8::try_from(index).ok()?, agreed))
        })
    }

    /// On which stream, and how, the peer hears sound of ours; none: there is no sound in the call.
    ///
    /// # Errors
    /// It has agreed on no codec that is spoken here.
    pub fn ear(&self) -> Result<Option<(u8, Format)>, Unheard> {
        let Some((stream, agreed)) = self.agreed() else { return Ok(None) };
        let Some((shared, codec)) = agreed.sounds().next() else {
            return Err(Unheard::speaks(agreed.primary.iter().map(|shared| shared.codec)));
        };
        Ok(Some((stream, Format::new(shared.theirs, codec, agreed.ptime_ms))))
    }

    /// See [`holds`].
    #[must_use]
    pub fn holds(&self) -> bool {
        holds(self.theirs)
    }
}

/// Whether a peer that describes itself so holds the other one: it hears nothing of its sound (RFC 3264 §8.4).
pub(crate) fn holds(theirs: &[u8]) -> bool {
    let Ok(theirs) = parse(theirs) else { return false };
    let sound = (0..MAX_STREAMS).find_map(|index| line(&theirs, index));
    sound.is_some_and(|media| !media.direction().receives() || media.is_null_hold())
}

/// One peer: the policy of its trunk, our line and its own.
type Talker<'m, 't> = (&'m Policy, &'m Media<'t>, &'m Media<'t>);

/// What becomes of digits, of what each of two peers says.
fn between(a: Talker<'_, '_>, b: Talker<'_, '_>) -> [Option<DigitPlan>; 2] {
    let (a, b) = (way(a.0, a.1, a.2), way(b.0, b.1, b.2));
    [dtmf::plan(&a, &b), dtmf::plan(&b, &a)]
}

/// The m-line at a place, when it carries sound.
fn line<'a>(session: &Session<'a>, index: usize) -> Option<Media<'a>> {
    let sound = |m: &Media<'_>| m.kind == Kind::Audio && m.port != 0 && (m.is_rtp_avp() || m.is_savp());
    session.media().get(index).copied().filter(sound)
}

/// A codec that both have named: by our number, by theirs.
#[derive(Clone, Copy)]
struct Shared<'a> {
    ours: u8,
    theirs: u8,
    codec: sdp::Codec<'a>,
    /// G.729 of which one of both has said that it has no annex B, so that the other one must not use it (RFC 7261 §3).
    no_annex_b: bool,
}

/// What one peer and we agreed on for a stream.
struct Agreed<'a> {
    primary: Vec<Shared<'a>>,
    events: Vec<Shared<'a>>,
    noise: Option<Shared<'a>>,
    ptime_ms: u8,
    ptime_ruled: bool,
    /// The longest packet that it takes, milliseconds, if it has said so.
    most_ms: u8,
    gain_db: i8,
}

impl<'a> Agreed<'a> {
    fn new(theirs: &Media<'a>, ours: &Media<'a>, policy: &Policy) -> Agreed<'a> {
        let (theirs_list, ours_list): (Vec<_>, Vec<_>) = (theirs.codecs().collect(), ours.codecs().collect());
        let shared = |codec: &sdp::Codec<'a>| {
            let known = ours_list.iter().find(|ours| ours.is_same_encoding(codec))?;
            let no_annex_b = is_g729(codec) && [known, codec].into_iter().any(refuses_annex_b);
            Some(Shared { ours: known.pt, theirs: codec.pt, codec: *codec, no_annex_b })
        };
        let all: Vec<Shared<'a>> = theirs_list.iter().filter_map(shared).collect();
        let only = |wanted: fn(&sdp::Codec<'a>) -> bool| {
            all.iter().filter(move |shared| wanted(&shared.codec)).copied()
        };
        let mut primary: Vec<_> = only(sdp::Codec::is_primary).collect();
        // Whose list is the answer's is the shorter one; its order counts.
        if ours_list.len() < theirs_list.len() {
            primary.sort_by_key(|shared| ours_list.iter().position(|ours| ours.pt == shared.ours));
        }
        let said = theirs.ptime().and_then(|ptime| u8::try_from(ptime).ok());
        // RFC 8866 §6.5.
        let most = theirs.maxptime().and_then(|ptime| u8::try_from(ptime).ok()).unwrap_or(u8::MAX);
        Agreed {
            primary,
            events: only(sdp::Codec::is_telephone_event).collect(),
            noise: only(sdp::Codec::is_comfort_noise).find(|shared| shared.codec.clock == 8_000),
            ptime_ms: policy.codecs.ptime_ms.or(said).unwrap_or(PTIME_MS).min(most).clamp(10, 60),
            ptime_ruled: policy.codecs.ptime_ms.is_some(),
            most_ms: most,
            gain_db: policy.codecs.gain_db,
        }
    }

    /// Neither level nor packet time is changed: it may be voice-band data (ITU-T V.152 §6).
    fn leave_alone(&mut self) {
        (self.ptime_ruled, self.most_ms, self.gain_db) = (false, u8::MAX, 0);
    }

    /// The packet times that it takes; none: any.
    fn takes(&self, alone: bool) -> Option<Takes> {
        match (self.ptime_ruled, self.most_ms) {
            (true, _) => Some(Takes { from_ms: self.ptime_ms, to_ms: self.ptime_ms, alone }),
            (false, u8::MAX) => None,
            (false, most) => Some(Takes { from_ms: 0, to_ms: most, alone }),
        }
    }

    /// By which number it may send G.729 whose descriptions of silence the other one must not get.
    fn annex_b_toward(&self, to: &Agreed<'_>) -> Option<u8> {
        let sent = self.primary.iter().find(|shared| is_g729(&shared.codec) && !shared.no_annex_b)?;
        to.primary.iter().any(|shared| shared.no_annex_b).then_some(sent.ours)
    }

    /// Whether all that it may send is spoken here.
    fn is_spoken(&self) -> bool {
        self.sounds().count() == self.primary.len()
    }

    fn sounds(&self) -> impl Iterator<Item = (&Shared<'a>, Codec)> {
        self.primary.iter().filter_map(|shared| Some((shared, sound_of(&shared.codec)?)))
    }

    /// Whether this peer uses nothing that the other one could not.
    fn within(&self, other: &Agreed<'_>) -> bool {
        let known = |one: &Shared<'_>| other.primary.iter().any(|o| o.codec.is_same_encoding(&one.codec));
        self.primary.iter().all(known)
    }
}

/// Whether sound has to be changed between two peers.
fn differ(a: &Agreed<'_>, b: &Agreed<'_>) -> bool {
    let times = (a.ptime_ruled || b.ptime_ruled) && a.ptime_ms != b.ptime_ms;
    let level = a.gain_db != 0 || b.gain_db != 0;
    !(a.within(b) && b.within(a)) || times || level
}

fn pair(a: &Agreed<'_>, b: &Agreed<'_>, recoded: bool, digits: [Option<DigitPlan>; 2]) -> Option<Pair> {
    let [forth, back] = digits;
    if recoded && differ(a, b) {
        return Some([sound(a, b, forth)?, sound(b, a, back)?]);
    }
    let pair = [one_way(a, b, forth), one_way(b, a, back)];
    if pair.iter().any(|plan| plan.digits.is_some() || plan.annex_b.is_some()) {
        return Some(pair);
    }
    if recoded { watched(a, b) } else { None }
}

/// What becomes of packets that hold more or less than was said, where a peer takes no others.
fn watched(a: &Agreed<'_>, b: &Agreed<'_>) -> Option<Pair> {
    let takes = [b.takes(true), a.takes(true)];
    if takes.iter().all(Option::is_none) || !a.is_spoken() || !b.is_spoken() {
        return None;
    }
    let [forth, back] = takes;
    Some([Plan { takes: forth, ..sound(a, b, None)? }, Plan { takes: back, ..sound(b, a, None)? }])
}

/// What becomes of what one peer says, where its sound need not be changed but for digits. Where those would need a
/// codec that is not spoken here, they stay as they are.
fn one_way(from: &Agreed<'_>, to: &Agreed<'_>, digits: Option<DigitPlan>) -> Plan {
    let touched = digits.as_ref().is_some_and(DigitPlan::touches_sound);
    let quiet = digits.clone().filter(|_| !touched);
    let loud = if touched { sound(from, to, digits) } else { None };
    let annex_b = from.annex_b_toward(to);
    loud.unwrap_or_else(|| Plan { annex_b, ..Plan::passing(quiet, to.ptime_ms) })
}

fn is_g729(codec: &sdp::Codec<'_>) -> bool {
    codec.name.eq_ignore_ascii_case(b"G729")
}

/// RFC 4856 §2.1.9: it is used unless it is refused.
fn refuses_annex_b(codec: &sdp::Codec<'_>) -> bool {
    let mut parameters = codec.fmtp.unwrap_or_default().split(|byte| *byte == b';');
    parameters.any(|parameter| parameter.trim_ascii().eq_ignore_ascii_case(b"annexb=no"))
}

/// Whether a description may say anything of annex B. Most do not have the letter.
fn names_annex_b(text: &[u8]) -> bool {
    text.iter().any(|&c| c == b'x' || c == b'X')
        && text.windows(6).any(|word| word.eq_ignore_ascii_case(b"annexb"))
}

/// What becomes of what one peer says on its way to the other when its sound is changed.
fn sound<'a>(from: &Agreed<'a>, to: &Agreed<'a>, digits: Option<DigitPlan>) -> Option<Plan> {
    let mut hears: Vec<(u8, Codec)> = from.sounds().map(|(shared, codec)| (shared.ours, codec)).collect();
    // Some send by their own numbers.
    for (shared, codec) in from.sounds() {
        let taken = |pt: u8| from.primary.iter().chain(&from.events).any(|s| s.ours == pt);
        if !taken(shared.theirs) {
            hears.push((shared.theirs, codec));
        }
    }
    let (speaks, codec) = to.sounds().next()?;
    if hears.is_empty() {
        return None;
    }
    let event = |from: &Shared<'_>| {
        let same = to.events.iter().find(|to| to.codec.clock == from.codec.clock);
        let to = same.or_else(|| to.events.first())?;
        let (from_clock, to_clock) = (from.codec.clock, to.codec.clock);
        Some(Events { from: from.ours, from_clock, to: to.theirs, to_clock })
    };
    let by_theirs = |shared: &Shared<'a>| {
        let free = !hears.iter().any(|(pt, _)| *pt == shared.theirs);
        let free = free && !from.events.iter().any(|s| s.ours == shared.theirs);
        free.then_some(Shared { ours: shared.theirs, ..*shared })
    };
    let by_theirs: Vec<_> = from.events.iter().filter_map(by_theirs).collect();
    let events =
        from.events.iter().chain(&by_theirs).filter(|_| digits.is_none()).filter_map(event).collect();
    // Of two payload types of one stream the clocks must agree (RFC 3551 §4.1): else the noise is made.
    let noise = to.noise.filter(|noise| noise.codec.clock == codec.clock());
    Some(Plan {
        hears,
        hears_ptime_ms: from.ptime_ms,
        takes: to.takes(false),
        speaks: Format::new(speaks.theirs, codec, to.ptime_ms),
        events,
        noise: Noise { from: from.noise.map(|s| s.ours), to: noise.map(|s| s.theirs) },
        gain_tenths_db: i16::from(to.gain_db) * 10,
        digits,
        annex_b: None,
    })
}
