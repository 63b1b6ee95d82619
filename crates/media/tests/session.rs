//! A session as an engine sees it: packets, sources and time in; verdicts, filters, news, a report out.

#![allow(clippy::unwrap_used)]

mod common;

use base::{Rng, Time};
use common::{a, at, b, rtcp, rtp};
use media::{
    CodecKind, Component, Datagram, DropReason, Latch, OneWay, Remote, Reply, Session, SessionId, Side,
    Silence, Verdict,
};
use std::net::SocketAddr;
use std::time::Duration;

const ID: SessionId = SessionId(3);

/// Brings a packet as an engine does. Verdicts of plain relays speak of the length that came.
fn hand(
    session: &mut Session,
    now: Time,
    (side, stream, component): (Side, u8, Component),
    source: SocketAddr,
    bytes: &mut [u8],
) -> Verdict {
    let length = bytes.len();
    let verdict = session.on_packet(now, side, stream, component, source, Datagram { buffer: bytes, length });
    if let Verdict::Relay { length: relayed, component, to } = verdict {
        assert_eq!(relayed, length);
        return Verdict::Relay { component, to, length: 0 };
    }
    verdict
}

/// A session under test, with a clock that moves with each packet.
struct Room {
    session: Session,
    ms: u64,
}

impl Room {
    fn new(latch: Latch) -> Room {
        let mut room = Room { session: Session::new(ID, Time::ZERO, 1), ms: 0 };
        room.set(Side::A, Remote { latch, ..Remote::audio(a()) });
        room.set(Side::B, Remote { latch, ..Remote::audio(b()) });
        room
    }

    fn now(&self) -> Time {
        Time::from_millis(self.ms)
    }

    fn set(&mut self, side: Side, remote: Remote) {
        assert!(self.session.set(self.now(), side, 0, remote));
    }

    fn put(&mut self, side: Side, component: Component, source: SocketAddr, mut bytes: Vec<u8>) -> Verdict {
        let before = bytes.clone();
        let now = self.now();
        let verdict = hand(&mut self.session, now, (side, 0, component), source, &mut bytes);
        assert_eq!(bytes, before, "a plain relay changes nothing");
        verdict
    }

    fn media(&mut self, side: Side, source: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        self.put(side, Component::Rtp, source, rtp(ssrc, sequence, 0))
    }

    /// Lets time pass, ticking as an engine does.
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.ms += 20;
            self.session.on_tick(self.now());
        }
    }

    /// Both sides talk for `packets` × 20 ms.
    fn talk(&mut self, from: u16, packets: u16) {
        for n in from..from + packets {
            assert_eq!(self.media(Side::A, a(), 1, n), to(b()));
            assert_eq!(self.media(Side::B, b(), 2, n), to(a()));
            self.pass(20);
        }
    }

    fn replies(&mut self) -> Vec<Reply> {
        std::iter::from_fn(|| self.session.poll_reply()).collect()
    }
}

fn to(to: SocketAddr) -> Verdict {
    Verdict::Relay { component: Component::Rtp, to, length: 0 }
}

fn no(reason: DropReason) -> Verdict {
    Verdict::Drop(reason)
}

#[test]
fn nobody_is_believed_before_a_description() {
    let mut session = Session::new(ID, Time::ZERO, 1);
    for component in Component::BOTH {
        let verdict = hand(&mut session, Time::ZERO, (Side::A, 0, component), a(), &mut rtp(1, 1, 0));
        assert_eq!(verdict, no(DropReason::ForeignSource));
    }
    session.set(Time::ZERO, Side::A, 0, Remote::audio(a()));
    let verdict = hand(&mut session, Time::ZERO, (Side::A, 0, Component::Rtp), a(), &mut rtp(1, 1, 0));
    assert_eq!(verdict, no(DropReason::NoRemote), "the other side is not known yet");
    let verdict = hand(&mut session, Time::ZERO, (Side::A, 9, Component::Rtp), a(), &mut rtp(1, 1, 0));
    assert_eq!(verdict, no(DropReason::NoRemote), "no such stream");
}

#[test]
fn exact_sources_only_unless_latching() {
    let mut room = Room::new(Latch::Off);
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), None);
    for foreign in [at("192.0.2.1:4001"), at("192.0.2.9:4000"), b()] {
        assert_eq!(room.media(Side::A, foreign, 1, 1), no(DropReason::ForeignSource));
    }
    assert_eq!(room.media(Side::A, a(), 1, 1), to(b()));
    assert!(room.session.take_changed());
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), Some(a()));
    // Same stream, next numbers, other host: still foreign.
    room.pass(500);
    assert_eq!(room.media(Side::A, at("192.0.2.9:4000"), 1, 2), no(DropReason::ForeignSource));
    assert_eq!(room.media(Side::A, at("192.0.2.9:4000"), 1, 3), no(DropReason::ForeignSource));
}

#[test]
fn an_early_attacker_on_the_same_host_loses_to_the_exact_source() {
    let mut room = Room::new(Latch::Signalled);
    let attacker = at("192.0.2.1:6666");
    assert_eq!(room.media(Side::A, attacker, 9, 1), to(b()), "first valid port of the right host");
    assert_eq!(room.media(Side::A, a(), 1, 1), to(b()), "the exact source takes over at once");
    for n in 2..100 {
        room.ms += 20;
        assert_eq!(room.media(Side::A, attacker, 9, n), no(DropReason::Ssrc));
        assert_eq!(room.media(Side::A, a(), 1, n), to(b()));
        assert_eq!(room.media(Side::B, b(), 2, n), to(a()), "nothing bleeds");
    }
}

#[test]
fn a_rebind_is_followed_only_with_proof() {
    let mut room = Room::new(Latch::Signalled);
    let rebound = at("192.0.2.1:4444");
    room.talk(1, 20);
    assert_eq!(room.media(Side::A, rebound, 1, 21), no(DropReason::Ssrc), "the old source still talks");
    room.pass(300);
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), None, "silent: listen to all");
    assert_eq!(room.media(Side::A, rebound, 7, 36), no(DropReason::Ssrc), "another stream");
    assert_eq!(room.media(Side::A, rebound, 1, 5), no(DropReason::Ssrc), "an old number");
    assert_eq!(room.media(Side::A, rebound, 1, 36), no(DropReason::Ssrc), "one is no proof");
    assert_eq!(room.media(Side::A, at("192.0.2.1:4445"), 1, 37), no(DropReason::Ssrc), "another port");
    assert_eq!(room.media(Side::A, at("192.0.2.7:4444"), 1, 37), no(DropReason::ForeignSource));
    assert_eq!(room.media(Side::A, rebound, 1, 37), no(DropReason::Ssrc), "the row was broken");
    assert_eq!(room.media(Side::A, rebound, 1, 38), to(b()));
    assert_eq!(room.media(Side::B, b(), 2, 21), to(rebound));
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), None, "the exact one may come back");
    let expected = Reply::Latched { session: ID, side: Side::A, stream: 0, source: rebound };
    assert_eq!(room.replies(), vec![expected]);
    assert_eq!(room.session.report(room.now()).a[0].rebinds, 1);
}

#[test]
fn behind_nat_the_first_valid_packet_locks() {
    let mut room = Room::new(Latch::Nat);
    let (nat, thief) = (at("203.0.113.5:1024"), at("203.0.113.66:1024"));
    assert_eq!(room.put(Side::A, Component::Rtp, thief, vec![0; 40]), no(DropReason::ForeignSource));
    assert_eq!(room.put(Side::A, Component::Rtcp, thief, rtcp(1, None, None)), no(DropReason::ForeignSource));
    assert_eq!(room.media(Side::A, nat, 1, 1), to(b()));
    assert_eq!(room.media(Side::A, thief, 9, 2), no(DropReason::Ssrc));
    assert_eq!(room.media(Side::B, b(), 2, 1), to(nat));
    // RTCP comes from the host of the media, with the source of the media.
    let control = at("203.0.113.5:1031");
    assert_eq!(room.put(Side::A, Component::Rtcp, control, rtcp(9, None, None)), no(DropReason::Ssrc));
    let expected = Verdict::Relay { component: Component::Rtcp, to: at("198.51.100.2:5001"), length: 0 };
    assert_eq!(room.put(Side::A, Component::Rtcp, control, rtcp(1, None, None)), expected);
    let expected = Verdict::Relay { component: Component::Rtcp, to: control, length: 0 };
    assert_eq!(room.put(Side::B, Component::Rtcp, at("198.51.100.2:5001"), rtcp(2, None, None)), expected);
}

#[test]
fn a_moved_description_moves_the_source_with_grace_for_the_old_one() {
    let mut room = Room::new(Latch::Off);
    room.talk(1, 5);
    let moved = at("192.0.2.1:4100");
    room.set(Side::A, Remote::audio(moved));
    assert_eq!(room.media(Side::B, b(), 2, 6), to(moved));
    assert_eq!(room.media(Side::A, a(), 1, 6), to(b()), "still on its way");
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), None);
    assert_eq!(room.media(Side::A, moved, 1, 7), to(b()));
    assert_eq!(room.media(Side::A, a(), 1, 8), no(DropReason::ForeignSource), "the new one has begun");
    assert_eq!(room.session.filter(Side::A, 0, Component::Rtp), Some(moved));
    room.set(Side::A, Remote::audio(a()));
    room.pass(2_000);
    assert_eq!(room.media(Side::A, moved, 1, 9), no(DropReason::ForeignSource), "grace has an end");
}

#[test]
fn direction_and_hold_are_obeyed() {
    let mut room = Room::new(Latch::Off);
    room.talk(1, 2);
    room.set(Side::B, Remote { receive: false, ..Remote::audio(b()) });
    assert_eq!(room.media(Side::B, b(), 2, 3), no(DropReason::Direction));
    assert_eq!(room.media(Side::A, a(), 1, 3), to(b()));
    room.set(Side::B, Remote { send: false, ..Remote::audio(b()) });
    assert_eq!(room.media(Side::A, a(), 1, 4), no(DropReason::Direction));
    let expected = Verdict::Relay { component: Component::Rtcp, to: at("198.51.100.2:5001"), length: 0 };
    assert_eq!(
        room.put(Side::A, Component::Rtcp, at("192.0.2.1:4001"), rtcp(1, None, None)),
        expected,
        "RTCP goes on"
    );
    // Hold of RFC 2543: nothing goes there, what it plays still comes.
    room.set(Side::B, Remote { rtp: None, ..Remote::audio(b()) });
    assert_eq!(room.media(Side::A, a(), 1, 5), no(DropReason::NoRemote));
    assert_eq!(room.media(Side::B, b(), 2, 4), to(a()));
    room.set(Side::B, Remote::audio(b()));
    room.talk(6, 2);
}

#[test]
fn payload_types_and_shapes_are_checked() {
    let mut room = Room::new(Latch::Off);
    room.set(Side::A, Remote { payload_types: Remote::bitmap([0, 8, 101]), ..Remote::audio(a()) });
    for pt in 0..128u8 {
        let expected = if [0, 8, 101].contains(&pt) { to(b()) } else { no(DropReason::PayloadType) };
        assert_eq!(room.put(Side::A, Component::Rtp, a(), rtp(1, u16::from(pt), pt)), expected);
    }
    assert_eq!(room.put(Side::A, Component::Rtp, a(), vec![0x80; 11]), no(DropReason::BadLength));
    assert_eq!(room.put(Side::A, Component::Rtp, a(), vec![0; 40]), no(DropReason::BadVersion));
    assert_eq!(room.put(Side::A, Component::Rtp, a(), Vec::new()), no(DropReason::BadLength));
    let dropped = room.session.report(room.now()).a[0].dropped;
    assert_eq!((dropped.of(DropReason::PayloadType), dropped.total()), (125, 128));
}

#[test]
fn multiplexed_control_is_recognised_and_answered_in_kind() {
    let mut room = Room::new(Latch::Off);
    room.set(Side::A, Remote { rtcp: Some(a()), ..Remote::audio(a()) });
    let plain = Verdict::Relay { component: Component::Rtcp, to: at("198.51.100.2:5001"), length: 0 };
    assert_eq!(room.put(Side::A, Component::Rtp, a(), rtcp(1, None, None)), plain);
    assert_eq!(room.put(Side::B, Component::Rtcp, at("198.51.100.2:5001"), rtcp(2, None, None)), to(a()));
    let foreign = at("192.0.2.1:4001");
    assert_eq!(
        room.put(Side::A, Component::Rtp, foreign, rtcp(1, None, None)),
        no(DropReason::ForeignSource)
    );
    assert_eq!(
        room.put(Side::A, Component::Rtp, a(), rtcp(1, None, None)[..6].to_vec()),
        no(DropReason::BadLength)
    );
}

#[test]
fn fax_passes_without_rtp_checks() {
    let mut room = Room::new(Latch::Off);
    room.talk(1, 3);
    room.set(Side::A, Remote { udptl: true, ..Remote::audio(a()) });
    room.set(Side::B, Remote { udptl: true, ..Remote::audio(b()) });
    assert_eq!(room.put(Side::A, Component::Rtp, a(), vec![0, 1, 2]), to(b()));
    assert_eq!(
        room.put(Side::A, Component::Rtp, at("192.0.2.1:9"), vec![0, 1, 2]),
        no(DropReason::ForeignSource)
    );
    assert_eq!(room.session.report(room.now()).a[0].packets, 4);
}

#[test]
fn round_trip_and_peer_reports_are_read_in_passing() {
    let mut room = Room::new(Latch::Off);
    room.talk(1, 1);
    room.put(Side::A, Component::Rtcp, at("192.0.2.1:4001"), rtcp(1, Some(0x1234_5678), None));
    room.ms += 250;
    // B held it for 100 ms: the way to B and back took 150.
    let report = rtcp(2, None, Some((0x1234_5678, 6554)));
    room.put(Side::B, Component::Rtcp, at("198.51.100.2:5001"), report);
    let r = room.session.report(room.now());
    let rtt = r.b[0].rtt_ms.unwrap();
    assert!((149.0..151.0).contains(&rtt), "{rtt}");
    assert_eq!(
        (r.b[0].peer_loss_fraction, r.b[0].peer_lost, r.b[0].peer_jitter_ms),
        (Some(0.25), Some(5), Some(10.0))
    );
    assert_eq!((r.a[0].rtt_ms, r.a[0].rtcp_packets, r.b[0].rtcp_packets), (None, 1, 1));
}

#[test]
fn silence_and_one_way_are_news_once() {
    let mut room = Room::new(Latch::Off);
    for n in 0..600u16 {
        room.media(Side::A, a(), 1, n);
        room.pass(20);
    }
    let why = Some(OneWay::Nothing.into());
    assert_eq!(room.replies(), [Reply::OneWay { session: ID, side: Side::B, why }]);
    assert!(room.session.report(room.now()).b[0].one_way);
    room.pass(60_000);
    let rtp = |ms: Option<u64>| Silence { rtp: ms.map(Duration::from_millis), ..Silence::default() };
    let timeout = |side, ms| Reply::Timeout { session: ID, side, silence: rtp(ms) };
    assert_eq!(room.replies(), [timeout(Side::B, None), timeout(Side::A, Some(30_000))]);
    // RTCP alone keeps a held call alive.
    for _ in 0..20 {
        room.put(Side::A, Component::Rtcp, at("192.0.2.1:4001"), rtcp(1, None, None));
        room.put(Side::B, Component::Rtcp, at("198.51.100.2:5001"), rtcp(2, None, None));
        room.pass(5_000);
    }
    assert_eq!(room.replies(), vec![]);
}

#[test]
fn quality_is_rated_in_spans() {
    let mut room = Room::new(Latch::Off);
    room.set(Side::B, Remote { codec: CodecKind::G729, ..Remote::audio(b()) });
    for n in 0..1_500u16 {
        room.media(Side::A, a(), 1, n);
        // The second ten seconds of side B lose every tenth packet.
        if !(500..1_000).contains(&n) || n % 10 != 0 {
            room.media(Side::B, b(), 2, n);
        }
        room.pass(20);
    }
    let opened_with_gap = room.session.close(Time::from_millis(30_000));
    let (ra, rb) = (&opened_with_gap.a[0], &opened_with_gap.b[0]);
    assert_eq!((ra.mos_min, ra.mos_avg, ra.mos_last, ra.lost), (441, 441, 441, 0));
    assert_eq!((rb.lost, rb.packets), (50, 1_450));
    assert!(rb.mos_min < 320 && rb.mos_last > 400 && rb.mos_avg > rb.mos_min, "{rb:?}");
    assert_eq!((rb.first_packet_after, rb.silence_max), (Some(Duration::ZERO), Duration::from_millis(40)));
}

#[test]
fn a_rejected_stream_is_closed_and_reported() {
    let mut session = Session::new(ID, Time::ZERO, 2);
    for stream in 0..2 {
        session.set(Time::ZERO, Side::A, stream, Remote::audio(a()));
        session.set(Time::ZERO, Side::B, stream, Remote::audio(b()));
        hand(&mut session, Time::ZERO, (Side::A, stream, Component::Rtp), a(), &mut rtp(1, 1, 0));
    }
    assert!(session.reject(Time::ZERO, 1));
    assert!(!session.reject(Time::ZERO, 1));
    assert!(!session.set(Time::ZERO, Side::A, 1, Remote::audio(a())));
    assert_eq!(session.filter(Side::A, 1, Component::Rtp), None);
    let verdict = hand(&mut session, Time::ZERO, (Side::A, 1, Component::Rtp), a(), &mut rtp(1, 2, 0));
    assert!(matches!(verdict, Verdict::Drop(_)));
    let report = session.close(Time::from_millis(5));
    assert_eq!(report.a.iter().map(|s| s.packets).collect::<Vec<_>>(), vec![1, 1]);
}

/// Whatever comes in whatever order: no panic, and nothing from a stranger passes, who does not know the stream when near.
#[test]
fn random_operations_never_let_a_stranger_through() {
    let mut rng = Rng::new((11, 12));
    let strangers = [(at("203.0.113.9:4000"), 1), (at("192.0.2.1:4003"), 9), (at("[2001:db8::1]:4000"), 1)];
    for _ in 0..300 {
        let mut session = Session::new(ID, Time::ZERO, 2);
        let mut now = Time::ZERO;
        for _ in 0..300 {
            now = now + Duration::from_millis(rng.below(400));
            let side = if rng.below(2) == 0 { Side::A } else { Side::B };
            let own = if side == Side::A { a() } else { b() };
            let stream = rng.below(3) as u8;
            match rng.below(10) {
                0 => {
                    let rtp = (rng.below(4) > 0).then_some(own);
                    let flags = rng.next_u64();
                    let remote = Remote {
                        rtp,
                        receive: flags & 1 == 0,
                        send: flags & 2 == 0,
                        udptl: flags & 28 == 0,
                        ..Remote::audio(own)
                    };
                    session.set(now, side, stream, remote);
                }
                1 => session.on_tick(now),
                2 if rng.below(50) == 0 => {
                    session.reject(now, stream);
                }
                _ => {
                    let component = if rng.below(3) == 0 { Component::Rtcp } else { Component::Rtp };
                    let stranger = rng.below(2) == 0;
                    let (source, ssrc) = if stranger { strangers[rng.below(3) as usize] } else { (own, 1) };
                    let mut bytes = match rng.below(3) {
                        0 => rtcp(ssrc, Some(5), Some((5, 0))),
                        _ => rtp(ssrc, rng.below(20) as u16, 0),
                    };
                    bytes.truncate(rng.below(200) as usize);
                    if rng.below(2) == 0 && !bytes.is_empty() {
                        let spot = rng.below(bytes.len() as u64) as usize;
                        bytes[spot] = rng.next_u64() as u8;
                    }
                    let verdict = hand(&mut session, now, (side, stream, component), source, &mut bytes);
                    assert!(!stranger || matches!(verdict, Verdict::Drop(_)));
                }
            }
        }
        let _ = session.close(now);
    }
}
