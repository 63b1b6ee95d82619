//! How a plan changes sound, and why, for people.

use crate::plan::Plan;

/// What became of sound on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recoded {
    /// What was said, as descriptions name it.
    pub heard: &'static str,
    /// What it was turned into.
    pub spoken: &'static str,
    /// Why.
    pub why: Why,
}

/// Why sound is changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// The listener has not agreed on what was said.
    Codec,
    /// The sender may use a codec that the listener has not agreed on, now or later.
    Codecs,
    /// The listener gets packets of another length.
    Ptime,
    /// It is made louder or softer.
    Gain,
    /// Digits are looked for in it, or put into it.
    Digits,
}

impl Why {
    /// Every reason.
    pub const ALL: [Why; 5] = [Why::Codec, Why::Codecs, Why::Ptime, Why::Gain, Why::Digits];

    /// The word in records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Why::Codec => "codec",
            Why::Codecs => "codecs",
            Why::Ptime => "ptime",
            Why::Gain => "gain",
            Why::Digits => "digits",
        }
    }

    /// The reason of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Why> {
        Why::ALL.into_iter().find(|why| why.word() == word)
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Why::Codec => "the other side has not agreed on this codec",
            Why::Codecs => "it may use a codec that the other side has not agreed on",
            Why::Ptime => "the other side gets packets of another length",
            Why::Gain => "its level is changed",
            Why::Digits => "digits are read from its sound or put into it",
        }
    }
}

impl Plan {
    /// How sound that came with a payload type is changed; none where packets pass as they are.
    #[must_use]
    pub fn recoded(&self, payload_type: Option<u8>) -> Option<Recoded> {
        let known = self.hears.iter().find(|(pt, _)| Some(*pt) == payload_type);
        let (_, heard) = known.or(self.hears.first())?;
        let spoken = self.speaks.codec;
        let why = match () {
            () if !heard.is_same(spoken) => Why::Codec,
            () if self.hears.iter().any(|(_, other)| !other.is_same(spoken)) => Why::Codecs,
            () if self.hears_ptime_ms != self.speaks.ptime_ms => Why::Ptime,
            () if self.gain_tenths_db != 0 => Why::Gain,
            () => Why::Digits,
        };
        Some(Recoded { heard: heard.name(), spoken: spoken.name(), why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Codec, Format};
    use codec::Law;

    #[test]
    fn the_codec_is_named_before_what_is_changed_besides() {
        let (a, mu) = (Codec::G711(Law::A), Codec::G711(Law::Mu));
        let format = Format::new(8, a, 30);
        let of = |hears: &[(u8, Codec)], ptime: u8, gain: i16, pt: u8| {
            let plan = Plan { gain_tenths_db: gain, ..Plan::between(hears.to_vec(), ptime, format) };
            plan.recoded(Some(pt)).map(|recoded| (recoded.heard, recoded.spoken, recoded.why))
        };
        assert_eq!(of(&[(0, mu)], 20, 30, 0), Some(("PCMU", "PCMA", Why::Codec)));
        assert_eq!(of(&[(8, a), (9, Codec::G722)], 30, 0, 8), Some(("PCMA", "PCMA", Why::Codecs)));
        assert_eq!(of(&[(8, a), (9, Codec::G722)], 30, 0, 9), Some(("G722", "PCMA", Why::Codec)));
        assert_eq!(of(&[(8, a)], 20, 30, 8), Some(("PCMA", "PCMA", Why::Ptime)));
        assert_eq!(of(&[(8, a)], 30, 30, 8), Some(("PCMA", "PCMA", Why::Gain)));
        assert_eq!(of(&[(8, a)], 30, 0, 8), Some(("PCMA", "PCMA", Why::Digits)));
        assert_eq!(of(&[], 30, 0, 8), None);
    }

    #[test]
    fn every_reason_is_found_by_its_word() {
        for why in Why::ALL {
            assert_eq!(Why::of_word(why.word()), Some(why));
        }
    }
}
