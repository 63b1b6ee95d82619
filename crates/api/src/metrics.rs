//! Metrics in the Prometheus text format 0.0.4: only what is truly known.
//!
//! Present figures and counters come from the node itself; what only ended calls tell (durations,
//! reasons, quality) is summed from their records, from the first time that anybody asked. No number
//! and no Call-ID is ever a label. Enter through [`text`].

mod families;
mod page;
mod sound;
mod tally;

pub(crate) use families::text;
pub(crate) use tally::Tally;

/// What a scraper is told.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
