//! Users of a trunk at the command line: what a call of theirs would do, and what they may.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Place, tronco};

#[test]
fn a_users_call_is_tested_and_its_rights_are_shown() {
    let place = Place::new("users");
    let config = r#"version = 1
country = "DE"
[listen.inside]
address = "127.0.0.1"
sip = ["udp:5999"]
rtp = "20000-20099"
[policy.lobby]
usages = ["house"]
[policy.staff]
usages = ["world"]
[group.sales]
policy = "staff"
[site.berlin]
subnets = ["10.9.0.0/16"]
policy = "lobby"
[trunk.phones]
kind = "direct"
listen = "inside"
sources = ["10.0.0.0/8"]
registrar = {}
[[trunk.phones.users]]
username = "anna"
password = { env = "NOBODY" }
numbers = "+493023125100"
group = "sales"
[[trunk.phones.users]]
username = "ben"
password = { env = "NOBODY" }
[trunk.one]
kind = "itsp"
listen = "inside"
gateways = ["192.0.2.7", "192.0.2.8"]
hunt = "parallel"
[[route]]
name = "world"
match = { called = "+*", on = "phones" }
usages = ["world"]
to = "one"
[[route]]
name = "house"
match = { called = "+49301*" }
usages = ["house"]
to = "one"
"#;
    let path = place.write(config);
    let ask = |more: &[&str]| {
        let call = ["route", "test", "--config", &path, "--on", "phones", "--to", "+14255550100"];
        tronco(&[&call[..], more].concat())
    };
    let anna = ask(&["--user", "anna", "--source", "10.9.0.7"]);
    assert_eq!(anna.code, 0, "{}", anna.text);
    for told in [
        "the caller is user anna of group sales at site berlin",
        "the caller is under policy staff",
        "user anna may call as \"+493023125100\"",
        "2 gateways ring at once: 192.0.2.7 of one, 192.0.2.8 of one",
        "in the record: route world; 2 gateways at once",
        "From: <sip:+493023125100@127.0.0.1>",
        ", one of 2 at once",
    ] {
        assert!(anna.text.contains(told), "{told}\n{}", anna.text);
    }
    let ben = ask(&["--user", "ben", "--source", "10.9.0.7"]);
    assert!(ben.code == 3 && ben.text.contains("R-POLICY"), "the site's policy: {}", ben.text);
    let wrong = ask(&["--user", "anna", "--from", "+493023125199"]);
    assert!(wrong.code == 3 && wrong.text.contains("A-IDENTITY"), "{}", wrong.text);
    assert!(ask(&[]).text.contains("trunk phones asks callers for a password"), "{}", ask(&[]).text);
    assert_eq!((ask(&["--user", "dora"]).code, ask(&["--source", "here"]).code), (64, 64));
    let shown = tronco(&["config", "effective", "phones", "--user", "anna", "--config", &path]);
    assert!(
        shown.text.lines().any(|line| line.starts_with("policy ") && line.contains("group sales")),
        "{}",
        shown.text
    );
    assert_eq!(tronco(&["config", "effective", "phones", "--user", "dora", "--config", &path]).code, 64);
}
