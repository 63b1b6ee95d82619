//! Header rules.

use super::view::View;
use crate::forms::{expression, headers};
use crate::keys::{HEADER_RULE, HEADER_TEST, POLICY};
use crate::model::{
    HeaderOn, HeaderPolicy, HeaderRow, HeaderRule, HeaderRules, HeaderTest, Reveal, Topology, Words,
};
use crate::text::Table;

/// Reads the header keys of a policy.
pub(super) fn headers(view: &View<'_>) -> Option<HeaderPolicy> {
    let rules = |key| view.items(key).iter().filter_map(|v| v.table()).map(rule).collect::<Option<Vec<_>>>();
    Some(HeaderPolicy {
        rules_in: HeaderRules(rules("header_rules_in")?),
        rules_out: HeaderRules(rules("header_rules_out")?),
        strip: view.strings("headers_strip"),
        topology: topology(view),
        tests: view
            .items("header_tests")
            .iter()
            .filter_map(|v| v.table())
            .map(test)
            .collect::<Option<Vec<_>>>()?,
    })
}

fn topology(view: &View<'_>) -> Topology {
    let words = view.strings("topology_pass");
    let shows = |what: Reveal| words.iter().any(|word| word == what.token());
    Topology {
        alert_info: shows(Reveal::AlertInfo),
        text: shows(Reveal::Text),
        session: shows(Reveal::Session),
        attributes: shows(Reveal::Attributes),
    }
}

/// The header keys of one policy table by itself.
pub(crate) fn header_policy(table: &Table) -> Option<HeaderPolicy> {
    headers(&View::new(&POLICY, [Some(table)]))
}

fn rule(table: &Table) -> Option<HeaderRule> {
    let view = View::new(&HEADER_RULE, [Some(table)]);
    Some(HeaderRule {
        on: view.strings("on").iter().map(|word| HeaderOn::from_token(word)).collect::<Option<_>>()?,
        header: view.string("header")?,
        deed: view.word("do")?,
        pattern: match view.text("match") {
            Some(source) => Some(expression::expression(source).ok()?),
            None => None,
        },
        value: view.string("value").unwrap_or_default(),
        to: view.string("to").unwrap_or_default(),
    })
}

fn test(table: &Table) -> Option<HeaderTest> {
    let view = View::new(&HEADER_TEST, [Some(table)]);
    let rows = |key| {
        let read = |text: &String| headers::row(text).ok().map(|(name, value)| HeaderRow::new(name, value));
        view.strings(key).iter().map(read).collect::<Option<Vec<_>>>()
    };
    Some(HeaderTest {
        rules: view.word("rules")?,
        on: view.word("on")?,
        given: rows("given")?,
        expect: rows("expect")?,
    })
}
