//! A call of two phones whose caller's source moves while it is relayed, plain or with keys, and who hears whom meanwhile.

use crate::hearing::{await_datagram, find};
use crate::keyed::Keyed;
use crate::phone::{Dialog, Phone, rtp_packet};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// What the caller and the callee say, and under which source.
const SAYS: [(u32, u8); 2] = [(0x1111, 0xA5), (0x2222, 0x5A)];
/// How soon one that has moved is to be heard.
const SOON: Duration = Duration::from_secs(1);

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
}

impl Moving<'_> {
    /// The caller says something from a socket; whether the callee hears it within this time, and nothing else.
    ///
    /// # Panics
    /// It hears something else.
    pub fn is_heard(&mut self, from: &UdpSocket, within: Duration) -> bool {
        self.sequence += 1;
        let clear = rtp_packet(SAYS[0].0, self.sequence, SAYS[0].1);
        let packet = self.keys.as_ref().map_or(clear.clone(), |(own, _)| own.protect(0, &clear));
        from.send_to(&packet, self.caller.1.relay).expect("a packet sent");
        let heard = find(&self.callee.0.rtp, within, |bytes, _| Some(bytes.to_vec()));
        assert!(heard.as_ref().is_none_or(|heard| heard[1..] == clear[1..]), "what was said just now");
        heard.is_some()
    }

    /// Each says something, the caller from this socket, and the other hears it.
    ///
    /// # Panics
    /// It does not.
    pub fn talk(&mut self, from: &UdpSocket) {
        assert!(self.is_heard(from, crate::PATIENCE), "the caller is not heard");
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
        let begun = Instant::now();
        while !self.is_heard(to, Duration::from_millis(20)) {
            assert!(begun.elapsed() < SOON, "not followed within a second");
        }
        (0..20).for_each(|_| self.talk(to));
    }
}
