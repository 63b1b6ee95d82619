//! Decisions, case by case.

mod common;

use base::{ReasonId, TrunkId};
use common::World;
use routing::{Decision, Health, RouteRef, Rule, SkipReason, TrunkState, run_tests};

const ROUTES: &str = r#"
[[numbers]]
range = "+493023125000..+493023125999"
deliver = ["pbx"]
[[numbers]]
range = "+493023126000"
deliver = ["gw", "pbx"]
[[route]]
name = "boss"
match = { called = "+1900*", caller = "+493023125001" }
to = "elastic"
[[route]]
name = "premium"
match = { called = "/\\+(1900|49900).*/" }
to = "off"
[[route]]
name = "uk"
match = { called = "+44*", on = ["pbx"] }
to = ["elastic", "flex"]
[[route]]
name = "short"
match = { called = "/[1-9][0-9]{2}/" }
to = "gw"
[[route]]
name = "emergency"
match = { called = "/112|110/" }
to = ["flex", "gw"]
[[route]]
name = "world"
match = { called = "+*" }
to = [["flex:80", "elastic:20"], ["elastic", "flex", "gw"]]
retry_on = [503]
"#;

fn world() -> World {
    // Who calls and what it costs is another matter: `tests/classes.rs`.
    let config = common::config_with("DE", "deny_unknown = []", ROUTES);
    World { table: routing::Table::compile(&config), config }
}

#[test]
fn the_first_route_that_matches_takes_the_call() {
    let w = world();
    for (on, caller, called, route) in [
        ("pbx", "+493023125001", "+19005550100", "boss"),
        ("pbx", "+493023125002", "+441632960001", "uk"),
        ("gw", "+493023125002", "+441632960001", "world"),
        ("pbx", "100", "0044 1632 960001", "uk"),
        ("pbx", "", "0351 123456", "world"),
        ("pbx", "", "100", "short"),
        ("flex", "+441632960001", "+493023125100", "numbers"),
        ("pbx", "100", "030 23125-100", "numbers"),
    ] {
        assert_eq!(&*w.plan(on, caller, called).route_name, route, "{called} on {on}");
    }
}

#[test]
fn numbers_come_out_normalised_and_in_each_trunks_form() {
    let w = world();
    let plan = w.plan("pbx", "030 23125 100", "0044 1632 960001");
    assert_eq!((plan.called.as_str(), plan.caller.as_str()), ("+441632960001", "+493023125100"));
    assert_eq!((plan.called_rule, plan.caller_rule), (Some(Rule::International), Some(Rule::National)));
    assert_eq!(w.names(&plan), ["elastic", "flex"]);
    let wire: Vec<_> = plan.attempts.iter().map(|a| (a.called.as_str(), a.caller.as_str())).collect();
    assert_eq!(wire, [("441632960001", "493023125100"), ("+441632960001", "+493023125100")]);

    let plan = w.plan("elastic", "441632960001", "493023126000");
    assert_eq!((plan.called_rule, plan.route), (Some(Rule::TrunkForm), RouteRef::Numbers(1)));
    assert_eq!(w.names(&plan), ["gw", "pbx"]);
    assert_eq!(plan.attempts[0].called, "03023126000");
    assert_eq!(plan.attempts[0].caller, "00441632960001");
    assert_eq!(plan.attempts[1].called, "+493023126000");
}

#[test]
fn extensions_reach_a_pbx_and_no_provider() {
    let w = world();
    let plan = w.plan("flex", "+441632960001", "+493023125000;ext=17");
    assert_eq!(
        (plan.called.as_str(), plan.attempts[0].called.as_str()),
        ("+493023125000", "+493023125000;ext=17")
    );
    let plan = w.plan("pbx", "+493023125000;ext=17", "+441632960001");
    assert!(plan.attempts.iter().all(|a| !a.caller.contains(';')));
}

#[test]
fn refusals_have_stable_reasons() {
    let w = world();
    for (on, called, status, reason) in [
        ("pbx", "", 484, ReasonId::NumberIncomplete),
        ("pbx", "alice", 404, ReasonId::NoRoute),
        ("pbx", "0", 404, ReasonId::NoRoute),
        ("pbx", "11", 484, ReasonId::NumberIncomplete),
        ("pbx", "+", 484, ReasonId::NumberIncomplete),
        ("pbx", "+49900555010", 503, ReasonId::TrunkDisabled),
        ("pbx", "12\r\n3", 404, ReasonId::NumberInvalid),
    ] {
        let refusal = w.refusal(on, "", called);
        assert_eq!((refusal.status, refusal.reason), (status, reason), "{called}");
    }
    let long = "1".repeat(routing::NUMBER_MAX + 1);
    assert_eq!(w.refusal("pbx", "", &long).reason, ReasonId::NumberInvalid);
    let refusal = w.refusal("pbx", "", "+49900555010");
    assert!(refusal.sentence.contains("route premium; off: disabled"), "{}", refusal.sentence);
}

#[test]
fn a_number_too_short_to_be_read_is_incomplete_where_its_beginning_leads_somewhere() {
    let w = World::new("DE", "[[route]]\nname = \"world\"\nmatch = { called = \"+44*\" }\nto = \"flex\"\n");
    for (called, reason) in [
        ("0044207", ReasonId::NumberIncomplete),
        ("004", ReasonId::NumberIncomplete),
        ("0033142", ReasonId::NoRoute),
        ("0301", ReasonId::NoRoute),
        ("00", ReasonId::NoRoute),
        ("44207", ReasonId::NoRoute),
    ] {
        assert_eq!(w.refusal("pbx", "", called).reason, reason, "{called}");
    }
}

#[test]
fn a_number_of_ours_that_lacks_digits_is_incomplete() {
    let w = World::new("DE", "[[numbers]]\nrange = \"+493023125000..+493023125999\"\ndeliver = [\"pbx\"]\n");
    assert_eq!(w.refusal("flex", "", "+4930231250").reason, ReasonId::NumberIncomplete);
    assert_eq!(w.refusal("flex", "", "+4930231260").reason, ReasonId::NoRoute);
    assert_eq!(w.refusal("flex", "", "+4930231250000").reason, ReasonId::NoRoute);
}

#[test]
fn a_call_goes_back_only_to_a_direct_trunk() {
    let w = world();
    let plan = w.plan("flex", "+441632960001", "+15550100000");
    assert_eq!(w.names(&plan), ["elastic", "gw"]);
    assert_eq!(plan.skipped.as_slice(), [(w.id("flex"), SkipReason::Hairpin)]);
    assert_eq!(w.names(&w.plan("pbx", "100", "+493023125100")), ["pbx"]);
    let w = World::new("", "[[route]]\nname = \"only\"\nto = \"flex\"\n");
    let refusal = w.refusal("flex", "", "+15550100000");
    assert_eq!((refusal.status, refusal.reason), (403, ReasonId::Hairpin));
}

fn one(trunk: TrunkId, state: TrunkState) -> impl Fn(TrunkId) -> TrunkState {
    move |id| if id == trunk { state } else { TrunkState::default() }
}

#[test]
fn trunks_that_cannot_take_a_call_are_skipped_with_their_reason() {
    let w = world();
    let idle = TrunkState::default();
    for (state, why) in [
        (TrunkState { enabled: false, ..idle }, SkipReason::Disabled),
        (TrunkState { draining: true, ..idle }, SkipReason::Draining),
        (TrunkState { calls: 200, ..idle }, SkipReason::Full),
        (TrunkState { cps_spent: true, ..idle }, SkipReason::Rate),
    ] {
        let decision = w.decide("pbx", "", "+441632960001", &one(w.id("elastic"), state), 0);
        let plan = decision.plan().expect("flex is left");
        assert_eq!(w.names(plan), ["flex"]);
        assert_eq!(plan.skipped.as_slice(), [(w.id("elastic"), why)]);
    }
    let almost = TrunkState { calls: 199, ..idle };
    let decision = w.decide("pbx", "", "+441632960001", &one(w.id("elastic"), almost), 0);
    assert_eq!(decision.plan().map(|p| w.names(p)), Some(vec!["elastic", "flex"]));
}

#[test]
fn trunks_in_trouble_go_last_and_are_never_excluded() {
    let w = world();
    let idle = TrunkState::default();
    for state in [TrunkState { health: Health::Down, ..idle }, TrunkState { cooling: true, ..idle }] {
        let decision = w.decide("pbx", "", "+441632960001", &one(w.id("elastic"), state), 0);
        let plan = decision.plan().expect("both");
        assert_eq!(w.names(plan), ["flex", "elastic"]);
        assert_eq!(
            plan.attempts.iter().map(|a| (a.tier, a.demoted)).collect::<Vec<_>>(),
            [(1, false), (0, true)]
        );
        let decision = w.decide("pbx", "", "+441632960001", &|_| state, 0);
        assert_eq!(decision.plan().map(|p| w.names(p)), Some(vec!["elastic", "flex"]));
    }
}

#[test]
fn refusals_when_no_trunk_is_left() {
    let w = world();
    let idle = TrunkState::default();
    let full = TrunkState { calls: 1_000, ..idle };
    let spent = TrunkState { cps_spent: true, ..idle };
    let draining = TrunkState { draining: true, ..idle };
    let flex = w.id("flex");
    type Case = (Box<dyn Fn(TrunkId) -> TrunkState>, ReasonId, Option<u32>);
    let cases: [Case; 4] = [
        (Box::new(move |_| full), ReasonId::TrunkFull, Some(5)),
        (Box::new(move |_| spent), ReasonId::TrunkRate, Some(1)),
        (Box::new(move |_| draining), ReasonId::TrunkDraining, None),
        (Box::new(move |id| if id == flex { spent } else { full }), ReasonId::NoTrunk, Some(1)),
    ];
    for (state, reason, retry_after) in cases {
        let decision = w.decide("pbx", "", "+441632960001", &state, 0);
        let refusal = decision.refusal().expect("no trunk is left");
        assert_eq!((refusal.status, refusal.reason, refusal.retry_after), (503, reason, retry_after));
        assert_eq!(refusal.skipped.len(), 2);
    }
}

#[test]
fn emergency_calls_are_left_as_dialled_and_know_no_limits() {
    let rules = r#"
[[dialplan]]
name = "extensions"
match = '(\d{3})'
to = "+4930231$1"
[[route]]
name = "emergency"
match = { called = "/112|110/" }
to = ["flex", "gw"]
[[route]]
name = "world"
match = { called = "+*" }
to = "flex"
"#;
    let w = World::new("DE", rules);
    let full = |_| TrunkState { calls: 1_000, cps_spent: true, ..TrunkState::default() };
    for number in ["112", "110"] {
        let decision = w.decide("pbx", "100", number, &full, 0);
        let plan = decision.plan().expect("an emergency call is never refused for limits");
        assert!(plan.emergency);
        assert_eq!(w.names(plan), ["flex", "gw"]);
        assert!(plan.attempts.iter().all(|a| a.called == number));
        assert_eq!(plan.caller, "+4930231100");
    }
    assert_eq!(w.plan("pbx", "", "111").called, "+4930231111");
    let decision = w.decide("pbx", "100", "111", &full, 0);
    assert_eq!(decision.refusal().map(|r| r.reason), Some(ReasonId::TrunkFull));
}

#[test]
fn dial_rules_of_the_trunk_before_the_sites_before_global_ones() {
    let rules = r#"
[[dialplan]]
name = "global"
match = '5(\d)'
to = "+100000000$1"
[[dialplan]]
name = "site"
site = "berlin"
match = '5(\d)'
to = "+200000000$1"
[[dialplan]]
name = "trunk"
trunk = "pbx"
match = '5([12])'
to = "+300000000$1"
[[dialplan]]
name = "keep"
trunk = "pbx"
match = '0(\d{6})'
to = "0$1"
[[dialplan]]
name = "exchange"
trunk = "pbx"
match = '9(.*)'
to = "$1"
[[route]]
name = "all"
to = ["gw", "pbx"]
"#;
    let w = World::new("DE", rules);
    for (on, dialled, called, rule) in [
        ("pbx", "51", "+3000000001", Some(Rule::Dial(2))),
        ("pbx", "53", "+2000000003", Some(Rule::Dial(1))),
        ("gw", "51", "+1000000001", Some(Rule::Dial(0))),
        ("pbx", "0123456", "0123456", Some(Rule::Dial(3))),
        ("gw", "0123456", "+49123456", Some(Rule::National)),
        ("pbx", "903023125", "+493023125", Some(Rule::DialThenCountry(4))),
        ("pbx", "9112", "112", Some(Rule::Dial(4))),
        ("pbx", "61", "61", None),
        ("pbx", "+493023125", "+493023125", None),
    ] {
        let plan = w.plan(on, "", dialled);
        assert_eq!((plan.called.as_str(), plan.called_rule), (called, rule), "{dialled} on {on}");
    }
}

#[test]
fn the_configurations_own_tests_run() {
    let tests = r#"
[[test]]
name = "uk"
call = { on = "pbx", from = "030 23125100", to = "0044 1632 960001" }
expect = { route = "uk", called = "+441632960001", calling = "+493023125100", trunk = "elastic" }
[[test]]
name = "weighted"
call = { on = "pbx", from = "+493023125100", to = "+15550100000" }
expect = { route = "world", trunk = "elastic" }
[[test]]
name = "refused"
call = { on = "pbx", from = "+493023125100", to = "alice" }
expect = { refused = 404 }
[[test]]
name = "sent"
call = { on = "pbx", from = "+493023125100", to = "0044 1632 960001" }
expect = { called_sent = "441632960001", calling_sent = "493023125100" }
[[test]]
name = "sent wrong"
call = { on = "pbx", from = "+493023125100", to = "0044 1632 960001" }
expect = { called_sent = "+441632960001", calling_sent = "0" }
[[test]]
name = "wrong"
call = { on = "pbx", from = "+493023125100", to = "0044 1632 960001" }
expect = { route = "world", called = "+44", trunk = "flex" }
[[test]]
name = "not refused"
call = { on = "pbx", from = "+493023125100", to = "0044 1632 960001" }
expect = { refused = 404 }
"#;
    let w = World::new("DE", &format!("{ROUTES}{tests}"));
    let outcomes = run_tests(&w.config, &w.table);
    let failures: Vec<(&str, usize)> = outcomes.iter().map(|o| (o.name.as_str(), o.failures.len())).collect();
    assert_eq!(
        failures,
        [
            ("uk", 0),
            ("weighted", 0),
            ("refused", 0),
            ("sent", 0),
            ("sent wrong", 2),
            ("wrong", 3),
            ("not refused", 1)
        ]
    );
    assert!(outcomes.iter().all(|o| !o.story.is_empty()));
}

#[test]
fn the_story_tells_every_rule() {
    let w = world();
    let facts = routing::Facts {
        on: w.id("pbx"),
        called: "0044 1632 960001",
        caller: "100",
        anonymous: false,
        user: None,
        source: None,
        media: None,
        at: None,
    };
    let mut story = routing::Story::default();
    let state = one(w.id("flex"), TrunkState { calls: 60, ..TrunkState::default() });
    let decision = w.table.plan(&facts, &state, 0, &mut story);
    assert!(matches!(decision, Decision::Plan(_)));
    let told = story.0.join("\n");
    for line in [
        "arrived on pbx",
        "called: +441632960001 by the international prefix",
        "caller: \"100\" stays as received",
        "no number range holds it",
        "route boss is for other called numbers",
        "route uk matches",
        "trunk flex is left out: full",
        "attempt 1: trunk elastic (tier 1), called \"441632960001\"",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
}
