//! Who may send calls elsewhere.

use crate::words::words;

words! {
    /// What REFER gets.
    pub enum Refer {
        /// A refusal.
        Refuse = "refuse",
        /// We call the target and join it with the party that stays.
        Local = "local",
        /// It goes to the other peer of the call.
        Pass = "pass",
    }
}

words! {
    /// Where the target of a REFER that is carried out here is called.
    pub enum ReferTarget {
        /// Where the number in Refer-To is routed to.
        Routed = "routed",
        /// At the peer that sent the REFER, under the URI that it wrote.
        Peer = "peer",
    }
}

words! {
    /// Whose place an INVITE of this trunk may take.
    pub enum Replaces {
        /// Nobody's: Replaces is not known.
        Refuse = "refuse",
        /// That of a leg on this trunk.
        Own = "own",
        /// That of a leg on any trunk.
        Any = "any",
    }
}

/// Transfers, for one trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transfers {
    /// What a REFER of this trunk's peer gets.
    pub refer: Refer,
    /// Where its target is called.
    pub target: ReferTarget,
    /// How many transfers a call may have had when one of this trunk is carried out, that one included.
    pub max: u32,
    /// Whose place its INVITEs may take.
    pub replaces: Replaces,
}
