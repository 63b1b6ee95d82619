//! Who was called before: what Diversion and History-Info have in common.

use crate::diversion;
use crate::history::{self, Entry};
use crate::party::Party;
use crate::privacy::Privacy;
use config::{Forwarding, ForwardingHeader};
use sip_msg::Msg;

/// The most forwardings, or entries of History-Info, of one call: limit `forwardings`. Older ones are
/// left out.
pub(crate) const FORWARDINGS_MAX: usize = 20;

/// Why a call was forwarded (RFC 5806 §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    Unknown,
    Unconditional,
    UserBusy,
    NoAnswer,
    Deflection,
    Unavailable,
    TimeOfDay,
    DoNotDisturb,
    FollowMe,
    OutOfService,
    Away,
}

/// Reasons with their word in Diversion and their cause in History-Info (RFC 7544 §5, RFC 4458 §2).
/// Read backwards, the first row with a cause counts (RFC 7544 §6).
const REASONS: [(Why, &str, u16); 11] = [
    (Why::Unknown, "unknown", 404),
    (Why::Unconditional, "unconditional", 302),
    (Why::UserBusy, "user-busy", 486),
    (Why::NoAnswer, "no-answer", 408),
    (Why::Deflection, "deflection", 480),
    (Why::Unavailable, "unavailable", 503),
    (Why::TimeOfDay, "time-of-day", 404),
    (Why::DoNotDisturb, "do-not-disturb", 404),
    (Why::FollowMe, "follow-me", 404),
    (Why::OutOfService, "out-of-service", 404),
    (Why::Away, "away", 404),
];

impl Why {
    /// Reads the reason in Diversion; one that nobody knows is `Unknown`.
    pub fn from_word(word: &[u8]) -> Why {
        let row = REASONS.iter().find(|(_, text, _)| word.eq_ignore_ascii_case(text.as_bytes()));
        row.map_or(Why::Unknown, |row| row.0)
    }

    /// Reads the cause in History-Info. 487 is deflection without alerting.
    pub fn from_cause(cause: u16) -> Why {
        let cause = if cause == 487 { 480 } else { cause };
        REASONS.iter().find(|row| row.2 == cause).map_or(Why::Unknown, |row| row.0)
    }

    /// The reason in Diversion.
    pub fn word(self) -> &'static str {
        REASONS.iter().find(|row| row.0 == self).map_or("unknown", |row| row.1)
    }

    /// The cause in History-Info.
    pub fn cause(self) -> u16 {
        REASONS.iter().find(|row| row.0 == self).map_or(404, |row| row.2)
    }
}

/// One number that forwarded the call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forwarded {
    /// Who forwarded.
    pub party: Party,
    /// Why.
    pub why: Why,
    /// How many forwardings it stands for, at least one.
    pub counter: u16,
    /// The number is not to be shown.
    pub private: bool,
}

/// All that the caller's side says about who was called before.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct History {
    /// Diversion, the oldest first; empty when it is not read.
    pub diversion: Vec<Forwarded>,
    /// History-Info in its order; empty when it is not read.
    pub info: Vec<Entry>,
    /// The header that counts.
    pub from: Option<ForwardingHeader>,
}

impl History {
    /// Reads what the arriving trunk's policy believes.
    pub fn of(msg: Msg<'_>, policy: &Forwarding, privacy: Privacy) -> History {
        let mut history = History::default();
        for header in &policy.read {
            let found = match header {
                ForwardingHeader::Diversion => {
                    history.diversion = diversion::read(msg);
                    // Who asks that History-Info be kept secret does not want it told by another header.
                    history.diversion.iter_mut().for_each(|one| one.private |= privacy.history);
                    !history.diversion.is_empty()
                }
                ForwardingHeader::HistoryInfo => {
                    history.info = history::read(msg, privacy);
                    history::names_forwarding(&history.info)
                }
            };
            if found && history.from.is_none() {
                history.from = Some(*header);
            }
        }
        history
    }

    /// The forwardings that count, the oldest first.
    pub fn forwarded(&self) -> Vec<Forwarded> {
        match self.from {
            Some(ForwardingHeader::HistoryInfo) => history::forwarded(&self.info),
            _ => self.diversion.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_causes_map_as_rfc_7544_says() {
        for (word, cause, back) in [
            ("unknown", 404, "unknown"),
            ("unconditional", 302, "unconditional"),
            ("user-busy", 486, "user-busy"),
            ("no-answer", 408, "no-answer"),
            ("deflection", 480, "deflection"),
            ("unavailable", 503, "unavailable"),
            ("time-of-day", 404, "unknown"),
            ("do-not-disturb", 404, "unknown"),
            ("follow-me", 404, "unknown"),
            ("out-of-service", 404, "unknown"),
            ("away", 404, "unknown"),
            ("X-own", 404, "unknown"),
        ] {
            let why = Why::from_word(word.as_bytes());
            assert_eq!((why.cause(), Why::from_cause(why.cause()).word()), (cause, back), "{word}");
        }
        assert_eq!(Why::from_word(b"USER-BUSY"), Why::UserBusy);
        assert_eq!(Why::from_cause(487), Why::Deflection);
        assert_eq!(Why::from_cause(380), Why::Unknown);
    }
}
