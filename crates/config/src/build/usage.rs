//! Policies, holidays, times of routes, and what each scope says of its callers.

use super::view::View;
use crate::forms::calendar;
use crate::keys::{CALL_POLICY, Family, GROUP, HOLIDAYS, WHEN};
use crate::model::{CallPolicy, Class, Dates, Group, Holidays, Permissions, When, Words};
use crate::names::Names;
use crate::text::{Table, Value};

pub(super) fn policy(name: &str, table: &Table) -> Option<CallPolicy> {
    let view = View::new(&CALL_POLICY, [Some(table)]);
    Some(CallPolicy { name: name.to_owned(), usages: view.strings("usages") })
}

pub(super) fn group(name: &str, table: Option<&Table>, names: &Names<'_>) -> Group {
    let view = View::new(&GROUP, [table]);
    Group {
        name: name.to_owned(),
        external_prefix: view.string("external_prefix"),
        permissions: permissions(&view, "policy", names),
    }
}

pub(super) fn holidays(name: &str, table: &Table) -> Option<Holidays> {
    let view = View::new(&HOLIDAYS, [Some(table)]);
    Some(Holidays { name: name.to_owned(), dates: dates(&view)? })
}

fn dates(view: &View<'_>) -> Option<Dates> {
    calendar::dates(view.items("dates").iter().filter_map(Value::text))
}

/// What a scope says; `policy_key` is the key that names its policy.
pub(super) fn permissions(view: &View<'_>, policy_key: &str, names: &Names<'_>) -> Permissions {
    let policy = view.text(policy_key).and_then(|name| names.index(Family::CallPolicy, name));
    let classes = |key| {
        let items = view.value(key)?.items();
        Some(items.iter().filter_map(|item| Class::from_token(item.text()?)).collect())
    };
    Permissions { policy, deny: classes("deny"), deny_unknown: classes("deny_unknown") }
}

/// When a route holds.
pub(super) fn when(table: &Table, names: &Names<'_>) -> Option<When> {
    let view = View::new(&WHEN, [Some(table)]);
    let minute = |key, otherwise| view.text(key).map_or(Some(otherwise), |t| calendar::minute(t).ok());
    let days = match view.value("days") {
        None => When::ALL_DAYS,
        Some(value) => {
            value.items().iter().try_fold(0, |set, day| Some(set | calendar::days(day.text()?).ok()?))?
        }
    };
    let named = |key| {
        let items = view.items(key).iter();
        items.map(|v| names.index(Family::Holidays, v.text()?)).collect::<Option<Vec<usize>>>()
    };
    Some(When {
        zone: calendar::zone(view.text("zone")?).ok()?,
        days,
        from: minute("from", 0)?,
        // An end at midnight is the end of the day.
        to: minute("to", 0).map(|end| if end == 0 { 24 * 60 } else { end })?,
        dates: dates(&view)?,
        holidays: named("holidays")?,
        not_holidays: named("not_holidays")?,
    })
}
