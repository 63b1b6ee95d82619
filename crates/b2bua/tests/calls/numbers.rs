//! Numbers where they meet the wire.

use crate::common::*;

/// The usual configuration with more in one trunk's table.
fn with(trunk: &str, more: &str) -> String {
    let head = format!("[trunk.{trunk}]\n");
    assert!(CONFIG.contains(&head));
    CONFIG.replace(&head, &format!("{head}{more}\n"))
}

#[test]
fn translations_are_seen_in_request_uri_to_and_from() {
    let rules = r#"translate = { called_out = [{ match = '\+(\d*)', to = "00$1" }], caller_out = [{ match = '\+49(\d*)', to = "0$1" }] }"#;
    let arriving = r#"translate = { called_in = [{ match = '#1', to = "+4420700000" }] }"#;
    let config = with("one", rules).replace("[trunk.pbx]\n", &format!("[trunk.pbx]\n{arriving}\n"));
    let mut world = World::new(&config);
    world.receive(PBX, &invite("%231", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE sip:004420700000@192.0.2.7 ")]);
    assert_eq!(sent[0].header("To"), "<sip:004420700000@192.0.2.7>");
    assert!(sent[0].header("From").starts_with("\"Alice\" <sip:03023125100@192.0.2.1>;tag="));
    world.receive(GW1, &response(&sent[0], "503 Service Unavailable", "x", "", ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW2, "INVITE sip:+4420700000@192.0.2.8 ")]);
    assert!(sent[1].header("From").contains("<sip:+493023125100@192.0.2.1>"), "{}", sent[1].text);
    world.receive(GW2, &response(&sent[1], "404 Not Found", "y", "", ""));
    world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 404")]);
    world.settle();
    let record = &world.records[0];
    assert_eq!((&*record.facts.called_received, &*record.called), ("#1", "+4420700000"));
    assert_eq!(&*record.attempts[0].facts.called_sent, "004420700000");
}

#[test]
fn a_trunk_may_want_tel_uris_and_send_them() {
    let config = with("one", "override = { uri = \"tel\" }");
    let mut world = World::new(&config);
    let text = invite("4420700000", OFFER, "")
        .replace("INVITE sip:4420700000@10.0.0.5", "INVITE tel:+44-2070-0000")
        .replace("<sip:+493023125100@10.0.0.21>;tag=fa", "<tel:+49-30-23125100>;tag=fa");
    world.receive(PBX, &text);
    let sent = world.expect(&[(GW1, "INVITE tel:+4420700000 SIP/2.0")]);
    let out = sent[0].clone();
    assert_eq!(out.header("To"), "<tel:+4420700000>");
    assert!(out.header("From").starts_with("\"Alice\" <tel:+493023125100>;tag="), "{}", out.text);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK sip:bob@192.0.2.7:5060"), (PBX, "SIP/2.0 200")]);
    let to = sent[1].header("To").to_string();
    let ack = inside("ACK", 1, &to, "ack1", "", "");
    let own =
        |text: String| text.replace("<sip:+493023125100@10.0.0.21>;tag=fa", "<tel:+49-30-23125100>;tag=fa");
    world.receive(PBX, &own(ack));
    world.receive(PBX, &own(inside("BYE", 2, &to, "bye1", "", "")));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE sip:bob@192.0.2.7:5060")]);
    assert!(sent[1].header("To").starts_with("<tel:+4420700000>;tag=tb"), "{}", sent[1].text);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
    assert_eq!(&*world.records[0].facts.called_received, "+44-2070-0000");
}

#[test]
fn local_numbers_say_what_they_are_local_to() {
    let policy =
        "override = { uri = \"tel\", phone_context = \"provider.example\", number_format = \"national\" }";
    let mut world = World::new(&with("one", policy));
    world.receive(PBX, &invite("+4930555", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE tel:030555;phone-context=provider.example SIP/2.0")]);
    assert!(sent[0].header("From").contains("<tel:03023125100;phone-context=provider.example>"));
    let mut world = World::new(&with("one", &policy.replace("uri = \"tel\"", "user_phone = true")));
    world.receive(PBX, &invite("+4930555", OFFER, ""));
    world.expect(&[(GW1, "INVITE sip:030555;phone-context=provider.example@192.0.2.7;user=phone SIP/2.0")]);
}

#[test]
fn the_called_number_is_taken_from_where_the_trunk_puts_it() {
    let rows = "P-Called-Party-ID: <sip:+4420700001@x.example>\r\nDiversion: \"Desk\" <tel:+4420700002>;reason=unconditional, <sip:+4420700003@x.example>\r\nX-DID: +44 2070 0004\r\n";
    for (from, called) in [
        ("request-uri", "+4420700000"),
        ("to", "+4420700009"),
        ("p-called-party-id", "+4420700001"),
        ("diversion", "+4420700002"),
        ("header:x-did", "+4420700004"),
        ("header:X-None", "+4420700000"),
    ] {
        let mut world = World::new(&with("pbx", &format!("override = {{ called_from = \"{from}\" }}")));
        let text =
            invite("+4420700000", OFFER, rows).replace("To: <sip:+4420700000@", "To: <sip:+4420700009@");
        world.receive(PBX, &text);
        world.expect(&[(GW1, &format!("INVITE sip:{called}@192.0.2.7"))]);
    }
    let mut world = World::new(&with("pbx", "override = { called_from = \"to\" }"));
    world.receive(PBX, &invite("+4420700000", OFFER, "").replace("To: <sip:+4420700000@", "To: <sip:"));
    world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]);
}

#[test]
fn an_extension_reaches_the_pbx_as_it_came_or_short() {
    let from_gateway = |called: &str| {
        invite(called, OFFER, "").replace("10.0.0.21", "192.0.2.7").replace("10.0.0.5", "192.0.2.1")
    };
    let mut world = World::new(&CONFIG.replace(
        "..+493023125999",
        "..+493023125999\"\ndeliver = [\"pbx\"]\n[[numbers]]\nrange = \"+493023125",
    ));
    world.receive(GW1, &from_gateway("+493023125;ext=100"));
    let sent = world.expect(&[(PBX, "INVITE sip:+493023125;ext=100@10.0.0.21 ")]);
    assert_eq!(sent[0].header("To"), "<sip:+493023125;ext=100@10.0.0.21>");
    let pilot = "pilot = { number = \"+493023125\", digits = \"3\" }\noverride = { extension = \"short\" }";
    let mut world = World::new(&with("pbx", pilot));
    world.receive(GW1, &from_gateway("+493023125100"));
    world.expect(&[(PBX, "INVITE sip:100@10.0.0.21 ")]);
}

#[test]
fn a_number_longer_than_any_is_refused_and_not_cut() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite(&format!("+{}", "1".repeat(200)), OFFER, ""));
    world.expect(&[(PBX, "SIP/2.0 404")]);
    world.settle();
}
