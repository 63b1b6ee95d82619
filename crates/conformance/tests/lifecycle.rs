//! Starting, reloading, stopping, being killed: what the process owes to whoever runs it.

use conformance::config::{INSIDE, ITSP, ITSP_2, PBX, Setup};
use conformance::server::tronco;
use conformance::{Place, Server, Sipp, records};
use std::collections::BTreeSet;

const WORLD: &str = "+441632960001";

fn caller<'a>(place: &'a Place, name: &str, calls: u32, held: &str) -> Sipp<'a> {
    Sipp::new(place, name, "uac", &place.sip(PBX)).calls(calls).rate(100).with(&["-d", held, "-l", "500"])
}

#[test]
fn a_wrong_configuration_is_told_with_its_place_and_exit_code_78() {
    let place = Place::new("bad-config");
    let text = Setup::new(&place).text().replace("kind = \"itsp\"", "kind = \"itps\"");
    let line = text.lines().position(|l| l.contains("itps")).unwrap() + 1;
    let server = Server::launch(&place, &text);
    assert_eq!(server.process().exit_code(), 78);
    let said = server.process().lines().join("\n");
    assert!(said.contains(&format!("tronco.toml:{line}:")), "file and line:\n{said}");
    assert!(said.contains("itsp"), "the nearest valid word:\n{said}");
    let path = place.path("tronco.toml").display().to_string();
    assert_eq!(tronco(&["check", "--config", &path]).status.code(), Some(78));
}

#[test]
fn a_missing_configuration_is_exit_code_78_and_wrong_usage_64() {
    let place = Place::new("no-config");
    let path = place.path("nowhere.toml").display().to_string();
    assert_eq!(tronco(&["run", "--config", &path]).status.code(), Some(78));
    assert_eq!(tronco(&["run", "--konfig", &path]).status.code(), Some(64));
    assert_eq!(tronco(&["--version"]).status.code(), Some(0));
}

#[test]
fn a_taken_port_is_told_and_is_no_fault_of_the_configuration() {
    let place = Place::new("taken");
    let _taken = std::net::TcpListener::bind(place.sip(INSIDE)).unwrap();
    let server = Server::launch(&place, &Setup::new(&place).text());
    assert_eq!(server.process().exit_code(), 1);
    let said = server.process().lines().join("\n");
    assert!(said.contains(&place.sip(INSIDE)) || said.contains("5060"), "which port:\n{said}");
}

#[test]
fn stopping_lets_running_calls_end_and_takes_no_new_ones() {
    let place = Place::new("drain");
    let server = Server::start(&place, &Setup::new(&place).text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).calls(20).answer();
    let held = caller(&place, "held", 20, "5000").keep_messages().call(WORLD, &place.sip(INSIDE));
    let all_up = conformance::await_some(|| {
        let answers = held.received().iter().filter(|m| m.starts_with("SIP/2.0 200")).count();
        (answers >= 20).then_some(())
    });
    assert!(all_up.is_some(), "the calls are up");
    server.process().signal(rustix::process::Signal::TERM);
    server.process().line("draining");
    let late = Sipp::new(&place, "late", "uac_503", &format!("{}:5070", place.ip(PBX)));
    late.call(WORLD, &place.sip(INSIDE)).finish();
    held.finish();
    callee.finish();
    assert_eq!(server.process().exit_code(), 0);
    let good = records::all(&place).iter().filter(|r| records::number(r, "status") == 200).count();
    assert_eq!(good, 20);
}

#[test]
fn calls_that_outlast_the_drain_are_hung_up_on_both_sides() {
    let place = Place::new("drain-over");
    let mut text = Setup::new(&place).text();
    text = text.replace("drain_timeout = \"20s\"", "drain_timeout = \"1s\"");
    let server = Server::start(&place, &text);
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).calls(5).keep_messages().answer();
    let held = Sipp::new(&place, "held", "uac_hung_up", &place.sip(PBX)).calls(5).rate(100);
    let held = held.call(WORLD, &place.sip(INSIDE));
    let all_up = conformance::await_some(|| {
        (callee.received().iter().filter(|m| m.starts_with("ACK ")).count() >= 5).then_some(())
    });
    assert!(all_up.is_some(), "the calls are up");
    assert_eq!(server.stop(), 0);
    held.finish();
    callee.finish();
    for record in records::await_count(&place, 5) {
        assert_eq!(records::word(&record, "released_by"), "tronco", "{record}");
    }
}

#[test]
fn a_bad_reload_says_why_and_changes_nothing() {
    let place = Place::new("reload-bad");
    let good = Setup::new(&place).text();
    let server = Server::start(&place, &good);
    let from = server.reload(&good.replace("deliver = \"pbx\"", "deliver = \"pbq\""));
    let (_, said) = server.process().line_after(from, "pbq");
    assert!(said.contains("tronco.toml:"), "{said}");
    server.process().line_after(from, "not reloaded");
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).calls(5).answer();
    caller(&place, "caller", 5, "20").call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
}

#[test]
fn a_good_reload_moves_new_calls_and_leaves_running_ones() {
    let place = Place::new("reload-good");
    let setup = Setup::new(&place);
    let server = Server::start(&place, &setup.text());
    let old = Sipp::new(&place, "old", "uas", &place.sip(ITSP)).calls(5).keep_messages().answer();
    let held = caller(&place, "held", 5, "4000").call(WORLD, &place.sip(INSIDE));
    let all_up = conformance::await_some(|| {
        (old.received().iter().filter(|m| m.starts_with("ACK ")).count() >= 5).then_some(())
    });
    assert!(all_up.is_some(), "the calls are up");
    let mut moved = setup.clone();
    moved.itsp = vec![place.sip(ITSP_2)];
    let from = server.reload(&moved.text());
    server.process().line_after(from, "reloaded");
    let new = Sipp::new(&place, "new", "uas", &place.sip(ITSP_2)).calls(5).answer();
    let after =
        Sipp::new(&place, "after", "uac", &format!("{}:5070", place.ip(PBX))).calls(5).with(&["-d", "20"]);
    after.call(WORLD, &place.sip(INSIDE)).finish();
    new.finish();
    held.finish();
    old.finish();
    assert_eq!(server.stop(), 0);
}

#[test]
fn killed_with_calls_up_and_started_again_every_call_has_exactly_one_record() {
    let place = Place::new("killed");
    let mut server = Server::start(&place, &Setup::new(&place).text());
    let mut accepted = BTreeSet::new();
    for round in 0..3 {
        let callee =
            Sipp::new(&place, &format!("callee-{round}"), "uas", &place.sip(ITSP)).calls(100_000).answer();
        let calling = caller(&place, &format!("caller-{round}"), 100_000, "400").keep_messages();
        let calling = calling.call(WORLD, &place.sip(INSIDE));
        let enough = conformance::await_some(|| Some(calling.tally().good).filter(|n| *n >= 60));
        assert!(enough.is_some(), "calls are running");
        server.kill();
        calling.kill();
        callee.kill();
        // Every INVITE that got an answer was accepted, and its record is owed.
        for message in calling.received().iter().filter(|m| m.contains(" INVITE")) {
            let call_id = message.lines().find_map(|l| l.strip_prefix("Call-ID: ")).unwrap_or_default();
            accepted.insert(call_id.to_owned());
        }
        server = server.restart();
    }
    assert_eq!(server.stop(), 0);
    let records = records::all(&place);
    let counts = records::by_call_id(&records);
    let missing: Vec<&String> = accepted.iter().filter(|id| !counts.contains_key(*id)).collect();
    let twice: Vec<_> = counts.iter().filter(|(_, n)| **n != 1).collect();
    assert!(accepted.len() > 200, "{} calls", accepted.len());
    assert!(missing.is_empty() && twice.is_empty(), "missing {missing:?}, more than once {twice:?}");
    let cut = records.iter().filter(|r| records::word(r, "released_by") == "tronco").count();
    assert!(cut >= 3, "the calls that were up are told as cut: {cut}");
}
