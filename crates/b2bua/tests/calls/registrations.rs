//! Trunks that register at a provider, as sentences.

use crate::common::{ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, inside, invite, response};
use b2bua::view::RegistrationView;
use b2bua::{Command, Input};
use base::{ListenId, Transport};
use sip_core::digest::{Answer, Password};
use sip_core::{ConnId, Flow};
use std::time::Duration;

pub(crate) const ACCOUNT: &str = "account = \"+4930231250@tel.example\"\nusername = \"acme\"\npassword = \"geheim\"\ndomain = \"tel.example\"\n";

pub(crate) fn config(more: &str) -> String {
    CONFIG.replace("[trunk.one]", &format!("[trunk.one]\n{ACCOUNT}{more}"))
}

/// The REGISTER that left, the only message.
pub(crate) fn register(world: &mut World, to: &str) -> Sent {
    world.expect(&[(to, "REGISTER sip:tel.example SIP/2.0")])[0].clone()
}

pub(crate) fn granted(request: &Sent, seconds: u32, rows: &str) -> String {
    let contact = request.header("Contact");
    response(request, "200 OK", "reg", &format!("X: y\r\nContact: {contact};expires={seconds}\r\n{rows}"), "")
        .replacen(&format!("Contact: <sip:bob@{}>\r\n", request.to), "", 1)
}

pub(crate) fn state(world: &World) -> RegistrationView {
    world.board.trunks(world.now)[1].registrations[0].clone()
}

/// A world whose account is registered for five minutes.
fn registered(more: &str, rows: &str) -> World {
    let mut world = World::new(&config(more));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    world.receive(GW1, &granted(&first, 300, rows));
    world.expect(&[]);
    assert_eq!(state(&world).state, "registered");
    world
}

#[test]
fn log_lines_tell_accounts_apart_and_no_whole_name() {
    let more = "register = {}\naccounts = [{ account = \"+4930231251@tel.example\", username = \"acme2\", password = \"x\" }]\n";
    let mut world = World::new(&config(more));
    world.pass(Duration::from_secs(2));
    for request in world.take() {
        world.receive(GW1, &response(&request, "403 Forbidden", "reg", "", ""));
    }
    let lines: Vec<&String> = world.notes.iter().filter(|line| line.starts_with("not registered")).collect();
    assert!(lines.len() >= 2, "{:?}", world.notes);
    for (line, account) in lines.iter().zip(["account 1 (…)", "account 2 (…)"]) {
        assert!(line.contains(account) && !line.contains("acme"), "{line}");
    }
}

#[test]
fn an_account_registers_answers_the_challenge_and_refreshes_in_time() {
    let mut world = World::new(&config("register = { contact_user = \"trunk1\" }"));
    assert!(world.board.trunks(world.now)[1].unregistered);
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    assert_eq!(first.header("To"), "<sip:+4930231250@tel.example>");
    assert!(first.header("From").starts_with("<sip:+4930231250@tel.example>;tag="));
    assert_eq!(first.header("Contact"), "<sip:trunk1@192.0.2.1:5060>");
    assert_eq!((first.header("Expires"), first.header("Supported")), ("600", "path"));
    let ask =
        "WWW-Authenticate: Digest realm=\"tel.example\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\n";
    world.receive(GW1, &response(&first, "401 Unauthorized", "reg", ask, ""));
    let second = register(&mut world, GW1);
    assert_eq!((second.header("Call-ID"), second.header("CSeq")), (first.header("Call-ID"), "2 REGISTER"));
    let answer = |sent: &Sent| {
        let answer = Answer::parse(sent.header("Authorization").as_bytes()).expect("credentials");
        assert!(answer.proves(Password("geheim"), b"REGISTER", b""));
        answer.qop.expect("qop").1
    };
    assert_eq!(answer(&second), 1);
    world.receive(GW1, &granted(&second, 300, ""));
    let now = state(&world);
    assert_eq!((now.state, now.last, now.trouble), ("registered", Some(200), None));
    assert!(now.expires.is_some_and(|left| left.as_secs() == 300));
    assert!(!world.board.trunks(world.now)[1].unregistered);
    world.pass(Duration::from_secs(209));
    world.expect(&[]);
    world.pass(Duration::from_secs(31));
    let refresh = world.take()[0].clone();
    assert_eq!((refresh.header("CSeq"), answer(&refresh)), ("3 REGISTER", 2), "credentials unasked");
    world.receive(GW1, &granted(&refresh, 300, ""));
    assert_eq!(state(&world).state, "registered");
}

#[test]
fn wrong_credentials_wait_an_hour() {
    let mut world = World::new(&config("register = {}"));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    let ask = |nonce: &str| format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"\r\n");
    world.receive(GW1, &response(&first, "401 Unauthorized", "reg", &ask("1"), ""));
    let second = register(&mut world, GW1);
    world.receive(GW1, &response(&second, "401 Unauthorized", "reg", &ask("2"), ""));
    world.expect(&[]);
    let now = state(&world);
    assert_eq!((now.state, now.trouble.map(|t| t.id())), ("forbidden", Some("P-CREDENTIALS")));
    world.pass(Duration::from_secs(3_590));
    world.expect(&[]);
    world.pass(Duration::from_secs(11));
    let third = world.take()[0].clone();
    world.receive(GW1, &response(&third, "403 Forbidden", "reg", "", ""));
    assert_eq!((state(&world).state, state(&world).last), ("forbidden", Some(403)));
    world.pass(Duration::from_secs(3_500));
    world.expect(&[]);
}

#[test]
fn the_registrars_other_address_is_tried_at_once_and_calls_may_be_pinned_to_it() {
    let two = config("register = { pin = true }")
        .replace("gateways = [\"192.0.2.7\"]", "gateways = [\"192.0.2.7\", \"192.0.2.9\"]");
    let mut world = World::new(&two);
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    world.receive(GW1, &response(&first, "503 Service Unavailable", "reg", "", ""));
    let second = register(&mut world, "192.0.2.9:5060");
    world.receive("192.0.2.9:5060", &granted(&second, 300, ""));
    assert_eq!(state(&world).registrar, Some("192.0.2.9:5060".parse().expect("address")));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[("192.0.2.9:5060", "INVITE")]);
    world.receive("192.0.2.9:5060", &response(&sent[0], "503 Service Unavailable", "x", "", ""));
    world.expect(&[("192.0.2.9:5060", "ACK"), (GW2, "INVITE")]);
}

#[test]
fn failures_back_off_and_the_trunk_is_tried_last_meanwhile() {
    let mut world = World::new(&config("register = {}"));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    world.receive(GW1, &response(&first, "500 Server Internal Error", "reg", "", ""));
    assert_eq!(state(&world).state, "waiting");
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW2, "INVITE")]);
    world.receive(GW2, &response(&sent[0], "503 Service Unavailable", "x", "", ""));
    let sent = world.expect(&[(GW2, "ACK"), (GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[1], "486 Busy Here", "x", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
    world.pass(Duration::from_secs(14));
    assert!(world.take().iter().all(|s| !s.start().starts_with("REGISTER")));
    world.pass(Duration::from_secs(17));
    let again = world.take();
    let again = again.iter().find(|s| s.start().starts_with("REGISTER")).expect("another try");
    world.receive(GW1, &response(again, "503 Service Unavailable", "reg", "Retry-After: 7\r\n", ""));
    let asked = |world: &mut World| world.take().iter().any(|s| s.start().starts_with("REGISTER"));
    world.pass(Duration::from_secs(6));
    assert!(!asked(&mut world));
    world.pass(Duration::from_secs(2));
    assert!(asked(&mut world));
}

#[test]
fn a_registrar_may_ask_for_longer_bindings() {
    let mut world = World::new(&config("register = { expires = \"60s\" }"));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    world.receive(GW1, &response(&first, "423 Interval Too Brief", "reg", "Min-Expires: 1800\r\n", ""));
    let second = register(&mut world, GW1);
    assert_eq!(second.header("Expires"), "1800");
}

#[test]
fn all_numbers_of_an_account_are_bound_at_once() {
    let mut world = World::new(&config("register = { mode = \"bulk\" }"));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    assert_eq!(first.header("Contact"), "<sip:192.0.2.1:5060;bnc>");
    assert_eq!((first.header("Require"), first.header("Proxy-Require")), ("gin", "gin"));
    world.receive(GW1, &granted(&first, 300, ""));
    assert_eq!(state(&world).state, "registered");
}

#[test]
fn calls_follow_the_service_route_of_the_registrar() {
    let routes = "Service-Route: <sip:orig@sr.example;lr>, <sip:strict.example>\r\n";
    let mut world = registered("register = {}\noutbound_proxy = \"192.0.2.7\"", routes);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@tel.example")]);
    let routes: Vec<&str> = sent[0].text.split("\r\n").filter(|l| l.starts_with("Route: ")).collect();
    assert_eq!(routes, ["Route: <sip:192.0.2.7;lr>", "Route: <sip:orig@sr.example;lr>"]);
    world.receive(GW1, &response(&sent[0], "486 Busy Here", "x", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
}

#[test]
fn a_drained_node_gives_its_bindings_up() {
    let mut world = registered("register = {}", "");
    world.command(Command::Drain);
    let last = register(&mut world, GW1);
    assert_eq!((last.header("Expires"), world.board.kept_calls()), ("0", 1));
    world.receive(GW1, &response(&last, "200 OK", "reg", "", ""));
    assert_eq!((state(&world).state, world.board.kept_calls()), ("idle", 0));
    world.settle();
}

#[test]
fn several_accounts_register_and_call_by_themselves() {
    let more = "register = {}\naccounts = [{ username = \"second\", password = \"auch\", numbers = \"+493023125100\" }]";
    let mut world = World::new(&config(more));
    world.pass(Duration::from_millis(499));
    let sent = world.take();
    let mut users: Vec<&str> = sent.iter().map(|s| s.header("To")).collect();
    users.sort_unstable();
    assert_eq!(users, ["<sip:+4930231250@tel.example>", "<sip:second@tel.example>"]);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.take();
    let out = sent.iter().find(|s| s.start().starts_with("INVITE") && s.to.to_string() != PBX).expect("call");
    assert_eq!(out.to.to_string(), GW2, "the first trunk is not registered yet");
    world.receive(GW2, &response(out, "503 Service Unavailable", "x", "", ""));
    let sent = world.take();
    let out = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("call").clone();
    let ask = "Proxy-Authenticate: Digest realm=\"tel.example\", nonce=\"n\"\r\n";
    world.receive(GW1, &response(&out, "407 Proxy Authentication Required", "x", ask, ""));
    let sent = world.take();
    let again = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("again");
    let answer = Answer::parse(again.header("Proxy-Authorization").as_bytes()).expect("credentials");
    assert_eq!(answer.username, b"second", "the caller's own account");
    assert!(answer.proves(Password("auch"), b"INVITE", again.body().as_bytes()));
}

#[test]
fn trunks_at_one_registrar_are_told_apart_by_the_contact() {
    let second = format!(
        "[trunk.three]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"192.0.2.7\"]\noptions_interval = \"0s\"\n{}register = {{}}\n[[numbers]]",
        ACCOUNT.replace("+4930231250@", "other@").replace("acme", "other")
    );
    let text = config("register = {}").replacen("[[numbers]]", &second, 1);
    let mut world = World::new(&text);
    world.pass(Duration::from_millis(499));
    for sent in world.take() {
        world.receive(GW1, &granted(&sent, 300, ""));
    }
    let call = |user: &str| {
        invite("+493023125100", OFFER, "")
            .replacen("INVITE sip:+493023125100@10.0.0.5", &format!("INVITE sip:{user}@192.0.2.1"), 1)
            .replace("z9hG4bKa1", &format!("z9hG4bK{user}"))
            .replace("call-a", user)
    };
    for (user, place) in [("other", 3), ("+4930231250", 1)] {
        world.receive(GW1, &call(user));
        assert_eq!(world.board.trunks(world.now)[place].total_in, 1, "{user}");
    }
    world.take();
}

#[test]
fn a_call_on_a_registered_trunk_lives_as_any_other() {
    let mut world = registered("register = {}", "");
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 2, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    assert_eq!(world.records.len(), 1);
}

/// A world whose account registers its connection, and the connection.
fn flowing(more: &str) -> (World, Flow, Sent) {
    let text = config(&format!("register = {{ outbound = true{more} }}"))
        .replace("[\"192.0.2.7\"]", "[\"192.0.2.7;transport=tcp\"]");
    let mut world = World::new(&text);
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    let flow = Flow {
        listen: ListenId(1),
        transport: Transport::Tcp,
        remote: GW1.parse().expect("an address"),
        conn: Some(ConnId(9)),
        trunk: None,
    };
    (world, flow, first)
}

/// Lets time pass until something leaves.
fn next_ping(world: &mut World) -> Sent {
    let ping = (0..15).find_map(|_| {
        world.pass(Duration::from_secs(1));
        world.take().pop()
    });
    ping.expect("a ping")
}

#[test]
fn a_registered_connection_is_pinged_and_made_anew_when_it_does_not_answer() {
    let (mut world, flow, first) = flowing("");
    let contact = first.header("Contact");
    assert!(
        contact.starts_with(
            "<sip:+4930231250@192.0.2.1:5060;transport=tcp;ob>;reg-id=1;+sip.instance=\"<urn:uuid:"
        ),
        "{contact}"
    );
    assert_eq!(first.header("Supported"), "path, outbound");
    world.message(flow, &granted(&first, 3_000, "Require: outbound\r\nFlow-Timer: 60\r\n"));
    assert_eq!(state(&world).state, "registered");
    world.pass(Duration::from_secs(47));
    world.expect(&[]);
    let ping = next_ping(&mut world);
    assert_eq!((&*ping.text, ping.conn), ("\r\n\r\n", Some(ConnId(9))));
    world.input(Input::Pong(ConnId(8)));
    world.input(Input::Pong(ConnId(9)));
    world.pass(Duration::from_secs(47));
    world.expect(&[]);
    assert_eq!(next_ping(&mut world).text, "\r\n\r\n");
    assert_eq!(world.closed, []);
    world.pass(Duration::from_secs(11));
    assert_eq!(world.closed, [ConnId(9)], "nobody speaks over it again");
    let again = register(&mut world, GW1);
    assert_eq!((again.conn, again.header("Call-ID")), (None, first.header("Call-ID")));
    assert_eq!(state(&world).state, "registering");
    let flow = Flow { conn: Some(ConnId(10)), ..flow };
    world.message(flow, &granted(&again, 3_000, ""));
    world.input(Input::Closed(ConnId(9)));
    assert_eq!(state(&world).state, "registered", "the old connection is nobody's");
    world.input(Input::Closed(ConnId(10)));
    world.pass(Duration::from_secs(1));
    register(&mut world, GW1);
}

#[test]
fn an_account_may_stand_at_two_addresses_at_once() {
    let two = config("register = { flows = 2, outbound = true }")
        .replace("gateways = [\"192.0.2.7\"]", "gateways = [\"192.0.2.7\", \"192.0.2.9\"]");
    let mut world = World::new(&two);
    world.pass(Duration::from_millis(499));
    let mut sent = world.take();
    sent.sort_by_key(|s| s.to);
    assert_eq!(sent.iter().map(|s| s.to.to_string()).collect::<Vec<_>>(), [GW1, "192.0.2.9:5060"]);
    assert!(sent[0].header("Contact").contains("reg-id=1") && sent[1].header("Contact").contains("reg-id=2"));
    assert_ne!(sent[0].header("Call-ID"), sent[1].header("Call-ID"));
    world.receive(GW1, &response(&sent[0], "503 Service Unavailable", "reg", "", ""));
    let elsewhere = register(&mut world, "192.0.2.9:5060");
    world.receive("192.0.2.9:5060", &response(&elsewhere, "503 Service Unavailable", "reg", "", ""));
    world.receive("192.0.2.9:5060", &granted(&sent[1], 300, ""));
    let trunk = &world.board.trunks(world.now)[1];
    let states: Vec<&str> = trunk.registrations.iter().map(|r| r.state).collect();
    assert_eq!((states, trunk.unregistered), (vec!["waiting", "registered"], false));
}

#[test]
fn a_security_agreement_is_answered_in_registrations_and_calls() {
    let mut world = World::new(&config("register = { security = \"mediasec\" }"));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    let of = |sent: &Sent, name: &str| -> Vec<String> {
        let rows = sent.text.split("\r\n").filter_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        rows.map(str::to_owned).collect()
    };
    assert_eq!(first.header("Security-Client"), "sdes-srtp;mediasec");
    assert_eq!((first.header("Require"), first.header("Proxy-Require")), ("mediasec", "mediasec"));
    assert!(of(&first, "Security-Verify").is_empty());
    let offered = ["msrp-tls;mediasec", "sdes-srtp;mediasec"];
    let rows: String = offered.iter().map(|o| format!("Security-Server: {o}\r\n")).collect();
    let ask = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"1\"\r\n{rows}");
    world.receive(GW1, &response(&first, "401 Unauthorized", "reg", &ask, ""));
    let second = register(&mut world, GW1);
    assert_eq!(of(&second, "Security-Verify"), offered);
    world.receive(GW1, &granted(&second, 300, &rows));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let call = world.expect(&[(GW1, "INVITE")])[0].clone();
    assert_eq!(
        (of(&call, "Security-Verify"), call.header("Proxy-Require")),
        (offered.map(str::to_owned).to_vec(), "mediasec")
    );
    world.pass(Duration::from_secs(240));
    let refresh = world.take().into_iter().find(|s| s.start().starts_with("REGISTER")).expect("a refresh");
    assert_eq!(of(&refresh, "Security-Verify"), offered);
    world.receive(
        GW1,
        &response(
            &refresh,
            "494 Security Agreement Required",
            "reg",
            "Security-Server: tls;mediasec\r\n",
            "",
        ),
    );
    let again = world.take()[0].clone();
    assert_eq!(of(&again, "Security-Verify"), ["tls;mediasec"]);
}
