//! Peers of no trunk: heard briefly, never answered, few.

use super::super::admission::{STRANGERS_MAX, STRANGERS_SOURCE_MAX};
use super::*;
use crate::shard::tests::bench::request;

const STRANGER: [u8; 4] = [127, 0, 66, 1];
const KNOWN: [u8; 4] = [127, 0, 0, 7];

#[test]
fn a_stranger_is_heard_for_five_seconds_and_never_answered() {
    let mut ground = Ground::new();
    let mut stream = ground.connect(STRANGER);
    ground.accepted(at(0), 1);
    stream.write_all(&[b"\r\n\r\n", &request(1, 10)[..]].concat()).unwrap();
    ground.heard(at(4_000), 1);
    ground.look(at(4_999), 0);
    assert_eq!(ground.open(), 1);
    ground.look(at(5_500), 3);
    assert_eq!((ground.open(), ground.closed_by("stranger")), (0, 1));
    assert!(rest(stream).is_empty(), "not even a ping is answered");
}

#[test]
fn a_stranger_who_becomes_known_gets_what_it_is_owed_and_stays() {
    let mut ground = Ground::new();
    let mut stream = ground.connect(STRANGER);
    ground.accepted(at(0), 1);
    stream.write_all(&[b"\r\n\r\n", &request(1, 10)[..]].concat()).unwrap();
    ground.heard(at(1_000), 1);
    // As when the gateway's name has resolved.
    ground.known.push([127, 0, 66]);
    ground.look(at(2_000), 0);
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
    ground.look(at(60_000), 0);
    assert_eq!(ground.open(), 1);
}

#[test]
fn whom_the_house_answers_is_no_stranger() {
    let mut ground = Ground::new();
    let mut stream = ground.connect(STRANGER);
    ground.accepted(at(0), 1);
    stream.write_all(&request(1, 10)).unwrap();
    ground.heard(at(0), 1);
    let (&id, inbound) = ground.pool.streams.iter().next().unwrap();
    let flow = Flow { conn: Some(ConnId(id)), ..inbound.flow };
    let reached = Reached::new();
    let net = Net { poll: &ground.poll, rules: &ground.rules, reached: &reached, interfaces: &[] };
    ground.pool.send(at(0), &flow, b"SIP/2.0 200 OK\r\n\r\n", None, &net).unwrap();
    ground.look(at(10_000), 0);
    assert_eq!((ground.open(), ground.closed_by("stranger")), (1, 0));
    let mut answer = [0; 18];
    stream.read_exact(&mut answer).unwrap();
}

#[test]
fn one_source_has_few_connections_while_it_is_a_stranger() {
    let mut ground = Ground::new();
    let many = STRANGERS_SOURCE_MAX + 9;
    let streams: Vec<TcpStream> = (0..many)
        .map(|n| {
            let stream = ground.connect(STRANGER);
            ground.accepted(at(n), n + 1);
            stream
        })
        .collect();
    assert_eq!(ground.open() as u64, STRANGERS_SOURCE_MAX);
    assert_eq!((ground.closed_by("displaced"), ground.limit_hits("stranger_connections_per_source")), (9, 9));
    assert!(rest(streams.into_iter().next().unwrap()).is_empty(), "the oldest gave way");
}

#[test]
fn strangers_of_many_sources_leave_those_of_trunks_alone() {
    let mut ground = Ground::new();
    let known: Vec<TcpStream> = (0..40).map(|_| ground.connect(KNOWN)).collect();
    ground.accepted(at(0), 40);
    let sources = STRANGERS_MAX / STRANGERS_SOURCE_MAX + 4;
    let mut strangers = Vec::new();
    for n in 0..sources * STRANGERS_SOURCE_MAX {
        let source = u8::try_from(n / STRANGERS_SOURCE_MAX).unwrap();
        strangers.push(ground.connect([127, 0, 66, source + 1]));
        ground.accepted(at(n), 41 + n);
    }
    assert_eq!(ground.open() as u64, 40 + STRANGERS_MAX);
    assert_eq!(ground.limit_hits("stranger_connections"), 4 * STRANGERS_SOURCE_MAX);
    // And one more of a trunk's peer, which is answered.
    let mut stream = ground.connect(KNOWN);
    stream.write_all(b"\r\n\r\n").unwrap();
    let before = ground.pool.counters.accepted;
    ground.accepted(at(1_000), before + 1);
    ground.turn(at(1_000));
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).unwrap();
    ground.look(at(10_000), 0);
    assert_eq!(ground.open(), 41, "no stranger is left, and nobody else went");
    drop(known);
}

#[test]
fn a_connection_that_has_gone_makes_room_for_another() {
    let mut ground = Ground::new();
    for round in 0..STRANGERS_SOURCE_MAX * 2 {
        drop(ground.connect(STRANGER));
        ground.accepted(at(round), round + 1);
        while ground.open() > 0 {
            ground.turn(at(round));
        }
    }
    assert_eq!(ground.limit_hits("stranger_connections_per_source"), 0);
}
