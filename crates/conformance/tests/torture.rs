//! The 49 messages of RFC 4475, thrown at a running server over UDP and TCP from a known source. For
//! each: what the server may do. It must be alive after all of them, and no larger for it.

use conformance::config::{INSIDE, PBX, Setup};
use conformance::wire::{Datagrams, over_tcp};
use conformance::{Place, Server};
use std::collections::BTreeMap;

#[path = "torture/judge.rs"]
mod judge;
#[path = "torture/verdicts.rs"]
mod verdicts;

use judge::{judge, messages};
use verdicts::{UNFRAMED, VERDICTS};

fn server(place: &Place) -> Server {
    let mut setup = Setup::new(place);
    // Nobody is behind: what is routable gets a refusal at once.
    setup.itsp = vec![format!("{}:9", place.ip(240))];
    Server::start(place, &setup.text())
}

#[test]
fn every_torture_message_has_a_verdict() {
    let names: Vec<String> = messages("rfc4475").into_keys().collect();
    let mut judged: Vec<&str> = VERDICTS.iter().map(|v| v.name).collect();
    judged.sort_unstable();
    assert_eq!(names, judged);
    assert_eq!(names.len(), 49);
}

#[test]
fn torture_messages_over_udp_get_what_the_rfc_allows() {
    let place = Place::new("torture-udp");
    let server = server(&place);
    let socket = Datagrams::new(&place.sip(PBX), &place.sip(INSIDE));
    let mut answers = BTreeMap::new();
    for (name, bytes) in messages("rfc4475") {
        socket.send(&bytes);
        let seen = socket.all_until_options_answered(&format!("mark{name}"));
        answers.insert(name, seen.iter().filter_map(conformance::wire::Message::status).collect());
    }
    judge("UDP", VERDICTS, &answers, &[]);
    assert_eq!(server.stop(), 0);
}

#[test]
fn torture_messages_over_tcp_get_what_the_rfc_allows() {
    let place = Place::new("torture-tcp");
    let server = server(&place);
    let mut answers = BTreeMap::new();
    for (name, bytes) in messages("rfc4475") {
        let mark = format!("mark{name}");
        let said = over_tcp(&place.ip(PBX), &place.sip(INSIDE), &bytes, &mark);
        answers.insert(name, said.statuses(&mark));
    }
    judge("TCP", VERDICTS, &answers, UNFRAMED);
    let socket = Datagrams::new(&place.sip(PBX), &place.sip(INSIDE));
    let _ = socket.all_until_options_answered("alive");
    assert_eq!(server.stop(), 0);
}
