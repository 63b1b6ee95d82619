//! Dial rules, number ranges, routes, tests.

use super::trunk::recorder;
use super::view::View;
use super::{trunk_id, usage};
use crate::forms::{calendar, expression, net, number, plain};
use crate::keys::{CALL, DIALPLAN, EXPECT, Family, MATCH, NUMBERS, ROUTE, TEST};
use crate::model::{DialRule, Expect, NumberRange, Pattern, Route, Scope, Test, Tier, Trunk};
use crate::names::Names;
use crate::text::{Table, Value};
use base::TrunkId;

/// The trunks of a key that takes one or more names.
fn trunk_ids(view: &View<'_>, key: &str, names: &Names<'_>) -> Option<Vec<TrunkId>> {
    view.items(key).iter().map(|v| trunk_id(names, v.text()?)).collect()
}

/// A reference to a trunk that may be absent; `None` when it is there and unknown.
fn maybe_trunk(view: &View<'_>, key: &str, names: &Names<'_>) -> Option<Option<TrunkId>> {
    match view.value(key) {
        Some(value) => trunk_id(names, value.text()?).map(Some),
        None => Some(None),
    }
}

pub(super) fn dial_rule(table: &Table, names: &Names<'_>) -> Option<DialRule> {
    let view = View::new(&DIALPLAN, [Some(table)]);
    let group = match view.text("group") {
        Some(name) => Some(names.index(Family::Group, name)?),
        None => None,
    };
    let scope = match (group, maybe_trunk(&view, "trunk", names)?, view.string("site")) {
        (Some(group), ..) => Scope::Group(group),
        (None, Some(trunk), _) => Scope::Trunk(trunk),
        (None, None, Some(site)) => Scope::Site(site),
        (None, None, None) => Scope::Global,
    };
    Some(DialRule {
        name: view.string("name")?,
        scope,
        pattern: expression::expression(view.text("match")?).ok()?,
        to: view.string("to")?,
    })
}

pub(super) fn number_range(table: &Table, names: &Names<'_>) -> Option<NumberRange> {
    let view = View::new(&NUMBERS, [Some(table)]);
    let (first, last) = number::range(view.text("range")?).ok()?;
    Some(NumberRange { first, last, deliver: trunk_ids(&view, "deliver", names)? })
}

pub(super) fn route(table: &Table, names: &Names<'_>) -> Option<Route> {
    let view = View::new(&ROUTE, [Some(table)]);
    let facts = view.inner(&MATCH, "match");
    Some(Route {
        name: view.string("name")?,
        match_called: pattern(&facts, "called")?,
        match_caller: pattern(&facts, "caller")?,
        match_on: trunk_ids(&facts, "on", names)?,
        except: patterns(&view, "except")?,
        when: match view.value("when") {
            Some(value) => Some(usage::when(value.table()?, names)?),
            None => None,
        },
        usages: view.strings("usages"),
        priority: view.integer("priority")?,
        caller_id: view.text("caller_id").map(number::caller_id).transpose().ok()?,
        to: view.items("to").iter().map(|v| tier(v, names)).collect::<Option<Vec<_>>>()?,
        order: view.word("order")?,
        unrated: view.word("unrated")?,
        call_length: view.duration("call_length")?,
        retry_on: view.value("retry_on").map(|_| view.statuses("retry_on")),
        record: recorder(&view, names),
    })
}

fn pattern(view: &View<'_>, key: &str) -> Option<Option<Pattern>> {
    view.text(key).map(number::pattern).transpose().ok()
}

fn patterns(view: &View<'_>, key: &str) -> Option<Vec<Pattern>> {
    view.items(key).iter().map(|v| number::pattern(v.text()?).ok()).collect()
}

fn tier(value: &Value, names: &Names<'_>) -> Option<Tier> {
    let share = |v: &Value| {
        let (name, weight) = plain::share(v.text()?).ok()?;
        Some((trunk_id(names, name)?, weight))
    };
    value.items().iter().map(share).collect()
}

pub(super) fn test(index: usize, table: &Table, names: &Names<'_>, trunks: &[Option<Trunk>]) -> Option<Test> {
    let view = View::new(&TEST, [Some(table)]);
    let call = view.inner(&CALL, "call");
    let expect = view.inner(&EXPECT, "expect");
    let on = trunk_id(names, call.text("on")?)?;
    let users = trunks.get(on.index()).and_then(Option::as_ref).map(|trunk| &trunk.users.all);
    let named = |name| users.and_then(|all| all.iter().position(|user| user.username == name));
    Some(Test {
        user: match call.text("user") {
            Some(name) => Some(u16::try_from(named(name)?).ok()?),
            None => None,
        },
        source: call.text("source").map(net::address).transpose().ok()?,
        name: view.string("name").unwrap_or_else(|| format!("test {}", index + 1)),
        on,
        from: call.string("from")?,
        to: call.string("to")?,
        at: view.text("at").map(calendar::instant).transpose().ok()?,
        down: trunk_ids(&view, "down", names)?,
        expect: Expect {
            route: expect.string("route"),
            called: expect.string("called"),
            calling: expect.string("calling"),
            trunk: maybe_trunk(&expect, "trunk", names)?,
            called_sent: expect.string("called_sent"),
            calling_sent: expect.string("calling_sent"),
            refused: expect.integer("refused"),
        },
    })
}
