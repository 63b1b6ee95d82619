//! Whether one gateway lives: OPTIONS at an interval, and what calls tell in passing.
//!
//! Values only: the owner sends the OPTIONS and reports what became of them. A gateway of which nothing is
//! known yet counts as up; the first answer of any kind makes it up, a number of misses in a row down.

use base::Time;
use std::time::Duration;

/// What is known of a gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// Nothing yet; counts as up.
    Unknown,
    /// It answered last.
    Up,
    /// It missed too often.
    Down,
}

/// What the owner does now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LivenessAct {
    /// Send an OPTIONS to the gateway.
    SendOptions,
}

/// A change of health, reported once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It lives (again).
    Up,
    /// It is taken for dead.
    Down,
}

/// The health of one gateway.
#[derive(Clone, Debug)]
pub struct Liveness {
    interval: Option<Duration>,
    misses_max: u32,
    misses: u32,
    health: Health,
    since: Time,
    rtt: Option<Duration>,
    next: Option<Time>,
}

impl Liveness {
    /// Watches a gateway from `now` on.
    ///
    /// `interval`: between OPTIONS; `None` sends none and judges by calls alone. `misses_max`: misses in a
    /// row that make it down, at least 1. `jitter`: any number; spreads the first OPTIONS over the interval,
    /// so that many gateways are not asked at once.
    #[must_use]
    pub fn new(interval: Option<Duration>, misses_max: u32, now: Time, jitter: u64) -> Liveness {
        let interval = interval.filter(|i| !i.is_zero());
        let next = interval.map(|i| {
            let span = u64::try_from(i.as_nanos()).unwrap_or(u64::MAX).max(1);
            now + Duration::from_nanos(jitter % span)
        });
        Liveness {
            interval,
            misses_max: misses_max.max(1),
            misses: 0,
            health: Health::Unknown,
            since: now,
            rtt: None,
            next,
        }
    }

    /// When [`Liveness::handle_timeout`] is due: for the next OPTIONS.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.next
    }

    /// Says whether an OPTIONS is due; the next is due one interval later.
    pub fn handle_timeout(&mut self, now: Time) -> Option<LivenessAct> {
        let due = self.next.filter(|next| *next <= now)?;
        let interval = self.interval?;
        // Keeps its phase, unless the clock jumped over a whole interval.
        let next = due + interval;
        self.next = Some(if next <= now { now + interval } else { next });
        Some(LivenessAct::SendOptions)
    }

    /// The gateway answered something (an OPTIONS, a call); `rtt` when it was measured.
    pub fn answered(&mut self, now: Time, rtt: Option<Duration>) -> Option<Change> {
        self.misses = 0;
        self.rtt = rtt.or(self.rtt);
        self.turn(Health::Up, now).then_some(Change::Up)
    }

    /// An OPTIONS or a call got no answer, or could not be sent.
    pub fn missed(&mut self, now: Time) -> Option<Change> {
        self.misses = self.misses.saturating_add(1);
        (self.misses >= self.misses_max && self.turn(Health::Down, now)).then_some(Change::Down)
    }

    fn turn(&mut self, health: Health, now: Time) -> bool {
        let changed = self.health != health;
        if changed {
            self.health = health;
            self.since = now;
        }
        changed
    }

    /// What is known.
    #[must_use]
    pub fn state(&self) -> Health {
        self.health
    }

    /// Whether calls may be sent to it without hesitation: known up, or unknown.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.health != Health::Down
    }

    /// The last measured round trip.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Misses in a row.
    #[must_use]
    pub fn misses(&self) -> u32 {
        self.misses
    }

    /// Since when the present health holds.
    #[must_use]
    pub fn since(&self) -> Time {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_misses_make_it_down_and_the_first_answer_up() {
        let minute = Duration::from_secs(60);
        let mut life = Liveness::new(Some(minute), 5, Time::ZERO, 7_000_000_000);
        assert_eq!((life.state(), life.is_up()), (Health::Unknown, true));
        let mut now = life.next_deadline().unwrap();
        assert_eq!(now, Time::from_millis(7_000));
        for miss in 1..=5 {
            assert_eq!(life.handle_timeout(now), Some(LivenessAct::SendOptions));
            assert_eq!(life.handle_timeout(now), None);
            let change = life.missed(now);
            assert_eq!(change, (miss == 5).then_some(Change::Down));
            now = life.next_deadline().unwrap();
        }
        assert_eq!(life.missed(now), None, "reported once");
        assert_eq!(life.answered(now, Some(Duration::from_millis(12))), Some(Change::Up));
        assert_eq!((life.misses(), life.since(), life.is_up()), (0, now, true));
        assert_eq!(life.answered(now, None), None);
        assert_eq!(life.rtt(), Some(Duration::from_millis(12)));
    }

    #[test]
    fn without_an_interval_calls_alone_judge() {
        let mut life = Liveness::new(None, 0, Time::ZERO, 3);
        assert_eq!(life.next_deadline(), None);
        assert_eq!(life.missed(Time::ZERO), Some(Change::Down));
    }

    #[test]
    fn a_long_pause_asks_once() {
        let mut life = Liveness::new(Some(Duration::from_secs(10)), 3, Time::ZERO, 0);
        let late = Time::from_millis(95_000);
        assert!(life.handle_timeout(late).is_some());
        assert!(life.handle_timeout(late).is_none());
        assert_eq!(life.next_deadline(), Some(Time::from_millis(105_000)));
    }
}
