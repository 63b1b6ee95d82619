//! Streams that are added to a call that goes on: SIPp offers and answers them, RTP, RTCP and T.38 cross on each, and
//! `tshark` tells by the descriptions what each stream is.

#![allow(clippy::panic, reason = "a peer that does not do its part fails the test")]

use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::phone::rtp_packet;
use conformance::script::{SDP, Script};
use conformance::server::tronco;
use conformance::sipp::Running;
use conformance::{PATIENCE, Place, Server, Sipp, records};
use std::net::UdpSocket;

const WORLD: &str = "+441632960001";
const CALLER: &str = "\"Anna\" <sip:+493023125100@[local_ip]:[local_port]>";
/// Where the peers' streams are: RTP, and RTCP beside it.
const FIRST: u16 = 40_000;
const SECOND: u16 = 40_010;

fn socket(host: String, port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((host, port)).expect("a socket for the media");
    socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    socket
}

/// A receiver report without blocks (RFC 3550 §6.4.2).
fn report(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1][..], &ssrc.to_be_bytes()].concat()
}

/// Our ports of the m-lines in a message.
fn ports(message: &str) -> Vec<u16> {
    let lines = message.lines().filter_map(|line| line.strip_prefix("m="));
    lines.filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect()
}

/// What both sides were told of a stream after the change.
fn told(caller: &Running, callee: &Running, stream: usize, mark: &str) -> [u16; 2] {
    [caller, callee].map(|peer| {
        let message = peer.await_received(mark);
        *ports(&message).get(stream).unwrap_or_else(|| panic!("no such stream:\n{message}"))
    })
}

/// What is sent to the server from a peer's port on one side arrives at that port of the other peer, unchanged and from
/// the server's port there; in both directions.
fn crosses(place: &Place, port: u16, [inner, outer]: [u16; 2], packets: &[Vec<u8>]) {
    let (pbx, itsp) = (socket(place.ip(PBX), port), socket(place.ip(ITSP), port));
    let (inner, outer) = ((place.ip(INSIDE), inner), (place.ip(OUTSIDE), outer));
    for (sender, server, receiver, from) in [(&pbx, &inner, &itsp, &outer), (&itsp, &outer, &pbx, &inner)] {
        for packet in packets {
            sender.send_to(packet, (server.0.as_str(), server.1)).expect("a packet sent");
            let mut buffer = [0; 2048];
            let (length, came) = receiver.recv_from(&mut buffer).expect("a packet before the deadline");
            assert_eq!(buffer.get(..length), Some(&packet[..]), "unchanged");
            assert_eq!((came.ip().to_string(), came.port()), *from);
        }
    }
}

/// RTP on a port pair, RTCP on the next.
fn speaks(place: &Place, port: u16, ours: [u16; 2], ssrc: u32) {
    speaks_as(place, port, ours, (ssrc, 8));
}

/// The same in packets of another type.
fn speaks_as(place: &Place, port: u16, ours: [u16; 2], (ssrc, payload_type): (u32, u8)) {
    let packets = [(1, 0x5A), (2, 0xA5)].map(|(sequence, fill)| {
        let mut packet = rtp_packet(ssrc, sequence, fill);
        packet[1] = payload_type;
        packet
    });
    crosses(place, port, ours, &packets);
    crosses(place, port + 1, ours.map(|port| port + 1), &[report(ssrc)]);
}

/// The first description with a further version, and a line behind it.
fn with(version: u8, line: &str) -> String {
    format!("{}{line}", SDP.replace("o=- 1 1", &format!("o=- 1 {version}")))
}

/// A caller that offers `offer` inside the call, and a callee that answers it with `answer`.
fn change(place: &Place, offer: &str, answer: &str) -> (Running, Running) {
    let callee = Script::answers(SDP);
    let callee = callee.receive("INVITE", &[]).agree(answer).receive("ACK", &[]).hung_up();
    let callee = Sipp::of_script(place, "callee", &callee, &place.sip(ITSP)).keep_messages().answer();
    let caller = Script::default().call(WORLD, CALLER, "", SDP).expect(200, &[]).inside("ACK", "", "");
    let caller = caller.inside("INVITE", "", offer).expect(200, &[]).inside("ACK", "", "");
    let caller = caller.hung_up();
    let caller = Sipp::of_script(place, "caller", &caller, &place.sip(PBX)).keep_messages();
    (caller.call(WORLD, &place.sip(INSIDE)), callee)
}

/// Ends the only call; both sides hear BYE. Its record.
fn end(place: &Place, caller: &Running, callee: &Running) -> serde_json::Value {
    let socket = place.path("tronco.sock").display().to_string();
    let list = tronco(&["call", "list", "--json", "--socket", &socket]);
    let calls: serde_json::Value = serde_json::from_slice(&list.stdout).expect("a list of calls");
    let key = calls.pointer("/calls/0/key").or(calls.pointer("/0/key")).and_then(serde_json::Value::as_str);
    let key = key.unwrap_or_else(|| panic!("no call: {calls}"));
    assert!(tronco(&["call", "hangup", key, "--socket", &socket]).status.success());
    caller.finish();
    callee.finish();
    records::await_count(place, 1).remove(0)
}

#[test]
fn a_second_audio_stream_is_relayed_beside_the_first_each_with_its_control() {
    let place = Place::new("streams-audio");
    let server = Server::start(&place, &Setup::new(&place).text());
    let capture = Capture::start(&place);
    let second = format!("m=audio {SECOND} RTP/AVP 8\na=label:second\n");
    let (caller, callee) = change(&place, &with(2, &second), &with(2, &second));
    let mark = "a=label:second";
    let (first, added) = (told(&caller, &callee, 0, mark), told(&caller, &callee, 1, mark));
    assert!(
        first.iter().zip(added).all(|(one, two)| *one != 0 && two != 0 && *one != two),
        "{first:?} {added:?}"
    );
    assert_eq!(first, told(&caller, &callee, 0, "m=audio "), "the first stream keeps its ports");
    callee.await_received("CSeq: 2 ACK");
    speaks(&place, FIRST, first, 0x1111_1111);
    speaks(&place, SECOND, added, 0x2222_2222);
    let record = end(&place, &caller, &callee);
    let heard =
        |way: &str| record.pointer(&format!("/media/{way}/packets")).and_then(serde_json::Value::as_u64);
    assert_eq!((heard("from_caller"), heard("from_callee")), (Some(4), Some(4)), "of both streams: {record}");
    // Each stream leaves from its own ports, as a third reader sees it: two packets of RTP, a report of RTCP.
    let (rtp, rtcp) = (added[1], added[1] + 1);
    let filter =
        format!("ip.src == {} && (udp.srcport == {rtp} || udp.srcport == {rtcp})", place.ip(OUTSIDE));
    let seen = capture.end(&filter, &["udp.srcport", "udp.payload"]);
    let seen: Vec<&str> = seen.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let begins = [(rtp, "8008"), (rtp, "8008"), (rtcp, "80c90001")];
    assert_eq!(seen.len(), begins.len(), "{seen:?}");
    for (line, (port, begin)) in seen.iter().zip(begins) {
        assert!(line.starts_with(&format!("{port}\t{begin}")) && line.contains("22222222"), "{seen:?}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn t38_beside_the_sound_has_ports_of_its_own() {
    let place = Place::new("streams-fax");
    let server = Server::start(&place, &Setup::new(&place).text());
    let image =
        format!("m=image {SECOND} udptl t38\na=T38FaxVersion:0\na=T38FaxRateManagement:transferredTCF\n");
    let (caller, callee) = change(&place, &with(2, &image), &with(2, &image));
    let mark = "a=T38FaxVersion:0";
    let (sound, fax) = (told(&caller, &callee, 0, mark), told(&caller, &callee, 1, mark));
    callee.await_received("CSeq: 2 ACK");
    speaks(&place, FIRST, sound, 0x3333_3333);
    crosses(&place, SECOND, fax, &[vec![0, 0, 1, 2, 0, 0], vec![0, 1, 1, 4, 0, 0]]);
    let record = end(&place, &caller, &callee);
    assert_eq!(record.pointer("/media/codec").and_then(serde_json::Value::as_str), Some("PCMA+t38"));
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_removed_stream_leaves_its_place_to_video() {
    let place = Place::new("streams-again");
    let server = Server::start(&place, &Setup::new(&place).text());
    let gone = "m=audio 0 RTP/AVP 8\n";
    let second = format!("m=audio {SECOND} RTP/AVP 8\na=label:second\n");
    let video = format!("m=video {SECOND} RTP/AVP 96\na=rtpmap:96 H264/90000\n");
    let mut callee = Script::answers(SDP);
    let mut caller = Script::default().call(WORLD, CALLER, "", SDP).expect(200, &[]).inside("ACK", "", "");
    for (version, line) in [(2, &*second), (3, gone), (4, &*video)] {
        let cseq = format!("{version} INVITE");
        let said = with(version, line);
        callee = callee.receive("INVITE", &[]).agree(&said).receive("ACK", &[]);
        caller = caller.inside("INVITE", "", &said).expect(200, &[("CSeq", &cseq)]).inside("ACK", "", "");
    }
    let callee = callee.hung_up();
    let callee = Sipp::of_script(&place, "callee", &callee, &place.sip(ITSP)).keep_messages().answer();
    let caller = Sipp::of_script(&place, "caller", &caller.hung_up(), &place.sip(PBX));
    let caller = caller.keep_messages().call(WORLD, &place.sip(INSIDE));
    let shown = told(&caller, &callee, 1, "m=video ");
    assert_eq!(shown, told(&caller, &callee, 1, "a=label:second"), "the ports of the stream before");
    callee.await_received("CSeq: 4 ACK");
    speaks_as(&place, SECOND, shown, (0x4444_4444, 96));
    end(&place, &caller, &callee);
    assert_eq!(server.stop(), 0);
}
