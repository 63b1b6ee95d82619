//! From a checked tree to the picture's parts.
//!
//! A part with a fault (reported by the check) is `None`; the others are built all the same, so that
//! they can be judged and all faults are told at once. Enter through [`Draft::build`].

mod account;
mod dialog;
mod failover;
mod headers;
mod identity;
mod listen;
mod policy;
mod rates;
mod routing;
mod scope;
mod translate;
mod trunk;
mod usage;
mod users;
mod view;

pub(crate) use account::implied_gateway;

use crate::forms::plain;
use crate::keys::{API, Family, LIMITS, LOG, MEDIA, NODE, RECORDS, ROOT, SIGNALLING};
use crate::model::{
    Api, CallPolicy, Config, DialRule, Gateway, Group, Holidays, Limits, Listen, Log, Media, Node,
    NumberRange, Permissions, RateTable, Records, Route, Signalling, Site, Test, Trunk,
};
use crate::names::Names;
use crate::profile::{Defaults, Profile};
use crate::text::Table;
use base::{ListenId, TrunkId};
pub(crate) use headers::header_policy;
pub(crate) use policy::default_codecs;
pub(crate) use scope::{Owner, kind_and_profile, layers};
use view::View;

/// The parts, by their place in the text.
pub(crate) struct Draft {
    pub(crate) listens: Vec<Option<Listen>>,
    pub(crate) sites: Vec<Site>,
    pub(crate) groups: Vec<Group>,
    pub(crate) policies: Vec<Option<CallPolicy>>,
    pub(crate) holidays: Vec<Option<Holidays>>,
    pub(crate) permissions: Permissions,
    pub(crate) trunks: Vec<Option<Trunk>>,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) dialplan: Vec<Option<DialRule>>,
    pub(crate) rates: Vec<Option<RateTable>>,
    pub(crate) numbers: Vec<Option<NumberRange>>,
    pub(crate) routes: Vec<Option<Route>>,
    pub(crate) tests: Vec<Option<Test>>,
}

impl Draft {
    /// Builds what can be built.
    pub(crate) fn build(root: &Table, names: &Names<'_>) -> Draft {
        let listens = root.entries_of("listen");
        let (sites, groups) = (root.entries_of("site"), root.entries_of("group"));
        let (trunks, gateways) = trunk::trunks(root, names);
        let each = |key| root.tables_of(key);
        let tests = each("test");
        let tests = tests.iter().enumerate().map(|(i, (_, t))| routing::test(i, t, names, &trunks)).collect();
        Draft {
            listens: listens.iter().map(|e| listen::listen(&e.key, e.value.table()?)).collect(),
            sites: sites.iter().map(|e| listen::site(&e.key, e.value.table(), names)).collect(),
            groups: groups.iter().map(|e| usage::group(&e.key, e.value.table(), names)).collect(),
            policies: root
                .entries_of("policy")
                .iter()
                .map(|e| usage::policy(&e.key, e.value.table()?))
                .collect(),
            holidays: root
                .entries_of("holidays")
                .iter()
                .map(|e| usage::holidays(&e.key, e.value.table()?))
                .collect(),
            permissions: usage::permissions(&View::new(&ROOT, [Some(root)]), "default_policy", names),
            trunks,
            gateways,
            dialplan: each("dialplan").iter().map(|(_, t)| routing::dial_rule(t, names)).collect(),
            rates: root
                .entries_of("rates")
                .iter()
                .map(|e| rates::table(&e.key, e.value.table()?, names))
                .collect(),
            numbers: each("numbers").iter().map(|(_, t)| routing::number_range(t, names)).collect(),
            routes: each("route").iter().map(|(_, t)| routing::route(t, names)).collect(),
            tests,
        }
    }

    /// The whole picture, when every part could be built.
    pub(crate) fn config(self, root: &Table) -> Option<Config> {
        let view = View::new(&ROOT, [Some(root)]);
        Some(Config {
            version: view.integer("version")?,
            country: view.text("country").and_then(|t| plain::country(t).ok()),
            node: node(&view.inner(&NODE, "node"))?,
            listens: whole(self.listens)?,
            sites: self.sites,
            groups: self.groups,
            policies: whole(self.policies)?,
            holidays: whole(self.holidays)?,
            permissions: self.permissions,
            trunks: whole(self.trunks)?,
            gateways: self.gateways,
            external_prefix: view.string("external_prefix"),
            dialplan: whole(self.dialplan)?,
            rates: whole(self.rates)?,
            numbers: whole(self.numbers)?,
            routes: whole(self.routes)?,
            tests: whole(self.tests)?,
            records: records(&view.inner(&RECORDS, "records"))?,
            media: media(&view.inner(&MEDIA, "media"))?,
            limits: limits(&view.inner(&LIMITS, "limits"))?,
            api: Api { socket: view.inner(&API, "api").string("socket")? },
            log: log(&view.inner(&LOG, "log"))?,
            signalling: signalling(&view.inner(&SIGNALLING, "signalling"))?,
        })
    }
}

fn whole<T>(parts: Vec<Option<T>>) -> Option<Vec<T>> {
    parts.into_iter().collect()
}

fn trunk_id(names: &Names<'_>, name: &str) -> Option<TrunkId> {
    names.index(Family::Trunk, name).and_then(|i| u32::try_from(i).ok()).map(TrunkId)
}

fn listen_id(names: &Names<'_>, name: &str) -> Option<ListenId> {
    names.index(Family::Listen, name).and_then(|i| u16::try_from(i).ok()).map(ListenId)
}

fn node(view: &View<'_>) -> Option<Node> {
    Some(Node { name: view.string("name")?, site: view.string("site") })
}

fn records(view: &View<'_>) -> Option<Records> {
    Some(Records {
        path: Some(view.string("path")?).filter(|p| p != "off"),
        jsonl: view.string("jsonl"),
        keep_days: view.integer("keep_days")?,
        sync: view.duration_or_off("sync"),
    })
}

fn limits(view: &View<'_>) -> Option<Limits> {
    Some(Limits {
        calls_max: view.integer("calls_max")?,
        early_dialogs_max: view.integer("early_dialogs_max")?,
        transactions_max: view.integer("transactions_max")?,
        message_max: view.integer("message_max")?,
    })
}

fn media(view: &View<'_>) -> Option<Media> {
    let (bypass, fast_path) = (view.word("bypass")?, view.word("fast_path")?);
    let touched_path = view.word("touched_path")?;
    Some(Media { workers: view.integer("workers"), bypass, fast_path, touched_path })
}

fn log(view: &View<'_>) -> Option<Log> {
    Some(Log { level: view.word("level")?, format: view.word("format")? })
}

fn signalling(view: &View<'_>) -> Option<Signalling> {
    Some(Signalling {
        drain_timeout: view.duration("drain_timeout")?,
        max_forwards: view.integer("max_forwards")?,
        t1_ms: view.integer("t1_ms")?,
        t2_ms: view.integer("t2_ms")?,
        t4_ms: view.integer("t4_ms")?,
    })
}

/// A profile from its checked file.
pub(crate) fn profile(root: &Table, text: &'static str) -> Option<Profile> {
    let view = View::new(&crate::keys::PROFILE, [Some(root)]);
    let preset = view.inner(&crate::keys::PRESET, "trunk");
    let policy_view = view.inner(&crate::keys::POLICY, "policy");
    Some(Profile {
        name: view.string("name")?,
        version: view.integer("version")?,
        status: view.word("status")?,
        summary: view.string("summary")?,
        defaults: Defaults {
            policy: policy::policy(&policy_view, None)?,
            retry_on: preset.statuses("retry_on"),
            failover_after: preset.duration("failover_after")?,
            ring_timeout: preset.duration("ring_timeout")?,
            options_interval: preset.duration_or_off("options_interval"),
            options_misses: preset.integer("options_misses")?,
        },
        table: root.clone(),
        text,
    })
}
