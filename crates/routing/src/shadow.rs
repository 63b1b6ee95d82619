//! Routes that can never be reached, because an earlier one takes every call that they would.

use crate::table::{Way, file};
use config::Config;

/// Pairs of indexes into the configuration's routes: a route, and the first earlier one that takes
/// all its calls. Ascending; a route comes at most once.
///
/// Only what is certain is reported: an expression is known to cover another only when they are equal.
#[must_use]
pub fn shadowed(config: &Config) -> Vec<(usize, usize)> {
    let routes: Vec<Way> = config.routes.iter().map(Way::compile).collect();
    let tree = file(&routes);
    let mut pairs = Vec::new();
    for (index, way) in routes.iter().enumerate() {
        // Whoever takes all its calls is filed under beginnings of all its own beginnings.
        let Some(text) = way.called.beginnings().into_iter().next() else { continue };
        let earlier = tree.beginning(&text).flat_map(|list| {
            list.iter()
                .map(|&at| at as usize)
                .take_while(|&at| at < index)
                .filter(|&at| routes.get(at).is_some_and(|other| other.covers(way)))
        });
        if let Some(by) = earlier.min() {
            pairs.push((index, by));
        }
    }
    pairs
}

impl Way {
    /// Whether it surely takes every call that `other` takes.
    fn covers(&self, other: &Way) -> bool {
        let all_trunks = self.on.is_empty();
        let trunks = all_trunks || (!other.on.is_empty() && other.on.iter().all(|t| self.on.contains(t)));
        trunks && self.called.covers(&other.called) && self.caller.covers(&other.caller)
    }
}
