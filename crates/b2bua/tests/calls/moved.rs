//! Media that are not anchored, moved by a peer in its answer to a refresh of ours: the other peer hears of it.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, inside, response};
use base::ReasonId;
use std::time::Duration;

/// Direct media on both trunks; the gateway's is refreshed by re-INVITE.
fn world() -> World {
    let timer = "session_timer = { expires = \"600s\", refresh_by = \"reinvite\", refresher = \"us\" }";
    let config =
        CONFIG.replacen("[trunk.pbx]\n", "[trunk.pbx]\noverride = { media = \"direct\" }\n", 1).replacen(
            "[trunk.one]\n",
            &format!("[trunk.one]\noverride = {{ media = \"direct\", {timer} }}\n"),
            1,
        );
    World::new(&config)
}

fn moved() -> String {
    ANSWER.replace("o=bob 5 5", "o=bob 5 6").replace("audio 6000", "audio 6600")
}

/// The refresh, answered with a description; gives what leaves after its ACK.
fn refreshed(world: &mut World, body: &str) -> Vec<Sent> {
    world.pass(Duration::from_millis(300_100));
    let refresh = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!(refresh.body(), OFFER, "what the caller has described");
    world.receive(GW1, &response(&refresh, "200 OK", "tb", "", body));
    let mut sent = world.take();
    assert!(sent.remove(0).start().starts_with("ACK"));
    sent
}

#[test]
fn the_other_peer_is_told_where_its_media_go_from_now_on() {
    let mut world = world();
    let (_, ok) = answered(&mut world);
    assert_eq!(ok.body(), ANSWER);
    let told = refreshed(&mut world, &moved()).remove(0);
    assert!(told.start().starts_with("INVITE sip:alice@10.0.0.21"), "{}", told.start());
    assert_eq!(told.body(), moved());
    world.receive(PBX, &response(&told, "200 OK", "", "", OFFER));
    world.expect(&[(PBX, "ACK")]);
    // Nothing more has changed: the next refresh is one.
    assert!(refreshed(&mut world, &moved()).is_empty());
}

#[test]
fn a_refresh_that_changes_nothing_stays_on_its_leg() {
    let mut world = world();
    answered(&mut world);
    assert!(refreshed(&mut world, &ANSWER.replace("o=bob 5 5", "o=bob 5 6")).is_empty());
}

#[test]
fn one_that_is_busy_is_told_later() {
    let mut world = world();
    answered(&mut world);
    let told = refreshed(&mut world, &moved()).remove(0);
    world.receive(PBX, &response(&told, "491 Request Pending", "", "", ""));
    world.expect(&[(PBX, "ACK")]);
    world.pass(Duration::from_millis(3_100));
    let told = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(told.body(), moved());
}

#[test]
fn one_that_does_not_follow_ends_the_call() {
    let mut world = world();
    let (_, ok) = answered(&mut world);
    let told = refreshed(&mut world, &moved()).remove(0);
    world.receive(PBX, &response(&told, "488 Not Acceptable Here", "", "", ""));
    let sent = world.expect(&[(PBX, "ACK"), (PBX, "BYE"), (GW1, "BYE")]);
    for bye in &sent[1..] {
        world.receive(&bye.to.to_string(), &response(bye, "200 OK", "", "", ""));
    }
    world.receive(PBX, &inside("BYE", 9, ok.header("To"), "late", "", ""));
    world.take();
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::SdpAnswerBad);
}

#[test]
fn two_peers_that_move_with_every_answer_are_not_led_round_for_ever() {
    let mut world = world();
    answered(&mut world);
    let mut told = refreshed(&mut world, &moved());
    let mut moves = 0;
    while let Some(one) = told.iter().find(|one| one.start().starts_with("INVITE")).cloned() {
        moves += 1;
        let body = OFFER.replace("audio 4000", &format!("audio {}", 4_400 + moves * 2));
        world.receive(&one.to.to_string(), &response(&one, "200 OK", "", "", &body));
        told = world.take();
    }
    assert_eq!(moves, 4);
}
