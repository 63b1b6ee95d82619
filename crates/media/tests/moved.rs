//! Sides whose source moves though their trunk latches to nobody (`latch = "off"`): who is followed, and who is not.

#![allow(clippy::unwrap_used)]

mod common;

use base::Time;
use common::{a, at, b, rtcp, rtp};
use media::{
    Component, Datagram, DropReason, Keys, Latch, Remote, Reply, Session, SessionId, Side, Srtp, Verdict,
};
use srtp::{MasterKey, Mint, Protector, Suite};
use std::net::SocketAddr;
use std::time::Duration;

/// A session between a side that moves and one that stays.
struct Room {
    session: Session,
    now: Time,
    /// What the moving side protects with.
    key: Option<Protector>,
    /// The number of what the side that stays said last.
    said: u16,
}

impl Room {
    fn plain() -> Room {
        Room::new(Srtp::Off, None)
    }

    fn keyed() -> Room {
        let (receive, send) = (draw(5), draw(6));
        let keys = Keys { receive: receive.clone(), send };
        Room::new(Srtp::On(Box::new(keys)), Some(Protector::new(receive)))
    }

    fn new(srtp: Srtp, key: Option<Protector>) -> Room {
        let mut session = Session::new(SessionId(1), Time::ZERO, 1);
        assert_eq!(Remote::audio(a()).latch, Latch::Off, "the default");
        assert!(session.set(Time::ZERO, Side::A, 0, Remote { srtp, ..Remote::audio(a()) }));
        assert!(session.set(Time::ZERO, Side::B, 0, Remote::audio(b())));
        Room { session, now: Time::ZERO, key, said: 0 }
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.session.on_tick(self.now);
    }

    fn put(
        &mut self,
        (side, component): (Side, Component),
        source: SocketAddr,
        packet: &[u8],
    ) -> Result<SocketAddr, DropReason> {
        let mut buffer = [packet, &[0; 64]].concat();
        let datagram = Datagram { buffer: &mut buffer, length: packet.len() };
        match self.session.on_packet(self.now, side, 0, component, source, datagram) {
            Verdict::Relay { to, .. } => Ok(to),
            Verdict::Drop(reason) => Err(reason),
            other => unreachable!("{other:?}"),
        }
    }

    /// A packet of the side's, protected where it has a key.
    fn packet(&mut self, ssrc: u32, n: u16) -> Vec<u8> {
        let clear = rtp(ssrc, n, 8);
        let mut buffer = [&clear[..], &[0; 64]].concat();
        let length = self.key.as_mut().map_or(clear.len(), |key| key.rtp(&mut buffer, clear.len()).unwrap());
        buffer[..length].to_vec()
    }

    fn says(&mut self, source: SocketAddr, ssrc: u32, n: u16) -> Result<SocketAddr, DropReason> {
        let packet = self.packet(ssrc, n);
        self.put((Side::A, Component::Rtp), source, &packet)
    }

    fn says_control(&mut self, source: SocketAddr, ssrc: u32) -> Result<SocketAddr, DropReason> {
        let clear = rtcp(ssrc, Some(7), None);
        let mut buffer = [&clear[..], &[0; 64]].concat();
        let length = self.key.as_mut().map_or(clear.len(), |key| key.rtcp(&mut buffer, clear.len()).unwrap());
        self.put((Side::A, Component::Rtcp), source, &buffer[..length])
    }

    /// The side speaks from where it said for 20 packets.
    fn talks(&mut self) {
        for n in 1..=20 {
            assert_eq!(self.says(a(), 1, n), Ok(b()));
            self.pass(20);
        }
        assert_eq!(self.filter(), Some(a()), "the system refuses others");
    }

    fn filter(&self) -> Option<SocketAddr> {
        self.session.filter(Side::A, 0, Component::Rtp)
    }

    /// Where media for the side go.
    fn target(&mut self) -> SocketAddr {
        self.said += 1;
        self.put((Side::B, Component::Rtp), b(), &rtp(2, self.said, 8)).unwrap()
    }

    fn rebinds(&self) -> u32 {
        self.session.report(self.now).a[0].rebinds
    }

    fn dropped(&self, reason: DropReason) -> u32 {
        self.session.report(self.now).a[0].dropped.of(reason)
    }
}

fn draw(seed: u8) -> MasterKey {
    Mint::new([seed; 32]).draw(Suite::AesCm128Sha1_80).unwrap()
}

const FOREIGN: Result<SocketAddr, DropReason> = Err(DropReason::ForeignSource);

#[test]
fn a_plain_source_that_changes_its_port_is_followed_at_the_second_packet_of_its_stream() {
    let mut room = Room::plain();
    room.talks();
    let (moved, far) = (at("192.0.2.1:4444"), at("203.0.113.5:4000"));
    assert_eq!(room.says(moved, 1, 21), FOREIGN, "the old source still talks");
    room.pass(400);
    assert_eq!(room.filter(), None, "silent: listen to all");
    for n in 40..50 {
        assert_eq!(room.says(far, 1, n), FOREIGN, "another host");
        assert_eq!(room.says(at("192.0.2.1:4445"), 9, n), FOREIGN, "another stream");
    }
    assert_eq!(room.says(moved, 1, 5), FOREIGN, "an old number");
    assert_eq!(room.says(moved, 1, 41), FOREIGN, "one is no proof");
    assert_eq!(room.says(moved, 1, 42), Ok(b()));
    assert_eq!((room.target(), room.rebinds()), (moved, 1));
    let told = Reply::Latched { session: SessionId(1), side: Side::A, stream: 0, source: moved };
    assert_eq!(room.session.poll_reply(), Some(told));
    assert_eq!(room.filter(), None, "the exact one may come back");
    room.pass(20);
    assert_eq!(room.says(a(), 1, 43), Ok(b()), "and is preferred");
    assert_eq!((room.target(), room.filter()), (a(), Some(a())));
    assert_eq!(room.says(moved, 1, 44), FOREIGN, "while it speaks");
    room.pass(400);
    assert_eq!(room.says(moved, 1, 60), Ok(b()), "who was put out is heard again");
}

#[test]
fn a_plain_source_that_never_spoke_from_where_it_said_is_not_latched_to() {
    let mut room = Room::plain();
    for n in 1..100 {
        room.pass(20);
        assert_eq!(room.says(at("192.0.2.1:4444"), 1, n), FOREIGN);
    }
    assert_eq!((room.target(), room.rebinds()), (a(), 0));
    // Nor from where it did before its last description.
    let mut room = Room::plain();
    room.talks();
    let next = Remote { rtp: Some(at("192.0.2.1:4100")), ..Remote::audio(a()) };
    assert!(room.session.set(room.now, Side::A, 0, next));
    room.pass(2_500);
    for n in 40..100 {
        room.pass(20);
        assert_eq!(room.says(at("192.0.2.1:4444"), 1, n), FOREIGN);
    }
}

#[test]
fn a_keyed_source_that_moves_is_followed_from_anywhere_by_its_tag() {
    let mut room = Room::keyed();
    room.talks();
    let (moved, thief) = (at("203.0.113.6:9000"), at("203.0.113.9:1"));
    assert_eq!(room.says(moved, 1, 21), FOREIGN, "the old source still talks");
    room.pass(400);
    assert_eq!(room.filter(), None, "silent: listen to all");
    for n in 40..50 {
        let forged = [rtp(1, n, 8), vec![7; 10]].concat();
        let verdict = room.put((Side::A, Component::Rtp), thief, &forged);
        assert_eq!(verdict, Err(DropReason::SrtpForged));
    }
    assert_eq!(room.says(moved, 7, 3), Ok(b()), "with another source, at the first packet");
    assert_eq!((room.target(), room.rebinds()), (moved, 1));
    assert_eq!(room.filter(), None, "the exact one may come back");
    room.pass(20);
    assert_eq!(room.says(a(), 7, 4), Ok(b()), "and is preferred");
    assert_eq!((room.target(), room.filter()), (a(), Some(a())));
}

#[test]
fn a_keyed_peer_that_is_elsewhere_from_the_beginning_is_found_by_its_tag() {
    let mut room = Room::keyed();
    let (nat, thief) = (at("203.0.113.6:9000"), at("203.0.113.9:1"));
    let plain = room.put((Side::A, Component::Rtp), thief, &rtp(1, 1, 8));
    assert_eq!(plain, Err(DropReason::SrtpForged));
    assert_eq!(room.target(), a());
    assert_eq!(room.says(nat, 1, 1), Ok(b()));
    assert_eq!((room.target(), room.rebinds()), (nat, 0), "it has not moved");
    assert_eq!(room.says(a(), 1, 2), Ok(b()), "the exact one is preferred all the same");
    assert_eq!(room.target(), a());
}

#[test]
fn control_follows_media_that_have_moved_and_nothing_else() {
    for keyed in [false, true] {
        let mut room = if keyed { Room::keyed() } else { Room::plain() };
        let (exact, there) = (at("192.0.2.1:4001"), at("198.51.100.2:5001"));
        let (moved, control) = (at("192.0.2.1:4444"), at("192.0.2.1:4450"));
        room.talks();
        assert_eq!(room.says_control(exact, 1), Ok(there));
        assert_eq!(room.session.filter(Side::A, 0, Component::Rtcp), Some(exact));
        room.pass(10_000);
        assert_eq!(room.says_control(control, 1), FOREIGN, "its media have not moved");
        let _ = room.says(moved, 1, 40);
        assert_eq!(room.says(moved, 1, 41), Ok(b()));
        assert_eq!(room.session.filter(Side::A, 0, Component::Rtcp), None);
        assert_eq!(room.says_control(at("203.0.113.9:1"), 1), FOREIGN, "another host");
        assert_eq!(room.says_control(control, 9), Err(DropReason::Ssrc), "another source");
        assert_eq!(room.says_control(control, 1), Ok(there));
        let back = room.put((Side::B, Component::Rtcp), there, &rtcp(2, Some(1), None));
        assert_eq!(back, Ok(control));
        assert_eq!(room.says_control(exact, 1), Ok(there), "the exact one at any time");
        let back = room.put((Side::B, Component::Rtcp), there, &rtcp(2, Some(1), None));
        assert_eq!(back, Ok(exact));
    }
}

#[test]
fn a_flood_of_wrong_tags_is_tried_within_bounds_and_does_not_hide_a_peer_that_moves() {
    let mut room = Room::keyed();
    room.talks();
    let thief = at("203.0.113.9:1");
    let flood = |room: &mut Room, from: u16| {
        for n in 0..1_000 {
            let forged = [rtp(9, from.wrapping_add(n), 8), vec![7; 10]].concat();
            let _ = room.put((Side::A, Component::Rtp), thief, &forged);
        }
    };
    flood(&mut room, 0);
    assert_eq!(room.dropped(DropReason::ForeignSource), 1_000, "none is tried while the peer speaks");
    assert_eq!(room.says(a(), 1, 21), Ok(b()));
    room.pass(400);
    for second in 0..3 {
        flood(&mut room, 1_000 * second);
        room.pass(200);
    }
    let counts = [DropReason::SrtpForged, DropReason::SrtpUntried].map(|reason| room.dropped(reason));
    assert_eq!(counts, [1_500, 1_500]);
    flood(&mut room, 0);
    assert_eq!(room.says(at("203.0.113.6:9000"), 1, 70), Ok(b()), "who goes on with the stream is known");
}

#[test]
fn one_that_has_moved_is_heard_no_more_when_another_party_takes_its_place() {
    let mut room = Room::plain();
    room.talks();
    room.pass(400);
    let (moved, new) = (at("192.0.2.1:4444"), at("192.0.2.1:4100"));
    let _ = room.says(moved, 1, 40);
    assert_eq!(room.says(moved, 1, 41), Ok(b()));
    assert!(room.session.set(room.now, Side::A, 0, Remote { other: true, ..Remote::audio(new) }));
    assert_eq!(room.target(), new);
    for n in 42..60 {
        room.pass(20);
        assert_eq!(room.says(moved, 1, n), FOREIGN);
    }
    assert_eq!(room.says(new, 7, 1), Ok(b()));
    room.pass(400);
    for n in 60..70 {
        assert_eq!(room.says(moved, 1, n), FOREIGN, "nor is its stream that of the other party");
    }
}
