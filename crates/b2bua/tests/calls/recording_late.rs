//! What a recorder has not taken yet of a call that changes is missing of the recording, and told.

use crate::common::{ANSWER, GW1, OFFER, PBX, Sent, World, inside, response};
use crate::recorded::{SRS, SRS2, TAKES, begun, recorded, taken};
use b2bua::Command;
use b2bua::input::RecordWish;
use media::Side;
use std::time::Duration;

fn order(world: &mut World, wish: RecordWish) {
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish });
}

/// Whether what each side says goes to the recorder, by what the engine was told last.
fn sends(world: &World) -> [bool; 2] {
    let copy = world.media.iter().rev().find_map(|command| match command {
        media::Command::Copy { session, .. } => Some(*session),
        _ => None,
    });
    Side::BOTH.map(|wanted| {
        let last = world.media.iter().rev().find_map(|command| match command {
            media::Command::Set { session, side, remote, .. }
                if Some(*session) == copy && *side == wanted =>
            {
                Some(remote.send)
            }
            _ => None,
        });
        last.unwrap_or_default()
    })
}

fn to<'s>(sent: &'s [Sent], whom: &str, start: &str) -> &'s Sent {
    let is = |sent: &&Sent| sent.to.to_string() == whom && sent.start().starts_with(start);
    let found = sent.iter().find(is);
    assert!(found.is_some(), "no {start} to {whom}: {sent:#?}");
    found.expect("one")
}

/// The caller changes the direction of its sound, and the callee follows; what the recorder hears of it.
fn turns(world: &mut World, ok: &Sent, cseq: u32, direction: &str) -> Sent {
    let offer = OFFER.replace("alice 1 1", &format!("alice 1 {cseq}")).replace("sendrecv", direction);
    let branch = format!("re{cseq}");
    world.receive(PBX, &inside("INVITE", cseq, ok.header("To"), &branch, "", &offer));
    let sent = world.take();
    let passed = to(&sent, GW1, "INVITE").clone();
    let answer = ANSWER.replace("bob 5 5", &format!("bob 5 {}", 5 + cseq)) + &format!("a={direction}\r\n");
    world.receive(GW1, &response(&passed, "200 OK", "tb", "", &answer));
    let sent = world.take();
    world.receive(PBX, &inside("ACK", cseq, ok.header("To"), &format!("ack{cseq}"), "", ""));
    let more = world.take();
    let all: Vec<Sent> = sent.into_iter().chain(more).collect();
    to(&all, SRS, "INVITE").clone()
}

/// A recorder beside trunks that let their calls be transferred.
fn transferring() -> World {
    let text = crate::transfers::config(crate::transfers::LOCAL, "")
        .replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n")
        .replace("[trunk.one]\n", "[trunk.one]\nrecord = \"rec\"\n");
    World::new(&format!(
        "{text}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n"
    ))
}

#[test]
fn a_pause_that_begins_and_ends_while_an_offer_of_the_call_is_open_does_not_end_the_recording() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    assert_eq!(sends(&world), [true; 2]);
    let more = OFFER.replace("alice 1 1", "alice 1 2").replace("RTP/AVP 8 0 101", "RTP/AVP 8 0 18 101");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &more));
    let sent = world.take();
    let crossed = sent.iter().find(|sent| sent.to.to_string() == GW1).expect("it goes on").clone();
    order(&mut world, RecordWish::Pause);
    world.pass(Duration::from_secs(2));
    order(&mut world, RecordWish::Resume);
    world.receive(GW1, &response(&crossed, "488 Not Acceptable Here", "", "", ""));
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "re1", "", ""));
    let told: Vec<Sent> = world.take().into_iter().filter(|sent| sent.to.to_string() == SRS).collect();
    world.pass(Duration::from_secs(600));
    let shown = world.board.calls()[0].recording.to_string();
    assert!(
        sends(&world) == [true; 2] || !told.is_empty(),
        "nothing goes to the recorder for 600 s, and nothing was told to it: {:?}, {shown}",
        sends(&world)
    );
}

#[test]
fn what_is_said_after_a_hold_before_the_recorder_takes_it_is_a_gap() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(Duration::from_secs(10));
    let held = turns(&mut world, &ok, 2, "inactive");
    // RFC 3264 §6.1: what is offered as inactive is answered so.
    world.receive(SRS, &response(&held, "200 OK", "", "", &TAKES.replace("recvonly", "inactive")));
    world.expect(&[(SRS, "ACK")]);
    world.pass(Duration::from_secs(10));
    let resumed = turns(&mut world, &ok, 3, "sendrecv");
    assert_eq!(sends(&world), [false; 2], "nothing goes to the recorder yet");
    world.receive(SRS, &response(&resumed, "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(20));
    assert_eq!(sends(&world), [false; 2], "for 20 s both have talked and nothing was recorded");
    world.receive(SRS, &response(&resumed, "200 OK", "", "", TAKES));
    world.take();
    assert_eq!(sends(&world), [true; 2]);
    crate::recorded::hung_up(&mut world, &ok, 4);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok, but for 20.0 s");
}

#[test]
fn a_recorder_that_never_takes_what_follows_a_hold_is_lost_from_the_end_of_the_hold_on() {
    let mut world = recorded("\"10.0.0.30\", \"10.0.0.31\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let held = turns(&mut world, &ok, 2, "inactive");
    world.receive(SRS, &response(&held, "200 OK", "", "", &TAKES.replace("recvonly", "inactive")));
    world.expect(&[(SRS, "ACK")]);
    world.pass(Duration::from_secs(10));
    let resumed = turns(&mut world, &ok, 3, "sendrecv");
    world.receive(SRS, &response(&resumed, "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(20));
    world.receive(SRS, &response(&resumed, "503 Service Unavailable", "", "", ""));
    let sent = world.take();
    let next = to(&sent, SRS2, "INVITE");
    world.receive(SRS2, &response(next, "200 OK", "srs2", "", TAKES));
    world.take();
    assert_eq!(&*world.board.calls()[0].recording, "rec: ok, but for 20.0 s");
}

#[test]
fn a_side_whose_new_codec_the_recorder_has_not_taken_is_a_gap() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let other = |text: &str| text.replace("RTP/AVP 8", "RTP/AVP 0");
    let offer = OFFER.replace("alice 1 1", "alice 1 2").replace("RTP/AVP 8 0 101", "RTP/AVP 0 101");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re2", "", &offer));
    let sent = world.take();
    let answer = other(&ANSWER.replace("bob 5 5", "bob 5 6"));
    world.receive(GW1, &response(to(&sent, GW1, "INVITE"), "200 OK", "tb", "", &answer));
    let sent = world.take();
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    let told = to(&sent, SRS, "INVITE").clone();
    world.receive(SRS, &response(&told, "100 Trying", "", "", ""));
    world.pass(Duration::from_secs(7));
    world.receive(SRS, &response(&told, "200 OK", "", "", &other(TAKES)));
    world.take();
    assert_eq!(&*world.board.calls()[0].recording, "rec: ok, but for 7.0 s");
}

#[test]
fn a_recorder_for_which_no_ports_are_left_after_a_transfer_is_told_the_end() {
    let mut world = transferring();
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let (_, stays) = crate::transfers::target_answers(&mut world, &ok);
    world.media_fails = true;
    world.receive(GW1, &response(&stays, "200 OK", "tb", "", ANSWER));
    let sent = world.take();
    let bye = to(&sent, SRS, "BYE").clone();
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    assert_eq!(&*world.board.calls()[0].recording, "rec: lost, media_ports_exhausted");
}

#[test]
fn what_an_operator_orders_off_while_the_end_is_under_way_is_no_gap() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    order(&mut world, RecordWish::Off);
    let bye = world.expect(&[(SRS, "BYE")]).remove(0);
    order(&mut world, RecordWish::By(base::TrunkId(3)));
    order(&mut world, RecordWish::Off);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    world.take();
    world.pass(Duration::from_secs(600));
    order(&mut world, RecordWish::By(base::TrunkId(3)));
    let anew = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &anew, TAKES);
    crate::recorded::hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok, paused 600.0 s");
}

#[test]
fn a_transfer_that_the_recorder_takes_late_is_a_gap() {
    let mut world = transferring();
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.pass(Duration::from_secs(10));
    let (_, stays) = crate::transfers::target_answers(&mut world, &ok);
    world.receive(GW1, &response(&stays, "200 OK", "tb", "", ANSWER));
    let sent = world.take();
    let told = to(&sent, SRS, "INVITE").clone();
    for of in sent.iter().filter(|s| s.start().starts_with("NOTIFY") || s.start().starts_with("BYE")) {
        crate::transfers::fine(&mut world, of);
    }
    world.receive(SRS, &response(&told, "100 Trying", "", "", ""));
    assert_eq!(sends(&world), [false; 2], "the new ports lead nowhere yet");
    world.pass(Duration::from_secs(20));
    assert_eq!(sends(&world), [false; 2], "20 s of the transferred call are on no recording");
    world.receive(SRS, &response(&told, "200 OK", "", "", TAKES));
    world.take();
    assert_eq!(sends(&world), [true; 2]);
    let shown = world.board.calls()[0].recording.to_string();
    assert_eq!(shown, "rec: ok, but for 20.0 s");
}
