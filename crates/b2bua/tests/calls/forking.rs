//! Parallel forking: several gateways ring at once, one becomes the call.

use crate::common::{ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, inside, invite, response};
use b2bua::{AttemptRecord, Choice, Resolution, Target};
use base::{ReasonId, Transport};
use std::time::Duration;

pub(crate) const GW3: &str = "192.0.2.9:5060";
/// Of the trunk of the next tier.
pub(crate) const NEXT: &str = "192.0.2.10:5060";
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// Three gateways that ring at once, and a trunk of the next tier; `more`: rows of the first trunk.
pub(crate) fn config(more: &str) -> String {
    CONFIG
        .replace("[trunk.one]", &format!("[trunk.one]\nhunt = \"parallel\"\n{more}"))
        .replace("gateways = [\"192.0.2.7\"]", "gateways = [\"192.0.2.7\", \"192.0.2.8\", \"192.0.2.9\"]")
        .replace("gateways = [\"192.0.2.8\"]\n", "gateways = [\"192.0.2.10\"]\n")
        .replace("to = [\"one\", \"two\"]", "to = [\"one\", [\"two\"]]")
}

/// A call whose three branches have begun.
pub(crate) fn ringing(world: &mut World) -> [Sent; 3] {
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE"), (GW3, "INVITE")]);
    <[Sent; 3]>::try_from(sent).expect("three")
}

pub(crate) fn say(world: &mut World, sent: &Sent, status: &str, tag: &str, body: &str) {
    world.receive(&sent.to.to_string(), &response(sent, status, tag, "", body));
}

/// What left, as peers and start lines, ACKs left out.
pub(crate) fn left(world: &mut World) -> Vec<(String, String)> {
    let line = |s: Sent| (s.to.to_string(), s.start().split(" sip:").next().unwrap_or("").to_owned());
    world.take().into_iter().map(line).filter(|(_, start)| start != "ACK").collect()
}

pub(crate) fn lines(what: &[(&str, &str)]) -> Vec<(String, String)> {
    what.iter().map(|(to, start)| ((*to).to_owned(), (*start).to_owned())).collect()
}

/// The callers' 200 is acknowledged and the call hung up.
pub(crate) fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("ACK", 1, to, "ack1", "", ""));
    world.receive(PBX, &inside("BYE", 9, to, "bye1", "", ""));
    for bye in world.take().iter().filter(|s| s.start().starts_with("BYE")) {
        world.receive(&bye.to.to_string(), &response(bye, "200 OK", "", "", ""));
    }
}

fn reasons(attempts: &[AttemptRecord]) -> Vec<(u16, ReasonId)> {
    attempts.iter().map(|a| (a.status, a.reason)).collect()
}

#[test]
fn all_gateways_ring_at_once_and_the_first_answer_is_the_call() {
    let mut world = World::new(&config(""));
    let [one, two, three] = ringing(&mut world);
    let ids = [&one, &two, &three].map(|s| s.header("Call-ID").to_owned());
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "each branch has a dialog of its own");
    say(&mut world, &one, "180 Ringing", "t1", "");
    say(&mut world, &two, "180 Ringing", "t2", "");
    assert_eq!(left(&mut world), lines(&[(PBX, "SIP/2.0 180 Ringing"), (PBX, "SIP/2.0 180 Ringing")]));
    say(&mut world, &two, "200 OK", "t2", ANSWER);
    let sent = world.expect(&[(GW2, "ACK"), (GW1, "CANCEL"), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[1].header("Reason"), ELSEWHERE);
    let to = sent[2].header("To").to_owned();
    // The third has said nothing yet: it may not be cancelled before (RFC 3261 §9.1).
    say(&mut world, &three, "100 Trying", "", "");
    let late = world.expect(&[(GW3, "CANCEL")]);
    assert_eq!(late[0].header("Reason"), ELSEWHERE);
    for sent in [&one, &three] {
        say(&mut world, sent, "487 Request Terminated", "t9", "");
    }
    world.expect(&[(GW1, "ACK"), (GW3, "ACK")]);
    hang_up(&mut world, &to);
    let record = &world.records[0];
    let lost = (0, ReasonId::Elsewhere);
    assert_eq!(reasons(&record.attempts), [lost, (200, ReasonId::HangupA), lost]);
    assert!(record.decision.contains("3 gateways at once"), "{}", record.decision);
    assert_eq!(record.released_by, b2bua::ReleasedBy::Caller);
    let trunk = world.board.trunks(world.now).remove(1);
    assert_eq!((trunk.answered_out, trunk.failed_out), (1, 0), "who was slower has not failed");
    world.settle();
}

#[test]
fn a_second_answer_is_acknowledged_and_ended_each_time_it_comes() {
    let mut world = World::new(&config(""));
    let [one, two, three] = ringing(&mut world);
    for sent in [&one, &two, &three] {
        say(&mut world, sent, "100 Trying", "", "");
    }
    say(&mut world, &one, "200 OK", "t1", ANSWER);
    let sent = world.expect(&[(GW1, "ACK"), (GW2, "CANCEL"), (GW3, "CANCEL"), (PBX, "SIP/2.0 200")]);
    let to = sent[3].header("To").to_owned();
    for _ in 0..2 {
        say(&mut world, &two, "200 OK", "t2", ANSWER);
        let sent = world.expect(&[(GW2, "ACK sip:bob@192.0.2.8"), (GW2, "BYE sip:bob@192.0.2.8")]);
        world.receive(GW2, &response(&sent[1], "200 OK", "", "", ""));
    }
    say(&mut world, &three, "487 Request Terminated", "t3", "");
    world.take();
    hang_up(&mut world, &to);
    assert_eq!(world.records[0].attempts[1].reason, ReasonId::Elsewhere);
    world.settle();
}

#[test]
fn the_caller_hears_the_best_refusal_when_all_have_failed() {
    let mut world = World::new(&config(""));
    let [one, two, three] = ringing(&mut world);
    say(&mut world, &one, "503 Service Unavailable", "t1", "");
    say(&mut world, &two, "486 Busy Here", "t2", "");
    assert_eq!(left(&mut world), [], "the third still rings");
    say(&mut world, &three, "404 Not Found", "t3", "");
    assert_eq!(left(&mut world), lines(&[(PBX, "SIP/2.0 486 Busy Here")]));
    let record = &world.records[0];
    assert_eq!((record.status, record.reason), (486, ReasonId::Busy));
    assert_eq!(record.attempts.iter().map(|a| a.status).collect::<Vec<_>>(), [503, 486, 404]);
    world.settle();
}

#[test]
fn a_refusal_for_all_places_ends_the_others() {
    let mut world = World::new(&config(""));
    let [one, two, three] = ringing(&mut world);
    for sent in [&one, &three] {
        say(&mut world, sent, "180 Ringing", "t1", "");
    }
    world.take();
    say(&mut world, &two, "603 Decline", "t2", "");
    let sent = world.expect(&[(GW2, "ACK"), (GW1, "CANCEL"), (GW3, "CANCEL"), (PBX, "SIP/2.0 603 Decline")]);
    assert_eq!(sent[1].header("Reason"), "SIP;cause=603");
    // One has answered before the CANCEL reached it.
    say(&mut world, &one, "200 OK", "t1", ANSWER);
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    say(&mut world, &three, "487 Request Terminated", "t3", "");
    world.take();
    let elsewhere = (0, ReasonId::DeclinedElsewhere);
    assert_eq!(reasons(&world.records[0].attempts), [elsewhere, (603, ReasonId::Declined), elsewhere]);
    world.settle();
}

#[test]
fn the_next_tier_follows_only_when_every_branch_allows_it() {
    for (last, rings, next) in [
        ("503 Service Unavailable", false, Some(NEXT)),
        ("486 Busy Here", false, None),
        ("503 Service Unavailable", true, None),
    ] {
        let mut world = World::new(&config(""));
        let [one, two, three] = ringing(&mut world);
        if rings {
            say(&mut world, &one, "180 Ringing", "t1", "");
        }
        say(&mut world, &three, last, "t3", "");
        say(&mut world, &two, "500 Server Internal Error", "t2", "");
        say(&mut world, &one, "503 Service Unavailable", "t1", "");
        let sent = left(&mut world);
        let invited = sent.iter().find(|(_, start)| start == "INVITE").map(|(to, _)| to.as_str());
        assert_eq!(invited, next, "{last}, rings: {rings}: {sent:?}");
        if next.is_none() {
            assert_eq!(world.records[0].attempts.len(), 3);
            world.settle();
        }
    }
}

#[test]
fn each_branch_has_its_own_patience_and_the_others_ring_on() {
    let text = config("failover_after = \"4s\"")
        .replace("[trunk.two]", "[trunk.two]\nhunt = \"parallel\"\nfailover_after = \"7s\"")
        .replace("to = [\"one\", [\"two\"]]", "to = [[\"one\", \"two\"]]");
    let mut world = World::new(&text);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.take();
    assert_eq!(sent.len(), 4, "both trunks of the tier");
    let of = |to: &str| sent.iter().find(|s| s.to.to_string() == to).expect("invited");
    for to in [GW1, GW2, NEXT] {
        say(&mut world, of(to), "100 Trying", "", "");
    }
    world.pass(Duration::from_millis(3_900));
    say(&mut world, of(GW2), "180 Ringing", "t2", "");
    world.take();
    world.pass(Duration::from_secs(1));
    let cancelled = |world: &mut World| -> Vec<String> {
        let mut all: Vec<String> =
            left(world).into_iter().filter(|(_, s)| s == "CANCEL").map(|(to, _)| to).collect();
        all.dedup(); // nobody answers it, so it is repeated
        all
    };
    assert_eq!(
        cancelled(&mut world),
        [GW1],
        "the one that rings is left alone, the silent one has no CANCEL"
    );
    say(&mut world, of(GW1), "487 Request Terminated", "t1", "");
    world.pass(Duration::from_millis(2_500));
    assert_eq!(cancelled(&mut world), [NEXT], "its trunk waits for longer");
    say(&mut world, of(GW2), "200 OK", "t2", ANSWER);
    let to = world.take().last().expect("answered").header("To").to_owned();
    hang_up(&mut world, &to);
    let silent = (0, ReasonId::FailoverSilent);
    let mut all = reasons(&world.records[0].attempts);
    all.sort_by_key(|(status, _)| *status);
    assert_eq!(all, [silent, silent, silent, (200, ReasonId::HangupA)]);
    world.settle();
}

#[test]
fn another_address_of_the_gateway_takes_the_place_of_a_dead_one() {
    let text = config("").replace(
        "gateways = [\"192.0.2.7\", \"192.0.2.8\", \"192.0.2.9\"]",
        "gateways = [\"sip.one.example\", \"192.0.2.8\"]",
    );
    let mut world = World::new(&text);
    let at = |address: &str, rank| {
        let target = Target { address: address.parse().expect("address"), transport: Transport::Udp };
        Choice { target, rank, weight: 0, host: rank }
    };
    let choices = vec![at(GW1, 1), at(GW3, 2)];
    world.resolved(1, Resolution::Found { choices, ttl: Duration::from_secs(300), trouble: None });
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[0], "503 Service Unavailable", "t1", "");
    assert_eq!(left(&mut world), lines(&[(GW3, "INVITE")]), "a gateway is rung once at a time");
    say(&mut world, &sent[1], "486 Busy Here", "t2", "");
    assert_eq!(left(&mut world), [], "the second address rings");
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    world.settle();
}

#[test]
fn the_callers_cancel_reaches_every_branch() {
    let mut world = World::new(&config(""));
    let [one, two, three] = ringing(&mut world);
    say(&mut world, &one, "180 Ringing", "t1", "");
    say(&mut world, &two, "100 Trying", "", "");
    say(&mut world, &three, "183 Session Progress", "t3", ANSWER);
    world.take();
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    let sent = left(&mut world);
    for to in [GW1, GW2, GW3] {
        assert!(sent.contains(&(to.to_owned(), "CANCEL".to_owned())), "{to}: {sent:?}");
    }
    assert!(sent.contains(&(PBX.to_owned(), "SIP/2.0 487 Request Terminated".to_owned())), "{sent:?}");
    for sent in [&one, &two, &three] {
        say(&mut world, sent, "487 Request Terminated", "t1", "");
    }
    world.take();
    assert_eq!(reasons(&world.records[0].attempts), [(0, ReasonId::Cancelled); 3]);
    world.settle();
}

#[test]
fn every_branch_counts_against_the_limits_of_its_trunk() {
    for limit in ["calls_out_max = 2", "cps_out_max = 2", "forks_max = 2"] {
        let mut world = World::new(&config(limit));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
        let counted = &world.board.trunks(world.now)[1];
        assert_eq!(counted.calls_out, 2, "{limit}");
        let gateways: Vec<u32> = counted.gateways.iter().map(|g| g.calls).collect();
        assert_eq!(gateways, [1, 1, 0], "{limit}");
        say(&mut world, &sent[0], "503 Service Unavailable", "t1", "");
        say(&mut world, &sent[1], "503 Service Unavailable", "t2", "");
        let next = left(&mut world);
        let follows = if limit.starts_with("forks") { GW3 } else { NEXT };
        assert_eq!(next, lines(&[(follows, "INVITE")]), "{limit}");
        world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
        world.settle();
    }
}

#[test]
fn the_ringing_of_each_branch_is_bounded_by_its_own_trunk() {
    let mut world = World::new(&config("ring_timeout = \"20s\""));
    let [one, two, three] = ringing(&mut world);
    say(&mut world, &one, "180 Ringing", "t1", "");
    say(&mut world, &two, "486 Busy Here", "t2", "");
    world.pass(Duration::from_secs(9));
    say(&mut world, &three, "180 Ringing", "t3", "");
    world.take();
    world.pass(Duration::from_secs(12));
    let mut sent = left(&mut world);
    sent.dedup(); // nobody answers it, so it is repeated
    assert_eq!(sent, lines(&[(GW1, "CANCEL")]));
    say(&mut world, &one, "487 Request Terminated", "t1", "");
    world.pass(Duration::from_secs(8));
    let sent = left(&mut world);
    assert_eq!(sent, lines(&[(GW3, "CANCEL"), (PBX, "SIP/2.0 486 Busy Here")]), "a peer's word comes first");
    say(&mut world, &three, "487 Request Terminated", "t3", "");
    world.settle();
}

#[test]
fn an_emergency_call_rings_at_one_place_at_a_time() {
    let text = config("").replace("match = { called = \"+*\" }", "match = { called = \"112\" }");
    let mut world = World::new(&text);
    world.receive(PBX, &invite("112", OFFER, ""));
    assert_eq!(left(&mut world), lines(&[(GW1, "INVITE")]));
    world.receive(PBX, &inside("CANCEL", 1, "<sip:112@10.0.0.5>", "a1", "", ""));
    world.settle();
}
