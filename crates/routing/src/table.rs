//! The routing table: a configuration compiled for fast decisions.
//!
//! Compiling happens once for each configuration; deciding is in [`crate::plan`]. Holds nothing that
//! changes while calls run.

use crate::bypass::Paths;
use crate::classes::Classes;
use crate::dialplan::{DialPlan, Normal};
use crate::hours::Hours;
use crate::links::Links;
use crate::pattern::Matcher;
use crate::pilot::Extensions;
use crate::prefix::PrefixTree;
use crate::ranges::Ranges;
use crate::rates::Rates;
use crate::scope::Scopes;
use crate::translate::Translator;
use base::TrunkId;
use config::{CallerId, Config, Extension, Kind, NumberFormat, Recorder, Tier, TierOrder, Unrated, Zone};
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
    /// Routes filed under what their called numbers begin with, by their place in `routes`.
    pub(crate) tree: PrefixTree,
    /// In the order in which they are asked.
    pub(crate) routes: Vec<Way>,
    pub(crate) policies: Vec<Policy>,
    /// Names of usages; routes and policies hold places in it.
    pub(crate) usages: Vec<Arc<str>>,
    pub(crate) rates: Rates,
    pub(crate) classes: Classes,
    /// Time zones of routes.
    pub(crate) zones: Vec<Zone>,
    pub(crate) trunks: Vec<TrunkFacts>,
    pub(crate) scopes: Scopes,
    /// Whose media may leave the node.
    pub(crate) paths: Paths,
    pub(crate) links: Links,
}

pub(crate) struct OurNumbers {
    pub first: Box<str>,
    pub last: Box<str>,
    pub delivery: u32,
}

/// The usages of a group of callers, in order.
pub(crate) struct Policy {
    pub name: Arc<str>,
    pub usages: Vec<u16>,
}

/// One route, compiled.
pub(crate) struct Way {
    /// Its place in the configuration.
    pub index: u32,
    pub name: Arc<str>,
    pub called: Matcher,
    pub caller: Matcher,
    /// Arriving trunks, ascending; empty takes all.
    pub on: Vec<TrunkId>,
    /// Called numbers that it does not take.
    pub except: Vec<Matcher>,
    pub hours: Option<Hours>,
    /// Usages that it serves.
    pub usages: Vec<u16>,
    /// The caller that its attempts show.
    pub caller_id: Option<Normal>,
    pub tiers: Vec<Tier>,
    pub by_cost: Option<ByCost>,
    pub retry_on: Option<Arc<[u16]>>,
    pub record: Option<Recorder>,
}

/// How a route has its trunks ordered by cost.
#[derive(Clone, Copy)]
pub(crate) struct ByCost {
    /// Seconds of a call for which costs are compared.
    pub seconds: u32,
    /// Whether trunks without a rate are left out.
    pub exclude: bool,
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
    /// Whether its calls are meant to leave by other providers.
    pub transit: bool,
    pub calls_max: Option<u32>,
    /// Whether only calls of its site may use it.
    pub site_only: bool,
}

/// The routes in the order in which they are asked, and what they share.
pub(crate) struct Ways {
    pub routes: Vec<Way>,
    pub usages: Vec<Arc<str>>,
    pub zones: Vec<Zone>,
}

impl Ways {
    pub(crate) fn compile(config: &Config) -> Ways {
        let mut order: Vec<(u32, &config::Route)> = (0..).zip(&config.routes).collect();
        order.sort_by_key(|(_, route)| route.priority);
        let mut ways =
            Ways { routes: Vec::with_capacity(order.len()), usages: Vec::new(), zones: Vec::new() };
        let mut known = BTreeMap::new();
        for policy in &config.policies {
            ways.usages(&policy.usages, &mut known);
        }
        for (index, route) in order {
            let usages = ways.usages(&route.usages, &mut known);
            let hours = route.when.as_ref().map(|when| Hours::compile(when, config, &mut ways.zones));
            ways.routes.push(Way::compile(index, route, usages, hours));
        }
        ways
    }

    /// The places of usages; new ones are added.
    fn usages<'c>(&mut self, names: &'c [String], known: &mut BTreeMap<&'c str, u16>) -> Vec<u16> {
        let place = |name: &'c String| {
            *known.entry(name).or_insert_with(|| {
                self.usages.push(name.as_str().into());
                u16::try_from(self.usages.len() - 1).unwrap_or(u16::MAX)
            })
        };
        names.iter().map(place).collect()
    }

    fn policies(&self, config: &Config) -> Vec<Policy> {
        let place = |name: &String| {
            self.usages.iter().position(|known| **known == **name).and_then(|at| u16::try_from(at).ok())
        };
        let policies = config.policies.iter().map(|policy| Policy {
            name: policy.name.as_str().into(),
            usages: policy.usages.iter().filter_map(place).collect(),
        });
        policies.collect()
    }
}

impl Way {
    fn compile(index: u32, route: &config::Route, usages: Vec<u16>, hours: Option<Hours>) -> Way {
        let mut on = route.match_on.clone();
        on.sort_unstable();
        Way {
            index,
            name: route.name.as_str().into(),
            called: Matcher::compile(route.match_called.as_ref()),
            caller: Matcher::compile(route.match_caller.as_ref()),
            on,
            except: route.except.iter().map(|pattern| Matcher::compile(Some(pattern))).collect(),
            hours,
            usages,
            caller_id: route.caller_id.as_ref().map(|CallerId { number, extension }| Normal {
                number: number.clone(),
                extension: extension.clone(),
                ..Normal::default()
            }),
            tiers: route.to.clone(),
            by_cost: (route.order == TierOrder::Cost).then(|| ByCost {
                seconds: u32::try_from(route.call_length.as_secs()).unwrap_or(u32::MAX),
                exclude: route.unrated == Unrated::Exclude,
            }),
            retry_on: route.retry_on.as_deref().map(Arc::from),
            record: route.record,
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
        let mut ways = Ways::compile(config);
        let rates = Rates::compile(config, &mut ways.zones);
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
            transit: trunk.transit,
            calls_max: trunk.calls_max,
            site_only: trunk.site_only,
        });
        let scopes = Scopes::compile(config);
        Table {
            dialplan: DialPlan::compile(config, scopes.places.names()),
            links: Links::compile(config, scopes.places.names()),
            ranges: Ranges::build(config.numbers.iter().map(|r| (r.first.as_str(), r.last.as_str()))),
            numbers,
            deliveries,
            numbers_name: "numbers".into(),
            tree: file(&ways.routes),
            trunks: trunks.collect(),
            scopes,
            policies: ways.policies(config),
            routes: ways.routes,
            usages: ways.usages,
            zones: ways.zones,
            rates,
            classes: Classes::read(config.country),
            paths: Paths::compile(config),
        }
    }

    /// The name of a trunk; `?` for an id of another configuration.
    #[must_use]
    pub fn trunk_name(&self, trunk: TrunkId) -> &str {
        self.trunks.get(trunk.index()).map_or("?", |t| &t.name)
    }

    /// How many distinct beginnings of called numbers are filed.
    #[must_use]
    pub fn prefixes(&self) -> usize {
        self.tree.len()
    }
}
