//! The vectors of RFC 5769, and an agent among full peers that this file plays.

use crate::agent::{Agent, CHECKS_BURST, Event, PEERS_MAX, Refusal};
use crate::credentials::{Credentials, is_password, is_ufrag};
use crate::integrity::Key;
use crate::message::{Class, Message, StunError, kind};
use crate::peer::{Candidates, PeerDescription};
use crate::write::Writer;
use base::Time;
use proptest::prelude::*;
use std::net::SocketAddr;

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let pair = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// RFC 5769 §2.1.
fn sample_request() -> Vec<u8> {
    hex("00010058 2112a442 b7e7a701 bc34d686 fa87dfae 80220010 5354554e 20746573 7420636c 69656e74
         00240004 6e0001ff 80290008 932ff9b1 51263b36 00060009 6576746a 3a683676 59202020
         00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2 80280004 e57a3bcf")
}

/// RFC 5769 §2.2.
fn sample_answer_v4() -> Vec<u8> {
    hex("0101003c 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
         00200008 0001a147 e112a643 00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96")
}

/// RFC 5769 §2.3.
fn sample_answer_v6() -> Vec<u8> {
    hex("01010048 2112a442 b7e7a701 bc34d686 fa87dfae 8022000b 74657374 20766563 746f7220
         00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
         00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41 80280004 c8fb0b4c")
}

#[test]
fn the_sample_messages_are_read_as_the_rfc_says() {
    let bytes = sample_request();
    let request = Message::parse(&bytes).unwrap();
    assert_eq!((request.class(), request.is_binding()), (Class::Request, true));
    assert_eq!(request.username(), Some(&b"evtj:h6vY"[..]));
    assert_eq!(request.priority(), Some(0x6e00_01ff));
    assert!(request.is_controlled() && !request.use_candidate() && request.has_fingerprint());
    assert!(request.is_from(&Key::new(PASSWORD.as_bytes())));
    assert!(!request.is_from(&Key::new(b"VOkJxbRl1RmTxUk/WvJxBs")));
    for (bytes, address) in [
        (sample_answer_v4(), "192.0.2.1:32853"),
        (sample_answer_v6(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let answer = Message::parse(&bytes).unwrap();
        assert_eq!(answer.class(), Class::Success);
        assert_eq!(answer.mapped_address(), Some(address.parse().unwrap()));
        assert!(answer.is_from(&Key::new(PASSWORD.as_bytes())));
    }
}

#[test]
fn what_is_written_is_what_the_rfc_shows() {
    for sample in [sample_answer_v4(), sample_answer_v6()] {
        let address = Message::parse(&sample).unwrap().mapped_address().unwrap();
        let mut buffer = [0; 128];
        let mut writer = Writer::new(&mut buffer, Class::Success, sample[8..20].try_into().unwrap());
        // The vector pads with a blank, which counts in its sums: the padding is made part of the value here.
        writer.attribute(0x8022, &[b"test vector "]);
        writer.mapped_address(address);
        let length = writer.finish().unwrap();
        let at = length - 8;
        assert_eq!(buffer[24..at], sample[24..at], "all but the length of the padded value");
    }
}

#[test]
fn a_changed_bit_is_seen() {
    let good = sample_request();
    // The fingerprint itself is not covered by the sum.
    for at in 0..(good.len() - 8) * 8 {
        let mut bytes = good.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        let believed = Message::parse(&bytes).is_ok_and(|m| m.is_from(&Key::new(PASSWORD.as_bytes())));
        assert!(!believed, "bit {at}");
    }
    assert_eq!(Message::parse(&good[..good.len() - 4]).err(), Some(StunError::Length));
}

/// A check of a full peer's.
struct Check<'a> {
    name: &'a str,
    password: &'a str,
    nominate: bool,
    priority: u32,
    more: &'a [u16],
}

const GOOD: Check<'_> =
    Check { name: "ours:peer", password: PASSWORD, nominate: true, priority: 100, more: &[] };

impl Check<'_> {
    fn write(&self, buffer: &mut [u8]) -> usize {
        let mut writer = Writer::new(buffer, Class::Request, *b"transaction0");
        writer.attribute(kind::USERNAME, &[self.name.as_bytes()]);
        writer.attribute(kind::PRIORITY, &[&self.priority.to_be_bytes()]);
        if !self.more.contains(&kind::ICE_CONTROLLED) {
            writer.attribute(kind::ICE_CONTROLLING, &[&[7; 8]]);
        }
        if self.nominate {
            writer.attribute(kind::USE_CANDIDATE, &[]);
        }
        self.more.iter().for_each(|kind| writer.attribute(*kind, &[&[1; 8]]));
        if !self.password.is_empty() {
            writer.integrity(&Key::new(self.password.as_bytes()));
        }
        writer.finish().unwrap()
    }
}

fn agent() -> Agent {
    Agent::new(Credentials::new("ours", PASSWORD).unwrap(), Time::ZERO)
}

fn peer(ufrag: &str, candidates: &[(u8, &str, u32)]) -> PeerDescription {
    let candidates: Candidates = candidates.iter().map(|(c, a, p)| (*c, a.parse().unwrap(), *p)).collect();
    PeerDescription { ufrag: ufrag.into(), candidates }
}

fn send_at(agent: &mut Agent, millis: u64, component: usize, source: &str, check: &Check<'_>) -> Event {
    let mut buffer = [0; 256];
    let length = check.write(&mut buffer);
    let source: SocketAddr = source.parse().unwrap();
    let event = agent.receive(Time::from_millis(millis), component, source, &mut buffer, length);
    if let Event::Answer { length, .. } = event {
        let answer = Message::parse(&buffer[..length]).unwrap();
        assert_eq!((answer.class(), answer.mapped_address()), (Class::Success, Some(source)));
        assert!(answer.is_from(&Key::new(check.password.as_bytes())));
        assert_eq!(answer.transaction(), *b"transaction0");
    }
    if let Event::Refuse { length: answered, .. } = event {
        assert!(answered <= length);
    }
    event
}

fn error_of(agent: &mut Agent, check: &Check<'_>) -> (u16, Vec<u16>) {
    let mut buffer = [0; 256];
    let length = check.write(&mut buffer);
    let source = "192.0.2.9:9".parse().unwrap();
    let Event::Refuse { length, .. } = agent.receive(Time::ZERO, 0, source, &mut buffer, length) else {
        panic!("no refusal")
    };
    let answer = Message::parse(&buffer[..length]).unwrap();
    let listed = answer.attribute(kind::UNKNOWN_ATTRIBUTES).unwrap_or_default();
    let listed = listed.chunks(2).map(|k| u16::from_be_bytes(k.try_into().unwrap())).collect();
    (answer.error_code().unwrap(), listed)
}

#[test]
fn a_nominating_check_proves_the_peers_address() {
    let mut agent = agent();
    agent.describe(&peer("peer", &[]), Time::ZERO);
    let silent = Check { nominate: false, ..GOOD };
    assert!(matches!(
        send_at(&mut agent, 1, 0, "192.0.2.7:4000", &silent),
        Event::Answer { moved: false, .. }
    ));
    assert_eq!(agent.selected(0), None);
    assert!(matches!(send_at(&mut agent, 2, 0, "192.0.2.7:4000", &GOOD), Event::Answer { moved: true, .. }));
    assert!(matches!(send_at(&mut agent, 3, 1, "192.0.2.7:4001", &GOOD), Event::Answer { moved: true, .. }));
    assert!(matches!(send_at(&mut agent, 9, 0, "192.0.2.7:4000", &GOOD), Event::Answer { moved: false, .. }));
    assert_eq!(agent.selected(0), Some("192.0.2.7:4000".parse().unwrap()));
    assert_eq!(agent.selected(1), Some("192.0.2.7:4001".parse().unwrap()));
    assert_eq!((agent.answered(), agent.heard()), (4, Some(Time::from_millis(9))));
}

#[test]
fn of_a_peer_that_never_checked_nothing_is_heard_though_another_one_did() {
    let mut agent = agent();
    agent.describe(&peer("peer", &[]), Time::ZERO);
    send_at(&mut agent, 1, 0, "192.0.2.7:4000", &GOOD);
    agent.describe(&peer("fork", &[]), Time::from_millis(5));
    assert_eq!((agent.answered(), agent.heard()), (1, None));
    agent.describe(&peer("peer", &[]), Time::from_millis(6));
    assert_eq!(agent.heard(), Some(Time::from_millis(1)));
}

#[test]
fn checks_that_come_before_the_peers_description_count_once_it_is_there() {
    let mut agent = agent();
    assert!(matches!(send_at(&mut agent, 1, 0, "192.0.2.7:4000", &GOOD), Event::Answer { moved: false, .. }));
    assert_eq!(agent.selected(0), None);
    agent.describe(&peer("peer", &[]), Time::from_millis(2));
    assert_eq!(agent.selected(0), Some("192.0.2.7:4000".parse().unwrap()));
}

#[test]
fn each_fork_is_heard_and_the_chosen_one_counts() {
    let mut agent = agent();
    agent.describe(&peer("one1", &[]), Time::ZERO);
    send_at(&mut agent, 1, 0, "192.0.2.1:4000", &Check { name: "ours:one1", ..GOOD });
    let second = Check { name: "ours:two2", priority: 900, ..GOOD };
    assert!(matches!(
        send_at(&mut agent, 2, 0, "192.0.2.2:4000", &second),
        Event::Answer { moved: false, .. }
    ));
    assert_eq!(agent.selected(0), Some("192.0.2.1:4000".parse().unwrap()));
    agent.describe(&peer("two2", &[]), Time::from_millis(3));
    assert_eq!(agent.selected(0), Some("192.0.2.2:4000".parse().unwrap()));
    for n in 0..2 * PEERS_MAX {
        send_at(&mut agent, 4, 0, "192.0.2.3:4000", &Check { name: &format!("ours:more{n}"), ..GOOD });
    }
    assert_eq!(
        agent.selected(0),
        Some("192.0.2.2:4000".parse().unwrap()),
        "the chosen one is never forgotten"
    );
}

#[test]
fn of_many_nominations_the_best_wins_and_a_late_one_is_followed() {
    let mut agent = agent();
    agent.describe(&peer("peer", &[(1, "192.0.2.7:4000", 1000)]), Time::ZERO);
    let at = |agent: &mut Agent, millis, source, priority| {
        send_at(agent, millis, 0, source, &Check { priority, ..GOOD });
        agent.selected(0).unwrap().to_string()
    };
    assert_eq!(at(&mut agent, 0, "192.0.2.5:4000", 500), "192.0.2.5:4000");
    assert_eq!(at(&mut agent, 10, "192.0.2.6:4000", 400), "192.0.2.5:4000");
    assert_eq!(at(&mut agent, 20, "192.0.2.7:4000", 1), "192.0.2.7:4000", "its candidate says 1000");
    assert_eq!(at(&mut agent, 30, "192.0.2.5:4000", 500), "192.0.2.7:4000");
    assert_eq!(at(&mut agent, 6_000, "192.0.2.5:4000", 500), "192.0.2.5:4000", "the peer has moved");
}

#[test]
fn a_restart_keeps_what_was_selected_until_the_new_checks_nominate() {
    let mut agent = agent();
    agent.describe(&peer("peer", &[]), Time::ZERO);
    send_at(&mut agent, 1, 0, "192.0.2.7:4000", &GOOD);
    let new = "0123456789012345678901";
    agent.restart(Credentials::new("next", new).unwrap(), Time::from_millis(10));
    assert!(
        matches!(send_at(&mut agent, 11, 0, "192.0.2.7:4000", &GOOD), Event::Answer { .. }),
        "old ones, still"
    );
    let fresh = Check { name: "next:peer2", password: new, ..GOOD };
    agent.describe(&peer("peer2", &[]), Time::from_millis(12));
    assert_eq!(agent.selected(0), Some("192.0.2.7:4000".parse().unwrap()));
    send_at(&mut agent, 13, 0, "192.0.2.8:4000", &fresh);
    assert_eq!(agent.selected(0), Some("192.0.2.8:4000".parse().unwrap()));
    assert_eq!(send_at(&mut agent, 31_000, 0, "192.0.2.7:4000", &GOOD), Event::Drop(Refusal::Foreign));
}

#[test]
fn credentials_of_before_a_restart_hold_for_as_long_as_checks_bear_them() {
    let mut agent = agent();
    agent.describe(&peer("peer", &[]), Time::ZERO);
    agent.restart(Credentials::new("next", "0123456789012345678901").unwrap(), Time::from_millis(10));
    for second in [20, 45, 70] {
        let event = send_at(&mut agent, second * 1_000, 0, "192.0.2.7:4000", &GOOD);
        assert!(matches!(event, Event::Answer { .. }), "{second} s: {event:?}");
    }
    // Who does not count holds nothing open.
    let former = Check { name: "ours:other", ..GOOD };
    assert!(matches!(send_at(&mut agent, 90_000, 0, "192.0.2.8:4000", &former), Event::Answer { .. }));
    let forged = Check { password: "another4567890123456789", ..GOOD };
    assert!(matches!(send_at(&mut agent, 99_000, 0, "192.0.2.7:4000", &forged), Event::Refuse { .. }));
    let late = send_at(&mut agent, 100_001, 0, "192.0.2.7:4000", &GOOD);
    assert_eq!(late, Event::Drop(Refusal::Foreign), "30 s after the last good one");
}

#[test]
fn strangers_get_no_answer_and_wrong_passwords_a_short_one() {
    let mut agent = agent();
    let mut is_dropped = |name, reason| {
        let event = send_at(&mut agent, 0, 0, "192.0.2.9:9", &Check { name, ..GOOD });
        assert_eq!(event, Event::Drop(reason), "{name}");
    };
    for name in ["theirs:peer", "ours", "", ":", "our:peer", "oursx:peer"] {
        is_dropped(name, Refusal::Foreign);
    }
    assert_eq!(error_of(&mut agent, &Check { password: "another4567890123456789", ..GOOD }).0, 401);
    assert_eq!(error_of(&mut agent, &Check { password: "", ..GOOD }).0, 400);
    assert_eq!(error_of(&mut agent, &Check { more: &[kind::ICE_CONTROLLED], ..GOOD }).0, 487);
    assert_eq!(error_of(&mut agent, &Check { more: &[0x7001, 0x7002], ..GOOD }), (420, vec![0x7001, 0x7002]));
    assert_eq!((agent.answered(), agent.selected(0)), (0, None));
    for bytes in
        [&sample_answer_v4()[..], b"", b"\0\x01\0\0", &hex("00110000 2112a442 00000000 00000000 00000000")]
    {
        let mut buffer = bytes.to_vec();
        let event = agent.receive(Time::ZERO, 0, "192.0.2.9:9".parse().unwrap(), &mut buffer, bytes.len());
        assert!(matches!(event, Event::Drop(Refusal::NotRequest | Refusal::Malformed)), "{event:?}");
    }
}

#[test]
fn floods_are_answered_up_to_a_rate() {
    let mut agent = agent();
    let wrong = Check { password: "another4567890123456789", ..GOOD };
    let refused = (0..1000)
        .filter(|_| matches!(send_at(&mut agent, 0, 0, "192.0.2.9:9", &wrong), Event::Refuse { .. }));
    assert_eq!(refused.count(), 10);
    let answered =
        (0..1000).filter(|_| matches!(send_at(&mut agent, 0, 0, "192.0.2.9:9", &GOOD), Event::Answer { .. }));
    assert_eq!(answered.count(), CHECKS_BURST as usize);
    assert_eq!(send_at(&mut agent, 4, 0, "192.0.2.9:9", &GOOD), Event::Drop(Refusal::Flood));
    assert!(matches!(send_at(&mut agent, 20, 0, "192.0.2.9:9", &GOOD), Event::Answer { .. }));
    assert!(matches!(send_at(&mut agent, 20, 1, "192.0.2.9:9", &GOOD), Event::Answer { .. }));
}

#[test]
fn credentials_are_long_enough_and_of_the_right_letters() {
    let made = Credentials::from_random(&[0xa5; 24]);
    assert!(is_ufrag(made.ufrag().as_bytes()) && is_password(made.password().as_bytes()));
    assert_eq!((made.ufrag().len(), made.password().len()), (8, 24));
    assert!(!format!("{made:?}").contains(made.password()));
    assert!(Credentials::new("abc", PASSWORD).is_none() && Credentials::new("abc-", PASSWORD).is_none());
    assert!(Credentials::new("abcd", "short").is_none());
}

#[test]
fn the_sample_cut_anywhere() {
    let sample = sample_request();
    (0..=sample.len()).for_each(|end| crate::fuzz::stun(&sample[..end]));
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz::stun(&bytes);
        let mut framed = hex("00010000 2112a442 b7e7a701 bc34d686 fa87dfae");
        framed.extend_from_slice(&bytes);
        framed.truncate(framed.len() / 4 * 4);
        let length = (framed.len() - 20) as u16;
        framed[2..4].copy_from_slice(&length.to_be_bytes());
        crate::fuzz::stun(&framed);
    }

    #[test]
    fn the_sample_with_bytes_changed(changes in proptest::collection::vec((0..108usize, any::<u8>()), 1..5)) {
        let mut bytes = sample_request();
        changes.into_iter().for_each(|(at, value)| bytes[at] = value);
        crate::fuzz::stun(&bytes);
    }
}
