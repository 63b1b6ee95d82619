//! Which numbers a peer accepts as ours.

use crate::Numbering;
use base::TrunkId;
use config::{Config, FirstIs, NotOwned};

/// The owned numbers and the pilot of a trunk, in the form of its wire.
#[derive(Default, Debug)]
pub struct Screening {
    /// Ranges of numbers of one length each, sorted, not overlapping.
    owned: Vec<(Box<str>, Box<str>)>,
    /// The number of the trunk itself.
    pub pilot: Option<Box<str>>,
}

impl Screening {
    /// Compiles what a trunk's policy says. Ranges are kept only where they are asked for.
    pub fn new(config: &Config, numbers: &impl Numbering, id: TrunkId) -> Screening {
        let Some(trunk) = config.trunks.get(id.index()) else { return Screening::default() };
        let screen = &trunk.policy.caller.screen;
        let own = trunk.pilot.as_ref().map(|pilot| pilot.number.as_str());
        let pilot = screen.pilot.as_deref().or(own).map(|number| numbers.write(number, id).into());
        let asked = screen.not_owned != NotOwned::Pass || trunk.policy.forwarding.first_is == FirstIs::Did;
        if !asked {
            return Screening { owned: Vec::new(), pilot };
        }
        let write =
            |(first, last): (&str, &str)| (numbers.write(first, id).into(), numbers.write(last, id).into());
        let owned = match &screen.owned {
            Some(own) => own.iter().map(|(a, b)| write((a, b))).collect(),
            None => config.numbers.iter().map(|n| write((&n.first, &n.last))).collect(),
        };
        Screening { owned: merge(owned), pilot }
    }

    /// Whether a number in the trunk's form is ours.
    pub fn owns(&self, number: &str) -> bool {
        let bare = number.split(';').next().unwrap_or_default();
        let key = (bare.len(), bare);
        let after = self.owned.partition_point(|(first, _)| (first.len(), &**first) <= key);
        let range = after.checked_sub(1).and_then(|at| self.owned.get(at));
        range.is_some_and(|(first, last)| first.len() == bare.len() && bare <= &**last)
    }
}

/// Sorts ranges by length and beginning and joins those that overlap.
fn merge(mut ranges: Vec<(Box<str>, Box<str>)>) -> Vec<(Box<str>, Box<str>)> {
    // Translations may make no range of one.
    ranges.retain(|(first, last)| first.len() == last.len() && first <= last && !first.is_empty());
    ranges.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    let mut merged: Vec<(Box<str>, Box<str>)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((before, reach)) if before.len() == first.len() && first <= *reach => {
                if last > *reach {
                    *reach = last;
                }
            }
            _ => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_numbers_are_found_by_length_and_range() {
        let range = |a: &str, b: &str| (Box::from(a), Box::from(b));
        let screening = Screening {
            owned: merge(vec![
                range("+4930500", "+4930599"),
                range("100", "199"),
                range("+4930100", "+4930199"),
                range("+4930110", "+4930120"),
                range("+4930190", "+4930250"),
            ]),
            pilot: None,
        };
        for number in ["100", "199", "+4930100", "+4930199", "+4930250", "+4930550", "+4930121;ext=7"] {
            assert!(screening.owns(number), "{number}");
        }
        for number in ["", "99", "200", "+4930251", "+4930600", "4930100", "+49301000", "+", "anonymous"] {
            assert!(!screening.owns(number), "{number}");
        }
    }
}
