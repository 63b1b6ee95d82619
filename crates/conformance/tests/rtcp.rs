//! RTCP of our own: what two baresip get of each other's reports, and what phones that ask for extended ones (RFC 3611)
//! get of those; read by `tshark`.

use conformance::audio;
use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::control::is_about;
use conformance::phone::{Phone, call, call_answered, ok};
use conformance::script::{SDP, Script};
use conformance::{Place, Server, Sipp, records};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

#[path = "rtcp/kept.rs"]
mod kept;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";

const FIELDS: [&str; 6] = [
    "ip.src",
    "rtcp.senderssrc",
    "rtcp.sender.packetcount",
    "rtcp.ssrc.identifier",
    "rtcp.sdes.text",
    "rtcp.pt",
];

/// The columns of a line, and the first value in each.
fn columns(line: &str) -> Vec<&str> {
    line.split('\t').map(|column| column.split(',').next().unwrap_or_default()).collect()
}

#[test]
fn each_phone_of_a_transcoded_call_gets_reports_of_ours_and_none_of_the_other_phones() {
    let place = Place::new("rtcp");
    let mut setup = Setup::new(&place);
    setup.drain = "1s";
    setup.pbx_more = "override = { latch = \"nat\", codecs = [\"PCMA\"] }\n".into();
    setup.itsp_more = "override = { latch = \"nat\", codecs = [\"G722\"] }\n".into();
    let server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    let account = |number: &str, host| format!("<sip:{number}@{}>;regint=0", place.ip(host));
    let voice = Voice { codec: "G722", ..Voice::tone(700.0) };
    let callee = Baresip::with_voice(&place, WORLD, ITSP, &voice, &account(WORLD, ITSP), None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::with_account(&place, DID, PBX, 440.0, &account(DID, PBX), Some(&uri));
    // Long enough for reports of both sides and about them.
    let long = 16 * audio::RATE as usize;
    conformance::await_some(|| {
        Some(()).filter(|()| caller.heard().len() >= long && callee.heard().len() >= long)
    });
    drop((caller, callee));
    assert_eq!(server.stop(), 0);
    judge(&place, &capture.end("rtcp && !icmp", &FIELDS));
}

/// What is wanted of the reports on the wire.
fn judge(place: &Place, lines: &[String]) {
    let from = |host: u8| -> Vec<Vec<&str>> {
        let ip = place.ip(host);
        lines.iter().map(|line| columns(line)).filter(|columns| columns[0] == ip).collect()
    };
    let named = |host: u8| from(host).iter().map(|c| c[1].to_owned()).collect::<BTreeSet<_>>();
    let phones: BTreeSet<String> = lines
        .iter()
        .map(|line| columns(line))
        .filter(|c| c[0] != place.ip(INSIDE) && c[0] != place.ip(OUTSIDE))
        .map(|c| c[1].to_owned())
        .collect();
    let mut names = BTreeSet::new();
    for host in [INSIDE, OUTSIDE] {
        let ours = from(host);
        assert!(ours.len() >= 2, "{lines:#?}");
        assert!(named(host).is_disjoint(&phones), "a phone's report was passed on: {lines:#?}");
        assert!(ours.iter().any(|c| c[2].parse::<u32>().is_ok_and(|packets| packets > 50)), "{lines:#?}");
        assert!(ours.iter().any(|c| phones.contains(c[3])), "no block about the phone: {lines:#?}");
        names.extend(ours.iter().map(|c| c[4].to_owned()).filter(|name| !name.is_empty()));
    }
    assert_eq!(names.len(), 2, "one name toward each side: {lines:#?}");
    let farewell = |line: &String| line.split('\t').next_back().is_some_and(|types| types.contains("203"));
    assert!(lines.iter().any(farewell), "nobody said farewell: {lines:#?}");
}

/// A phone's reports, byte by byte after RFC 3611: an empty receiver report of source 0x2222, its reference time (§4.4),
/// and how it hears source 0x3333 (§4.7): 10 % lost, 5 % discarded, bursts of 120 ms, gaps of 8 s, round trip 80 ms, end
/// system 45 ms, R 82, MOS 4.0 and 3.8.
const THEIRS: &[u8] = &[
    0x80, 201, 0, 1, 0, 0, 0x22, 0x22, 0x80, 207, 0, 13, 0, 0, 0x22, 0x22, 4, 0, 0, 2, 0x11, 0x22, 0x33,
    0x44, 0x55, 0x66, 0x77, 0x88, 7, 0, 0, 8, 0, 0, 0x33, 0x33, 26, 13, 128, 3, 0, 120, 0x1f, 0x40, 0, 80, 0,
    45, 0xeb, 0xc4, 55, 16, 82, 127, 40, 38, 0xf5, 0, 0, 40, 0, 60, 0, 200,
];

/// The sockets of two phones for RTCP.
fn controls(place: &Place) -> [UdpSocket; 2] {
    [PBX, ITSP].map(|host| {
        let socket = UdpSocket::bind((place.ip(host), 40_001)).expect("a socket for RTCP");
        socket.set_read_timeout(Some(conformance::PATIENCE)).expect("a read timeout");
        socket
    })
}

const EXTENDED: [&str; 8] = [
    "ip.dst",
    "rtcp.xr.bt",
    "rtcp.ssrc.identifier",
    "rtcp.xr.voipmetrics.gmin",
    "rtcp.ssrc.fraction",
    "rtcp.xr.lrr",
    "rtcp.xr.voipmetrics.rfactor",
    "_ws.malformed",
];

#[test]
fn phones_that_ask_for_extended_reports_get_ours_and_are_asked_for_theirs() {
    let place = Place::new("rtcp-xr");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "override = { rtcp_xr = \"make\", ptime = 40 }\n".into();
    let server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
    let mut itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    pbx.more = "a=rtcp-xr:voip-metrics\r\n".into();
    itsp.more = "a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n".into();
    let control = controls(&place);
    let (a, b) = call(&pbx, &itsp, WORLD, DID, "xr");
    assert!(b.description.contains("a=rtcp-xr:voip-metrics rcvr-rtt=all\r\n"), "{}", b.description);
    assert!(
        a.description.contains("a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n"),
        "theirs crosses: {}",
        a.description
    );
    for n in (1..=200).filter(|n| n % 10 != 0) {
        pbx.send_rtp(a.relay, 0x1111, n, 0xA5);
        itsp.send_rtp(b.relay, 0x2222, n, 0x5A);
    }
    let mut above = b.relay;
    above.set_port(above.port() + 1);
    control[1].send_to(THEIRS, above).expect("a report sent");
    let mut buffer = [0; 2_048];
    for socket in &control {
        socket.recv_from(&mut buffer).expect("a report of ours");
    }
    pbx.hang_up(&a, &itsp);
    judge_record(&records::await_count(&place, 1).remove(0));
    assert_eq!(server.stop(), 0);
    judge_extended(&place, &capture.end("rtcp.pt == 207 && !icmp", &EXTENDED));
}

/// What the record says of the phone's report.
fn judge_record(record: &serde_json::Value) {
    let told = |name: &str| {
        let figure = record.pointer(&format!("/media/from_callee/quality/{name}"));
        figure.and_then(serde_json::Value::as_f64)
    };
    let names = ["peer_mos", "peer_r_factor", "peer_rtt_ms", "peer_loss_mean", "peer_burst_ms"];
    assert_eq!(names.map(told), [3.8, 82.0, 80.0, 0.1016, 120.0].map(Some), "{record}");
}

/// What is wanted of extended reports on the wire.
fn judge_extended(place: &Place, lines: &[String]) {
    let to =
        |host: u8| lines.iter().find(|line| line.starts_with(&place.ip(host))).expect("an extended report");
    for (host, source, blocks) in [(PBX, "0x00001111", "7"), (ITSP, "0x00002222", "5,7")] {
        let line = to(host);
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[1], blocks, "{lines:#?}");
        let about = fields[2].split(',').filter(|ssrc| *ssrc == source).count();
        assert!(about >= 2, "both blocks are about what the phone sends: {lines:#?}");
        assert_eq!((fields[3], fields[7]), ("16", ""), "{lines:#?}");
        // Each tenth packet is missing; the plain block says so, and the extended one.
        assert!(fields[4].split(',').count() >= 2, "{lines:#?}");
        assert!(
            fields[4].split(',').all(|loss| (20..=26).contains(&loss.parse().unwrap_or(0))),
            "{lines:#?}"
        );
    }
    assert_eq!(to(ITSP).split('\t').nth(5), Some("860116326"), "its reference time: {lines:#?}");
}

/// A packet of a phone: its number, type and what it holds; its timestamp is that of its number, or of the first of an event.
fn said(phone: &Phone, relay: SocketAddr, number: u16, payload_type: u8, payload: &[u8]) {
    let mut packet = vec![0x80, payload_type];
    packet.extend_from_slice(&number.to_be_bytes());
    let began = if payload_type == 101 { 51 } else { number };
    packet.extend_from_slice(&(u32::from(began) * 160).to_be_bytes());
    packet.extend_from_slice(&0x1111_u32.to_be_bytes());
    packet.extend_from_slice(payload);
    phone.rtp.send_to(&packet, relay).expect("a packet sent");
}

/// A hundred packets of a phone, six of them of a digit, which the other side gets as INFO.
#[test]
fn a_senders_report_tells_of_what_leaves_where_its_events_are_taken_out() {
    let place = Place::new("rtcp-moved");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { dtmf = \"rfc4733\" }\n".into();
    setup.itsp_more = "override = { dtmf = \"info\" }\n".into();
    let server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
    let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    let events = pbx.description().replace("AVP 8\r\n", "AVP 8 101\r\n");
    pbx.described = Some(format!("{events}a=rtpmap:101 telephone-event/8000\r\n"));
    let control = controls(&place);
    let (a, _) = call(&pbx, &itsp, WORLD, DID, "moved");
    says_a_digit_between(&pbx, a.relay);
    let info = itsp.sip.await_message("INFO", "");
    itsp.sip.send(ok(&info));
    let mut buffer = [0; 2_048];
    for _ in 0..94 {
        itsp.rtp.recv_from(&mut buffer).expect("a packet of the caller");
    }
    // 100 packets with 94 times 160 and six times four octets, as of its last one.
    let mut report = vec![0x80, 200, 0, 6, 0, 0, 0x11, 0x11, 1, 2, 3, 4, 5, 6, 7, 8];
    for word in [16_000, 100, 15_064_u32] {
        report.extend_from_slice(&word.to_be_bytes());
    }
    let above = SocketAddr::new(a.relay.ip(), a.relay.port() + 1);
    control[0].send_to(&report, above).expect("a report sent");
    control[1].recv_from(&mut buffer).expect("the report");
    pbx.hang_up(&a, &itsp);
    assert_eq!(server.stop(), 0);
    let ours = format!("ip.src == {} && ip.dst == {} && !icmp", place.ip(OUTSIDE), place.ip(ITSP));
    let fields =
        ["rtcp.senderssrc", "rtcp.sender.packetcount", "rtcp.sender.octetcount", "rtcp.timestamp.rtp"];
    let reports = capture.end(&format!("rtcp.pt == 200 && {ours}"), &fields);
    assert_eq!(reports, ["0x00001111\t94\t15040\t16000"]);
    let packets = capture.lines(&["-o", "rtp.heuristic_rtp:TRUE"], &format!("rtp && {ours}"), &["rtp.seq"]);
    let numbers: Vec<String> = (1..=94).map(|number: u16| number.to_string()).collect();
    assert_eq!(packets, numbers, "as many, and without a hole");
}

/// 100 packets, six of them of one event.
fn says_a_digit_between(pbx: &Phone, relay: SocketAddr) {
    for number in 1..=100u16 {
        match number {
            51..=56 => {
                let [high, low] = ((number - 50) * 160).to_be_bytes();
                let end = if number > 53 { 0x8a } else { 0x0a };
                said(pbx, relay, number, 101, &[5, end, high, low]);
            }
            _ => said(pbx, relay, number, 8, &[0xd5; 160]),
        }
    }
}

/// Both trunks end calls after this silence; further rules of theirs.
fn server(place: &Place, timeout: &str, rules: &str) -> Server {
    let mut setup = Setup::new(place);
    setup.pbx_more = format!("override = {{ latch = \"nat\", media_timeout = \"{timeout}\"{rules} }}\n");
    setup.itsp_more = setup.pbx_more.clone();
    Server::start(place, &setup.text())
}

/// The record of the only call, which ended for want of media; what it says of that.
fn ended(place: &Place) -> String {
    let record = records::await_count(place, 1).remove(0);
    assert_eq!(records::word(&record, "reason"), "M-TIMEOUT", "{record}");
    assert_eq!(records::word(&record, "released_by"), "tronco", "{record}");
    records::word(&record, "decision").rsplit("; ").next().unwrap_or_default().to_owned()
}

#[test]
fn a_phone_that_freezes_ends_its_call_in_the_time_of_its_trunk_and_is_told_of() {
    let place = Place::new("freezes");
    // RTCP of baresip comes every five seconds: RTP alone keeps the call.
    let _server = server(&place, "3s", "");
    let callee = Baresip::start(&place, WORLD, ITSP, 700.0, None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::start(&place, DID, PBX, 440.0, Some(&uri));
    caller.hears(700.0, 440.0);
    callee.hears(440.0, 700.0);
    callee.process().signal(Signal::STOP);
    let frozen = Instant::now();
    caller.process().line("session closed");
    let after = frozen.elapsed().as_secs_f64();
    assert!((2.0..6.0).contains(&after), "after {after} s");
    let told = ended(&place);
    let time = told.strip_prefix("callee silent: no RTP for ").and_then(|told| told.split_once(", "));
    let as_told = time.is_some_and(|(time, rest)| is_about(time, 3) && rest.contains(" RTCP"));
    assert!(as_told, "{told}");
    callee.process().signal(Signal::CONT);
}

#[test]
fn a_held_call_lives_by_rtcp_alone_and_ends_when_that_ceases() {
    let place = Place::new("held");
    let _server = server(&place, "1s", "");
    let (pbx, itsp) =
        (Phone::new(&place, PBX, &place.sip(INSIDE)), Phone::new(&place, ITSP, &place.sip(OUTSIDE)));
    let control = controls(&place);
    let held = |_: &str| format!("{}a=inactive\r\n", itsp.description());
    let (a, b) = call_answered(&pbx, &itsp, (WORLD, DID, "held"), held);
    let above = |relay: SocketAddr| SocketAddr::new(relay.ip(), relay.port() + 1);
    let report = |n: usize, to| control[n].send_to(&THEIRS[..8], above(to)).expect("a report sent");
    let begun = Instant::now();
    let last = |ms| begun.elapsed() > Duration::from_millis(ms);
    conformance::await_some(|| {
        for (n, relay) in [a.relay, b.relay].into_iter().enumerate() {
            report(n, relay);
        }
        last(2_500).then_some(())
    });
    assert!(records::all(&place).is_empty(), "it lives");
    // The callee's reports cease.
    let ceased = Instant::now();
    conformance::await_some(|| {
        report(0, a.relay);
        (!records::all(&place).is_empty()).then_some(())
    });
    let after = ceased.elapsed().as_secs_f64();
    assert!((0.3..4.0).contains(&after), "after {after} s");
    for phone in [&pbx, &itsp] {
        let bye = phone.sip.await_message("BYE", "");
        phone.sip.send(ok(&bye));
    }
    let told = ended(&place);
    let time = told.strip_prefix("callee silent: never any RTP, no RTCP for ");
    assert!(time.is_some_and(|time| is_about(time, 1)), "{told}");
}

/// SIPp calls SIPp, neither sends media, and the caller hangs up after three times the trunk's time.
fn is_silent(name: &str, rules: &str, direction: &str) {
    let place = Place::new(name);
    let server = server(&place, "1s", rules);
    let described = SDP.replace("a=sendrecv", direction);
    let script = Script::answers(&described);
    let callee = Sipp::of_script(&place, "callee", &script.hung_up(), &place.sip(ITSP));
    let callee = callee.answer();
    let from = format!("<sip:{DID}@[local_ip]:[local_port]>");
    let script = Script::default().call(WORLD, &from, "", SDP).expect(200, &[]).inside("ACK", "", "");
    let script = script.pause(3_000).inside("BYE", "", "").expect(200, &[]);
    Sipp::of_script(&place, "caller", &script, &place.sip(PBX)).call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::word(&record, "reason"), "P-HANGUP-A", "{record}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn silence_ends_no_active_call_where_the_trunk_does_not_judge_it() {
    is_silent("silent-active", ", rtcp_active = false", "a=sendrecv");
}

#[test]
fn silence_ends_no_held_call_where_the_trunk_does_not_judge_it() {
    is_silent("silent-held", ", rtcp_held = false", "a=inactive");
}

/// The holder is not judged, and whoever hears music is: a call with music is active (R47).
#[test]
fn whoever_hears_music_on_hold_is_judged_as_active() {
    let place = Place::new("music");
    let music = place.path("music.wav");
    audio::write(&music, &audio::tone(700.0, 1));
    let rules = format!(", rtcp_held = false, hold_music = \"{}\"", music.display());
    let server = server(&place, "2s", &rules);
    let ends = |script: Script| script.hung_up();
    let script = Script::answers(SDP);
    let heard = SDP.replace("a=sendrecv", "a=recvonly");
    let script = script.receive("INVITE", &[("", "a=sendonly")]).agree(&heard).receive("ACK", &[]);
    let callee = Sipp::of_script(&place, "callee", &ends(script), &place.sip(ITSP)).answer();
    let from = format!("<sip:{DID}@[local_ip]:[local_port]>");
    let hold = SDP.replace("a=sendrecv", "a=inactive").replace("- 1 1 IN", "- 1 2 IN");
    let script = Script::default().call(WORLD, &from, "", SDP).expect(200, &[]).inside("ACK", "", "");
    let script = script.inside("INVITE", "", &hold).expect(200, &[]).inside("ACK", "", "");
    let caller = Sipp::of_script(&place, "caller", &ends(script), &place.sip(PBX));
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    assert_eq!(ended(&place), "callee silent: never any RTP, never any RTCP");
    assert_eq!(server.stop(), 0);
}
