//! A call of two phones whose caller's source moves while it is relayed, plain or with keys, and who hears whom meanwhile.

use crate::hearing::{await_datagram, find};
use crate::keyed::Keyed;
use crate::phone::{Dialog, Phone, rtp_packet};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// What the caller and the callee say, and under which source.
const SAYS: [(u32, u8); 2] = [(0x1111, 0xA5), (0x2222, 0x5A)];
/// How soon one that has moved is to be heard: a second, with what a busy machine adds.
const SOON: Duration = Duration::from_millis(1_500);

/// See the module text.
#[derive(Debug)]
pub struct Moving<'p> {
    /// The caller and its side of the call.
    pub caller: (&'p Phone, Dialog),
    /// The callee, who is plain.
    pub callee: (&'p Phone, Dialog),
    /// What the caller protects with and opens with.
    pub keys: Option<(Keyed, Keyed)>,
    /// The number of what was said last.
    pub sequence: u16,
    /// The number of what was said first since the caller moved last.
    pub said_from: u16,
}

impl Moving<'_> {
    /// The caller says something from a socket; which of its words from number `first` on the callee hears within this
    /// time. A relay that was held up hands over an earlier one.
    ///
    /// # Panics
    /// It hears something else.
    fn heard_of(&mut self, from: &UdpSocket, first: u16, within: Duration) -> Option<u16> {
        self.sequence += 1;
        let clear = rtp_packet(SAYS[0].0, self.sequence, SAYS[0].1);
        let packet = self.keys.as_ref().map_or(clear.clone(), |(own, _)| own.protect(0, &clear));
        from.send_to(&packet, self.caller.1.relay).expect("a packet sent");
        self.hears(first, within)
    }

    /// The next word of the caller that the callee hears within this time.
    fn hears(&self, first: u16, within: Duration) -> Option<u16> {
        let heard = find(&self.callee.0.rtp, within, |bytes, _| Some(bytes.to_vec()))?;
        let word =
            (first..=self.sequence).find(|word| rtp_packet(SAYS[0].0, *word, SAYS[0].1)[1..] == heard[1..]);
        assert!(word.is_some(), "one of {first} to {}, but {heard:?}", self.sequence);
        word
    }

    /// Each says something, the caller from this socket, and the other hears it.
    ///
    /// # Panics
    /// It does not.
    pub fn talk(&mut self, from: &UdpSocket) {
        let first = self.said_from;
        let mut word = self.heard_of(from, first, crate::PATIENCE);
        while word.is_some_and(|word| word < self.sequence) {
            word = self.hears(first, crate::PATIENCE);
        }
        assert!(word.is_some(), "the caller is not heard");
        self.callee.0.send_rtp(self.callee.1.relay, SAYS[1].0, self.sequence, SAYS[1].1);
        let wanted = rtp_packet(SAYS[1].0, self.sequence, SAYS[1].1);
        await_datagram(from, "word of the callee", |bytes, _| {
            let opened = self.keys.as_ref().and_then(|(_, other)| other.open(0, bytes));
            (opened.as_deref().unwrap_or(bytes)[1..] == wanted[1..]).then_some(())
        });
    }

    /// The caller goes on from another socket: it is heard within a second, and from then on both hear each other.
    ///
    /// # Panics
    /// It is not.
    pub fn moves_to(&mut self, to: &UdpSocket) {
        self.said_from = self.sequence + 1;
        let begun = Instant::now();
        while self.heard_of(to, self.said_from, Duration::from_millis(20)).is_none() {
            assert!(begun.elapsed() < SOON, "not followed within a second");
        }
        (0..20).for_each(|_| self.talk(to));
    }
}
