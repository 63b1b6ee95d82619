//! External prefixes, pilot numbers and extensions.

mod common;

use common::World;
use proptest::prelude::*;
use routing::Rule;

const ROUTES: &str = r#"
[[route]]
name = "all"
to = ["pbx", "flex", "elastic", "gw"]
"#;

/// Puts text into a trunk's table, and policy into its override.
fn world(trunk: &str, own: &str, policy: &str, more: &str) -> World {
    let head = format!("[trunk.{trunk}]\n");
    let policy = if policy.is_empty() { String::new() } else { format!("override = {{ {policy} }}\n") };
    let text = common::BASE.replace(&head, &format!("{head}{own}\n{policy}"));
    World::of(&format!("country = \"DE\"\n{text}{more}{ROUTES}"))
}

fn sent(w: &World, on: &str, caller: &str, called: &str, to: &str) -> (String, String) {
    let plan = w.plan(on, caller, called);
    let attempt = plan.attempts.iter().find(|a| a.trunk == w.id(to)).expect("an attempt");
    (attempt.called.clone(), attempt.caller.clone())
}

#[test]
fn the_most_specific_external_prefix_comes_off_called_numbers() {
    let more = "[[dialplan]]\nname = \"club\"\nmatch = '5(\\d)'\nto = \"+100000000$1\"\n";
    let w = world("pbx", "external_prefix = '0'", "", more);
    for (on, dialled, called, emergency) in [
        ("pbx", "003023125", "+493023125", false),
        ("pbx", "000441632960001", "+441632960001", false),
        ("pbx", "051", "+1000000001", false),
        ("pbx", "51", "+1000000001", false),
        ("pbx", "0112", "112", true),
        ("pbx", "112", "112", true),
        ("pbx", "0", "0", false),
        ("pbx", "+493023125", "+493023125", false),
        ("gw", "003023125", "+3023125", false),
    ] {
        let plan = w.plan(on, "003023125", dialled);
        assert_eq!((plan.called.as_str(), plan.emergency), (called, emergency), "{dialled} on {on}");
        assert_eq!(plan.caller, "+3023125", "callers have no prefix");
    }
    let text = common::BASE.replace("[site.berlin]\n", "[site.berlin]\nexternal_prefix = '8'\n");
    let w = World::of(&format!("country = \"DE\"\nexternal_prefix = '9'\n{text}{ROUTES}"));
    assert_eq!(w.plan("pbx", "", "803023125").called, "+493023125", "its site's");
    assert_eq!(w.plan("gw", "", "903023125").called, "+493023125", "the top level's");
    assert_eq!(w.plan("pbx", "", "903023125").called, "903023125");
}

#[test]
fn extensions_become_whole_numbers_and_back() {
    let pilot = "pilot = { number = '+493023125', digits = '1..3' }";
    let w = world("pbx", pilot, "extension = 'short'", "");
    let plan = w.plan("pbx", "100", "17");
    assert_eq!((plan.called.as_str(), plan.called_rule), ("+49302312517", Some(Rule::Extension)));
    assert_eq!((plan.caller.as_str(), plan.caller_rule), ("+493023125100", Some(Rule::Extension)));
    assert_eq!(sent(&w, "pbx", "100", "17", "pbx"), ("17".into(), "100".into()));
    assert_eq!(sent(&w, "pbx", "100", "17", "flex"), ("+49302312517".into(), "+493023125100".into()));
    assert_eq!(
        sent(&w, "flex", "+441632960001", "+493023125100", "pbx"),
        ("100".into(), "+441632960001".into())
    );
    assert_eq!(w.plan("pbx", "", "110").called, "110", "an emergency number is none");
    assert_eq!(w.plan("pbx", "", "1234").called, "1234");
    assert_eq!(w.plan("gw", "100", "17").called, "17", "another trunk's");
    let w = world("flex", pilot, "", "");
    let plan = w.plan("flex", "100", "17");
    assert_eq!(
        (plan.called.as_str(), plan.caller.as_str()),
        ("+49302312517", "100"),
        "strangers are no extensions"
    );
}

#[test]
fn a_dial_rule_goes_before_the_pilot() {
    let more = "[[dialplan]]\nname = \"door\"\nmatch = '17'\nto = \"+4940555\"\n";
    let w = world("pbx", "pilot = { number = '+493023125', digits = '2' }", "", more);
    assert_eq!(w.plan("pbx", "", "17").called, "+4940555");
    assert_eq!(w.plan("pbx", "", "18").called, "+49302312518");
}

#[test]
fn each_trunk_has_extensions_its_way() {
    let pilot = "pilot = { number = '+493023125', digits = '3' }";
    for (policy, with_parameter, of_pilot) in [
        ("extension = 'pass'", "+493023125;ext=100", "+493023125100"),
        ("extension = 'strip'", "+493023125", "+493023125100"),
        ("extension = 'append'", "+493023125100", "+493023125100"),
        ("extension = 'add'", "+493023125;ext=100", "+493023125;ext=100"),
        ("extension = 'short'", "+493023125", "100"),
        ("extension = 'append', number_format = 'national'", "03023125100", "03023125100"),
        ("extension = 'add', number_format = 'e164'", "493023125;ext=100", "493023125;ext=100"),
    ] {
        let w = world("flex", pilot, policy, "");
        assert_eq!(sent(&w, "pbx", "", "+493023125;ext=100", "flex").0, with_parameter, "{policy}");
        assert_eq!(sent(&w, "pbx", "", "+493023125100", "flex").0, of_pilot, "{policy}");
    }
}

proptest! {
    #[test]
    fn an_extension_that_goes_out_short_comes_back_whole(extension in "[0-9]{1,4}") {
        let w = world("pbx", "pilot = { number = '+493023125', digits = '1..4' }", "extension = 'short'", "");
        let whole = format!("+493023125{extension}");
        let (short, _) = sent(&w, "flex", "", &whole, "pbx");
        prop_assert_eq!(&short, &extension);
        let plan = w.plan("pbx", "", &short);
        prop_assert!(plan.emergency || plan.called == whole);
    }
}
