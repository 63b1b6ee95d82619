//! Whose call it is: dial plans, policies and numbers of users and groups, and places by address.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use base::ReasonId;
use common::World;
use routing::{AllIdle, Decision, Facts, Plan, SkipReason, Story};
use std::net::IpAddr;

const CONFIG: &str = r#"
version = 1
country = "DE"
external_prefix = "0"
default_policy = "everybody"
[listen.inside]
address = "10.0.0.5"
sip = ["udp:5060"]
rtp = "20000-20999"
[policy.everybody]
usages = ["home"]
[policy.traders]
usages = ["world", "home"]
[policy.boss]
usages = ["world"]
[policy.lobby]
usages = ["none"]
[group.trading]
policy = "traders"
external_prefix = "9"
deny = ["shared-cost"]
[site.london]
subnets = ["10.20.0.0/16"]
external_prefix = "8"
[site.berlin]
subnets = ["10.9.0.0/16", "10.20.9.0/24"]
[trunk.phones]
kind = "direct"
listen = "inside"
sources = ["10.0.0.0/8"]
registrar = {}
users = [
  { username = "anna", password = "x", numbers = ["+493023125100", "+493023125199"], group = "trading" },
  { username = "ben-1", account = "ben", password = "x", numbers = "+493023125101", group = "trading", policy = "boss" },
  { username = "carl", password = "x", numbers = "+493023125102" },
  { username = "dora", password = "x" },
]
[trunk.provider]
kind = "itsp"
listen = "inside"
gateways = ["192.0.2.7"]
[trunk.london-gw]
kind = "direct"
listen = "inside"
gateways = ["10.20.0.9"]
site = "london"
site_only = true
[[dialplan]]
name = "everybody-7"
match = "7([0-9]+)"
to = "+497$1"
[[dialplan]]
name = "trading-7"
match = "7([0-9]+)"
to = "+447$1"
group = "trading"
[[dialplan]]
name = "london-6"
match = "6([0-9]+)"
to = "+446$1"
site = "london"
[[numbers]]
range = "+493023125100..+493023125199"
deliver = "phones"
[[route]]
name = "germany"
match = { called = "+49*" }
usages = ["home"]
to = ["provider", "london-gw"]
[[route]]
name = "world"
match = { called = "+*" }
usages = ["world"]
to = ["london-gw", "provider"]
[[route]]
name = "nowhere"
match = { called = "+999*" }
usages = ["none"]
to = "provider"
[[test]]
call = { on = "phones", user = "anna", source = "10.20.0.5", from = "anna", to = "97123456" }
expect = { route = "world", called = "+447123456", calling = "+493023125100" }
[[test]]
call = { on = "phones", user = "carl", from = "carl", to = "07123456" }
expect = { route = "germany", called = "+497123456" }
"#;

fn asked(
    w: &World,
    user: Option<u16>,
    source: Option<&str>,
    caller: &str,
    called: &str,
) -> (Decision, Story) {
    let source: Option<IpAddr> = source.map(|text| text.parse().unwrap());
    let facts = Facts { user, source, ..Facts::new(w.id("phones"), called, caller) };
    let mut story = Story::default();
    (w.table.plan(&facts, &AllIdle, 0, &mut story), story)
}

fn plan(w: &World, user: Option<u16>, source: Option<&str>, caller: &str, called: &str) -> Plan {
    match asked(w, user, source, caller, called) {
        (Decision::Plan(plan), _) => plan,
        (Decision::Refuse(why), story) => panic!("{called}: {why:?}\n{:#?}", story.0),
    }
}

const ANNA: Option<u16> = Some(0);
const BEN: Option<u16> = Some(1);
const CARL: Option<u16> = Some(2);
const DORA: Option<u16> = Some(3);

#[test]
fn the_configurations_own_tests_may_name_a_user_and_an_address() {
    let w = World::of(CONFIG);
    let outcomes = routing::run_tests(&w.config, &w.table);
    for outcome in &outcomes {
        assert!(outcome.passed(), "{:?}\n{:#?}", outcome.failures, outcome.story);
    }
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn a_users_group_dials_by_rules_of_its_own_before_those_of_others() {
    let w = World::of(CONFIG);
    assert_eq!(plan(&w, ANNA, None, "anna", "97123456").called, "+447123456", "its own rule, its own prefix");
    assert_eq!(plan(&w, CARL, None, "carl", "07123456").called, "+497123456");
    assert_eq!(plan(&w, None, None, "", "07123456").called, "+497123456", "nobody in particular");
}

#[test]
fn of_policies_that_of_the_user_comes_first_then_that_of_the_group() {
    let w = World::of(CONFIG);
    let names = |p: &Plan| p.attempts.iter().map(|a| a.route_name.to_string()).collect::<Vec<_>>();
    assert_eq!(plan(&w, ANNA, None, "anna", "+497123").route_name.as_ref(), "world", "traders: world first");
    assert_eq!(names(&plan(&w, BEN, None, "ben", "+497123")), ["world"], "his own, without a backup");
    assert_eq!(plan(&w, CARL, None, "carl", "+497123").route_name.as_ref(), "germany");
    let (decision, story) = asked(&w, CARL, None, "carl", "+447123");
    assert_eq!(decision.refusal().unwrap().reason, ReasonId::NotInPolicy);
    assert!(story.0.contains(&"the caller is under policy everybody".to_owned()), "{:#?}", story.0);
    let (decision, _) = asked(&w, ANNA, None, "anna", "+491801123456");
    assert_eq!(decision.refusal().unwrap().reason, ReasonId::DeniedSharedCost, "denied to the group");
    let carl = asked(&w, CARL, None, "carl", "+491801123456").0;
    assert!(carl.plan().is_some(), "and not to others: {carl:?}");
}

#[test]
fn a_user_who_calls_by_its_name_is_shown_with_its_first_number() {
    let w = World::of(CONFIG);
    let shown =
        |w: &World, user, caller: &str| plan(w, user, None, caller, "+497123").attempts[0].caller.clone();
    assert_eq!(shown(&w, ANNA, "anna"), "+493023125100");
    assert_eq!(shown(&w, ANNA, "+493023125199"), "+493023125199", "a number of its own stays");
    assert_eq!(shown(&w, BEN, "ben"), "+493023125101", "by its account");
    assert_eq!(shown(&w, BEN, "ben-1"), "+493023125101", "or its user name");
    assert_eq!(shown(&w, DORA, "dora"), "dora", "who has none keeps the name");
    assert_eq!(shown(&w, None, "anna"), "anna", "nobody has proven to be anna");
    assert_eq!(shown(&w, CARL, "anna"), "anna", "and carl is not");
    let (_, story) = asked(&w, ANNA, None, "anna", "+497123");
    let told = "caller: +493023125100 by the calling user's own numbers".to_owned();
    assert!(story.0.contains(&told), "{:#?}", story.0);
    let name = CONFIG.replace("registrar = {}", "registrar = {}\nauthenticate = { presents = \"name\" }");
    let name = name.replace(", calling = \"+493023125100\"", "");
    assert_eq!(shown(&World::of(&name), ANNA, "anna"), "anna");
}

#[test]
fn a_callers_place_follows_its_address_by_the_longest_prefix() {
    let w = World::of(CONFIG);
    assert_eq!(plan(&w, CARL, Some("10.20.0.5"), "carl", "8+497123").called, "+497123", "London's prefix");
    assert_eq!(plan(&w, ANNA, Some("10.20.0.5"), "anna", "96123").called, "+446123", "London's rule");
    let (decision, _) = asked(&w, ANNA, Some("10.20.9.5"), "anna", "96123");
    assert!(decision.plan().is_none_or(|plan| plan.called != "+446123"), "a network of Berlin within");
    let kept = |source: Option<&str>| {
        let plan = plan(&w, ANNA, source, "anna", "+447123");
        (plan.attempts.len(), plan.skipped.first().map(|(_, why)| *why))
    };
    assert_eq!(kept(Some("10.20.0.5")), (2, None), "in London as the gateway");
    assert_eq!(kept(Some("10.9.0.5")), (1, Some(SkipReason::OtherSite)));
    assert_eq!(kept(None), (1, Some(SkipReason::OtherSite)), "an unknown place is another one");
    let (_, story) = asked(&w, ANNA, Some("10.20.0.5"), "anna", "+447123");
    assert_eq!(story.0[1], "the caller is user anna of group trading at site london");
}
