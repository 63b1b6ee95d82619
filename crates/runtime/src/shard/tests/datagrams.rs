//! UDP: in, out, keepalives, and what comes back from a closed port.

use super::bench::*;
use base::Transport::Udp;
use sip_core::{SendError, SendToken};
use std::net::UdpSocket;
use std::sync::atomic::Ordering;

fn socket(any: &str) -> UdpSocket {
    let socket = UdpSocket::bind(any).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

#[test]
fn datagrams_return_from_the_port_that_they_went_to_and_the_journal_is_written_first() {
    let bench = plain();
    let (ours, node) = (socket("127.0.0.1:0"), bench.address(Udp));
    let mut buffer = [0; 65_535];
    // Keepalives are no messages (RFC 5626 §4.4).
    for keepalive in [&b""[..], b"\r\n", b"\r\n\r\n", b"\0\0\0\0"] {
        ours.send_to(keepalive, node).unwrap();
    }
    for number in 0..200 {
        ours.send_to(&request(number, number * 10), node).unwrap();
        let (length, from) = ours.recv_from(&mut buffer).unwrap();
        assert!(bench.journalled.load(Ordering::SeqCst) > number);
        assert_eq!((&buffer[..length], from), (&request(number, number * 10)[..], node));
    }
    let datagrams = bench.counters().listens[0].datagrams;
    assert_eq!((datagrams.received, datagrams.keepalives, datagrams.sent), (200, 4, 200));
}

#[test]
fn many_datagrams_in_one_turn_all_return_in_order() {
    let bench = plain();
    let ours = socket("127.0.0.1:0");
    let mut buffer = [0; 65_535];
    for round in 0..20 {
        for number in 0..100 {
            ours.send_to(&request(round * 100 + number, 300), bench.address(Udp)).unwrap();
        }
        for number in 0..100 {
            let length = ours.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], request(round * 100 + number, 300));
        }
    }
}

#[test]
fn a_closed_port_is_a_refusal_and_harms_no_other_message() {
    let bench = plain();
    let alive = socket("127.0.0.1:0");
    let dead = socket("127.0.0.1:0").local_addr().unwrap();
    let mut buffer = [0; 1500];
    for round in 0..50u64 {
        let order = |to, token| Order {
            flow: flow(Udp, to),
            bytes: request(token as usize, 0),
            token: Some(SendToken(token)),
        };
        let to = alive.local_addr().unwrap();
        bench.send([order(dead, round), order(to, 1000 + round), order(to, 2000 + round)]);
        for expected in [1000 + round, 2000 + round] {
            let length = alive.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], request(expected as usize, 0));
        }
        match bench.next() {
            Seen::Failed(token, error) => assert_eq!((token, error), (SendToken(round), SendError::Refused)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bench.counters().listens[0].datagrams.undelivered, 50);
}

#[test]
fn what_cannot_be_sent_at_all_fails_at_once() {
    let bench = plain();
    let order = |to: &str, bytes: usize, token| Order {
        flow: flow(Udp, to.parse().unwrap()),
        bytes: vec![b'x'; bytes],
        token: Some(SendToken(token)),
    };
    // Another family; and more than a datagram holds.
    bench.send([order("[::1]:5060", 10, 1), order("127.0.0.1:5060", 66_000, 2)]);
    let mut failed: Vec<_> = (0..2)
        .map(|_| match bench.next() {
            Seen::Failed(token, error) => (token.0, error),
            other => panic!("{other:?}"),
        })
        .collect();
    failed.sort_by_key(|f| f.0);
    assert_eq!(failed, [(1, SendError::Unreachable), (2, SendError::TooLarge)]);
}

#[test]
fn ipv6_and_a_second_port_of_an_interface() {
    let mut config = config("\"udp:5060\", \"udp:5062\"", "", "gateways = [\"127.0.0.1:9\"]");
    config.listens[0].address = "::1".parse().unwrap();
    let bench = Bench::start(config);
    let ours = socket("[::1]:0");
    let ports: Vec<_> = bench.node().local_addresses().iter().map(|a| a.address).collect();
    assert_eq!(ports.len(), 2);
    let mut buffer = [0; 1500];
    for port in ports {
        ours.send_to(&request(1, 0), port).unwrap();
        assert_eq!(ours.recv_from(&mut buffer).unwrap().1, port);
    }
}
