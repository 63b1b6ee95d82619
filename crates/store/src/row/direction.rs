//! What one side of a call sent, as it is stored and shown.

use super::own;
use crate::quality::QualityRow;
use media::{NotHeard, OneWay, StreamReport};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One direction: counters are sums over its streams, quality is that of the worst.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct DirectionRow<'a> {
    /// Valid packets received from this side.
    pub packets: u64,
    /// Packets expected by their sequence numbers.
    pub expected: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets received and not passed on.
    pub dropped: u64,
    /// Interarrival jitter at the end; stored in microseconds, shown in milliseconds.
    #[serde(rename = "jitter_ms", with = "super::as_millis")]
    pub jitter_us: u32,
    /// Its largest value.
    #[serde(rename = "jitter_max_ms", with = "super::as_millis")]
    pub jitter_max_us: u32,
    /// Largest last round trip between this node and the peer.
    #[serde(rename = "rtt_ms", with = "super::as_millis_option", default)]
    pub rtt_us: Option<u32>,
    /// Lowest estimated MOS; stored times 100, shown plain.
    #[serde(with = "super::as_hundredths", default)]
    pub mos_min: Option<u16>,
    /// Mean estimated MOS of the worst stream.
    #[serde(with = "super::as_hundredths", default)]
    pub mos_avg: Option<u16>,
    /// At the end nothing of it was heard although it might send, while the other side was.
    pub one_way: bool,
    /// Longest pause while it was allowed to send, milliseconds.
    pub silence_max_ms: u64,
    /// Where its media really came from; empty when none came.
    pub source: Cow<'a, str>,
    /// How its first stream was protected: `none`, or how keys were agreed and the crypto suite.
    #[serde(default)]
    pub security: Cow<'a, str>,
    /// Why it is or was one-way, a word of [`media::OneWay`]; empty when it never was.
    #[serde(default)]
    pub one_way_why: Cow<'a, str>,
    /// The codec that it sent; empty when nothing came.
    #[serde(default)]
    pub codec: Cow<'a, str>,
    /// Where its sound was changed on its way: the codec that the other side got.
    #[serde(default)]
    pub recoded_to: Cow<'a, str>,
    /// Why it was changed, a word of [`media::Why`]; empty where packets passed as they were.
    #[serde(default)]
    pub recoded_why: Cow<'a, str>,
    /// Where its packets came from that were not believed, when that was why it was not heard; else empty.
    #[serde(default)]
    pub foreign_source: Cow<'a, str>,
    /// Where it said that it is, then.
    #[serde(default)]
    pub described: Cow<'a, str>,
    /// How it sounded, as far as it was measured.
    #[serde(default)]
    pub quality: QualityRow,
}

impl<'a> DirectionRow<'a> {
    /// What a side's streams have counted: sums, and the worst of their quality.
    pub(crate) fn counted(streams: &[StreamReport]) -> DirectionRow<'static> {
        let sum = |field: fn(&StreamReport) -> u64| streams.iter().map(field).fold(0, u64::saturating_add);
        let lowest = |field: fn(&StreamReport) -> u16| streams.iter().map(field).filter(|&mos| mos > 0).min();
        let silence = streams.iter().map(|s| s.silence_max).max().unwrap_or_default();
        let source = streams.iter().find_map(|s| s.source);
        DirectionRow {
            packets: sum(|s| s.packets),
            expected: sum(|s| s.expected),
            lost: sum(|s| s.lost),
            dropped: sum(|s| s.dropped.total()),
            jitter_us: largest(streams.iter().map(|s| s.jitter_ms)).unwrap_or(0),
            jitter_max_us: largest(streams.iter().map(|s| s.jitter_max_ms)).unwrap_or(0),
            rtt_us: largest(streams.iter().filter_map(|s| s.rtt_ms)),
            mos_min: lowest(|s| s.mos_min),
            mos_avg: lowest(|s| s.mos_avg),
            one_way: streams.iter().any(|s| s.one_way),
            silence_max_ms: u64::try_from(silence.as_millis()).unwrap_or(u64::MAX),
            source: source.map_or(Cow::Borrowed(""), |source| Cow::Owned(source.to_string())),
            ..DirectionRow::default()
        }
    }

    /// All that is known of a side's streams; `agreed` as in [`super::MediaRow::codec`].
    #[must_use]
    pub fn of(streams: &[StreamReport], agreed: &str) -> DirectionRow<'static> {
        let security = streams.first().and_then(|stream| stream.security);
        let why = streams.iter().find_map(|stream| stream.one_way_why);
        DirectionRow {
            security: security.map_or(Cow::Borrowed(""), |security| Cow::Owned(security.to_string())),
            one_way_why: Cow::Borrowed(why.map_or("", OneWay::word)),
            quality: QualityRow::of(streams),
            ..DirectionRow::counted(streams).coded(streams, agreed)
        }
    }

    /// That it is or was not heard, and why; none where it always was.
    #[must_use]
    pub fn not_heard(&self) -> Option<NotHeard> {
        let sources = self.foreign_source.parse().ok().zip(self.described.parse().ok());
        OneWay::of_word(&self.one_way_why).map(|why| NotHeard { why, sources })
    }

    /// The same with the codecs of a side, and whom it was not believed to be; `agreed`: the call's, which says what payload types mean that do not say it
    /// themselves.
    pub(crate) fn coded(self, streams: &[StreamReport], agreed: &str) -> DirectionRow<'static> {
        let recoded = streams.iter().find_map(|stream| stream.recoded);
        let heard = streams.iter().find_map(|stream| stream.payload_type);
        let foreign = streams.iter().find_map(|stream| stream.foreign);
        let plain = || match heard.map(|heard| (heard, static_name(heard))) {
            None => Cow::Borrowed(""),
            Some((_, Some(name))) => Cow::Borrowed(name),
            // A fax at the end is noted beside the codec.
            Some(_) => Cow::Owned(agreed.split('+').next().unwrap_or_default().to_owned()),
        };
        DirectionRow {
            codec: recoded.map_or_else(plain, |recoded| Cow::Borrowed(recoded.heard)),
            recoded_to: Cow::Borrowed(recoded.map_or("", |recoded| recoded.spoken)),
            recoded_why: Cow::Borrowed(recoded.map_or("", |recoded| recoded.why.word())),
            foreign_source: foreign.map_or(Cow::Borrowed(""), |(heard, _)| Cow::Owned(heard.to_string())),
            described: foreign.map_or(Cow::Borrowed(""), |(_, described)| Cow::Owned(described.to_string())),
            ..self.into_owned()
        }
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> DirectionRow<'static> {
        DirectionRow {
            packets: self.packets,
            expected: self.expected,
            lost: self.lost,
            dropped: self.dropped,
            jitter_us: self.jitter_us,
            jitter_max_us: self.jitter_max_us,
            rtt_us: self.rtt_us,
            mos_min: self.mos_min,
            mos_avg: self.mos_avg,
            one_way: self.one_way,
            silence_max_ms: self.silence_max_ms,
            source: own(self.source),
            security: own(self.security),
            one_way_why: own(self.one_way_why),
            codec: own(self.codec),
            recoded_to: own(self.recoded_to),
            recoded_why: own(self.recoded_why),
            foreign_source: own(self.foreign_source),
            described: own(self.described),
            quality: self.quality,
        }
    }
}

/// The largest of some milliseconds, in microseconds.
fn largest(millis: impl Iterator<Item = f32>) -> Option<u32> {
    // `as` saturates and turns what is not a number into 0, which suits a measurement.
    millis.map(|ms| (ms * 1_000.0).round() as u32).max()
}

/// What a payload type means that the standard fixes (RFC 3551 §6).
fn static_name(payload_type: u8) -> Option<&'static str> {
    Some(match payload_type {
        0 => "PCMU",
        3 => "GSM",
        4 => "G723",
        8 => "PCMA",
        9 => "G722",
        15 => "G728",
        18 => "G729",
        _ => return None,
    })
}
