//! Outages: gateways, addresses of a name and the DNS die and come back while calls are placed all the
//! time. While one target lives no call is lost, nobody rings twice, nobody waits for long, and what has
//! come back is used again.

use b2bua::CallRecord;
use sim::config_text::Variant;
use sim::net::Weather;
use sim::plan::{Act, Call, Deed, Manner, Names, Plan, Step, Way};
use sim::{Outcome, run};

/// Worlds of each kind.
const SEEDS: u64 = 4;
/// Calls of one world, one a second.
const CALLS: u64 = 200;
/// From the INVITE to the answer a call may take so long, seconds: three silent targets at 2 s, one that
/// rings, and the way of the messages.
const SETUP_MAX: f64 = 8.0;
/// After its last outage a target is used again within so long, seconds: OPTIONS every 5 s and its answer.
const RECOVERY_MAX: u64 = 12;

/// The first provider's gateway, the two addresses of its named one, and the second provider.
const HOSTS: [&str; 4] = ["192.0.2.7", "192.0.2.9", "192.0.2.10", "192.0.2.8"];

fn call(at: u64) -> Call {
    let steps = vec![
        (60, Step::Ring { status: 180, fork: 0, sdp: false, reliable: false }),
        (260, Step::Answer { fork: 0 }),
    ];
    let callee = Manner { steps, ..Manner::default() };
    let caller = Manner { after: vec![(3_000, Act::Bye)], ..Manner::default() };
    Call { at, way: Way::Out, stream: false, caller, callees: vec![callee] }
}

fn world(seed: u64, deeds: Vec<(u64, Deed)>) -> Plan {
    Plan {
        seed,
        weather: Weather { loss: 0, twice: 0, delay: 10, dawdle: 0 },
        config: Variant {
            trunks: "failover_after = \"2s\"\n".to_owned(),
            options: 5,
            named: true,
            names: Names::Both,
            ..Variant::default()
        },
        media_fail: 0,
        mutate: 0,
        calls: (0..CALLS).map(|n| call(2_000 + n * 1_000)).collect(),
        deeds,
        end: (CALLS + 30) * 1_000,
    }
}

/// The call's place among all, from the number that it called.
fn number(record: &CallRecord) -> u64 {
    record.called.trim_start_matches("+4420700").parse().expect("a call of the plan")
}

/// Whether an outage struck while a call was ringing or being set up there: nobody can help that one.
fn struck(record: &CallRecord, deeds: &[(u64, Deed)]) -> bool {
    let start = 2_000 + number(record) * 1_000;
    let lasted = (record.end.0 - record.start.0) / 1_000;
    let begins = |at: &u64| (start..=start + lasted.min(9_000)).contains(at);
    deeds.iter().any(|(at, deed)| matches!(deed, Deed::Cut(..)) && begins(at))
}

fn judged(plan: Plan) -> Outcome {
    let deeds = plan.deeds.clone();
    let outcome = run(plan, false);
    assert!(outcome.faults.is_empty(), "{:#?}", outcome.faults);
    assert_eq!(outcome.calls_kept.len() as u64, CALLS, "one record each");
    for record in &outcome.calls_kept {
        let text =
            format!("call {}: {} {} {:?}", number(record), record.status, record.reason, record.attempts);
        let rung = record.attempts.iter().filter(|a| a.progress.is_some()).count();
        assert!(rung <= 1, "rang twice: {text}");
        if !struck(record, &deeds) {
            let answer = record.answer.expect(&text);
            let setup = (answer.0 - record.start.0) as f64 / 1e6;
            assert!(setup <= SETUP_MAX, "{setup} s: {text}");
        }
    }
    outcome
}

/// First targets of the calls placed from this second on.
fn firsts(outcome: &Outcome, from: u64) -> Vec<String> {
    let late = outcome.calls_kept.iter().filter(|r| 2 + number(r) >= from);
    late.map(|r| r.attempts[0].facts.target.ip().to_string()).collect()
}

#[test]
fn targets_die_in_turn_and_no_call_is_lost_while_one_lives() {
    for seed in 0..SEEDS {
        // Each is dead for 40 s; three at a time at the worst.
        let cut = |at: u64, host| (at * 1_000 + 500, Deed::Cut(host, 40_000));
        let deeds = vec![
            cut(10, HOSTS[0]),
            cut(25, HOSTS[1]),
            cut(40, HOSTS[2]),
            cut(70, HOSTS[3]),
            cut(90, HOSTS[0]),
        ];
        let outcome = judged(world(seed, deeds));
        let used = |outcome: &Outcome, host: &str| {
            outcome.calls_kept.iter().any(|r| {
                r.attempts.iter().any(|a| a.facts.target.ip().to_string() == host && a.answer.is_some())
            })
        };
        for host in &HOSTS[..3] {
            assert!(used(&outcome, host), "seed {seed}: {host} is never used");
        }
        let last = firsts(&outcome, 130 + 1 + RECOVERY_MAX);
        assert!(last.len() > 40 && last.iter().all(|host| host == HOSTS[0]), "seed {seed}: {last:?}");
    }
}

#[test]
fn only_the_last_of_four_lives_for_a_minute() {
    for seed in 0..SEEDS {
        let cut = |host| (20_500, Deed::Cut(host, 60_000));
        let outcome = judged(world(seed, vec![cut(HOSTS[0]), cut(HOSTS[1]), cut(HOSTS[2])]));
        let calls = outcome.calls_kept.iter().filter(|r| (40..78).contains(&(2 + number(r))));
        for record in calls {
            let first = record.attempts[0].facts.target.ip().to_string();
            assert_eq!(first, HOSTS[3], "seed {seed}: what is known to be dead is not waited for");
        }
        let last = firsts(&outcome, 81 + RECOVERY_MAX);
        assert!(last.iter().all(|host| host == HOSTS[0]), "seed {seed}: {last:?}");
    }
}

#[test]
fn the_dns_dies_with_the_first_gateway_and_the_known_addresses_carry_on() {
    for seed in 0..SEEDS {
        let deeds = vec![
            (10_500, Deed::Names(Names::Away)),
            (15_500, Deed::Cut(HOSTS[0], 100_000)),
            (15_500, Deed::Cut(HOSTS[3], 100_000)),
            (60_500, Deed::Cut(HOSTS[1], 30_000)),
        ];
        let outcome = judged(world(seed, deeds));
        let carried: Vec<String> = firsts(&outcome, 30).into_iter().take(80).collect();
        let share = carried.iter().filter(|host| *host == HOSTS[2]).count();
        assert!(carried.iter().all(|h| h == HOSTS[1] || h == HOSTS[2]), "seed {seed}: {carried:?}");
        assert!((35..80).contains(&share), "seed {seed}: both addresses carry calls: {share}");
    }
}

#[test]
fn a_name_that_changes_leads_calls_to_its_new_addresses() {
    for seed in 0..SEEDS {
        let deeds = vec![
            (5_500, Deed::Cut(HOSTS[0], 190_000)),
            (60_500, Deed::Names(Names::One)),
            (130_500, Deed::Names(Names::Both)),
        ];
        let outcome = judged(world(seed, deeds));
        // An answer of the DNS holds for 30 s here.
        let middle: Vec<String> = firsts(&outcome, 95).into_iter().take(35).collect();
        assert!(middle.iter().all(|host| host == HOSTS[1]), "seed {seed}: {middle:?}");
        let last = firsts(&outcome, 165);
        assert!(HOSTS[1..3].iter().all(|host| last.iter().any(|h| h == host)), "seed {seed}: {last:?}");
    }
}
