//! Policies of identity: who calls, and who was called before.

use super::policy::PassStrip;
use super::words::words;

words! {
    /// Where a caller's number may be taken from.
    pub enum CallerSource {
        /// P-Asserted-Identity (RFC 3325).
        Pai = "pai",
        /// Remote-Party-ID.
        Rpid = "rpid",
        /// P-Preferred-Identity (RFC 3325).
        Ppi = "ppi",
        /// From.
        From = "from",
    }
}

words! {
    /// A header that may name the caller.
    pub enum CallerWritten {
        /// From.
        From = "from",
        /// P-Asserted-Identity.
        Pai = "pai",
        /// P-Preferred-Identity.
        Ppi = "ppi",
        /// Remote-Party-ID.
        Rpid = "rpid",
    }
}

words! {
    /// The URI in P-Asserted-Identity.
    pub enum PaiForm {
        /// A sip URI.
        Sip = "sip",
        /// A tel URI.
        Tel = "tel",
        /// One of each (RFC 3325 §9.1).
        Both = "both",
    }
}

words! {
    /// What a trusted peer learns of a caller who withholds the number.
    pub enum Withheld {
        /// The identity, and that it is to be kept secret.
        Keep = "keep",
        /// Nothing.
        Drop = "drop",
    }
}

words! {
    /// From towards a trusted peer when the caller withholds the number.
    pub enum WithheldFrom {
        /// As it arrived.
        AsArrived = "as-arrived",
        /// Anonymous.
        Anonymous = "anonymous",
    }
}

words! {
    /// Host of an anonymous From.
    pub enum AnonymousHost {
        /// `anonymous.invalid` (RFC 3323 §4.1.1.3).
        Invalid = "invalid",
        /// The trunk's domain.
        Domain = "domain",
    }
}

words! {
    /// The display name.
    pub enum CallerDisplay {
        /// That of From.
        Pass = "pass",
        /// None.
        Strip = "strip",
        /// That of the asserted identity, else that of From.
        Asserted = "asserted",
        /// One of the configuration.
        Replace = "replace",
    }
}

words! {
    /// What becomes of a caller's number that is not owned.
    pub enum NotOwned {
        /// It is not looked at.
        Pass = "pass",
        /// The pilot is asserted, From keeps the caller.
        PilotAsserted = "pilot-asserted",
        /// The pilot stands everywhere.
        Pilot = "pilot",
        /// The call is refused.
        Refuse = "refuse",
    }
}

words! {
    /// P-Charge-Info towards a trusted peer (RFC 8496).
    pub enum Charge {
        /// None.
        Strip = "strip",
        /// What a trusted peer said.
        Pass = "pass",
        /// The pilot.
        Pilot = "pilot",
        /// A number of the configuration.
        Replace = "replace",
    }
}

words! {
    /// P-Called-Party-ID towards a trusted peer (RFC 7315 §4.2).
    pub enum CalledParty {
        /// None.
        Strip = "strip",
        /// What a trusted peer said.
        Pass = "pass",
        /// The number called.
        Called = "called",
    }
}

words! {
    /// Where the number stands that a route shows instead of the caller's.
    pub enum Replaced {
        /// In every header that names the caller.
        Everywhere = "everywhere",
        /// In From; identities that were asserted or preferred stay.
        From = "from",
    }
}

words! {
    /// A header that tells who was called before.
    pub enum ForwardingHeader {
        /// Diversion (RFC 5806).
        Diversion = "diversion",
        /// History-Info (RFC 7044).
        HistoryInfo = "history-info",
    }
}

words! {
    /// Headers that tell a peer who was called before.
    pub enum ForwardingWrite {
        /// Those that arrived.
        AsArrived = "as-arrived",
        /// None.
        None = "none",
        /// Diversion.
        Diversion = "diversion",
        /// History-Info.
        HistoryInfo = "history-info",
        /// Both.
        Both = "both",
    }
}

words! {
    /// The number that forwarded last, as told to a peer.
    pub enum FirstIs {
        /// As it arrived.
        Keep = "keep",
        /// The latest that is owned.
        Did = "did",
        /// The pilot.
        Pilot = "pilot",
    }
}

/// Which callers' numbers a peer accepts.
#[derive(Clone, PartialEq, Debug)]
pub struct Screen {
    /// First and last number of each range that is ours; `None` takes those of the configuration.
    pub owned: Option<Vec<(String, String)>>,
    /// The number of the trunk itself.
    pub pilot: Option<String>,
    /// What becomes of numbers that are not owned.
    pub not_owned: NotOwned,
}

/// Who calls, in and out.
#[derive(Clone, PartialEq, Debug)]
pub struct Caller {
    /// Whether the peer is in our trust domain (RFC 3325 §2.3).
    pub trust: bool,
    /// Where the caller's number is taken from, in order.
    pub read: Vec<CallerSource>,
    /// Headers that name the caller; `None`: From and what arrived.
    pub write: Option<Vec<CallerWritten>>,
    /// The URI in P-Asserted-Identity.
    pub pai: PaiForm,
    /// What a trusted peer learns of a caller who withholds the number.
    pub withheld: Withheld,
    /// From towards a trusted peer then.
    pub withheld_from: WithheldFrom,
    /// Host of an anonymous From.
    pub anonymous_host: AnonymousHost,
    /// The display name.
    pub display: CallerDisplay,
    /// The name that [`CallerDisplay::Replace`] writes.
    pub display_name: Option<String>,
    /// Where the number stands that a route shows instead of the caller's.
    pub replaced: Replaced,
    /// P-Charge-Info.
    pub charge: Charge,
    /// The number that [`Charge::Replace`] writes.
    pub charge_number: Option<String>,
    /// P-Called-Party-ID.
    pub called_party: CalledParty,
    /// Referred-By (RFC 3892), believed on arrival and written.
    pub referred_by: PassStrip,
    /// Which callers' numbers the peer accepts.
    pub screen: Screen,
}

/// Who was called before, in and out.
#[derive(Clone, PartialEq, Debug)]
pub struct Forwarding {
    /// Headers that are believed on arrival, in order.
    pub read: Vec<ForwardingHeader>,
    /// Headers written.
    pub write: ForwardingWrite,
    /// The number that forwarded last.
    pub first_is: FirstIs,
}
