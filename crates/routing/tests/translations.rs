//! Translations: four lists of ordered rules for each trunk.

mod common;

use base::ReasonId;
use common::World;
use proptest::prelude::*;
use routing::{AllIdle, Decision, NoTrace, Rule, SkipReason, Story};

const ROUTES: &str = r#"
[[route]]
name = "gw"
match = { called = "8*" }
to = "gw"
[[route]]
name = "all"
to = ["flex", "elastic"]
"#;

/// The world with rules for one trunk.
fn world(trunk: &str, country: &str, lists: &str) -> World {
    let tables: String = lists.replace("[[", &format!("[[trunk.{trunk}.translate."));
    World::new(country, &format!("{tables}\n{ROUTES}"))
}

fn story(w: &World, on: &str, caller: &str, called: &str) -> String {
    let facts = w.facts(on, caller, called);
    let mut story = Story::default();
    let _ = w.table.plan(&facts, &AllIdle, 0, &mut story);
    story.0.join("\n")
}

#[test]
fn numbers_that_arrive_are_translated_before_the_dial_plan() {
    let w = world(
        "pbx",
        "DE",
        r#"
[[called_in]]
name = "quick"
match = '#(\d)'
to = "0302312500$1"
[[called_in]]
match = '#(\d+)'
to = "never"
[[caller_in]]
match = '(\d{3})'
to = "+493023125$1"
"#,
    );
    let plan = w.plan("pbx", "100", "#7");
    assert_eq!((plan.called.as_str(), plan.called_rule), ("+493023125007", Some(Rule::National)));
    assert_eq!((plan.caller.as_str(), plan.caller_rule), ("+493023125100", None));
    let plan = w.plan("flex", "100", "#7");
    assert_eq!(
        (plan.called.as_str(), plan.caller.as_str()),
        ("#7", "100"),
        "other trunks have no such rules"
    );
    let told = story(&w, "pbx", "100", "#7");
    for line in [
        "called: translation quick from pbx makes \"#7\" \"03023125007\"",
        "caller: translation caller_in 1 from pbx makes \"100\" \"+493023125100\"",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
    assert!(!told.contains("called_in 2"), "the first that matches ends the list\n{told}");
}

#[test]
fn numbers_that_leave_are_translated_after_the_trunks_form() {
    let w = world(
        "elastic",
        "DE",
        r#"
[[called_out]]
name = "no uk"
match = '44(\d+)'
to = "0044$1"
[[called_out]]
name = "tech prefix"
match = '(\d+)'
to = "7711$1"
[[caller_out]]
match = '49(\d+)'
to = "0$1"
"#,
    );
    let plan = w.plan("pbx", "030 23125100", "+15550100000");
    let sent: Vec<_> = plan.attempts.iter().map(|a| (a.called.as_str(), a.caller.as_str())).collect();
    assert_eq!(sent, [("+15550100000", "+493023125100"), ("771115550100000", "03023125100")]);
    assert_eq!(plan.called, "+15550100000", "the plan's number is not the wire's");
    let told = story(&w, "pbx", "030 23125100", "+15550100000");
    for line in [
        "called: translation no uk to elastic does not match \"15550100000\"",
        "called: translation tech prefix to elastic makes \"15550100000\" \"771115550100000\"",
        "attempt 2: trunk elastic (tier 2), called \"771115550100000\", caller \"03023125100\"",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
}

#[test]
fn a_rule_that_is_not_final_hands_its_result_on() {
    let w = world(
        "flex",
        "DE",
        r#"
[[called_out]]
match = '\+(\d+)'
to = "$1"
final = false
[[called_out]]
match = '1(\d+)'
to = "011$1"
final = false
[[called_out]]
match = '9(\d+)'
to = "$1"
"#,
    );
    assert_eq!(w.plan("pbx", "", "+15550100000").attempts[0].called, "0115550100000");
    assert_eq!(w.plan("pbx", "", "+915550100000").attempts[0].called, "15550100000");
    assert_eq!(w.plan("pbx", "", "+4915550100000").attempts[0].called, "4915550100000");
}

#[test]
fn emergency_numbers_are_never_translated_but_may_come_out() {
    let w = world(
        "pbx",
        "DE",
        "[[called_in]]\nmatch = '9?(.*)'\nto = \"$1\"\n[[called_out]]\nmatch = '.*'\nto = \"+49$0\"\n",
    );
    for dialled in ["112", "9112", "9110"] {
        let plan = w.plan("pbx", "", dialled);
        assert!(plan.emergency, "{dialled}");
        assert_eq!(plan.attempts[0].called, dialled.trim_start_matches('9'));
    }
    let w = world("flex", "DE", "[[called_out]]\nmatch = '.*'\nto = \"+49$0\"\n");
    assert_eq!(w.plan("pbx", "", "110").attempts[0].called, "110");
}

#[test]
fn an_extension_is_part_of_what_a_translation_sees() {
    let strip = "[[called_in]]\nmatch = '^\\+(\\d*);ext=(\\d*)$'\nto = \"+$1$2\"\n";
    let w = world("flex", "DE", strip);
    assert_eq!(w.plan("flex", "", "+493023125;ext=100").called, "+493023125100");
    let add = "[[called_in]]\nmatch = '^(\\d{5})$'\nto = \"+14255550100;ext=$1\"\n";
    let w = World::new(
        "DE",
        &format!("{}[[route]]\nname = \"in\"\nto = \"pbx\"\n", add.replace("[[", "[[trunk.flex.translate.")),
    );
    let plan = w.plan("flex", "", "10001");
    assert_eq!(
        (plan.called.as_str(), plan.attempts[0].called.as_str()),
        ("+14255550100", "+14255550100;ext=10001")
    );
}

#[test]
fn a_number_that_grows_too_long_is_refused() {
    let grow = "[[called_in]]\nmatch = '(\\d+)'\nto = \"$1$1$1\"\n[[caller_in]]\nmatch = '(\\d+)'\nto = \"$1$1$1\"\n";
    let w = world("pbx", "", grow);
    let long = "1".repeat(routing::NUMBER_MAX / 3 + 1);
    assert_eq!(w.refusal("pbx", "", &long).reason, ReasonId::NumberInvalid);
    assert_eq!(w.plan("pbx", &long, "5").caller, "", "a caller that cannot be one has no number");
    assert!(
        story(&w, "pbx", "", &long)
            .contains("called: rule called_in 1 makes the number longer than 128 bytes")
    );
}

#[test]
fn a_trunk_whose_translations_leave_no_number_is_left_out() {
    let none = "[[called_out]]\nmatch = '\\+1(\\d*)'\nto = \"$1\"\n";
    let w = world("flex", "", none);
    let plan = w.plan("pbx", "", "+1");
    assert_eq!(w.names(&plan), ["elastic"]);
    assert_eq!(plan.skipped.as_slice(), [(w.id("flex"), SkipReason::Unwritable)]);
    let long =
        format!("[[trunk.elastic.translate.called_out]]\nmatch = '\\d+'\nto = \"{}\"\n", "$0".repeat(127));
    let none = none.replace("[[", "[[trunk.flex.translate.");
    let w = World::new("", &format!("{none}{long}{ROUTES}"));
    assert_eq!(w.names(&w.plan("pbx", "", "+1")), ["elastic"]);
    let w = World::new("", &format!("{none}{}{ROUTES}", long.replace("\\d+", "1+")));
    assert_eq!(w.names(&w.plan("pbx", "", "+1")), ["elastic"]);
    let w = World::new("", &format!("{none}{}", ROUTES.replace("[\"flex\", \"elastic\"]", "\"flex\"")));
    let refusal = w.refusal("pbx", "", "+1");
    assert_eq!((refusal.status, refusal.reason), (404, ReasonId::Untranslatable));
    assert!(refusal.sentence.contains("flex: its translations leave no number"), "{}", refusal.sentence);
}

/// Rules of vendors' pages, made at random: the engine must bear all of them.
fn rule() -> impl Strategy<Value = (String, String, bool)> {
    let pattern = prop_oneof![
        Just(r"^\+(\d*)$".to_owned()),
        Just(r"^\+?(\d{1,3})(\d*)$".to_owned()),
        Just("(.*);ext=(.*)".to_owned()),
        Just("(.)(.*)".to_owned()),
        "[0-9]{1,4}".prop_map(|digits| format!("{digits}(\\d*)(.*)")),
    ];
    let to = prop_oneof![
        Just("$1".to_owned()),
        Just("+$1".to_owned()),
        Just("$1$1$1$1$1$1$1$1$1$1".to_owned()),
        Just("+49$1;ext=7".to_owned()),
        "[+0-9*#a-z;= ]{1,6}".prop_map(|text| text),
    ];
    (pattern, to, any::<bool>())
}

fn lists() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["called_in", "caller_in", "called_out", "caller_out"]);
    let trunk = prop::sample::select(vec!["pbx", "flex", "elastic", "gw"]);
    prop::collection::vec((trunk, key, rule()), 0..12).prop_map(|rules| {
        let mut text = String::new();
        for (trunk, key, (pattern, to, ends)) in rules {
            text.push_str(&format!(
                "[[trunk.{trunk}.translate.{key}]]\nmatch = '{pattern}'\nto = '{to}'\nfinal = {ends}\n"
            ));
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn translations_never_panic_and_say_the_same_each_time(
        lists in lists(),
        numbers in prop::collection::vec(("\\+?[0-9*#]{0,20}(;ext=[0-9]{1,4})?|.{0,140}", "\\+?[0-9]{0,16}|.{0,140}"), 1..8),
    ) {
        let w = World::new("DE", &format!("{lists}{ROUTES}"));
        for (called, caller) in &numbers {
            for on in ["pbx", "flex"] {
                let facts = w.facts(on, caller, called);
                let decision = w.table.plan(&facts, &AllIdle, 3, &mut NoTrace);
                let mut story = Story::default();
                prop_assert_eq!(&decision, &w.table.plan(&facts, &AllIdle, 3, &mut story));
                if let Decision::Plan(plan) = decision {
                    prop_assert!(plan.called.len() <= routing::NUMBER_MAX);
                    for attempt in &plan.attempts {
                        prop_assert!(!attempt.called.is_empty());
                        let room = routing::NUMBER_MAX + 20;
                        prop_assert!(attempt.called.len() <= room && attempt.caller.len() <= room);
                    }
                }
            }
        }
    }
}
