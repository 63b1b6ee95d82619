//! The arithmetic of a pilot number and its extensions (INTEROP 28).
//!
//! A peer's telephones are the extensions of one number: `100` is `+493023125100` behind the pilot
//! `+493023125`, and the other way round.

use config::Pilot;

/// A pilot number, ready to be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Extensions {
    pub number: Box<str>,
    least: usize,
    most: usize,
}

impl Extensions {
    pub(crate) fn compile(pilot: &Pilot) -> Extensions {
        Extensions {
            number: pilot.number.as_str().into(),
            least: usize::from(pilot.digits_min),
            most: usize::from(pilot.digits_max),
        }
    }

    fn is_extension(&self, text: &str) -> bool {
        (self.least..=self.most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    }

    /// The whole number of an extension; `None` when the text is none.
    pub(crate) fn whole(&self, extension: &str) -> Option<String> {
        self.is_extension(extension).then(|| format!("{}{extension}", self.number))
    }

    /// The extension in a whole number; `None` when it is no number of the pilot's.
    pub(crate) fn extension<'n>(&self, number: &'n str) -> Option<&'n str> {
        number.strip_prefix(&*self.number).filter(|rest| self.is_extension(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_become_whole_numbers_and_back() {
        let pilot = Pilot { number: "+493023125".into(), digits_min: 1, digits_max: 3 };
        let pilot = Extensions::compile(&pilot);
        for (short, whole) in [("0", "+4930231250"), ("100", "+493023125100")] {
            assert_eq!(pilot.whole(short).as_deref(), Some(whole));
            assert_eq!(pilot.extension(whole), Some(short));
        }
        for short in ["", "1000", "1*", "a", "+1"] {
            assert_eq!(pilot.whole(short), None, "{short}");
        }
        for number in ["+493023125", "+4930231251000", "+493023126100", "100", ""] {
            assert_eq!(pilot.extension(number), None, "{number}");
        }
    }
}
