//! Session timers by policy: who refreshes, how, and what a peer that cannot is told.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, inside, invite, response};
use std::time::Duration;

fn config(trunk: &str, rules: &str) -> String {
    let header = format!("[trunk.{trunk}]");
    CONFIG.replace(&header, &format!("{header}\noverride = {{ session_timer = {{ {rules} }} }}"))
}

/// An answered call whose callee does what `rows` say of timers; gives the To of the caller's dialog.
fn call(world: &mut World, caller_rows: &str, rows: &str) -> Sent {
    world.receive(PBX, &invite("+4420700000", OFFER, caller_rows));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", rows, ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    sent[1].clone()
}

fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("BYE", 50, to, "bye1", "", ""));
    let sent = world.take();
    let bye = sent.iter().find(|s| s.start().starts_with("BYE")).expect("BYE").clone();
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn the_refresher_is_the_one_that_the_trunk_prefers() {
    let asks = "Supported: timer\r\nSession-Expires: 600\r\n";
    for (who, said) in
        [("us", "600;refresher=uas"), ("peer", "600;refresher=uac"), ("auto", "600;refresher=uac")]
    {
        let mut world = World::new(&config("pbx", &format!("refresher = \"{who}\"")));
        let ok = call(&mut world, asks, "");
        assert_eq!(ok.header("Session-Expires"), said, "{who}");
        if who == "us" {
            world.pass(Duration::from_millis(300_100));
            let sent = world.expect(&[(PBX, "UPDATE")]);
            assert_eq!(sent[0].header("Session-Expires"), "600;refresher=uac");
            world.receive(
                PBX,
                &response(&sent[0], "200 OK", "", "Session-Expires: 600;refresher=uac\r\n", ""),
            );
        }
        hang_up(&mut world, ok.header("To"));
    }
    for (who, said) in [("us", "900;refresher=uac"), ("peer", "900;refresher=uas"), ("auto", "900")] {
        let mut world = World::new(&config("one", &format!("expires = \"900s\", refresher = \"{who}\"")));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let first = world.expect(&[(GW1, "INVITE")]);
        assert_eq!(first[0].header("Session-Expires"), said, "{who}");
        world.receive(GW1, &response(&first[0], "486 Busy Here", "x", "", ""));
        world.take();
        world.settle();
    }
}

#[test]
fn a_refresh_goes_as_the_trunk_wants_it() {
    // The gateways of these tests name UPDATE in Allow.
    for (by, method) in [("auto", "UPDATE"), ("update", "UPDATE"), ("reinvite", "INVITE")] {
        let mut world = World::new(&config("one", &format!("expires = \"600s\", refresh_by = \"{by}\"")));
        let ok = call(&mut world, "", "Session-Expires: 600;refresher=uac\r\n");
        world.pass(Duration::from_millis(300_100));
        let sent = world.expect(&[(GW1, method)]);
        assert_eq!(sent[0].body().is_empty(), method == "UPDATE");
        let body = if method == "UPDATE" { "" } else { ANSWER };
        world.receive(GW1, &response(&sent[0], "200 OK", "", "Session-Expires: 600;refresher=uac\r\n", body));
        world.take();
        hang_up(&mut world, ok.header("To"));
    }
}

#[test]
fn a_peer_that_refuses_every_refresh_stays_in_its_call() {
    let mut world = World::new(&config("one", "expires = \"600s\", refresh_by = \"update\""));
    let ok = call(&mut world, "", "");
    world.pass(Duration::from_millis(300_100));
    let sent = world.expect(&[(GW1, "UPDATE")]);
    world.receive(GW1, &response(&sent[0], "501 Not Implemented", "", "", ""));
    let sent = world.expect(&[(GW1, "INVITE")]);
    assert!(sent[0].body().contains("m=audio 30000 "), "{}", sent[0].text);
    world.receive(GW1, &response(&sent[0], "501 Not Implemented", "", "", ""));
    world.expect(&[(GW1, "ACK")]);
    world.pass(Duration::from_secs(2_000));
    world.expect(&[]);
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_422_that_never_ends_is_heeded_three_times() {
    let mut world = World::new(&config("one", "expires = \"600s\""));
    call(&mut world, "", "Session-Expires: 600;refresher=uac\r\n");
    world.pass(Duration::from_millis(300_100));
    for wanted in [700, 800, 900, 1_000] {
        let sent = world.expect(&[(GW1, "UPDATE")]);
        let rows = format!("Min-SE: {wanted}\r\n");
        world.receive(GW1, &response(&sent[0], "422 Session Interval Too Small", "", &rows, ""));
    }
    world.expect(&[]);
}

#[test]
fn a_change_refused_for_our_interval_is_asked_again_and_the_other_leg_hears_nothing() {
    let mut world = World::new(&config("one", "expires = \"600s\""));
    let ok = call(&mut world, "", "Session-Expires: 600;refresher=uac\r\n");
    let hold = OFFER.replace("a=sendrecv", "a=sendonly");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &hold));
    let sent = world.expect(&[(GW1, "INVITE")]);
    assert_eq!(sent[0].header("Session-Expires"), "600;refresher=uac");
    world.receive(GW1, &response(&sent[0], "422 Session Interval Too Small", "", "Min-SE: 1200\r\n", ""));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!(sent[1].header("Session-Expires"), "1200;refresher=uac");
    assert!(sent[1].body().contains("a=sendonly"), "{}", sent[1].text);
    let rows = "Session-Expires: 1200;refresher=uac\r\n";
    let answer = ANSWER.replace("a=rtpmap", "a=recvonly\r\na=rtpmap");
    world.receive(GW1, &response(&sent[1], "200 OK", "", rows, &answer));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_caller_asks_for_too_short_an_interval() {
    let mut world = World::new(&config("pbx", "min_se = \"300s\""));
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: timer\r\nSession-Expires: 120\r\n"));
    let sent = world.expect(&[(PBX, "SIP/2.0 422")]);
    assert_eq!(sent[0].header("Min-SE"), "300");
    world.settle();
    let mut world = World::new(CONFIG);
    answered(&mut world);
}
