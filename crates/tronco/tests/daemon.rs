//! A daemon asked and ordered over its socket, with real calls through it.

#![allow(clippy::unwrap_used)]

mod common;

use common::phone::{Callee, Caller};
use common::{PATIENCE, Place, Running};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

const WORLD: &str = "+441632960001";

/// A raw request, for what our own client never sends.
fn raw(place: &Place, request: &str) -> String {
    let mut stream = UnixStream::connect(place.socket()).unwrap();
    stream.set_read_timeout(Some(common::PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn get(place: &Place, path: &str) -> String {
    raw(place, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

#[test]
fn an_idle_node_shows_itself() {
    let place = Place::new("idle");
    let daemon = Running::daemon(&place, &place.text());
    let status = place.json(&["status"]);
    assert_eq!((&status["node"], &status["site"]), (&"n1".into(), &"hall".into()));
    assert_eq!(status["calls"]["live"], 0);
    assert_eq!(status["revision"], 1);
    assert_eq!(status["listens"][0]["ports"][0], format!("udp:{}", place.inside()));
    assert_eq!(status["listens"][1]["media_ports_limit"], 50);
    let relayed = &status["listens"][1]["relayed"];
    assert_eq!((&relayed["by"], &relayed["device"]), (&"sockets".into(), &Value::Null));
    assert!(relayed["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{relayed}");
    let said = place.tronco(&["status"]);
    assert!(
        said.code == 0 && said.text.contains("n1 at hall") && !said.text.contains('\x1b'),
        "{}",
        said.text
    );
    assert!(said.error.is_empty());

    let trunks = place.json(&["trunk", "list"]);
    assert_eq!(trunks["trunks"][1]["name"], "itsp");
    assert_eq!(trunks["trunks"][1]["calls_max"], 10);
    assert!(place.tronco(&["trunk", "list"]).text.starts_with("TRUNK"));
    assert_eq!(place.json(&["trunk", "show", "pbx"])["kind"], "direct");
    assert!(place.tronco(&["trunk", "show", "pbx"]).text.contains(&place.pbx()));
    let said = place.tronco(&["trunk", "show", "nobody"]);
    assert!(said.code == 1 && said.error.contains("pbx, itsp"), "{}", said.error);

    assert_eq!(place.json(&["call", "list"])["total"], 0);
    assert_eq!(place.tronco(&["call", "show", "abcd"]).code, 1);
    assert_eq!(place.tronco(&["call", "hangup", "xyz"]).code, 64);
    assert_eq!(place.json(&["cdr", "query"])["records"], Value::Array(Vec::new()));
    assert_eq!(place.tronco(&["cdr", "query", "--call", "12"]).code, 64);
    assert!(place.tronco(&["cdr", "export", "--format", "csv"]).text.starts_with("id,call,"));
    assert_eq!(place.tronco(&["cdr", "tail"]).code, 0);
    assert_eq!(daemon.stop(), 0);
    assert_eq!(place.tronco(&["status"]).code, 69);
}

#[test]
fn a_call_is_listed_shown_hung_up_and_recorded() {
    let place = Place::new("call");
    let daemon = Running::daemon(&place, &place.text());
    let _callee = Callee::at(&place.itsp());
    let mut caller = Caller::at(&place.pbx(), &place.inside());
    let before = get(&place, "/v1/metrics");
    assert!(before.contains("tronco_calls_active{trunk=\"itsp\",direction=\"out\"} 0"), "{before}");
    let mut tail = Running::follow(&place, &["cdr", "tail", "-f", "--json"]);

    assert_eq!(caller.call(WORLD), 200);
    let calls = place.json(&["call", "list"]);
    assert_eq!(calls["total"], 1);
    let call = &calls["calls"][0];
    assert_eq!((&call["state"], &call["called"]), (&"answered".into(), &WORLD.into()));
    assert_eq!((&call["trunk_in"], &call["trunk_out"]), (&"pbx".into(), &"itsp".into()));
    let key = call["key"].as_str().unwrap().to_owned();
    assert_eq!(place.json(&["call", "list", "--trunk", "itsp"])["total"], 1);
    assert_eq!(place.json(&["call", "list", "--trunk", "other"])["total"], 0);
    assert!(place.tronco(&["call", "list"]).text.contains(&key));
    assert_eq!(place.json(&["call", "show", &key[..8]])["key"], key.as_str());
    assert!(place.tronco(&["call", "show", &key]).text.contains("answered"));

    let said = place.tronco(&["call", "hangup", &key[..8]]);
    assert!(said.code == 0 && said.text.contains(&key), "{}", said.error);
    caller.await_bye();
    let line: Value = serde_json::from_str(&tail.line(&key)).unwrap();
    assert_eq!(line["released_by"], "operator");
    filters_choose(&place, &key);
    forms_show(&place, &key);
    let metrics = get(&place, "/v1/metrics");
    assert!(metrics.contains("tronco_calls_answered_total 1"), "{metrics}");
    labels_are_as_documented(&metrics);
    let ended = "tronco_calls_ended_total{trunk=\"itsp\",direction=\"out\",code=\"200\",origin=\"operator\"";
    assert!(metrics.contains(ended) && metrics.contains("tronco_call_duration_seconds_count 1"), "{metrics}");
    assert_eq!(daemon.stop(), 0);
}

/// Every sample has the labels that the page of the control API gives its family.
fn labels_are_as_documented(metrics: &str) {
    let page = include_str!("../../../docs/reference/api.md");
    let mut seen = 0;
    for sample in metrics.lines().filter(|line| line.starts_with("tronco_") && line.contains('{')) {
        let (name, rest) = sample.split_once('{').unwrap();
        let labels = rest.split_once('}').unwrap().0.split(',').map(|label| label.split('=').next().unwrap());
        // The bounds of a histogram are no label of its family.
        let labels = labels.filter(|label| *label != "le").collect::<Vec<_>>().join(",");
        let parts = ["_bucket", "_sum", "_count"];
        let name = parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        if !labels.is_empty() {
            seen += 1;
            let documented = format!("`{name}{{{labels}}}`");
            let bare = name == "tronco_build_info" && page.contains("`tronco_build_info`");
            assert!(bare || page.contains(&documented), "{documented}");
        }
    }
    assert!(seen > 20, "{metrics}");
}

/// Each filter keeps or drops the one call that is over.
fn filters_choose(place: &Place, key: &str) {
    let count = |filters: &[&str]| {
        let page = place.json(&[&["cdr", "query"], filters].concat());
        page["records"].as_array().unwrap().len()
    };
    let hits: [&[&str]; 7] = [
        &["--call", key],
        &["--number", "+4416*"],
        &["--trunk", "itsp"],
        &["--status", "200"],
        &["--since", "1h"],
        &["--until", "2999-01-01"],
        &["--limit", "1"],
    ];
    hits.iter().for_each(|filters| assert_eq!(count(filters), 1, "{filters:?}"));
    let misses: [&[&str]; 6] = [
        &["--number", WORLD, "--status", "486"],
        &["--trunk", "other"],
        &["--since", "2999-01-01"],
        &["--until", "1h"],
        &["--reason", "P-BUSY"],
        &["--limit", "0"],
    ];
    misses.iter().for_each(|filters| assert_eq!(count(filters), 0, "{filters:?}"));
}

/// The one call that is over, in every form.
fn forms_show(place: &Place, key: &str) {
    let table = place.tronco(&["cdr", "query"]).text;
    assert!(table.lines().count() == 2 && table.contains(key), "{table}");
    let (page, id) = (
        place.json(&["cdr", "query", "--limit", "1"]),
        place.json(&["cdr", "query"])["records"][0]["id"].clone(),
    );
    assert!(id.is_i64() && page["next"] == id, "{page}");
    let before = id.to_string();
    assert_eq!(place.json(&["cdr", "query", "--before", &before])["records"], Value::Array(Vec::new()));
    assert_eq!(place.tronco(&["cdr", "query", "--limit", "100001"]).code, 64);
    let csv = place.tronco(&["cdr", "export", "--format", "csv"]).text;
    assert!(csv.lines().count() == 2 && csv.contains(key), "{csv}");
    let attempts = place.tronco(&["cdr", "export", "--format", "csv-attempts", "--number", WORLD]).text;
    assert!(attempts.lines().count() == 2 && attempts.contains(key), "{attempts}");
    let lines = place.tronco(&["cdr", "export"]).text;
    let record: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!(record["call"], key);
    assert!(place.tronco(&["cdr", "tail"]).text.contains(key));
    let over = place.tronco(&["call", "show", key]);
    assert!(
        over.code == 0 && over.text.contains("over") && over.text.contains("released by"),
        "{}",
        over.text
    );
}

#[test]
fn a_disabled_trunk_carries_no_new_call_until_it_is_enabled() {
    let place = Place::new("disable");
    let mut daemon = Running::daemon(&place, &place.text());
    let _callee = Callee::at(&place.itsp());
    let mut caller = Caller::at(&place.pbx(), &place.inside());
    let said = place.tronco(&["trunk", "disable", "itsp"]);
    assert!(said.code == 0 && said.text.contains("takes no new calls"), "{}", said.error);
    daemon.line("trunk set by an operator");
    assert_eq!(place.json(&["trunk", "show", "itsp"])["state"], "disabled");
    let route = ["route", "test", "--on", "pbx", "--to", WORLD];
    assert_eq!(place.tronco(&route).code, 3);
    assert_eq!(caller.call(WORLD), 503);
    assert_eq!(place.json(&["trunk", "enable", "itsp"])["enabled"], true);
    assert_eq!(place.json(&route)["attempts"][0]["trunk"], "itsp");
    assert_eq!(caller.call(WORLD), 200);
    assert_eq!(place.tronco(&["trunk", "disable", "nobody"]).code, 1);
    assert_eq!(place.tronco(&["route", "test", "--on", "nobody", "--to", "1"]).code, 1);
    // What an operator said outlives a reload.
    place.tronco(&["trunk", "disable", "itsp"]);
    daemon.signal("HUP");
    daemon.line("reloaded");
    assert_eq!(place.json(&["trunk", "show", "itsp"])["enabled"], false);
    assert_eq!(place.json(&["trunk", "enable", "itsp"])["enabled"], true);
}

#[test]
fn a_draining_trunk_or_gateway_keeps_its_calls_and_takes_no_new_ones() {
    let place = Place::new("drain");
    let _daemon = Running::daemon(&place, &place.text());
    let _callee = Callee::at(&place.itsp());
    let mut caller = Caller::at(&place.pbx(), &place.inside());
    assert_eq!(caller.call(WORLD), 200);
    let said = place.tronco(&["trunk", "drain", "itsp"]);
    assert!(
        said.code == 0 && said.text.contains("draining") && said.text.contains("1 live calls go on"),
        "{said:?}"
    );
    let shown = place.json(&["trunk", "show", "itsp"]);
    assert_eq!((&shown["state"], &shown["calls_out"]), (&"draining".into(), &1.into()));
    let route = ["route", "test", "--on", "pbx", "--to", WORLD];
    assert_eq!(place.tronco(&route).code, 3);
    assert_eq!(place.json(&["trunk", "enable", "itsp"])["enabled"], true);
    // One gateway: it is the only one, so the trunk drains with it.
    let gateway = shown["gateways"][0]["name"].as_str().expect("a name").to_owned();
    let said = place.tronco(&["trunk", "drain", "itsp", "--gateway", &gateway]);
    assert!(said.code == 0 && said.text.contains(&format!("gateway {gateway} is draining")), "{said:?}");
    let shown = place.json(&["trunk", "show", "itsp"]);
    assert_eq!((&shown["state"], &shown["gateways"][0]["state"]), (&"draining".into(), &"draining".into()));
    let said = place.tronco(&["trunk", "drain", "itsp", "--gateway", "nobody"]);
    assert!(said.code == 1 && said.error.contains("has no gateway"), "{said:?}");
    assert_eq!(place.json(&["trunk", "enable", "itsp", "--gateway", &gateway])["enabled"], true);
}

#[test]
fn a_second_signal_ends_calls_at_once() {
    let place = Place::new("hurry");
    let text = place.text().replace("drain_timeout = \"20s\"", "drain_timeout = \"1d\"");
    let mut daemon = Running::daemon(&place, &text);
    let _callee = Callee::at(&place.itsp());
    let mut caller = Caller::at(&place.pbx(), &place.inside());
    assert_eq!(caller.call(WORLD), 200);
    daemon.signal("TERM");
    daemon.line("draining");
    let said = place.json(&["status"]);
    assert_eq!((&said["calls"]["live"], &said["draining"]), (&1.into(), &true.into()));
    assert_eq!(caller.call(WORLD), 503);
    daemon.signal("INT");
    caller.await_bye();
    assert_eq!(daemon.end(), 0, "{:?}", daemon.seen);
}

#[test]
fn a_reload_is_applied_or_refused_with_its_reason() {
    let place = Place::new("reload");
    let mut daemon = Running::daemon(&place, &place.text());
    let bigger = place.text().replace("calls_max = 10", "calls_max = 11");
    place.write(&bigger);
    daemon.signal("HUP");
    daemon.line("reloaded");
    assert_eq!(place.json(&["trunk", "show", "itsp"])["calls_max"], 11);
    assert_eq!(place.json(&["status"])["revision"], 2);
    let limit = || {
        let settings = place.json(&["config", "effective", "itsp"])["settings"].take();
        let mut settings = settings.as_array().unwrap().iter();
        settings.find(|s| s["key"] == "calls_max").unwrap().clone()
    };
    assert_eq!((&limit()["value"], &limit()["origin"]), (&11.into(), &"trunk".into()));
    // What the file says meanwhile does not count.
    place.write(&bigger.replace("kind = \"itsp\"", "kind = \"itps\""));
    daemon.signal("HUP");
    daemon.line("not reloaded");
    let status = place.json(&["status"]);
    assert_eq!(status["revision"], 2);
    assert_eq!(limit()["value"], 11);
    assert_eq!(place.tronco(&["config", "effective", "nobody"]).code, 1);
    assert!(status["troubles"][0].as_str().unwrap().contains("the last reload failed"), "{status}");
    assert!(get(&place, "/v1/metrics").contains("tronco_config_last_apply_success 0"));
    place.write(&bigger.replace("5060\"]\nrtp = \"2", "5070\"]\nrtp = \"2"));
    daemon.signal("HUP");
    daemon.line("a restart is needed");
    daemon.line("not reloaded");
    place.write(&bigger);
    daemon.signal("HUP");
    daemon.line("reloaded");
    assert_eq!(place.json(&["status"])["troubles"], Value::Array(Vec::new()));
}

#[test]
fn the_socket_belongs_to_one_daemon_and_survives_a_kill() {
    let place = Place::new("socket");
    let mut first = Running::daemon(&place, &place.text());
    let mode = std::fs::metadata(place.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let config = place.path("tronco.toml").display().to_string();
    let mut second = Running::launch(common::command(&["run", "--config", &config]));
    second.line("another tronco is running here");
    assert_eq!(second.end(), 1);
    assert_eq!(place.tronco(&["status"]).code, 0, "the first is untouched");
    first.signal("KILL");
    first.end();
    assert!(std::path::Path::new(&place.socket()).exists(), "stale");
    assert_eq!(place.tronco(&["status"]).code, 69);
    let third = Running::daemon(&place, &place.text());
    assert_eq!(place.tronco(&["status"]).code, 0);
    assert_eq!(third.stop(), 0);
    assert!(!std::path::Path::new(&place.socket()).exists());
}

#[test]
fn without_records_everything_else_works() {
    let place = Place::new("norecords");
    let data = place.path("data").display().to_string();
    let daemon = Running::daemon(&place, &place.text().replace(&data, "off"));
    let _callee = Callee::at(&place.itsp());
    let mut caller = Caller::at(&place.pbx(), &place.inside());
    assert_eq!(caller.call(WORLD), 200);
    assert_eq!(place.json(&["status"])["records"], Value::Null);
    let said = place.tronco(&["cdr", "query"]);
    assert!(said.code == 1 && said.error.contains("records.path"), "{}", said.error);
    let key = place.json(&["call", "list"])["calls"][0]["key"].as_str().unwrap().to_owned();
    assert_eq!(place.tronco(&["call", "hangup", &key]).code, 0);
    caller.await_bye();
    assert_eq!(daemon.stop(), 0);
    assert!(!place.path("data").exists());
}

#[test]
fn the_journal_reaches_the_disk_as_often_as_the_configuration_says() {
    let place = Place::new("sync");
    for (sync, synced) in [("\"100ms\"", true), ("0", false)] {
        let text = place.text().replace("[records]", &format!("[records]\nsync = {sync}"));
        let daemon = Running::daemon(&place, &text);
        let _callee = Callee::at(&place.itsp());
        let mut caller = Caller::at(&place.pbx(), &place.inside());
        assert_eq!(caller.call(WORLD), 200);
        let began = std::time::Instant::now();
        let syncs = || place.json(&["status"])["records"]["syncs"].as_u64().unwrap();
        while synced && syncs() == 0 {
            assert!(began.elapsed() < PATIENCE, "nothing was synced");
        }
        assert_eq!(syncs() > 0, synced);
        let key = place.json(&["call", "list"])["calls"][0]["key"].as_str().unwrap().to_owned();
        assert_eq!(place.tronco(&["call", "hangup", &key]).code, 0);
        caller.await_bye();
        assert_eq!(daemon.stop(), 0);
    }
}

#[test]
fn bad_requests_are_refused_cleanly() {
    let place = Place::new("bad");
    let _daemon = Running::daemon(&place, &place.text());
    let cases = [
        ("GET /v1/nope HTTP/1.1\r\n", "404", "no-such-endpoint"),
        ("PUT /v1/trunks HTTP/1.1\r\n", "405", "wrong-method"),
        ("GET /v1/records?colour=red HTTP/1.1\r\n", "400", "bad-query"),
        ("GET /v1/records?since=soon HTTP/1.1\r\n", "400", "bad-query"),
        ("GET /v1/calls/zz HTTP/1.1\r\n", "400", "bad-key"),
        ("GET /v1/trunks/a%20b HTTP/1.1\r\n", "404", "no-such-trunk"),
        ("POST /v1/trunks/pbx/enable HTTP/1.1\r\nContent-Length: 5\r\n", "413", "body-refused"),
    ];
    for (head, status, reason) in cases {
        let answer = raw(&place, &format!("{head}Host: x\r\nConnection: close\r\n\r\n"));
        let first = answer.lines().next().unwrap_or_default();
        assert!(
            first.contains(status) && answer.contains(&format!("\"reason\":\"{reason}\"")),
            "{head}: {answer}"
        );
    }
    let long = format!("GET /v1/status HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    let mut stream = UnixStream::connect(place.socket()).unwrap();
    let _ = stream.write_all(long.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[test]
fn one_connection_too_many_is_told_so() {
    let place = Place::new("many");
    let _daemon = Running::daemon(&place, &place.text());
    let held: Vec<UnixStream> = (0..64).map(|_| UnixStream::connect(place.socket()).unwrap()).collect();
    let said = place.tronco(&["status"]);
    assert!(said.code == 1 && said.error.contains("too many connections"), "{} {}", said.code, said.error);
    drop(held);
    // The server sees the ends one after the other.
    while place.tronco(&["status"]).code != 0 {}
}
