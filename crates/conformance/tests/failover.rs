//! Gateways that die, fall silent or refuse: new calls go on, and nobody rings twice.

use conformance::config::{INSIDE, ITSP, ITSP_2, PBX, Setup};
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};
use rustix::process::Signal;
use serde_json::Value;

const WORLD: &str = "+441632960001";

fn two_gateways(place: &Place) -> Setup {
    let mut setup = Setup::new(place);
    setup.itsp = vec![place.sip(ITSP), place.sip(ITSP_2)];
    setup
}

fn gateway(place: &Place, host: u8, calls: u32) -> Running {
    Sipp::new(place, &format!("gateway-{host}"), "uas", &place.sip(host)).calls(calls).answer()
}

fn caller<'a>(place: &'a Place, name: &str, scenario: &str, calls: u32) -> Sipp<'a> {
    Sipp::new(place, name, scenario, &place.sip(PBX)).calls(calls).rate(100).with(&["-d", "50", "-l", "200"])
}

fn attempts(record: &Value) -> Vec<u64> {
    let list = record.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|a| records::number(a, "status")).collect()
}

#[test]
fn a_gateway_is_killed_under_load_and_new_calls_go_on() {
    let place = Place::new("gateway-killed");
    let mut setup = two_gateways(&place);
    // What rings at the dead gateway is not tried elsewhere; it must not ring on for three minutes here.
    setup.itsp_more = "ring_timeout = \"5s\"\n".into();
    let _server = Server::start(&place, &setup.text());
    let (first, second) = (gateway(&place, ITSP, 100_000), gateway(&place, ITSP_2, 100_000));
    let calling = caller(&place, "caller", "uac", 600).call(WORLD, &place.sip(INSIDE));
    let killed_at = conformance::await_some(|| Some(first.tally().good).filter(|n| *n >= 100));
    first.kill();
    let tally = calling.end();
    // Calls that the dead gateway held cannot be saved: their BYE finds nobody. 100 a second for a good
    // twentieth of a second are five, more where the machine stood still; every call since must have gone well.
    assert!(killed_at.is_some(), "calls were running");
    assert_eq!(tally.good + tally.failed, 600, "{tally:?}");
    assert!(tally.failed <= 150, "{tally:?}");
    // Its figures are a second old.
    let taken = conformance::await_some(|| Some(()).filter(|()| second.tally().good >= 300));
    assert!(taken.is_some(), "{:?}", second.tally());
    let after = caller(&place, "after", "uac", 50).call(WORLD, &place.sip(INSIDE));
    after.finish();
}

#[test]
fn a_silent_gateway_is_left_after_the_time_without_progress() {
    let place = Place::new("gateway-silent");
    let mut setup = two_gateways(&place);
    setup.itsp_more = "failover_after = \"3s\"\n".into();
    let _server = Server::start(&place, &setup.text());
    let (first, second) = (gateway(&place, ITSP, 10), gateway(&place, ITSP_2, 10));
    first.process().signal(Signal::STOP);
    caller(&place, "caller", "uac", 10).call(WORLD, &place.sip(INSIDE)).finish();
    second.finish();
    for record in records::await_count(&place, 10) {
        assert_eq!(records::number(&record, "status"), 200, "{record}");
        let statuses = attempts(&record);
        assert_eq!(statuses.last(), Some(&200), "{record}");
        assert!(statuses.len() <= 2, "{record}");
    }
    first.process().signal(Signal::CONT);
}

#[test]
fn a_gateway_that_is_out_of_service_is_passed_over() {
    let place = Place::new("gateway-503");
    let _server = Server::start(&place, &two_gateways(&place).text());
    let first = Sipp::new(&place, "first", "uas_refuses_503", &place.sip(ITSP));
    let first = first.answer();
    let second = gateway(&place, ITSP_2, 1);
    caller(&place, "caller", "uac", 1).call(WORLD, &place.sip(INSIDE)).finish();
    first.finish();
    second.finish();
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(attempts(&record), [503, 200], "{record}");
}

#[test]
fn a_busy_callee_is_not_tried_again_by_another_way() {
    let place = Place::new("gateway-486");
    let _server = Server::start(&place, &two_gateways(&place).text());
    let first = Sipp::new(&place, "first", "uas_refuses_486", &place.sip(ITSP)).answer();
    let second = gateway(&place, ITSP_2, 1);
    caller(&place, "caller", "uac_486", 1).call(WORLD, &place.sip(INSIDE)).finish();
    first.finish();
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(attempts(&record), [486], "{record}");
    assert_eq!(second.tally().good, 0);
}

#[test]
fn a_call_that_has_rung_is_not_tried_again_by_another_way() {
    let place = Place::new("gateway-rung");
    let _server = Server::start(&place, &two_gateways(&place).text());
    let first = Sipp::new(&place, "first", "uas_rings_503", &place.sip(ITSP)).answer();
    let second = gateway(&place, ITSP_2, 1);
    caller(&place, "caller", "uac_503", 1).call(WORLD, &place.sip(INSIDE)).finish();
    first.finish();
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(attempts(&record), [503], "{record}");
    assert_eq!(second.tally().good, 0);
}

#[test]
fn a_second_trunk_takes_the_call_when_the_first_has_no_gateway_alive() {
    let place = Place::new("second-trunk");
    let mut setup = Setup::new(&place);
    setup.more = format!(
        "[trunk.spare]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"{}\"]\noptions_interval = 0\n",
        place.sip(ITSP_2)
    );
    let text = setup.text().replace("to = \"itsp\"", "to = [\"itsp\", \"spare\"]");
    let _server = Server::start(&place, &text);
    let spare = gateway(&place, ITSP_2, 10);
    caller(&place, "caller", "uac", 10).call(WORLD, &place.sip(INSIDE)).finish();
    spare.finish();
    for record in records::await_count(&place, 10) {
        assert_eq!(records::word(&record, "trunk_out"), "spare", "{record}");
    }
}
