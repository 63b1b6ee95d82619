//! A stream that passes as it is but for named events and descriptions of silence: some are taken out of its numbers,
//! others put in.
//!
//! For digits between events and signalling no sound has to be touched, whatever the codec. Sequence numbers
//! are moved by as many packets as have been put in more than taken out, so that the receiver sees neither
//! holes nor repetitions. Reports of either side speak of packets as their own peer counts them: [`Shift::moved`].
//! Enter through [`Shift::pass`], [`Shift::skip`] and [`Shift::place`].

use base::Time;
use rtp::{Header, Packet};

/// Places where numbers began to be moved by more or less that are remembered, for what comes late.
const STEPS: usize = 4;
/// What is further behind has its number by the last place alone.
const LATE_MAX: u16 = 0x4000;

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
    /// From which number on how much is added, the last one first.
    steps: [(u16, u16); STEPS],
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
            steps: [(0, 0); STEPS],
            packets: 0,
            octets: 0,
            moment: (Time::ZERO, 0),
        }
    }

    /// A packet goes on under its new number.
    pub(crate) fn pass(&mut self, now: Time, header: &Header, bytes: &mut [u8]) {
        let mut more = self.more();
        if self.meet(header) {
            (self.moment, more) = ((now, header.timestamp), self.more());
            if self.highest.wrapping_sub(self.steps[0].0) >= LATE_MAX {
                self.steps = [(self.highest.wrapping_sub(LATE_MAX / 2), more); STEPS];
            }
        } else {
            let step = self.steps.iter().find(|(from, _)| header.sequence.wrapping_sub(*from) < 0x8000);
            more = step.or(self.steps.last()).map_or(more, |(_, more)| *more);
        }
        let sequence = header.sequence.wrapping_add(more);
        if let Ok(mut packet) = Packet::parse(bytes) {
            packet.set_sequence(sequence);
        }
    }

    /// A packet with so many octets does not go on.
    pub(crate) fn skip(&mut self, header: &Header, octets: usize) {
        if self.meet(header) {
            self.turn(self.more().wrapping_sub(1), self.highest);
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
            self.steps = [(header.sequence, 0); STEPS];
            (self.packets, self.octets) = (0, 0);
            return true;
        }
        let newest = header.sequence.wrapping_sub(self.highest).wrapping_sub(1) < 0x7fff;
        if newest {
            self.highest = header.sequence;
        }
        newest
    }

    /// By how much the newest packet is moved.
    fn more(&self) -> u16 {
        self.steps[0].1
    }

    /// Later packets are moved by so many. `first`: where the last step is when nothing has gone on since.
    fn turn(&mut self, more: u16, first: u16) {
        if self.steps[0].0 != first {
            self.steps.rotate_right(1);
        }
        self.steps[0] = (self.highest.wrapping_add(1), more);
    }

    /// SSRC and number of a packet that is put in behind the newest; none before the first has come.
    pub(crate) fn place(&mut self) -> Option<(u32, u16)> {
        let ssrc = self.ssrc?;
        let next = self.highest.wrapping_add(1);
        let sequence = next.wrapping_add(self.more());
        self.turn(self.more().wrapping_add(1), next);
        Some((ssrc, sequence))
    }

    /// By how much the numbers of a source are moved now.
    pub(crate) fn moved(&self, ssrc: u32) -> Moved {
        if self.ssrc != Some(ssrc) {
            return Moved::default();
        }
        // Of 16 bits with a sign.
        let numbers = i32::from(self.more() as i16) as u32;
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

    #[test]
    fn what_comes_late_behind_several_that_were_taken_out_has_the_number_of_its_place() {
        let mut shift = Shift::new(8_000);
        assert_eq!((passed(&mut shift, 8), passed(&mut shift, 10)), (8, 10));
        [11, 12, 14].iter().for_each(|number| shift.skip(&header(*number), 4));
        assert_eq!((passed(&mut shift, 9), passed(&mut shift, 13)), (9, 11));
        assert_eq!((passed(&mut shift, 15), passed(&mut shift, 17)), (12, 14));
        assert_eq!((shift.place(), shift.place()), (Some((9, 15)), Some((9, 16))));
        assert_eq!((passed(&mut shift, 16), passed(&mut shift, 18)), (13, 17));
        // Of one packet alone that is taken out between others.
        for number in (19..80u16).step_by(3) {
            let before = passed(&mut shift, number);
            shift.skip(&header(number + 2), 4);
            assert_eq!(passed(&mut shift, number + 1), before + 1, "{number}");
        }
    }

    #[test]
    fn numbers_follow_each_other_however_long_nothing_is_taken_out() {
        let mut shift = Shift::new(8_000);
        passed(&mut shift, 100);
        shift.skip(&header(101), 4);
        let mut last = 100u16;
        for number in (0..200_000u32).map(|n| (n + 102) as u16) {
            let next = passed(&mut shift, number);
            assert_eq!(next, last.wrapping_add(1), "{number}");
            last = next;
        }
    }
}
