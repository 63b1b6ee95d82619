//! Copies for a recorder: two sessions and an engine's part between them, played by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use base::Time;
use common::{a, b, rtcp, rtp};
use media::{Component, Datagram, Remote, Reply, Session, SessionId, Side, Verdict};
use std::net::SocketAddr;

const CALLER: &str = "10.0.0.40:7000";
const CALLEE: &str = "10.0.0.40:7002";

/// A call and the session that leads to its recorder.
struct Pair {
    call: Session,
    copy: Session,
    now: Time,
}

fn recorder(side: Side) -> SocketAddr {
    let address = if side == Side::A { CALLER } else { CALLEE };
    address.parse().unwrap()
}

impl Pair {
    fn new() -> Pair {
        let session = |id| Session::new(SessionId(id), Time::ZERO, 1);
        let mut pair = Pair { call: session(1), copy: session(2), now: Time::ZERO };
        pair.call.set(pair.now, Side::A, 0, Remote::audio(a()));
        pair.call.set(pair.now, Side::B, 0, Remote::audio(b()));
        pair.copy.serve_recorder(7);
        for side in Side::BOTH {
            let remote = Remote { payload_types: Remote::bitmap([0, 8]), ..Remote::audio(recorder(side)) };
            pair.copy.set(pair.now, side, 0, remote);
        }
        pair.call.give_copies(true);
        pair
    }

    /// A side says something: what becomes of it in the call, and what the recorder gets.
    fn say(&mut self, side: Side, bytes: &[u8]) -> (Verdict, Option<(SocketAddr, Vec<u8>)>) {
        self.now = self.now + std::time::Duration::from_millis(20);
        let mut buffer = vec![0; 2048];
        buffer[..bytes.len()].copy_from_slice(bytes);
        let source = if side == Side::A { a() } else { b() };
        let packet = Datagram { buffer: &mut buffer, length: bytes.len() };
        let verdict = self.call.on_packet(self.now, side, 0, Component::Rtp, source, packet);
        let Some(length) = self.call.take_copy(&mut buffer) else { return (verdict, None) };
        let mut packet = Datagram { buffer: &mut buffer, length };
        let sent = self.copy.copy(self.now, side, 0, &mut packet);
        (verdict, sent.map(|to| (to, packet.bytes().to_vec())))
    }

    fn hears(&mut self, side: Side, bytes: &[u8]) -> (u32, u16, u32) {
        let (verdict, sent) = self.say(side, bytes);
        assert!(matches!(verdict, Verdict::Relay { .. }), "{verdict:?}");
        let (to, packet) = sent.unwrap();
        assert_eq!(to, recorder(side), "each side has a port of its own");
        assert_eq!(packet[12..], bytes[12..], "the sound is as it was heard");
        let word = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
        (word(8), u16::from_be_bytes([packet[2], packet[3]]), word(4))
    }
}

#[test]
fn a_side_is_copied_as_one_stream_whatever_its_source_does() {
    let mut pair = Pair::new();
    let (ssrc, first, start) = pair.hears(Side::A, &rtp(0x1111, 65_534, 8));
    let (same, second, next) = pair.hears(Side::A, &rtp(0x1111, 65_535, 8));
    assert_eq!((same, second, next), (ssrc, first.wrapping_add(1), start.wrapping_add(160)));
    let (same, third, later) = pair.hears(Side::A, &rtp(0x2222, 9, 8));
    assert_eq!(
        (same, third),
        (ssrc, second.wrapping_add(1)),
        "another source goes on where the one before ended"
    );
    assert_eq!(later, next.wrapping_add(160), "20 ms later");
    let (other, ..) = pair.hears(Side::B, &rtp(0x3333, 1, 8));
    assert_ne!(other, ssrc);
    assert_ne!(ssrc, 0x1111, "not the source's own name");
}

#[test]
fn what_is_not_relayed_is_not_copied() {
    let mut pair = Pair::new();
    pair.call.set(pair.now, Side::B, 0, Remote { send: false, ..Remote::audio(b()) });
    let (verdict, sent) = pair.say(Side::A, &rtp(1, 1, 8));
    assert!(matches!(verdict, Verdict::Drop(_)) && sent.is_none(), "the callee holds: {verdict:?}");
}

#[test]
fn a_codec_that_the_recorder_did_not_take_is_left_out_and_counted() {
    let mut pair = Pair::new();
    let (verdict, sent) = pair.say(Side::A, &rtp(1, 1, 9));
    assert!(matches!(verdict, Verdict::Relay { .. }), "the call goes on: {verdict:?}");
    assert!(sent.is_none());
    let report = pair.copy.report(pair.now);
    assert_eq!(report.a[0].dropped.of(media::DropReason::PayloadType), 1);
}

/// RFC 3550 §5.1: each packet that is sent has the next number, so that a gap is a loss.
#[test]
fn what_is_left_out_on_purpose_is_no_loss_to_the_recorder() {
    let mut pair = Pair::new();
    let (ssrc, first, start) = pair.hears(Side::A, &rtp(0x1111, 65_530, 8));
    let paused =
        |send| Remote { send, payload_types: Remote::bitmap([0, 8]), ..Remote::audio(recorder(Side::A)) };
    pair.copy.set(pair.now, Side::A, 0, paused(false));
    for number in [65_531, 65_532, 65_533] {
        assert!(pair.say(Side::A, &rtp(0x1111, number, 8)).1.is_none(), "the recording pauses");
    }
    pair.copy.set(pair.now, Side::A, 0, paused(true));
    let (same, second, later) = pair.hears(Side::A, &rtp(0x1111, 65_534, 8));
    assert_eq!((same, second), (ssrc, first.wrapping_add(1)), "the next number");
    assert_eq!(later, start.wrapping_add(4 * 160), "and the time that it is");
    assert!(pair.say(Side::A, &rtp(0x1111, 65_535, 9)).1.is_none(), "a codec that the recorder did not take");
    let (_, third, _) = pair.hears(Side::A, &rtp(0x1111, 0, 8));
    assert_eq!(third, second.wrapping_add(1));
    let (_, fifth, _) = pair.hears(Side::A, &rtp(0x1111, 2, 8));
    assert_eq!(fifth, third.wrapping_add(2), "what was lost before us is missing");
    let (_, fourth, _) = pair.hears(Side::A, &rtp(0x1111, 1, 8));
    assert_eq!(fourth, third.wrapping_add(1), "what comes late has its place");
}

/// The number of what the recorder gets, if anything; 9 is a codec that it did not take.
fn number(pair: &mut Pair, ssrc: u32, sequence: u16, payload_type: u8) -> Option<u16> {
    let (_, sent) = pair.say(Side::A, &rtp(ssrc, sequence, payload_type));
    sent.map(|(_, packet)| u16::from_be_bytes([packet[2], packet[3]]))
}

#[test]
fn what_comes_late_behind_something_that_was_left_out_has_its_own_number_or_none() {
    let mut pair = Pair::new();
    let first = number(&mut pair, 1, 100, 8).unwrap();
    let mut told = |sequence, payload_type| {
        number(&mut pair, 1, sequence, payload_type).map(|number| number.wrapping_sub(first))
    };
    assert_eq!([told(102, 8), told(103, 9), told(104, 9)], [Some(2), None, None]);
    assert_eq!(told(101, 8), Some(1), "late, and its number is free");
    assert_eq!(told(106, 8), Some(3), "the next number, for two were left out on purpose");
    assert_eq!(told(105, 8), None, "late, and its number is that of 102");
    assert_eq!([told(107, 8), told(109, 9), told(108, 8), told(110, 8)], [Some(4), None, Some(5), Some(6)]);
    assert_eq!(told(100, 8), None, "much too late");
    let report = pair.copy.report(pair.now);
    assert_eq!(report.a[0].dropped.of(media::DropReason::Late), 2);
}

#[test]
fn a_source_that_begins_anew_while_the_recording_pauses_goes_on_with_the_next_number() {
    for next in [40_000, 1_000, 65_535] {
        let mut pair = Pair::new();
        let last = (2_000..2_200).map(|sequence| number(&mut pair, 1, sequence, 8)).last();
        for pause in 0..30 {
            let from: u16 = if pause < 10 { 2_200 } else { next };
            assert_eq!(number(&mut pair, 1, from.wrapping_add(pause), 9), None);
        }
        let after = number(&mut pair, 1, next.wrapping_add(30), 8);
        assert_eq!(after, last.flatten().map(|last| last.wrapping_add(1)), "{next}");
    }
}

/// RFC 3550 §A.1: two in a row are a source that begins anew, one alone is late.
#[test]
fn one_packet_that_is_much_too_late_moves_nothing_and_two_that_follow_each_other_do() {
    for left_out in [false, true] {
        let mut pair = Pair::new();
        let first = number(&mut pair, 1, 1_000, 8).unwrap();
        assert!(!left_out || number(&mut pair, 1, 1_001, 9).is_none());
        let mut told = |sequence| number(&mut pair, 1, sequence, 8).map(|number| number.wrapping_sub(first));
        assert_eq!([told(500), told(1_002)], [None, Some(if left_out { 1 } else { 2 })], "{left_out}");
        let next = if left_out { 2 } else { 3 };
        assert_eq!([told(600), told(1_003), told(601)], [None, Some(next), None]);
        assert_eq!([told(602), told(603), told(1_004)], [Some(next + 1), Some(next + 2), Some(next + 403)]);
    }
}

/// Sources that take turns, packets that overtake each other, codecs that come and go.
#[test]
fn no_two_packets_for_a_recorder_have_one_number() {
    for seed in 0..50 {
        let mut rng = base::Rng::new((seed, 9));
        let mut pair = Pair::new();
        let mut said: Vec<(u32, u16, u8)> = (0..3_000u32)
            .map(|n| (n / 400 % 2, (n as u16).wrapping_add(64_000), if n / 7 % 5 == 3 { 9 } else { 8 }))
            .collect();
        for at in 0..said.len() - 8 {
            if rng.below(4) == 0 {
                said.swap(at, at + 1 + rng.below(7) as usize);
            }
        }
        let sent: Vec<u16> =
            said.iter().filter_map(|(ssrc, n, pt)| number(&mut pair, *ssrc, *n, *pt)).collect();
        let mut sorted = sent.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), sent.len(), "{seed}");
        assert!(sent.len() > 2_000, "{seed}: {}", sent.len());
    }
}

#[test]
fn nothing_is_copied_any_more_when_nobody_wants_it() {
    let mut pair = Pair::new();
    assert!(pair.call.flow(Side::A, 0, Component::Rtp).is_none(), "packets must be looked at");
    pair.call.give_copies(false);
    let (verdict, sent) = pair.say(Side::A, &rtp(1, 1, 8));
    assert!(matches!(verdict, Verdict::Relay { .. }) && sent.is_none());
    assert!(pair.call.flow(Side::A, 0, Component::Rtp).is_some(), "a fast path may have them again");
}

#[test]
fn a_recorder_hears_reports_and_its_own_go_nowhere() {
    let mut pair = Pair::new();
    let (ssrc, ..) = pair.hears(Side::A, &rtp(0x1111, 1, 8));
    let mut sent = Vec::new();
    let mut buffer = vec![0; 2048];
    pair.copy.report_copies(
        pair.now,
        &mut Datagram { buffer: &mut buffer, length: 0 },
        |side, _, component, to, bytes| {
            sent.push((side, component, to, bytes.to_vec()));
        },
    );
    let [(Side::A, Component::Rtcp, to, report)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(to.port(), 7001);
    assert_eq!((report[0], report[1]), (0x80, 200), "a sender report");
    assert_eq!(report[4..8], ssrc.to_be_bytes());
    assert_eq!(report[20..28], [0, 0, 0, 1, 0, 0, 0, 160], "one packet, 160 bytes");
    let mut answer = rtcp(9, None, None);
    let length = answer.len();
    let from: SocketAddr = "10.0.0.40:7001".parse().unwrap();
    let packet = Datagram { buffer: &mut answer, length };
    let verdict = pair.copy.on_packet(pair.now, Side::A, 0, Component::Rtcp, from, packet);
    assert_eq!(verdict, Verdict::Taken, "heard, and relayed to nobody");
    assert_eq!(pair.copy.report(pair.now).a[0].rtcp_packets, 1);
}

#[test]
fn a_stream_that_is_added_is_copied_beside_those_that_were_there() {
    let mut pair = Pair::new();
    let (ssrc, first, _) = pair.hears(Side::A, &rtp(0x1111, 7, 8));
    assert!(pair.copy.grow(pair.now, 2));
    pair.copy.set(pair.now, Side::A, 1, Remote::audio("10.0.0.40:7008".parse().unwrap()));
    let mut buffer = rtp(0x4444, 90, 8);
    let length = buffer.len();
    let mut packet = Datagram { buffer: &mut buffer, length };
    assert_eq!(pair.copy.copy(pair.now, Side::A, 1, &mut packet), "10.0.0.40:7008".parse().ok());
    assert_ne!(packet.bytes()[8..12], ssrc.to_be_bytes(), "a stream of its own");
    let (same, second, _) = pair.hears(Side::A, &rtp(0x1111, 8, 8));
    assert_eq!((same, second), (ssrc, first.wrapping_add(1)));
}

#[test]
fn a_recorder_whose_host_refuses_for_two_seconds_is_told_as_unreached_once() {
    let mut pair = Pair::new();
    assert_eq!(pair.copy.filter(Side::A, 0, Component::Rtp), Some(recorder(Side::A)), "errors are its alone");
    let at = |millis| Time::from_millis(millis);
    let mut told = |times: &[u64]| {
        times.iter().for_each(|millis| pair.copy.copy_refused(at(*millis)));
        std::iter::from_fn(|| pair.copy.poll_reply()).collect::<Vec<_>>()
    };
    // One refusal, and much later another: it was there in between.
    assert_eq!(told(&[1_000, 7_000, 8_500]), []);
    let unreached = media::Reply::Unreached { session: SessionId(2) };
    assert_eq!(told(&[9_100]), [unreached]);
    assert_eq!(told(&[10_000, 20_000, 23_000]), []);
}

/// What a session has told of lost packets.
fn told(session: &mut Session, now: Time) -> Option<u64> {
    let mut buffer = vec![0; 2048];
    let mut packet = Datagram { buffer: &mut buffer, length: 0 };
    session.report_copies(now, &mut packet, |_, _, _, _, _| {});
    match session.poll_reply() {
        Some(Reply::Uncopied { packets, .. }) => Some(packets),
        None => None,
        other => panic!("{other:?}"),
    }
}

fn later(pair: &mut Pair) -> Time {
    pair.now = pair.now + std::time::Duration::from_secs(7);
    pair.now
}

#[test]
fn packets_that_the_recorder_wanted_and_that_are_lost_before_it_are_counted_and_told_now_and_then() {
    let mut pair = Pair::new();
    for (sequence, payload_type) in [(102, 8), (103, 9), (104, 9), (106, 8), (105, 8)] {
        number(&mut pair, 1, sequence, payload_type);
    }
    assert_eq!(pair.copy.report(pair.now).uncopied, 1, "105 has no number; 103 and 104 were not wanted");
    assert_eq!(
        pair.copy.take_drops().unwrap().of(media::DropReason::Late),
        1,
        "it is in the engine's figures"
    );
    pair.copy.copy_failed(Side::B, 0, false);
    let now = later(&mut pair);
    assert_eq!(told(&mut pair.copy, now), Some(2));
    let now = later(&mut pair);
    assert_eq!(told(&mut pair.copy, now), None, "nothing new");
    pair.copy.copy_failed(Side::B, 0, false);
    let now = later(&mut pair);
    assert_eq!(told(&mut pair.copy, now), Some(3));
    assert_eq!(pair.call.report(pair.now).uncopied, 0);
}

#[test]
fn what_a_host_refuses_is_lost_unless_it_is_given_up_for_that() {
    let second = std::time::Duration::from_secs(1);
    let refuse = |pair: &mut Pair| {
        pair.copy.copy_refused(pair.now);
        pair.copy.copy_failed(Side::A, 0, true);
        pair.now = pair.now + second;
    };
    let mut pair = Pair::new();
    refuse(&mut pair);
    assert_eq!(pair.copy.report(pair.now).uncopied, 1, "it ended before more was known");
    pair.now = pair.now + 20 * second;
    (0..2).for_each(|_| refuse(&mut pair));
    let now = pair.now;
    assert_eq!(told(&mut pair.copy, now), Some(1), "the first stays alone");
    refuse(&mut pair);
    assert!(matches!(pair.copy.poll_reply(), Some(Reply::Unreached { .. })));
    assert_eq!(pair.copy.report(pair.now).uncopied, 1, "from the second on there is a gap");
}
