//! What leaves us is well formed in the eyes of a dissector that is not ours.

use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::{Place, Server, Sipp};

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
