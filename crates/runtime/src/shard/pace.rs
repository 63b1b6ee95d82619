//! The pace of turns under load: a busy loop lets messages gather for a moment, so that one waking,
//! one journal write and one send call serve several of them.
//!
//! An idle or lightly loaded loop is never held back. Enter through [`Pace::rest`].

use base::Time;
use std::time::Duration;

/// Turns of a busy loop begin at least this far apart. A call's INVITE and its 180 pass the loop once
/// each, so that this adds at most twice as much to the time until the caller hears ringing.
const SPACING: Duration = Duration::from_micros(900);
/// The span over which messages are counted.
const SPAN: Duration = Duration::from_millis(20);
/// So many messages in a span (1,500 a second) make the loop busy: from here on a turn's own cost is
/// spared more often than not.
const BUSY: u64 = 30;

/// Counts messages and says when to rest.
#[derive(Default)]
pub(super) struct Pace {
    span_began: Time,
    seen_then: u64,
    busy: bool,
}

impl Pace {
    /// How long to rest before the next wait; zero unless busy. `began`: when the turn just done began;
    /// `messages`: all messages so far.
    pub(super) fn rest(&mut self, began: Time, now: Time, messages: u64) -> Duration {
        let span = now.since(self.span_began);
        if span >= SPAN {
            let due = BUSY * u64::try_from(span.as_micros() / SPAN.as_micros()).unwrap_or(u64::MAX);
            self.busy = messages.saturating_sub(self.seen_then) >= due;
            self.span_began = now;
            self.seen_then = messages;
        }
        if self.busy { SPACING.saturating_sub(now.since(began)) } else { Duration::ZERO }
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
        assert_eq!(pace.rest(at(120), at(120), 34), Duration::ZERO, "29 in a span");
        assert_eq!(pace.rest(at(140), at(140), 64), SPACING, "30 in a span");
        assert_eq!(pace.rest(at(141), at(142), 64), Duration::ZERO, "the turn itself took longer");
        assert_eq!(pace.rest(at(160), at(160), 65), Duration::ZERO, "quiet again");
        assert_eq!(pace.rest(at(260), at(260), 165), Duration::ZERO, "100 messages in five spans");
    }
}
