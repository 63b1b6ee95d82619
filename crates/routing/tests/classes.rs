//! Classes of called numbers that are refused, case by case.

mod common;

use base::ReasonId;
use common::{World, config_with};
use routing::{AllIdle, Decision, Facts, NoTrace, Table};

const ROUTES: &str = r#"
[[numbers]]
range = "+493023125000..+493023125999"
deliver = "pbx"
[[numbers]]
range = "+442071838750"
deliver = "pbx"
[[route]]
name = "inside"
match = { called = "+4416*" }
to = ["pbx", "gw"]
[[route]]
name = "all"
to = ["elastic", "gw"]
"#;

fn world(head: &str) -> World {
    let config = config_with("DE", head, ROUTES);
    World { table: Table::compile(&config), config }
}

fn reason(w: &World, on: &str, caller: &str, anonymous: bool, called: &str) -> Option<ReasonId> {
    let facts =
        Facts { on: w.id(on), called, caller, anonymous, user: None, source: None, media: None, at: None };
    match w.table.plan(&facts, &AllIdle, 0, &mut NoTrace) {
        Decision::Plan(_) => None,
        Decision::Refuse(refusal) => {
            assert_eq!(refusal.status, 403);
            Some(refusal.reason)
        }
    }
}

const OURS: &str = "+493023125100";
const STRANGER: &str = "+491715550100";

#[test]
fn unknown_callers_call_no_premium_satellite_or_foreign_number() {
    let w = world("");
    for (on, caller, anonymous, called, refused) in [
        ("pbx", OURS, false, "+14255550100", None),
        ("pbx", OURS, false, "+499001234567", None),
        ("pbx", "100", false, "+14255550100", None),
        ("pbx", STRANGER, false, "+14255550100", Some(ReasonId::DeniedInternational)),
        ("pbx", STRANGER, false, "+499001234567", Some(ReasonId::DeniedPremium)),
        ("pbx", STRANGER, false, "+881612345678", Some(ReasonId::DeniedSatellite)),
        ("pbx", STRANGER, false, "+498912345678", None),
        ("pbx", "", false, "+14255550100", Some(ReasonId::DeniedInternational)),
        ("pbx", OURS, true, "+14255550100", None),
        ("pbx", "100", true, "+14255550100", None),
        ("pbx", "anonymous", true, "+14255550100", Some(ReasonId::DeniedInternational)),
        ("flex", STRANGER, false, "+14255550100", Some(ReasonId::DeniedInternational)),
        ("flex", OURS, false, "+14255550100", Some(ReasonId::DeniedInternational)),
        ("flex", STRANGER, false, "+498912345678", None),
        ("flex", STRANGER, false, "+442071838750", None),
        ("flex", STRANGER, false, "+441632960001", None),
        ("flex", STRANGER, false, "112", None),
    ] {
        assert_eq!(reason(&w, on, caller, anonymous, called), refused, "{caller} on {on} calls {called}");
    }
}

#[test]
fn a_transit_trunk_carries_strangers_on() {
    let text = format!(
        "{ROUTES}[trunk.transit]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"127.0.1.9\"]\ntransit = true\n"
    );
    let w = World::new("DE", &text);
    assert_eq!(reason(&w, "transit", STRANGER, false, "+14255550100"), None);
}

#[test]
fn without_numbers_of_ours_nobody_inside_is_a_stranger() {
    let w = World::new("DE", "[[route]]\nname = \"all\"\nto = \"elastic\"\n");
    assert_eq!(reason(&w, "pbx", STRANGER, false, "+14255550100"), None);
    assert_eq!(reason(&w, "flex", STRANGER, false, "+14255550100"), Some(ReasonId::DeniedInternational));
}

#[test]
fn classes_are_denied_to_all_where_a_scope_says_so() {
    let w = world("deny = [\"premium\", \"shared-cost\", \"personal\"]\ndeny_unknown = []\n");
    for (called, refused) in [
        ("+499001234567", Some(ReasonId::DeniedPremium)),
        ("+4918012345678", Some(ReasonId::DeniedSharedCost)),
        ("+4970012345678", Some(ReasonId::DeniedPersonal)),
        ("+14255550100", None),
    ] {
        assert_eq!(reason(&w, "pbx", OURS, false, called), refused, "{called}");
        assert_eq!(reason(&w, "flex", STRANGER, false, called), refused, "{called}");
    }
    let mut config = config_with("DE", "deny = [\"premium\"]\n", ROUTES);
    config.sites[0].permissions.deny = Some(vec![config::Class::International]);
    let pbx = config.trunk_named("gw").expect("a trunk");
    config.trunks[pbx.index()].permissions.deny = Some(Vec::new());
    let w = World { table: Table::compile(&config), config };
    assert_eq!(reason(&w, "pbx", OURS, false, "+499001234567"), None, "the site's word, not the node's");
    assert_eq!(reason(&w, "pbx", OURS, false, "+14255550100"), Some(ReasonId::DeniedInternational));
    assert_eq!(reason(&w, "gw", OURS, false, "+499001234567"), None, "the trunk's word");
}
