//! Gateways with several addresses: each lives and dies by itself.

use crate::common::{ANSWER, CONFIG, GW2, OFFER, PBX, Sent, World, inside, invite, response};
use b2bua::{Choice, Resolution, Target};
use base::{ReasonId, Transport};
use std::collections::BTreeMap;
use std::time::Duration;

const A: &str = "192.0.2.31:5060";
const B: &str = "192.0.2.32:5060";
const C: &str = "192.0.2.33:5060";
/// The gateway of trunk `one` in the configuration's order.
const NAMED: u32 = 1;
const MINUTE: Duration = Duration::from_secs(60);

/// The first provider is a name, asked every minute.
fn named() -> String {
    CONFIG.replace(
        "gateways = [\"192.0.2.7\"]\noptions_interval = \"0s\"",
        "gateways = [\"gw.one.example\"]\noptions_interval = \"60s\"",
    )
}

/// Addresses with rank, weight and host.
fn found(all: &[(&str, u16, u16, u16)]) -> Resolution {
    let one = |&(address, rank, weight, host): &(&str, u16, u16, u16)| {
        let target = Target { address: address.parse().expect("address"), transport: Transport::Udp };
        Choice { target, rank, weight, host }
    };
    let choices = all.iter().map(one).collect();
    Resolution::Found { choices, ttl: Duration::from_secs(3_000), trouble: None }
}

fn failed(denied: bool) -> Resolution {
    Resolution::Failed { reason: "no such name".into(), retry: MINUTE, denied }
}

/// A world whose first provider has these addresses.
fn world(all: &[(&str, u16, u16, u16)]) -> World {
    let mut world = World::new(&named());
    world.resolved(NAMED, found(all));
    world
}

/// The n-th call of the PBX.
fn nth(n: usize) -> String {
    invite("+4420700000", OFFER, "")
        .replace("call-a", &format!("call-{n}"))
        .replace("bKa1", &format!("bKa{n}"))
}

/// Places a call and gives the INVITE that left.
fn place(world: &mut World, n: usize) -> Sent {
    world.receive(PBX, &nth(n));
    let sent = world.take();
    sent.into_iter().find(|s| s.start().starts_with("INVITE")).expect("an INVITE")
}

fn refuse(world: &mut World, sent: &Sent, status: &str, rows: &str) -> Vec<Sent> {
    world.receive(&sent.to.to_string(), &response(sent, status, "x", rows, ""));
    world.take()
}

/// States of the first provider's addresses.
fn states(world: &World) -> Vec<(String, &'static str)> {
    let trunks = world.board.trunks(world.now);
    let targets = &trunks[1].gateways[0].targets;
    targets.iter().map(|t| (t.address.to_string(), t.state)).collect()
}

/// Lets minutes pass, in which these addresses answer OPTIONS; gives who was asked, and how often.
fn minutes(world: &mut World, count: u32, alive: &[&str]) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for _ in 0..count * 60 {
        world.pass(Duration::from_secs(1));
        for sent in world.take().into_iter().filter(|s| s.start().starts_with("OPTIONS")) {
            let to = sent.to.to_string();
            if alive.contains(&to.as_str()) {
                world.receive(&to, &response(&sent, "200 OK", "o", "", ""));
            }
            asked.entry(sent.header("Via").to_owned() + &to).and_modify(|n| *n += 1).or_insert(1_usize);
        }
    }
    let mut by_address = BTreeMap::new();
    for via in asked.keys() {
        let address = [A, B, C].into_iter().find(|a| via.ends_with(a)).unwrap_or("?");
        *by_address.entry(address.to_owned()).or_insert(0) += 1;
    }
    by_address
}

#[test]
fn options_ask_every_address_and_a_dead_one_blocks_none() {
    let mut world = world(&[(A, 1, 0, 1), (B, 2, 0, 2)]);
    let asked = minutes(&mut world, 7, &[B]);
    assert_eq!(asked.keys().collect::<Vec<_>>(), [A, B]);
    assert!(asked.values().all(|n| (6..=7).contains(n)), "each by its own rhythm: {asked:?}");
    assert_eq!(states(&world), [(A.to_owned(), "down"), (B.to_owned(), "up")]);
    let first = place(&mut world, 1);
    assert_eq!(first.to.to_string(), B, "although the dead one has the better rank");
    // What is down comes last of all, behind the other trunk, and is still tried.
    let sent = refuse(&mut world, &first, "503 Service Unavailable", "");
    assert_eq!(sent[1].to.to_string(), GW2);
    let sent = refuse(&mut world, &sent[1], "500 Server Internal Error", "");
    assert_eq!(sent[1].to.to_string(), A);
    refuse(&mut world, &sent[1], "486 Busy Here", "");
    assert_eq!(states(&world)[0].1, "up", "any answer is a sign of life");
    let second = place(&mut world, 2);
    assert_eq!(second.to.to_string(), A, "it recovers by itself");
    refuse(&mut world, &second, "486 Busy Here", "");
}

#[test]
fn every_call_draws_by_weight_anew() {
    let mut world = world(&[(A, 1, 75, 1), (B, 1, 25, 2), (C, 2, 0, 3)]);
    let mut firsts: BTreeMap<String, u32> = BTreeMap::new();
    for n in 0..400 {
        let sent = place(&mut world, n);
        *firsts.entry(sent.to.to_string()).or_default() += 1;
        refuse(&mut world, &sent, "486 Busy Here", "");
    }
    assert!((260..340).contains(&firsts[A]) && firsts[A] + firsts[B] == 400, "{firsts:?}");
}

#[test]
fn a_refusal_reaches_the_next_address_in_the_same_turn() {
    let mut world = world(&[(A, 1, 0, 1), (B, 2, 0, 2)]);
    let first = place(&mut world, 1);
    assert_eq!(first.to.to_string(), A);
    let before = world.now;
    let sent = refuse(&mut world, &first, "503 Service Unavailable", "");
    let left: Vec<(String, &str)> =
        sent.iter().map(|s| (s.to.to_string(), s.start().split(' ').next().unwrap_or(""))).collect();
    assert_eq!(left, [(A.to_owned(), "ACK"), (B.to_owned(), "INVITE")]);
    assert_eq!(world.now, before, "no time passes");
    world.receive(B, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(B, "ACK"), (PBX, "SIP/2.0 200")]);
    let inside =
        |method, cseq| inside(method, cseq, sent[1].header("To"), method, "", "").replace("call-a", "call-1");
    world.receive(PBX, &inside("ACK", 1));
    world.receive(PBX, &inside("BYE", 2));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (B, "BYE")]);
    world.receive(B, &response(&sent[1], "200 OK", "", "", ""));
    assert_eq!(world.records[0].attempts.len(), 2);
    assert_eq!(world.records[0].status, 200);
}

#[test]
fn retry_after_cools_one_address_and_runs_out() {
    let mut world = world(&[(A, 1, 0, 1), (B, 2, 0, 2)]);
    let first = place(&mut world, 1);
    let sent = refuse(&mut world, &first, "503 Service Unavailable", "Retry-After: 30\r\n");
    assert_eq!(sent[1].to.to_string(), B);
    refuse(&mut world, &sent[1], "486 Busy Here", "");
    assert_eq!(states(&world)[0].1, "cooling");
    let cooling = world.board.trunks(world.now)[1].gateways[0].targets[0].cooling;
    assert_eq!(cooling, Some(Duration::from_secs(30)));
    let second = place(&mut world, 2);
    assert_eq!(second.to.to_string(), B, "its neighbour is not cooled");
    refuse(&mut world, &second, "486 Busy Here", "");
    world.pass(Duration::from_secs(31));
    let third = place(&mut world, 3);
    assert_eq!(third.to.to_string(), A);
    refuse(&mut world, &third, "486 Busy Here", "");
}

#[test]
fn silence_sends_the_next_calls_to_a_neighbour_until_it_has_passed() {
    let mut world = world(&[(A, 1, 0, 1), (B, 2, 0, 2)]);
    let first = place(&mut world, 1);
    assert_eq!(first.to.to_string(), A);
    world.pass(Duration::from_millis(10_050));
    let sent = world.take();
    let next = sent.iter().find(|s| s.start().starts_with("INVITE") && s.to.to_string() == B).expect("B");
    refuse(&mut world, next, "486 Busy Here", "");
    let second = place(&mut world, 2);
    assert_eq!(second.to.to_string(), B, "nobody else waits for it");
    refuse(&mut world, &second, "486 Busy Here", "");
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::FailoverSilent);
    world.pass(Duration::from_secs(11));
    world.take();
    let third = place(&mut world, 3);
    assert_eq!(third.to.to_string(), A, "one silence is not a death");
    refuse(&mut world, &third, "486 Busy Here", "");
}

#[test]
fn a_new_answer_of_the_dns_keeps_the_health_of_what_stays() {
    let mut world = world(&[(A, 1, 0, 1), (B, 2, 0, 2)]);
    minutes(&mut world, 7, &[B]);
    world.resolved(NAMED, found(&[(C, 1, 0, 1), (A, 1, 0, 2)]));
    assert_eq!(states(&world), [(C.to_owned(), "unknown"), (A.to_owned(), "down")]);
    let asked = minutes(&mut world, 2, &[C]);
    assert_eq!(asked.keys().collect::<Vec<_>>(), [A, C], "the new one is asked, the one that left is not");
    assert_eq!(states(&world), [(C.to_owned(), "up"), (A.to_owned(), "down")]);
    assert_eq!(place(&mut world, 1).to.to_string(), C);
}

#[test]
fn addresses_outlive_a_silent_dns_and_one_denial_but_not_two() {
    let mut world = world(&[(A, 1, 0, 1)]);
    for _ in 0..5 {
        world.resolved(NAMED, failed(false));
    }
    world.resolved(NAMED, failed(true));
    let first = place(&mut world, 1);
    assert_eq!(first.to.to_string(), A);
    refuse(&mut world, &first, "486 Busy Here", "");
    world.resolved(NAMED, failed(true));
    assert_eq!(states(&world), []);
    assert_eq!(world.board.trunks(world.now)[1].gateways[0].state, "unresolved");
    assert_eq!(place(&mut world, 2).to.to_string(), GW2);
}

#[test]
fn many_addresses_leave_a_place_for_the_other_trunk() {
    let many: Vec<String> = (100..140).map(|last| format!("192.0.2.{last}:5060")).collect();
    let all: Vec<(&str, u16, u16, u16)> =
        many.iter().enumerate().map(|(at, a)| (a.as_str(), 0, 0, at as u16)).collect();
    let mut world = world(&all);
    let mut sent = place(&mut world, 1);
    for attempt in 1..16 {
        assert_ne!(sent.to.to_string(), GW2, "attempt {attempt}");
        sent = refuse(&mut world, &sent, "503 Service Unavailable", "").remove(1);
    }
    assert_eq!(sent.to.to_string(), GW2);
    let sent = refuse(&mut world, &sent, "503 Service Unavailable", "");
    assert!(sent[1].start().starts_with("SIP/2.0 503"), "{sent:?}");
    assert_eq!(world.records[0].attempts.len(), 16);
}
