//! What leaves us is well formed in the eyes of a dissector that is not ours.

use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::script::SDP;
use conformance::{Place, Script, Server, Sipp};

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
