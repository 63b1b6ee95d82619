//! Payload types: the rtpmap value, the static assignments, and the codecs that we can name.

use crate::line::{Lines, attribute, attributes, first_token, number, tokens, trim};
use smallvec::SmallVec;

/// The highest payload type (RFC 3550 §5.1).
pub(crate) const PAYLOAD_TYPE_MAX: u32 = 127;

/// What an a=rtpmap line says (RFC 8866 §6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpMap<'a> {
    /// Encoding name, compared without case.
    pub name: &'a [u8],
    /// RTP clock rate in Hz, at least 1; 8000 where the line leaves it out.
    pub clock: u32,
    /// Audio channels, at least 1.
    pub channels: u8,
}

/// One format of an RTP m= line, with its static or stated meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec<'a> {
    /// Payload type, 0 to 127.
    pub pt: u8,
    /// Encoding name, compared without case.
    pub name: &'a [u8],
    /// RTP clock rate in Hz.
    pub clock: u32,
    /// Audio channels.
    pub channels: u8,
    /// The a=fmtp parameters, if any.
    pub fmtp: Option<&'a [u8]>,
}

impl<'a> Codec<'a> {
    fn take(&mut self, map: RtpMap<'a>) {
        (self.name, self.clock, self.channels) = (map.name, map.clock, map.channels);
    }

    /// Whether both name the same encoding, clock and channels; parameters are not compared.
    #[must_use]
    pub fn is_same_encoding(&self, other: &Codec<'_>) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
            && self.clock == other.clock
            && self.channels == other.channels
    }

    /// Whether this carries DTMF as named events (RFC 4733).
    #[must_use]
    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case(b"telephone-event")
    }

    /// Whether this is comfort noise (RFC 3389).
    #[must_use]
    pub fn is_comfort_noise(&self) -> bool {
        self.name.eq_ignore_ascii_case(b"CN")
    }

    /// Whether this carries the media itself, not events, noise, redundancy or repair.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        const SECONDARY: [&[u8]; 6] = [b"telephone-event", b"CN", b"red", b"ulpfec", b"rtx", b"tone"];
        !SECONDARY.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

/// The static assignments (RFC 3551 §6, tables 4 and 5).
#[must_use]
pub fn static_payload(pt: u8) -> Option<RtpMap<'static>> {
    let (name, clock, channels): (&[u8], u32, u8) = match pt {
        0 => (b"PCMU", 8_000, 1),
        3 => (b"GSM", 8_000, 1),
        4 => (b"G723", 8_000, 1),
        5 => (b"DVI4", 8_000, 1),
        6 => (b"DVI4", 16_000, 1),
        7 => (b"LPC", 8_000, 1),
        8 => (b"PCMA", 8_000, 1),
        9 => (b"G722", 8_000, 1),
        10 => (b"L16", 44_100, 2),
        11 => (b"L16", 44_100, 1),
        12 => (b"QCELP", 8_000, 1),
        13 => (b"CN", 8_000, 1),
        14 => (b"MPA", 90_000, 1),
        15 => (b"G728", 8_000, 1),
        16 => (b"DVI4", 11_025, 1),
        17 => (b"DVI4", 22_050, 1),
        18 => (b"G729", 8_000, 1),
        25 => (b"CelB", 90_000, 1),
        26 => (b"JPEG", 90_000, 1),
        28 => (b"nv", 90_000, 1),
        31 => (b"H261", 90_000, 1),
        32 => (b"MPV", 90_000, 1),
        33 => (b"MP2T", 90_000, 1),
        34 => (b"H263", 90_000, 1),
        _ => return None,
    };
    Some(RtpMap { name, clock, channels })
}

/// The a=rtpmap value for `pt` in a media section.
pub(crate) fn rtpmap(section: &[u8], pt: u8) -> Option<RtpMap<'_>> {
    attributes(section, b"rtpmap").find_map(|value| {
        let (found, encoding) = first_token(value);
        (number(found, PAYLOAD_TYPE_MAX) == Some(u32::from(pt))).then(|| read_encoding(encoding)).flatten()
    })
}

/// Reads `name[/clock[/channels]]`.
pub(crate) fn read_encoding(encoding: &[u8]) -> Option<RtpMap<'_>> {
    let mut parts = encoding.split(|byte| *byte == b'/').map(trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let clock = match parts.next() {
        Some(text) => number(text, u32::MAX).filter(|clock| *clock > 0)?,
        None => 8_000,
    };
    let channels = match parts.next() {
        Some(text) if !text.is_empty() => u8::try_from(number(text, 255)?).ok().filter(|count| *count > 0)?,
        _ => 1,
    };
    Some(RtpMap { name, clock, channels })
}

/// The a=fmtp parameters for `format` in a media section.
pub(crate) fn fmtp(section: &[u8], pt: u8) -> Option<&[u8]> {
    attributes(section, b"fmtp").find_map(|value| {
        let (found, parameters) = first_token(value);
        (number(found, PAYLOAD_TYPE_MAX) == Some(u32::from(pt))).then_some(parameters)
    })
}

/// The codecs of one m= line; no allocation up to this many.
pub(crate) type Codecs<'a> = SmallVec<[Codec<'a>; 16]>;

/// The formats that have a meaning, in the order of the m= line.
///
/// One pass over the section whatever it holds: a hostile description must not cost the product
/// of its formats and lines.
pub(crate) fn codecs<'a>(formats: &'a [u8], section: &'a [u8]) -> Codecs<'a> {
    // A clock of 0 marks what has no meaning yet.
    let mut codecs: Codecs<'a> = tokens(formats)
        .filter_map(|token| u8::try_from(number(token, PAYLOAD_TYPE_MAX)?).ok())
        .map(|pt| Codec { pt, name: &[], clock: 0, channels: 0, fmtp: None })
        .collect();
    for line in Lines::new(section).filter(|line| line.kind == b'a') {
        let (name, value) = attribute(line.value);
        let is_map = name.eq_ignore_ascii_case(b"rtpmap");
        if !is_map && !name.eq_ignore_ascii_case(b"fmtp") {
            continue;
        }
        let (pt, rest) = first_token(value);
        let Some(pt) = number(pt, PAYLOAD_TYPE_MAX) else { continue };
        let map = if is_map { read_encoding(rest) } else { None };
        for codec in codecs.iter_mut().filter(|codec| u32::from(codec.pt) == pt) {
            match map {
                Some(map) if codec.clock == 0 => codec.take(map),
                None if !is_map => {
                    codec.fmtp.get_or_insert(rest);
                }
                _ => {}
            }
        }
    }
    for codec in codecs.iter_mut().filter(|codec| codec.clock == 0) {
        if let Some(map) = static_payload(codec.pt) {
            codec.take(map);
        }
    }
    codecs.retain(|codec| codec.clock != 0);
    codecs
}

/// The codecs that we can offer by ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodecName {
    /// G.711 µ-law, payload type 0.
    Pcmu,
    /// G.711 A-law, payload type 8.
    Pcma,
    /// G.722 at 64 kbit/s, payload type 9.
    G722,
    /// G.729 without annex B, payload type 18.
    G729,
    /// Opus (RFC 7587), dynamic.
    Opus,
    /// Comfort noise (RFC 3389), payload type 13.
    ComfortNoise,
    /// DTMF events 0 to 15 (RFC 4733), dynamic, 101.
    TelephoneEvent,
}

impl CodecName {
    /// All of them, in the order of preference when nobody says otherwise.
    pub const ALL: [CodecName; 7] = [
        CodecName::Pcma,
        CodecName::Pcmu,
        CodecName::G722,
        CodecName::G729,
        CodecName::Opus,
        CodecName::ComfortNoise,
        CodecName::TelephoneEvent,
    ];

    /// The encoding name as registered.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            CodecName::Pcmu => "PCMU",
            CodecName::Pcma => "PCMA",
            CodecName::G722 => "G722",
            CodecName::G729 => "G729",
            CodecName::Opus => "opus",
            CodecName::ComfortNoise => "CN",
            CodecName::TelephoneEvent => "telephone-event",
        }
    }

    /// Finds a codec by its encoding name, without case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<CodecName> {
        CodecName::ALL.into_iter().find(|codec| codec.as_str().eq_ignore_ascii_case(name))
    }
}
