//! One flow kept open towards a registrar: pings by double CRLF, and the watch for their answers. RFC 5626 §4.4.1.
//!
//! Values and deadlines only: the owner writes the ping and reports the pong.

use base::Time;
use std::time::Duration;

/// A pong has this long to come (RFC 5626 §4.4.1): limit `pong_wait`.
const PONG_MAX: Duration = Duration::from_secs(10);

/// What the owner does now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// A ping is to be sent.
    Ping,
    /// The flow is dead: no pong came.
    Failed,
}

/// See the module text.
#[derive(Clone, Debug)]
pub struct Keepalive {
    every: Duration,
    /// Whether pings are answered; over UDP they only keep a NAT's mapping.
    answered: bool,
    due: Time,
    /// A ping waits for its pong.
    waits: bool,
}

impl Keepalive {
    /// Pings a flow every `every`, less up to a fifth of it as `dice` falls, so that many flows do not ping at once.
    #[must_use]
    pub fn new(every: Duration, answered: bool, now: Time, dice: u64) -> Keepalive {
        let mut one = Keepalive { every, answered, due: now, waits: false };
        one.due = now + one.pause(dice);
        one
    }

    fn pause(&self, dice: u64) -> Duration {
        let thousandths = 800 + u32::try_from(dice % 201).unwrap_or(0);
        self.every / 1_000 * thousandths
    }

    /// When [`Keepalive::handle_timeout`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Time {
        self.due
    }

    /// What is to be done now.
    pub fn handle_timeout(&mut self, now: Time, dice: u64) -> Option<Act> {
        if self.due > now {
            return None;
        }
        if self.waits {
            return Some(Act::Failed);
        }
        self.waits = self.answered;
        self.due = now + if self.waits { PONG_MAX } else { self.pause(dice) };
        Some(Act::Ping)
    }

    /// A pong came.
    pub fn ponged(&mut self, now: Time, dice: u64) {
        if self.waits {
            self.waits = false;
            self.due = now + self.pause(dice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_flow_lives_while_its_pings_are_answered() {
        let mut one = Keepalive::new(Duration::from_secs(30), true, at(0), 0);
        assert_eq!(one.next_deadline(), at(24));
        assert_eq!(one.handle_timeout(at(23), 0), None);
        assert_eq!(one.handle_timeout(at(24), 0), Some(Act::Ping));
        assert_eq!(one.next_deadline(), at(34));
        one.ponged(at(25), 200);
        assert_eq!(one.next_deadline(), at(55));
        one.ponged(at(50), 0);
        assert_eq!(one.next_deadline(), at(55), "one that nobody asked for changes nothing");
        assert_eq!(one.handle_timeout(at(55), 0), Some(Act::Ping));
        assert_eq!(one.handle_timeout(at(64), 0), None);
        assert_eq!(one.handle_timeout(at(65), 0), Some(Act::Failed));
    }

    #[test]
    fn over_udp_nobody_answers_and_nothing_fails() {
        let mut one = Keepalive::new(Duration::from_secs(10), false, at(0), 200);
        for second in [10, 20, 30] {
            assert_eq!(one.handle_timeout(at(second), 200), Some(Act::Ping));
        }
    }
}
