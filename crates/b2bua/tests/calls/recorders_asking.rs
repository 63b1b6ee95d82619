//! Recorders that ask for a password at a moment when the session with them ends.

use crate::common::{CONFIG, GW1, PBX, Sent, World, inside, response};
use crate::recorded::{SRS, SRS2, TAKES, begun, taken};
use b2bua::Command;
use b2bua::input::RecordWish;
use std::time::Duration;

const ASKS: &str = "WWW-Authenticate: Digest realm=\"rec\", nonce=\"n1\", algorithm=MD5\r\n";

fn with_password(gateways: &str) -> World {
    let pbx = CONFIG.replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n");
    World::new(&format!(
        "{pbx}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [{gateways}]\noptions_interval = \"0s\"\n\
         username = \"tronco\"\npassword = \"secret\"\n"
    ))
}

#[test]
fn a_challenge_to_the_end_of_a_lost_recorder_is_nothing_to_the_next_one() {
    let mut world = with_password("\"10.0.0.30\", \"10.0.0.31\"");
    let (_ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(Duration::from_secs(61));
    world.take();
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish: RecordWish::Pause });
    let change = world.expect(&[(SRS, "INVITE")]).remove(0);
    world.receive(SRS, &response(&change, "503 Service Unavailable", "", "", ""));
    let sent = world.take();
    let find = |to: &str, what: &str| {
        let is = |sent: &&Sent| sent.to.to_string() == to && sent.start().starts_with(what);
        sent.iter().find(is).cloned()
    };
    let bye = find(SRS, "BYE").expect("the lost one is ended");
    let next = find(SRS2, "INVITE").expect("the next one is asked");
    assert_eq!(next.header("CSeq"), "1 INVITE");
    world.receive(SRS, &response(&bye, "401 Unauthorized", "", ASKS, ""));
    world.take();
    let takes = TAKES.replace("recvonly", "inactive");
    world.receive(SRS2, &response(&next, "200 OK", "srs2", "", &takes));
    let ack = world.take().into_iter().find(|sent| sent.to.to_string() == SRS2).expect("an ACK");
    assert_eq!(ack.header("CSeq"), "1 ACK", "{}", ack.text);
}

#[test]
fn a_recorder_that_asks_for_a_password_at_the_end_and_is_silent_then_keeps_no_call() {
    let mut world = with_password("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    for bye in world.take().iter().filter(|sent| sent.start().starts_with("BYE")) {
        let to = bye.to.to_string();
        let text = match to == SRS {
            true => response(bye, "401 Unauthorized", "", ASKS, ""),
            false => response(bye, "200 OK", "", "", ""),
        };
        world.receive(&to, &text);
    }
    let again = world.take();
    assert!(
        again.iter().any(|sent| sent.to.to_string() == SRS && sent.start().starts_with("BYE")),
        "{again:?}"
    );
    world.settle();
    assert_eq!(world.board.kept_calls(), 0, "it is forgotten");
}

#[test]
fn an_invitation_that_was_taken_back_is_not_sent_again_with_a_password() {
    let mut world = with_password("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "100 Trying", "", "", ""));
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE"), (SRS, "CANCEL")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    // Its challenge crossed the CANCEL.
    world.receive(SRS, &response(&invite, "401 Unauthorized", "x", ASKS, ""));
    world.expect(&[(SRS, "ACK")]);
    world.settle();
    assert_eq!(world.board.kept_calls(), 0, "it is forgotten");
}

#[test]
fn an_invitation_to_a_recorder_that_was_given_up_for_the_next_one_is_not_sent_again_with_a_password() {
    let mut world = with_password("\"10.0.0.30\", \"10.0.0.31\"");
    let (_ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(11));
    let sent = world.take();
    let next = sent.iter().find(|s| s.to.to_string() == SRS2).expect("the next one is asked").clone();
    world.receive(SRS, &response(&invite, "401 Unauthorized", "x", ASKS, ""));
    world.expect(&[(SRS, "ACK")]);
    world.receive(SRS2, &response(&next, "200 OK", "srs2", "", TAKES));
    let ack = world.expect(&[(SRS2, "ACK")]).remove(0);
    assert_eq!((ack.header("CSeq"), ack.header("Authorization")), ("1 ACK", ""));
}
