//! What callers of a trunk may do and how they dial: the keys that scopes of callers have, not trunks alone.

use super::walk::{Seen, Walk};
use super::{Origin, Setting};
use crate::keys::TRUNK;
use crate::text::{Source, Table, Value};
use serde_json::json;

/// The keys in question, in the order of the documentation.
const KEYS: [&str; 4] = ["policy", "deny", "deny_unknown", "external_prefix"];

/// Of whose calls it is told.
pub(super) struct Whose<'a> {
    pub(super) root: &'a Table,
    pub(super) trunk: &'a Table,
    pub(super) user: Option<&'a Table>,
    /// Where the trunk is.
    pub(super) site: Option<&'a str>,
}

impl<'a> Whose<'a> {
    fn named(table: &'a Table, key: &str) -> Option<&'a str> {
        table.value(key).and_then(Value::text)
    }

    /// The scopes that have a say, the most specific first. A place may have rules and no table: the node's own.
    fn scopes(&self, bare: &'a Table) -> Vec<(&'a Table, Origin)> {
        let of = |family: &str, name: &str| self.root.table(family).and_then(|all| all.table(name));
        let user = self
            .user
            .map(|user| (user, Origin::User(Whose::named(user, "username").unwrap_or_default().to_owned())));
        let group = self.user.and_then(|user| Whose::named(user, "group"));
        let group = group.and_then(|name| Some((of("group", name)?, Origin::Group(name.to_owned()))));
        let site = self.site.map(|name| (of("site", name).unwrap_or(bare), Origin::Place(name.to_owned())));
        let all = [user, group, Some((self.trunk, Origin::Trunk)), site, Some((self.root, Origin::Top))];
        all.into_iter().flatten().collect()
    }
}

/// What holds, each with where it is said; at last the dial rules in the order in which they are asked.
pub(super) fn rights(whose: &Whose<'_>, (text, file): (&str, &str)) -> Vec<Setting> {
    let source = Source::new(text);
    let bare = Table::default();
    let scopes = whose.scopes(&bare);
    let mut walk = Walk { country: None, settings: Vec::new() };
    for key in TRUNK.keys.iter().filter(|key| KEYS.contains(&key.name)) {
        // At the top level `policy` is the table of all of them.
        let says = |origin: &Origin| key.name != "policy" || *origin != Origin::Top;
        let tables = scopes.iter().filter(|(_, origin)| says(origin)).map(|(table, origin)| Seen {
            table,
            origin: origin.clone(),
            source: &source,
            file,
        });
        walk.key(key, key.name.to_owned(), &tables.collect::<Vec<_>>());
        let top = whose.root.entry("default_policy").filter(|_| key.name == "policy");
        if let (Some(last), Some(entry)) = (walk.settings.last_mut(), top)
            && last.value.is_none()
        {
            last.value = entry.value.text().map(|name| json!(name));
            last.origin = Origin::Top;
            last.place = Some((file.to_owned(), source.place(entry.key_span.start)));
        }
    }
    walk.settings.push(dialplan(whose, &scopes));
    walk.settings
}

/// The names of the dial rules that are asked, the most specific scope first.
fn dialplan(whose: &Whose<'_>, scopes: &[(&Table, Origin)]) -> Setting {
    let rules = whose.root.tables_of("dialplan");
    let trunk = whose
        .root
        .entries_of("trunk")
        .iter()
        .find(|entry| entry.value.table().is_some_and(|table| std::ptr::eq(table, whose.trunk)));
    let of = |rule: &Table, key: &str, name: &str| rule.value(key).and_then(Value::text) == Some(name);
    let fits = |rule: &Table, origin: &Origin| match origin {
        Origin::Group(name) => of(rule, "group", name),
        Origin::Trunk => trunk.is_some_and(|trunk| of(rule, "trunk", &trunk.key)),
        Origin::Place(name) => of(rule, "site", name),
        Origin::Top => ["group", "trunk", "site"].iter().all(|key| rule.value(key).is_none()),
        _ => false,
    };
    let asked =
        scopes.iter().flat_map(|(_, origin)| rules.iter().filter(move |(_, rule)| fits(rule, origin)));
    let names: Vec<_> = asked.filter_map(|(_, rule)| rule.value("name")?.text()).collect();
    let origin = scopes.iter().find(|(_, origin)| rules.iter().any(|(_, rule)| fits(rule, origin)));
    Setting {
        key: "dialplan".to_owned(),
        value: (!names.is_empty()).then(|| json!(names)),
        absent: Some("no rule is asked"),
        origin: origin.map_or(Origin::BuiltIn, |(_, origin)| origin.clone()),
        place: None,
    }
}
