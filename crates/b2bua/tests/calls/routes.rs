//! Live routing and a dry run are one function: what a call does is what the table says beforehand.

use super::common::{GW1, GW2, PBX, Sent, World, response};
use super::drawn::{CONFIG, digits, number};
use b2bua::{CallRecord, Snapshot};
use base::{Rng, TrunkId};
use routing::{Decision, Facts, NoTrace, TrunkState};
use std::time::Duration;

const GATE: &str = "10.0.0.22:5060";
const CALLS: usize = 10_000;

/// Places a call; every gateway refuses it with 503.
fn ring(world: &mut World, peer: &str, at: usize, called: &str, caller: &str) {
    let ours = if peer.starts_with("192") { "192.0.2.1" } else { "10.0.0.5" };
    world.receive(
        peer,
        &format!(
            "INVITE sip:{called}@{ours} SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bKr{at}\r\nMax-Forwards: 70\r\nFrom: <sip:{caller}@{peer}>;tag=f{at}\r\nTo: <sip:{called}@{ours}>\r\nCall-ID: route-{at}\r\nCSeq: 1 INVITE\r\nContact: <sip:{peer}>\r\nContent-Length: 0\r\n\r\n"
        ),
    );
    loop {
        let sent = world.take();
        let invites: Vec<&Sent> = sent.iter().filter(|s| s.start().starts_with("INVITE")).collect();
        if invites.is_empty() {
            break;
        }
        for invite in invites {
            world.receive(&invite.to.to_string(), &response(invite, "503 Service Unavailable", "tb", "", ""));
        }
    }
}

/// Tier, trunk, called and caller of an attempt.
type Tried<'a> = (u8, &'a str, &'a str, &'a str);

/// What happened is what the dry run told.
fn same(dry: &Decision, record: &CallRecord, tried: Vec<Tried<'_>>, snapshot: &Snapshot, what: &str) {
    let plan = match dry {
        Decision::Refuse(refusal) => {
            let told = (0, refusal.reason, refusal.status);
            assert_eq!((tried.len(), record.reason, record.status), told, "{what}");
            return;
        }
        Decision::Plan(plan) => plan,
    };
    // `backup` ends at its first refusal; behind it nothing is tried.
    let until = plan.attempts.iter().position(|a| a.retry_on.as_deref() == Some(&[]));
    let planned = plan.attempts.iter().take(until.map_or(usize::MAX, |last| last + 1));
    let name = |id: TrunkId| &*snapshot.trunk_names[id.index()];
    let planned: Vec<Tried<'_>> =
        planned.map(|a| (a.tier, name(a.trunk), a.called.as_str(), a.caller.as_str())).collect();
    let tiers = |list: &[Tried<'_>]| list.iter().map(|a| a.0).collect::<Vec<_>>();
    assert_eq!(tiers(&tried), tiers(&planned), "{what}");
    // Inside a weighted tier each draws its own order.
    let sorted = |mut list: Vec<Tried<'_>>| {
        list.sort_unstable();
        list.into_iter().map(|(t, n, a, b)| format!("{t} {n} {a} {b}")).collect::<Vec<_>>()
    };
    assert_eq!(sorted(tried), sorted(planned), "{what}");
    assert_eq!((&*record.called, &*record.caller), (plan.called.as_str(), plan.caller.as_str()), "{what}");
}

/// One call, asked beforehand and placed. Gives the number of attempts.
fn one_call(world: &mut World, snapshot: &Snapshot, at: usize, rng: &mut Rng) -> usize {
    let peers = [("pbx", PBX), ("gate", GATE), ("one", GW1), ("two", GW2)];
    let (trunk, peer) = peers[usize::try_from(rng.below(4)).unwrap_or(0)];
    let called = number(rng);
    let caller = match rng.below(4) {
        0 => "+493023125001".to_owned(),
        1 => format!("+493023125{}", digits(rng, 3)),
        _ => number(rng),
    };
    let on = snapshot.config.trunk_named(trunk).expect("a trunk");
    let views = world.board.trunks(world.now);
    let state =
        |id: TrunkId| views.iter().find(|v| v.id == id).map_or_else(TrunkState::default, |v| v.standing);
    let at_wall = base::time::WallClock { birth: base::WallTime(1_700_000_000_000_000) }.at(world.now);
    let facts = Facts {
        on,
        called: &called,
        caller: &caller,
        anonymous: false,
        user: None,
        source: None,
        media: None,
        at: Some(at_wall),
    };
    let dry = snapshot.table.plan(&facts, &state, rng.next_u64(), &mut NoTrace);

    ring(world, peer, at, &called, &caller);
    let record = world.records.pop().expect("a record");
    let tried: Vec<Tried<'_>> = record
        .attempts
        .iter()
        .map(|a| (a.facts.tier, &*a.facts.trunk, &*a.facts.called_sent, &*a.facts.caller_sent))
        .collect();
    let what = format!("{caller} on {trunk} calls {called} at {}", at_wall.0);
    same(&dry, &record, tried, snapshot, &what);
    record.attempts.len()
}

#[test]
fn ten_thousand_calls_take_the_way_that_a_dry_run_tells() {
    let loaded = config::parse(CONFIG, "test.toml", config::Format::Toml).expect("a configuration");
    let snapshot = Snapshot::new(loaded.config, 1);
    let mut world = World::new(CONFIG);
    let mut rng = Rng::new((5, 6));
    let mut attempts = [0_usize; 8];
    for at in 0..CALLS {
        attempts[one_call(&mut world, &snapshot, at, &mut rng).min(7)] += 1;
        // Late answers and retransmissions end, hours and days go by.
        world.pass(Duration::from_secs(120 + rng.below(3_600)));
        world.take();
        world.events.clear();
        world.media.clear();
    }
    assert!(attempts[..4].iter().all(|count| *count > 100), "all kinds of plans: {attempts:?}");
}
