//! How a side sounded, told by a session: bursts, clock, silence, and sides that are not heard.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "quality/listening.rs"]
mod listening;

use base::Time;
use common::{a, b};
use media::{
    Component, Datagram, DropReason, NotHeard, OneWay, Remote, Reply, Session, SessionId, Side, StreamReport,
    Verdict,
};
use std::net::SocketAddr;
use std::time::Duration;

/// A packet of A-law.
fn packet(sequence: u32, code: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend_from_slice(&(sequence as u16).to_be_bytes());
    packet.extend_from_slice(&(sequence * 160).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 1]);
    packet.extend_from_slice(&[code; 160]);
    packet
}

fn session() -> Session {
    let mut session = Session::new(SessionId(1), Time::ZERO, 1);
    session.set(Time::ZERO, Side::A, 0, Remote::audio(a()));
    session.set(Time::ZERO, Side::B, 0, Remote::audio(b()));
    session
}

fn hear(session: &mut Session, now: Time, (side, source): (Side, SocketAddr), mut bytes: Vec<u8>) -> Verdict {
    let length = bytes.len();
    session.on_packet(now, side, 0, Component::Rtp, source, Datagram { buffer: &mut bytes, length })
}

/// When the packet of that number comes of a clock that runs 50 ppm fast, under jitter of less than a power of two of
/// microseconds.
fn arrival(sequence: u32, jitter: u32) -> Time {
    let jitter = u64::from(sequence.wrapping_mul(2_654_435_761) >> (32 - jitter)) * 1_000;
    Time(u64::from(sequence) * 19_999_000 + 40_000_000 + jitter)
}

/// Of each two hundred packets twelve of a burst are half lost, and one alone.
fn is_lost(sequence: u32) -> bool {
    let place = sequence % 200;
    place == 50 || (100..112).contains(&place) && sequence % 2 == 1 || place == 100
}

fn first(session: &Session, now: Time, side: Side) -> StreamReport {
    session.report(now).side(side).first().unwrap().clone()
}

/// Plays 1,600 packets (32 s) of side A into a session; after 20 of them into another one, from whose ledger it is
/// told a few times a second, as an engine in the kernel does.
fn play(lent: bool, jitter: u32) -> StreamReport {
    let (mut held, mut engine) = (session(), session());
    let mut ticked = Time::ZERO;
    for sequence in (0..1_600).filter(|sequence| !is_lost(*sequence)) {
        let now = arrival(sequence, jitter);
        hear(&mut engine, now, (Side::A, a()), packet(sequence, 0xd5));
        if !lent || sequence < 20 {
            hear(&mut held, now, (Side::A, a()), packet(sequence, 0xd5));
        }
        if now.since(ticked).as_millis() >= 200 {
            ticked = now;
            if lent && sequence >= 20 {
                held.follow(Side::A, 0, &engine.ledger(Side::A, 0).unwrap());
            }
            held.on_tick(now);
            engine.on_tick(now);
        }
    }
    let now = arrival(1_600, jitter);
    if lent {
        held.follow(Side::A, 0, &engine.ledger(Side::A, 0).unwrap());
    }
    held.close(now).a.first().unwrap().clone()
}

#[test]
fn bursts_and_a_fast_clock_are_found_whoever_counts() {
    let here = play(false, 13);
    assert_eq!((here.bursts.bursts, here.bursts.packets), (8, 1_600));
    // From 100 to 111, seven lost: 100, 101, 103 and so on.
    assert_eq!((here.bursts.burst_packets, here.packet_ms), (12.0, 20));
    assert!((here.bursts.burst_density - 7.0 / 12.0).abs() < 1e-6);
    assert!((here.bursts.gap_density - 8.0 / 1_504.0).abs() < 1e-6);
    assert!((here.drift_ppm.unwrap() - 50.0).abs() < 5.0, "{:?}", here.drift_ppm);
    assert_eq!(here.silent, Some(1.0));
    let lent = play(true, 10);
    assert_eq!(lent.bursts, here.bursts);
    assert!((lent.drift_ppm.unwrap() - 50.0).abs() < 10.0, "{:?}", lent.drift_ppm);
}

#[test]
fn a_wide_codec_that_was_described_first_says_nothing_of_the_clock_of_g711() {
    let mut session = session();
    session.set(Time::ZERO, Side::A, 0, Remote { clock_rate: 48_000, ..Remote::audio(a()) });
    for sequence in 0..300 {
        let now = Time::from_millis(u64::from(sequence) * 20);
        hear(&mut session, now, (Side::A, a()), packet(sequence, 0xd5));
        session.on_tick(now);
    }
    let heard = first(&session, Time::from_millis(6_000), Side::A);
    assert!(heard.jitter_ms < 0.1 && heard.late == 0, "{heard:?}");
    assert!(heard.mos_avg > 400, "{heard:?}");
}

#[test]
fn bursts_sound_worse_than_the_same_loss_alone() {
    let mos = |lost: fn(u32) -> bool| {
        let mut session = session();
        for sequence in 0..1_500 {
            let now = Time::from_millis(u64::from(sequence) * 20);
            if !lost(sequence) {
                hear(&mut session, now, (Side::A, a()), packet(sequence, 0xd5));
            }
            session.on_tick(now);
        }
        first(&session, Time::from_millis(30_000), Side::A).mos_avg
    };
    // Ten of each hundred packets.
    let (alone, in_bursts) = (mos(|n| n % 10 == 5), mos(|n| n % 100 >= 90));
    assert!(alone > in_bursts + 30, "{alone} {in_bursts}");
}

#[test]
fn a_side_whose_packets_come_from_elsewhere_is_one_way_and_the_cause_is_known() {
    let mut session = session();
    let elsewhere: SocketAddr = "192.0.2.99:9999".parse().unwrap();
    for sequence in 0..400 {
        let now = Time::from_millis(u64::from(sequence) * 20);
        hear(&mut session, now, (Side::A, a()), packet(sequence, 0x10));
        let verdict = hear(&mut session, now, (Side::B, elsewhere), packet(sequence, 0x10));
        assert_eq!(verdict, Verdict::Drop(DropReason::ForeignSource));
        session.on_tick(now);
    }
    let now = Time::from_millis(8_000);
    let (heard, unheard) = (first(&session, now, Side::A), first(&session, now, Side::B));
    assert_eq!((heard.one_way_why, unheard.one_way_why), (None, Some(OneWay::ForeignSource)));
    assert_eq!((unheard.one_way, unheard.one_way_for), (true, Some(Duration::from_secs(8))));
    assert_eq!((heard.silent, unheard.silent), (Some(0.0), None));
}

/// Side A speaks for so many seconds; side B while `speaks` says so, in packets of a payload type.
fn converse(seconds: u32, payload_type: u8, speaks: impl Fn(u32) -> bool) -> (Vec<Reply>, StreamReport) {
    let mut session = session();
    let mut said = Vec::new();
    for sequence in 0..seconds * 50 {
        let now = Time::from_millis(u64::from(sequence) * 20);
        hear(&mut session, now, (Side::A, a()), packet(sequence, 0x10));
        if speaks(sequence / 50) {
            let mut bytes = packet(sequence, 0x10);
            bytes[1] = payload_type;
            hear(&mut session, now, (Side::B, b()), bytes);
        }
        session.on_tick(now);
        said.extend(std::iter::from_fn(|| session.poll_reply()));
    }
    (said, session.close(Time::from_millis(u64::from(seconds) * 1_000)).b.first().unwrap().clone())
}

#[test]
fn a_side_that_stops_is_told_and_told_again_when_it_speaks() {
    let news = |why: Option<OneWay>| Reply::OneWay {
        session: SessionId(1),
        side: Side::B,
        why: why.map(NotHeard::from),
    };
    let (said, report) = converse(60, 8, |second| !(20..45).contains(&second));
    assert_eq!(said, [news(Some(OneWay::Stopped)), news(None)]);
    assert_eq!((report.one_way, report.one_way_why), (false, Some(OneWay::Stopped)));
    let unheard = report.one_way_for.unwrap().as_millis();
    assert!((24_990..=25_030).contains(&unheard), "{unheard}");
    let (said, report) = converse(45, 8, |second| second < 20);
    assert_eq!((said, report.one_way), (vec![news(Some(OneWay::Stopped))], true));
    // A pause of a few seconds is none of this.
    assert_eq!(converse(60, 8, |second| !(20..33).contains(&second)).0, []);
}

#[test]
fn a_side_that_suppresses_silence_has_not_stopped() {
    let (said, report) = converse(45, 13, |second| second < 20);
    assert_eq!((said, report.one_way, report.noise_packets), (vec![], false, 1_000));
}
