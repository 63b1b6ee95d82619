//! Sides that are silent because they listen, and sides that are not heard although they speak.

use super::{first, hear, packet, session};
use crate::common::{self, a, b};
use base::Time;
use media::{Component, Datagram, OneWay, Remote, Reply, Session, Side};
use std::net::SocketAddr;
use std::time::Duration;

/// Side B speaks in talkspurts as RFC 3551 §4.1 has it, while side A speaks all the time.
struct Spurts {
    session: Session,
    now: Time,
    number: u32,
    said: Vec<(u64, Option<OneWay>)>,
}

impl Spurts {
    fn new() -> Spurts {
        Spurts { session: session(), now: Time::ZERO, number: 0, said: Vec::new() }
    }

    /// Seconds go by. `marks`: B speaks, with the marker set in its first packet; `jumps`: its timestamps have gone on
    /// since it fell silent.
    fn pass(&mut self, seconds: u64, speaks: Option<(bool, bool)>) {
        for step in 0..seconds * 50 {
            let ms = self.now.0 / 1_000_000;
            hear(&mut self.session, self.now, (Side::A, a()), packet((ms / 20) as u32, 0x10));
            if let Some((marks, jumps)) = speaks {
                let mut bytes = packet(self.number, 0x10);
                bytes[1] |= u8::from(marks && step == 0) << 7;
                let timestamp = if jumps { ms as u32 * 8 } else { self.number * 160 };
                bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
                hear(&mut self.session, self.now, (Side::B, b()), bytes);
                self.number += 1;
            }
            self.session.on_tick(self.now);
            while let Some(reply) = self.session.poll_reply() {
                if let Reply::OneWay { why, .. } = reply {
                    self.said.push((ms / 1_000, why.map(|heard| heard.why)));
                }
            }
            self.now = self.now + Duration::from_millis(20);
        }
    }

    /// B reports that it is there.
    fn report(&mut self) {
        let mut bytes = common::rtcp(1, None, None);
        let (length, source) = (bytes.len(), SocketAddr::new(b().ip(), b().port() + 1));
        let packet = Datagram { buffer: &mut bytes, length };
        self.session.on_packet(self.now, Side::B, 0, Component::Rtcp, source, packet);
    }
}

#[test]
fn a_side_that_was_heard_in_talkspurts_may_listen_for_two_minutes() {
    let mut room = Spurts::new();
    for _ in 0..3 {
        room.pass(4, Some((true, true)));
        room.pass(3, None);
    }
    room.pass(100, None);
    assert_eq!(room.said, []);
    room.pass(4, Some((true, true)));
    room.pass(130, None);
    assert_eq!(room.said, [(244, Some(OneWay::Stopped))], "120 s after its last packet, in second 124");
    room.pass(1, Some((true, true)));
    assert_eq!(room.said.last(), Some(&(255, None)));
}

#[test]
fn pauses_after_which_timestamps_have_not_gone_on_and_losses_are_no_talkspurts() {
    for lost in [0, 150] {
        let mut room = Spurts::new();
        for _ in 0..3 {
            room.pass(4, Some((true, lost > 0)));
            room.pass(3, None);
            room.number += lost;
        }
        room.pass(14, None);
        assert_eq!(room.said, [(32, Some(OneWay::Stopped))], "{lost}");
    }
}

#[test]
fn a_sender_that_sets_no_marker_is_known_by_its_timestamps() {
    let mut room = Spurts::new();
    for _ in 0..3 {
        room.pass(4, Some((false, true)));
        room.pass(3, None);
    }
    room.pass(60, None);
    assert_eq!(room.said, []);
}

#[test]
fn a_side_that_suppresses_silence_and_reports_is_missed_when_its_reports_end() {
    let mut room = Spurts::new();
    for _ in 0..3 {
        room.pass(4, Some((true, true)));
        room.pass(3, None);
        room.report();
    }
    for _ in 0..10 {
        room.pass(20, None);
        assert_eq!(room.said, [], "it lives");
        room.report();
    }
    room.pass(30, None);
    assert_eq!(room.said, [(246, Some(OneWay::Stopped))], "25 s after its last report, in second 221");
}

#[test]
fn a_side_that_suppresses_silence_may_begin_later_after_a_new_description() {
    let mut room = Spurts::new();
    for _ in 0..3 {
        room.pass(4, Some((true, true)));
        room.pass(3, None);
    }
    let elsewhere = Remote { ptime_ms: 30, ..Remote::audio(b()) };
    room.session.set(room.now, Side::B, 0, elsewhere);
    room.pass(14, None);
    assert_eq!(room.said, []);
    room.pass(3, None);
    assert_eq!(room.said, [(36, Some(OneWay::Nothing))]);
}

#[test]
fn talkspurts_are_seen_by_the_counts_of_another_engine_too() {
    let (mut held, mut engine) = (session(), session());
    let mut number = 0;
    let mut news = Vec::new();
    for tick in 0..500_u64 {
        let second = tick / 5;
        for step in 0..10 {
            let ms = tick * 200 + step * 20;
            let now = Time::from_millis(ms);
            hear(&mut held, now, (Side::A, a()), packet((ms / 20) as u32, 0x10));
            // Three times four seconds of speech and three of silence.
            if second < 21 && second % 7 < 4 {
                let mut bytes = packet(number, 0x10);
                bytes[4..8].copy_from_slice(&(ms as u32 * 8).to_be_bytes());
                hear(&mut engine, now, (Side::B, b()), bytes.clone());
                if number < 20 {
                    hear(&mut held, now, (Side::B, b()), bytes);
                }
                number += 1;
            }
        }
        let now = Time::from_millis(tick * 200 + 199);
        if number > 20 {
            held.follow(Side::B, 0, &engine.ledger(Side::B, 0).unwrap());
        }
        held.on_tick(now);
        let replies = std::iter::from_fn(|| held.poll_reply());
        news.extend(replies.filter(|reply| matches!(reply, Reply::OneWay { .. })));
    }
    assert_eq!(news, [], "it may listen");
}

#[test]
fn a_side_whose_last_frame_of_g729_described_silence_listens() {
    for (length, stopped) in [(12 + 20, true), (12 + 20 + 2, false), (12 + 2, false)] {
        let mut session = session();
        for sequence in 0..40 * 50_u32 {
            let now = Time::from_millis(u64::from(sequence) * 20);
            hear(&mut session, now, (Side::A, a()), packet(sequence, 0x10));
            if sequence < 500 {
                let mut bytes = packet(sequence, 0x10);
                bytes[1] = 18;
                bytes.truncate(if sequence == 499 { length } else { 12 + 20 });
                hear(&mut session, now, (Side::B, b()), bytes);
            }
            session.on_tick(now);
        }
        let mut news = std::iter::from_fn(|| session.poll_reply());
        assert_eq!(news.any(|reply| matches!(reply, Reply::OneWay { .. })), stopped, "{length}");
    }
}

#[test]
fn two_sides_that_both_send_from_elsewhere_are_told_with_the_sources_and_what_to_do() {
    let mut session = session();
    let elsewhere: [SocketAddr; 2] = [SocketAddr::new(a().ip(), 9_999), "203.0.113.7:4000".parse().unwrap()];
    let mut told = Vec::new();
    for sequence in 0..400 {
        let now = Time::from_millis(u64::from(sequence) * 20);
        for (side, source) in Side::BOTH.into_iter().zip(elsewhere) {
            hear(&mut session, now, (side, source), packet(sequence, 0x10));
        }
        session.on_tick(now);
        while let Some(reply) = session.poll_reply() {
            let Reply::OneWay { side, why: Some(heard), .. } = reply else { panic!("{reply:?}") };
            told.push((side, heard, now.0 / 1_000_000_000));
        }
    }
    let [one, other] = &told[..] else { panic!("{told:?}") };
    assert_eq!((one.0, one.1.sources, one.2), (Side::A, Some((elsewhere[0], a())), 5));
    assert_eq!((other.0, other.1.sources, other.2), (Side::B, Some((elsewhere[1], b())), 5));
    let said = one.1.to_string();
    assert!(said.contains("come from 192.0.2.1:9999, but its SDP says 192.0.2.1:4000"), "{said}");
    assert!(said.contains("`latch = \"signalled\"`"), "{said}");
    assert!(other.1.to_string().contains("behind a NAT, `latch = \"nat\"`"), "{}", other.1);
    let report = first(&session, Time::from_millis(8_000), Side::B);
    assert_eq!((report.one_way, report.foreign), (true, Some((elsewhere[1], b()))));
    let now = Time::from_millis(8_000);
    hear(&mut session, now, (Side::B, b()), packet(1, 0x10));
    session.on_tick(now);
    assert!(matches!(session.poll_reply(), Some(Reply::OneWay { side: Side::B, why: None, .. })));
}

#[test]
fn strangers_of_before_a_new_description_make_nobody_one_way() {
    let mut session = session();
    let stranger: SocketAddr = "203.0.113.7:4000".parse().unwrap();
    for sequence in 0..200 {
        let now = Time::from_millis(u64::from(sequence) * 20);
        hear(&mut session, now, (Side::A, stranger), packet(sequence, 0x10));
    }
    let elsewhere = Remote { ptime_ms: 30, ..Remote::audio(a()) };
    session.set(Time::from_millis(4_000), Side::A, 0, elsewhere);
    session.on_tick(Time::from_millis(12_000));
    assert_eq!(session.poll_reply(), None);
}
