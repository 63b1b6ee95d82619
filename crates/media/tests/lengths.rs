//! Packets that are longer than the receiver takes, whatever was described: they are made anew, and others are not touched.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod common;

use base::Time;
use bridge::{Codec, Format, Plan, Takes};
use common::{a, b};
use media::{Component, Datagram, Remote, Session, SessionId, Side, Verdict};
use rtp::Packet;

/// Opus has a number of its own.
const OPUS: u8 = 96;

/// One way of a call whose callee takes packets of 20 ms alone.
fn plan(codec: Codec, takes: Option<Takes>) -> Plan {
    let number = if codec == Codec::G722 { 9 } else { OPUS };
    Plan { takes, ..Plan::between(vec![(number, codec)], 20, Format::new(number, codec, 20)) }
}

fn plans() -> Option<Box<[Plan; 2]>> {
    plans_of(Codec::G722)
}

fn plans_of(codec: Codec) -> Option<Box<[Plan; 2]>> {
    let takes = Takes { from_ms: 20, to_ms: 20, alone: true };
    Some(Box::new([plan(codec, Some(takes)), plan(codec, None)]))
}

struct Room {
    session: Session,
    now: u64,
    sequence: u16,
    timestamp: u32,
}

impl Room {
    fn new() -> Room {
        Room::of(Codec::G722)
    }

    fn of(codec: Codec) -> Room {
        let mut session = Session::new(SessionId(1), Time::ZERO, 1);
        session.set(Time::ZERO, Side::A, 0, Remote::audio(a()));
        session.set(Time::ZERO, Side::B, 0, Remote::audio(b()));
        assert!(session.bridge(0, plans_of(codec), 7));
        Room { session, now: 0, sequence: 1, timestamp: 0 }
    }

    /// So many packets of a length from the caller: the lengths of those that reach the callee.
    fn speak(&mut self, count: usize, ms: usize) -> Vec<usize> {
        self.send(count, ms, 9, &vec![0xd5; ms * 8], 8)
    }

    /// The same of a payload by a clock of so many ticks in a millisecond.
    fn send(&mut self, count: usize, ms: usize, payload_type: u8, payload: &[u8], ticks: u32) -> Vec<usize> {
        let mut reached = Vec::new();
        for _ in 0..count {
            let mut buffer = vec![0; 1_500];
            let header = rtp::Header {
                marker: false,
                payload_type,
                sequence: self.sequence,
                timestamp: self.timestamp,
                ssrc: 5,
            };
            let length = header.write(payload, &mut buffer).unwrap();
            self.sequence += 1;
            self.timestamp += ms as u32 * ticks;
            let packet = Datagram { buffer: &mut buffer, length };
            match self.session.on_packet(self.at(), Side::A, 0, Component::Rtp, a(), packet) {
                Verdict::Relay { length, .. } => reached.push(length - 12),
                Verdict::Taken => reached.extend(self.made()),
                other => assert_eq!(other, Verdict::Taken),
            }
            for _ in (0..ms).step_by(10) {
                self.now += 10;
                let now = self.at();
                let mut due = false;
                self.session.on_bridge_tick(now, |_, _| due = true);
                if due {
                    reached.extend(self.made());
                }
                if self.now.is_multiple_of(200) {
                    self.session.on_tick(now);
                }
            }
        }
        reached
    }

    fn at(&self) -> Time {
        Time::from_millis(self.now)
    }

    fn made(&mut self) -> Vec<usize> {
        let mut lengths = Vec::new();
        let mut buffer = vec![0; 1_500];
        loop {
            let mut packet = Datagram { buffer: &mut buffer, length: 0 };
            let Some((_, to)) = self.session.take_made(Side::A, 0, &mut packet) else { return lengths };
            assert_eq!(to, b());
            lengths.push(Packet::parse(packet.bytes()).unwrap().payload().len());
        }
    }
}

#[test]
fn packets_of_the_agreed_length_are_not_touched() {
    let mut room = Room::new();
    assert_eq!(room.speak(200, 20), [160; 200]);
    assert!(room.session.flow(Side::A, 0, Component::Rtp).is_some(), "other engines may relay them");
    assert!(!room.session.wakes());
}

#[test]
fn longer_ones_are_made_anew_within_a_second_and_so_are_all_that_follow() {
    let mut room = Room::new();
    let reached = room.speak(60, 60);
    let before = reached.iter().filter(|length| **length == 480).count();
    assert!((10..25).contains(&before), "{before} of 60 ms passed");
    assert!(reached[before..].iter().all(|length| *length == 160));
    assert!(reached.len() > before + (60 - before) * 3 - 3);
    assert!(room.session.take_changed() && room.session.flow(Side::A, 0, Component::Rtp).is_none());
    assert!(room.speak(20, 30).iter().all(|length| *length == 160));
    // The same said again changes nothing; another agreement does.
    assert!(room.session.bridge(0, plans(), 8));
    assert!(room.speak(20, 60).iter().all(|length| *length == 160));
    assert!(room.session.bridge(0, None, 9));
    assert_eq!(room.speak(10, 60), [480; 10]);
}

#[test]
fn a_few_odd_packets_are_nothing() {
    let mut room = Room::new();
    for _ in 0..20 {
        let reached = room.speak(9, 20).into_iter().chain(room.speak(1, 40)).collect::<Vec<_>>();
        assert_eq!(reached.len(), 10);
    }
    assert!(room.session.flow(Side::A, 0, Component::Rtp).is_some());
}

#[test]
fn what_bridges_have_counted_stays_when_they_are_taken_down_and_goes_on_with_the_next() {
    let mut room = Room::new();
    let counted = |room: &Room| room.session.report(room.at()).a[0].bridged.unwrap_or_default();
    let lose = |room: &mut Room| {
        room.speak(60, 60);
        (room.sequence, room.timestamp) = (room.sequence + 1, room.timestamp + 480);
        room.speak(10, 60);
    };
    lose(&mut room);
    let first = counted(&room);
    assert!(first.lost == 1 && first.concealed_ms > 0, "{first:?}");
    assert!(room.session.bridge(0, None, 8));
    room.speak(10, 60);
    assert_eq!(counted(&room), first, "packets pass as they are");
    assert!(room.session.bridge(0, plans(), 9));
    lose(&mut room);
    let both = counted(&room);
    assert_eq!((both.lost, both.concealed_ms), (2, 2 * first.concealed_ms));
    assert!(both.heard_ms > first.heard_ms);
    room.session.reject(room.at(), 0);
    assert_eq!(counted(&room).lost, 2, "also of a stream that is closed");
}

#[test]
fn how_sound_was_changed_is_told_after_it_ceased_to_be_and_no_more_once_it_has_passed_as_it_is_for_a_while() {
    let mut room = Room::new();
    let told = |room: &Room| room.session.report(room.at()).a[0].recoded.map(|how| (how.heard, how.spoken));
    room.speak(60, 60);
    assert_eq!(told(&room), Some(("G722", "G722")));
    assert!(room.session.bridge(0, None, 8));
    // What was under way, and a call that ends now.
    room.speak(10, 60);
    assert_eq!(told(&room), Some(("G722", "G722")));
    room.speak(20, 60);
    assert_eq!(told(&room), None);
    assert!(room.session.bridge(0, plans(), 9));
    room.speak(60, 60);
    assert_eq!(told(&room), Some(("G722", "G722")));
}

/// Packets of Opus tell how long they are (RFC 6716 §3.1): one byte of the configuration, and here one of DTX behind it.
#[test]
fn of_opus_the_packets_themselves_tell_how_long_they_are() {
    let opus = Codec::Opus(codec::opus::Wish::default());
    // SILK of 20 and of 60 ms, and two frames of 20 ms in one packet, as `config` and `c` say.
    let (short, long, two) = (1u8 << 3, 3u8 << 3, 1u8 << 3 | 1);
    assert_eq!([short, long, two].map(|toc| opus.packet_ms(&[toc, 0])), [20, 60, 40].map(Some));
    let mut room = Room::of(opus);
    assert_eq!(room.send(100, 20, OPUS, &[short; 40], 48), [40; 100]);
    assert!(room.session.flow(Side::A, 0, Component::Rtp).is_some(), "nothing touches them");
    let reached = room.send(60, 60, OPUS, &[long; 40], 48);
    assert!((10..25).contains(&reached.iter().take_while(|length| **length == 40).count()), "{reached:?}");
    assert!(room.session.flow(Side::A, 0, Component::Rtp).is_none());
    assert!(reached.len() > 100, "three of 20 ms leave for one of 60 ms: {}", reached.len());
    let mut room = Room::of(opus);
    room.send(60, 40, OPUS, &[two; 41], 48);
    assert!(room.session.flow(Side::A, 0, Component::Rtp).is_none());
}

#[test]
fn of_opus_that_another_engine_relays_numbers_and_timestamps_tell_how_long_packets_are() {
    for (ms, changes) in [(20, false), (60, true)] {
        let mut room = Room::of(Codec::Opus(codec::opus::Wish::default()));
        room.send(100, 20, OPUS, &[8; 40], 48);
        for _ in 0..6 {
            let mut ledger = room.session.ledger(Side::A, 0).unwrap();
            let packets = 240 / ms;
            ledger.packets += packets;
            ledger.heard += packets;
            ledger.received += packets;
            ledger.bytes += packets * 52;
            ledger.highest += packets;
            ledger.timestamp = ledger.timestamp.wrapping_add(240 * 48);
            ledger.paced_timestamp = ledger.timestamp;
            room.now += 240;
            ledger.last = room.at().0;
            room.session.follow(Side::A, 0, &ledger);
            room.session.on_tick(room.at());
        }
        assert_eq!(room.session.flow(Side::A, 0, Component::Rtp).is_none(), changes, "{ms} ms");
    }
}
