//! Recorders that refuse, are silent, forget or leave: the call goes on.

use crate::common::{CONFIG, GW1, PBX, World, inside, response};
use crate::recorded::{SRS, SRS2, TAKES, begun, counter, from_recorder, hung_up, part, recorded, taken};
use base::ReasonId;
use std::time::Duration;

#[test]
fn a_recorder_that_refuses_is_followed_by_its_next_address_and_asked_again_later() {
    let mut world = recorded("\"10.0.0.30\", \"10.0.0.31\"");
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "503 Service Unavailable", "x", "", ""));
    let sent = world.expect(&[(SRS, "ACK"), (SRS2, "INVITE sip:10.0.0.31")]);
    world.receive(SRS2, &response(&sent[1], "486 Busy Here", "x", "", ""));
    world.expect(&[(SRS2, "ACK")]);
    assert_eq!(world.board.live_calls(), 1, "the call goes on");
    assert!(world.notes.iter().any(|n| n.contains("rec: failed, 486")), "{:?}", world.notes);
    world.pass(Duration::from_millis(4_900));
    world.expect(&[]);
    world.pass(Duration::from_millis(200));
    let again = world.take();
    assert!(again[0].start().starts_with("INVITE sip:10.0.0.30"), "{:?}", again[0]);
    assert!(part(&again[0], "application/rs-metadata+xml").contains("complete"));
    taken(&mut world, &again[0], TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

#[test]
fn a_silent_recorder_is_given_up_after_some_attempts_and_the_call_goes_on() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, _) = begun(&mut world);
    world.pass(Duration::from_secs(600));
    let sent = world.take();
    let branches: std::collections::BTreeSet<&str> = sent.iter().map(|s| s.header("Call-ID")).collect();
    assert!(sent.iter().all(|s| s.to.to_string() == SRS), "nobody else hears of it");
    assert_eq!(branches.len(), 3, "three more follow the first one");
    assert_eq!(world.board.live_calls(), 1);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(
        (world.records[0].reason, &*world.records[0].recording),
        (ReasonId::HangupA, "rec: failed, no answer")
    );
    assert_eq!(counter(&world, "media_sessions"), 0);
}

#[test]
fn a_recorder_that_ends_the_recording_is_not_asked_again() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.receive(SRS, &from_recorder("BYE", &invite, "", ""));
    world.expect(&[(SRS, "SIP/2.0 200")]);
    world.pass(Duration::from_secs(60));
    world.expect(&[]);
    assert_eq!(world.board.live_calls(), 1);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: stopped by the recorder");
}

#[test]
fn a_recorder_that_has_forgotten_the_session_is_asked_anew() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    // The session timer's refresh, at half of 1,800 s.
    world.pass(Duration::from_secs(905));
    let refresh = world.take().remove(0);
    assert!(refresh.start().starts_with("INVITE sip:bob@10.0.0.30"), "{}", refresh.start());
    world.receive(SRS, &response(&refresh, "481 Call/Transaction Does Not Exist", "", "", ""));
    let sent = world.take();
    let bye = sent.iter().find(|s| s.start().starts_with("BYE")).expect("what is left of it is ended");
    world.receive(SRS, &response(bye, "481 Call/Transaction Does Not Exist", "", "", ""));
    world.pass(Duration::from_secs(11));
    let anew = world.take().into_iter().find(|s| s.start().starts_with("INVITE sip:10.0.0.30 "));
    let anew = anew.expect("it is begun anew");
    assert_ne!(anew.header("Call-ID"), invite.header("Call-ID"));
    taken(&mut world, &anew, TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

#[test]
fn a_recorder_that_takes_nothing_of_the_media_is_left() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    let nothing = TAKES.replace("m=audio 7000", "m=audio 0").replace("m=audio 7002", "m=audio 0");
    world.receive(SRS, &response(&invite, "200 OK", "srs", "", &nothing));
    let sent = world.expect(&[(SRS, "ACK"), (SRS, "BYE")]);
    world.receive(SRS, &response(&sent[1], "200 OK", "", "", ""));
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: failed, media refused");
}

#[test]
fn a_call_that_ends_before_the_recorder_answers_takes_its_invitation_back() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "100 Trying", "", "", ""));
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE"), (SRS, "CANCEL")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.receive(SRS, &response(&sent[2], "200 OK", "x", "", ""));
    // Its answer crossed the CANCEL.
    world.receive(SRS, &response(&invite, "200 OK", "srs", "", TAKES));
    let sent = world.expect(&[(SRS, "ACK"), (SRS, "BYE")]);
    world.receive(SRS, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_recorder_that_asks_for_a_password_gets_it() {
    let pbx = CONFIG.replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n");
    let mut world = World::new(&format!(
        "{pbx}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n\
         username = \"tronco\"\npassword = \"secret\"\n"
    ));
    let (ok, invite) = begun(&mut world);
    let rows = "WWW-Authenticate: Digest realm=\"rec\", nonce=\"n1\", algorithm=MD5\r\n";
    world.receive(SRS, &response(&invite, "401 Unauthorized", "x", rows, ""));
    let sent = world.expect(&[(SRS, "ACK"), (SRS, "INVITE sip:10.0.0.30")]);
    assert!(sent[1].header("Authorization").starts_with("Digest username=\"tronco\""), "{}", sent[1].text);
    assert_eq!(sent[1].header("CSeq"), "2 INVITE");
    assert!(part(&sent[1], "application/rs-metadata+xml").contains("complete"));
    let ack = taken(&mut world, &sent[1], TAKES);
    assert_eq!(ack.header("CSeq"), "2 ACK");
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

#[test]
fn a_recorder_that_comes_back_elsewhere_in_the_middle_of_a_call_goes_on_with_it() {
    let mut world = recorded("\"10.0.0.30\", \"10.0.0.31\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(Duration::from_secs(901));
    // The refresh meets silence.
    let refresh = world.take();
    assert!(refresh[0].start().starts_with("INVITE sip:bob@10.0.0.30"), "{}", refresh[0].start());
    world.pass(Duration::from_secs(45));
    let anew =
        world.take().into_iter().filter(|s| s.start().starts_with("INVITE sip:10.0.0.3")).collect::<Vec<_>>();
    assert!(!anew.is_empty(), "it is begun anew");
    assert_eq!(world.board.live_calls(), 1, "and the call knows nothing of it");
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: lost, no answer");
}
