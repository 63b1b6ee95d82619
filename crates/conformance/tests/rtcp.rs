//! RTCP of our own: what two baresip get of each other's reports, read by `tshark`.

use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::{Place, Server};
use std::collections::BTreeSet;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";

const FIELDS: [&str; 6] =
    ["ip.src", "rtcp.senderssrc", "rtcp.sender.packetcount", "rtcp.ssrc.identifier", "rtcp.sdes.text", "rtcp.pt"];

/// The columns of a line, and the first value in each.
fn columns(line: &str) -> Vec<&str> {
    line.split('\t').map(|column| column.split(',').next().unwrap_or_default()).collect()
}

#[test]
fn each_phone_of_a_transcoded_call_gets_reports_of_ours_and_none_of_the_other_phones() {
    let place = Place::new("rtcp");
    let mut setup = Setup::new(&place);
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
    let long = 16 * conformance::audio::RATE as usize;
    conformance::await_some(|| Some(()).filter(|()| caller.heard().len() >= long && callee.heard().len() >= long));
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
