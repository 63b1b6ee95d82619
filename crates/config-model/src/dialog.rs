//! How the two dialogs of a call are fitted to each other: one set of rules per trunk.

use super::words::words;
use std::time::Duration;

words! {
    /// Which request refreshes a session of ours (RFC 4028 §7.4).
    pub enum RefreshBy {
        /// UPDATE where the peer allows it, else re-INVITE.
        Auto = "auto",
        /// UPDATE, also where the peer does not name it; re-INVITE once it was refused.
        Update = "update",
        /// re-INVITE.
        Reinvite = "reinvite",
    }
}

words! {
    /// UPDATE (RFC 3311) with a peer.
    pub enum Update {
        /// Where the peer allows it.
        Auto = "auto",
        /// Neither sent nor allowed.
        Off = "off",
    }
}

words! {
    /// A kind of change inside a call that is answered here and hidden from the other leg.
    pub enum Absorb {
        /// An offer that changes nothing.
        Refresh = "refresh",
        /// An offer that changes directions only.
        Hold = "hold",
        /// An offer whose codecs change but hold what is agreed.
        Codec = "codec",
    }
}

words! {
    /// What a re-INVITE without an offer gets.
    pub enum LateReinvite {
        /// It goes on without.
        Pass = "pass",
        /// It is answered here with what we described last.
        Answer = "answer",
    }
}

words! {
    /// Whether media before the answer crosses.
    pub enum EarlyMedia {
        /// It does.
        Pass = "pass",
        /// Only as P-Early-Media allows it (RFC 5009).
        Gate = "gate",
        /// It does not.
        Strip = "strip",
    }
}

words! {
    /// Which early dialogs' media a caller is shown.
    pub enum EarlyDialogs {
        /// Every one's, the last counts.
        All = "all",
        /// The first one's that describes any.
        One = "one",
    }
}

words! {
    /// What a 180 becomes towards a caller.
    pub enum Map180 {
        /// Itself.
        Pass = "pass",
        /// 183.
        Progress = "183",
    }
}

words! {
    /// What a 183 without a description becomes towards a caller.
    pub enum Map183 {
        /// Itself.
        Pass = "pass",
        /// 180.
        Ringing = "180",
        /// Nothing.
        Drop = "drop",
    }
}

words! {
    /// Whether a response goes on.
    pub enum PassDrop {
        /// It does.
        Pass = "pass",
        /// It does not.
        Drop = "drop",
    }
}

/// How ringing is shown to a caller on this trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ringing {
    /// A 180.
    pub map_180: Map180,
    /// A 181 or 182.
    pub map_181: PassDrop,
    /// A 183 without a description.
    pub map_183: Map183,
    /// A 180 without a description after early media.
    pub late_180: PassDrop,
    /// Time until we say 180 ourselves; `None` is off.
    pub after: Option<Duration>,
}

impl Ringing {
    /// What a caller sees of a provisional status; `None`: nothing. `sdp`: a description goes with it; `media`: some
    /// was shown before.
    #[must_use]
    pub fn shown_as(&self, status: u16, sdp: bool, media: bool) -> Option<u16> {
        let status = match status {
            180 if self.map_180 == Map180::Progress => 183,
            181 | 182 if self.map_181 == PassDrop::Drop => return None,
            183 if !sdp => match self.map_183 {
                Map183::Pass => 183,
                Map183::Ringing => 180,
                Map183::Drop => return None,
            },
            other => other,
        };
        let late = status == 180 && media && !sdp && self.late_180 == PassDrop::Drop;
        (!late).then_some(status)
    }
}

/// Rules between the two dialogs of a call, for one trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialog {
    /// UPDATE.
    pub update: Update,
    /// Absorbs offers that change nothing.
    pub absorb_refresh: bool,
    /// Absorbs offers that change directions only.
    pub absorb_hold: bool,
    /// Absorbs offers that change codecs beside the agreed ones.
    pub absorb_codec: bool,
    /// A re-INVITE without an offer.
    pub late_reinvite: LateReinvite,
    /// Media before the answer.
    pub early_media: EarlyMedia,
    /// Which early dialogs' media a caller on this trunk is shown.
    pub early_dialogs: EarlyDialogs,
    /// Early dialogs of one attempt on this trunk; `None` takes the node's limit.
    pub early_dialogs_max: Option<u32>,
    /// Ringing.
    pub ringing: Ringing,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Ringing = Ringing {
        map_180: Map180::Pass,
        map_181: PassDrop::Pass,
        map_183: Map183::Pass,
        late_180: PassDrop::Pass,
        after: None,
    };

    #[test]
    fn provisionals_are_mapped_as_asked() {
        for status in [180, 181, 182, 183] {
            assert_eq!(PLAIN.shown_as(status, false, true), Some(status));
        }
        let to_183 = Ringing { map_180: Map180::Progress, ..PLAIN };
        assert_eq!(to_183.shown_as(180, false, false), Some(183));
        let to_180 = Ringing { map_183: Map183::Ringing, ..PLAIN };
        assert_eq!(to_180.shown_as(183, false, false), Some(180));
        assert_eq!(to_180.shown_as(183, true, false), Some(183), "one with a description stays");
        let strict =
            Ringing { map_181: PassDrop::Drop, map_183: Map183::Drop, late_180: PassDrop::Drop, ..PLAIN };
        assert_eq!(strict.shown_as(181, false, false), None);
        assert_eq!(strict.shown_as(183, false, false), None);
        assert_eq!(strict.shown_as(180, false, false), Some(180));
        assert_eq!(strict.shown_as(180, false, true), None, "180 after early media");
        assert_eq!(strict.shown_as(180, true, true), Some(180));
    }
}
