//! What of a call is not on its recording is said in its record.

use crate::common::{CONFIG, Sent, World, response};
use crate::recorded::{SRS, TAKES, begun, from_recorder, hung_up, recorded, taken};
use b2bua::Command;
use b2bua::input::RecordWish;
use base::TrunkId;
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
    assert_eq!(ends(&mut world, &ok), "rec: ok");
}

#[test]
fn a_recorder_that_ended_the_recording_is_asked_again_where_an_operator_says_so() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.receive(SRS, &from_recorder("BYE", &invite, "", ""));
    world.expect(&[(SRS, "SIP/2.0 200")]);
    assert_eq!(shown(&world), "rec: stopped by the recorder");
    order(&mut world, RecordWish::By(TrunkId(3)));
    let anew = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &anew, TAKES);
    assert_eq!(ends(&mut world, &ok), "rec: ok");
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
