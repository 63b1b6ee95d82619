//! How long a connection may take for what it has to do.

use super::super::times::*;
use super::*;
use crate::shard::tests::bench::{flow, request};
use crate::shard::tests::tls::{Files, GATEWAY, config_with};

const PEER: [u8; 4] = [127, 0, 0, 7];

/// Just before a limit, and when it is looked at after it.
fn around(limit: Duration) -> (Time, Time) {
    (Time::ZERO + (limit - Duration::from_millis(1)), Time::ZERO + limit + SWEEP_EVERY)
}

#[test]
fn a_peer_that_says_nothing_has_half_a_minute() {
    let mut ground = Ground::new();
    let stream = ground.connect(PEER);
    ground.accepted(at(0), 1);
    let (before, after) = around(FIRST_MESSAGE_MAX);
    ground.look(before, 0);
    assert_eq!(ground.open(), 1);
    ground.look(after, 7);
    assert_eq!((ground.open(), ground.closed_by("silent")), (0, 1));
    assert!(rest(stream).is_empty());
}

#[test]
fn an_idle_connection_is_closed_sooner_when_no_call_lives() {
    for (calls, limit) in [(0, IDLE_MAX), (1, IDLE_WITH_CALLS_MAX)] {
        let mut ground = Ground::new();
        let mut stream = ground.connect(PEER);
        stream.write_all(&request(1, 10)).unwrap();
        ground.accepted(at(0), 1);
        ground.heard(at(0), 1);
        let (before, after) = around(limit);
        ground.look(before, calls);
        assert_eq!(ground.open(), 1, "{calls} calls");
        ground.look(after, calls);
        assert_eq!((ground.open(), ground.closed_by("idle")), (0, 1), "{calls} calls");
        assert!(rest(stream).is_empty());
    }
}

#[test]
fn what_comes_over_a_connection_is_use_of_it() {
    let mut ground = Ground::new();
    let mut stream = ground.connect(PEER);
    ground.accepted(at(0), 1);
    // Small messages that nobody answers.
    let half = Time::ZERO + IDLE_MAX / 2;
    stream.write_all(&request(1, 10)).unwrap();
    ground.heard(at(0), 1);
    stream.write_all(&request(2, 10)).unwrap();
    ground.heard(half, 2);
    ground.look(Time::ZERO + IDLE_MAX + SWEEP_EVERY, 0);
    assert_eq!(ground.open(), 1);
    ground.look(half + IDLE_MAX + SWEEP_EVERY, 0);
    assert_eq!(ground.closed_by("idle"), 1);
}

#[test]
fn a_message_that_has_begun_is_whole_in_half_a_minute_however_its_bytes_drip() {
    let mut ground = Ground::new();
    let mut stream = ground.connect(PEER);
    let (first, second) = (request(1, 10), request(2, 10));
    stream.write_all(&first).unwrap();
    ground.accepted(at(0), 1);
    ground.heard(at(0), 1);
    let begun = at(100_000);
    for (n, byte) in second.iter().take(29).enumerate() {
        stream.write_all(&[*byte]).unwrap();
        ground.turn(begun + Duration::from_secs(n as u64));
    }
    ground.look(begun + (MESSAGE_MAX - Duration::from_millis(1)), 1);
    assert_eq!(ground.open(), 1);
    ground.look(begun + MESSAGE_MAX + SWEEP_EVERY, 1);
    assert_eq!((ground.open(), ground.closed_by("unfinished")), (0, 1));
    assert!(rest(stream).is_empty());
}

#[test]
fn a_message_that_is_whole_in_time_is_forgotten_as_unfinished() {
    let mut ground = Ground::new();
    let mut stream = ground.connect(PEER);
    let message = request(1, 10);
    stream.write_all(&message[..40]).unwrap();
    ground.accepted(at(0), 1);
    ground.turn(at(0));
    stream.write_all(&message[40..]).unwrap();
    ground.heard(at(20_000), 1);
    ground.look(at(90_000), 0);
    assert_eq!(ground.open(), 1);
}

#[test]
fn a_connect_that_hangs_fails_after_five_seconds() {
    let mut ground = Ground::new();
    // It connects; the pool is not told, as when nothing comes back.
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let reached = Reached::new();
    let interfaces = [(IpAddr::from([127, 0, 0, 1]), 0)];
    let net = Net { poll: &ground.poll, rules: &ground.rules, reached: &reached, interfaces: &interfaces };
    let to = flow(Transport::Tcp, peer.local_addr().unwrap());
    ground.pool.send(at(0), &to, &request(1, 10), Some(SendToken(5)), &net).unwrap();
    let (before, after) = around(CONNECT_MAX);
    ground.look(before, 1);
    assert!(ground.failures.is_empty());
    ground.look(after, 1);
    assert_eq!(ground.failures, [(SendToken(5), SendError::Timeout)]);
    assert_eq!(ground.closed_by("too_slow"), 1);
}

#[test]
fn a_handshake_that_hangs_is_cut_off_after_ten_seconds() {
    let files = Files::new();
    let ca = files.authority("ours");
    files.certificate(&ca, "node", &["tronco.example"], false);
    let mut ground = Ground::with(Transport::Tls, &config_with(&files, "", GATEWAY));
    // One of a trunk and one of none; the second may yet show a certificate, so it has as long.
    let peers = [ground.connect(PEER), ground.connect([127, 0, 66, 1])];
    ground.accepted(at(0), 2);
    let (before, after) = around(HANDSHAKE_MAX);
    ground.look(before, 0);
    assert_eq!(ground.open(), 2);
    ground.look(after, 0);
    assert_eq!((ground.open(), ground.closed_by("too_slow")), (0, 2));
    assert!(peers.into_iter().all(|peer| rest(peer).is_empty()));
}
