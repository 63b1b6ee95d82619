//! Media between the peers, by the ids of their places, and back through the node when a call moves out of them.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use crate::transfers::{LOCAL, TARGET, fine, refer, target_answers};
use media::Command;

/// The PBX and the first provider share a place, the second provider stands elsewhere; all let their media go.
fn config(pbx: &str) -> String {
    let mut text = format!("{CONFIG}[media]\nbypass = \"match\"\n");
    for (trunk, id, more) in [("pbx", "home", pbx), ("one", "home", ""), ("two", "far", "")] {
        let more = if more.is_empty() { String::new() } else { format!(", {more}") };
        let with =
            format!("[trunk.{trunk}]\nbypass = [\"{id}\"]\noverride = {{ media = \"direct\"{more} }}\n");
        text = text.replace(&format!("[trunk.{trunk}]\n"), &with);
    }
    text
}

fn opened(world: &World) -> usize {
    world.media.iter().filter(|command| matches!(command, Command::Open { .. })).count()
}

fn origin(sent: &Sent) -> Vec<&str> {
    let line = sent.body().split("\r\n").find(|line| line.starts_with("o=")).expect("an origin");
    line.split(' ').collect()
}

/// The same session in a later version (RFC 3264 §8).
fn follows(later: &Sent, sooner: &Sent) {
    let (later, sooner) = (origin(later), origin(sooner));
    let number = |line: &[&str]| line[2].parse::<u64>().expect("a version");
    assert_eq!((&later[..2], &later[3..]), (&sooner[..2], &sooner[3..]));
    assert!(number(&later) > number(&sooner), "{later:?} after {sooner:?}");
}

#[test]
fn media_go_between_peers_that_share_a_place_and_else_through_the_node() {
    let mut world = World::new(&config(""));
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!(first.body(), OFFER, "as it came");
    assert_eq!(opened(&world), 0);
    world.receive(GW1, &response(&first, "503 Service Unavailable", "x", "", ""));
    let second = world.expect(&[(GW1, "ACK"), (GW2, "INVITE")]).remove(1);
    assert!(second.body().contains("m=audio 3") && !second.body().contains("10.0.0.21"), "{}", second.body());
    assert_eq!(opened(&world), 1);
    world.receive(GW2, &response(&second, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW2, "BYE")]).remove(1);
    world.receive(GW2, &response(&bye, "200 OK", "", "", ""));
    world.settle();
    let record = &world.records[0];
    assert_eq!(
        &*record.decision,
        "route world; one media between the peers: bypass id home; two, if tried: media through this node: no common bypass id"
    );
    assert!(record.media.is_some(), "what was anchored has a report");
}

#[test]
fn trunks_that_ring_at_once_are_tried_for_certain_and_the_next_tier_is_not() {
    let third = "[trunk.last]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"192.0.2.10\"]\n\
                 bypass = [\"home\"]\noverride = { media = \"direct\" }\n";
    let text = config("")
        .replace("\"far\"", "\"home\"")
        .replace("to = [\"one\", \"two\"]", "to = [[\"one\", \"two\"], [\"last\"]]")
        + "[defaults]\nhunt = \"parallel\"\n"
        + third;
    let mut world = World::new(&text);
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let mut rung: Vec<String> = world.take().iter().map(|sent| sent.to.to_string()).collect();
    rung.sort();
    assert_eq!(rung, [GW1, GW2]);
    let decision = world.board.calls()[0].decision.to_string();
    let path = "media between the peers: bypass id home";
    for certain in ["one", "two"] {
        assert!(decision.contains(&format!("; {certain} {path}")), "{decision}");
    }
    assert!(decision.ends_with(&format!("; last, if tried: {path}; 2 gateways at once")), "{decision}");
}

#[test]
fn a_call_that_leaves_by_the_trunk_that_it_came_by_needs_no_hairpin() {
    let mut world = World::new(&config(""));
    world.receive(PBX, &invite("+493023125107", OFFER, ""));
    let out = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!((out.body(), opened(&world)), (OFFER, 0));
}

/// The party that came holds: the one that stayed hears of it in a further version of what it knows.
fn is_held(world: &mut World, target: &Sent, moved: &Sent) {
    let hold = TARGET.replace("carol 9 9", "carol 9 10").replace("m=audio", "a=sendonly\r\nm=audio");
    world.receive(GW2, &from_callee("INVITE", 7, target, "tc", "h1", &hold));
    let held = world.expect(&[(GW1, "INVITE")]).remove(0);
    follows(&held, moved);
    assert!(held.body().contains("c=IN IP4 192.0.2.1\r\n") && held.body().contains("a=sendonly"));
    world.receive(GW1, &response(&held, "200 OK", "", "", ANSWER));
    world.expect(&[(GW1, "ACK"), (GW2, "SIP/2.0 200")]);
    world.receive(GW2, &from_callee("ACK", 7, target, "tc", "h2", ""));
}

#[test]
fn a_call_that_moves_out_of_its_place_comes_back_through_the_node() {
    let text = config(LOCAL).replace("to = [\"one\", \"two\"]", "to = [\"one\"]")
        + "[[route]]\nname = \"far\"\nmatch = { called = \"+1*\" }\nto = [\"two\"]\npriority = 1\n";
    let mut world = World::new(&text);
    let (first, ok) = answered(&mut world);
    assert_eq!((ok.body(), opened(&world)), (ANSWER, 0));
    let left = refer(&mut world, &ok, 2, "<sip:0014255550100@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let target = left[2].clone();
    assert_eq!(target.to.to_string(), GW2);
    assert!(target.body().contains("m=audio 3"), "through the node: {}", target.body());
    assert_eq!(opened(&world), 1);
    world.receive(GW2, &response(&target, "200 OK", "tc", "", TARGET));
    let moved = world.expect(&[(GW2, "ACK"), (GW1, "INVITE")]).remove(1);
    assert!(moved.body().contains("c=IN IP4 192.0.2.1\r\n") && !moved.body().contains("9000"));
    follows(&moved, &first);
    world.receive(GW1, &response(&moved, "200 OK", "", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    is_held(&mut world, &target, &moved);
    world.receive(GW2, &from_callee("BYE", 8, &target, "tc", "b1", ""));
    let sent = world.expect(&[(GW2, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    let record = &world.records[0];
    assert!(record.media.is_some());
    assert!(
        record.decision.ends_with("; two media through this node: no common bypass id"),
        "{}",
        record.decision
    );
}

#[test]
fn a_call_that_moves_within_its_place_stays_between_the_peers() {
    let mut world = World::new(&config(LOCAL));
    let (first, ok) = answered(&mut world);
    let (target, moved) = target_answers(&mut world, &ok);
    assert_eq!(opened(&world), 0);
    assert!(!target.body().contains("192.0.2.1\r\n") && moved.body().contains("m=audio 9000"));
    follows(&moved, &first);
}
