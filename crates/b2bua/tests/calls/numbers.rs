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
