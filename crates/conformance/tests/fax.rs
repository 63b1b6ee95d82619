//! Fax through the server: SIPp turns calls to T.38 from both sides, datagrams of T.38 cross, and `tshark` reads
//! what left us.

#![allow(clippy::panic, reason = "a peer that does not do its part fails the test")]

#[path = "fax/sealed.rs"]
mod sealed;

use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::control::await_call;
use conformance::island::on_an_island_of_both;
use conformance::phone::rtp_packet;
use conformance::script::{SDP, Script};
use conformance::server::tronco;
use conformance::sipp::Running;
use conformance::{PATIENCE, Place, Server, Sipp, records};
use std::net::UdpSocket;

const WORLD: &str = "+441632960001";
const CALLER: &str = "\"Fax\" <sip:+493023125100@[local_ip]:[local_port]>";
const IMAGE: &str = "a=T38FaxVersion:0\na=T38MaxBitRate:14400\na=T38FaxRateManagement:transferredTCF\n\
                     a=T38FaxMaxBuffer:1800\na=T38FaxMaxDatagram:238\na=T38FaxUdpEC:t38UDPRedundancy\n";

/// A description of T.38 behind what stands `before` it.
fn t38(before: &str) -> String {
    let head =
        "v=0\no=- 1 2 IN IP[media_ip_type] [media_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n";
    format!("{head}{before}m=image [audio] udptl t38\n{IMAGE}")
}

const DISABLED: &str = "m=audio 0 RTP/AVP 8\n";

/// One packet of T.38 in UDPTL (ITU-T T.38 §9.1): an indicator, with the one before it for redundancy.
fn indicator(sequence: u8, now: u8, before: Option<u8>) -> Vec<u8> {
    let mut packet = vec![0, sequence, 1, now << 1, 0];
    match before {
        Some(before) => packet.extend([1, 1, before << 1]),
        None => packet.push(0),
    }
    packet
}

/// The port of an m-line in a message.
fn port(message: &str, kind: &str) -> u16 {
    let rest = message.split(&format!("m={kind} ")).nth(1).and_then(|rest| rest.split(' ').next());
    rest.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no m={kind}:\n{message}"))
}

/// The server's ports of the first description that each side got.
fn ports_of(caller: &Running, callee: &Running) -> [u16; 2] {
    [caller, callee].map(|peer| port(&peer.await_received("m=audio "), "audio"))
}

/// A place with sockets for the media of both sides.
struct Fax<'p> {
    place: &'p Place,
    pbx: UdpSocket,
    itsp: UdpSocket,
}

impl<'p> Fax<'p> {
    fn new(place: &'p Place) -> Fax<'p> {
        let socket = |host| {
            let socket = UdpSocket::bind((place.ip(host), 40_000)).expect("a socket for the media");
            socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
            socket
        };
        Fax { place, pbx: socket(PBX), itsp: socket(ITSP) }
    }

    fn server(&self, setup: &Setup) -> Server {
        Server::start(self.place, &setup.text())
    }

    fn caller(&self, script: &Script) -> Running {
        let caller = Sipp::of_script(self.place, "caller", script, &self.place.sip(PBX)).keep_messages();
        caller.call(WORLD, &self.place.sip(INSIDE))
    }

    /// What one side sends to the server arrives at the other, from the server's port there.
    fn crosses(&self, [inner, outer]: [u16; 2], packets: &[Vec<u8>]) {
        let (inner, outer) = ((self.place.ip(INSIDE), inner), (self.place.ip(OUTSIDE), outer));
        for (sender, server, receiver, from) in
            [(&self.pbx, &inner, &self.itsp, &outer), (&self.itsp, &outer, &self.pbx, &inner)]
        {
            for packet in packets {
                sender.send_to(packet, (server.0.as_str(), server.1)).expect("a packet sent");
                let mut buffer = [0; 2048];
                let (length, came) = receiver.recv_from(&mut buffer).expect("a packet before the deadline");
                assert_eq!(buffer.get(..length), Some(&packet[..]), "unchanged");
                assert_eq!((came.ip().to_string(), came.port()), *from);
            }
        }
    }

    /// What an operator sees of the only call, once so many packets of T.38 came from the caller.
    fn is_shown(&self, packets: u64) {
        let call = await_call(self.place, |call| {
            call.pointer("/from_caller/fax_packets").and_then(serde_json::Value::as_u64) == Some(packets)
        });
        let socket = self.place.path("tronco.sock").display().to_string();
        let shown = tronco(&["call", "show", records::word(&call, "key"), "--socket", &socket]);
        let shown = String::from_utf8_lossy(&shown.stdout);
        assert!(shown.contains("caller none, callee none"), "{shown}");
        let told =
            |line: &&str| line.starts_with("T.38 (UDPTL)") && line.contains(&format!("{packets} packets"));
        assert!(shown.lines().any(|line| told(&line)), "{shown}");
        let unknown = ["lost", "jitter", "MOS", "made up"];
        assert!(!shown.lines().any(|line| unknown.iter().any(|name| line.starts_with(name))), "{shown}");
    }

    /// Ends the only call; both sides hear BYE. What the record says of the codec.
    fn end(&self, caller: &Running, callee: &Running) -> String {
        let socket = self.place.path("tronco.sock").display().to_string();
        let list = tronco(&["call", "list", "--json", "--socket", &socket]);
        let calls: serde_json::Value = serde_json::from_slice(&list.stdout).expect("a list of calls");
        let key =
            calls.pointer("/calls/0/key").or(calls.pointer("/0/key")).and_then(serde_json::Value::as_str);
        let key = key.unwrap_or_else(|| panic!("no call: {calls}"));
        assert!(tronco(&["call", "hangup", key, "--socket", &socket]).status.success());
        // Between a call's end and its record it is shown as well.
        let shown = tronco(&["call", "show", key, "--socket", &socket]);
        assert!(shown.status.success(), "{shown:?}");
        caller.finish();
        callee.finish();
        let record = records::await_count(self.place, 1).remove(0);
        record.pointer("/media/codec").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

fn answering() -> Script {
    Script::answers(SDP)
}

fn calling() -> Script {
    Script::default().call(WORLD, CALLER, "", SDP).expect(200, &[]).inside("ACK", "", "")
}

/// A caller whose INFO tells the callee that its ACK has arrived: no offer of the callee meets it.
fn calling_until_told() -> Script {
    calling().inside("INFO", "", "").expect(200, &[("CSeq", "INFO")])
}

/// Everything about T.38 crosses as it is.
fn untouched(message: &str) {
    for line in IMAGE.lines() {
        assert!(message.contains(line), "{line} is missing:\n{message}");
    }
}

/// A call whose caller has turned it to T.38, and the server's ports.
fn turned_by_the_caller(fax: &Fax<'_>) -> (Running, Running, [u16; 2]) {
    let turned = answering().receive("INVITE", &[]).agree(&t38("")).receive("ACK", &[]);
    let callee = Sipp::of_script(fax.place, "callee", &turned.hung_up(), &fax.place.sip(ITSP));
    let callee = callee.keep_messages().answer();
    let turns = calling().inside("INVITE", "", &t38("")).expect(200, &[]).inside("ACK", "", "");
    let caller = fax.caller(&turns.hung_up());
    let ports = ports_of(&caller, &callee);
    untouched(&callee.await_received(&format!("m=image {} udptl t38", ports[1])));
    untouched(&caller.await_received(&format!("m=image {} udptl t38", ports[0])));
    (caller, callee, ports)
}

#[test]
fn a_fax_goes_from_ipv4_to_ipv6_and_back() {
    on_an_island_of_both("a_fax_goes_from_ipv4_to_ipv6_and_back", || {
        let place = Place::six("fax-six", &[OUTSIDE, ITSP]);
        let fax = Fax::new(&place);
        let server = fax.server(&Setup::new(&place));
        let (caller, callee, ports) = turned_by_the_caller(&fax);
        fax.crosses(ports, &[indicator(0, 1, None), indicator(1, 2, Some(1))]);
        assert_eq!(fax.end(&caller, &callee), "PCMA+t38");
        assert_eq!(server.stop(), 0);
    });
}

#[test]
fn a_caller_turns_to_t38_and_its_datagrams_are_what_tshark_calls_a_fax() {
    let place = Place::new("fax");
    let fax = Fax::new(&place);
    let server = fax.server(&Setup::new(&place));
    let capture = Capture::start(&place);
    let (caller, callee, ports) = turned_by_the_caller(&fax);
    // CNG, CED, the preamble of V.21.
    fax.crosses(ports, &[indicator(0, 1, None), indicator(1, 2, Some(1)), indicator(2, 3, Some(2))]);
    // Nobody else is believed.
    let stranger = UdpSocket::bind((place.ip(66), 40_000)).expect("a socket");
    stranger.send_to(&indicator(9, 5, None), (place.ip(INSIDE).as_str(), ports[0])).expect("a packet sent");
    fax.crosses(ports, &[indicator(3, 1, None)]);
    fax.is_shown(4);
    assert_eq!(fax.end(&caller, &callee), "PCMA+t38");
    // What the descriptions say of the ports is how tshark knows a fax.
    let ours = format!("sip || (ip.src == {} && udp.srcport == {})", place.ip(OUTSIDE), ports[1]);
    let lines = capture.end(&ours, &["t38.seq_number", "t38.t30_indicator", "_ws.malformed"]);
    let seen: Vec<&str> = lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
    assert_eq!(seen.len(), 4, "{seen:?}");
    for (line, (sequence, indicator)) in seen.iter().zip([(0, 1), (1, 2), (2, 3), (3, 1)]) {
        assert!(line.starts_with(&format!("{sequence}\t{indicator}")), "{seen:?}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_callee_turns_to_t38_behind_the_audio_on_the_ports_of_the_audio() {
    let place = Place::new("fax-callee");
    let fax = Fax::new(&place);
    let server = fax.server(&Setup::new(&place));
    let callee = Sipp::new(&place, "callee", "uas_turns_to_fax", &place.sip(ITSP)).keep_messages().answer();
    let taken = calling_until_told().receive("INVITE", &[]).agree(&t38(DISABLED)).receive("ACK", &[]);
    let caller = fax.caller(&taken.hung_up());
    let ports = ports_of(&caller, &callee);
    let asked = caller.await_received(&format!("m=image {} udptl t38", ports[0]));
    assert!(asked.contains("m=audio 0 RTP/AVP 8\n"), "{asked}");
    untouched(&asked);
    untouched(&callee.await_received(&format!("m=image {} udptl t38", ports[1])));
    fax.crosses(ports, &[indicator(0, 2, None), indicator(1, 3, Some(2))]);
    assert_eq!(fax.end(&caller, &callee), "PCMA+t38");
    assert_eq!(server.stop(), 0);
}

#[test]
fn t38_that_is_refused_leaves_the_call_with_its_sound() {
    for (name, status) in [("fax-488", "488 Not Acceptable Here"), ("fax-415", "415 Unsupported Media Type")]
    {
        let place = Place::new(name);
        let fax = Fax::new(&place);
        let server = fax.server(&Setup::new(&place));
        let callee =
            Sipp::new(&place, "callee", "uas_turns_to_fax", &place.sip(ITSP)).keep_messages().answer();
        let refuses = calling_until_told().receive("INVITE", &[]).refuse_inside(status).receive("ACK", &[]);
        let caller = fax.caller(&refuses.hung_up());
        callee.await_received(&format!("SIP/2.0 {status}"));
        let ports = ports_of(&caller, &callee);
        fax.crosses(ports, &[rtp_packet(7, 1, 0x5A), rtp_packet(7, 2, 0xA5)]);
        assert_eq!(fax.end(&caller, &callee), "PCMA+passthrough");
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn a_trunk_for_pass_through_never_hears_of_t38() {
    let place = Place::new("fax-passthrough");
    let fax = Fax::new(&place);
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { fax = \"passthrough\" }\n".into();
    let server = fax.server(&setup);
    let callee = Sipp::new(&place, "callee", "uas_turns_to_fax", &place.sip(ITSP)).keep_messages().answer();
    let caller = fax.caller(&calling_until_told().hung_up());
    let refused = callee.await_received("SIP/2.0 488");
    assert!(refused.contains("Warning: 304 "), "{refused}");
    let ports = ports_of(&caller, &callee);
    fax.crosses(ports, &[rtp_packet(7, 1, 0x5A), rtp_packet(7, 2, 0xA5)]);
    assert_eq!(fax.end(&caller, &callee), "PCMA+passthrough");
    assert!(!caller.received().iter().any(|message| message.contains("m=image")));
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_fax_that_is_over_leaves_the_call_to_the_sound_again() {
    let place = Place::new("fax-back");
    let fax = Fax::new(&place);
    let server = fax.server(&Setup::new(&place));
    let again = SDP.replace("o=- 1 1", "o=- 1 3");
    let turned = answering()
        .receive("INVITE", &[])
        .agree(&t38(""))
        .receive("ACK", &[])
        .receive("INVITE", &[])
        .agree(&again)
        .receive("ACK", &[]);
    let callee =
        Sipp::of_script(&place, "callee", &turned.hung_up(), &place.sip(ITSP)).keep_messages().answer();
    let turns = calling()
        .inside("INVITE", "", &t38(""))
        .expect(200, &[])
        .inside("ACK", "", "")
        .inside("INVITE", "", &again)
        .expect(200, &[("CSeq", "3 INVITE")])
        .inside("ACK", "", "");
    let caller = fax.caller(&turns.hung_up());
    caller.await_received("CSeq: 3 INVITE");
    let ports = ports_of(&caller, &callee);
    fax.crosses(ports, &[rtp_packet(7, 1, 0x5A), rtp_packet(7, 2, 0xA5)]);
    assert_eq!(fax.end(&caller, &callee), "PCMA+t38");
    assert_eq!(server.stop(), 0);
}

#[test]
fn voice_band_data_is_offered_and_taken_through_us() {
    let place = Place::new("fax-vbd");
    let fax = Fax::new(&place);
    let server = fax.server(&Setup::new(&place));
    let vbd = SDP.replace("RTP/AVP 8 0 101", "RTP/AVP 8 98 101")
        + "a=rtpmap:98 PCMU/8000\na=gpmd:98 vbd=yes;ecan=on\n";
    let answers = Script::answers(&vbd);
    let callee =
        Sipp::of_script(&place, "callee", &answers.hung_up(), &place.sip(ITSP)).keep_messages().answer();
    let calls = Script::default().call(WORLD, CALLER, "", &vbd).expect(200, &[]).inside("ACK", "", "");
    let caller = fax.caller(&calls.hung_up());
    for peer in [&caller, &callee] {
        let told = peer.await_received("a=gpmd:98 vbd=yes;ecan=on");
        assert!(told.contains("RTP/AVP 8 98 101\n"), "{told}");
    }
    callee.await_received("ACK ");
    let ports = ports_of(&caller, &callee);
    let mut data = rtp_packet(7, 1, 0x5A);
    if let Some(payload_type) = data.get_mut(1) {
        *payload_type = 98;
    }
    fax.crosses(ports, &[data]);
    let _ = fax.end(&caller, &callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_caller_whose_t38_is_refused_goes_on_with_pass_through() {
    // Who refuses: the callee, or we in the name of a trunk that cannot do T.38.
    for (name, ours) in [("fax-falls", false), ("fax-barred", true)] {
        let place = Place::new(name);
        let fax = Fax::new(&place);
        let mut setup = Setup::new(&place);
        setup.itsp_more = if ours { "override = { fax = \"passthrough\" }\n".into() } else { String::new() };
        let server = fax.server(&setup);
        // G.711 alone, without what spoils a fax (RFC 3108 §5.6.2.6).
        let pass = |version: u8| {
            let one = SDP.replace("o=- 1 1", &format!("o=- 1 {version}")).replace("8 0 101", "8");
            one + "a=silenceSupp:off - - - -\n"
        };
        let refuses = |script: Script| {
            script.receive("INVITE", &[]).refuse_inside("488 Not Acceptable Here").receive("ACK", &[])
        };
        let takes = if ours { answering() } else { refuses(answering()) };
        let takes = takes.receive("INVITE", &[("", "silenceSupp:off")]).agree(&pass(2)).receive("ACK", &[]);
        let callee =
            Sipp::of_script(&place, "callee", &takes.hung_up(), &place.sip(ITSP)).keep_messages().answer();
        let asks = calling().inside("INVITE", "", &t38("")).expect(488, &[]).refused();
        let asks = asks.inside("INVITE", "", &pass(3)).expect(200, &[]).inside("ACK", "", "");
        let caller = fax.caller(&asks.hung_up());
        callee.await_received("a=silenceSupp:off");
        assert_eq!(callee.received().iter().any(|message| message.contains("m=image")), !ours);
        let ports = ports_of(&caller, &callee);
        fax.crosses(ports, &[rtp_packet(7, 1, 0x5A), rtp_packet(7, 2, 0xA5)]);
        assert_eq!(fax.end(&caller, &callee), "PCMA+passthrough");
        assert_eq!(server.stop(), 0);
    }
}
