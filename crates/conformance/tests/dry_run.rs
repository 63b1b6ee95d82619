//! `tronco route test` against what happens: the INVITE that it prints is the one that SIPp receives, from the
//! running node and from its file, and what it supposes of time and trunks decides.

#![allow(clippy::panic, reason = "an answer that is no JSON fails the test")]

use conformance::config::{INSIDE, ITSP, ITSP_2, PBX, Setup};
use conformance::server::tronco;
use conformance::{Place, Server, Sipp};
use serde_json::Value;

const WORLD: &str = "+441632960001";

/// Asks for a call from the IP-PBX, at the running node or of the file.
fn ask(place: &Place, live: bool, more: &[&str]) -> Value {
    let (socket, file) = (place.path("tronco.sock"), place.path("tronco.toml"));
    let (socket, file) = (socket.display().to_string(), file.display().to_string());
    let from: [&str; 2] = if live { ["--socket", &socket] } else { ["--config", &file] };
    let call = ["route", "test", "--json", "--on", "pbx", "--from", "+493023125100", "--to", WORLD];
    let said = tronco(&[&call[..], &from[..], more].concat());
    let text = String::from_utf8_lossy(&said.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&said.stderr)))
}

fn trunks(test: &Value) -> Vec<&str> {
    let attempts = test["attempts"].as_array().expect("attempts");
    attempts.iter().map(|attempt| attempt["trunk"].as_str().expect("a name")).collect()
}

/// A message without the values that it says are drawn anew.
fn known(message: &str, drawn: &[&str]) -> String {
    let mut text = message.replace("\r\n", "\n").trim().to_owned();
    for value in drawn {
        text = text.replace(value, "*");
    }
    // The length follows from how many digits were drawn.
    let lines = text.lines().map(|l| if l.starts_with("Content-Length: ") { "Content-Length: *" } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

/// What in an INVITE that arrived is drawn: by the names of its headers, not by what was printed.
fn drawn(message: &str) -> Vec<&str> {
    let behind = |mark: &'static str| message.lines().find_map(|l| l.split_once(mark)).map(|(_, v)| v.trim());
    let word = |mark: &str| message.lines().find(|l| l.starts_with(mark)).and_then(|l| l.split(' ').nth(1));
    let found = [behind("branch="), behind(";tag="), word("Call-ID: "), word("o="), word("m=audio ")];
    found.into_iter().flatten().map(|value| value.split([';', '>', ',']).next().unwrap_or(value)).collect()
}

fn compare(name: &str, itsp_more: &str) {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    setup.itsp_more = itsp_more.into();
    let server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas_refuses_486", &place.sip(ITSP)).keep_messages().answer();
    let caller = Sipp::new(&place, "caller", "uac_dry_run", &place.sip(PBX)).from("+493023125100");
    let tests = [ask(&place, true, &[]), ask(&place, false, &[])];
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let received = callee.received();
    let invites: Vec<&String> = received.iter().filter(|m| m.starts_with("INVITE ")).collect();
    let invite = invites.first().expect("an INVITE");
    let branches =
        |m: &str| m.lines().filter(|l| l.contains("branch=")).map(str::to_owned).collect::<Vec<_>>();
    assert!(invites.iter().all(|m| branches(m) == branches(invite)), "a dry run sends nothing: {invites:#?}");
    for test in tests {
        let told = &test["attempts"][0]["messages"][0];
        assert_eq!(told["address"], place.sip(ITSP).as_str());
        assert_eq!(told["stand_in"], false);
        let anew: Vec<&str> =
            told["drawn"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let message = told["message"].as_str().expect("a message");
        assert_eq!(known(message, &anew), known(invite, &drawn(invite)));
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_invite_that_a_dry_run_prints_is_the_one_that_leaves() {
    compare("dry", "");
}

#[test]
fn a_dry_run_heeds_the_policies_of_the_trunk() {
    compare(
        "dry-odd",
        "domain = \"sip.provider.example\"\n\
         translate = { called_out = [{ match = '^\\+(\\d*)$', to = \"00$1\" }] }\n\
         override = { user_phone = true, hold = \"inactive\", update = \"off\", user_agent = \"Exchange\", \
         session_timer = { expires = \"1800s\" }, caller = { write = [\"from\", \"pai\"] }, \
         header_rules_out = [{ on = [\"INVITE\"], do = \"set\", header = \"X-Way\", value = \"world\" }] }\n",
    );
}

#[test]
fn a_dry_run_supposes_a_time_and_trunks_that_are_down() {
    let place = Place::new("dry-what-if");
    let mut setup = Setup::new(&place);
    setup.more = format!(
        "[trunk.second]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"{}\"]\noptions_interval = 0\n\
         [[route]]\nname = \"office\"\npriority = 1\nmatch = {{ called = \"+44*\" }}\n\
         when = {{ zone = \"Europe/Berlin\", days = \"mon-fri\", from = \"08:00\", to = \"18:00\" }}\n\
         to = [\"second\", \"itsp\"]\n",
        place.sip(ITSP_2)
    );
    let server = Server::start(&place, &setup.text());
    for live in [true, false] {
        let noon = ["--at", "2026-03-04T12:00:00+01:00"];
        let test = ask(&place, live, &noon);
        assert_eq!((test["route"].as_str(), trunks(&test)), (Some("office"), vec!["second", "itsp"]));
        let night = ask(&place, live, &["--at", "2026-03-04T22:00:00+01:00"]);
        assert_eq!((night["route"].as_str(), trunks(&night)), (Some("world"), vec!["itsp"]));
        let test = ask(&place, live, &[&noon[..], &["--down", "second"]].concat());
        assert_eq!(trunks(&test), ["itsp", "second"], "tried last");
        assert_eq!(test["attempts"][1]["demoted"], true);
        let both = ask(&place, live, &[&noon[..], &["--down", "second", "--down", "itsp"]].concat());
        assert_eq!(trunks(&both), ["second", "itsp"], "never left out");
        let addresses: Vec<&Value> =
            [0, 1].iter().map(|at| &both["attempts"][at]["messages"][0]["address"]).collect();
        assert_eq!(addresses, [place.sip(ITSP_2).as_str(), place.sip(ITSP).as_str()]);
    }
    let said = tronco(&[
        "route",
        "test",
        "--config",
        &place.path("tronco.toml").display().to_string(),
        "--on",
        "pbx",
        "--to",
        WORLD,
        "--at",
        "noon",
    ]);
    assert_eq!(said.status.code(), Some(64));
    assert_eq!(server.stop(), 0);
}

#[test]
fn rates_are_read_beside_the_configuration_and_order_the_trunks() {
    let place = Place::new("dry-rates");
    let mut setup = Setup::new(&place);
    setup.more = format!(
        "[trunk.second]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"{}\"]\noptions_interval = 0\n\
         [rates.all]\nfile = \"rates.csv\"\ncurrency = \"EUR\"\n\
         [[route]]\nname = \"cheap\"\npriority = 1\nto = [[\"itsp\", \"second\"]]\norder = \"cost\"\n",
        place.sip(ITSP_2)
    );
    place.write("rates.csv", "prefix,trunk,price\n44,itsp,0.02\n441632,second,0.01\n");
    let server = Server::start(&place, &setup.text());
    for live in [true, false] {
        let test = ask(&place, live, &[]);
        assert_eq!(trunks(&test), ["second", "itsp"]);
        assert_eq!(test["attempts"][0]["price"]["call"], "0.03");
    }
    // A reload reads them again; a fault keeps the old ones.
    place.write("rates.csv", "prefix,trunk,price\n44,itsp,0.005\n441632,second,0.01\n");
    let from = server.reload(&setup.text());
    server.process().line_after(from, "reloaded");
    assert_eq!(trunks(&ask(&place, true, &[])), ["itsp", "second"]);
    place.write("rates.csv", "prefix,trunk,price\n44,itsp,cheap\n");
    let from = server.reload(&setup.text());
    server.process().line_after(from, "rates.csv:2:9: error: `cheap` is no price");
    assert_eq!(trunks(&ask(&place, true, &[])), ["itsp", "second"]);
    let said = tronco(&["check", "--config", &place.path("tronco.toml").display().to_string()]);
    assert_eq!(said.status.code(), Some(78), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(server.stop(), 0);
}
