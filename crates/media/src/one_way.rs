//! Why a side is not heard though it might be.

use crate::report::{DropReason, Drops};
use base::Time;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// What is known of a side of which no sound passes while the other one is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OneWay {
    /// Nothing of it ever came.
    Nothing,
    /// What came was of another source than it had said, and that is not followed.
    ForeignSource,
    /// What came could not be opened: another key, or plain RTP where SRTP is agreed.
    Unreadable,
    /// What came was of payload types that were not agreed.
    PayloadType,
    /// What came was no media.
    NoMedia,
    /// It was heard, and then no more.
    Stopped,
}

impl OneWay {
    /// Every cause.
    pub const ALL: [OneWay; 6] = [
        OneWay::Nothing,
        OneWay::ForeignSource,
        OneWay::Unreadable,
        OneWay::PayloadType,
        OneWay::NoMedia,
        OneWay::Stopped,
    ];

    /// What follows from what was heard of it and what was dropped.
    pub(crate) fn of(heard: u64, drops: &Drops) -> OneWay {
        if heard > 0 {
            return OneWay::Stopped;
        }
        let most = OneWay::causes(drops).into_iter().filter(|(_, count)| *count > 0);
        most.max_by_key(|(_, count)| *count).map_or(OneWay::Nothing, |(cause, _)| cause)
    }

    /// How many packets were dropped for a cause that keeps a side from being heard.
    pub(crate) fn refused(drops: &Drops) -> u64 {
        OneWay::causes(drops).iter().map(|(_, count)| count).sum()
    }

    fn causes(drops: &Drops) -> [(OneWay, u64); 4] {
        let all = |reasons: &[DropReason]| -> u64 { reasons.iter().map(|&r| u64::from(drops.of(r))).sum() };
        [
            (
                OneWay::ForeignSource,
                all(&[
                    DropReason::ForeignSource,
                    DropReason::Ssrc,
                    DropReason::IceUnproven,
                    DropReason::SrtpUntried,
                ]),
            ),
            (
                OneWay::Unreadable,
                all(&[
                    DropReason::SrtpForged,
                    DropReason::SrtpKey,
                    DropReason::SrtpReplayed,
                    DropReason::Dtls,
                ]),
            ),
            (OneWay::PayloadType, all(&[DropReason::PayloadType])),
            (OneWay::NoMedia, all(&[DropReason::BadVersion, DropReason::BadLength])),
        ]
    }

    /// The word in records and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            OneWay::Nothing => "nothing",
            OneWay::ForeignSource => "foreign_source",
            OneWay::Unreadable => "unreadable",
            OneWay::PayloadType => "payload_type",
            OneWay::NoMedia => "no_media",
            OneWay::Stopped => "stopped",
        }
    }

    /// The cause of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<OneWay> {
        OneWay::ALL.into_iter().find(|cause| cause.word() == word)
    }

    /// What it means, in a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            OneWay::Nothing => {
                "no packet came from where it said; look for a firewall or NAT on its way here, or an address in its SDP that it does not send from"
            }
            OneWay::ForeignSource => {
                "its packets come from another address than its SDP says, and are not believed; behind a NAT, latching or SRTP lets them in"
            }
            OneWay::Unreadable => {
                "its packets cannot be opened: they are not protected with the keys that were agreed"
            }
            OneWay::PayloadType => "its packets have payload types that were not agreed",
            OneWay::NoMedia => "what came from it is no RTP",
            OneWay::Stopped => "it was heard and then sent no more, while the other side went on",
        }
    }
}

/// That a side is not heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotHeard {
    /// Why.
    pub why: OneWay,
    /// Where packets came from that are not believed, and where it said that it is.
    pub sources: Option<(SocketAddr, SocketAddr)>,
}

impl From<OneWay> for NotHeard {
    fn from(why: OneWay) -> NotHeard {
        NotHeard { why, sources: None }
    }
}

impl fmt::Display for NotHeard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((heard, described)) = self.sources.filter(|_| self.why == OneWay::ForeignSource) else {
            return f.write_str(self.why.sentence());
        };
        let (what, latch) = if heard.ip() == described.ip() {
            ("sends from another port than it receives at", "signalled")
        } else {
            ("is behind a NAT", "nat")
        };
        write!(
            f,
            "its packets come from {heard}, but its SDP says {described}, and are not believed; where it {what}, \
             `latch = \"{latch}\"` of its trunk lets them in"
        )
    }
}

/// When one side was not heard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spells {
    /// Since when it is not heard, while that is so.
    since: Option<Time>,
    /// The cause, of the last time.
    cause: Option<OneWay>,
    /// How long in all, of those that are over.
    total: Duration,
    /// Where packets on the RTP port came from last that are not believed, since the description changed.
    pub(crate) foreign: Option<SocketAddr>,
    /// Packets that could not be heard before the description changed.
    refused_before: u64,
}

impl Spells {
    /// It has described itself anew.
    pub(crate) fn describe(&mut self, drops: &Drops) {
        (self.foreign, self.refused_before) = (None, OneWay::refused(drops));
    }

    /// How many packets could not be heard since.
    pub(crate) fn refused(&self, drops: &Drops) -> u64 {
        OneWay::refused(drops).saturating_sub(self.refused_before)
    }

    pub(crate) fn begin(&mut self, since: Time, cause: OneWay) {
        (self.since, self.cause) = (Some(since), Some(cause));
    }

    /// It is heard again, or may not send any more.
    pub(crate) fn end(&mut self, at: Time) {
        if let Some(since) = self.since.take() {
            self.total += at.since(since);
        }
    }

    pub(crate) fn is_one_way(&self) -> bool {
        self.since.is_some()
    }

    /// Whether a moment is later than the present time of not being heard began.
    pub(crate) fn is_before(&self, moment: Time) -> bool {
        self.since.is_some_and(|since| moment > since)
    }

    /// The cause of the last time.
    pub(crate) fn cause(&self) -> Option<OneWay> {
        self.cause
    }

    /// How long it was not heard, in all; none where that never was so.
    pub(crate) fn total(&self, now: Time) -> Option<Duration> {
        self.cause?;
        Some(self.total + self.since.map(|since| now.since(since)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_drop_is_the_cause() {
        let mut drops = Drops::default();
        assert_eq!(OneWay::of(0, &drops), OneWay::Nothing);
        drops.add(DropReason::Direction);
        assert_eq!(OneWay::of(0, &drops), OneWay::Nothing);
        drops.add(DropReason::BadLength);
        assert_eq!(OneWay::of(0, &drops), OneWay::NoMedia);
        drops.add(DropReason::SrtpForged);
        drops.add(DropReason::SrtpKey);
        assert_eq!(OneWay::of(0, &drops), OneWay::Unreadable);
        assert_eq!(OneWay::of(9, &drops), OneWay::Stopped);
        for cause in OneWay::ALL {
            assert_eq!(OneWay::of_word(cause.word()), Some(cause));
        }
    }
}
