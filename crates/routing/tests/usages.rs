//! Policies, times, exceptions and priorities of routes, case by case.

mod common;

use base::ReasonId;
use common::World;
use routing::{AllIdle, Decision, Facts, Health, NoTrace, RouteRef, TrunkState, run_tests, shadowed};

const POLICIES: &str = r#"
default_policy = "plain"
[policy.plain]
usages = ["local", "backup"]
[policy.staff]
usages = ["long", "local", "backup"]
"#;

const ROUTES: &str = r#"
[[route]]
name = "far"
match = { called = "+*" }
usages = ["long"]
to = "flex"
retry_on = [486]
[[route]]
name = "berlin"
match = { called = "+4930*" }
usages = ["local"]
to = "gw"
[[route]]
name = "any"
match = { called = "+49*" }
usages = ["backup"]
to = ["gw", "elastic"]
[[route]]
name = "emergency"
match = { called = "112" }
to = "gw"
"#;

/// The base with policies before its tables and routes behind; `staff` is the policy of the PBX.
fn world() -> World {
    let mut config = common::config_with("DE", POLICIES, ROUTES);
    let pbx = config.trunk_named("pbx").expect("a trunk");
    config.trunks[pbx.index()].permissions.policy = Some(1);
    World { table: routing::Table::compile(&config), config }
}

#[test]
fn routes_are_tried_usage_by_usage() {
    let w = world();
    let plan = w.plan("pbx", "", "+493023125100");
    assert_eq!(w.names(&plan), ["flex", "gw", "elastic"], "each usage backs up the one before");
    let ways: Vec<(&str, u8)> = plan.attempts.iter().map(|a| (&*a.route_name, a.tier)).collect();
    assert_eq!(ways, [("far", 0), ("berlin", 1), ("any", 3)], "gw stands in two routes and is tried once");
    assert_eq!((plan.route, &*plan.route_name), (RouteRef::Route(0), "far"));
    assert_eq!(plan.attempts[0].retry_on.as_deref(), Some(&[486][..]));
    assert_eq!(plan.attempts[1].retry_on, None);

    let plan = w.plan("gw", "", "+493023125100");
    assert_eq!(w.names(&plan), ["gw", "elastic"], "the default policy knows no long distance");
    let refusal = w.refusal("gw", "", "+441632960001");
    assert_eq!((refusal.status, refusal.reason), (403, ReasonId::NotInPolicy));
    assert_eq!(w.refusal("gw", "", "alice").reason, ReasonId::NoRoute);
}

#[test]
fn no_policy_keeps_anyone_from_an_emergency_service() {
    let w = world();
    assert_eq!(w.names(&w.plan("flex", "", "112")), ["gw"]);
}

#[test]
fn a_site_has_a_policy_between_the_trunks_and_the_default() {
    let mut config = common::config_with("DE", POLICIES, ROUTES);
    config.sites[0].permissions.policy = Some(1);
    let w = World { table: routing::Table::compile(&config), config };
    assert_eq!(w.names(&w.plan("pbx", "", "+441632960001")), ["flex"], "the PBX stands in berlin");
    assert_eq!(w.refusal("gw", "", "+441632960001").reason, ReasonId::NotInPolicy);
}

#[test]
fn a_backup_is_tried_when_the_first_route_has_no_trunk() {
    let w = world();
    let flex = w.id("flex");
    let full = |id| TrunkState { calls: if id == flex { 60 } else { 0 }, ..TrunkState::default() };
    let decision = w.decide("pbx", "", "+493023125100", &full, 0);
    assert_eq!(decision.plan().map(|p| w.names(p)), Some(vec!["gw", "elastic"]));
    let decision = w.decide("pbx", "", "+441632960001", &full, 0);
    let refusal = decision.refusal().expect("one route, one trunk, and it is full");
    assert!(refusal.sentence.contains("(route far; flex: full)"), "{}", refusal.sentence);
}

#[test]
fn exceptions_priorities_and_callers_of_routes() {
    let routes = r#"
[[route]]
name = "last"
match = { called = "+*" }
priority = 200
to = "elastic"
[[route]]
name = "germany"
match = { called = "+49*" }
except = ["+49900*", "/\\+4930[0-4].*/"]
caller_id = "+493023125000;ext=17"
to = ["gw", "pbx", "elastic"]
[[route]]
name = "first"
match = { called = "+49151*" }
priority = 1
to = "flex"
"#;
    let w = World::new("DE", routes);
    for (called, route) in
        [("+4930623125", "germany"), ("+4930323125", "last"), ("+49900123", "last"), ("+4915112345", "first")]
    {
        assert_eq!(&*w.plan("pbx", "100", called).route_name, route, "{called}");
    }
    let plan = w.plan("flex", "+441632960001", "+4930623125");
    assert_eq!((plan.route, plan.caller.as_str()), (RouteRef::Route(1), "+441632960001"));
    let callers: Vec<&str> = plan.attempts.iter().map(|a| a.caller.as_str()).collect();
    assert_eq!(
        callers,
        ["03023125000;ext=17", "+493023125000;ext=17", "493023125000"],
        "in each trunk's form"
    );
}

const HOURS: &str = r#"
[holidays.de]
dates = ["2026-12-25..2026-12-26", "01-01"]
[[route]]
name = "day"
when = { zone = "Europe/Berlin", days = "mon-fri", from = "08:00", to = "18:00", not_holidays = "de" }
to = "pbx"
[[route]]
name = "night"
when = { zone = "Europe/Berlin", days = ["fri", "sat"], from = "22:00", to = "06:00" }
to = "gw"
[[route]]
name = "gap"
priority = 1
when = { zone = "Europe/Berlin", dates = ["2026-03-29", "2026-10-25"], from = "02:00", to = "03:00" }
to = "flex"
[[route]]
name = "feast"
when = { zone = "Europe/Berlin", holidays = "de", to = "24:00" }
to = "flex"
[[route]]
name = "else"
to = "elastic"
"#;

#[test]
fn routes_hold_at_their_times() {
    let w = World::new("DE", HOURS);
    for (at, route, why) in [
        ("2026-07-01T06:00:00Z", "day", "Wednesday 08:00 in summer"),
        ("2026-07-01T05:59:59Z", "else", "a second before"),
        ("2026-07-01T15:59:59Z", "day", "17:59:59"),
        ("2026-07-01T16:00:00Z", "else", "the end is not in it"),
        ("2026-12-02T07:00:00Z", "day", "Wednesday 08:00 in winter"),
        ("2026-12-02T06:59:59Z", "else", "in winter an hour later by UTC"),
        ("2026-07-04T08:00:00Z", "else", "a Saturday"),
        ("2026-12-25T10:00:00Z", "feast", "a Friday and a holiday"),
        ("2026-12-31T23:30:00Z", "feast", "already the first of January there"),
        ("2026-07-03T20:00:00Z", "night", "Friday 22:00"),
        ("2026-07-04T03:59:59Z", "night", "Saturday 05:59, the span of Friday"),
        ("2026-07-04T04:00:00Z", "else", "Saturday 06:00"),
        ("2026-07-05T03:00:00Z", "night", "Sunday 05:00, the span of Saturday"),
        ("2026-07-06T03:00:00Z", "else", "Monday 05:00"),
        ("2026-03-29T00:30:00Z", "night", "01:30, before the clocks go forward"),
        ("2026-03-29T01:00:00Z", "night", "03:00: the hour from 2 does not exist that day"),
        ("2026-10-25T00:30:00Z", "gap", "02:30 in summer time"),
        ("2026-10-25T01:30:00Z", "gap", "02:30 again, in winter time"),
        ("2026-10-25T02:00:00Z", "night", "03:00"),
    ] {
        let at = config::moment(at);
        assert!(at.is_some());
        let facts = Facts {
            on: w.id("pbx"),
            called: "+15550100",
            caller: "",
            anonymous: false,
            user: None,
            source: None,
            media: None,
            at,
        };
        let decision = w.table.plan(&facts, &AllIdle, 0, &mut NoTrace);
        assert_eq!(decision.plan().map(|p| &*p.route_name), Some(route), "{why}");
    }
    assert_eq!(&*w.plan("pbx", "", "+15550100").route_name, "else", "without a time no hours hold");
}

#[test]
fn tests_of_the_configuration_name_a_time_and_trunks_that_are_down() {
    let tests = r#"
[[test]]
call = { on = "gw", from = "100", to = "+15550100" }
at = "2026-12-24T10:00:00+01:00"
expect = { route = "day", trunk = "pbx" }
[[test]]
call = { on = "gw", from = "100", to = "+15550100" }
at = "2026-12-24T22:00:00Z"
expect = { route = "else" }
[[route]]
name = "two"
match = { called = "+44*" }
to = ["flex", "elastic"]
priority = 1
[[test]]
call = { on = "gw", from = "100", to = "+44123" }
down = "flex"
expect = { trunk = "elastic" }
"#;
    let w = World::new("DE", &format!("{HOURS}{tests}"));
    for outcome in run_tests(&w.config, &w.table) {
        assert!(outcome.passed(), "{outcome:?}");
    }
}

#[test]
fn a_route_is_shadowed_only_where_usages_times_and_exceptions_leave_it_no_call() {
    let routes = r#"
[[route]]
name = "day"
match = { called = "+49*" }
when = { zone = "Europe/Berlin", days = "mon" }
usages = ["a"]
to = "flex"
[[route]]
name = "all-but-berlin"
match = { called = "+49*" }
except = "+4930*"
usages = ["a", "b"]
to = "flex"
[[route]]
name = "berlin"
match = { called = "+4930*" }
usages = ["a"]
to = "flex"
[[route]]
name = "munich"
match = { called = "+4989*" }
except = "+493012*"
usages = ["a"]
to = "flex"
[[route]]
name = "bonn"
match = { called = "+49228*" }
except = "+4930*"
usages = ["a"]
to = "flex"
[[route]]
name = "bonn-for-others"
match = { called = "+49228*" }
except = "+4930*"
usages = ["c"]
to = "flex"
[[route]]
name = "monday"
match = { called = "+4940*" }
when = { zone = "Europe/Berlin", days = "mon" }
usages = ["a"]
to = "flex"
[[route]]
name = "before"
match = { called = "+4930*" }
usages = ["a"]
priority = 1
to = "flex"
"#;
    let config = common::config_with("DE", "[policy.p]\nusages = [\"a\", \"b\", \"c\"]\n", routes);
    // `munich` excepts too little to be told; `monday` is covered by the route of its own times.
    assert_eq!(shadowed(&config), [(2, 7), (4, 1), (6, 0)]);
    let config = common::config_with("DE", "", routes);
    assert_eq!(shadowed(&config), [(2, 7), (4, 1), (5, 1), (6, 0)], "usages count under policies alone");
}

#[test]
fn a_trunk_that_is_down_in_the_first_usage_goes_behind_the_backup() {
    let w = world();
    let flex = w.id("flex");
    let state = |id| TrunkState {
        health: if id == flex { Health::Down } else { Health::Up },
        ..TrunkState::default()
    };
    let Decision::Plan(plan) = w.decide("pbx", "", "+493023125100", &state, 0) else { panic!("a plan") };
    assert_eq!(w.names(&plan), ["gw", "elastic", "flex"]);
}
