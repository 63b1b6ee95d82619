//! What trunks charge: rates by what called numbers begin with, and how routes make use of them.

use super::words::words;
use super::{When, Zone};
use base::TrunkId;
use std::fmt;

words! {
    /// How the trunks of one tier are ordered.
    pub enum TierOrder {
        /// Drawn by weight.
        Weight = "weight",
        /// The cheapest for the called number first.
        Cost = "cost",
    }
}

words! {
    /// What becomes of a trunk without a rate where the cheapest is tried first.
    pub enum Unrated {
        /// It is tried after those that have one.
        Last = "last",
        /// It is not tried.
        Exclude = "exclude",
    }
}

/// An amount, in millionths of the currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Money(pub u64);

impl Money {
    /// Millionths in one of the currency.
    pub const UNIT: u64 = 1_000_000;
}

impl fmt::Display for Money {
    /// `0.0123`, without zeros at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut part, mut digits) = (self.0 / Money::UNIT, self.0 % Money::UNIT, 6);
        if part == 0 {
            return write!(f, "{whole}");
        }
        while part.is_multiple_of(10) {
            part /= 10;
            digits -= 1;
        }
        write!(f, "{whole}.{part:0digits$}")
    }
}

/// Rates of one file.
#[derive(Clone, PartialEq, Debug)]
pub struct RateTable {
    /// Its name.
    pub name: String,
    /// The file, as the configuration names it.
    pub file: String,
    /// Whose rates they are where a row does not say.
    pub trunk: Option<TrunkId>,
    /// What the prices are in.
    pub currency: Option<String>,
    /// The time zone of its times.
    pub zone: Option<Zone>,
    /// The rates in the order of the file; none until it has been read.
    pub rates: Vec<Rate>,
    /// Times at which rates hold.
    pub times: Vec<When>,
    /// Differs when the file does.
    pub fingerprint: u64,
}

/// What a trunk charges for calls to numbers of one beginning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rate {
    /// What the numbers begin with; a plus and digits.
    pub prefix: Box<str>,
    /// The trunk.
    pub trunk: TrunkId,
    /// For a minute.
    pub minute: Money,
    /// For the call itself.
    pub connect: Money,
    /// The least number of seconds that is charged, 1 to 3600.
    pub first: u32,
    /// Steps in seconds that are charged after those, 1 to 3600.
    pub step: u32,
    /// When it holds, a place among the table's times; `None` is always.
    pub time: Option<u32>,
}

impl Rate {
    /// What a call of this many seconds costs, in sixtieths of [`Money`]: exact, for comparing.
    #[must_use]
    pub fn cost(&self, seconds: u32) -> u64 {
        let more = seconds.saturating_sub(self.first).div_ceil(self.step.max(1));
        let charged = u64::from(self.first) + u64::from(more) * u64::from(self.step);
        self.minute.0.saturating_mul(charged).saturating_add(self.connect.0.saturating_mul(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_without_needless_zeros() {
        for (amount, text) in
            [(0, "0"), (12_300, "0.0123"), (1_000_000, "1"), (2_500_000, "2.5"), (1, "0.000001")]
        {
            assert_eq!(Money(amount).to_string(), text);
        }
    }

    #[test]
    fn seconds_are_charged_in_steps() {
        let rate = |first, step| Rate {
            prefix: "+49".into(),
            trunk: TrunkId(0),
            minute: Money(60),
            connect: Money(7),
            first,
            step,
            time: None,
        };
        let charged = |first, step, seconds| (rate(first, step).cost(seconds) - 7 * 60) / 60;
        assert_eq!(charged(60, 60, 0), 60);
        assert_eq!(charged(60, 60, 60), 60);
        assert_eq!(charged(60, 60, 61), 120);
        assert_eq!(charged(30, 6, 31), 36);
        assert_eq!(charged(1, 1, 61), 61);
    }
}
