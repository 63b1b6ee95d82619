//! REFER that is handed to the other peer of a call, and what that peer says of it.

use crate::common::{
    ANSWER, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use crate::transfers::{TARGET, config, fine, lines, refer};
use b2bua::TransferHow;

const PASS: &str = "refer = \"pass\"";

/// A request of the callee with more rows.
fn with_rows(text: &str, rows: &str) -> String {
    text.replace("Content-Length", &format!("{rows}Content-Length"))
}

/// NOTIFY of the callee about a REFER.
fn notify(out: &Sent, cseq: u32, rows: &str, fragment: &str) -> String {
    let rows = format!("{rows}Content-Type: message/sipfrag;version=2.0\r\n");
    let text = from_callee("NOTIFY", cseq, out, "tb", &format!("n{cseq}"), fragment);
    with_rows(&text.replace("Content-Type: application/sdp\r\n", ""), &rows)
}

#[test]
fn the_other_peer_gets_the_number_at_our_address_and_its_notices_come_back() {
    let mut world = World::new(&config(PASS, ""));
    let (out, ok) = answered(&mut world);
    let rows = "Referred-By: <sip:+493023125100@10.0.0.21>\r\nRefer-Sub: true\r\n";
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5;x=1?Subject=hi>", rows);
    assert_eq!(lines(&left), [(GW1.into(), "REFER sip:bob@192.0.2.7:5060".into())]);
    let passed = left[0].clone();
    assert_eq!(passed.header("Refer-To"), "<sip:+4420711111@192.0.2.1>");
    assert!(
        passed.header("Contact").contains("@192.0.2.1") || passed.header("Contact").contains("sip:192.0.2.1"),
        "{}",
        passed.text
    );
    assert_eq!((passed.header("Referred-By"), passed.header("Refer-Sub")), ("", "true"));
    assert!(!passed.text.contains("10.0.0."), "{}", passed.text);
    world.receive(GW1, &response(&passed, "202 Accepted", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 202")]);

    let cseq = passed.header("CSeq").split(' ').next().expect("a number").to_owned();
    let state = format!("Event: refer;id={cseq}\r\nSubscription-State: active;expires=60\r\n");
    let fragment = "SIP/2.0 180 At core7.provider.example\r\nContact: <sip:192.0.2.99>\r\n";
    world.receive(GW1, &notify(&out, 2, &state, fragment));
    let told = world.expect(&[(PBX, "NOTIFY sip:alice@10.0.0.21:5060")]).remove(0);
    assert_eq!((told.header("Event"), told.body()), ("refer;id=2", "SIP/2.0 180 Ringing\r\n"));
    assert_eq!(told.header("Subscription-State"), "active;expires=60");
    fine(&mut world, &told);
    world.expect(&[(GW1, "SIP/2.0 200")]);

    let state = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n";
    world.receive(GW1, &notify(&out, 3, state, "SIP/2.0 200 OK\r\n"));
    let told = world.expect(&[(PBX, "NOTIFY")]).remove(0);
    fine(&mut world, &told);
    world.expect(&[(GW1, "SIP/2.0 200")]);
    world.receive(GW1, &notify(&out, 4, state, "SIP/2.0 200 OK\r\n"));
    world.expect(&[(GW1, "SIP/2.0 481")]);
    world.receive(PBX, &inside("BYE", 5, ok.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    let transfer = &world.records[0].transfers[0];
    assert_eq!((transfer.how, transfer.status, &*transfer.to), (TransferHow::Passed, 200, "+4420711111"));
}

#[test]
fn a_referrer_that_wants_no_notices_is_heard_until_the_call_has_had_its_transfers() {
    let mut world = World::new(&config(PASS, ""));
    let (_, ok) = answered(&mut world);
    for cseq in 2..7 {
        let left = refer(&mut world, &ok, cseq, "<sip:004420711111@10.0.0.5>", "Refer-Sub: false\r\n");
        world.receive(GW1, &response(&left[0], "202 Accepted", "tb", "Refer-Sub: false\r\n", ""));
        let taken = world.expect(&[(PBX, "SIP/2.0 202")]).remove(0);
        assert_eq!(taken.header("Refer-Sub"), "false");
        assert!(taken.header("Contact").contains("10.0.0.5"), "{}", taken.text);
    }
}

#[test]
fn what_the_other_peer_refuses_is_refused() {
    let mut world = World::new(&config(PASS, ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    world.receive(GW1, &response(&left[0], "603 Decline", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 603")]);
    world.receive(PBX, &inside("BYE", 5, ok.header("To"), "b1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert_eq!(world.records[0].transfers[0].status, 603);
}

#[test]
fn a_notice_that_comes_as_the_call_ends_is_answered_although_the_call_is_over_before() {
    let mut world = World::new(&config(PASS, ""));
    let (out, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    world.receive(GW1, &response(&left[0], "202 Accepted", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 202")]);
    world.receive(PBX, &inside("BYE", 5, ok.header("To"), "b1", "", ""));
    let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]).remove(1);
    let state = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n";
    world.receive(GW1, &notify(&out, 2, state, "SIP/2.0 200 OK\r\n"));
    let told = world.expect(&[(PBX, "NOTIFY")]).remove(0);
    fine(&mut world, &bye);
    world.receive(PBX, &response(&told, "481 Gone", "", "", ""));
    world.expect(&[(GW1, "SIP/2.0 481")]);
    world.settle();
}

/// A second call of Alice's through the gateway that is given; gives our INVITE and the 200 to Alice.
fn second(world: &mut World, gateway: &str) -> (Sent, Sent) {
    let own = |text: &str| {
        text.replace("call-a", "call-2")
            .replace("tag=fa", "tag=f2")
            .replace("branch=z9hG4bK", "branch=z9hG4bKs")
    };
    world.receive(PBX, &own(&invite("004420711111", OFFER, "")));
    let mut out = world.expect(&[(GW1, "INVITE sip:+4420711111@192.0.2.7")]).remove(0);
    if gateway != GW1 {
        world.receive(GW1, &response(&out, "503 Service Unavailable", "tx", "", ""));
        out = world.expect(&[(GW1, "ACK"), (GW2, "INVITE sip:+4420711111@192.0.2.8")]).remove(1);
    }
    world.receive(gateway, &response(&out, "200 OK", "tc", "", TARGET));
    let ok = world.expect(&[(gateway, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &own(&inside("ACK", 1, ok.header("To"), "ack1", "", "")));
    world.expect(&[]);
    (out, ok)
}

fn tag(value: &str) -> &str {
    value.split(";tag=").nth(1).unwrap_or_default()
}

fn attended(world: &mut World, ok: &Sent, ok2: &Sent) -> Sent {
    let dialog = format!("call-2%3Bto-tag%3D{}%3Bfrom-tag%3Df2", tag(ok2.header("To")));
    let left = refer(world, ok, 2, &format!("<sip:004420711111@10.0.0.5?Replaces={dialog}>"), "");
    assert_eq!(left.len(), 1, "{:?}", lines(&left));
    left[0].clone()
}

#[test]
fn a_dialog_of_the_same_trunk_is_named_as_its_own_network_knows_it() {
    let mut world = World::new(&config(PASS, ""));
    let (_, ok) = answered(&mut world);
    let (out2, ok2) = second(&mut world, GW1);
    let passed = attended(&mut world, &ok, &ok2);
    let named = format!(
        "<sip:bob@192.0.2.7:5060?Replaces={}%3Bto-tag%3Dtc%3Bfrom-tag%3D{}>",
        out2.header("Call-ID"),
        tag(out2.header("From"))
    );
    assert_eq!(passed.header("Refer-To"), named);
}

#[test]
fn a_dialog_of_another_trunk_is_ours_to_be_taken_over_here() {
    let mut world = World::new(&config(PASS, "replaces = \"any\""));
    let (out, ok) = answered(&mut world);
    let (out2, ok2) = second(&mut world, GW2);
    let passed = attended(&mut world, &ok, &ok2);
    let to = passed.header("Refer-To").to_owned();
    assert!(to.starts_with("<sip:+4420711111@192.0.2.1?Replaces=") && !to.contains("call-2"), "{to}");
    world.receive(GW1, &response(&passed, "202 Accepted", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 202")]);

    // The peer does as it is told: its INVITE comes to us.
    let escaped = to.split("Replaces=").nth(1).expect("a dialog").trim_end_matches('>');
    let replaces = escaped.replace("%3B", ";").replace("%3D", "=");
    let rows = format!("Replaces: {replaces}\r\nRequire: replaces\r\n");
    let text = invite("+4420711111", ANSWER, &rows)
        .replace("10.0.0.21", "192.0.2.7")
        .replace("10.0.0.5", "192.0.2.1")
        .replace("call-a", "call-3")
        .replace("tag=fa", "tag=f3");
    world.receive(GW1, &text);
    let moved = world.expect(&[(GW2, "INVITE sip:bob@192.0.2.8:5060")]).remove(0);
    assert_eq!(moved.header("Call-ID"), out2.header("Call-ID"));
    world.receive(GW2, &response(&moved, "200 OK", "tc", "", TARGET));
    let sent = world.expect(&[(GW2, "ACK"), (GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    assert_eq!(sent[2].header("Call-ID"), "call-2");
    let _ = out;
}
