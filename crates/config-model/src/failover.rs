//! How a trunk chooses among its gateways, and when it goes on to the next.

use super::words::words;
use std::time::Duration;

/// Most rules in `map_response`.
pub const MAPPINGS_MAX: usize = 100;

words! {
    /// How a trunk's gateways are tried.
    pub enum Hunt {
        /// As listed.
        Order = "order",
        /// The one with the fewest calls first; in turn among equals.
        Balance = "balance",
        /// All at once, with those of the other trunks of the tier that say the same.
        Parallel = "parallel",
    }
}

/// How gateways are tried, and how many at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hunting {
    /// In which order, or all at once.
    pub way: Hunt,
    /// Gateways that ring at once, where `way` is parallel, 2 to 16.
    pub forks_max: u32,
}

/// Limits of a trunk for each direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EachWay {
    /// Calls at a time that arrive.
    pub calls_in_max: Option<u32>,
    /// Calls at a time that leave.
    pub calls_out_max: Option<u32>,
    /// New calls a second that arrive.
    pub cps_in_max: Option<u32>,
    /// New calls a second that leave.
    pub cps_out_max: Option<u32>,
}

/// A rule that reads a gateway's final response as another one (R68).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The response that it is for, 400 to 699; `None` is for any.
    pub status: Option<u16>,
    /// The Q.850 cause in its Reason header (RFC 3326); `None` is for any, also for none.
    pub cause: Option<u8>,
    /// What it counts as, 400 to 699.
    pub to: u16,
}

impl Mapping {
    /// What the first rule that fits makes of a response; `None` leaves it as it is.
    #[must_use]
    pub fn find(rules: &[Mapping], status: u16, cause: Option<u8>) -> Option<u16> {
        let fits = |rule: &&Mapping| {
            rule.status.is_none_or(|wanted| wanted == status)
                && rule.cause.is_none_or(|wanted| cause == Some(wanted))
        };
        // Redirections are no refusals.
        rules.iter().find(fits).filter(|_| status >= 400).map(|rule| rule.to)
    }
}

/// When a gateway's calls go so badly that others are tried before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quality {
    /// Least answer-seizure ratio in percent, 1 to 100.
    pub asr_min: Option<u8>,
    /// Longest mean post-dial delay.
    pub pdd_max: Option<Duration>,
    /// Least mean duration of answered calls.
    pub acd_min: Option<Duration>,
    /// Attempts that are judged together, 5 to 1000.
    pub window: u32,
    /// How long others are tried before it.
    pub hold: Duration,
}

#[cfg(test)]
mod tests {
    use super::Mapping;

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rule = |status, cause, to| Mapping { status, cause, to };
        let rules = [rule(Some(486), Some(34), 503), rule(None, Some(38), 503), rule(Some(486), None, 600)];
        let find = |status, cause| Mapping::find(&rules, status, cause);
        assert_eq!(find(486, Some(34)), Some(503));
        assert_eq!(find(486, Some(17)), Some(600));
        assert_eq!(find(486, None), Some(600));
        assert_eq!(find(480, Some(38)), Some(503));
        assert_eq!(find(480, Some(34)), None);
        assert_eq!(find(480, None), None);
    }
}
