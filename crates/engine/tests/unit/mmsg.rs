//! Tests of `engine/src/mmsg.rs`, which need its private parts.

use super::*;
use std::net::UdpSocket;
use std::os::fd::AsFd;

fn received(
    batch: &mut RecvBatch,
    socket: &UdpSocket,
    count: usize,
) -> Vec<(Vec<u8>, SocketAddr, Option<IpAddr>)> {
    let mut all = Vec::new();
    // A blocking peek waits for the first, so that no sleep is needed.
    while all.len() < count {
        socket.peek_from(&mut [0; 1]).unwrap();
        all.extend(batch.recv(socket.as_fd()).unwrap().map(|d| (d.bytes.to_vec(), d.source, d.local)));
    }
    all
}

fn exchange(any: &str) {
    let here = UdpSocket::bind(any).unwrap();
    let there = UdpSocket::bind(any).unwrap();
    let (from, to) = (here.local_addr().unwrap(), there.local_addr().unwrap());
    enable_packet_info(there.as_fd(), to).unwrap();
    let mut out = SendBatch::new(8, 4096);
    for n in 0..8u8 {
        assert!(out.push(&vec![n; usize::from(n) + 1], to));
    }
    assert!(!out.push(b"x", to));
    assert!(out.flush(here.as_fd()));
    assert_eq!((out.counters.sent, out.counters.overflowed), (8, 1));
    let mut batch = RecvBatch::new(3, 64);
    for (n, (bytes, source, local)) in received(&mut batch, &there, 8).into_iter().enumerate() {
        assert_eq!(bytes, vec![n as u8; n + 1]);
        assert_eq!((source, local), (from, Some(to.ip())));
    }
    assert_eq!(batch.recv(there.as_fd()).err().map(|e| e.kind()), Some(io::ErrorKind::WouldBlock));
}

#[test]
fn batches_cross_on_ipv4_and_ipv6() {
    exchange("127.0.0.1:0");
    exchange("[::1]:0");
}

#[test]
fn a_refused_datagram_does_not_stop_the_others() {
    let here = UdpSocket::bind("127.0.0.1:0").unwrap();
    let there = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut out = SendBatch::new(8, 200_000);
    out.push(b"one", there.local_addr().unwrap());
    out.push(&[0; 70_000], there.local_addr().unwrap());
    out.push(b"two", "[::1]:9".parse().unwrap());
    out.push(b"three", there.local_addr().unwrap());
    assert!(out.flush(here.as_fd()));
    assert_eq!((out.counters.sent, out.counters.failed), (2, 2));
    let mut batch = RecvBatch::new(4, 64);
    let got = received(&mut batch, &there, 2);
    assert_eq!((&got[0].0[..], &got[1].0[..]), (&b"one"[..], &b"three"[..]));
    assert_eq!(got[0].2, None);
}

#[test]
fn a_datagram_longer_than_a_slot_is_marked() {
    let here = UdpSocket::bind("127.0.0.1:0").unwrap();
    let there = UdpSocket::bind("127.0.0.1:0").unwrap();
    here.send_to(&[7; 100], there.local_addr().unwrap()).unwrap();
    there.peek_from(&mut [0; 1]).unwrap();
    let mut batch = RecvBatch::new(2, 64);
    let one = batch.recv(there.as_fd()).unwrap().next().unwrap();
    assert_eq!((one.bytes.len(), one.truncated), (64, true));
}
