//! What a bridge is to do: which payload types come, what goes. Values only.

use crate::digits::{DigitPlan, Hears, Says};
use codec::opus::Wish;
use codec::{Law, opus};

/// Packet times that are made, milliseconds.
pub const PTIMES_MS: [u8; 6] = [10, 20, 30, 40, 50, 60];
/// Those that one Opus frame can fill (RFC 6716 §2.1.4).
const OPUS_PTIMES_MS: [u8; 4] = [10, 20, 40, 60];

/// A codec that can be heard and spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// PCMU or PCMA.
    G711(Law),
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus, and what the peer has asked of packets to it.
    Opus(Wish),
}

impl Codec {
    /// Ticks of its RTP clock in a second (RFC 3551 §4.5.2: 8,000 for G.722 too).
    #[must_use]
    pub const fn clock(self) -> u32 {
        match self {
            Codec::G711(_) | Codec::G722 => 8_000,
            Codec::Opus(_) => opus::CLOCK,
        }
    }

    /// Samples of its sound in a second; none for Opus, which takes and gives any.
    #[must_use]
    pub const fn rate(self) -> Option<u32> {
        match self {
            Codec::G711(_) => Some(8_000),
            Codec::G722 => Some(16_000),
            Codec::Opus(_) => None,
        }
    }

    /// Milliseconds that a payload holds; none where it holds no whole ones, or is none of this codec. Of Opus its first
    /// two bytes tell (RFC 6716 §3.1, §3.2).
    #[must_use]
    pub fn packet_ms(self, payload: &[u8]) -> Option<u8> {
        let (ticks, per_ms) = match self {
            Codec::G711(_) | Codec::G722 => (payload.len(), 8),
            Codec::Opus(_) => (opus::Decoder::samples(payload, opus::CLOCK)?, opus::CLOCK as usize / 1_000),
        };
        u8::try_from(ticks / per_ms).ok().filter(|ms| *ms > 0 && ticks.is_multiple_of(per_ms))
    }

    /// Its name in descriptions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Codec::G711(Law::A) => "PCMA",
            Codec::G711(Law::Mu) => "PCMU",
            Codec::G722 => "G722",
            Codec::Opus(_) => "opus",
        }
    }

    /// Whether both have the same name; what a peer wishes does not count.
    #[must_use]
    pub fn is_same(self, other: Codec) -> bool {
        match (self, other) {
            (Codec::G711(a), Codec::G711(b)) => a == b,
            (Codec::G722, Codec::G722) | (Codec::Opus(_), Codec::Opus(_)) => true,
            _ => false,
        }
    }
}

/// What leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    /// As the receiver has numbered it.
    pub payload_type: u8,
    /// The codec.
    pub codec: Codec,
    /// Milliseconds of a packet: one of [`PTIMES_MS`].
    pub ptime_ms: u8,
}

impl Format {
    /// A format whose packet time is the longest that the codec can fill and that is not longer than
    /// wished.
    #[must_use]
    pub fn new(payload_type: u8, codec: Codec, ptime_ms: u8) -> Format {
        let times: &[u8] = if matches!(codec, Codec::Opus(_)) { &OPUS_PTIMES_MS } else { &PTIMES_MS };
        let fits = times.iter().rev().find(|time| **time <= ptime_ms);
        Format { payload_type, codec, ptime_ms: fits.copied().unwrap_or(PTIMES_MS[0]) }
    }
}

/// Named events of one side as the other has numbered them (RFC 4733).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Events {
    /// The sender's payload type.
    pub from: u8,
    /// Its clock.
    pub from_clock: u32,
    /// The receiver's payload type.
    pub to: u8,
    /// Its clock.
    pub to_clock: u32,
}

/// Payload types of comfort noise (RFC 3389).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Noise {
    /// What the sender calls it; none when it sends none.
    pub from: Option<u8>,
    /// What the receiver calls it; none when it understands none: it gets the noise itself.
    pub to: Option<u8>,
}

/// Packet times that the receiver takes as they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Takes {
    /// The shortest, milliseconds.
    pub from_ms: u8,
    /// The longest.
    pub to_ms: u8,
    /// Nothing else asks for a bridge: until other packets come there is none.
    pub alone: bool,
}

/// One direction of one stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// What the sender may send, by its payload types. Empty: whatever it sends passes as it is, and
    /// `digits` alone are converted.
    pub hears: Vec<(u8, Codec)>,
    /// The packet time that the sender says, milliseconds; only equality with the receiver's counts.
    pub hears_ptime_ms: u8,
    /// What the receiver gets.
    pub speaks: Format,
    /// What the sender may really use without a change; none: anything, where only packets are rewritten.
    pub takes: Option<Takes>,
    /// Payload types of events, by clock.
    pub events: Vec<Events>,
    /// Comfort noise.
    pub noise: Noise,
    /// A change of level, in tenths of a decibel.
    pub gain_tenths_db: i16,
    /// Digits that change their form.
    pub digits: Option<DigitPlan>,
    /// The sender's number for G.729 whose descriptions of silence (annex B) the receiver must not get, where packets pass
    /// as they are.
    pub annex_b: Option<u8>,
}

impl Takes {
    /// Whether packets of this length need no change.
    #[must_use]
    pub fn takes(self, ms: u8) -> bool {
        (self.from_ms..=self.to_ms).contains(&ms)
    }
}

impl Plan {
    /// The codec of a payload type.
    #[must_use]
    pub fn codec_of(&self, payload_type: u8) -> Option<Codec> {
        self.hears.iter().find(|(known, _)| *known == payload_type).map(|(_, codec)| *codec)
    }

    /// Ticks of the events' clock in a second.
    pub(crate) fn event_clock(&self) -> u32 {
        match self.digits.as_ref().map(|digits| (&digits.hears, digits.says)) {
            Some((_, Says::Events { clock, .. })) => clock,
            Some((Hears::Events(types), _)) => types.first().map_or(8_000, |(_, clock)| *clock),
            _ => 8_000,
        }
    }

    /// Samples a second between hearing and speaking.
    #[must_use]
    pub fn rate(&self) -> u32 {
        let heard = self.hears.iter().filter_map(|(_, codec)| codec.rate()).max();
        self.speaks.codec.rate().or(heard).unwrap_or(opus::CLOCK)
    }

    /// The plan by which what the sender may send, in packets of `hears_ptime_ms`, becomes what the receiver gets, and
    /// nothing else is done.
    #[must_use]
    pub fn between(hears: Vec<(u8, Codec)>, hears_ptime_ms: u8, speaks: Format) -> Plan {
        Plan {
            hears,
            hears_ptime_ms,
            speaks,
            takes: None,
            events: Vec::new(),
            noise: Noise::default(),
            gain_tenths_db: 0,
            digits: None,
            annex_b: None,
        }
    }

    /// The plan for a stream that passes as it is, in whatever codec, but for digits that touch no sound
    /// ([`DigitPlan::touches_sound`]).
    #[must_use]
    pub fn passing(digits: Option<DigitPlan>, ptime_ms: u8) -> Plan {
        let speaks = Format::new(0, Codec::G711(Law::Mu), ptime_ms);
        Plan { digits, ..Plan::between(Vec::new(), ptime_ms, speaks) }
    }

    /// Whether packets can be rewritten where they lie: the laws of G.711 alone, packet for packet.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        let g711 = |codec: Codec| matches!(codec, Codec::G711(_));
        let whole = self.hears.iter().all(|(_, codec)| g711(*codec)) && g711(self.speaks.codec);
        whole
            && !self.hears.is_empty()
            && self.digits.is_none()
            && self.hears_ptime_ms == self.speaks.ptime_ms
            && self.gain_tenths_db == 0
            && self.events.iter().all(|events| events.from_clock == events.to_clock)
            && (self.noise.from.is_none() || self.noise.to.is_some())
    }
}
