//! Payload types of a description pass for a while after another one holds, and then no more.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod common;

use base::Time;
use common::{a, b, rtp};
use media::{Component, Datagram, DropReason, Remote, Session, SessionId, Side, Verdict};

struct Room {
    session: Session,
    now: u64,
}

impl Room {
    fn describe(&mut self, types: &[u8]) {
        let payload_types = Remote::bitmap(types.iter().copied());
        let remote = Remote { payload_types, ..Remote::audio(a()) };
        assert!(self.session.set(Time::from_millis(self.now), Side::A, 0, remote));
    }

    /// Whether a packet of the caller's passes; else for its type it does not.
    fn passes(&mut self, sequence: u16, payload_type: u8) -> bool {
        let mut buffer = rtp(1, sequence, payload_type);
        let length = buffer.len();
        let (now, packet) = (Time::from_millis(self.now), Datagram { buffer: &mut buffer, length });
        match self.session.on_packet(now, Side::A, 0, Component::Rtp, a(), packet) {
            Verdict::Relay { to, .. } => to == b(),
            verdict => {
                assert_eq!(verdict, Verdict::Drop(DropReason::PayloadType));
                false
            }
        }
    }
}

#[test]
fn payload_types_of_before_pass_for_a_while_and_then_no_more() {
    let mut room = Room { session: Session::new(SessionId(3), Time::ZERO, 1), now: 0 };
    assert!(room.session.set(Time::ZERO, Side::B, 0, Remote::audio(b())));
    room.describe(&[8, 101]);
    assert!(room.passes(1, 8));
    room.describe(&[9, 101]);
    assert!(room.passes(2, 9) && room.passes(3, 8) && room.passes(4, 101) && !room.passes(5, 0));
    room.now += 2_000;
    room.session.on_tick(Time::from_millis(room.now));
    assert!(!room.passes(6, 8) && room.passes(7, 9));
    // Of a description that nobody spoke by nothing is left.
    room.describe(&[0]);
    room.describe(&[18]);
    assert!(!room.passes(8, 0));
}
