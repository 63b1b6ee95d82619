//! A stream that passes as it is but for named events and descriptions of silence: some are taken out of its numbers,
//! others put in.
//!
//! For digits between events and signalling no sound has to be touched, whatever the codec. Sequence numbers
//! are moved by as many packets as have been put in more than taken out, so that the receiver sees neither
//! holes nor repetitions. Reports of either side speak of packets as their own peer counts them: [`Shift::moved`].
//! Enter through [`Shift::pass`], [`Shift::skip`] and [`Shift::place`].

use base::Time;
use rtp::{Header, Packet};

/// How the numbers of a source that reach the receiver differ from those of its sender. All wrap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    /// What was added to sequence numbers.
    pub numbers: u32,
    /// Packets that were sent more than came, and octets of their payloads (RFC 3550 §6.4.1).
    pub packets: u32,
    /// See `packets`.
    pub octets: u32,
}

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
    /// Packets and octets that were put in more than taken out.
    packets: u32,
    octets: u32,
    /// A moment of the stream, by our clock and its own.
    moment: (Time, u32),
}

impl Shift {
    pub(crate) fn new(clock: u32) -> Shift {
        Shift {
            clock,
            ssrc: None,
            highest: 0,
            more: 0,
            before: 0,
            from: 0,
            packets: 0,
            octets: 0,
            moment: (Time::ZERO, 0),
        }
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

    /// A packet with so many octets does not go on.
    pub(crate) fn skip(&mut self, header: &Header, octets: usize) {
        if self.meet(header) {
            self.turn(self.more.wrapping_sub(1));
        }
        self.packets = self.packets.wrapping_sub(1);
        self.cut(octets);
    }

    /// A packet goes on without so many of its octets.
    pub(crate) fn cut(&mut self, octets: usize) {
        self.octets = self.octets.wrapping_sub(octets as u32);
    }

    /// A packet with so many octets is put in.
    pub(crate) fn put_in(&mut self, octets: usize) {
        (self.packets, self.octets) = (self.packets.wrapping_add(1), self.octets.wrapping_add(octets as u32));
    }

    /// Notes a packet; whether it is the newest.
    fn meet(&mut self, header: &Header) -> bool {
        if self.ssrc != Some(header.ssrc) {
            (self.ssrc, self.highest) = (Some(header.ssrc), header.sequence);
            (self.more, self.before, self.from) = (0, 0, header.sequence);
            (self.packets, self.octets) = (0, 0);
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
    pub(crate) fn moved(&self, ssrc: u32) -> Moved {
        if self.ssrc != Some(ssrc) {
            return Moved::default();
        }
        // Of 16 bits with a sign.
        let numbers = i32::from(self.more as i16) as u32;
        Moved { numbers, packets: self.packets, octets: self.octets }
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
        for number in [0, 0, 1] {
            shift.skip(&header(number), 4);
        }
        let moved = Moved { numbers: -2i32 as u32, packets: -3i32 as u32, octets: -12i32 as u32 };
        assert_eq!((shift.moved(9), shift.moved(8)), (moved, Moved::default()));
        assert_eq!((passed(&mut shift, 2), passed(&mut shift, 3)), (0, 1));
        assert_eq!(shift.place(), Some((9, 2)));
        assert_eq!(shift.place(), Some((9, 3)));
        assert_eq!(shift.timestamp(Time::from_millis(70)), 3 * 160 + 80);
        // A loss stays one, and what comes late has its number of before.
        assert_eq!((passed(&mut shift, 5), passed(&mut shift, 4)), (5, 4));
    }
}
