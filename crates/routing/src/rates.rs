//! What a call by each trunk costs: the rate of the longest prefix that holds now, trunk by trunk.
//!
//! One prefix tree holds the rates of all trunks, so a call's number is looked up once for all of them.

use crate::hours::{Clocks, Hours};
use crate::prefix::PrefixTree;
use base::TrunkId;
use config::{Config, Money, Rate, Tier, Zone};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// What a trunk charges for one call, as far as can be said before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Price {
    /// How much of the called number has decided, in characters with the plus.
    pub prefix: u8,
    /// For a minute.
    pub minute: Money,
    /// For the call itself.
    pub connect: Money,
    /// For a call of the length that the route compares.
    pub call: Money,
    /// The same in sixtieths, for comparing.
    cost: u64,
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} a minute", self.minute)?;
        if self.connect > Money(0) {
            write!(f, " and {} a call", self.connect)?;
        }
        Ok(())
    }
}

/// The rates of all trunks, compiled.
#[derive(Default)]
pub(crate) struct Rates {
    tree: PrefixTree,
    rows: Vec<Row>,
    times: Vec<Hours>,
    pub(crate) currency: Option<Arc<str>>,
}

/// One rate, without its text.
struct Row {
    rate: Rate,
    /// Length of its prefix.
    prefix: u8,
    time: Option<u32>,
}

/// The members of a tier with their prices.
pub(crate) type Priced = SmallVec<[(TrunkId, Option<Price>); 8]>;

impl Rates {
    /// Compiles all tables; zones that are new are added to `zones`.
    pub(crate) fn compile(config: &Config, zones: &mut Vec<Zone>) -> Rates {
        let mut rates = Rates::default();
        let mut all: Vec<(Vec<u8>, Row)> = Vec::new();
        for table in &config.rates {
            let before = rates.times.len();
            rates.times.extend(table.times.iter().map(|when| Hours::compile(when, config, zones)));
            for rate in &table.rates {
                let time = rate.time.and_then(|at| u32::try_from(before + at as usize).ok());
                let prefix = u8::try_from(rate.prefix.len()).unwrap_or(u8::MAX);
                let row = Row { rate: Rate { prefix: Box::default(), ..rate.clone() }, prefix, time };
                all.push((rate.prefix.as_bytes().to_vec(), row));
            }
            rates.currency = rates.currency.or_else(|| table.currency.as_deref().map(Arc::from));
        }
        // Of one prefix, what holds at times comes before what always holds: it would never be reached else.
        all.sort_by_key(|(_, row)| row.time.is_none());
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let filed =
            (0..).zip(&mut all).map(|(at, (prefix, _))| (std::mem::take(prefix), place(at))).collect();
        rates.rows = all.into_iter().map(|(_, row)| row).collect();
        rates.tree = PrefixTree::build(filed);
        rates
    }

    /// The members of a tier, each with its price for a call of so many seconds. A rate that does not
    /// hold now leaves the word to a shorter prefix; of several that hold, one that
    /// holds at times comes before one that always does, then the first of the files.
    pub(crate) fn of(&self, called: &str, tier: &Tier, seconds: u32, clocks: &mut Clocks<'_>) -> Priced {
        let mut priced: Priced = tier.iter().map(|&(trunk, _)| (trunk, None)).collect();
        let mut open = priced.len();
        for places in self.tree.beginning(called.as_bytes()) {
            for row in places.iter().filter_map(|&at| self.rows.get(at as usize)) {
                let Some((_, price)) =
                    priced.iter_mut().find(|(trunk, price)| price.is_none() && *trunk == row.rate.trunk)
                else {
                    continue;
                };
                let time = row.time.and_then(|at| self.times.get(at as usize));
                if time.is_none_or(|time| clocks.hold(time)) {
                    *price = Some(row.price(seconds));
                    open -= 1;
                }
            }
            if open == 0 {
                break;
            }
        }
        // Stable: equals stay in the order of the tier, those without a price come last.
        priced.sort_by_key(|(_, price)| price.map_or(u64::MAX, |price| price.cost));
        priced
    }
}

impl Row {
    fn price(&self, seconds: u32) -> Price {
        let cost = self.rate.cost(seconds);
        Price {
            prefix: self.prefix,
            minute: self.rate.minute,
            connect: self.rate.connect,
            call: Money(cost / 60),
            cost,
        }
    }
}
