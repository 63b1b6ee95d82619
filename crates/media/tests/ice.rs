//! ICE in a session: who is believed, where media go, and what a peer's checks are worth.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use base::Time;
use ice::message::{Class, kind};
use ice::write::Writer;
use ice::{Credentials, Key, Message, PeerDescription};
use media::{Component, Datagram, DropReason, Remote, Reply, Session, SessionId, Side, Verdict};
use std::net::SocketAddr;
use std::time::Duration;

const PASSWORD: &str = "0123456789abcdefghijkl";
const A: &str = "192.0.2.1:4000";
const B: &str = "198.51.100.2:5000";

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut p = vec![0x80, 8];
    p.extend(sequence.to_be_bytes());
    p.extend([0, 0, 0, 0, 0, 0, 0, 1]);
    p.extend([0xd5; 160]);
    p
}

const RTCP: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];

fn check(name: &str, password: &str, nominates: bool) -> Vec<u8> {
    let mut buffer = vec![0; 256];
    let mut writer = Writer::new(&mut buffer, Class::Request, [3; 12]);
    writer.attribute(kind::USERNAME, &[name.as_bytes()]);
    writer.attribute(kind::PRIORITY, &[&[0, 0, 1, 0]]);
    if nominates {
        writer.attribute(kind::USE_CANDIDATE, &[]);
    }
    writer.integrity(&Key::new(password.as_bytes()));
    let length = writer.finish().unwrap();
    buffer.truncate(length);
    buffer
}

/// Side A without ICE at [`A`]; side B with it, signalled at [`B`].
struct Room {
    session: Session,
    now: Time,
}

impl Room {
    fn new() -> Room {
        let mut session = Session::new(SessionId(1), Time::ZERO, 1);
        session.set(Time::ZERO, Side::A, 0, Remote::audio(at(A)));
        session.set_ice(Time::ZERO, Side::B, &Credentials::new("ours", PASSWORD).unwrap());
        Room { session, now: Time::ZERO }
    }

    fn described(ufrag: &str) -> Remote {
        let ice = Some(Box::new(PeerDescription { ufrag: ufrag.into(), candidates: Default::default() }));
        Remote { ice, ..Remote::audio(at(B)) }
    }

    fn describe(&mut self, remote: Remote) {
        self.session.set(self.now, Side::B, 0, remote);
    }

    fn hand(&mut self, side: Side, component: Component, source: &str, bytes: &[u8]) -> (Verdict, Vec<u8>) {
        let mut buffer = bytes.to_vec();
        buffer.resize(bytes.len() + 64, 0);
        let packet = Datagram { buffer: &mut buffer, length: bytes.len() };
        let verdict = self.session.on_packet(self.now, side, 0, component, at(source), packet);
        (verdict, buffer)
    }

    fn checks(&mut self, component: Component, source: &str, nominates: bool) -> bool {
        let (verdict, buffer) =
            self.hand(Side::B, component, source, &check("ours:peer", PASSWORD, nominates));
        let Verdict::Answer { length } = verdict else { return false };
        let answer = Message::parse(&buffer[..length]).unwrap();
        answer.mapped_address() == Some(at(source)) && answer.is_from(&Key::new(PASSWORD.as_bytes()))
    }

    /// Where a packet goes, or why nowhere.
    fn goes(&mut self, side: Side, component: Component, source: &str) -> Result<String, DropReason> {
        let bytes =
            if component == Component::Rtp { rtp(self.now.as_millis() as u16) } else { RTCP.to_vec() };
        match self.hand(side, component, source, &bytes).0 {
            Verdict::Relay { to, .. } => Ok(to.to_string()),
            Verdict::Drop(reason) => Err(reason),
            Verdict::Answer { .. } | Verdict::Taken | Verdict::Handshake => {
                unreachable!("media were answered, or taken")
            }
        }
    }
}

use Component::{Rtcp, Rtp};
use Side::{A as Caller, B as Callee};

#[test]
fn only_the_nominated_source_is_heard_and_media_go_there() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    assert_eq!(room.goes(Callee, Rtp, B), Err(DropReason::ForeignSource), "signalled is not proven");
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::IceUnproven));
    assert!(room.checks(Rtp, "203.0.113.9:700", false));
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::IceUnproven), "a check alone chooses nothing");
    assert!(room.checks(Rtp, "203.0.113.9:700", true));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), "203.0.113.9:700");
    assert_eq!(room.goes(Callee, Rtp, "203.0.113.9:700").unwrap(), A);
    for source in [B, "203.0.113.9:701", "203.0.113.8:700"] {
        assert_eq!(room.goes(Callee, Rtp, source), Err(DropReason::ForeignSource), "{source}");
    }
    let news = room.session.poll_reply();
    assert!(
        matches!(news, Some(Reply::Latched { source, .. }) if source == at("203.0.113.9:700")),
        "{news:?}"
    );
    assert_eq!(room.session.filter(Callee, 0, Rtp), None, "checks may come from anywhere");
}

#[test]
fn media_may_come_from_where_a_check_came_from_before_it_is_nominated_and_after() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    let (first, second) = ("203.0.113.9:700", "203.0.113.9:701");
    assert!(room.checks(Rtp, first, false));
    assert_eq!(room.goes(Callee, Rtp, first).unwrap(), A, "the beginning is not clipped");
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::IceUnproven), "nothing goes there yet");
    assert!(room.checks(Rtp, second, true));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), second);
    assert_eq!(room.goes(Callee, Rtp, first).unwrap(), A);
    assert_eq!(room.goes(Callee, Rtp, "203.0.113.9:702"), Err(DropReason::ForeignSource));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), second, "who speaks moves nothing");
}

#[test]
fn a_proved_source_that_falls_silent_leaves_its_place_to_checks_alone() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    assert!(room.checks(Rtp, "203.0.113.9:700", true));
    let passes = |room: &mut Room, ms| {
        room.now = room.now + Duration::from_millis(ms);
        room.session.on_tick(room.now);
    };
    for _ in 0..20 {
        passes(&mut room, 1);
        assert!(room.goes(Callee, Rtp, "203.0.113.9:700").is_ok());
    }
    passes(&mut room, 1_000);
    for _ in 0..20 {
        passes(&mut room, 1);
        assert_eq!(room.goes(Callee, Rtp, "203.0.113.9:701"), Err(DropReason::ForeignSource));
    }
}

#[test]
fn each_component_has_its_own_address_unless_rtcp_is_multiplexed() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    assert!(room.checks(Rtp, "203.0.113.9:700", true));
    assert_eq!(room.goes(Caller, Rtcp, "192.0.2.1:4001"), Err(DropReason::IceUnproven));
    assert!(room.checks(Rtcp, "203.0.113.9:999", true));
    assert_eq!(room.goes(Caller, Rtcp, "192.0.2.1:4001").unwrap(), "203.0.113.9:999");
    assert_eq!(room.goes(Callee, Rtcp, "203.0.113.9:999").unwrap(), "192.0.2.1:4001");
    assert_eq!(room.goes(Callee, Rtcp, "203.0.113.9:998"), Err(DropReason::ForeignSource));
    room.describe(Remote { rtcp: Some(at(B)), ..Room::described("peer") });
    assert_eq!(room.goes(Caller, Rtcp, "192.0.2.1:4001").unwrap(), "203.0.113.9:700");
}

#[test]
fn checks_before_the_answer_are_answered_and_count_with_it() {
    let mut room = Room::new();
    assert!(room.checks(Rtp, "203.0.113.9:700", true));
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::NoRemote));
    room.describe(Room::described("peer"));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), "203.0.113.9:700");
}

#[test]
fn a_peer_that_answers_without_ice_is_where_it_says() {
    let mut room = Room::new();
    room.describe(Remote::audio(at(B)));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), B);
    assert_eq!(room.goes(Callee, Rtp, B).unwrap(), A);
    assert!(room.checks(Rtp, "203.0.113.9:700", true));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), B, "what it did not agree to moves nothing");
}

#[test]
fn wrong_credentials_move_nothing_and_are_counted() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    for (name, password) in [("ours:peer", "lkjihgfedcba9876543210"), ("hers:peer", PASSWORD), ("", PASSWORD)]
    {
        room.hand(Callee, Rtp, "203.0.113.9:700", &check(name, password, true));
    }
    room.hand(Callee, Rtp, "203.0.113.9:700", &[0, 1, 0, 0]);
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::IceUnproven));
    let report = room.session.report(room.now);
    assert_eq!(report.b[0].dropped.of(DropReason::IceCheck), 4);
    for _ in 0..600 {
        room.checks(Rtp, "203.0.113.9:700", false);
    }
    assert_eq!(room.session.report(room.now).b[0].dropped.of(DropReason::IceFlood), 200);
    // Where ICE is off, nothing is answered.
    assert!(matches!(room.hand(Caller, Rtp, A, &check("ours:peer", PASSWORD, true)).0, Verdict::Drop(_)));
}

#[test]
fn checks_are_consent_and_their_end_is_silence() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    for second in (0..120).step_by(5) {
        room.now = Time::from_millis(second * 1000);
        assert!(room.checks(Rtp, "203.0.113.9:700", true));
        room.goes(Caller, Rtp, A).unwrap();
        room.session.on_tick(room.now);
    }
    let timed_out = |room: &mut Room| {
        std::iter::from_fn(|| room.session.poll_reply()).find_map(|reply| match reply {
            Reply::Timeout { side: Callee, silence, .. } => Some(silence.to_string()),
            _ => None,
        })
    };
    assert_eq!(timed_out(&mut room), None, "a held peer that goes on consenting lives");
    room.session.on_tick(room.now + Duration::from_secs(31));
    let told = timed_out(&mut room);
    assert_eq!(told.as_deref(), Some("never any RTP, never any RTCP, no ICE check for 31 s"));
}

#[test]
fn a_restart_leaves_media_where_they_were_until_the_new_checks_nominate() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    assert!(room.checks(Rtp, "203.0.113.9:700", true));
    room.goes(Callee, Rtp, "203.0.113.9:700").unwrap();
    let other = "ABCDEFGHIJKLMNOPQRSTUV";
    room.session.set_ice(room.now, Callee, &Credentials::new("next", other).unwrap());
    room.describe(Room::described("anew"));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), "203.0.113.9:700");
    room.hand(Callee, Rtp, "203.0.113.10:700", &check("next:anew", other, true));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), "203.0.113.10:700");
    assert!(room.goes(Callee, Rtp, "203.0.113.9:700").is_ok(), "what is on its way still counts");
    // Another branch of a fork has proven nothing yet.
    room.describe(Room::described("fork"));
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::IceUnproven));
}

/// RFC 8445 §9: what a restart leaves as it was is the same peer's.
#[test]
fn another_party_that_comes_with_a_restart_has_proven_nothing_whatever_the_one_before_had() {
    let mut room = Room::new();
    room.describe(Room::described("peer"));
    assert!(room.checks(Rtp, "203.0.113.9:700", true) && room.checks(Rtcp, "203.0.113.9:701", true));
    let other = "ABCDEFGHIJKLMNOPQRSTUV";
    room.session.set_ice(room.now, Callee, &Credentials::new("next", other).unwrap());
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), "203.0.113.9:700", "it is still there");
    room.describe(Remote { other: true, ..Room::described("next") });
    assert_eq!(room.goes(Caller, Rtp, A), Err(DropReason::IceUnproven));
    assert_eq!(room.goes(Caller, Rtcp, "192.0.2.1:4001"), Err(DropReason::IceUnproven));
    room.now = room.now + Duration::from_secs(3);
    assert_eq!(room.goes(Callee, Rtp, "203.0.113.9:700"), Err(DropReason::ForeignSource));
    room.hand(Callee, Rtp, "203.0.113.10:700", &check("next:next", other, true));
    assert_eq!(room.goes(Caller, Rtp, A).unwrap(), "203.0.113.10:700");
}

#[test]
fn a_peer_that_was_described_before_us_is_believed_by_its_checks_from_then_on() {
    let mut room = Room::new();
    let mut session = Session::new(SessionId(2), Time::ZERO, 1);
    session.set(Time::ZERO, Side::A, 0, Remote::audio(at(A)));
    session.set(Time::ZERO, Side::B, 0, Room::described("peer"));
    session.set_ice(Time::ZERO, Side::B, &Credentials::new("ours", PASSWORD).unwrap());
    room.session = session;
    let (verdict, _) = room.hand(Side::B, Component::Rtp, B, &rtp(1));
    assert_eq!(verdict, Verdict::Drop(DropReason::ForeignSource), "it has proven nothing yet");
    let (verdict, _) = room.hand(Side::A, Component::Rtp, A, &rtp(1));
    assert_eq!(verdict, Verdict::Drop(DropReason::IceUnproven));
    assert!(room.checks(Component::Rtp, "203.0.113.9:7000", true));
    let (verdict, _) = room.hand(Side::A, Component::Rtp, A, &rtp(2));
    assert!(matches!(verdict, Verdict::Relay { to, .. } if to == at("203.0.113.9:7000")), "{verdict:?}");
}

#[test]
fn of_forks_that_make_checks_the_first_that_speaks_is_heard_until_one_has_answered() {
    let mut room = Room::new();
    let early = |ufrag: &str| Remote { timeout: None, ..Room::described(ufrag) };
    room.describe(early("one"));
    room.describe(Remote { beside: true, ..early("two") });
    for (ufrag, place) in [("one", "198.51.100.2:5000"), ("two", "198.51.100.7:5007")] {
        let check = check(&format!("ours:{ufrag}"), PASSWORD, true);
        assert!(matches!(room.hand(Callee, Rtp, place, &check).0, Verdict::Answer { .. }));
    }
    let (first, second) = ("198.51.100.2:5000", "198.51.100.7:5007");
    assert_eq!(room.goes(Callee, Rtp, second), Ok(A.into()), "though it was described beside the other");
    assert_eq!(room.goes(Caller, Rtp, A), Ok(second.into()), "and it is spoken to");
    assert!(room.goes(Callee, Rtp, first).is_err(), "nobody cuts off who is heard");
    assert!(room.goes(Callee, Rtp, "198.51.100.9:1").is_err(), "a stranger");
    room.now = room.now + Duration::from_millis(600);
    assert_eq!(room.goes(Callee, Rtp, first), Ok(A.into()));
    room.describe(Room::described("two"));
    assert_eq!(room.goes(Callee, Rtp, second), Ok(A.into()), "it has answered");
    assert!(room.goes(Callee, Rtp, first).is_err());
    assert_eq!(room.goes(Caller, Rtp, A), Ok(second.into()));
}
