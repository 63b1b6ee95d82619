//! A stream that passes as it is but for named events: some are taken out of its numbers, others put in.
//!
//! For digits between events and signalling no sound has to be touched, whatever the codec. Sequence numbers
//! are moved by as many packets as have been put in more than taken out, so that the receiver sees neither
//! holes nor repetitions. Enter through [`Shift::pass`], [`Shift::skip`] and [`Shift::place`].

use base::Time;
use rtp::{Header, Packet};

/// See the module text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    /// Ticks of the stream's clock in a second.
    clock: u32,
    ssrc: Option<u32>,
    /// The newest number that came.
    highest: u16,
    /// What is added to numbers from `from` on, and what was added before.
    more: u16,
    before: u16,
    from: u16,
    /// A moment of the stream, by our clock and its own.
    moment: (Time, u32),
}

impl Shift {
    pub(crate) fn new(clock: u32) -> Shift {
        Shift { clock, ssrc: None, highest: 0, more: 0, before: 0, from: 0, moment: (Time::ZERO, 0) }
    }

    /// A packet goes on under its new number.
    pub(crate) fn pass(&mut self, now: Time, header: &Header, bytes: &mut [u8]) {
        if self.meet(header) {
            self.moment = (now, header.timestamp);
        }
        let new = header.sequence.wrapping_sub(self.from) < 0x8000;
        let sequence = header.sequence.wrapping_add(if new { self.more } else { self.before });
        if let Ok(mut packet) = Packet::parse(bytes) {
            packet.set_sequence(sequence);
        }
    }

    /// A packet does not go on.
    pub(crate) fn skip(&mut self, header: &Header) {
        if self.meet(header) {
            self.turn(self.more.wrapping_sub(1));
        }
    }

    /// Notes a packet; whether it is the newest.
    fn meet(&mut self, header: &Header) -> bool {
        if self.ssrc != Some(header.ssrc) {
            (self.ssrc, self.highest) = (Some(header.ssrc), header.sequence);
            (self.more, self.before, self.from) = (0, 0, header.sequence);
            return true;
        }
        let newest = header.sequence.wrapping_sub(self.highest).wrapping_sub(1) < 0x7fff;
        if newest {
            self.highest = header.sequence;
        }
        newest
    }

    /// Later packets are moved by so many.
    fn turn(&mut self, more: u16) {
        (self.before, self.more) = (self.more, more);
        self.from = self.highest.wrapping_add(1);
    }

    /// SSRC and number of a packet that is put in behind the newest; none before the first has come.
    pub(crate) fn place(&mut self) -> Option<(u32, u16)> {
        let ssrc = self.ssrc?;
        let sequence = self.highest.wrapping_add(1).wrapping_add(self.more);
        self.turn(self.more.wrapping_add(1));
        Some((ssrc, sequence))
    }

    /// By how much the numbers of a source are moved now.
    pub(crate) fn moved(&self, ssrc: u32) -> u32 {
        let known = self.ssrc == Some(ssrc);
        // Of 16 bits with a sign.
        if known { i32::from(self.more as i16) as u32 } else { 0 }
    }

    /// The stream's timestamp now.
    pub(crate) fn timestamp(&self, now: Time) -> u32 {
        let ticks = now.since(self.moment.0).as_nanos() * u128::from(self.clock) / 1_000_000_000;
        // Wraps, as timestamps do.
        self.moment.1.wrapping_add(ticks as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16) -> Header {
        Header { marker: false, payload_type: 8, sequence, timestamp: u32::from(sequence) * 160, ssrc: 9 }
    }

    fn passed(shift: &mut Shift, sequence: u16) -> u16 {
        let mut bytes = [0; 12];
        assert!(header(sequence).write(&[], &mut bytes).is_ok());
        shift.pass(Time::from_millis(u64::from(sequence) * 20), &header(sequence), &mut bytes);
        Packet::parse(&bytes[..]).map(|packet| packet.sequence()).unwrap_or_default()
    }

    #[test]
    fn numbers_close_over_what_is_taken_out_and_open_for_what_is_put_in() {
        let mut shift = Shift::new(8_000);
        assert_eq!((passed(&mut shift, 65_534), passed(&mut shift, 65_535)), (65_534, 65_535));
        shift.skip(&header(0));
        shift.skip(&header(0));
        shift.skip(&header(1));
        assert_eq!((passed(&mut shift, 2), passed(&mut shift, 3)), (0, 1));
        assert_eq!(shift.place(), Some((9, 2)));
        assert_eq!(shift.place(), Some((9, 3)));
        assert_eq!(shift.timestamp(Time::from_millis(70)), 3 * 160 + 80);
        // A loss stays one, and what comes late has its number of before.
        assert_eq!((passed(&mut shift, 5), passed(&mut shift, 4)), (5, 4));
    }
}
