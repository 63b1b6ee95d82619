//! Peers of no trunk that connect and stay: they disturb nobody and are soon gone.

use conformance::config::{INSIDE, PBX, Setup};
use conformance::wire::{connect_from, options, over_tcp};
use conformance::{PATIENCE, Place, Server};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Peers that are stuck, from four addresses.
const STUCK: usize = 100;

#[test]
fn a_hundred_stuck_peers_leave_a_known_ones_options_answered_and_are_closed() {
    let place = Place::new("stuck");
    let server = Server::start(&place, &Setup::new(&place).text());
    let address = place.sip(INSIDE);
    let mut stuck: Vec<TcpStream> = Vec::new();
    for n in 0..STUCK {
        let from = place.ip(100 + u8::try_from(n % 4).unwrap_or(0));
        let mut peer = connect_from(&from, &address);
        let here = peer.local_addr().expect("connected").to_string();
        let whole = options(&here, &address, "TCP", &format!("stuck{n}"));
        // One says nothing, one half a message, one asks in vain. Who has been displaced may refuse it.
        let part = [0, whole.len() / 2, whole.len()][n % 3];
        let _ = peer.write_all(&whole.as_bytes()[..part]);
        stuck.push(peer);
    }
    for n in 0..20 {
        let mark = format!("known{n}");
        let said = over_tcp(&place.ip(PBX), &address, b"", &mark);
        assert!(!said.closed && said.text.starts_with("SIP/2.0 200 "), "{}", said.text);
    }
    for mut peer in stuck {
        peer.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        let mut heard = Vec::new();
        let end = peer.read_to_end(&mut heard);
        assert!(heard.is_empty(), "a stranger got {:?}", String::from_utf8_lossy(&heard));
        // What a closed connection had not read yet resets it.
        let reset = |e: &std::io::Error| e.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(end.is_ok() || end.as_ref().is_err_and(reset), "still open: {end:?}");
    }
    assert_eq!(server.stop(), 0);
}
