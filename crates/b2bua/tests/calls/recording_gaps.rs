//! What of a call is not on its recording is said in its record.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, inside, response};
use crate::recorded::{SRS, SRS2, TAKES, begun, counter, from_recorder, hung_up, recorded, taken};
use b2bua::Command;
use b2bua::input::RecordWish;
use base::TrunkId;
use media::Reply;
use std::time::Duration;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn order(world: &mut World, wish: RecordWish) {
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish });
}

fn shown(world: &World) -> String {
    world.board.calls()[0].recording.to_string()
}

/// The recorder answers the last of these; its ACK is taken.
fn answers(world: &mut World, sent: &Sent, body: &str) {
    world.receive(SRS, &response(sent, "200 OK", "", "", body));
    world.expect(&[(SRS, "ACK")]);
}

fn ends(world: &mut World, ok: &Sent) -> String {
    hung_up(world, ok, 2);
    world.settle();
    world.records[0].recording.to_string()
}

#[test]
fn a_recorder_that_answers_late_leaves_a_gap_at_the_beginning() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "180 Ringing", "srs", "", ""));
    world.pass(SECONDS(8));
    world.take();
    taken(&mut world, &invite, TAKES);
    world.pass(SECONDS(30));
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 8.0 s");
}

#[test]
fn a_call_that_ends_before_its_recorder_has_answered_was_not_recorded() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "180 Ringing", "srs", "", ""));
    world.pass(SECONDS(8));
    world.take();
    assert_eq!(shown(&world), "rec: none");
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    for sent in world.take() {
        let text = match sent.start() {
            start if start.starts_with("BYE") => response(&sent, "200 OK", "", "", ""),
            start if start.starts_with("CANCEL") => {
                world.receive(SRS, &response(&sent, "200 OK", "", "", ""));
                response(&invite, "487 Request Terminated", "srs", "", "")
            }
            _ => continue,
        };
        world.receive(&sent.to.to_string(), &text);
    }
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: failed, no answer");
}

#[test]
fn a_recorder_that_wants_nothing_of_all_that_it_is_offered_holds_the_recording() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, &TAKES.replace("recvonly", "inactive"));
    world.pass(SECONDS(10));
    assert_eq!(shown(&world), "rec: held by the recorder");
    assert_eq!(ends(&mut world, &ok), "rec: held by the recorder");
}

#[test]
fn a_pause_of_the_recorders_own_is_a_gap() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let offers = |world: &mut World, body: &str, cseq: &str| {
        let told = |method| {
            let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
            let text = from_recorder(method, &invite, kind, if method == "ACK" { "" } else { body });
            text.replace("CSeq: 5", cseq).replace("z9hG4bKr", &format!("z9hG4bK{}", &cseq[6..]))
        };
        world.receive(SRS, &told("INVITE"));
        world.expect(&[(SRS, "SIP/2.0 200")]);
        world.receive(SRS, &told("ACK"));
    };
    offers(&mut world, &TAKES.replace("recvonly", "inactive"), "CSeq: 5");
    world.pass(SECONDS(6));
    assert_eq!(shown(&world), "rec: held by the recorder");
    offers(&mut world, TAKES, "CSeq: 6");
    assert_eq!(shown(&world), "rec: ok, but for 6.0 s");
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 6.0 s");
}

#[test]
fn a_recording_goes_on_after_a_pause_when_the_recorder_takes_it_and_not_before() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    order(&mut world, RecordWish::Pause);
    let pause = world.expect(&[(SRS, "INVITE")]).remove(0);
    order(&mut world, RecordWish::Resume);
    world.pass(SECONDS(5));
    world.take();
    assert_eq!(shown(&world), "rec: held by the recorder", "it was told of the pause, and does not answer");
    answers_pause(&mut world, &pause);
    let resume = world.take().into_iter().find(|sent| sent.start().starts_with("INVITE"));
    let resume = resume.expect("it is told that the recording goes on");
    assert!(resume.body().contains("a=sendonly"), "{}", resume.body());
    assert_eq!(shown(&world), "rec: held by the recorder", "it has taken nothing yet");
    answers(&mut world, &resume, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 5.0 s");
}

fn answers_pause(world: &mut World, pause: &Sent) {
    world.receive(SRS, &response(pause, "200 OK", "", "", &TAKES.replace("recvonly", "inactive")));
}

#[test]
fn a_pause_that_the_recorder_follows_at_once_is_no_gap() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    for (wish, body) in
        [(RecordWish::Pause, TAKES.replace("recvonly", "inactive")), (RecordWish::Resume, TAKES.to_owned())]
    {
        order(&mut world, wish);
        let told = world.expect(&[(SRS, "INVITE")]).remove(0);
        answers(&mut world, &told, &body);
        world.pass(SECONDS(20));
    }
    assert_eq!(ends(&mut world, &ok), "rec: ok, paused 20.0 s");
}

#[test]
fn a_recorder_that_ended_the_recording_is_asked_again_where_an_operator_says_so() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.receive(SRS, &from_recorder("BYE", &invite, "", ""));
    world.expect(&[(SRS, "SIP/2.0 200")]);
    assert_eq!(shown(&world), "rec: stopped by the recorder");
    world.pass(SECONDS(14));
    order(&mut world, RecordWish::By(TrunkId(3)));
    let anew = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &anew, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 14.0 s");
}

#[test]
fn what_lies_between_two_orders_is_told_as_a_pause() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    order(&mut world, RecordWish::Off);
    let bye = world.expect(&[(SRS, "BYE")]).remove(0);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    world.pass(SECONDS(16));
    order(&mut world, RecordWish::By(TrunkId(3)));
    let anew = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &anew, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok, paused 16.0 s");
}

/// A re-INVITE of the caller's, passed on and answered by the callee; what the recorder hears of it.
fn changes(world: &mut World, ok: &Sent, cseq: u32, offer: &str, answer: &str) -> Sent {
    world.receive(PBX, &inside("INVITE", cseq, ok.header("To"), &format!("re{cseq}"), "", offer));
    let mut sent = world.take();
    let mut told = Vec::new();
    let mut of = |sent: Vec<Sent>| {
        let (srs, others): (Vec<Sent>, Vec<Sent>) = sent.into_iter().partition(|s| s.to.to_string() == SRS);
        told.extend(srs);
        others
    };
    sent = of(sent);
    let through = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("it is passed on");
    world.receive(GW1, &response(through, "200 OK", "tb", "", answer));
    sent = of(world.take());
    let done = sent.iter().find(|s| s.to.to_string() == PBX && s.start().starts_with("SIP/2.0 200"));
    assert!(done.is_some(), "the caller has its answer");
    world.receive(PBX, &inside("ACK", cseq, ok.header("To"), &format!("ack{cseq}"), "", ""));
    of(world.take());
    assert_eq!(told.len(), 1, "the recorder hears of it once at a time: {told:?}");
    told.remove(0)
}

#[test]
fn a_fax_in_the_middle_of_a_call_leaves_the_recorder_where_it_is() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let fax = |text: &str| {
        let text = text.replace(" 1 1 IN", " 1 2 IN").replace(" 5 5 IN", " 5 6 IN");
        let head = text.split("m=audio").next().unwrap_or_default().to_owned();
        format!("{head}m=image 6800 udptl t38\r\na=T38FaxVersion:0\r\n")
    };
    let told = changes(&mut world, &ok, 2, &fax(OFFER), &fax(ANSWER));
    assert_eq!(told.body().matches("m=audio 0 ").count(), 2, "both sides at once: {}", told.body());
    let none = TAKES.replace("m=audio 7000", "m=audio 0").replace("m=audio 7002", "m=audio 0");
    world.receive(SRS, &response(&told, "200 OK", "", "", &none));
    let sent = world.take();
    assert!(!sent.iter().any(|s| s.start().starts_with("BYE")), "the session with the recorder goes on");
    assert_eq!(shown(&world), "rec: ok");
    world.pass(SECONDS(30));
    let back = |text: &str| text.replace(" 1 1 IN", " 1 3 IN").replace(" 5 5 IN", " 5 7 IN");
    let told = changes(&mut world, &ok, 3, &back(OFFER), &back(ANSWER));
    assert!(told.body().contains("m=audio 4"), "{}", told.body());
    answers(&mut world, &told, TAKES);
    hung_up(&mut world, &ok, 4);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

#[test]
fn a_recorder_that_refuses_a_change_by_500_is_given_up_and_one_that_asks_for_patience_three_times_later() {
    for (rows, times) in [("", 1), ("Retry-After: 2\r\n", 4)] {
        let mut world = recorded("\"10.0.0.30\", \"10.0.0.31\"");
        let (ok, invite) = begun(&mut world);
        taken(&mut world, &invite, TAKES);
        order(&mut world, RecordWish::Pause);
        let mut asked = 0;
        let next = loop {
            let sent = world.take();
            if let Some(next) = sent.iter().find(|s| s.to.to_string() == SRS2) {
                break next.clone();
            }
            if let Some(change) = sent.iter().find(|s| s.start().starts_with("INVITE")) {
                asked += 1;
                world.receive(SRS, &response(change, "500 Server Internal Error", "", rows, ""));
            } else {
                world.pass(SECONDS(1));
            }
        };
        assert_eq!(asked, times);
        world.receive(SRS2, &response(&next, "200 OK", "srs", "", &TAKES.replace("recvonly", "inactive")));
        world.take();
        assert_eq!(shown(&world), "rec: paused");
        hung_up(&mut world, &ok, 2);
        world.settle();
    }
}

#[test]
fn an_address_that_answers_no_options_is_down_after_as_many_intervals_as_may_be_missed() {
    let pbx = CONFIG.replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n");
    let mut world = World::new(&format!(
        "{pbx}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"5s\"\noptions_misses = 2\n"
    ));
    world.take();
    let (ok, invite) = begun(&mut world);
    world.receive(SRS, &response(&invite, "200 OK", "srs", "", TAKES));
    let mut seconds = 0;
    while shown(&world) == "rec: ok" {
        world.pass(SECONDS(1));
        seconds += 1;
        assert!(seconds < 60, "it is never found to be down");
    }
    assert_eq!(shown(&world), "rec: lost, gateway down");
    // Up to one interval until the first, two that are missed, and the next look at the recorder's health.
    assert!((10..=17).contains(&seconds), "after {seconds} s");
    hung_up(&mut world, &ok, 2);
    world.pass(SECONDS(1));
    assert_eq!(&*world.records[0].recording, "rec: lost, gateway down");
}

#[test]
fn media_that_a_recorder_refuses_in_the_middle_are_missing_until_an_operator_names_it_anew() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    order(&mut world, RecordWish::Pause);
    let told = world.expect(&[(SRS, "INVITE")]).remove(0);
    answers(&mut world, &told, &TAKES.replace("recvonly", "inactive"));
    order(&mut world, RecordWish::Resume);
    let told = world.expect(&[(SRS, "INVITE")]).remove(0);
    let none = TAKES.replace("m=audio 7000", "m=audio 0").replace("m=audio 7002", "m=audio 0");
    world.receive(SRS, &response(&told, "200 OK", "", "", &none));
    let bye = world.expect(&[(SRS, "ACK"), (SRS, "BYE")]).remove(1);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    assert_eq!(shown(&world), "rec: lost, media refused");
    assert_eq!((counter(&world, "recordings_lost"), counter(&world, "recordings_failed")), (1, 0));
    world.pass(SECONDS(60));
    order(&mut world, RecordWish::By(TrunkId(3)));
    let anew = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &anew, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 60.0 s");
}

#[test]
fn what_an_operator_has_ordered_off_is_no_gap_of_a_recorder_that_had_failed_before() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.receive(SRS, &from_recorder("BYE", &invite, "", ""));
    world.expect(&[(SRS, "SIP/2.0 200")]);
    world.pass(SECONDS(10));
    order(&mut world, RecordWish::Off);
    world.pass(SECONDS(600));
    order(&mut world, RecordWish::By(TrunkId(3)));
    let anew = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &anew, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 10.0 s, paused 600.0 s");
}

#[test]
fn what_is_paused_from_the_beginning_is_no_gap_however_late_the_recorder_comes() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    order(&mut world, RecordWish::Pause);
    world.receive(SRS, &response(&invite, "180 Ringing", "srs", "", ""));
    world.pass(SECONDS(3));
    world.take();
    world.receive(SRS, &response(&invite, "200 OK", "srs", "", TAKES));
    let told = world.take().into_iter().find(|sent| sent.start().starts_with("INVITE"));
    answers(&mut world, &told.expect("it hears of the pause"), &TAKES.replace("recvonly", "inactive"));
    world.pass(SECONDS(17));
    order(&mut world, RecordWish::Resume);
    let told = world.expect(&[(SRS, "INVITE")]).remove(0);
    answers(&mut world, &told, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok, paused 20.0 s");
}

#[test]
fn packets_that_were_lost_before_the_recorder_are_counted_in_its_account() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(SECONDS(30));
    let session = world.copied();
    world.media_reply(Reply::Uncopied { session, packets: 1 });
    assert_eq!(shown(&world), "rec: ok, 1 packet lost");
    world.media_reply(Reply::Uncopied { session, packets: 12 });
    assert_eq!(shown(&world), "rec: ok, 12 packets lost");
    // What was lost since then stands in the engine's last report.
    world.uncopied = 15;
    assert_eq!(ends(&mut world, &ok), "rec: ok, 15 packets lost");
}

#[test]
fn packets_that_were_lost_before_one_recorder_are_told_after_the_next_has_taken_over() {
    let mut world = recorded("\"10.0.0.30\", \"10.0.0.31\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(SECONDS(30));
    let session = world.copied();
    world.media_reply(Reply::Uncopied { session, packets: 7 });
    world.media_reply(Reply::Unreached { session });
    let sent = world.expect(&[(SRS, "BYE sip:bob@10.0.0.30"), (SRS2, "INVITE sip:10.0.0.31")]);
    world.receive(SRS, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(SRS2, &response(&sent[1], "200 OK", "", "", TAKES));
    world.expect(&[(SRS2, "ACK")]);
    assert_ne!(world.copied(), session);
    assert_eq!(shown(&world), "rec: ok, but for 2.0 s, 7 packets lost");
    world.uncopied = 1;
    assert_eq!(ends(&mut world, &ok), "rec: ok, but for 2.0 s, 8 packets lost");
}
