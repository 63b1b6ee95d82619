//! What leaves us is well formed in the eyes of a dissector that is not ours.

use conformance::attacker::compound;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::await_datagram;
use conformance::phone::{Dialog, Phone, call};
use conformance::script::SDP;
use conformance::wire::over_tcp;
use conformance::{Place, Script, Server, Sipp};
use std::collections::BTreeMap;
use std::net::UdpSocket;

/// Caller and callee scenarios that together show each kind of message that we send.
const PAIRS: &[(&str, &str)] = &[
    ("uac", "uas"),
    ("uac_early", "uas_early"),
    ("uac_prack", "uas_prack"),
    ("uac_hold_zero", "uas_held"),
    ("uac_late", "uas"),
    ("uac_info", "uas_info"),
    ("uac_cancel", "uas_cancelled"),
    ("uac_refer", "uas"),
];

#[test]
fn tshark_finds_nothing_malformed_in_what_we_send() {
    let place = Place::new("wire");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let capture = Capture::start(&place);
    for (number, (calling, answering)) in PAIRS.iter().enumerate() {
        let callee = Sipp::new(&place, &format!("callee{number}"), answering, &place.sip(ITSP)).answer();
        let caller =
            Sipp::new(&place, &format!("caller{number}"), calling, &place.sip(PBX)).with(&["-d", "20"]);
        caller.call("+441632960001", &place.sip(INSIDE)).finish();
        callee.finish();
    }
    let ours = format!("sip && (ip.src == {} || ip.src == {})", place.ip(INSIDE), place.ip(OUTSIDE));
    let fields =
        ["_ws.malformed", "_ws.expert.severity", "_ws.expert.message", "sip.Request-Line", "sip.Status-Line"];
    let lines = capture.end(&ours, &fields);
    assert!(lines.len() > 45, "{} messages of ours were seen", lines.len());
    // Severities are numbers: 0x400000 note, 0x600000 warning, 0x800000 error.
    let bad: Vec<&String> = lines
        .iter()
        .filter(|line| {
            let mut columns = line.split('\t');
            let malformed = columns.next().is_some_and(|c| !c.is_empty());
            let severities = columns.next().unwrap_or_default().split(',');
            malformed || severities.filter_map(|s| s.parse::<u32>().ok()).any(|s| s >= 0x60_0000)
        })
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// What the caller's network is called and where it is; nothing that leaves on the other side may say so.
const INNER_NAMES: [&str; 3] = ["corp.example", "10.9.8.7", "Geheim-PBX"];

#[test]
fn what_a_caller_writes_of_its_network_is_not_on_the_other_wire() {
    let place = Place::new("wire-topology");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let capture = Capture::start(&place);
    let rows = "Alert-Info: <http://ring.corp.example/a.wav>, <urn:alert:source:internal>\nSubject: five\n";
    let body = SDP
        .replace("s=-", "s=Geheim-PBX\ni=the PBX of corp.example\nu=http://corp.example/\ne=x@corp.example")
        .replace("t=0 0\n", "t=0 0\na=tool:Geheim-PBX 7\n")
        + "a=x-node:sbc2.corp.example\na=rtcp:4001 IN IP4 10.9.8.7\na=x-version:1.2\n";
    let why = "Reason: Q.850;cause=16;text=\"cleared by 10.9.8.7\"\n";
    let script = Script::default()
        .call("+441632960001", "<sip:+493023125100@[local_ip]>", rows, &body)
        .expect(200, &[])
        .inside("ACK", "", "")
        .inside("BYE", why, "")
        .expect(200, &[]);
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).answer();
    Sipp::of_script(&place, "caller", &script, &place.sip(PBX)).call("-", &place.sip(INSIDE)).finish();
    callee.finish();
    let lines =
        capture.end(&format!("sip && ip.src == {}", place.ip(OUTSIDE)), &["sip.Method", "udp.payload"]);
    let told: Vec<String> =
        lines.iter().map(|line| text(line.split('\t').nth(1).unwrap_or_default())).collect();
    for message in &told {
        for name in INNER_NAMES {
            assert!(!message.contains(name), "{name}\n{message}");
        }
    }
    let find = |method: &str| told.iter().find(|text| text.starts_with(method)).expect("a request");
    let invite = find("INVITE");
    for kept in
        ["Alert-Info: <urn:alert:source:internal>\r\n", "Subject: five\r\n", "\r\na=x-version:1.2\r\n"]
    {
        assert!(invite.contains(kept), "{kept}\n{invite}");
    }
    assert!(find("BYE").contains("Reason: Q.850;cause=16\r\n"), "{}", find("BYE"));
    for method in ["INVITE", "ACK", "BYE"] {
        assert!(find(method).contains("\r\nUser-Agent: Tronco\r\n"), "{}", find(method));
    }
}

/// Bytes that `tshark` prints as hexadecimal digits, as text.
fn text(digits: &str) -> String {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8_lossy(&digits.chunks(2).filter_map(byte).collect::<Vec<u8>>()).into_owned()
}

/// Media and reports of both sides, of a second.
fn talk(place: &Place, [(pbx, a), (itsp, b)]: [(&Phone, &Dialog); 2]) {
    let control = |host| UdpSocket::bind((place.ip(host), 40_001)).expect("a socket for reports");
    let (near, far) = (control(PBX), control(ITSP));
    for n in 0..50 {
        pbx.send_rtp(a.relay, 0x1111, n, 0xA5);
        let _ = itsp.receive_rtp();
        itsp.send_rtp(b.relay, 0x2222, n, 0x5A);
        let _ = pbx.receive_rtp();
    }
    for (from, relay, to) in [(&near, a.relay, &far), (&far, b.relay, &near)] {
        from.send_to(&compound(), (relay.ip(), relay.port() + 1)).expect("a report sent");
        await_datagram(to, "report", |_, _| Some(()));
    }
}

#[test]
fn signalling_and_media_are_marked_as_their_interface_says_towards_both_sides() {
    const MARKS: [(u8, &str, &str); 2] = [(INSIDE, "26", "34"), (OUTSIDE, "18", "10")];
    let place = Place::new("wire-marks");
    let mut setup = Setup::new(&place);
    let [inside, outside] = MARKS.map(|(_, sip, media)| format!("dscp_sip = {sip}\ndscp_media = {media}\n"));
    setup.listen_more = (inside, outside);
    let server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    let pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
    let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    let (a, b) = call(&pbx, &itsp, "+441632960001", "+493023125100", "marks");
    talk(&place, [(&pbx, &a), (&itsp, &b)]);
    pbx.hang_up(&a, &itsp);
    let said = over_tcp(&place.ip(PBX), &place.sip(INSIDE), b"", "marks");
    assert!(said.text.starts_with("SIP/2.0 200 "), "{}", said.text);
    let ours = format!("(ip.src == {} || ip.src == {}) && !icmp", place.ip(INSIDE), place.ip(OUTSIDE));
    let lines = capture.end(&ours, &["ip.src", "udp.srcport", "tcp.srcport", "ip.dsfield.dscp"]);
    let mut seen = BTreeMap::new();
    for line in &lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let [source, udp, tcp, mark] = columns[..] else { panic!("{line}") };
        let (_, sip, media) = MARKS.into_iter().find(|(host, ..)| place.ip(*host) == source).expect("ours");
        let signals = udp == "5060" || tcp == "5060";
        assert_eq!(mark, if signals { sip } else { media }, "{line}");
        *seen.entry((source, signals, tcp.is_empty())).or_insert(0) += 1;
    }
    let wanted = [(INSIDE, false, true, 51), (OUTSIDE, false, true, 51), (INSIDE, true, false, 2)];
    for (host, signals, udp, least) in
        wanted.into_iter().chain([(INSIDE, true, true, 2), (OUTSIDE, true, true, 2)])
    {
        let count = seen.get(&(&*place.ip(host), signals, udp)).copied().unwrap_or(0);
        assert!(count >= least, "{host} {signals} {udp}: {seen:?}");
    }
    assert_eq!(server.stop(), 0);
}
