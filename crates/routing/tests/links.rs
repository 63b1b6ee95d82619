//! Admission by the WAN links of sites (R88–R90): whose media cross which link, and what is left out for want of room.

mod common;

use base::ReasonId;
use common::World;
use routing::{Crossing, Decision, Facts, FullLink, SkipReason, State, Story, TrunkState};
use std::net::IpAddr;

/// This node and `office` are in Berlin, `branch` and `local` are in Munich, whose link takes two calls; the providers
/// are outside.
const MORE: &str = r#"
[site.munich]
subnets = ["127.0.1.7", "127.0.1.8", "127.0.3.0/24"]
wan_calls_max = 2
[trunk.branch]
kind = "direct"
listen = "inside"
gateways = ["127.0.1.7"]
DIRECT
[trunk.local]
kind = "direct"
listen = "inside"
site = "munich"
gateways = ["127.0.1.8"]
DIRECT
[trunk.office]
kind = "direct"
listen = "inside"
site = "berlin"
gateways = ["127.0.1.9"]
DIRECT
[media]
bypass = "match"
[[numbers]]
range = "+4989100000..+4989100999"
deliver = ["branch"]
[[route]]
name = "emergency"
match = { called = "112" }
to = "branch"
[[route]]
name = "all"
match = { called = "+*" }
to = ["branch", "gw"]
"#;

fn world(more: &str) -> World {
    World::of(&format!("{}{more}", common::BASE).replace("version = 1\n", "version = 1\ncountry = \"DE\"\n"))
}

fn relayed() -> World {
    world(&MORE.replace("DIRECT\n", ""))
}

fn bypassed() -> World {
    world(&MORE.replace("DIRECT", "override = { media = \"direct\" }"))
}

/// The links that a call between two trunks crosses, by names.
fn crossed(w: &World, one: &str, other: &str) -> Vec<(String, u32)> {
    let direct = w.table.media_path(w.id(one), w.id(other), None).is_direct();
    named(w, &w.table.crossing((w.id(one), None), (w.id(other), None), direct))
}

fn named(w: &World, crossing: &Crossing) -> Vec<(String, u32)> {
    let mut all: Vec<_> =
        crossing.iter().map(|(site, n)| (w.config.sites[usize::from(*site)].name.clone(), *n)).collect();
    all.sort();
    all
}

fn links(all: &[(&str, u32)]) -> Vec<(String, u32)> {
    all.iter().map(|(site, times)| ((*site).to_owned(), *times)).collect()
}

/// As many calls on every link.
struct Busy(u32);

impl State for Busy {
    fn trunk(&self, _: base::TrunkId) -> TrunkState {
        TrunkState::default()
    }

    fn link(&self, _: u16) -> u32 {
        self.0
    }
}

#[test]
fn relayed_media_cross_the_links_between_each_peer_and_the_node() {
    let w = relayed();
    assert_eq!(crossed(&w, "office", "office"), [], "in the node's own place");
    assert_eq!(crossed(&w, "office", "branch"), links(&[("berlin", 1), ("munich", 1)]));
    assert_eq!(crossed(&w, "branch", "gw"), links(&[("berlin", 2), ("munich", 1)]), "in, and out again");
    assert_eq!(crossed(&w, "gw", "gw"), links(&[("berlin", 2)]), "who is at no site has no link");
    assert_eq!(crossed(&w, "branch", "local"), links(&[("berlin", 2), ("munich", 2)]), "there and back");
}

#[test]
fn media_that_bypass_the_node_cross_only_what_lies_between_the_peers() {
    let w = bypassed();
    assert_eq!(crossed(&w, "branch", "local"), [], "bypass comes first");
    assert_eq!(crossed(&w, "office", "branch"), links(&[("berlin", 1), ("munich", 1)]), "not bypassed");
    let everywhere = world(
        &MORE
            .replace("DIRECT", "override = { media = \"direct\" }")
            .replace("bypass = \"match\"", "bypass = \"always\""),
    );
    assert_eq!(crossed(&everywhere, "office", "branch"), links(&[("berlin", 1), ("munich", 1)]));
}

#[test]
fn the_address_says_where_a_peer_is_unless_another_one_stands_for_its_media() {
    let w = relayed();
    let at = |trunk: &str, address: &str| (w.id(trunk), Some(address.parse::<IpAddr>().unwrap()));
    let crossing = |one, other| named(&w, &w.table.crossing(one, other, false));
    let office = (w.id("office"), None);
    assert_eq!(crossing(at("gw", "127.0.3.9"), office), links(&[("berlin", 1), ("munich", 1)]));
    assert_eq!(crossing(at("gw", "127.0.4.9"), office), links(&[("berlin", 1)]));
    let w = world(
        &MORE
            .replace("DIRECT\n", "")
            .replace("[trunk.local]\n", "[trunk.local]\nmedia_address = \"127.0.4.9\"\n"),
    );
    assert_eq!(crossed(&w, "office", "local"), links(&[("berlin", 1)]), "its media are outside");
}

#[test]
fn a_node_at_no_site_is_outside() {
    let text = format!("{}{MORE}", common::BASE).replace("DIRECT\n", "");
    let text = text.replace("{ name = \"test\", site = \"berlin\" }", "{ name = \"test\" }");
    let w = World::of(&text.replace("version = 1\n", "version = 1\ncountry = \"DE\"\n"));
    assert_eq!(crossed(&w, "office", "office"), links(&[("berlin", 2)]));
    assert_eq!(crossed(&w, "gw", "branch"), links(&[("munich", 1)]));
}

#[test]
fn an_attempt_over_a_full_link_is_left_out_and_the_next_trunk_is_tried() {
    let w = relayed();
    assert_eq!(w.names(&w.plan("office", "", "+49401234567")), ["branch", "gw"]);
    for (busy, wanted) in [(1, &["branch", "gw"][..]), (2, &["gw"]), (3, &["gw"])] {
        let Decision::Plan(plan) = w.decide("office", "", "+49401234567", &Busy(busy), 0) else { panic!() };
        assert_eq!(w.names(&plan), wanted, "{busy} calls");
    }
    let mut story = Story::default();
    let facts = Facts::new(w.id("office"), "+49401234567", "");
    let Decision::Plan(plan) = w.table.plan(&facts, &Busy(2), 0, &mut story) else { panic!() };
    let full = FullLink { site: 1, calls: 2, max: 2 };
    assert_eq!(plan.skipped[0], (w.id("branch"), SkipReason::LinkFull(full)));
    assert!(
        story.0.contains(&"trunk branch is left out: link to munich full, 2 of 2".to_owned()),
        "{story:?}"
    );
    assert_eq!(
        w.table.explain(w.id("office"), &plan),
        "route all; branch skipped: link to munich full, 2 of 2"
    );
}

#[test]
fn a_call_that_would_cross_a_link_twice_needs_room_for_both() {
    let w = relayed();
    let refusal = match w.decide("local", "", "+4989100005", &Busy(1), 0) {
        Decision::Refuse(refusal) => refusal,
        Decision::Plan(plan) => panic!("{plan:?}"),
    };
    assert_eq!((refusal.status, refusal.reason), (503, ReasonId::LinkFull));
    assert_eq!(refusal.retry_after, Some(5));
    let told = "branch: link to munich has no room for two, 1 of 2; between the peers they would not cross it, for which \
                `media = \"direct\"` at local and branch is missing).";
    assert!(refusal.sentence.ends_with(told), "{}", refusal.sentence);
}

#[test]
fn what_keeps_a_call_within_a_place_on_its_full_link_is_named() {
    let refused = |w: &World, on: &str| match w.decide(on, "", "+4989100005", &Busy(2), 0) {
        Decision::Refuse(refusal) => refusal.sentence,
        Decision::Plan(plan) => panic!("{plan:?}"),
    };
    let direct = MORE.replace("DIRECT", "override = { media = \"direct\" }");
    let off = refused(&world(&direct.replace("bypass = \"match\"", "bypass = \"off\"")), "local");
    assert!(off.ends_with("for which `bypass = \"match\"` is missing)."), "{off}");
    let branch = "[trunk.branch]\nkind = \"direct\"\n";
    let apart = direct.replace(branch, &format!("{branch}bypass = [\"own\"]\n"));
    let apart = refused(&world(&apart), "local");
    assert!(apart.ends_with("for which a common `bypass` id of the two trunks is missing)."), "{apart}");
    let far = refused(&relayed(), "office");
    assert!(far.ends_with("branch: link to munich full, 2 of 2)."), "it has to cross it: {far}");
}

#[test]
fn between_peers_of_both_ip_versions_nothing_is_missing_for_they_never_reach_each_other() {
    let six = "[listen.six]\naddress = \"::1\"\nsip = [\"udp:5060\"]\nrtp = \"30000-30999\"\n";
    let here = "listen = \"inside\"\nsite = \"munich\"\ngateways = [\"127.0.1.8\"]";
    let there = here.replace("inside", "six").replace("127.0.1.8", "fd00::8");
    let more = MORE.replace("DIRECT", "override = { media = \"direct\" }").replace(here, &there);
    let w = world(&format!("{more}{six}"));
    let Decision::Refuse(refusal) = w.decide("local", "", "+4989100005", &Busy(2), 0) else { panic!() };
    let told = "branch: link to munich full, 2 of 2; IPv4 and IPv6 never pass each other by).";
    assert!(refusal.sentence.ends_with(told), "{}", refusal.sentence);
}

#[test]
fn a_call_in_its_place_goes_beside_a_full_link() {
    let w = bypassed();
    let Decision::Plan(plan) = w.decide("local", "", "+4989100005", &Busy(9), 0) else { panic!() };
    assert_eq!(w.names(&plan), ["branch"]);
}

#[test]
fn a_full_link_holds_no_emergency_call_up() {
    let w = relayed();
    let Decision::Plan(plan) = w.decide("office", "", "112", &Busy(9), 0) else { panic!() };
    assert_eq!(w.names(&plan), ["branch"]);
}

#[test]
fn a_limit_of_nothing_lets_no_call_cross() {
    let w = world(&MORE.replace("DIRECT\n", "").replace("wan_calls_max = 2", "wan_calls_max = 0"));
    assert_eq!(w.names(&w.plan("office", "", "+49401234567")), ["gw"]);
}

#[test]
fn of_a_trunk_with_gateways_in_several_places_one_with_room_is_enough() {
    let text = MORE
        .replace("DIRECT\n", "")
        .replace("gateways = [\"127.0.1.7\"]", "gateways = [\"127.0.1.7\", \"127.0.5.7\"]");
    let w = world(&text);
    let Decision::Plan(plan) = w.decide("office", "", "+49401234567", &Busy(2), 0) else { panic!() };
    assert_eq!(w.names(&plan), ["branch", "gw"], "which of them is tried is settled at each attempt");
}
