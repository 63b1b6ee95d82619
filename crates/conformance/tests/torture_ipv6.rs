//! The 12 messages of RFC 5118, thrown at a running server over IPv6 from a known source. For each: what
//! the server may do. It must be alive after all of them.

use conformance::config::Setup;
use conformance::wire::{Datagrams, Message, over_tcp};
use conformance::{Place, Server};
use std::collections::BTreeMap;

#[path = "torture/judge.rs"]
mod judge;

use judge::{Verdict, judge, messages, verdict};

/// Understood; that the callee is unknown here is routing's word.
const ROUTED: &[u16] = &[404, 480, 484, 488, 503, 603];
const REGISTER: &[u16] = &[403, 405, 501];

/// All 12.
const VERDICTS: &[Verdict] = &[
    verdict("ipv6-good", REGISTER, "§4.1 an IPv6 reference is valid wherever a host may stand"),
    verdict("ipv6-bad", &[400], "§4.2 an IPv6 address in a Request-URI needs its brackets"),
    verdict(
        "port-ambiguous",
        REGISTER,
        "§4.3 within the brackets all is address, also what looks like a port",
    ),
    verdict("port-unambiguous", REGISTER, "§4.4 a port after the brackets"),
    verdict("via-received-param-no-delim", &[200, 404], "§4.5 `received` without brackets"),
    verdict("via-received-param-with-delim", &[481], "§4.5 `received` with brackets is tolerated"),
    verdict("ipv6-in-sdp", ROUTED, "§4.6 IPv6 in the session description"),
    verdict("mult-ip-in-header", &[481], "§4.7 both families in the Via rows"),
    verdict("mult-ip-in-sdp", ROUTED, "§4.8 both families in the session description"),
    verdict("ipv4-mapped-ipv6", ROUTED, "§4.9 IPv4-mapped addresses"),
    verdict(
        "ipv6-bug-abnf-3-colons",
        &[200, 400, 404],
        "§4.10 three colons, from a fault in the old grammar",
    ),
    verdict("ipv6-correct-abnf-2-colons", &[200, 404], "§4.10 two colons"),
];

/// Sent by a port that is not ours, to which the answer goes (RFC 3261 §18.2.2).
const ANSWERED_ELSEWHERE: &[&str] = &["ipv4-mapped-ipv6", "mult-ip-in-header"];

/// Where the server listens.
fn server(place: &Place) -> (Server, String) {
    let port = place.shared_ports();
    let sip: &'static str = format!("\"udp:{port}\", \"tcp:{port}\"").leak();
    let mut setup = Setup::new(place);
    setup.address.0 = "::1".into();
    setup.sip.0 = sip;
    setup.rtp.0 = format!("{}-{}", port + 10, port + 209);
    setup.pbx = vec!["[::1]:5060".into()];
    // Nobody is behind: what is routable gets a refusal at once.
    setup.itsp = vec![format!("{}:9", place.ip(240))];
    (Server::start(place, &setup.text()), format!("[::1]:{port}"))
}

#[test]
fn every_message_of_rfc_5118_has_a_verdict() {
    let names: Vec<String> = messages("rfc5118").into_keys().collect();
    let mut judged: Vec<&str> = VERDICTS.iter().map(|v| v.name).collect();
    judged.sort_unstable();
    assert_eq!(names, judged);
    assert_eq!(names.len(), 12);
}

#[test]
fn torture_messages_over_ipv6_get_what_the_rfc_allows() {
    // Several share a branch, so that one would be another's repetition: a server for each.
    let (mut udp, mut tcp) = (BTreeMap::new(), BTreeMap::new());
    let socket_address = "[::1]:5060";
    for (name, bytes) in messages("rfc5118") {
        let place = Place::new("torture-ipv6");
        let (first, address) = server(&place);
        let mark = format!("mark{name}");
        let socket = Datagrams::new(socket_address, &address);
        socket.send(&bytes);
        let seen = socket.all_until_options_answered(&mark);
        udp.insert(name.clone(), seen.iter().filter_map(Message::status).collect::<Vec<u16>>());
        assert_eq!(first.stop(), 0);

        let (second, address) = server(&place);
        let said = over_tcp("::1", &address, &bytes, &mark);
        tcp.insert(name, said.statuses(&mark));
        let _ = socket.all_until_options_answered("alive");
        assert_eq!(second.stop(), 0);
    }
    judge("TCP", VERDICTS, &tcp, &[]);
    for name in ANSWERED_ELSEWHERE {
        assert_eq!(udp.remove(*name), Some(Vec::new()), "{name}");
    }
    let here: Vec<Verdict> = VERDICTS
        .iter()
        .filter(|v| !ANSWERED_ELSEWHERE.contains(&v.name))
        .map(|v| verdict(v.name, v.may, v.why))
        .collect();
    judge("UDP", &here, &udp, &[]);
}
