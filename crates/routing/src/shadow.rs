//! Routes that can never be reached, because one that is asked before takes every call that they would.

use crate::table::{Way, Ways, file};
use config::Config;

/// Pairs of indexes into the configuration's routes: a route, and the first of those asked before it
/// that takes all its calls. Ascending; a route comes at most once.
///
/// Only what is certain is reported: an expression is known to cover another only when they are equal,
/// and a route that holds at times covers only routes of the same times.
#[must_use]
pub fn shadowed(config: &Config) -> Vec<(usize, usize)> {
    let routes = Ways::compile(config).routes;
    let policies = !config.policies.is_empty();
    let tree = file(&routes);
    let mut pairs = Vec::new();
    for (place, way) in routes.iter().enumerate() {
        // Whoever takes all its calls is filed under beginnings of all its own beginnings.
        let Some(text) = way.called.beginnings().into_iter().next() else { continue };
        let earlier = tree.beginning(&text).flat_map(|list| {
            list.iter()
                .map(|&at| at as usize)
                .take_while(|&at| at < place)
                .filter(|&at| routes.get(at).is_some_and(|other| other.covers(way, policies)))
        });
        if let Some(by) = earlier.min().and_then(|at| routes.get(at)) {
            pairs.push((way.index as usize, by.index as usize));
        }
    }
    pairs.sort_unstable();
    pairs
}

impl Way {
    /// Whether it surely takes every call that `other` takes; `policies` says whether usages count.
    fn covers(&self, other: &Way, policies: bool) -> bool {
        let all_trunks = self.on.is_empty();
        let trunks = all_trunks || (!other.on.is_empty() && other.on.iter().all(|t| self.on.contains(t)));
        let times = self.hours.is_none() || self.hours == other.hours;
        // What it leaves out, the other must leave out as well.
        let excepted = self.except.iter().all(|mine| other.except.iter().any(|theirs| theirs.covers(mine)));
        let usages = !policies || other.usages.iter().all(|usage| self.usages.contains(usage));
        trunks
            && times
            && excepted
            && usages
            && self.called.covers(&other.called)
            && self.caller.covers(&other.caller)
    }
}
