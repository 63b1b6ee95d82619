//! When a loaded worker may rest: gathering packets for a moment makes each of them cheaper.
//!
//! Waking a thread costs more than relaying a packet. Above [`PACED_FROM`] packets a second a worker that
//! has emptied its sockets sleeps for [`PAUSE`] before it asks again, so that one wake-up serves many
//! packets; the delay added to a packet is at most the pause. A quiet worker never pauses.

use base::Time;
use std::time::Duration;

/// Packets a second from which a worker pauses.
const PACED_FROM: u64 = 5_000;
/// How long it pauses.
const PAUSE: Duration = Duration::from_micros(400);
/// How exactly sleeps must end.
pub(super) const SLACK: Duration = Duration::from_micros(20);
/// The rate is measured over this long.
const WINDOW: Duration = Duration::from_millis(100);

/// Measures the load and says when to pause.
#[derive(Debug, Default)]
pub(super) struct Pace {
    since: Time,
    packets: u64,
    paced: bool,
}

impl Pace {
    /// After a round that began at `now` with `events` of at most `most`: how long to rest.
    pub(super) fn after(&mut self, now: Time, events: usize, most: usize) -> Option<Duration> {
        self.packets += events as u64;
        let elapsed = now.since(self.since);
        if elapsed >= WINDOW {
            let threshold = PACED_FROM * elapsed.as_millis() as u64 / 1000;
            self.paced = self.packets >= threshold;
            self.packets = 0;
            self.since = now;
        }
        (self.paced && events > 0 && events < most).then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loaded_worker_with_empty_sockets_pauses() {
        let mut p = Pace::default();
        for ms in 0..500 {
            assert_eq!(p.after(Time::from_millis(ms), 2, 256), None, "2,000 a second");
        }
        for ms in 500..800 {
            p.after(Time::from_millis(ms), 20, 256);
        }
        assert_eq!(p.after(Time::from_millis(800), 20, 256), Some(PAUSE));
        assert_eq!(p.after(Time::from_millis(800), 256, 256), None, "more is waiting");
        for ms in 801..1100 {
            p.after(Time::from_millis(ms), 1, 256);
        }
        assert_eq!(p.after(Time::from_millis(1100), 1, 256), None);
    }
}
