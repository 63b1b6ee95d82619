//! Classes of called numbers that cost more than others: premium, satellite, abroad and the like.
//!
//! The table is `data/number_classes.txt`, drawn from libphonenumber's metadata by
//! `examples/number_classes.rs`; its head names version and licence. It tells what numbers begin with,
//! never whether one is valid. Enter through [`Classes::of`].

use crate::prefix::PrefixTree;
use config::{Class, Country, Words};
use std::fmt;

const TABLE: &str = include_str!("../data/number_classes.txt");

/// Freephone numbers of all countries (ITU-T E.169.1): they lead abroad and cost the caller nothing.
const FREEPHONE: &str = "800";

/// A set of classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClassSet(u8);

impl ClassSet {
    pub(crate) fn of(classes: &[Class]) -> ClassSet {
        classes.iter().fold(ClassSet::default(), |set, class| set.with(*class))
    }

    fn with(self, class: Class) -> ClassSet {
        ClassSet(self.0 | 1 << class as u8)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in both.
    pub(crate) fn and(self, other: ClassSet) -> ClassSet {
        ClassSet(self.0 & other.0)
    }

    /// Its classes, in the order of the documentation.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        let all = Class::TOKENS.iter().filter_map(|token| Class::from_token(token));
        all.filter(move |class| self.0 & 1 << *class as u8 != 0)
    }
}

impl fmt::Display for ClassSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, class) in self.iter().enumerate() {
            write!(f, "{}{class}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// What the table says of one beginning.
enum Entry {
    Class(Class),
    /// A country that shares its calling code with others.
    Country(&'static str),
}

/// The table of classes, read for one country of ours.
pub(crate) struct Classes {
    tree: PrefixTree,
    entries: Vec<Entry>,
    home: Option<&'static Country>,
    /// Whether the table tells our numbers from others of our calling code.
    home_told: bool,
}

impl Classes {
    /// Reads the table. Takes a fraction of a millisecond.
    pub(crate) fn read(home: Option<&'static Country>) -> Classes {
        let mut entries: Vec<Entry> = Vec::new();
        let mut filed: Vec<(Vec<u8>, u32)> = Vec::new();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let (Some(code), Some(class)) = (words.next(), words.next()) else { continue };
            let value = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            entries.push(Class::from_token(class).map_or(Entry::Country(class), Entry::Class));
            let whole = |digits: &str| format!("{code}{}", digits.trim_matches('-')).into_bytes();
            filed.extend(words.map(|digits| (whole(digits), value)));
        }
        let ours =
            |entry: &Entry| matches!(entry, Entry::Country(iso) if home.is_some_and(|h| h.iso == *iso));
        let home_told = entries.iter().any(ours);
        Classes { tree: PrefixTree::build(filed), entries, home, home_told }
    }

    /// The classes of a called number; none of one that is not +E.164.
    pub(crate) fn of(&self, number: &str) -> ClassSet {
        let Some(digits) = number.strip_prefix('+') else { return ClassSet::default() };
        let mut set = ClassSet::default();
        let mut country = None;
        let found = self.tree.beginning(digits.as_bytes()).flatten();
        for entry in found.filter_map(|&at| self.entries.get(at as usize)) {
            match entry {
                Entry::Class(class) => set = set.with(*class),
                Entry::Country(iso) => country = country.or(Some(*iso)),
            }
        }
        if self.is_abroad(digits, country) { set.with(Class::International) } else { set }
    }

    /// Whether a number leads out of our country; never, when we do not know it.
    fn is_abroad(&self, digits: &str, country: Option<&str>) -> bool {
        let Some(home) = self.home else { return false };
        if !digits.starts_with(home.calling_code) {
            return !digits.starts_with(FREEPHONE);
        }
        country.map_or(self.home_told, |iso| iso != home.iso)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(home: &str, number: &str) -> String {
        let classes = Classes::read(config::country::find(home));
        classes.of(number).to_string()
    }

    #[test]
    fn premium_satellite_and_the_like_are_told() {
        for (number, classes) in [
            ("+499001234567", "premium"),
            ("+491378123456", "premium"),
            ("+4918012345678", "shared-cost"),
            ("+4970012345678", "personal"),
            ("+493023125100", ""),
            ("+498001234567", ""),
            ("+449098790000", "premium, international"),
            ("+447012345678", "personal, international"),
            ("+442071838750", "international"),
            ("+39899123456", "premium, international"),
            ("+393471234567", "international"),
            ("+19002345678", "premium, international"),
            ("+14255550100", "international"),
            ("+881612345678", "satellite, international"),
            ("+882341234567", "satellite, international"),
            ("+88351000123456", "satellite, international"),
            ("+870773111632", "satellite, international"),
            ("+979123456789", "premium, international"),
            ("+80812345678", "shared-cost, international"),
            ("+80012345678", ""),
            ("112", ""),
            ("0190123", ""),
            ("alice", ""),
            ("+", "international"),
        ] {
            assert_eq!(told("DE", number), classes, "{number}");
        }
    }

    #[test]
    fn countries_that_share_a_calling_code_are_abroad_from_each_other() {
        for (home, number, classes) in [
            ("US", "+14255550100", ""),
            ("US", "+16045550100", ""),
            ("US", "+17875550100", ""),
            ("US", "+18765550100", "international"),
            ("US", "+18095550100", "international"),
            ("US", "+19005550100", "premium"),
            ("US", "+442071838750", "international"),
            ("JM", "+18765550100", ""),
            ("JM", "+14255550100", "international"),
            ("CA", "+14255550100", ""),
            ("RU", "+77172123456", "international"),
            ("RU", "+74951234567", ""),
            ("XX", "+442071838750", ""),
        ] {
            assert_eq!(told(home, number), classes, "{number} from {home}");
        }
    }
}
