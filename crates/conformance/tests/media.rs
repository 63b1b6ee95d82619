//! Sound through the server, packet by packet: it arrives, unchanged, and nothing else does.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::phone::{Phone, call, rtp_packet};
use conformance::{Place, Server, Sipp, records};
use std::net::{SocketAddr, UdpSocket};

const WORLD: &str = "+441632960001";
const EXTENSION: &str = "+493023125100";

fn phones(place: &Place) -> (Phone, Phone) {
    (Phone::new(place, PBX, &place.sip(INSIDE)), Phone::new(place, ITSP, &place.sip(OUTSIDE)))
}

/// Sends packets both ways until the other side has got `count` of them, and checks each.
fn talk(a: (&Phone, SocketAddr), b: (&Phone, SocketAddr), count: u16, from: u16) {
    for n in from..from + count {
        for ((sender, relay), (receiver, theirs), source, fill) in
            [(a, b, 0x1111, 0xA5), (b, a, 0x2222, 0x5A)]
        {
            sender.send_rtp(relay, source, n, fill);
            let (packet, came_from) = receiver.receive_rtp();
            assert_eq!(came_from, theirs, "from the port that the server named");
            assert_eq!(packet.get(12..), rtp_packet(source, n, fill).get(12..), "the sound is unchanged");
            assert_eq!(packet.get(1), Some(&8), "the payload type is that of the answer");
        }
    }
}

#[test]
fn sound_crosses_both_ways_unchanged_and_the_record_counts_it() {
    let place = Place::new("relay");
    let server = Server::start(&place, &Setup::new(&place).text());
    let (pbx, itsp) = phones(&place);
    let (a, b) = call(&pbx, &itsp, WORLD, EXTENSION, "relay");
    assert_eq!(a.relay.ip().to_string(), place.ip(INSIDE));
    assert_eq!(b.relay.ip().to_string(), place.ip(OUTSIDE));
    assert!((20_000..24_000).contains(&a.relay.port()), "{}", a.relay);
    assert!((30_000..34_000).contains(&b.relay.port()), "{}", b.relay);
    talk((&pbx, a.relay), (&itsp, b.relay), 250, 1);
    pbx.hang_up(&a, &itsp);
    let record = records::await_count(&place, 1).remove(0);
    for direction in ["from_caller", "from_callee"] {
        let packets =
            record.pointer(&format!("/media/{direction}/packets")).and_then(serde_json::Value::as_u64);
        assert_eq!(packets, Some(250), "{record}");
        let lost = record.pointer(&format!("/media/{direction}/lost")).and_then(serde_json::Value::as_u64);
        assert_eq!(lost, Some(0), "{record}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn packets_of_strangers_are_not_delivered_and_strangers_hear_nothing() {
    let place = Place::new("bleed");
    let mut setup = Setup::new(&place);
    setup.rtp = ("20000-20019".into(), "30000-30019".into());
    let _server = Server::start(&place, &setup.text());
    let (pbx, itsp) = phones(&place);
    // A stranger, and one at the phone's own address but another port (latching is off by default).
    let stranger = UdpSocket::bind((place.ip(66), 40_000)).unwrap();
    let neighbour = UdpSocket::bind((place.ip(PBX), 40_002)).unwrap();
    let everywhere = |sequence: u16| {
        for (ip, first) in [(place.ip(INSIDE), 20_000_u16), (place.ip(OUTSIDE), 30_000)] {
            for port in first..first + 20 {
                for socket in [&stranger, &neighbour] {
                    // Closed ports answer with a refusal that the next call reports: no matter.
                    let _ = socket.send_to(&rtp_packet(0x6666, sequence, 0x66), (ip.as_str(), port));
                }
            }
        }
    };
    for sequence in 0..50 {
        everywhere(sequence);
    }
    let (a, b) = call(&pbx, &itsp, WORLD, EXTENSION, "bleed");
    for sequence in 0..50 {
        everywhere(sequence);
        talk((&pbx, a.relay), (&itsp, b.relay), 2, 1 + sequence * 2);
    }
    for phone in [&pbx, &itsp] {
        let foreign = phone.drain_rtp().iter().filter(|p| p.get(12) == Some(&0x66)).count();
        assert_eq!(foreign, 0, "packets of a stranger came through");
    }
    for socket in [&stranger, &neighbour] {
        socket.set_nonblocking(true).unwrap();
        // Refusals of closed ports lie in the queue; only received bytes would be a bleed.
        let heard = (0..200).filter(|_| socket.recv_from(&mut [0; 2048]).is_ok()).count();
        assert_eq!(heard, 0, "a stranger hears the call");
    }
    pbx.hang_up(&a, &itsp);
}

#[test]
fn ports_come_back_when_calls_end() {
    let place = Place::new("ports");
    let mut setup = Setup::new(&place);
    // Twenty pairs on each side for forty calls: a pair rests two seconds before it is used again.
    setup.rtp = ("20000-20039".into(), "30000-30039".into());
    let _server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).calls(40).answer();
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(PBX)).calls(40).rate(4).with(&["-d", "20"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
}

#[test]
fn without_a_free_port_a_call_is_refused_with_503_and_retry_after() {
    let place = Place::new("no-ports");
    let mut setup = Setup::new(&place);
    setup.rtp = ("20000-20003".into(), "30000-30003".into());
    let _server = Server::start(&place, &setup.text());
    let (pbx, itsp) = phones(&place);
    let (a, _) = call(&pbx, &itsp, WORLD, EXTENSION, "first");
    let (b, _) = call(&pbx, &itsp, WORLD, EXTENSION, "second");
    let refused = pbx.refused(WORLD, EXTENSION, "third");
    assert_eq!(refused.status(), Some(503), "{}", refused.0);
    assert!(refused.header("Retry-After").parse::<u32>().is_ok(), "{}", refused.0);
    pbx.hang_up(&a, &itsp);
    pbx.hang_up(&b, &itsp);
}

#[test]
fn a_call_without_sound_ends_by_the_media_timeout() {
    let place = Place::new("silence");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "override = { media_timeout = \"1s\" }\n".into();
    setup.pbx_more = "override = { media_timeout = \"1s\" }\n".into();
    let _server = Server::start(&place, &setup.text());
    let (pbx, itsp) = phones(&place);
    let (a, b) = call(&pbx, &itsp, WORLD, EXTENSION, "silence");
    talk((&pbx, a.relay), (&itsp, b.relay), 3, 1);
    for phone in [&pbx, &itsp] {
        let bye = phone.sip.await_message("BYE", "");
        phone.sip.send(conformance::phone::ok(&bye));
    }
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::word(&record, "released_by"), "tronco", "{record}");
}
