//! Live routing and a dry run are one function: what a call does is what the table says beforehand.

use super::common::{GW1, GW2, PBX, Sent, World, response};
use b2bua::{CallRecord, Snapshot};
use base::{Rng, TrunkId};
use routing::{Decision, Facts, NoTrace, TrunkState};
use std::time::Duration;

const GATE: &str = "10.0.0.22:5060";
const CALLS: usize = 10_000;

const CONFIG: &str = r#"
version = 1
country = "DE"
default_policy = "guests"
[listen.inside]
address = "10.0.0.5"
sip = ["udp:5060", "tcp:5060"]
rtp = "20000-20099"
[listen.outside]
address = "192.0.2.1"
sip = ["udp:5060", "tcp:5060"]
rtp = "30000-30099"
[policy.guests]
usages = ["home"]
[policy.staff]
usages = ["home", "world", "backup"]
[holidays.de]
dates = ["2023-12-25..2023-12-26", "01-01"]
[trunk.pbx]
kind = "direct"
listen = "inside"
policy = "staff"
gateways = ["10.0.0.21"]
options_interval = "0s"
[trunk.gate]
kind = "direct"
listen = "inside"
gateways = ["10.0.0.22"]
options_interval = "0s"
override = { number_format = "national" }
[trunk.one]
kind = "itsp"
listen = "outside"
gateways = ["192.0.2.7"]
options_interval = "0s"
override = { number_format = "e164" }
[trunk.two]
kind = "itsp"
listen = "outside"
policy = "staff"
deny = ["shared-cost"]
gateways = ["192.0.2.8"]
options_interval = "0s"
[[numbers]]
range = "+493023125000..+493023125999"
deliver = ["pbx", "gate"]
[[route]]
name = "work"
match = { called = "+49*" }
when = { zone = "Europe/Berlin", days = "mon-fri", from = "08:00", to = "18:00", not_holidays = "de" }
except = "+4930*"
usages = ["home"]
to = [["one:70", "two:30"], ["gate"]]
[[route]]
name = "night"
match = { called = "+49*" }
when = { zone = "Europe/Berlin", from = "22:00", to = "05:00" }
usages = ["home"]
caller_id = "+493023125000"
to = "two"
[[route]]
name = "home"
match = { called = "+49*" }
usages = ["home"]
to = ["gate", "two"]
[[route]]
name = "boss"
match = { called = "+*", caller = "+493023125001" }
usages = ["world"]
priority = 1
to = "one"
[[route]]
name = "world"
match = { called = "/\\+(1|44).*/", on = ["pbx", "two"] }
usages = ["world"]
to = [["two:50", "one:50"]]
[[route]]
name = "backup"
match = { called = "+*" }
usages = ["backup"]
to = ["gate"]
retry_on = []
[[route]]
name = "emergency"
match = { called = "112" }
to = ["gate", "one"]
"#;

fn digits(rng: &mut Rng, count: u64) -> String {
    (0..count).map(|_| char::from(b'0' + u8::try_from(rng.below(10)).unwrap_or(0))).collect()
}

fn number(rng: &mut Rng) -> String {
    let beginnings = [
        "+493023125",
        "03023125",
        "+4930",
        "0351",
        "+4989",
        "+1425555",
        "0044",
        "+44",
        "+881",
        "+4990012",
        "0180",
        "+",
        "00",
        "1",
        "+1876",
    ];
    let at = usize::try_from(rng.below(beginnings.len() as u64 + 2)).unwrap_or(0);
    match beginnings.get(at) {
        Some(beginning) => {
            let count = rng.below(9);
            format!("{beginning}{}", digits(rng, count))
        }
        None if at == beginnings.len() => "112".to_owned(),
        None => "alice".to_owned(),
    }
}

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
    let facts = Facts { on, called: &called, caller: &caller, anonymous: false, at: Some(at_wall) };
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
