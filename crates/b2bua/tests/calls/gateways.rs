//! Choosing among the gateways of a trunk: limits, duty, response mapping, quality, hunting.

use crate::common::{ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, inside, invite, response};
use b2bua::{Command, Duty};
use base::{GatewayId, ReasonId, TrunkId};
use std::time::Duration;

const ONE: TrunkId = TrunkId(1);
const THIRD: &str = "192.0.2.9:5060";

/// The plain configuration with more rows for the first provider.
fn with(rows: &str) -> String {
    CONFIG.replace("[trunk.one]", &format!("[trunk.one]\n{rows}"))
}

/// The first provider has three gateways, of which the second is the second provider's address.
fn three(rows: &str) -> String {
    with(rows)
        .replace("gateways = [\"192.0.2.7\"]", "gateways = [\"192.0.2.7\", \"192.0.2.8\", \"192.0.2.9\"]")
        .replace("to = [\"one\", \"two\"]", "to = \"one\"")
}

/// The n-th call of the PBX.
fn nth(n: usize) -> String {
    let plain = invite("+4420700000", OFFER, "");
    plain.replace("call-a", &format!("call-{n}")).replace("bKa1", &format!("bKa{n}"))
}

/// Places a call and gives the INVITE that left, or the answer to the caller.
fn place(world: &mut World, n: usize) -> Sent {
    world.receive(PBX, &nth(n));
    let sent = world.take();
    let end = |s: &Sent| {
        s.start().starts_with("INVITE") || s.start().starts_with("SIP/2.0 ") && !s.start().contains("100")
    };
    sent.into_iter().find(end).expect("an INVITE or a final response")
}

/// A gateway refuses; gives the next INVITE, or the answer to the caller.
fn refuse(world: &mut World, sent: &Sent, status: &str, rows: &str) -> Sent {
    world.receive(&sent.to.to_string(), &response(sent, status, "x", rows, ""));
    world.take().remove(1)
}

/// A gateway answers, the caller acknowledges.
fn answer(world: &mut World, n: usize, sent: &Sent) -> String {
    world.receive(&sent.to.to_string(), &response(sent, "200 OK", "tb", "", ANSWER));
    let all = world.take();
    let to = all.iter().find(|s| s.to.to_string() == PBX).expect("an answer").header("To").to_owned();
    let ack = inside("ACK", 1, &to, &format!("ack{n}"), "", "").replace("call-a", &format!("call-{n}"));
    world.receive(PBX, &ack);
    to
}

fn hang_up(world: &mut World, n: usize, to: &str) {
    let bye = inside("BYE", 2, to, &format!("bye{n}"), "", "").replace("call-a", &format!("call-{n}"));
    world.receive(PBX, &bye);
    for sent in world.take().iter().filter(|s| s.start().starts_with("BYE")) {
        world.receive(&sent.to.to_string(), &response(sent, "200 OK", "", "", ""));
    }
}

/// A call from the first provider to a number of ours.
fn incoming(world: &mut World, n: usize) -> Sent {
    let text = invite("+493023125100", OFFER, "")
        .replace("10.0.0.21", "192.0.2.7")
        .replace("10.0.0.5", "192.0.2.1")
        .replace("call-a", &format!("in-{n}"))
        .replace("bKa1", &format!("bKin{n}"));
    world.receive(GW1, &text);
    let sent = world.take();
    let end = |s: &Sent| {
        s.start().starts_with("INVITE") || s.start().starts_with("SIP/2.0 ") && !s.start().contains("100")
    };
    sent.into_iter().find(end).expect("an INVITE or a final response")
}

#[test]
fn each_direction_has_limits_of_its_own() {
    let mut world = World::new(&with("calls_out_max = 1\ncalls_in_max = 1"));
    let first = place(&mut world, 1);
    assert_eq!(first.to.to_string(), GW1);
    let to = answer(&mut world, 1, &first);
    assert_eq!(place(&mut world, 2).to.to_string(), GW2, "no more out");
    let arrived = incoming(&mut world, 1);
    assert_eq!(arrived.to.to_string(), PBX, "one may still come in");
    let second = incoming(&mut world, 2);
    assert!(
        second.start().starts_with("SIP/2.0 503") && second.text.contains("L-TRUNK-CALLS"),
        "{}",
        second.text
    );
    assert!(!second.header("Retry-After").is_empty());
    hang_up(&mut world, 1, &to);
    assert_eq!(place(&mut world, 3).to.to_string(), GW1, "there is room again");
}

#[test]
fn each_direction_has_a_rate_of_its_own() {
    let mut world = World::new(&with("cps_out_max = 2\ncps_in_max = 1"));
    let begun = |world: &mut World, n| place(world, n).to.to_string();
    let firsts = [begun(&mut world, 1), begun(&mut world, 2), begun(&mut world, 3)];
    assert_eq!(firsts, [GW1, GW1, GW2]);
    assert_eq!(incoming(&mut world, 1).to.to_string(), PBX);
    let second = incoming(&mut world, 2);
    assert!(second.text.contains("L-TRUNK-CPS"), "{}", second.text);
    world.pass(Duration::from_secs(1));
    world.take();
    assert_eq!(begun(&mut world, 4), GW1);
    assert_eq!(incoming(&mut world, 3).to.to_string(), PBX);
}

#[test]
fn a_mapped_response_decides_about_the_next_attempt_and_what_the_caller_hears() {
    let rows = "map_response = [{ status = 486, cause = 34, to = 503 }, { status = 404, to = 480 }]";
    let mut world = World::new(&with(rows));
    let first = place(&mut world, 1);
    let reason = "Reason: Q.850;cause=34\r\n";
    let next = refuse(&mut world, &first, "486 Busy Here", reason);
    assert_eq!(next.to.to_string(), GW2, "a busy trunk group is no busy callee");
    let heard = refuse(&mut world, &next, "486 Busy Here", reason);
    assert!(heard.start().starts_with("SIP/2.0 486"), "the rules are the first trunk's alone");
    let record = &world.records[0];
    assert_eq!((record.attempts[0].status, record.attempts[0].q850), (486, Some(34)), "what was received");
    assert!(record.decision.contains("486 of one cause 34 counts as 503"), "{}", record.decision);

    let first = place(&mut world, 2);
    let heard = refuse(&mut world, &first, "486 Busy Here", "Reason: Q.850;cause=17\r\n");
    assert!(heard.start().starts_with("SIP/2.0 486"), "another cause is another thing");

    let first = place(&mut world, 3);
    let heard = refuse(&mut world, &first, "404 Not Found", "");
    assert!(heard.start().starts_with("SIP/2.0 480"), "{}", heard.start());
    let record = &world.records[2];
    assert_eq!((record.status, record.attempts[0].status), (480, 404));
    assert_eq!(
        (record.reason, record.attempts[0].reason),
        (ReasonId::from_sip_status(480), ReasonId::from_sip_status(404))
    );
}

#[test]
fn a_gateway_whose_calls_go_badly_is_tried_last_and_recovers_by_itself() {
    let rows = "quality = { asr_min = 50, window = 5, hold = \"60s\" }";
    let mut world = World::new(&with(rows));
    for n in 1..=5 {
        let sent = place(&mut world, n);
        assert_eq!(sent.to.to_string(), GW1);
        if n == 1 {
            let to = answer(&mut world, n, &sent);
            hang_up(&mut world, n, &to);
            continue;
        }
        refuse(&mut world, &sent, "486 Busy Here", "");
    }
    let gateway = &world.board.trunks(world.now)[1].gateways[0];
    let quality = gateway.quality.expect("judged");
    assert_eq!((gateway.state, quality.sample, quality.window), ("poor", 0, 5));
    assert_eq!(quality.held, Some(Duration::from_secs(60)));
    let sent = place(&mut world, 6);
    assert_eq!(sent.to.to_string(), GW2, "the other trunk comes first");
    let last = refuse(&mut world, &sent, "503 Service Unavailable", "");
    assert_eq!(last.to.to_string(), GW1, "it is never left out");
    refuse(&mut world, &last, "486 Busy Here", "");
    world.pass(Duration::from_secs(61));
    world.take();
    let sent = place(&mut world, 7);
    assert_eq!(sent.to.to_string(), GW1);
    refuse(&mut world, &sent, "486 Busy Here", "");
    let quality = world.board.trunks(world.now)[1].gateways[0].quality.expect("judged");
    assert_eq!((quality.sample, quality.answer_ratio), (1, Some(0.0)), "judged anew");
}

#[test]
fn slow_progress_counts_as_bad_quality() {
    let mut world = World::new(&with("quality = { pdd_max = \"3s\", window = 5 }"));
    for n in 1..=5 {
        let sent = place(&mut world, n);
        assert_eq!(sent.to.to_string(), GW1);
        world.pass(Duration::from_secs(4));
        world.receive(GW1, &response(&sent, "180 Ringing", "tb", "", ""));
        world.take();
        refuse(&mut world, &sent, "486 Busy Here", "");
    }
    assert_eq!(place(&mut world, 6).to.to_string(), GW2);
}

#[test]
fn short_calls_count_as_bad_quality() {
    let mut world = World::new(&with("quality = { acd_min = \"20s\", window = 5, hold = \"60s\" }"));
    for n in 1..=6 {
        let sent = place(&mut world, n);
        assert_eq!(sent.to.to_string(), GW1, "call {n}");
        let to = answer(&mut world, n, &sent);
        // The first is long, and its length alone holds the mean up while it is in the window.
        world.pass(Duration::from_secs(if n == 1 { 90 } else { 3 }));
        world.take();
        hang_up(&mut world, n, &to);
        let quality = world.board.trunks(world.now)[1].gateways[0].quality.expect("judged");
        assert_eq!(quality.held.is_some(), n == 6, "call {n}");
        if n == 5 {
            assert_eq!(quality.call_duration, Some(Duration::from_millis(20_400)));
        }
    }
    assert_eq!(world.board.trunks(world.now)[1].gateways[0].state, "poor");
    assert_eq!(place(&mut world, 7).to.to_string(), GW2, "the other trunk comes first");
}

#[test]
fn each_trunk_has_a_patience_of_its_own() {
    let text = with("failover_after = \"4s\"").replace("[trunk.two]", "[trunk.two]\nfailover_after = \"7s\"");
    let text = format!("{text}\n[defaults]\nfailover_after = \"30s\"\nring_timeout = \"20s\"\n");
    let mut world = World::new(&text.replace("[trunk.pbx]", "[trunk.pbx]\nring_timeout = \"1h\""));
    assert_eq!(place(&mut world, 1).to.to_string(), GW1);
    let invited = |world: &mut World, to: &str| {
        world.take().into_iter().find(|s| s.to.to_string() == to && s.start().starts_with("INVITE"))
    };
    world.pass(Duration::from_millis(3_990));
    assert!(invited(&mut world, GW2).is_none());
    world.pass(Duration::from_millis(20));
    let second = invited(&mut world, GW2).expect("the first trunk's 4 s are over");
    world.pass(Duration::from_millis(6_900));
    assert!(world.records.is_empty());
    world.receive(GW2, &response(&second, "180 Ringing", "tb", "", ""));
    world.pass(Duration::from_secs(19));
    assert!(world.records.is_empty(), "it rings");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.records[0].reason, ReasonId::NoAnswer, "for 20 s, as the defaults say");
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::FailoverSilent);
}

#[test]
fn gateways_are_hunted_as_listed() {
    let mut world = World::new(&three(""));
    for n in 1..=3 {
        let sent = place(&mut world, n);
        assert_eq!(sent.to.to_string(), GW1);
        let next = refuse(&mut world, &sent, "503 Service Unavailable", "");
        assert_eq!(next.to.to_string(), GW2);
        refuse(&mut world, &next, "486 Busy Here", "");
    }
}

#[test]
fn balanced_gateways_take_turns_and_the_least_loaded_comes_first() {
    let mut world = World::new(&three("hunt = \"balance\""));
    let mut tos = Vec::new();
    for (n, expected) in (1..).zip([GW1, GW2, THIRD, GW1, GW2, THIRD]) {
        let sent = place(&mut world, n);
        assert_eq!(sent.to.to_string(), expected);
        tos.push(answer(&mut world, n, &sent));
    }
    // Two calls of the second end: it has the fewest.
    hang_up(&mut world, 2, &tos[1]);
    hang_up(&mut world, 5, &tos[4]);
    for n in 7..=8 {
        let sent = place(&mut world, n);
        assert_eq!(sent.to.to_string(), GW2, "call {n}");
        answer(&mut world, n, &sent);
    }
    let next = place(&mut world, 9);
    assert_eq!(next.to.to_string(), GW1, "equal again: in turn");
    let calls: Vec<u32> = world.board.trunks(world.now)[1].gateways.iter().map(|g| g.calls).collect();
    assert_eq!(calls, [3, 2, 2]);
    let next = refuse(&mut world, &next, "503 Service Unavailable", "");
    assert_ne!(next.to.to_string(), GW1, "the others follow");
}

#[test]
fn a_draining_trunk_takes_no_new_calls_and_keeps_its_present_ones() {
    let mut world = World::new(CONFIG);
    let first = place(&mut world, 1);
    let to = answer(&mut world, 1, &first);
    world.command(Command::SetDuty { trunk: ONE, gateway: None, duty: Duty::Draining });
    assert_eq!(place(&mut world, 2).to.to_string(), GW2, "new calls go elsewhere");
    let refused = incoming(&mut world, 1);
    assert!(refused.start().starts_with("SIP/2.0 503") && refused.text.contains("A-TRUNK-DRAINING"));
    assert!(!refused.header("Retry-After").is_empty());
    let options = invite("x", "", "").replace("INVITE", "OPTIONS").replace("10.0.0.21", "192.0.2.7");
    world.receive(GW1, &options);
    assert!(world.take()[0].start().starts_with("SIP/2.0 503"), "whoever asks goes elsewhere too");
    assert_eq!(world.board.trunks(world.now)[1].duty, Duty::Draining);
    // A reload changes nothing of it.
    let loaded = config::parse(CONFIG, "test.toml", config::Format::Toml).expect("good");
    world.command(Command::Apply(std::sync::Arc::new(b2bua::Snapshot::new(loaded.config, 2))));
    assert_eq!(world.board.trunks(world.now)[1].duty, Duty::Draining);
    hang_up(&mut world, 1, &to);
    assert_eq!(world.records.last().map(|r| r.status), Some(200), "the present call ended in peace");
    world.command(Command::SetDuty { trunk: ONE, gateway: None, duty: Duty::Enabled });
    assert_eq!(place(&mut world, 3).to.to_string(), GW1);
    assert_eq!(incoming(&mut world, 2).to.to_string(), PBX);
}

#[test]
fn one_gateway_is_drained_or_disabled_by_itself() {
    let mut world = World::new(&three(""));
    let set = |world: &mut World, gateway: u32, duty| {
        world.command(Command::SetDuty { trunk: ONE, gateway: Some(GatewayId(gateway)), duty });
    };
    set(&mut world, 1, Duty::Draining);
    let sent = place(&mut world, 1);
    assert_eq!(sent.to.to_string(), GW2);
    let refused = incoming(&mut world, 1);
    assert!(refused.text.contains("A-TRUNK-DRAINING"), "{}", refused.text);
    let states: Vec<&str> = world.board.trunks(world.now)[1].gateways.iter().map(|g| g.state).collect();
    assert_eq!(states, ["draining", "unknown", "unknown"]);
    set(&mut world, 1, Duty::Disabled);
    assert!(incoming(&mut world, 2).start().starts_with("SIP/2.0 403"));
    // The last open gateway closes while a call tries the one before it.
    set(&mut world, 3, Duty::Disabled);
    let heard = refuse(&mut world, &sent, "503 Service Unavailable", "");
    assert!(heard.start().starts_with("SIP/2.0 503"), "{}", heard.start());
    set(&mut world, 2, Duty::Draining);
    assert_eq!(world.board.trunks(world.now)[1].duty, Duty::Draining, "nothing is left of the trunk");
    let heard = place(&mut world, 2);
    assert!(heard.text.contains("R-TRUNK-DRAINING"), "{}", heard.text);
    set(&mut world, 1, Duty::Enabled);
    assert_eq!(place(&mut world, 3).to.to_string(), GW1);
}
