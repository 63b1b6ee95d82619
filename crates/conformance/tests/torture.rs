//! The 49 messages of RFC 4475, thrown at a running server over UDP and TCP from a known source. For
//! each: what the server may do. It must be alive after all of them, and no larger for it.

use conformance::config::{INSIDE, PBX, Setup};
use conformance::wire::{Datagrams, over_tcp};
use conformance::{Place, Server};
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[path = "torture/verdicts.rs"]
mod verdicts;

use verdicts::{UNFRAMED, VERDICTS};

fn messages() -> BTreeMap<String, Vec<u8>> {
    let folder = Place::own("../sip-msg/testdata/rfc4475");
    let files = std::fs::read_dir(&folder).expect("the messages' folder").flatten();
    let read = |e: std::fs::DirEntry| {
        let name = e.file_name().to_string_lossy().trim_end_matches(".dat").to_owned();
        (name, std::fs::read(e.path()).expect("a message"))
    };
    files.map(read).collect()
}

fn judge(transport: &str, answers: &BTreeMap<String, Vec<u16>>, closed: &[&str]) {
    let mut table = String::new();
    let mut wrong = 0;
    for verdict in VERDICTS {
        let seen = answers.get(verdict.name).cloned().unwrap_or_default();
        let finals: Vec<u16> = seen.iter().copied().filter(|s| *s >= 200).collect();
        let last = finals.last().copied().unwrap_or(0);
        // On a stream what follows such a message is another one, with an answer of its own.
        let unframed = closed.contains(&verdict.name);
        let first = finals.first().is_none_or(|status| verdict.may.contains(status));
        let good = verdict.may.contains(&last) || (unframed && first);
        wrong += usize::from(!good);
        let mark = if good { ' ' } else { '!' };
        let _ =
            writeln!(table, "{mark} {:<11} {seen:?} may {:?}: {}", verdict.name, verdict.may, verdict.why);
    }
    println!("{transport}\n{table}");
    assert_eq!(wrong, 0, "over {transport}:\n{table}");
}

fn server(place: &Place) -> Server {
    let mut setup = Setup::new(place);
    // Nobody is behind: what is routable gets a refusal at once.
    setup.itsp = vec![format!("{}:9", place.ip(240))];
    Server::start(place, &setup.text())
}

#[test]
fn every_torture_message_has_a_verdict() {
    let names: Vec<String> = messages().into_keys().collect();
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
    for (name, bytes) in messages() {
        socket.send(&bytes);
        let seen = socket.all_until_options_answered(&format!("mark{name}"));
        answers.insert(name, seen.iter().filter_map(conformance::wire::Message::status).collect());
    }
    judge("UDP", &answers, &[]);
    assert_eq!(server.stop(), 0);
}

#[test]
fn torture_messages_over_tcp_get_what_the_rfc_allows() {
    let place = Place::new("torture-tcp");
    let server = server(&place);
    let mut answers = BTreeMap::new();
    for (name, bytes) in messages() {
        let mark = format!("mark{name}");
        let said = over_tcp(&place.ip(PBX), &place.sip(INSIDE), &bytes, &mark);
        answers.insert(name, said.statuses(&mark));
    }
    judge("TCP", &answers, UNFRAMED);
    let socket = Datagrams::new(&place.sip(PBX), &place.sip(INSIDE));
    let _ = socket.all_until_options_answered("alive");
    assert_eq!(server.stop(), 0);
}
