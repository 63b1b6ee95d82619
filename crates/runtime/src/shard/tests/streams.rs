//! TCP: framing, reuse, refusal, peers that do not read and peers that do not speak.

use super::bench::*;
use base::Rng;
use base::Transport::{Tcp, Udp};
use sip_core::{SendError, SendToken};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length];
    stream.read_exact(&mut buffer).unwrap();
    buffer
}

#[test]
fn any_split_of_the_stream_gives_the_same_messages() {
    let bench = plain();
    let mut dice = Rng::new((7, 7));
    for round in 0..20 {
        let messages: Vec<Vec<u8>> =
            (0..12).map(|n| request(round * 100 + n, dice.below(3000) as usize)).collect();
        let bytes = messages.concat();
        let mut stream = connect(bench.address(Tcp));
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let piece = (1 + dice.below(400) as usize).min(rest.len());
            stream.write_all(&rest[..piece]).unwrap();
            rest = &rest[piece..];
        }
        assert_eq!(read(&mut stream, bytes.len()), bytes);
        for message in &messages {
            match bench.next() {
                Seen::Message(_, verified, bytes) => assert_eq!((&bytes, verified.len()), (message, 0)),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_ping_is_answered_with_a_pong() {
    let bench = plain();
    let mut stream = connect(bench.address(Tcp));
    stream.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(read(&mut stream, 2), b"\r\n");
    stream.write_all(&request(1, 0)).unwrap();
    assert_eq!(read(&mut stream, request(1, 0).len()), request(1, 0));
}

#[test]
fn a_peer_that_has_stopped_sending_still_gets_its_answer() {
    let bench = plain();
    let mut stream = connect(bench.address(Tcp));
    stream.write_all(&request(1, 5000)).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert_eq!(all, request(1, 5000));
}

#[test]
fn bytes_that_are_no_messages_end_the_connection() {
    let bench = plain();
    for bad in [
        "OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4294967328\r\n\r\n",
    ] {
        let mut stream = connect(bench.address(Tcp));
        stream.write_all(bad.as_bytes()).unwrap();
        assert!(matches!(stream.read(&mut [0; 10]), Ok(0) | Err(_)));
    }
    assert_eq!(bench.counters().streams.closed_by("framing"), 2);
}

#[test]
fn requests_of_ours_share_a_connection_and_answers_come_over_it() {
    let bench = plain();
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = peer.local_addr().unwrap();
    let order =
        |n: usize| Order { flow: flow(Tcp, to), bytes: request(n, 100), token: Some(SendToken(n as u64)) };
    bench.send((0..5).map(order));
    let (mut stream, _) = peer.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = request(1, 100).len();
    assert_eq!(read(&mut stream, 5 * length), (0..5).flat_map(|n| request(n, 100)).collect::<Vec<u8>>());
    bench.send([order(7)]);
    assert_eq!(read(&mut stream, length), request(7, 100));
    let answer = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(answer).unwrap();
    match bench.next() {
        Seen::Message(flow, _, bytes) => {
            assert_eq!((flow.remote, &bytes[..]), (to, &answer[..]));
            assert!(flow.conn.is_some());
            assert_eq!(flow.trunk, Some(base::TrunkId(0)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.counters().streams.dialled, 1);
    assert_eq!(bench.counters().listens[0].connections.outbound, 1);
}

#[test]
fn a_request_goes_back_over_an_inbound_connection_only_to_its_very_address() {
    let bench = plain();
    let mut stream = connect(bench.address(Tcp));
    let (from, message) = (stream.local_addr().unwrap(), request(3, 10));
    stream.write_all(&message).unwrap();
    assert_eq!(read(&mut stream, message.len()), message);
    bench.next();
    bench.send([Order { flow: flow(Tcp, from), bytes: request(4, 10), token: None }]);
    assert_eq!(read(&mut stream, message.len()), request(4, 10));
    assert_eq!(bench.counters().streams.dialled, 0);
}

#[test]
fn a_refused_connect_fails_at_once() {
    let bench = plain();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.send((1..4).map(|n| Order {
        flow: flow(Tcp, dead),
        bytes: request(1, 0),
        token: Some(SendToken(n)),
    }));
    let mut tokens = Vec::new();
    for _ in 1..4 {
        match bench.next() {
            Seen::Failed(token, SendError::Refused) => tokens.push(token.0),
            other => panic!("{other:?}"),
        }
    }
    tokens.sort_unstable();
    assert_eq!(tokens, [1, 2, 3]);
}

#[test]
fn a_reset_connection_loses_what_was_on_it() {
    let bench = plain();
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = peer.local_addr().unwrap();
    bench.send([Order { flow: flow(Tcp, to), bytes: request(1, 0), token: Some(SendToken(9)) }]);
    let (mut stream, _) = peer.accept().unwrap();
    read(&mut stream, 10);
    // Closing with unread bytes resets.
    drop(stream);
    match bench.next() {
        Seen::Failed(SendToken(9), SendError::Closed) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_connection_that_the_switchboard_closes_is_ended_and_the_next_message_opens_another() {
    let bench = plain();
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = peer.local_addr().unwrap();
    let order =
        |n: usize| Order { flow: flow(Tcp, to), bytes: request(n, 0), token: Some(SendToken(n as u64)) };
    bench.send([order(1)]);
    let (mut old, _) = peer.accept().unwrap();
    old.set_read_timeout(Some(PATIENCE)).unwrap();
    read(&mut old, request(1, 0).len());
    old.write_all(b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    let Seen::Message(named, ..) = bench.next() else { panic!("an answer") };
    bench.send([Order { flow: named, bytes: Vec::new(), token: None }, order(2)]);
    let (mut new, _) = peer.accept().unwrap();
    new.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(read(&mut new, request(2, 0).len()), request(2, 0));
    assert_eq!(old.read(&mut [0; 10]).unwrap(), 0, "closed");
    assert!(matches!(bench.next(), Seen::Failed(SendToken(1), SendError::Closed)));
    assert_eq!(bench.counters().streams.closed_by("unanswered"), 1);
}

#[test]
fn a_peer_that_does_not_read_is_cut_off() {
    let bench = plain();
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = peer.local_addr().unwrap();
    let order = |n: u64| Order { flow: flow(Tcp, to), bytes: request(1, 60_000), token: Some(SendToken(n)) };
    bench.send([order(0)]);
    let _silent = peer.accept().unwrap();
    // More than the kernel's buffers and our queue can hold together.
    let mut sent = 0;
    let cut = loop {
        sent += 1;
        assert!(sent < 10_000, "never cut off");
        bench.send([order(sent)]);
        if bench.counters().streams.closed_by("slow_reader") > 0 {
            break sent;
        }
    };
    match bench.next() {
        Seen::Failed(token, SendError::QueueFull) => assert!(token.0 <= cut),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_thousand_idle_connections_disturb_nobody() {
    let bench = plain();
    let to = bench.address(Tcp);
    let mut idle: Vec<TcpStream> = (0..1000).map(|_| connect(to)).collect();
    for (n, stream) in idle.iter_mut().enumerate().filter(|(n, _)| n % 2 == 0) {
        // Half of them begin a message and never end it; those that were displaced may refuse it.
        let _ = stream.write_all(&request(n, 100)[..50]);
    }
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 1500];
    for n in 0..100 {
        ours.send_to(&request(n, 0), bench.address(Udp)).unwrap();
        assert_eq!(ours.recv(&mut buffer).unwrap(), request(n, 0).len());
        // Also over TCP, and also from the address of those that sit there.
        let mut stream = connect(to);
        stream.write_all(&request(n, 0)).unwrap();
        assert_eq!(read(&mut stream, request(n, 0).len()), request(n, 0));
    }
    let status = bench.counters();
    assert!(status.listens[0].connections.inbound <= 256 + 100, "{:?}", status.listens[0].connections);
    let limit = status.limits.iter().find(|l| l.0 == "unproven_connections_per_source").unwrap();
    assert!(limit.2 >= 700, "{limit:?}");
    assert!(status.streams.closed_by("displaced") >= 700);
}
