//! Trunks that are kept to their site (R69): who may meet whom in one call.

mod common;

use base::ReasonId;
use common::World;
use routing::{SkipReason, Table};

/// Berlin has the PBX and a gateway for its own calls alone; `gw` and the providers stand elsewhere or nowhere.
const MORE: &str = r#"
[site.munich]
[trunk.local]
kind = "direct"
listen = "inside"
site = "berlin"
site_only = true
gateways = ["127.0.1.6"]
[trunk.branch]
kind = "direct"
listen = "inside"
site = "munich"
gateways = ["127.0.1.7"]
[[numbers]]
range = "+4989100000..+4989100999"
deliver = ["branch", "pbx"]
[[numbers]]
range = "+4989200000..+4989200999"
deliver = ["branch"]
[[route]]
name = "emergency"
match = { called = "112" }
to = "local"
[[route]]
name = "all"
match = { called = "+*" }
to = ["local", "gw"]
"#;

fn world() -> World {
    let config = common::config("DE", MORE);
    World { table: Table::compile(&config), config }
}

#[test]
fn a_trunk_of_a_site_takes_only_calls_of_the_site() {
    let w = world();
    assert_eq!(w.names(&w.plan("pbx", "", "+49401234567")), ["local", "gw"], "the site's own");
    for stranger in ["branch", "gw"] {
        let plan = w.plan(stranger, "", "+49401234567");
        assert_eq!(w.names(&plan), ["gw"], "{stranger}");
        assert_eq!(plan.skipped[0].1, SkipReason::OtherSite);
    }
}

#[test]
fn what_arrives_by_it_stays_in_the_site() {
    let w = world();
    assert_eq!(w.names(&w.plan("local", "+14255550100", "+4989100005")), ["pbx"], "not to Munich");
    let refusal = w.refusal("local", "+14255550100", "+4989200005");
    assert_eq!((refusal.reason, refusal.status), (ReasonId::OtherSite, 403));
    assert_eq!(w.names(&w.plan("pbx", "", "+4989200005")), ["branch"], "between PBXs it is free");
}

#[test]
fn emergency_calls_know_no_sites() {
    let w = world();
    assert_eq!(w.names(&w.plan("branch", "", "112")), ["local"]);
}

#[test]
fn a_trunk_kept_to_no_site_is_refused() {
    let text = format!("{}{MORE}", common::BASE).replace("version = 1\n", "version = 1\ncountry = \"DE\"\n");
    let text = text.replace("site = \"berlin\"\nsite_only", "site_only");
    let error = config::parse(&text, "t.toml", config::Format::Toml).unwrap_err().to_string();
    assert!(error.contains("`site_only` and no `site`"), "{error}");
}

#[test]
fn the_networks_around_its_gateways_place_a_trunk_that_is_kept_to_its_site() {
    let text = MORE.replace("site = \"berlin\"\nsite_only", "site_only");
    let text = text.replace("[site.munich]\n", "[site.munich]\nsubnets = [\"127.0.1.6\"]\n");
    let config = common::config("DE", &text);
    let w = World { table: Table::compile(&config), config };
    assert_eq!(w.names(&w.plan("pbx", "", "+49401234567")), ["gw"]);
    assert_eq!(w.names(&w.plan("branch", "", "+49401234567")), ["local", "gw"], "both are in Munich");
}
