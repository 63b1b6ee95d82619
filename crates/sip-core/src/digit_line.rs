//! Digits on their way to a peer in INFO requests: one at a time, so that none overtakes another.
//!
//! A request with a lower CSeq than one before is refused (RFC 3261 §12.2.2), so a digit that is lost on the
//! way and repeated would be lost for good if the next had gone already. Values only: the owner sends what it
//! is given. Enter through [`DigitLine::push`] and [`DigitLine::answered`].

use crate::digit::InfoDigit;
use std::collections::VecDeque;

/// Digits that may wait for one peer, limit `digits_told`; further ones are lost and counted.
pub const WAITING_MAX: usize = 32;

/// See the module text.
#[derive(Clone, Default, Debug)]
pub struct DigitLine {
    waiting: VecDeque<InfoDigit>,
    /// A request has no answer yet.
    under_way: bool,
    /// How many parties have gone from the end of this line.
    turn: u16,
    lost: u64,
}

impl DigitLine {
    /// A further digit; gives it back when it is to be sent now.
    pub fn push(&mut self, digit: InfoDigit) -> Option<InfoDigit> {
        if !self.under_way {
            self.under_way = true;
            return Some(digit);
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(digit);
        } else {
            self.lost += 1;
        }
        None
    }

    /// The request under way has its final answer, or none will come; what is to be sent now. A refusal is the
    /// end of that digit: said again it could be heard twice. `turn`: that of the line when it was sent; the
    /// answer of a party that has gone moves nothing.
    pub fn answered(&mut self, turn: u16, taken: bool) -> Option<InfoDigit> {
        self.lost += u64::from(!taken);
        if turn != self.turn {
            return None;
        }
        let next = self.waiting.pop_front();
        self.under_way = next.is_some();
        next
    }

    /// Which party stands at its end: what is sent now is answered with this number.
    #[must_use]
    pub fn turn(&self) -> u16 {
        self.turn
    }

    /// The party at its end has gone, and what waited for it is lost.
    pub fn leave(&mut self) {
        self.lost += self.waiting.len() as u64;
        self.waiting.clear();
        self.under_way = false;
        self.turn = self.turn.wrapping_add(1);
    }

    /// Digits that never reached the peer, since this was asked last.
    #[must_use]
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(event: u8) -> InfoDigit {
        InfoDigit { event, duration_ms: 100 }
    }

    #[test]
    fn one_goes_at_a_time_and_in_order() {
        let mut line = DigitLine::default();
        assert_eq!(line.push(digit(1)), Some(digit(1)));
        assert_eq!((line.push(digit(2)), line.push(digit(3))), (None, None));
        assert_eq!(line.answered(0, true), Some(digit(2)));
        assert_eq!(line.answered(0, false), Some(digit(3)));
        assert_eq!(line.answered(0, true), None);
        assert_eq!((line.push(digit(4)), line.take_lost()), (Some(digit(4)), 1));
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut line = DigitLine::default();
        (0..40).for_each(|_| _ = line.push(digit(1)));
        assert_eq!((line.take_lost(), line.take_lost()), (7, 0));
    }

    #[test]
    fn what_waits_for_a_party_that_goes_is_lost_and_its_late_answer_moves_nothing() {
        let mut line = DigitLine::default();
        assert_eq!((line.push(digit(1)), line.push(digit(2))), (Some(digit(1)), None));
        line.leave();
        assert_eq!((line.take_lost(), line.turn()), (1, 1));
        assert_eq!((line.push(digit(3)), line.push(digit(4))), (Some(digit(3)), None));
        assert_eq!((line.answered(0, false), line.take_lost()), (None, 1));
        assert_eq!(line.answered(1, true), Some(digit(4)));
    }
}
