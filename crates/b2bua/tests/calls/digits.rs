//! Digits between signalling and media: who is offered events, which INFO stays and which goes on.

use crate::common::{
    ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use crate::transfers::{self, fine, target_answers};
use base::ReasonId;
use media::{Command, Digit, Reply, Side};
use std::time::Duration;

fn world(pbx: &str, one: &str) -> World {
    let pbx = format!("[trunk.pbx]\noverride = {{ {pbx} }}");
    let one = format!("[trunk.one]\noverride = {{ {one} }}");
    World::new(&CONFIG.replace("[trunk.pbx]", &pbx).replace("[trunk.one]", &one))
}

/// An INFO of the caller with a digit.
fn info(world: &mut World, cseq: u32, to: &str, digit: &str) {
    let body = format!("Signal={digit}\r\nDuration=120\r\n");
    let text = inside("INFO", cseq, to, &format!("i{cseq}"), "", &body);
    world.receive(PBX, &text.replace("application/sdp", "application/dtmf-relay"));
}

/// Whose digits the engine was last told to convert.
fn converted(world: &World) -> [bool; 2] {
    let of = |command: &Command| match command {
        Command::Bridge { plans, .. } => {
            Some(plans.as_ref().map(|plans| [0, 1].map(|n| plans[n].digits.is_some())))
        }
        _ => None,
    };
    world.media.iter().filter_map(of).next_back().flatten().unwrap_or_default()
}

fn session(world: &World) -> media::SessionId {
    let open = world.media.iter().find_map(|command| match command {
        Command::Open { session, .. } => Some(*session),
        _ => None,
    });
    open.expect("a session")
}

fn hears(world: &mut World, event: u8) -> Vec<Sent> {
    let digit = Digit { event, duration_ms: 90 };
    world.media_reply(Reply::Digit { session: session(world), from: Side::A, digit });
    world.take()
}

#[test]
fn between_trunks_that_say_nothing_all_passes_as_it_comes() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    assert!(out.body().contains("m=audio 30") && out.body().contains(" 8 0 101"), "{}", out.body());
    info(&mut world, 2, ok.header("To"), "5");
    let sent = world.expect(&[(GW1, "INFO ")]);
    assert_eq!(sent[0].body(), "Signal=5\r\nDuration=120\r\n");
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    assert_eq!(converted(&world), [false; 2]);
}

#[test]
fn a_peer_on_info_is_offered_no_events_and_the_other_keeps_its_own() {
    let mut world = world("dtmf = \"auto\"", "dtmf = \"info\"");
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    assert!(!out.body().contains("telephone-event") && out.body().contains(" 8 0\r\n"), "{}", out.body());
    let plain = ANSWER.replace(" 8 101", " 8").replace("a=rtpmap:101 telephone-event/8000\r\n", "");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &plain));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    assert!(sent[1].body().contains("a=rtpmap:101 telephone-event/8000"), "{}", sent[1].body());
    assert_eq!(converted(&world), [true; 2]);
}

#[test]
fn what_the_engine_hears_goes_out_one_info_at_a_time() {
    let mut world = world("dtmf = \"auto\"", "dtmf = \"info\"");
    let _ = answered(&mut world);
    let first = hears(&mut world, 7);
    assert_eq!((first.len(), first[0].body()), (1, "Signal=7\r\nDuration=90\r\n"));
    assert_eq!(first[0].header("Content-Type"), "application/dtmf-relay");
    assert_eq!((hears(&mut world, 10).len(), hears(&mut world, 11).len()), (0, 0));
    world.receive(GW1, &response(&first[0], "200 OK", "", "", ""));
    let second = world.expect(&[(GW1, "INFO ")]).remove(0);
    assert_eq!(second.body(), "Signal=*\r\nDuration=90\r\n");
    // Said again it might be heard twice: a refusal is the end of that digit.
    world.receive(GW1, &response(&second, "415 Unsupported Media Type", "", "", ""));
    let third = world.expect(&[(GW1, "INFO ")]).remove(0);
    assert_eq!(third.body(), "Signal=#\r\nDuration=90\r\n");
    world.receive(GW1, &response(&third, "200 OK", "", "", ""));
    world.expect(&[]);
    assert!(world.notes.iter().all(|note| !note.contains("Signal")), "{:?}", world.notes);
}

#[test]
fn an_info_becomes_a_digit_for_the_engine_and_is_answered_here() {
    let mut world = world("dtmf = \"info\"", "dtmf = \"rfc4733\"");
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    assert!(out.body().contains("telephone-event"), "{}", out.body());
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    assert!(!sent[1].body().contains("telephone-event"), "{}", sent[1].body());
    let to = sent[1].header("To").to_owned();
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    info(&mut world, 2, &to, "11");
    world.expect(&[(PBX, "SIP/2.0 200")]);
    let digit = Digit { event: 11, duration_ms: 120 };
    let order = Command::Digit { session: session(&world), toward: Side::B, digit };
    assert_eq!(world.media.last(), Some(&order));
    assert!(format!("{:?}", world.media.last()).contains("Digit(…)"), "a digit does not show itself");
    // Other bodies go on.
    let text = inside("INFO", 3, &to, "i3", "", "x=1");
    world.receive(PBX, &text.replace("application/sdp", "application/media_control+xml"));
    world.expect(&[(GW1, "INFO ")]);
}

#[test]
fn events_are_offered_where_nobody_had_them_under_a_free_number() {
    let mut world = world("dtmf = \"auto\"", "dtmf = \"rfc4733\"");
    let offer = OFFER.replace(" 8 0 101", " 8 101").replace("telephone-event/8000", "opus/48000/2");
    world.receive(PBX, &invite("004420700000", &offer, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    assert!(out.body().contains(" 8 101 96 97\r\n"), "{}", out.body());
    assert!(out.body().contains("a=rtpmap:96 telephone-event/8000\r\n"), "{}", out.body());
    assert!(out.body().contains("a=rtpmap:97 telephone-event/48000\r\n"), "{}", out.body());
}

#[test]
fn info_of_one_form_goes_on_as_the_other() {
    let mut world = world("dtmf = \"info\"", "dtmf = \"info\", dtmf_info = \"dtmf\"");
    let (_, ok) = answered(&mut world);
    info(&mut world, 2, ok.header("To"), "9");
    let sent = world.expect(&[(GW1, "INFO "), (PBX, "SIP/2.0 200")]);
    assert_eq!((sent[0].body(), sent[0].header("Content-Type")), ("9", "application/dtmf"));
    assert_eq!(converted(&world), [false; 2]);
}

#[test]
fn where_tones_cannot_be_made_an_info_passes_as_it_came() {
    let mut world = world("dtmf = \"info\"", "dtmf = \"inband\"");
    let g729 = |text: &str| {
        text.replace(" 8 0 101", " 18")
            .replace(" 8 101", " 18")
            .replace("a=rtpmap:101 telephone-event/8000\r\n", "")
    };
    world.receive(PBX, &invite("004420700000", &g729(OFFER), ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &g729(ANSWER)));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    let to = sent[1].header("To").to_owned();
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    info(&mut world, 2, &to, "1");
    world.expect(&[(GW1, "INFO ")]);
    assert_eq!(converted(&world), [false; 2]);
}

/// An INFO of the callee with a digit in the plain form.
fn plain_info(world: &mut World, first: &Sent, cseq: u32, digit: &str) {
    let text = from_callee("INFO", cseq, first, "tb", &format!("p{cseq}"), digit);
    world.receive(GW1, &text.replace("application/sdp", "application/dtmf"));
}

fn lost(world: &World) -> u64 {
    let counters = world.board.status().counters;
    counters.iter().find(|(name, _)| *name == "digits_lost").map_or(0, |(_, count)| *count)
}

#[test]
fn digits_that_wait_for_a_party_are_not_told_to_the_one_that_takes_its_place() {
    let mut world = World::new(&transfers::config("refer = \"local\", dtmf = \"info\"", "dtmf = \"info\""));
    let (first, ok) = answered(&mut world);
    plain_info(&mut world, &first, 2, "5");
    let old = world.expect(&[(PBX, "INFO "), (GW1, "SIP/2.0 200")]).remove(0);
    assert_eq!(old.body(), "Signal=5\r\nDuration=160\r\n");
    plain_info(&mut world, &first, 3, "6");
    world.expect(&[(GW1, "SIP/2.0 200")]);
    let (_, moved) = target_answers(&mut world, &ok);
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE ")]).remove(0);
    assert_eq!(lost(&world), 1, "the digit that waited");
    plain_info(&mut world, &first, 4, "7");
    let new = world.expect(&[(GW1, "INFO "), (GW1, "SIP/2.0 200")]).remove(0);
    assert!(new.body().starts_with("Signal=7"), "{}", new.body());
    plain_info(&mut world, &first, 5, "8");
    world.expect(&[(GW1, "SIP/2.0 200")]);
    world.receive(PBX, &response(&old, "481 Gone", "", "", ""));
    fine(&mut world, &bye);
    world.expect(&[]);
    assert_eq!(lost(&world), 2, "what the party that went refused late");
    fine(&mut world, &new);
    let last = world.expect(&[(GW1, "INFO ")]).remove(0);
    assert!(last.body().starts_with("Signal=8"), "{}", last.body());
}

#[test]
fn a_peer_that_knows_no_dialog_for_a_digit_or_is_silent_ends_the_call() {
    for (status, reason) in [("481 Gone", ReasonId::DialogGone), ("", ReasonId::RefreshFailed)] {
        let mut world = world("dtmf = \"auto\"", "dtmf = \"info\"");
        let _ = answered(&mut world);
        let digit = hears(&mut world, 7).remove(0);
        assert_eq!(hears(&mut world, 8).len(), 0);
        if status.is_empty() {
            world.pass(Duration::from_millis(31_600));
            world.take();
            world.pass(Duration::from_millis(400));
        } else {
            world.receive(GW1, &response(&digit, status, "", "", ""));
        }
        let byes = world.expect(&[(PBX, "BYE "), (GW1, "BYE ")]);
        byes.iter().for_each(|bye| fine(&mut world, bye));
        assert_eq!(world.records[0].reason, reason);
        assert_eq!(lost(&world), 2, "the one refused and the one that waited");
    }
}

#[test]
fn a_digit_that_is_refused_or_finds_no_room_is_counted_and_the_call_goes_on() {
    let mut world = world("dtmf = \"auto\"", "dtmf = \"info\"");
    let _ = answered(&mut world);
    let digit = hears(&mut world, 7).remove(0);
    for _ in 0..33 {
        assert_eq!(hears(&mut world, 8).len(), 0);
    }
    assert_eq!(lost(&world), 1);
    world.receive(GW1, &response(&digit, "415 No", "", "", ""));
    world.expect(&[(GW1, "INFO ")]);
    assert_eq!(lost(&world), 2);
}
