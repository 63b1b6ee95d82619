//! RTCP of our own, keepalives, and whose silence counts.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[path = "reports/awake.rs"]
mod awake;
mod common;
#[path = "reports/moved.rs"]
mod moved;
#[path = "reports/played.rs"]
mod played;

use base::Time;
use bridge::{Codec, Format, Plan};
use common::{a, b, rtcp, rtp};
use media::{
    Care, Component, Datagram, Extended, Keepalive, Remote, Reply, RoundTrip, Sending, Session, SessionId,
    Side, Verdict,
};
use rtp::rtcp::{Compound, Form, RtcpPacket};
use std::net::SocketAddr;
use std::time::Duration;

/// Two peers with RTP, and time that goes on in steps of 100 ms.
struct Room {
    session: Session,
    now: Time,
    sequence: u16,
    left: Vec<(Time, Sending, Vec<u8>)>,
}

const ONE: u32 = 1;
const TWO: u32 = 2;

fn beside(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port() + 1)
}

impl Room {
    fn new(care: Care) -> Room {
        let mut room = Room {
            session: Session::new(SessionId(1), Time::ZERO, 1).with_seed((5, 6)),
            now: Time::ZERO,
            sequence: 0,
            left: Vec::new(),
        };
        room.describe(care, |remote| remote);
        room
    }

    fn describe(&mut self, care: Care, change: impl Fn(Remote) -> Remote) {
        for (side, at) in [(Side::A, a()), (Side::B, b())] {
            let remote = change(Remote { care: Care { live: true, ..care }, ..Remote::audio(at) });
            self.session.set(self.now, side, 0, remote);
        }
    }

    /// A packet of a side's; what is sent to the other one for it.
    fn hand(&mut self, side: Side, component: Component, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut buffer = bytes.to_vec();
        buffer.resize(1_500, 0);
        let source = if side == Side::A { a() } else { b() };
        let source = if component == Component::Rtcp { beside(source) } else { source };
        let packet = Datagram { buffer: &mut buffer, length: bytes.len() };
        let mut sent = Vec::new();
        match self.session.on_packet(self.now, side, 0, component, source, packet) {
            Verdict::Relay { length, .. } => sent.push(buffer[..length].to_vec()),
            Verdict::Taken => {
                let mut packet = Datagram { buffer: &mut buffer, length: 0 };
                while self.session.take_made(side, 0, &mut packet).is_some() {
                    sent.push(packet.bytes().to_vec());
                }
            }
            _ => {}
        }
        sent
    }

    /// Seconds go by; each side says a packet of 20 ms in each tenth of a second when it `speaks`.
    fn pass(&mut self, seconds: u64, speaks: [bool; 2]) {
        for _ in 0..seconds * 10 {
            self.now = self.now + Duration::from_millis(100);
            self.sequence += 1;
            for (side, ssrc) in [(Side::A, ONE), (Side::B, TWO)] {
                if speaks[side.index()] {
                    self.hand(side, Component::Rtp, &rtp(ssrc, self.sequence, 8));
                }
            }
            self.session.on_tick(self.now);
            let mut buffer = [0; 1_500];
            let mut packet = Datagram { buffer: &mut buffer, length: 0 };
            while let Some(sending) = self.session.take_due(self.now, &mut packet) {
                self.left.push((self.now, sending, packet.bytes().to_vec()));
            }
        }
    }

    fn reports(&self, toward: Side) -> Vec<(Time, Said)> {
        let control = self.left.iter().filter(|(_, sending, _)| sending.component == Component::Rtcp);
        control.filter(|(_, s, _)| s.side == toward).map(|(at, _, bytes)| (*at, read(bytes))).collect()
    }

    fn news(&mut self) -> Vec<Reply> {
        std::iter::from_fn(|| self.session.poll_reply()).collect()
    }
}

/// What one compound of ours says.
#[derive(Debug, Clone, Default)]
struct Said {
    ssrc: u32,
    sender: Option<rtp::SenderInfo>,
    block: Option<rtp::ReportBlock>,
    cname: Vec<u8>,
    farewells: Vec<u32>,
}

fn read(bytes: &[u8]) -> Said {
    let mut said = Said::default();
    for packet in Compound::parse(bytes, Form::Full).unwrap().packets() {
        match packet {
            RtcpPacket::SenderReport(report) => {
                (said.ssrc, said.sender, said.block) =
                    (report.ssrc, Some(report.info), report.blocks().next());
            }
            RtcpPacket::ReceiverReport(report) => {
                (said.ssrc, said.block) = (report.ssrc, report.blocks().next())
            }
            RtcpPacket::SourceDescription(sdes) => {
                said.cname = sdes.chunks().next().unwrap().cname().unwrap().to_vec();
            }
            RtcpPacket::Bye(bye) => said.farewells = bye.sources().collect(),
            _ => {}
        }
    }
    said
}

const MADE: Care = Care {
    live: true,
    judge_active: true,
    judge_held: true,
    reports: true,
    forbidden: false,
    keepalive: Keepalive::Off,
    extended: Extended { strip: false, voip_metrics: false, round_trip: RoundTrip::Off },
};

/// From G.722 to G.722 in packets of another length, so that both sides hear sources of ours.
fn bridged(care: Care) -> Room {
    let mut room = Room::new(care);
    let plan = |ptime_ms| Plan::between(vec![(8, Codec::G722)], 20, Format::new(8, Codec::G722, ptime_ms));
    assert!(room.session.bridge(0, Some(Box::new([plan(40), plan(40)])), 77));
    room
}

#[test]
fn where_a_bridge_stands_rtcp_ends_and_each_side_hears_reports_of_ours() {
    let mut room = bridged(Care::default());
    let sr = rtcp(ONE, Some(0x1234), Some((0, 0)));
    assert!(room.hand(Side::A, Component::Rtcp, &sr).is_empty(), "RTCP of a side's reached the other");
    room.pass(30, [true, true]);
    for (side, heard) in [(Side::A, ONE), (Side::B, TWO)] {
        let reports = room.reports(side);
        assert!((4..=12).contains(&reports.len()), "{}", reports.len());
        let waits: Vec<u128> = reports.windows(2).map(|two| two[1].0.since(two[0].0).as_millis()).collect();
        assert!(waits.iter().all(|wait| (2_500..=7_700).contains(wait)), "{waits:?}");
        assert!(waits.windows(2).any(|two| two[0] != two[1]), "randomised: {waits:?}");
        let last = &reports.last().unwrap().1;
        assert!(![ONE, TWO].contains(&last.ssrc), "under a name of ours");
        assert_eq!(last.block.unwrap().ssrc, heard, "about what the peer sends");
        assert_eq!(last.cname.len(), 16);
        let sender = last.sender.unwrap();
        assert!(sender.packets > 0 && sender.octets == sender.packets * 320, "{sender:?}");
    }
    let [to_a, to_b] = [Side::A, Side::B].map(|side| room.reports(side).pop().unwrap().1);
    assert!(to_a.ssrc != to_b.ssrc && to_a.cname != to_b.cname, "neither side is named to the other");
}

#[test]
fn counts_times_and_blocks_of_our_reports_are_right() {
    let mut room = bridged(Care::default());
    // Every second packet of 20 ms makes one of 40 ms; of A's packets each tenth is missing.
    let (mut sent, mut stamps) = (0u32, Vec::new());
    for n in 0..300u16 {
        room.now = room.now + Duration::from_millis(20);
        let made = if n % 10 == 9 { vec![] } else { room.hand(Side::A, Component::Rtp, &rtp(ONE, n, 8)) };
        sent += made.len() as u32;
        stamps.extend(made.last().map(|p| u32::from_be_bytes(p[4..8].try_into().unwrap())));
        room.hand(Side::B, Component::Rtp, &rtp(TWO, n, 8));
    }
    room.hand(Side::A, Component::Rtcp, &rtcp(ONE, Some(0xabcd), None));
    room.now = room.now + Duration::from_secs(1);
    let due = room.now + Duration::from_secs(8);
    while room.reports(Side::A).is_empty() || room.reports(Side::B).is_empty() {
        assert!(room.now < due);
        room.pass(1, [false, false]);
    }
    let (at, to_b) = room.reports(Side::B)[0].clone();
    let sender = to_b.sender.unwrap();
    assert_eq!(sender.packets, sent);
    let since = at.since(Time::from_millis(6_000)).as_millis() as u32 * 8;
    let ahead = sender.rtp_timestamp.wrapping_sub(*stamps.last().unwrap());
    assert!(ahead.abs_diff(since) <= 8 * 60, "{ahead} ticks, {since} by the clock");
    let (at, to_a) = room.reports(Side::A)[0].clone();
    let block = to_a.block.unwrap();
    assert_eq!((block.ssrc, block.lsr, block.cumulative_lost), (ONE, 0xabcd, 29), "{block:?}");
    assert!(block.fraction_lost > 20 && block.fraction_lost < 30, "{block:?}");
    let held = at.since(Time::from_millis(6_000)).as_millis() as u32 * 65_536 / 1_000;
    assert!(block.dlsr.abs_diff(held) < 66, "{} {held}", block.dlsr);
}

#[test]
fn the_round_trip_to_each_side_comes_from_reports_of_ours() {
    let mut room = bridged(Care::default());
    room.pass(9, [true, true]);
    let (at, said) = room.reports(Side::B).pop().unwrap();
    let lsr = (said.sender.unwrap().ntp.0 >> 16) as u32;
    // The peer has held it until 30 ms ago.
    let held = room.now.since(at).as_millis() as u32 - 30;
    room.hand(Side::B, Component::Rtcp, &rtcp(TWO, None, Some((lsr, held * 65_536 / 1_000))));
    let rtt = room.session.report(room.now).b[0].rtt_ms.unwrap();
    assert!((29.0..31.0).contains(&rtt), "{rtt}");
}

#[test]
fn a_silent_side_is_spoken_for_and_not_while_it_reports_itself() {
    let mut room = Room::new(MADE);
    for _ in 0..10 {
        room.pass(4, [true, true]);
        assert_eq!(room.hand(Side::A, Component::Rtcp, &rtcp(ONE, Some(7), None)).len(), 1, "it passes");
    }
    assert!(room.reports(Side::B).is_empty(), "A reports itself");
    let first = room.reports(Side::A)[0].clone();
    assert!(first.0 >= Time::from_millis(10_000), "B has had its time");
    assert_eq!((first.1.ssrc, first.1.block.unwrap().ssrc), (TWO, ONE), "by the name that A knows");
    assert!(first.1.sender.unwrap().packets >= 100);
    room.pass(20, [true, true]);
    assert!(!room.reports(Side::B).is_empty(), "A has fallen silent");
    let mut passing = Room::new(Care { reports: false, ..MADE });
    passing.pass(40, [true, true]);
    assert!(passing.left.is_empty(), "`pass` makes none");
}

#[test]
fn a_peer_that_forbids_rtcp_gets_none_where_it_ends_here_nor_where_it_passes() {
    for mut room in [bridged(Care { forbidden: true, ..MADE }), Room::new(Care { forbidden: true, ..MADE })] {
        room.pass(60, [true, true]);
        assert!(room.left.is_empty(), "RTCP was forbidden");
    }
}

#[test]
fn a_side_whose_reports_go_on_coming_listens_and_has_not_stopped() {
    let stops = |reports: bool| {
        let mut room = Room::new(MADE);
        room.pass(10, [true, true]);
        for _ in 0..10 {
            room.pass(4, [true, false]);
            if reports {
                room.hand(Side::B, Component::Rtcp, &rtcp(TWO, Some(7), None));
            }
        }
        room.news().iter().any(|news| matches!(news, Reply::OneWay { .. }))
    };
    assert!(stops(false) && !stops(true));
}

#[test]
fn reports_go_on_over_a_hold_as_those_of_a_receiver() {
    let mut room = Room::new(MADE);
    room.pass(12, [true, true]);
    room.describe(MADE, |remote| Remote { send: false, receive: false, ..remote });
    let before = room.reports(Side::A).len();
    room.pass(60, [false, false]);
    let held = room.reports(Side::A).split_off(before);
    assert!((8..=24).contains(&held.len()), "{}", held.len());
    assert!(held.last().unwrap().1.sender.is_none(), "nothing was sent");
}

#[test]
fn no_report_goes_to_a_call_that_is_not_answered() {
    let mut room = Room::new(MADE);
    room.session = Session::new(SessionId(1), Time::ZERO, 1);
    for (side, at) in [(Side::A, a()), (Side::B, b())] {
        let remote = Remote { care: Care { live: false, ..MADE }, timeout: None, ..Remote::audio(at) };
        room.session.set(room.now, side, 0, remote);
    }
    room.pass(60, [true, true]);
    assert!(room.left.is_empty());
}

#[test]
fn a_session_that_ends_says_farewell_once_to_whom_it_has_spoken() {
    let mut room = bridged(Care::default());
    room.pass(10, [true, true]);
    let names = [Side::A, Side::B].map(|side| room.reports(side).pop().unwrap().1.ssrc);
    let mut buffer = [0; 1_500];
    let mut packet = Datagram { buffer: &mut buffer, length: 0 };
    let mut said = Vec::new();
    while let Some(sending) = room.session.take_farewell(room.now, None, &mut packet) {
        said.push((sending.side, read(packet.bytes()).farewells));
    }
    assert_eq!(said, [(Side::A, vec![names[0]]), (Side::B, vec![names[1]])]);
    let mut silent = Room::new(Care::default());
    assert!(silent.session.take_farewell(Time::ZERO, None, &mut packet).is_none(), "it never spoke");
}

#[test]
fn keepalives_leave_where_nothing_was_sent_for_ten_seconds() {
    for (kind, payload_type, payload) in [(Keepalive::Empty(127), 127, 0), (Keepalive::Noise(13), 13, 1)] {
        let mut room = Room::new(Care { keepalive: kind, reports: false, ..MADE });
        room.pass(20, [true, true]);
        assert!(room.left.is_empty(), "media flow");
        room.describe(Care { keepalive: kind, reports: false, ..MADE }, |remote| Remote {
            send: false,
            receive: false,
            ..remote
        });
        room.pass(60, [false, false]);
        let to_a: Vec<_> = room.left.iter().filter(|(_, sending, _)| sending.side == Side::A).collect();
        assert!((3..=6).contains(&to_a.len()), "{}", to_a.len());
        let mut last = None;
        for (_, sending, bytes) in to_a {
            let packet = rtp::Packet::parse(&bytes[..]).unwrap();
            assert_eq!((packet.payload_type(), packet.payload().len()), (payload_type, payload));
            assert_eq!((sending.component, sending.to), (Component::Rtp, a()));
            assert_ne!(packet.ssrc(), TWO, "the stream's own numbers stay whole");
            let next = packet.sequence();
            assert!(last.is_none_or(|last: u16| next == last + 1));
            last = Some(next);
        }
    }
}

#[test]
fn whose_silence_counts_is_said_for_active_and_for_held_calls() {
    let timed_out = |care: Care, held: bool| {
        let mut room = Room::new(Care { reports: false, ..care });
        if held {
            room.describe(Care { reports: false, ..care }, |remote| Remote {
                send: false,
                receive: false,
                ..remote
            });
        }
        room.pass(40, [false, false]);
        room.news().iter().any(|news| matches!(news, Reply::Timeout { .. }))
    };
    assert!(timed_out(MADE, false) && timed_out(MADE, true));
    let (active, held) = (Care { judge_active: false, ..MADE }, Care { judge_held: false, ..MADE });
    assert!(!timed_out(active, false) && timed_out(active, true));
    assert!(timed_out(held, false) && !timed_out(held, true));
}

#[test]
fn whoever_is_answered_with_a_hold_is_judged_as_held() {
    let care = Care { judge_held: false, reports: false, live: true, ..Care::default() };
    let mut room = Room::new(care);
    let silent = |room: &mut Room, send, receive| {
        room.session.set(room.now, Side::B, 0, Remote { care, send, receive, ..Remote::audio(b()) });
        room.pass(40, [false, false]);
        let told = room.news();
        Side::BOTH.map(|side| told.iter().any(|t| matches!(t, Reply::Timeout { side: s, .. } if *s == side)))
    };
    assert_eq!(silent(&mut room, false, false), [false, false], "A would speak and hear, and B neither");
    assert_eq!(silent(&mut room, false, true), [true, true], "B says something to A");
}
