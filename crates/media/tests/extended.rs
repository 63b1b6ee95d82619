//! Extended reports of RTCP (RFC 3611): what is read of a peer's, and what ours say.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod common;

use base::Time;
use bridge::{Codec, Format, Plan};
use common::{a, b, rtp};
use media::{
    Care, Component, Datagram, Extended, Remote, RoundTrip, Session, SessionId, Side, StreamReport, Verdict,
};
use rtp::rtcp::{Compound, Form, RtcpPacket, build::Builder, packet_type};
use rtp::xr::{Extension, LastReceived, VoipMetrics};
use rtp::{Ntp, SenderInfo};
use std::net::SocketAddr;
use std::time::Duration;

const ONE: u32 = 1;
const TWO: u32 = 2;

/// A peer's extended report by hand, after RFC 3611 §4.7: it hears source 2 with 10 % lost, 5 % discarded, bursts of
/// 120 ms between gaps of 8 s, round trip 80 ms, end system 45 ms, R 82, MOS 4.0 and 3.8.
const PEER: &[u8] = &[
    0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 207, 0, 10, 0, 0, 0, 1, 7, 0, 0, 8, 0, 0, 0, 2, 26, 13, 128, 3, 0,
    120, 0x1f, 0x40, 0, 80, 0, 45, 0xeb, 0xc4, 55, 16, 82, 127, 40, 38, 0xf5, 0, 0, 40, 0, 60, 0, 200,
];

/// Two peers, side A of which wants to hear `wanted` and nothing of what is on the other side.
struct Room {
    session: Session,
    now: Time,
    sequence: u16,
    /// By how many packets each of four is late.
    late: Option<[u16; 4]>,
}

impl Room {
    fn new(wanted: Extended) -> Room {
        let mut session = Session::new(SessionId(1), Time::ZERO, 1).with_seed((5, 6));
        for (side, at) in [(Side::A, a()), (Side::B, b())] {
            let extended = if side == Side::A { wanted } else { Extended::default() };
            let care = Care { live: true, extended, ..Care::default() };
            session.set(Time::ZERO, side, 0, Remote { care, ..Remote::audio(at) });
        }
        Room { session, now: Time::ZERO, sequence: 0, late: None }
    }

    /// The same with packets of another length on both sides, so that RTCP is ours.
    fn bridged(wanted: Extended) -> Room {
        let mut room = Room::new(wanted);
        let plan = || Plan::between(vec![(8, Codec::G722)], 20, Format::new(8, Codec::G722, 40));
        assert!(room.session.bridge(0, Some(Box::new([plan(), plan()])), 77));
        room
    }

    /// What passes of a packet.
    fn hand(&mut self, side: Side, component: Component, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = bytes.to_vec();
        buffer.resize(1_500, 0);
        let source = if side == Side::A { a() } else { b() };
        let above = u16::from(component == Component::Rtcp);
        let source = SocketAddr::new(source.ip(), source.port() + above);
        let packet = Datagram { buffer: &mut buffer, length: bytes.len() };
        match self.session.on_packet(self.now, side, 0, component, source, packet) {
            Verdict::Relay { length, .. } => Some(buffer[..length].to_vec()),
            _ => None,
        }
    }

    /// Seconds go by in which the sides speak 50 packets a second, of A's each tenth missing; reports of ours to A.
    fn pass(&mut self, seconds: u64, speaks: [bool; 2]) -> Vec<Vec<u8>> {
        let mut reports = Vec::new();
        for _ in 0..seconds * 50 {
            self.now = self.now + Duration::from_millis(20);
            self.sequence += 1;
            for (side, ssrc) in
                [(Side::A, ONE), (Side::B, TWO)].into_iter().filter(|(side, _)| speaks[side.index()])
            {
                for sequence in self.come(side) {
                    self.hand(side, Component::Rtp, &rtp(ssrc, sequence, 8));
                    self.take_made(side);
                }
            }
            self.session.on_bridge_tick(self.now, |_, _| {});
            Side::BOTH.into_iter().for_each(|side| self.take_made(side));
            self.session.on_tick(self.now);
            let mut buffer = [0; 1_500];
            let mut packet = Datagram { buffer: &mut buffer, length: 0 };
            while let Some(sending) = self.session.take_due(self.now, &mut packet) {
                if sending.side == Side::A {
                    reports.push(packet.bytes().to_vec());
                }
            }
        }
        reports
    }

    /// The numbers of what comes of a side now.
    fn come(&self, side: Side) -> Vec<u16> {
        let late = self.late.filter(|_| side == Side::A).unwrap_or_default();
        let before = (0..3u16).rev().map(|late| (late, self.sequence.wrapping_sub(late)));
        let due = before
            .filter(|(by, sequence)| late[usize::from(sequence % 4)] == *by)
            .map(|(_, sequence)| sequence);
        due.filter(|sequence| side == Side::B || !sequence.is_multiple_of(10)).collect()
    }

    fn take_made(&mut self, side: Side) {
        let mut buffer = [0; 1_500];
        let mut made = Datagram { buffer: &mut buffer, length: 0 };
        while self.session.take_made(side, 0, &mut made).is_some() {}
    }

    fn heard_of(&self, side: Side) -> StreamReport {
        self.session.report(self.now).side(side)[0].clone()
    }
}

/// The extended blocks of a compound.
fn blocks(bytes: &[u8]) -> Vec<Extension> {
    let compound = Compound::parse(bytes, Form::Full).unwrap();
    let extended = compound.packets().filter_map(|packet| match packet {
        RtcpPacket::Extended(report) => Some(report),
        _ => None,
    });
    extended.flat_map(|report| report.blocks()).filter_map(|block| Extension::read(&block)).collect()
}

fn metrics(bytes: &[u8]) -> Option<VoipMetrics> {
    blocks(bytes).into_iter().find_map(|block| match block {
        Extension::Voip(metrics) => Some(metrics),
        _ => None,
    })
}

#[test]
fn what_a_peer_reports_of_the_sound_is_kept_and_passes() {
    let mut room = Room::new(Extended::default());
    assert_eq!(room.hand(Side::A, Component::Rtcp, PEER).as_deref(), Some(PEER));
    let said = room.heard_of(Side::A).peer_voip.unwrap();
    assert_eq!(
        (said.ssrc, said.loss_rate, said.discard_rate, said.burst_ms, said.gap_ms),
        (2, 26, 13, 120, 8000)
    );
    assert_eq!((said.round_trip_ms, said.end_system_ms), (80, 45));
    assert_eq!((said.r_factor, said.mos_listening, said.mos_conversing), (Some(82), Some(40), Some(38)));
    assert_eq!(room.heard_of(Side::B).peer_voip, None, "of its own side alone");
    room.hand(Side::A, Component::Rtcp, &PEER[..8]);
    assert_eq!(room.heard_of(Side::A).peer_voip, Some(said), "a plain report takes nothing back");
}

#[test]
fn a_side_that_wants_none_hears_none_of_the_other_side() {
    let mut room = Room::new(Extended { strip: true, ..Extended::default() });
    assert_eq!(room.hand(Side::B, Component::Rtcp, PEER).as_deref(), Some(&PEER[..8]));
    assert_eq!(room.hand(Side::B, Component::Rtcp, &PEER[8..]), None, "nothing is left of it");
    assert!(room.heard_of(Side::B).peer_voip.is_some(), "it is read all the same");
    assert_eq!(room.hand(Side::A, Component::Rtcp, PEER).as_deref(), Some(PEER), "the other way it passes");
    assert_eq!(room.heard_of(Side::B).dropped.total(), 0);
}

#[test]
fn reports_of_ours_tell_a_peer_that_wants_it_how_its_stream_sounds() {
    let mut room = Room::bridged(Extended { voip_metrics: true, ..Extended::default() });
    let reports = room.pass(20, [true, true]);
    let last = metrics(reports.last().unwrap()).unwrap();
    assert_eq!(last.ssrc, ONE);
    assert!((24..=27).contains(&last.loss_rate), "{last:?}");
    assert_eq!(last.gmin, 16);
    let (r, listening) = (last.r_factor.unwrap(), last.mos_listening.unwrap());
    assert!(r < 80 && listening < 40 && listening >= last.mos_conversing.unwrap(), "{last:?}");
    let mut plain = Room::bridged(Extended::default());
    let reports = plain.pass(20, [true, true]);
    assert!(reports.len() > 2 && reports.iter().all(|report| blocks(report).is_empty()), "nobody asked");
}

/// RFC 3611 §4.7.7.
#[test]
fn reports_of_ours_tell_of_the_jitter_buffer_that_the_stream_goes_through() {
    let wanted = Extended { voip_metrics: true, ..Extended::default() };
    let mut room = Room::bridged(wanted);
    let steady = room.pass(20, [true, true]);
    let buffer = metrics(steady.last().unwrap()).unwrap().jitter_buffer;
    assert_eq!(
        (buffer.adaptive, buffer.nominal_ms, buffer.maximum_ms, buffer.limit_ms),
        (Some(true), 0, 200, 200)
    );
    // One packet of four comes 40 ms late, and two 20 ms.
    room.late = Some([2, 1, 1, 0]);
    let uneven = room.pass(20, [true, true]);
    let said = metrics(uneven.last().unwrap()).unwrap();
    let heard = room.heard_of(Side::A).bridged.unwrap();
    assert!((25..=60).contains(&said.jitter_buffer.nominal_ms), "{said:?}\n{heard:?}");
    assert_eq!((said.jitter_buffer.maximum_ms, said.jitter_buffer.limit_ms), (200, 200), "{said:?}");
    assert!(said.end_system_ms >= said.jitter_buffer.nominal_ms, "it is in it: {said:?}");
    assert_eq!(said.concealment, rtp::xr::Concealment::Standard);
    // Where packets pass, no buffer is ours.
    let mut plain = Room::new(wanted);
    let care = Care { live: true, reports: true, extended: wanted, ..Care::default() };
    plain.session.set(Time::ZERO, Side::A, 0, Remote { care, ..Remote::audio(a()) });
    let fills = plain.pass(30, [true, false]);
    let said = fills.iter().filter_map(|report| metrics(report)).next_back().unwrap();
    assert_eq!(said.jitter_buffer, rtp::xr::JitterBuffer::default());
}

#[test]
fn a_reference_time_of_a_peer_is_answered_as_agreed() {
    for (round_trip, while_silent) in
        [(RoundTrip::All, true), (RoundTrip::Sender, false), (RoundTrip::Off, false)]
    {
        let mut room = Room::bridged(Extended { round_trip, ..Extended::default() });
        room.pass(1, [true, false]);
        let mut bytes = [0; 100];
        let reference = [Extension::ReferenceTime(Ntp(0x1122_3344_5566_7788))];
        let length = Builder::new(&mut bytes).receiver_report(ONE, &[]).extended(ONE, &reference);
        let length = length.finish().unwrap();
        room.hand(Side::A, Component::Rtcp, &bytes[..length]);
        let came = room.now;
        let reports = room.pass(8, [true, false]);
        let said = blocks(&reports[0]);
        let answer = said.iter().find_map(|block| match block {
            Extension::LastReceived(answer) => Some(*answer),
            _ => None,
        });
        assert_eq!(answer.is_some(), while_silent, "{round_trip:?} {said:?}");
        if let Some(LastReceived { ssrc, lrr, dlrr }) = answer {
            assert_eq!((ssrc, lrr), (ONE, 0x3344_5566));
            assert!(dlrr > 65_536 / 2 && u128::from(dlrr) <= 8 * 65_536 && room.now > came, "{dlrr}");
        }
        let ours = said.iter().any(|block| matches!(block, Extension::ReferenceTime(_)));
        assert_eq!(ours, round_trip != RoundTrip::Off, "nobody speaks to it, so we ask the time");
        let reports = room.pass(12, [true, true]);
        let last = blocks(reports.last().unwrap());
        assert!(
            !last.iter().any(|block| matches!(block, Extension::ReferenceTime(_))),
            "sender reports tell it"
        );
        let answers = last.iter().any(|block| matches!(block, Extension::LastReceived(_)));
        assert_eq!(answers, round_trip != RoundTrip::Off, "whoever speaks may answer");
    }
}

#[test]
fn the_answer_to_our_reference_time_measures_the_round_trip() {
    let mut room = Room::bridged(Extended { round_trip: RoundTrip::All, ..Extended::default() });
    let mut asked = Vec::new();
    while asked.is_empty() {
        asked = room.pass(1, [true, false]);
    }
    let said = blocks(asked.last().unwrap());
    let [Extension::ReferenceTime(ntp)] = said[..] else { panic!("{said:?}") };
    let at = Time(((u128::from(ntp.0) * 1_000_000_000) >> 32) as u64);
    room.pass(1, [true, false]);
    let held = room.now.since(at).as_millis() as u32 - 30;
    let answer = LastReceived { ssrc: 0, lrr: ntp.middle(), dlrr: held * 65_536 / 1_000 };
    let mut bytes = [0; 100];
    let built =
        Builder::new(&mut bytes).receiver_report(ONE, &[]).extended(ONE, &[Extension::LastReceived(answer)]);
    let length = built.finish().unwrap();
    room.hand(Side::A, Component::Rtcp, &bytes[..length]);
    let rtt = room.heard_of(Side::A).rtt_ms.unwrap();
    assert!((29.0..32.0).contains(&rtt), "{rtt}");
}

#[test]
fn round_trips_of_receivers_are_seen_in_passing() {
    let mut room = Room::new(Extended::default());
    let say = |block: Extension| {
        let mut bytes = vec![0; 100];
        let info = SenderInfo::default();
        let built = Builder::new(&mut bytes).sender_report(ONE, &info, &[]).extended(ONE, &[block]);
        let length = built.finish().unwrap();
        bytes.truncate(length);
        bytes
    };
    room.now = Time::from_millis(1_000);
    room.hand(Side::A, Component::Rtcp, &say(Extension::ReferenceTime(Ntp(0xabcd_0123_0000))));
    room.now = Time::from_millis(1_500);
    let answer = LastReceived { ssrc: ONE, lrr: 0xabcd_0123, dlrr: 65_536 * 460 / 1_000 };
    let passed = room.hand(Side::B, Component::Rtcp, &say(Extension::LastReceived(answer))).unwrap();
    assert_eq!(passed[28 + 1], packet_type::XR);
    let rtt = room.heard_of(Side::B).rtt_ms.unwrap();
    assert!((39.0..41.0).contains(&rtt), "{rtt}");
}
