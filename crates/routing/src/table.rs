//! The routing table: a configuration compiled for fast decisions.
//!
//! Compiling happens once for each configuration; deciding is in [`crate::plan`]. Holds nothing that
//! changes while calls run.

use crate::dialplan::DialPlan;
use crate::pattern::Matcher;
use crate::pilot::Extensions;
use crate::prefix::PrefixTree;
use crate::ranges::Ranges;
use crate::translate::Translator;
use base::TrunkId;
use config::{Config, Extension, Kind, NumberFormat, Tier};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A configuration's numbers and routes, compiled.
pub struct Table {
    pub(crate) dialplan: DialPlan,
    pub(crate) ranges: Ranges,
    /// Ends of each range and its way into `deliveries`.
    pub(crate) numbers: Vec<OurNumbers>,
    /// Distinct deliveries as tiers of one trunk each.
    pub(crate) deliveries: Vec<Vec<Tier>>,
    pub(crate) numbers_name: Arc<str>,
    /// Routes filed under what their called numbers begin with.
    pub(crate) tree: PrefixTree,
    pub(crate) routes: Vec<Way>,
    pub(crate) trunks: Vec<TrunkFacts>,
}

pub(crate) struct OurNumbers {
    pub first: Box<str>,
    pub last: Box<str>,
    pub delivery: u32,
}

/// One route, compiled.
pub(crate) struct Way {
    pub name: Arc<str>,
    pub called: Matcher,
    pub caller: Matcher,
    /// Arriving trunks, ascending; empty takes all.
    pub on: Vec<TrunkId>,
    pub tiers: Vec<Tier>,
    pub retry_on: Option<Arc<[u16]>>,
}

/// What routing must know of a trunk.
pub(crate) struct TrunkFacts {
    pub name: Arc<str>,
    pub enabled: bool,
    pub direct: bool,
    pub format: NumberFormat,
    /// How extensions are written towards it.
    pub extension: Extension,
    pub pilot: Option<Extensions>,
    /// Rules over the called numbers of calls that leave by it.
    pub called_out: Translator,
    /// Rules over the callers' numbers of such calls.
    pub caller_out: Translator,
    pub calls_max: Option<u32>,
}

impl Way {
    pub(crate) fn compile(route: &config::Route) -> Way {
        let mut on = route.match_on.clone();
        on.sort_unstable();
        Way {
            name: route.name.as_str().into(),
            called: Matcher::compile(route.match_called.as_ref()),
            caller: Matcher::compile(route.match_caller.as_ref()),
            on,
            tiers: route.to.clone(),
            retry_on: route.retry_on.as_deref().map(Arc::from),
        }
    }
}

/// Files routes under the beginnings of their called numbers.
pub(crate) fn file(routes: &[Way]) -> PrefixTree {
    let entries = routes
        .iter()
        .zip(0_u32..)
        .flat_map(|(way, index)| way.called.beginnings().into_iter().map(move |text| (text, index)));
    PrefixTree::build(entries.collect())
}

fn file_numbers(config: &Config) -> (Vec<OurNumbers>, Vec<Vec<Tier>>) {
    let mut known: BTreeMap<&[TrunkId], u32> = BTreeMap::new();
    let mut deliveries: Vec<Vec<Tier>> = Vec::new();
    let numbers = config.numbers.iter().map(|range| {
        let delivery = *known.entry(&range.deliver).or_insert_with(|| {
            deliveries.push(range.deliver.iter().map(|&trunk| vec![(trunk, 1)]).collect());
            u32::try_from(deliveries.len() - 1).unwrap_or(u32::MAX)
        });
        OurNumbers { first: range.first.as_str().into(), last: range.last.as_str().into(), delivery }
    });
    (numbers.collect(), deliveries)
}

impl Table {
    /// Compiles a validated configuration. Takes milliseconds for thousands of routes.
    #[must_use]
    pub fn compile(config: &Config) -> Table {
        let routes: Vec<Way> = config.routes.iter().map(Way::compile).collect();
        let (numbers, deliveries) = file_numbers(config);
        let trunks = config.trunks.iter().map(|trunk| TrunkFacts {
            name: trunk.name.as_str().into(),
            enabled: trunk.enabled,
            direct: trunk.kind == Kind::Direct,
            format: trunk.policy.number_format,
            extension: trunk.policy.extension,
            pilot: trunk.pilot.as_ref().map(Extensions::compile),
            called_out: Translator::compile(&trunk.translate.called_out),
            caller_out: Translator::compile(&trunk.translate.caller_out),
            calls_max: trunk.calls_max,
        });
        Table {
            dialplan: DialPlan::compile(config),
            ranges: Ranges::build(config.numbers.iter().map(|r| (r.first.as_str(), r.last.as_str()))),
            numbers,
            deliveries,
            numbers_name: "numbers".into(),
            tree: file(&routes),
            trunks: trunks.collect(),
            routes,
        }
    }

    /// The name of a trunk; `?` for an id of another configuration.
    pub(crate) fn trunk_name(&self, trunk: TrunkId) -> &str {
        self.trunks.get(trunk.index()).map_or("?", |t| &t.name)
    }

    /// How many distinct beginnings of called numbers are filed.
    #[must_use]
    pub fn prefixes(&self) -> usize {
        self.tree.len()
    }
}
