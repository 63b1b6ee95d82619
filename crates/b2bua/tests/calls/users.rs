//! Trunks whose users prove a password and register with us, as sentences.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, invite, response};
use b2bua::view::GatewayView;
use b2bua::{Command, Input};
use base::{ListenId, Transport};
use sip_core::digest::{Asker, Challenge, Credentials, Session};
use sip_core::{ConnId, Flow};
use std::time::Duration;

pub(crate) const PHONE: &str = "10.9.0.1:5062";
pub(crate) const OTHER: &str = "10.9.0.2:5060";

/// The trunk `phones` with two users.
pub(crate) fn config(more: &str) -> String {
    let phones = format!(
        r#"
[trunk.phones]
kind = "direct"
listen = "inside"
sources = ["10.9.0.0/16"]
options_interval = "0s"
registrar = {{ contacts_max = 2 }}
users = [
  {{ username = "100", password = "geheim", numbers = "+493023125100" }},
  {{ username = "101", password = "streng", numbers = ["+493023125101", "+493023125110..+493023125119"] }},
]
{more}
[[numbers]]
range = "+493023125100..+493023125199"
deliver = ["phones"]
"#
    );
    CONFIG
        .replace("+493023125000..", "+493023125200..")
        .replace("[[numbers]]", &format!("{phones}[[numbers]]"))
}

/// A request of a phone outside any call.
pub(crate) fn request(method: &str, to: &str, cseq: u32, from: &str, rows: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let id = format!("{method}-{from}");
    format!(
        "{method} {to} SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.9:5060;rport;branch=z9hG4bK{id}{cseq}\r\nMax-Forwards: 70\r\nFrom: <{from}>;tag=f\r\nTo: <{}>\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n{rows}{kind}Content-Length: {}\r\n\r\n{body}",
        if method == "REGISTER" { from } else { to },
        body.len()
    )
}

/// The row that answers the challenge of a response, its `nth`.
pub(crate) fn credentials(
    asked: &Sent,
    nth: usize,
    user: &str,
    password: &str,
    method: &str,
    uri: &str,
) -> String {
    let rows = asked.text.split("\r\n").filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
    let row = rows.clone().nth(nth).expect("a challenge");
    let challenge = Challenge::parse(Asker::Server, row.as_bytes()).expect("one that can be answered");
    let mut out = Vec::new();
    let who = Credentials { username: user, password };
    Session::new(challenge, (7, 7)).answer(&who, method.as_bytes(), uri.as_bytes(), b"", &mut out);
    String::from_utf8(out).expect("text")
}

const REGISTRAR: &str = "sip:10.0.0.5";

pub(crate) fn contact(user: &str) -> String {
    format!("Contact: <sip:{user}@192.168.1.9:5060>\r\n")
}

/// Registers a user from an address; gives the answer to the second REGISTER.
pub(crate) fn register(
    world: &mut World,
    from: &str,
    user: &str,
    password: &str,
    cseq: u32,
    rows: &str,
) -> Sent {
    let aor = format!("sip:{user}@10.0.0.5");
    world.receive(from, &request("REGISTER", REGISTRAR, cseq, &aor, rows, ""));
    let asked = world.expect(&[(from, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, user, password, "REGISTER", REGISTRAR);
    world.receive(from, &request("REGISTER", REGISTRAR, cseq + 1, &aor, &format!("{row}{rows}"), ""));
    world.take()[0].clone()
}

fn gateway(world: &World, at: usize) -> GatewayView {
    let trunks = world.board.trunks(world.now);
    trunks.iter().find(|t| &*t.name == "phones").expect("the trunk").gateways[at].clone()
}

fn counter(world: &World, name: &str) -> u64 {
    world.board.status().counters.iter().find(|c| c.0 == name).expect("the counter").1
}

#[test]
fn a_phone_registers_and_is_called_where_it_came_from() {
    let mut world = World::new(&config(""));
    assert_eq!(gateway(&world, 0).state, "unregistered");
    let ok = register(&mut world, PHONE, "100", "geheim", 1, &contact("x100"));
    assert!(ok.start().starts_with("SIP/2.0 200"), "{}", ok.text);
    assert_eq!(ok.header("Contact"), "<sip:x100@192.168.1.9:5060>;expires=600");
    let seen = gateway(&world, 0);
    assert_eq!((&*seen.name, seen.state, seen.targets.len()), ("100", "unknown", 1));
    assert_eq!(seen.bindings[0].source.to_string(), PHONE);
    assert_eq!(gateway(&world, 1).state, "unregistered");

    world.receive(GW1, &invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    let sent = world.expect(&[(PHONE, "INVITE sip:x100@192.168.1.9:5060 SIP/2.0")]);
    assert_eq!(sent[0].header("To"), "<sip:+493023125100@10.0.0.5>");
    world.receive(PHONE, &response(&sent[0], "200 OK", "tb", "", ANSWER));
    // Its Contact is behind NAT; requests inside the call go where it is.
    world.expect(&[(PHONE, "ACK"), (GW1, "SIP/2.0 200")]);

    world.pass(Duration::from_secs(601));
    assert_eq!(gateway(&world, 0).state, "unregistered");
    world.take();
    let again = invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7").replace("call-a", "b");
    world.receive(GW1, &again.replace("a1", "b1"));
    world.expect(&[(GW1, "SIP/2.0 480")]);
    assert_eq!(world.records.last().expect("a record").reason.id(), "R-NOT-REGISTERED");
    world.receive(
        GW1,
        &again.replace("a1", "c1").replace("125100", "125199").replace("Call-ID: b", "Call-ID: c"),
    );
    world.expect(&[(GW1, "SIP/2.0 404")]);
    assert_eq!(world.records.last().expect("a record").reason.id(), "R-NO-USER");
}

#[test]
fn a_phone_asserts_no_number_of_another_and_takes_no_legs_place_with_one() {
    let to = "sip:+4420700000@10.0.0.5";
    let other = "<sip:+493023125100@x>";
    for more in [
        format!("P-Asserted-Identity: {other}\r\n"),
        format!("P-Preferred-Identity: {other}\r\n"),
        format!("Remote-Party-ID: {other};party=calling;screen=yes\r\n"),
    ] {
        let mut world = World::new(&config("override = { identity = \"pass\" }"));
        let from = "sip:+493023125115@10.0.0.5";
        let rows = format!("Contact: <sip:x@192.168.1.9>\r\n{more}");
        world.receive(PHONE, &request("INVITE", to, 1, from, &rows, OFFER));
        let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
        world.receive(PHONE, &ack(&asked, to, 1));
        let row = credentials(&asked, 1, "101", "streng", "INVITE", to);
        world.receive(PHONE, &request("INVITE", to, 2, from, &format!("{row}{rows}"), OFFER));
        world.expect(&[(PHONE, "SIP/2.0 403")]);
        assert_eq!(world.records[0].reason.id(), "A-IDENTITY", "{more}");
    }
    let mut world = World::new(&config("override = { replaces = \"own\" }"));
    let from = "sip:+493023125100@10.0.0.5";
    let rows = "Contact: <sip:x@192.168.1.9>\r\nReplaces: a;to-tag=b;from-tag=c\r\n";
    world.receive(PHONE, &request("INVITE", to, 1, from, rows, OFFER));
    let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    world.receive(PHONE, &ack(&asked, to, 1));
    let row = credentials(&asked, 1, "101", "streng", "INVITE", to);
    world.receive(PHONE, &request("INVITE", to, 2, from, &format!("{row}{rows}"), OFFER));
    world.expect(&[(PHONE, "SIP/2.0 403")]);
    assert_eq!(world.records[0].reason.id(), "A-IDENTITY");
}

#[test]
fn a_contact_becomes_a_request_uri_without_headers_and_each_is_reached_at_its_own_address() {
    let mut world =
        World::new(&config("").replace("contacts_max = 2", "contacts_max = 2, reach = \"contact\""));
    let rows = "Contact: <sip:a@10.9.0.7;method=BYE?Replaces=x>;q=0.9, <sip:b@10.9.0.8>;q=0.5\r\n";
    register(&mut world, PHONE, "100", "geheim", 1, rows);
    world.receive(GW1, &invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    let sent = world.expect(&[("10.9.0.7:5060", "INVITE sip:a@10.9.0.7 SIP/2.0")]);
    world.receive("10.9.0.7:5060", &response(&sent[0], "503 Busy", "t", "", ""));
    let ack = "ACK sip:a@10.9.0.7 SIP/2.0";
    world.expect(&[("10.9.0.7:5060", ack), ("10.9.0.8:5060", "INVITE sip:b@10.9.0.8 SIP/2.0")]);
}

pub(crate) fn ack(answer: &Sent, uri: &str, cseq: u32) -> String {
    format!(
        "ACK {uri} SIP/2.0\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} ACK\r\nContent-Length: 0\r\n\r\n",
        answer.header("Via").split(";received").next().unwrap_or_default(),
        answer.header("From"),
        answer.header("To"),
        answer.header("Call-ID"),
    )
}

#[test]
fn an_unknown_user_and_a_wrong_password_hear_the_same_until_they_are_locked_out() {
    let mut world = World::new(&config("authenticate = { lock_after = 3, lock_for = \"60s\" }"));
    let mut shapes = Vec::new();
    for (at, (user, password)) in [("100", "falsch"), ("999", "geheim"), ("100", "Geheim")].iter().enumerate()
    {
        let answer = register(&mut world, PHONE, user, password, 10 * (at as u32 + 1), &contact("x"));
        assert!(
            answer.start().starts_with("SIP/2.0 401") && !answer.text.contains("stale"),
            "{}",
            answer.text
        );
        let names: Vec<String> =
            answer.text.lines().map(|l| l.split(':').next().unwrap_or_default().to_owned()).collect();
        shapes.push(names);
    }
    assert!(shapes.windows(2).all(|two| two[0] == two[1]), "{shapes:?}");
    assert_eq!(counter(&world, "auth_failed"), 3);
    let again = request("REGISTER", REGISTRAR, 50, "sip:100@10.0.0.5", &contact("x"), "");
    world.receive(PHONE, &again);
    let locked = world.expect(&[(PHONE, "SIP/2.0 503")])[0].clone();
    assert_eq!(locked.header("Retry-After"), "61");
    // Others go on, and so does it after a while.
    assert!(
        register(&mut world, OTHER, "101", "streng", 1, &contact("y")).start().starts_with("SIP/2.0 200")
    );
    world.pass(Duration::from_secs(61));
    world.take();
    assert!(
        register(&mut world, PHONE, "100", "geheim", 60, &contact("x")).start().starts_with("SIP/2.0 200")
    );
}

#[test]
fn credentials_serve_once_and_an_old_nonce_is_stale() {
    let mut world = World::new(&config(
        "authenticate = { nonce_life = \"30s\", algorithms = [\"md5\"], qop = [\"auth\", \"auth-int\"], realm = \"büro\" }",
    ));
    let aor = "sip:100@10.0.0.5";
    world.receive(PHONE, &request("REGISTER", REGISTRAR, 1, aor, &contact("x"), ""));
    let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    let offered = asked.header("WWW-Authenticate");
    assert!(offered.contains("realm=\"büro\"") && offered.contains("qop=\"auth,auth-int\""), "{offered}");
    assert_eq!(asked.text.matches("WWW-Authenticate").count(), 1);
    let row = credentials(&asked, 0, "100", "geheim", "REGISTER", REGISTRAR);
    let with = |cseq| request("REGISTER", REGISTRAR, cseq, aor, &format!("{row}{}", contact("x")), "");
    world.receive(PHONE, &with(2));
    world.expect(&[(PHONE, "SIP/2.0 200")]);
    world.receive(OTHER, &with(3));
    let replayed = world.expect(&[(OTHER, "SIP/2.0 401")])[0].clone();
    assert!(replayed.header("WWW-Authenticate").ends_with("stale=true"), "{}", replayed.text);
    assert_eq!((counter(&world, "auth_failed"), counter(&world, "auth_stale")), (0, 1));
    world.receive(PHONE, &request("OPTIONS", REGISTRAR, 1, aor, "", ""));
    let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, "100", "geheim", "OPTIONS", REGISTRAR);
    world.pass(Duration::from_secs(31));
    world.take();
    world.receive(PHONE, &request("OPTIONS", REGISTRAR, 2, aor, &row, ""));
    let stale = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    let row = credentials(&stale, 0, "100", "geheim", "OPTIONS", REGISTRAR);
    world.receive(PHONE, &request("OPTIONS", REGISTRAR, 3, aor, &row, ""));
    world.expect(&[(PHONE, "SIP/2.0 200")]);
}

#[test]
fn nobody_registers_the_address_of_another() {
    let mut world = World::new(&config(""));
    world.receive(PHONE, &request("REGISTER", REGISTRAR, 1, "sip:101@10.0.0.5", &contact("x"), ""));
    let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, "100", "geheim", "REGISTER", REGISTRAR);
    let again = request("REGISTER", REGISTRAR, 2, "sip:101@10.0.0.5", &format!("{row}{}", contact("x")), "");
    world.receive(PHONE, &again);
    world.expect(&[(PHONE, "SIP/2.0 403")]);
    let brief = register(&mut world, PHONE, "100", "geheim", 1, "Contact: <sip:x@h>;expires=30\r\n");
    assert_eq!((brief.start(), brief.header("Min-Expires")), ("SIP/2.0 423 Interval Too Brief", "60"));
    let odd = register(&mut world, PHONE, "100", "geheim", 5, "Require: magic\r\n");
    assert_eq!((odd.start(), odd.header("Unsupported")), ("SIP/2.0 420 Bad Extension", "magic"));
    assert_eq!(gateway(&world, 0).state, "unregistered");
    assert_eq!(counter(&world, "registrations_refused"), 3);
}

#[test]
fn several_phones_of_a_user_are_tried_by_their_preference() {
    let mut world = World::new(&config(""));
    register(&mut world, PHONE, "100", "geheim", 1, "Contact: <sip:a@192.168.1.9>;q=0.2\r\n");
    let ok = register(&mut world, OTHER, "100", "geheim", 11, "Contact: <sip:b@192.168.1.9>\r\n");
    assert_eq!(ok.text.matches("Contact: ").count(), 2);
    world.receive(GW1, &invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    let sent = world.expect(&[(OTHER, "INVITE sip:b@192.168.1.9")]);
    world.receive(OTHER, &response(&sent[0], "503 Service Unavailable", "x", "", ""));
    world.expect(&[(OTHER, "ACK"), (PHONE, "INVITE sip:a@192.168.1.9")]);
    // All of them go at once.
    register(&mut world, PHONE, "100", "geheim", 21, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!(gateway(&world, 0).state, "unregistered");
}

#[test]
fn a_pbx_registers_all_its_numbers_and_is_called_by_number() {
    let pbx = config("").replace("numbers = \"+493023125100\"", "numbers = \"+493023125100..+493023125109\"");
    let mut world = World::new(&pbx);
    let bulk = "Require: gin\r\nProxy-Require: gin\r\nPath: <sip:edge.example;lr>\r\nSupported: path\r\nContact: <sip:192.168.1.9:5070;bnc>\r\n";
    let ok = register(&mut world, PHONE, "100", "geheim", 1, bulk);
    assert!(ok.start().starts_with("SIP/2.0 200"), "{}", ok.text);
    assert_eq!(ok.header("Path"), "<sip:edge.example;lr>");
    world.receive(GW1, &invite("+493023125107", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    let sent = world.expect(&[(PHONE, "INVITE sip:+493023125107@192.168.1.9:5070 SIP/2.0")]);
    assert_eq!(sent[0].header("Route"), "<sip:edge.example;lr>");
}

#[test]
fn a_flow_ends_with_its_connection() {
    let mut world = World::new(&config(""));
    let flow = Flow {
        listen: ListenId(0),
        transport: Transport::Tcp,
        remote: PHONE.parse().expect("an address"),
        conn: Some(ConnId(7)),
        trunk: None,
    };
    let rows = "Supported: path, outbound\r\nContact: <sip:x@192.168.1.9:5060;transport=tcp>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\r\n";
    let aor = "sip:100@10.0.0.5";
    world.message(flow, &request("REGISTER", REGISTRAR, 1, aor, rows, ""));
    let asked = world.take()[0].clone();
    let row = credentials(&asked, 0, "100", "geheim", "REGISTER", REGISTRAR);
    world.message(flow, &request("REGISTER", REGISTRAR, 2, aor, &format!("{row}{rows}"), ""));
    let ok = world.take()[0].clone();
    assert_eq!((ok.header("Require"), ok.header("Flow-Timer")), ("outbound", "120"), "{}", ok.text);
    world.receive(GW1, &invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    let sent = world.take()[0].clone();
    assert_eq!(
        (sent.conn, sent.start()),
        (Some(ConnId(7)), "INVITE sip:x@192.168.1.9:5060;transport=tcp SIP/2.0")
    );
    world.input(Input::Closed(ConnId(8)));
    assert_eq!(gateway(&world, 0).bindings[0].flow, Some(1));
    world.input(Input::Closed(ConnId(7)));
    assert_eq!(gateway(&world, 0).state, "unregistered");
}

#[test]
fn requests_inside_a_call_prove_their_user_where_that_is_asked() {
    let strict = CONFIG.replacen(
        "gateways = [\"10.0.0.21\"]",
        "gateways = [\"10.0.0.21\"]\nusers = [{ username = \"pbx\", password = \"geheim\" }]\nauthenticate = { requests = [\"inside\"] }",
        1,
    );
    let mut world = World::new(&strict);
    let (out, ok) = crate::common::answered(&mut world);
    let bye = |cseq: u32, rows: &str| {
        crate::common::inside("BYE", cseq, ok.header("To"), &format!("bye{cseq}"), rows, "")
    };
    world.receive(PBX, &bye(2, ""));
    let asked = world.expect(&[(PBX, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, "pbx", "geheim", "BYE", "sip:10.0.0.5:5060");
    world.receive(PBX, &bye(3, &row));
    world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    assert!(out.start().starts_with("INVITE"));
}

#[test]
fn two_trunks_behind_the_same_networks_are_told_apart_by_their_users() {
    let second = "[trunk.branch]\nkind = \"direct\"\nlisten = \"inside\"\nsources = [\"10.9.0.0/16\"]\nregistrar = {}\nusers = [{ username = \"200\", password = \"drei\" }]\n";
    let both = config("").replace("[trunk.one]", &format!("{second}[trunk.one]"));
    let mut world = World::new(&both);
    assert!(register(&mut world, PHONE, "200", "drei", 1, &contact("x")).start().starts_with("SIP/2.0 200"));
    assert!(
        register(&mut world, OTHER, "100", "geheim", 1, &contact("x")).start().starts_with("SIP/2.0 200")
    );
}

#[test]
fn what_was_registered_over_udp_outlives_the_process() {
    let mut world = World::new(&config(""));
    register(&mut world, PHONE, "100", "geheim", 1, &contact("x100"));
    let kept = world.board.kept_bindings();
    assert_eq!((kept.len(), &*kept[0].user, &*kept[0].contact), (1, "100", "sip:x100@192.168.1.9:5060"));
    let mut old = kept[0].clone();
    (old.user, old.until) = ("101".into(), 1);
    let mut gone = kept[0].clone();
    gone.user = "102".into();
    let mut next = World::new(&config(""));
    next.command(Command::Restore(vec![old, gone, kept[0].clone()]));
    assert_eq!((gateway(&next, 0).state, gateway(&next, 1).state), ("unknown", "unregistered"));
    next.receive(GW1, &invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    next.expect(&[(PHONE, "INVITE sip:x100@192.168.1.9:5060 SIP/2.0")]);
    next.pass(Duration::from_secs(601));
    assert_eq!(gateway(&next, 0).state, "unregistered");
}
