//! Gateways by name: the whole node against a real name server whose answers change, die and lie while calls
//! run. No call is lost but those that the outage itself must lose.

use conformance::config::{INSIDE, ITSP, ITSP_2, PBX, Setup};
use conformance::dnsmasq::{Hosts, NameServer};
use conformance::server::tronco;
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};
use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};

const WORLD: &str = "+441632960001";
/// Last byte of the name server's address.
const DNS: u8 = 53;
/// Last byte of an address at which nobody is.
const NOBODY: u8 = 99;
/// Calls a second.
const RATE: u32 = 40;
/// A caller that runs until it is ended.
const ENDLESS: u32 = 1_000_000;

fn dns_at(place: &Place) -> SocketAddr {
    format!("{}:5300", place.ip(DNS)).parse().expect("an address")
}

/// The trunk's gateway is `calls.test`, asked for at the place's own name server.
fn named(place: &Place) -> Setup {
    let mut setup = Setup::new(place);
    setup.itsp = vec!["calls.test".into()];
    setup.listen_more.1 = format!("dns = [\"{}\"]\n", dns_at(place));
    setup
}

/// NAPTR to SRV for `calls.test`, the SRV records given as host, priority and weight, and more.
fn zone(targets: &[(&str, u16, u16)], more: &[String]) -> Vec<String> {
    let mut records = vec![
        "--naptr-record=calls.test,10,10,s,SIP+D2U,,_sip._udp.calls.test".to_owned(),
        "--local-ttl=0".to_owned(),
    ];
    for (host, priority, weight) in targets {
        records.push(format!("--srv-host=_sip._udp.calls.test,{host}.test,5060,{priority},{weight}"));
    }
    records.extend_from_slice(more);
    records
}

fn address(place: &Place, name: &str, host: u8) -> String {
    format!("--host-record={name}.test,{}", place.ip(host))
}

fn serve(place: &Place, records: &[String]) -> NameServer {
    let server = NameServer::at(dns_at(place), records);
    server.expect("the name server's address is the test's own")
}

fn gateway(place: &Place, host: u8) -> Running {
    Sipp::new(place, &format!("gateway-{host}"), "uas", &place.sip(host)).calls(ENDLESS).answer()
}

fn calling(place: &Place, name: &str, calls: u32) -> Running {
    let port = if name == "caller" { 5060 } else { 5070 };
    let local = format!("{}:{port}", place.ip(PBX));
    let caller = Sipp::new(place, name, "uac", &local).calls(calls).rate(RATE);
    caller.with(&["-d", "50", "-l", "500"]).call(WORLD, &place.sip(INSIDE))
}

/// Waits until the figure has grown by so much.
fn grown(what: &str, by: u64, figure: impl Fn() -> u64) {
    let from = figure();
    let reached = conformance::await_some(|| (figure() >= from + by).then_some(()));
    assert!(reached.is_some(), "{what}: still {} after {from}", figure());
}

/// Ends a caller: its calls so far must all have gone well.
fn all_well(caller: &Running) {
    caller.process().signal(rustix::process::Signal::USR1); // no new calls, the present ones end
    let tally = caller.end();
    assert!(tally.failed == 0 && tally.good > 0, "{tally:?}");
}

/// To which address each call of the records went at last, in order.
fn went_to(records: &[Value]) -> Vec<String> {
    let last = |record: &Value| {
        let attempts = record.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
        attempts.last().map(|a| records::word(a, "target").to_owned()).unwrap_or_default()
    };
    records.iter().map(last).collect()
}

/// What the program says of its trunk.
fn shown(place: &Place) -> String {
    let socket = place.path("tronco.sock").display().to_string();
    let out = tronco(&["trunk", "show", "itsp", "--socket", &socket]);
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn await_shown(place: &Place, text: &str) {
    let found = conformance::await_some(|| shown(place).contains(text).then_some(()));
    assert!(found.is_some(), "`{text}` is never shown:\n{}", shown(place));
}

#[test]
fn calls_follow_a_target_that_moves() {
    let place = Place::new("names-moved");
    let at = |host: u8| format!("{} one.test\n", place.ip(host));
    let hosts = Hosts::new(&place.path("hosts"), &at(ITSP));
    let dns = serve(&place, &zone(&[("one", 1, 10)], &[hosts.option()]));
    let _server = Server::start(&place, &named(&place).text());
    await_shown(&place, &place.sip(ITSP));
    let (old, new) = (gateway(&place, ITSP), gateway(&place, ITSP_2));
    let caller = calling(&place, "caller", ENDLESS);
    grown("the old target", 50, || old.tally().good);
    hosts.change(&dns, &at(ITSP_2));
    grown("the new target", 100, || new.tally().good);
    all_well(&caller);
    assert_eq!((old.tally().failed, new.tally().failed), (0, 0));
    // Records stand in the order of their ends.
    let mut all = records::all(&place);
    all.sort_by(|one, other| records::word(one, "start").cmp(records::word(other, "start")));
    let all = went_to(&all);
    let first_new = all.iter().position(|t| *t == place.sip(ITSP_2)).unwrap();
    assert!(all.get(first_new..).unwrap().iter().all(|t| *t == place.sip(ITSP_2)), "none goes back");
}

#[test]
fn calls_follow_weights_that_shift() {
    let place = Place::new("names-weights");
    let hosts = [address(&place, "one", ITSP), address(&place, "two", ITSP_2)];
    let dns = serve(&place, &zone(&[("one", 1, 90), ("two", 1, 10)], &hosts));
    let _server = Server::start(&place, &named(&place).text());
    await_shown(&place, &place.sip(ITSP_2));
    let (one, two) = (gateway(&place, ITSP), gateway(&place, ITSP_2));
    let caller = calling(&place, "caller", ENDLESS);
    grown("calls", 200, || one.tally().good + two.tally().good);
    let before = (one.tally().good, two.tally().good);
    // Figures of one may be a second older than those of the other.
    assert!(before.0 > 2 * before.1, "nine of ten go to the first: {before:?}");
    drop(dns);
    let _dns = serve(&place, &zone(&[("one", 1, 10), ("two", 1, 90)], &hosts));
    await_shown(&place, "90");
    grown("the second, once it is heavy", 250, || two.tally().good);
    let (was_one, was_two) = (one.tally().good, two.tally().good);
    grown("calls", 200, || one.tally().good + two.tally().good);
    let after = (one.tally().good - was_one, two.tally().good - was_two);
    assert!(after.1 > 2 * after.0, "nine of ten go to the second: {after:?}");
    all_well(&caller);
}

#[test]
fn dead_and_silent_targets_cost_no_call() {
    let place = Place::new("names-dead");
    let hosts =
        [address(&place, "dead", NOBODY), address(&place, "mute", ITSP_2), address(&place, "one", ITSP)];
    // Half of the draws begin at a target without an address, a dead or a silent one.
    let targets = [("gone", 1, 20), ("dead", 1, 40), ("mute", 1, 40), ("one", 1, 100)];
    let _dns = serve(&place, &zone(&targets, &hosts));
    let mut setup = named(&place);
    setup.itsp_more = "failover_after = \"1500ms\"\n".into();
    let _server = Server::start(&place, &setup.text());
    await_shown(&place, &place.sip(ITSP));
    let _mute = UdpSocket::bind(place.sip(ITSP_2)).unwrap();
    let one = gateway(&place, ITSP);
    calling(&place, "caller", 300).finish();
    assert_eq!(one.tally().failed, 0);
    let met = |record: &Value, target: &str| {
        let attempts = record.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
        attempts.iter().any(|a| records::word(a, "target") == target)
    };
    let all = records::await_count(&place, 300);
    for bad in [NOBODY, ITSP_2] {
        let times = all.iter().filter(|record| met(record, &place.sip(bad))).count();
        assert!(times > 0, "{bad} was tried");
        assert!(times < 60, "{bad} was left alone after the first calls that met it: {times}");
    }
}

#[test]
fn calls_go_on_while_the_name_server_is_away_and_follow_it_when_it_is_back() {
    let place = Place::new("names-away");
    let dns = serve(&place, &zone(&[("one", 1, 10)], &[address(&place, "one", ITSP)]));
    let _server = Server::start(&place, &named(&place).text());
    await_shown(&place, &place.sip(ITSP));
    let (old, new) = (gateway(&place, ITSP), gateway(&place, ITSP_2));
    let caller = calling(&place, "caller", ENDLESS);
    grown("calls", 50, || old.tally().good);
    drop(dns);
    await_shown(&place, "its last known answer is used");
    grown("calls on stale records", 200, || old.tally().good);
    let _dns = serve(&place, &zone(&[("one", 1, 10)], &[address(&place, "one", ITSP_2)]));
    grown("the target that it names now", 50, || new.tally().good);
    all_well(&caller);
}

#[test]
fn a_name_that_is_denied_is_left_and_taken_up_again() {
    let place = Place::new("names-denied");
    let records = zone(&[("one", 1, 10)], &[address(&place, "one", ITSP)]);
    let dns = serve(&place, &records);
    let mut setup = named(&place);
    setup.itsp.push(place.sip(ITSP_2));
    let _server = Server::start(&place, &setup.text());
    await_shown(&place, &place.sip(ITSP));
    let (named, literal) = (gateway(&place, ITSP), gateway(&place, ITSP_2));
    let caller = calling(&place, "caller", ENDLESS);
    grown("the named gateway", 50, || named.tally().good);
    drop(dns);
    let dns = serve(&place, &["--local-ttl=0".to_owned()]);
    // The domain has to say it twice; until then its last word holds.
    grown("the other gateway", 50, || literal.tally().good);
    await_shown(&place, "no such name");
    drop(dns);
    let _dns = serve(&place, &records);
    grown("the named gateway again", 50, || named.tally().good);
    all_well(&caller);
}

#[test]
fn options_follow_to_the_new_target() {
    let place = Place::new("names-options");
    let at = |host: u8| format!("{} one.test\n", place.ip(host));
    let hosts = Hosts::new(&place.path("hosts"), &at(ITSP));
    let dns = serve(&place, &zone(&[("one", 1, 10)], &[hosts.option()]));
    let asked = |host: u8| {
        let sipp = Sipp::new(&place, &format!("gateway-{host}"), "uas_options", &place.sip(host));
        sipp.calls(ENDLESS).answer()
    };
    let (old, new) = (asked(ITSP), asked(ITSP_2));
    let text = named(&place).text().replace("options_interval = 0\n", "options_interval = \"1s\"\n");
    let text = text.replacen("options_interval = \"1s\"\n", "options_interval = 0\n", 1);
    let _server = Server::start(&place, &text);
    grown("OPTIONS", 3, || old.tally().good);
    hosts.change(&dns, &at(ITSP_2));
    grown("OPTIONS to the new target", 2, || new.tally().good);
    assert!(!shown(&place).contains(&place.sip(ITSP)), "the old one is gone:\n{}", shown(&place));
    // What it had before is told by then.
    grown("OPTIONS to the new target", 2, || new.tally().good);
    let last = old.tally().good;
    grown("OPTIONS to the new target", 3, || new.tally().good);
    assert!(old.tally().good <= last + 1, "the old one is left alone");
}
