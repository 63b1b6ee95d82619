//! The pace of turns under load: a busy loop lets messages gather for a moment, so that one waking,
//! one journal write and one send call serve several of them.
//!
//! An idle or lightly loaded loop is never held back. Enter through [`Pace::rest`].

use crate::Time;
use std::time::Duration;

/// How far apart the turns of a busy loop begin at least, by messages in a span; the last row that is
/// reached counts. The more messages come, the less time as many need to gather. A call's INVITE and its 180
/// pass the loop once each, so that this adds at most twice as much to the time until the caller hears ringing.
const SPACING: [(u64, Duration); 3] = [
    (BUSY, Duration::from_micros(1_800)),
    (80, Duration::from_micros(1_000)),
    (200, Duration::from_micros(600)),
];
/// The span over which messages are counted.
const SPAN: Duration = Duration::from_millis(20);
/// So many messages in a span (1,000 a second) make the loop busy: from here on a turn's own cost is
/// spared more often than not.
const BUSY: u64 = 20;

/// Counts messages and says when to rest.
#[derive(Default)]
pub struct Pace {
    span_began: Time,
    seen_then: u64,
    spacing: Duration,
}

impl Pace {
    /// How long to rest before the next wait; zero unless busy. `began`: when the turn just done began;
    /// `messages`: all messages so far.
    pub fn rest(&mut self, began: Time, now: Time, messages: u64) -> Duration {
        let span = now.since(self.span_began);
        if span >= SPAN {
            let spans = u64::try_from(span.as_micros() / SPAN.as_micros()).unwrap_or(u64::MAX);
            let seen = messages.saturating_sub(self.seen_then) / spans;
            let reached = SPACING.iter().rev().find(|(least, _)| seen >= *least);
            self.spacing = reached.map_or(Duration::ZERO, |(_, spacing)| *spacing);
            self.span_began = now;
            self.seen_then = messages;
        }
        self.spacing.saturating_sub(now.since(began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_loop_rests() {
        let mut pace = Pace::default();
        let at = |ms| Time::from_millis(ms);
        assert_eq!(pace.rest(at(100), at(100), 5), Duration::ZERO);
        assert_eq!(pace.rest(at(120), at(120), 24), Duration::ZERO, "19 in a span");
        assert_eq!(pace.rest(at(140), at(140), 44), SPACING[0].1, "20 in a span");
        assert_eq!(pace.rest(at(141), at(143), 44), Duration::ZERO, "the turn itself took longer");
        assert_eq!(pace.rest(at(160), at(160), 45), Duration::ZERO, "quiet again");
        assert_eq!(pace.rest(at(260), at(260), 144), Duration::ZERO, "99 messages in five spans");
    }

    #[test]
    fn the_more_messages_come_the_closer_are_the_turns() {
        let mut pace = Pace::default();
        let at = |ms| Time::from_millis(ms);
        let spacing = [20, 79, 80, 199, 200, 5_000].map(|seen| {
            pace = Pace { span_began: at(0), ..Pace::default() };
            pace.rest(at(20), at(20), seen).as_micros()
        });
        assert_eq!(spacing, [1_800, 1_800, 1_000, 1_000, 600, 600]);
    }
}
