//! Recorders that refuse, are silent, forget or leave: the call goes on.

use crate::common::{CONFIG, GW1, PBX, Sent, World, inside, response};
use crate::recorded::{
    SRS, SRS2, TAKES, answered_call, begun, counter, from_recorder, hung_up, part, recorded, taken,
};
use b2bua::{Command, Duty};
use base::{ReasonId, TrunkId};
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
    assert_eq!(&*world.records[0].recording, "rec: ok, but for 5.1 s");
}

#[test]
fn a_silent_recorder_is_asked_again_ever_more_seldom_as_long_as_the_call_lasts() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, _) = begun(&mut world);
    world.pass(Duration::from_secs(600));
    let sent = world.take();
    let begun: std::collections::BTreeSet<&str> = sent.iter().map(|s| s.header("Call-ID")).collect();
    assert!(sent.iter().all(|s| s.to.to_string() == SRS), "nobody else hears of it");
    // Ten seconds of silence each, with pauses of 5, 10, 20, 40, 60, 60, … seconds between.
    assert!((9..=12).contains(&begun.len()), "{} more follow the first one", begun.len());
    assert_eq!(world.board.live_calls(), 1);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(
        (world.records[0].reason, &*world.records[0].recording),
        (ReasonId::HangupA, "rec: failed, no answer")
    );
    assert_eq!((counter(&world, "media_sessions"), counter(&world, "recordings_failed")), (0, 1));
}

/// What the engine says of the session towards the recorder that was opened last.
fn unreached(world: &mut World) {
    world.media_reply(media::Reply::Unreached { session: world.copied() });
}

#[test]
fn a_recorder_whose_host_refuses_the_media_is_followed_by_the_next_at_once() {
    let mut world = recorded("\"10.0.0.30\", \"10.0.0.31\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(Duration::from_secs(30));
    unreached(&mut world);
    let sent = world.expect(&[(SRS, "BYE sip:bob@10.0.0.30"), (SRS2, "INVITE sip:10.0.0.31")]);
    assert!(part(&sent[1], "application/rs-metadata+xml").contains("complete"), "it is told everything");
    assert!(world.notes.iter().any(|n| n.contains("rec: lost, media unreachable")), "{:?}", world.notes);
    world.pass(Duration::from_millis(1_500));
    world.take();
    world.receive(SRS2, &response(&sent[1], "200 OK", "srs", "", TAKES));
    world.expect(&[(SRS2, "ACK")]);
    assert_eq!(world.board.live_calls(), 1, "the call knows nothing of it");
    assert_eq!((counter(&world, "recordings_lost"), counter(&world, "recordings_resumed")), (1, 1));
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok, but for 3.5 s");
    assert_eq!(counter(&world, "media_sessions"), 0);
}

#[test]
fn a_recorder_that_lives_but_whose_media_port_is_dead_is_asked_ever_more_seldom() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, mut invite) = begun(&mut world);
    for pause in [5, 10, 20, 40, 60, 60] {
        taken(&mut world, &invite, TAKES);
        world.pass(Duration::from_secs(2));
        unreached(&mut world);
        let bye = world.expect(&[(SRS, "BYE sip:bob@10.0.0.30")]).remove(0);
        world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
        world.pass(Duration::from_millis(pause * 1_000 - 100));
        world.expect(&[]);
        world.pass(Duration::from_millis(200));
        invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    }
    // It has worked for a while: what happens then is its first failure.
    taken(&mut world, &invite, TAKES);
    world.pass(Duration::from_secs(61));
    unreached(&mut world);
    let sent = world.expect(&[(SRS, "BYE sip:bob@10.0.0.30"), (SRS, "INVITE sip:10.0.0.30")]);
    world.receive(SRS, &response(&sent[0], "200 OK", "", "", ""));
    taken(&mut world, &sent[1], TAKES);
    unreached(&mut world);
    let bye = world.expect(&[(SRS, "BYE sip:bob@10.0.0.30")]).remove(0);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    world.pass(Duration::from_millis(5_100));
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &invite, TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn a_recorder_of_which_no_address_may_be_asked_is_looked_for_ever_more_seldom() {
    let mut world = recorded("\"10.0.0.30\"");
    let duty = |duty| Command::SetDuty { trunk: TrunkId(3), gateway: None, duty };
    world.command(duty(Duty::Disabled));
    let (ok, sent) = answered_call(&mut world);
    assert_eq!(sent.len(), 2, "nobody but the peers hears of it: {sent:?}");
    world.pass(Duration::from_secs(600));
    world.expect(&[]);
    let looked = world.media.iter().filter(|c| matches!(c, media::Command::Copy { .. })).count();
    // At 0, 5, 15, 35, 75, 135, … seconds.
    assert_eq!(looked, 13);
    world.command(duty(Duty::Enabled));
    world.pass(Duration::from_millis(15_100));
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &invite, TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn a_recorder_that_only_rings_is_given_up_however_often_it_says_so() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    let mut given_up = None;
    for second in 0..400 {
        world.receive(SRS, &response(&invite, "183 Session Progress", "x", "", ""));
        let sent = world.take();
        if sent.iter().any(|s| s.start().starts_with("CANCEL")) {
            given_up = Some(second);
            break;
        }
        world.pass(Duration::from_secs(1));
    }
    let second: i32 = given_up.expect("it is given up");
    assert!((100..=200).contains(&second), "after {second} s");
    hung_up(&mut world, &ok, 2);
    world.settle();
}

/// OPTIONS among what was sent, answered or not.
fn options(world: &mut World, answer: bool) -> Vec<Sent> {
    let (options, others): (Vec<Sent>, Vec<Sent>) =
        world.take().into_iter().partition(|sent| sent.start().starts_with("OPTIONS"));
    for asked in options.iter().filter(|_| answer) {
        world.receive(&asked.to.to_string(), &response(asked, "200 OK", "o", "", ""));
    }
    others
}

#[test]
fn a_recorder_that_goes_down_is_lost_soon_and_the_recording_goes_on_when_it_is_back() {
    let pbx = CONFIG.replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n");
    let mut world = World::new(&format!(
        "{pbx}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"5s\"\noptions_misses = 2\n"
    ));
    options(&mut world, true);
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "200 OK", "srs", "", TAKES));
    let mut sent = Vec::new();
    for _ in 0..100 {
        world.pass(Duration::from_secs(1));
        sent.extend(options(&mut world, false));
    }
    assert!(sent.iter().any(|s| s.start().starts_with("BYE")), "what is left of it is ended");
    assert_eq!((counter(&world, "recordings_lost"), world.board.live_calls()), (1, 1));
    assert_eq!(&*world.board.calls()[0].recording, "rec: lost, gateway down");
    let again = sent.iter().filter(|s| s.start().starts_with("INVITE")).count();
    assert_eq!(again, 0, "who is known to be down is not asked");
    let mut anew = None;
    // Addresses are looked for again after at most a minute.
    for _ in 0..70 {
        if anew.is_some() {
            break;
        }
        world.pass(Duration::from_secs(1));
        anew = anew.or(options(&mut world, true).into_iter().find(|s| s.start().starts_with("INVITE")));
    }
    let anew = anew.expect("the recording goes on");
    world.receive(SRS, &response(&anew, "200 OK", "srs", "", TAKES));
    options(&mut world, true);
    hung_up(&mut world, &ok, 2);
    // OPTIONS go on, so that the world never settles.
    world.pass(Duration::from_secs(1));
    let said = &*world.records[0].recording;
    assert!(said.starts_with("rec: ok, but for "), "{said}");
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
    let anew = sent.iter().find(|s| s.start().starts_with("INVITE sip:10.0.0.30 "));
    let anew = anew.expect("it is begun anew, at once");
    assert_ne!(anew.header("Call-ID"), invite.header("Call-ID"));
    taken(&mut world, anew, TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok, but for 0.0 s");
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

#[test]
fn why_a_recording_was_lost_is_not_hidden_by_what_asking_again_meets() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    unreached(&mut world);
    let bye = world.expect(&[(SRS, "BYE sip:bob@10.0.0.30")]).remove(0);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    world.pass(Duration::from_millis(5_100));
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    world.receive(SRS, &response(&invite, "480 Temporarily Unavailable", "x", "", ""));
    world.expect(&[(SRS, "ACK")]);
    assert_eq!(&*world.board.calls()[0].recording, "rec: lost, media unreachable");
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: lost, media unreachable");
}

#[test]
fn that_nobody_could_be_asked_gives_way_to_what_a_recorder_says() {
    let mut world = recorded("\"10.0.0.30\"");
    let duty = |duty| Command::SetDuty { trunk: TrunkId(3), gateway: None, duty };
    world.command(duty(Duty::Disabled));
    let (ok, _) = answered_call(&mut world);
    assert_eq!(&*world.board.calls()[0].recording, "rec: failed, no gateway");
    world.command(duty(Duty::Enabled));
    world.pass(Duration::from_millis(5_100));
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    world.receive(SRS, &response(&invite, "603 Decline", "x", "", ""));
    world.expect(&[(SRS, "ACK")]);
    world.command(duty(Duty::Disabled));
    world.pass(Duration::from_secs(60));
    world.take();
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: failed, 603");
}
