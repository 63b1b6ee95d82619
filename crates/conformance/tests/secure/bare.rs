//! Keys over signalling that anyone on the way can read (R35, the rule of TCP): SIPp on both sides, and `tshark`.

use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::script::{SDP, Script};
use conformance::secured::{DID, WORLD};
use conformance::{Place, Server, Sipp, records};

const KEY: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n";

/// Both trunks demand SRTP, and bar it over UDP. SIPp plays from another place than it names.
fn barred(place: &Place) -> Server {
    let mut setup = Setup::new(place);
    setup.pbx_more =
        "override = { srtp = \"required\", srtp_over_plain = \"off\", latch = \"nat\" }\n".into();
    setup.itsp_more = setup.pbx_more.clone();
    Server::start(place, &setup.text())
}

fn calls(offer: &str) -> Script {
    Script::default().call(WORLD, &format!("<sip:{DID}@[local_ip]:[local_port]>"), "", offer)
}

/// RFC 4568 §6.1, Lync's `SRTPMode` on TCP.
#[test]
fn a_secured_offer_over_udp_is_refused_where_the_trunk_bars_that() {
    let place = Place::new("srtp-barred");
    let server = barred(&place);
    let offer = SDP.replace("RTP/AVP", "RTP/SAVP") + KEY;
    let caller = calls(&offer).expect(488, &[("", "M-SRTP")]).refused();
    Sipp::of_script(&place, "caller", &caller, &place.sip(PBX)).call(WORLD, &place.sip(INSIDE)).finish();
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::word(&record, "reason"), "M-SRTP", "{record}");
    assert_eq!(server.stop(), 0);
}

/// The datagrams to an address that are as long as plain RTP of 30 ms, as `tshark` has them.
fn said(capture: &Capture, to: &str) -> Vec<String> {
    let filter = format!("!icmp && ip.dst == {to} && udp.length == {}", 8 + 12 + 240);
    let mut lines = capture.lines(&[], &filter, &["udp.payload"]);
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn keys_beside_a_plain_offer_over_udp_are_passed_over_where_the_trunk_bars_them_and_none_are_offered() {
    let place = Place::new("srtp-beside");
    let server = barred(&place);
    let capture = Capture::start(&place);
    let callee = Script::default().receive("INVITE", &[]).answer("200 OK", "", SDP).receive("ACK", &[]);
    let callee = callee.receive("BYE", &[]).agree("");
    let callee = Sipp::of_script(&place, "callee", &callee, &place.sip(ITSP)).answer();
    let caller = calls(&(SDP.to_owned() + KEY)).expect(200, &[]).inside("ACK", "", "");
    let caller = caller.play("/usr/share/sip-tester/g711a.pcap").pause(1_000);
    let caller = caller.inside("BYE", "", "").expect(200, &[]);
    let caller = Sipp::of_script(&place, "caller", &caller, &place.sip(PBX));
    caller.with(&["-mp", "40000"]).call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let record = records::await_count(&place, 1).remove(0);
    for side in ["from_caller", "from_callee"] {
        let security = record.pointer(&format!("/media/{side}/security")).and_then(|word| word.as_str());
        assert_eq!(security, Some("none"), "{record}");
    }
    assert_eq!(server.stop(), 0);
    let ours = [INSIDE, OUTSIDE].map(|host| place.ip(host));
    let described = format!("sdp && (ip.src == {} || ip.src == {})", ours[0], ours[1]);
    let lines = capture.end(&described, &["sdp.media.proto", "sdp.media_attr"]);
    assert!(lines.len() >= 2, "{lines:?}");
    let plain = |line: &String| line.starts_with("RTP/AVP\t") && !line.contains("crypto");
    assert!(lines.iter().all(plain), "{lines:#?}");
    let (came, left) = (said(&capture, &ours[0]), said(&capture, &place.ip(ITSP)));
    assert!(left.len() >= 25 && left.iter().all(|line| came.contains(line)), "{} left", left.len());
}
