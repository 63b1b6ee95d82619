//! Every pair of settings that bear on a call's two dialogs, in as few calls as cover them: reliable
//! provisionals, offers, UPDATE, session timers, hold forms, early media, absorbed changes. Peers of `sim`
//! play both ends and its judge reads every message.

use sim::config_text::Variant;
use sim::net::Weather;
use sim::plan::{Act, Call, Manner, Plan, Step, Way};
use sim::run;
use std::collections::BTreeSet;

const PRACK: &[&str] = &["off", "supported", "required"];
const FORMS: &[&str] = &["pass", "sendonly", "inactive", "zero", "sendonly-only"];
const TIMERS: &[&str] = &["", "auto", "us", "peer"];
const NO_YES: &[&str] = &["", "yes"];

/// What is varied, and how.
const FACTORS: &[(&str, &[&str])] = &[
    ("prack a", PRACK),
    ("prack b", PRACK),
    ("100rel a", NO_YES),
    ("100rel b", NO_YES),
    ("late", NO_YES),
    ("early_offer b", &["pass", "make"]),
    ("update a", &["auto", "off"]),
    ("update b", &["auto", "off"]),
    ("allows a", NO_YES),
    ("allows b", NO_YES),
    ("timer a", TIMERS),
    ("timer b", TIMERS),
    ("knows timers a", NO_YES),
    ("knows timers b", NO_YES),
    ("refresh_by", &["auto", "update", "reinvite"]),
    ("hold a", FORMS),
    ("hold b", FORMS),
    ("early", &["none", "180", "183", "183 sdp", "183 sdp, 180", "two forks"]),
    ("early_media", &["pass", "gate", "strip"]),
    (
        "ringing",
        &[
            "",
            "map_180 = \"183\"",
            "map_183 = \"180\"",
            "map_183 = \"drop\", late_180 = \"drop\"",
            "after = \"1s\"",
        ],
    ),
    ("absorb", &["", "\"refresh\"", "\"refresh\", \"hold\"", "\"refresh\", \"hold\", \"codec\""]),
    ("late_reinvite", &["pass", "answer"]),
    ("change", &["INVITE", "UPDATE"]),
];

type Pair = (usize, usize, usize, usize);

/// One choice for each factor.
struct Row(Vec<usize>);

impl Row {
    fn get(&self, name: &str) -> &'static str {
        let at = FACTORS.iter().position(|f| f.0 == name).expect("a factor");
        FACTORS[at].1[self.0[at]]
    }

    fn has(&self, name: &str) -> bool {
        self.get(name) == "yes"
    }
}

fn pairs_with(chosen: &[Option<usize>], factor: usize, value: usize) -> impl Iterator<Item = Pair> + '_ {
    chosen.iter().enumerate().filter_map(move |(other, picked)| {
        let picked = (*picked)?;
        match other.cmp(&factor) {
            std::cmp::Ordering::Less => Some((other, picked, factor, value)),
            std::cmp::Ordering::Greater => Some((factor, value, other, picked)),
            std::cmp::Ordering::Equal => None,
        }
    })
}

/// Rows that hold every pair of values of two factors at least once, chosen greedily.
fn covering(open: &mut BTreeSet<Pair>) -> Vec<Row> {
    let mut rows = Vec::new();
    while let Some((f, v, g, w)) = open.first().copied() {
        let mut chosen = vec![None; FACTORS.len()];
        (chosen[f], chosen[g]) = (Some(v), Some(w));
        for factor in 0..FACTORS.len() {
            if chosen[factor].is_none() {
                let gain =
                    |value: &usize| pairs_with(&chosen, factor, *value).filter(|p| open.contains(p)).count();
                chosen[factor] = (0..FACTORS[factor].1.len()).rev().max_by_key(gain);
            }
        }
        for factor in 0..FACTORS.len() {
            let value = chosen[factor].expect("chosen");
            let covered: Vec<Pair> = pairs_with(&chosen, factor, value).collect();
            for pair in covered {
                open.remove(&pair);
            }
        }
        rows.push(Row(chosen.into_iter().flatten().collect()));
    }
    rows
}

fn all_pairs() -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    for (f, one) in FACTORS.iter().enumerate() {
        for (g, other) in FACTORS.iter().enumerate().skip(f + 1) {
            for v in 0..one.1.len() {
                pairs.extend((0..other.1.len()).map(|w| (f, v, g, w)));
            }
        }
    }
    pairs
}

/// The policy of one side.
fn policy(row: &Row, side: &str) -> String {
    let get = |name: &str| row.get(&format!("{name} {side}"));
    let mut rules = vec![
        format!("prack = \"{}\"", get("prack")),
        format!("update = \"{}\"", get("update")),
        format!("hold = \"{}\"", get("hold")),
        format!("early_media = \"{}\"", row.get("early_media")),
        format!("absorb = [{}]", row.get("absorb")),
        format!("late_reinvite = \"{}\"", row.get("late_reinvite")),
    ];
    if !get("timer").is_empty() {
        let by = if get("update") == "off" { "reinvite" } else { row.get("refresh_by") };
        let refresher = get("timer");
        rules.push(format!(
            "session_timer = {{ expires = \"90s\", refresher = \"{refresher}\", refresh_by = \"{by}\" }}"
        ));
    }
    match side {
        "a" => rules.push(format!("ringing = {{ {} }}", row.get("ringing"))),
        _ => rules.push(format!("early_offer = \"{}\"", row.get("early_offer b"))),
    }
    rules.join(", ")
}

fn manner(row: &Row, side: &str) -> Manner {
    let has = |name: &str| row.has(&format!("{name} {side}"));
    Manner { update: has("allows"), reliable: has("100rel"), timer: has("knows timers"), ..Manner::default() }
}

/// What the callee does until it answers.
fn steps(row: &Row) -> Vec<(u64, Step)> {
    let ring = |at, status, fork, sdp| (at, Step::Ring { status, fork, sdp, reliable: true });
    let mut steps = match row.get("early") {
        "180" => vec![ring(100, 180, 0, false)],
        "183" => vec![ring(100, 183, 0, false)],
        "183 sdp" => vec![ring(100, 183, 0, true)],
        "183 sdp, 180" => vec![ring(100, 183, 0, true), ring(900, 180, 0, false)],
        "two forks" => vec![ring(100, 183, 0, true), ring(900, 183, 1, true), ring(1_500, 180, 1, false)],
        _ => Vec::new(),
    };
    steps.push((3_000, Step::Answer { fork: 0 }));
    steps
}

fn plan(row: &Row, seed: u64) -> Plan {
    let change = |direction| match row.get("change") {
        "UPDATE" => Act::Update(direction),
        _ => Act::Reinvite(direction),
    };
    let (mut caller, mut callee) = (manner(row, "a"), manner(row, "b"));
    caller.late = row.has("late");
    caller.after = vec![
        (1_000, change("sendonly")),
        (3_000, change("sendrecv")),
        (9_000, Act::LateReinvite),
        (11_000, Act::BareUpdate),
        (13_000, change("sendrecv")),
        (200_000, Act::Bye),
    ];
    callee.after =
        vec![(5_000, change("inactive")), (7_000, change("sendrecv")), (15_000, Act::LateReinvite)];
    callee.steps = steps(row);
    let config = Variant { inside: policy(row, "a"), outside: policy(row, "b"), ..Variant::default() };
    Plan {
        seed,
        weather: Weather { loss: 0, twice: 0, delay: 10, dawdle: 0 },
        config,
        media_fail: 0,
        mutate: 0,
        calls: vec![Call { at: 0, way: Way::Out, stream: false, caller, callees: vec![callee] }],
        deeds: Vec::new(),
        end: 240_000,
    }
}

#[test]
fn every_pair_of_dialog_settings_makes_a_call_that_ends_well() {
    let mut open = all_pairs();
    let count = open.len();
    assert!(count >= 500, "{count} pairs");
    let rows = covering(&mut open);
    assert!(open.is_empty());
    let mut faults = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let outcome = run(plan(row, index as u64 + 1), true);
        // A trunk that demands reliable provisionals takes no caller without them.
        let refused = row.get("prack a") == "required" && !row.has("100rel a");
        let expected = if refused { " 421 " } else { " 200 P-HANGUP-A" };
        let record = outcome.records.first().cloned().unwrap_or_default();
        if !outcome.faults.is_empty() || !record.contains(expected) {
            let said: Vec<String> =
                FACTORS.iter().map(|(name, _)| format!("{name}={}", row.get(name))).collect();
            faults.push(format!(
                "{}\n{record}\n{:#?}\n{}",
                said.join("; "),
                outcome.faults,
                outcome.ladder.join("\n")
            ));
        }
    }
    assert!(faults.is_empty(), "{} of {} calls for {count} pairs:\n{}", faults.len(), rows.len(), faults[0]);
}
