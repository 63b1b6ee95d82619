//! Doubtful rules are named, and good ones are not.

mod common;

use common::World;
use routing::{RulePlace, doubtful_rules};

/// What is said of dial rules with these patterns and results.
fn dial(country: &str, rules: &[(&str, &str)]) -> Vec<(String, String)> {
    let text: String = rules
        .iter()
        .enumerate()
        .map(|(n, (pattern, to))| {
            format!("[[dialplan]]\nname = \"r{n}\"\nmatch = '{pattern}'\nto = \"{to}\"\n")
        })
        .collect();
    let doubts = doubtful_rules(&common::config(country, &text));
    doubts.into_iter().map(|d| (d.place.to_string(), d.sentence)).collect()
}

fn says(country: &str, pattern: &str, to: &str, what: &str) {
    let doubts = dial(country, &[(pattern, to)]);
    assert_eq!(doubts.len(), 1, "{pattern} in {country}: {doubts:?}");
    assert!(doubts[0].1.contains(what), "{pattern}: {doubts:?}");
}

/// The three bad samples of REQUIREMENTS §13.8, as printed (see `samples.rs` for the pages).
#[test]
fn the_three_bad_samples_are_named() {
    for country in ["", "US"] {
        says(country, r"^1(\d{10})$", "+$1", "makes +2345678910 of 12345678910: the country code is lost");
    }
    says("US", r"^\+(\d *);ext=(\d*)$", "+$1", "holds a blank at character 7 of `match`");
    says("US", r"^+1(\d{10})$", "$1", "repeats a place at character 2 of `match`");
}

#[test]
fn their_kind_is_found_in_other_writing() {
    for (country, pattern, to) in [
        ("US", r"1?([2-9]\d{9})", "+$1"),
        ("US", r"1(?<rest>\d+)", "+${rest}"),
        ("DE", r"0([1-9]\d{3,})", "+$1"),
        ("DE", r"0(30|40)(\d+)", "+$1$2"),
        ("HU", r"06(\d{8,9})", "+$1"),
        ("", r"^\+1(\d{10})$", "+$1"),
        ("DE", r"\+49(\d+)", "+$1"),
        ("DE", r"0(\d{5,});ext=(\d+)", "+$1;ext=$2"),
    ] {
        says(country, pattern, to, "the country code is lost");
    }
    says("DE", r"(\d{3})", "+49 $1", "holds a blank at character 4 of `to`");
    for (pattern, at) in [(r"(^)+1(\d+)", 4), (r"(?:^)*1", 6), (r"\b+12", 3), (r"12$+", 4)] {
        says("DE", pattern, "5", &format!("repeats a place at character {at} of `match`"));
    }
}

#[test]
fn good_rules_are_not_named() {
    for (country, pattern, to) in [
        ("US", r"^011(\d*)$", "+$1"),
        ("US", r"^(\d{10})$", "+1$1"),
        ("US", r"^1(\d{10})$", "+1$1"),
        ("US", r"^\+1(\d{10})$", "$1"),
        ("DE", r"00([1-9]\d+)", "+$1"),
        ("DE", r"0([1-9]\d+)", "+49$1"),
        ("DE", r"1(\d{10})", "+$1"),
        ("DE", r"(\d{8,})", "+$1"),
        ("DE", r"\+0+(\d+)", "+$1"),
        ("DE", r"\+7711(\d+)", "+$1"),
        ("IT", r"(0\d+)", "+39$1"),
        ("RU", r"810(\d+)", "+$1"),
        ("", r"^\+(\d*);ext=(\d*)$", "+$1"),
        ("", r"^\+(\d*)$", "$1"),
        ("", "alice", "bob"),
    ] {
        assert_eq!(dial(country, &[(pattern, to)]), [], "{pattern} in {country}");
    }
}

#[test]
fn a_rule_that_an_earlier_one_leaves_nothing_is_named() {
    let doubts = dial("", &[("12", "3"), ("(\\d+)", "4$1"), ("12", "5"), (".+", "6"), ("7", "8")]);
    let found: Vec<_> = doubts.iter().map(|(place, said)| (place.as_str(), said.as_str())).collect();
    assert_eq!(
        found,
        [
            ("dialplan[2]", "dial rule `r2` is never asked: `r0` before it takes all its numbers"),
            ("dialplan[4]", "dial rule `r4` is never asked: `r3` before it takes all its numbers"),
        ]
    );
    let scopes = "[[dialplan]]\nname = \"a\"\nmatch = '12'\nto = \"3\"\ntrunk = \"pbx\"\n\
                  [[dialplan]]\nname = \"b\"\nmatch = '12'\nto = \"4\"\n";
    assert_eq!(doubtful_rules(&common::config("", scopes)), [], "each trunk has its own rules");
}

#[test]
fn translations_are_judged_in_their_lists() {
    let lists = r#"
[[trunk.flex.translate.called_out]]
name = "StripPlus1"
match = '^+1(\d{10})$'
to = "$1"
[[trunk.flex.translate.caller_in]]
match = '1(\d{10})'
to = "+$1"
[[trunk.pbx.translate.called_in]]
match = '1.*'
to = "2"
final = false
[[trunk.pbx.translate.called_in]]
match = '1.*'
to = "3"
[[trunk.pbx.translate.called_in]]
match = '1.*'
to = "4"
"#;
    let w = World::new("US", lists);
    let doubts = doubtful_rules(&w.config);
    let places: Vec<String> = doubts.iter().map(|d| d.place.to_string()).collect();
    assert_eq!(
        places,
        [
            "trunk.flex.translate.caller_in[0]",
            "trunk.flex.translate.called_out[0]",
            "trunk.pbx.translate.called_in[2]"
        ],
        "{doubts:?}"
    );
    assert!(doubts[1].sentence.starts_with("translation `StripPlus1` of trunk `flex` repeats a place"));
    assert_eq!(doubts[0].place, RulePlace::Translation { trunk: "flex".into(), list: "caller_in", rule: 0 });
}
