//! Sample rules of vendors' documentation as vectors (REQUIREMENTS §13.8).
//!
//! Patterns and numbers are those of MicrosoftDocs/OfficeDocs-SkypeForBusiness: the pages "Dial plans and
//! normalization rules", "Translation rules" and "Branch-site resiliency requirements" of Lync Server
//! 2013, and "Translate phone numbers to an alternate format" of Teams Direct Routing.

mod common;

use common::World;
use routing::Rule;

const TO_GW: &str = "[[route]]\nname = \"all\"\nto = \"gw\"\n";

fn dial_rule(name: &str, pattern: &str, to: &str) -> String {
    format!("[[dialplan]]\nname = \"{name}\"\nmatch = '{pattern}'\nto = \"{to}\"\n")
}

/// Name, pattern, translation, and what the page says becomes of which number.
const NORMALISATION: [(&str, &str, &str, &str, &str); 11] = [
    ("4digitExtension", r"^(\d{4})$", "+1425555$1", "0100", "+14255550100"),
    ("5digitExtension", r"^5(\d{4})$", "+1425555$1", "50100", "+14255550100"),
    ("7digitcallingRedmond", r"^(\d{7})$", "+1425$1", "5550100", "+14255550100"),
    ("7digitcallingDallas", r"^(\d{7})$", "+1972$1", "5550100", "+19725550100"),
    ("10digitcallingUS", r"^(\d{10})$", "+1$1", "2065550100", "+12065550100"),
    ("LDCallingUS", r"^1(\d{10})$", "+$1", "12145550100", "+2145550100"),
    ("IntlCallingUS", r"^011(\d*)$", "+$1", "01191445550100", "+91445550100"),
    ("RedmondOperator", r"^0$", "+14255550100", "0", "+14255550100"),
    ("RedmondSitePrefix", r"^6222(\d{4})$", "+1425555$1", "62220100", "+14255550100"),
    ("NYSitePrefix", r"^6333(\d{4})$", "+1202555$1", "63330100", "+12025550100"),
    ("DallasSitePrefix", r"^6444(\d{4})$", "+1972555$1", "64440100", "+19725550100"),
];

#[test]
fn each_normalisation_rule_does_what_its_page_says() {
    for (name, pattern, to, dialled, called) in NORMALISATION {
        for country in ["", "US"] {
            let w = World::new(country, &format!("{}{TO_GW}", dial_rule(name, pattern, to)));
            let plan = w.plan("pbx", "", dialled);
            assert_eq!((plan.called.as_str(), plan.called_rule), (called, Some(Rule::Dial(0))), "{name}");
        }
    }
}

#[test]
fn the_redmond_dial_plan_reads_all_its_numbers() {
    let plan = [
        "5digitExtension",
        "7digitcallingRedmond",
        "10digitcallingUS",
        "IntlCallingUS",
        "RedmondSitePrefix",
        "NYSitePrefix",
        "DallasSitePrefix",
        "RedmondOperator",
    ];
    let rules: Vec<_> = plan.iter().filter_map(|name| NORMALISATION.iter().find(|r| r.0 == *name)).collect();
    assert_eq!(rules.len(), plan.len());
    let text: String = rules.iter().map(|(name, pattern, to, ..)| dial_rule(name, pattern, to)).collect();
    let w = World::new("", &format!("{text}{TO_GW}"));
    for (at, (name, _, _, dialled, called)) in rules.into_iter().enumerate() {
        let plan = w.plan("pbx", "", dialled);
        assert_eq!(
            (plan.called.as_str(), plan.called_rule),
            (*called, Some(Rule::Dial(at as u16))),
            "{name}"
        );
    }
}

#[test]
fn keep_all_keeps_a_number_from_the_country() {
    let w = World::new("US", &format!("{}{TO_GW}", dial_rule("KeepAll", r"^(\d{11})$", "$1")));
    assert_eq!(w.plan("pbx", "", "12345678901").called, "12345678901");
    assert_eq!(w.plan("pbx", "", "2345678901").called, "+12345678901");
}

/// A trunk towards which one called-number translation holds, extensions passed.
fn outbound(rules: &[(&str, &str)]) -> World {
    let list: String = rules
        .iter()
        .map(|(pattern, to)| {
            format!("[[trunk.off.translate.called_out]]\nmatch = '{pattern}'\nto = \"{to}\"\n")
        })
        .collect();
    let text = common::BASE
        .replace("enabled = false", "override = { extension = \"pass\", number_format = \"as-routed\" }");
    World::of(&format!("country = \"US\"\n{text}{list}[[route]]\nname = \"all\"\nto = \"off\"\n"))
}

#[test]
fn each_outbound_translation_does_what_its_page_says() {
    for (pattern, to, number, sent) in [
        (r"^\+(\d*)$", "$1", "+14255551010", "14255551010"),
        (r"^\+(1\d{10})$", "$1", "+14255551010", "14255551010"),
        (r"^\+(1\d{10})$", "$1", "+441235551010", "+441235551010"),
        (r"^\+(\d{9}\d+)$", "011$1", "+441235551010", "011441235551010"),
        (r"^(\d{5})$", "+14255550123;ext=$1", "10001", "+14255550123;ext=10001"),
        (r"^(\d{5})$", "+14255550100;ext=$1", "10001", "+14255550100;ext=10001"),
        (r"^\+(\d*);ext=(\d*)$", "+$1", "+14255550123;ext=10001", "+14255550123"),
    ] {
        let plan = outbound(&[(pattern, to)]).plan("pbx", "", number);
        assert_eq!(plan.attempts[0].called, sent, "{pattern}");
    }
}

#[test]
fn an_extension_that_normalisation_leaves_is_put_behind_the_organisations_number() {
    let rules = format!("{}{TO_GW}", dial_rule("5digitExtensions", r"^(\d{5})$", "$1"));
    assert_eq!(World::new("", &rules).plan("pbx", "", "10001").called, "10001");
    let w = outbound(&[(r"^(\d{5})$", "+14255550100;ext=$1")]);
    assert_eq!(w.plan("pbx", "", "10001").attempts[0].called, "+14255550100;ext=10001");
}

/// One page prints the pattern with a blank, so that it matches nothing.
#[test]
fn the_stray_blank_of_a_page_strips_no_extension() {
    let plan = outbound(&[(r"^\+(\d *);ext=(\d*)$", "+$1")]).plan("pbx", "", "+14255550123;ext=10001");
    assert_eq!(plan.attempts[0].called, "+14255550123;ext=10001");
}

/// The SBC of the Teams page; its rules with the pattern of `StripPlus1` as given.
fn teams(strip: &str) -> World {
    let rules = [
        ("called_in", "AddPlus1", r"^(\d{10})$", "+1$1"),
        ("called_in", "AddE164SeattleAreaCode", r"^(\d{4})$", "+1206555$1"),
        ("caller_in", "AddPlus1", r"^(\d{10})$", "+1$1"),
        ("called_out", "AddSeattleAreaCode", r"^(\d{4})$", "425555$1"),
        ("called_out", "StripPlus1", strip, "$1"),
        ("caller_out", "StripPlus1", strip, "$1"),
    ];
    let lists: String = rules
        .iter()
        .map(|(list, name, pattern, to)| {
            format!(
                "[[trunk.flex.translate.{list}]]\nname = \"{name}\"\nmatch = '{pattern}'\nto = \"{to}\"\n"
            )
        })
        .collect();
    World::new(
        "",
        &format!(
            "{lists}[[route]]\nname = \"out\"\nmatch = {{ on = \"pbx\" }}\nto = \"flex\"\n[[route]]\nname = \"in\"\nto = \"pbx\"\n"
        ),
    )
}

#[test]
fn the_four_examples_of_the_teams_page() {
    let w = teams(r"^\+1(\d{10})$");
    for (called, caller, called_read, caller_read) in [
        ("2065550100", "4255550100", "+12065550100", "+14255550100"),
        ("0100", "4255550100", "+12065550100", "+14255550100"),
    ] {
        let plan = w.plan("flex", caller, called);
        assert_eq!((plan.called.as_str(), plan.caller.as_str()), (called_read, caller_read));
    }
    for (called, caller, called_sent, caller_sent) in [
        ("+14255550100", "+12065550100", "4255550100", "2065550100"),
        ("0100", "+12065550100", "4255550100", "2065550100"),
    ] {
        let attempt = &w.plan("pbx", caller, called).attempts[0];
        assert_eq!((attempt.called.as_str(), attempt.caller.as_str()), (called_sent, caller_sent));
    }
    let attempt = &teams(r"^+1(\d{10})$").plan("pbx", "", "+14255550100").attempts[0];
    assert_eq!(attempt.called, "+14255550100", "as first printed it strips nothing");
}
