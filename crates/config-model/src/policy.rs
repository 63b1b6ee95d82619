//! Policies: how a trunk's calls are treated.

use super::bypass::MediaLocation;
use super::codecs::Codecs;
use super::dialog::{Dialog, RefreshBy};
use super::digits::Digits;
use super::header_rule::HeaderPolicy;
use super::identity::{Caller, Forwarding};
use super::recording::RecordManners;
use super::redirect::Redirects;
use super::rtcp::Rtcp;
use super::sounds::TrunkSounds;
use super::srtp::SrtpPolicy;
use super::transfer::Transfers;
use super::words::words;
use std::fmt;
use std::time::Duration;

words! {
    /// Where media flows.
    pub enum MediaMode {
        /// Through this node.
        Anchor = "anchor",
        /// Between the peers, when both trunks of a call say so.
        Direct = "direct",
    }
}

words! {
    /// What becomes of fax towards a trunk.
    pub enum Fax {
        /// T.38 and G.711 pass-through, as the peers agree.
        Auto = "auto",
        /// T.38; voice-band data (V.152) is not spoken of.
        T38 = "t38",
        /// G.711 pass-through; T.38 is never offered.
        Passthrough = "passthrough",
    }
}

words! {
    /// Which media sources are believed.
    pub enum Latch {
        /// Only the signalled address and port, and who proves to have moved from there.
        Off = "off",
        /// The signalled address from any port.
        Signalled = "signalled",
        /// The first valid source, locked from then on.
        Nat = "nat",
    }
}

words! {
    /// Whether media addresses are proven by checks (RFC 8445).
    pub enum Ice {
        /// They are where descriptions say.
        Off = "off",
        /// We are a lite agent toward peers that make checks.
        Lite = "lite",
    }
}

words! {
    /// Whether our INVITEs to this trunk bear an offer.
    pub enum EarlyOffer {
        /// When the caller's does.
        Pass = "pass",
        /// Always: the caller's, else one of ours.
        Make = "make",
        /// Never: a caller's stays here, and the callee offers.
        Withhold = "withhold",
    }
}

words! {
    /// Reliable provisional responses (RFC 3262).
    pub enum Prack {
        /// Not offered.
        Off = "off",
        /// Offered.
        Supported = "supported",
        /// Demanded.
        Required = "required",
    }
}

words! {
    /// Who refreshes a session that we asked a timer for (RFC 4028).
    pub enum Refresher {
        /// As both sides agree (RFC 4028 §7, §9).
        Auto = "auto",
        /// We, where the choice is ours.
        Us = "us",
        /// The peer, where the choice is ours and it knows session timers.
        Peer = "peer",
    }
}

words! {
    /// The form of hold sent to this trunk.
    pub enum Hold {
        /// As the other side sent it.
        Pass = "pass",
        /// `a=sendonly`.
        Sendonly = "sendonly",
        /// `a=inactive`.
        Inactive = "inactive",
        /// The address 0.0.0.0 (RFC 3264 §8.4).
        Zero = "zero",
        /// `a=sendonly`, also where inactive was offered.
        SendonlyOnly = "sendonly-only",
    }
}

words! {
    /// Whether a header crosses to this trunk.
    pub enum PassStrip {
        /// It does.
        Pass = "pass",
        /// It is removed.
        Strip = "strip",
    }
}

words! {
    /// The form of numbers on this trunk's wire.
    pub enum NumberFormat {
        /// `+493023125100`.
        E164Plus = "e164-plus",
        /// `493023125100`.
        E164 = "e164",
        /// International prefix and number: `00493023125100`.
        International = "international",
        /// National prefix and number inside the country: `03023125100`.
        National = "national",
        /// As routing left it.
        AsRouted = "as-routed",
    }
}

words! {
    /// What `sips:` in the Request-URI of a call that arrives here means.
    pub enum Sips {
        /// TLS on both legs (RFC 5630), or no call.
        Demand = "demand",
        /// The same as `sip:`.
        Plain = "plain",
    }
}

words! {
    /// How extensions are written.
    pub enum Extension {
        /// `;ext=` as received (RFC 3966 §5.3).
        Pass = "pass",
        /// Not at all.
        Strip = "strip",
        /// Their digits follow the number itself.
        Append = "append",
        /// Numbers of the pilot as the pilot with `;ext=`.
        Add = "add",
        /// Numbers of the pilot as the extension alone.
        Short = "short",
    }
}

words! {
    /// How numbers are written in URIs.
    pub enum UriScheme {
        /// `sip:+493023125@example.com` (RFC 3261 §19.1).
        Sip = "sip",
        /// `tel:+493023125` (RFC 3966).
        Tel = "tel",
    }
}

/// Where the called number stands in a request; where it names none, the Request-URI does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CalledFrom {
    /// The Request-URI.
    RequestUri,
    /// To.
    To,
    /// P-Called-Party-ID (RFC 7315 §4.2).
    PCalledPartyId,
    /// The first Diversion: who was called last before (RFC 5806).
    Diversion,
    /// The first header of this name, holding a URI or a bare number.
    Header(String),
}

impl fmt::Display for CalledFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CalledFrom::RequestUri => f.write_str("request-uri"),
            CalledFrom::To => f.write_str("to"),
            CalledFrom::PCalledPartyId => f.write_str("p-called-party-id"),
            CalledFrom::Diversion => f.write_str("diversion"),
            CalledFrom::Header(name) => write!(f, "header:{name}"),
        }
    }
}

/// Session timer of our own (RFC 4028); a peer's is always answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimer {
    /// Session-Expires in seconds that we ask for; `None` asks for none.
    pub expires: Option<u32>,
    /// Shortest interval accepted, in seconds, at least 90 (RFC 4028 §4).
    pub min_se: u32,
    /// Who refreshes.
    pub refresher: Refresher,
    /// How we refresh.
    pub refresh_by: RefreshBy,
}

words! {
    /// User part of our Contact in calls.
    pub enum ContactUser {
        /// The caller's number.
        Number = "number",
        /// That of the account which the call is placed with, as its registration has it.
        Account = "account",
    }
}

/// How a trunk's calls are treated.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Where media flows.
    pub media: MediaMode,
    /// Fax.
    pub fax: Fax,
    /// Which media sources are believed.
    pub latch: Latch,
    /// Secure media.
    pub srtp: SrtpPolicy,
    /// Whether media addresses are proven by checks.
    pub ice: Ice,
    /// What happens to an INVITE without SDP.
    pub early_offer: EarlyOffer,
    /// Codecs of an offer that we make, in order.
    pub offer_codecs: Vec<String>,
    /// Which codecs cross.
    pub codecs: Codecs,
    /// DTMF.
    pub digits: Digits,
    /// Sounds of ours.
    pub sounds: TrunkSounds,
    /// Which of our addresses its peer is told for media.
    pub media_location: MediaLocation,
    /// What its peer has to do with recordings.
    pub recording: RecordManners,
    /// Reliable provisional responses.
    pub prack: Prack,
    /// Session timer.
    pub session_timer: SessionTimer,
    /// Form of hold.
    pub hold: Hold,
    /// Transfers.
    pub transfer: Transfers,
    /// Redirects.
    pub redirect: Redirects,
    /// Diversion (RFC 5806).
    pub diversion: PassStrip,
    /// History-Info (RFC 7044).
    pub history_info: PassStrip,
    /// P-Asserted-Identity, P-Preferred-Identity, Privacy, Remote-Party-ID.
    pub identity: PassStrip,
    /// Who calls, in and out.
    pub caller: Caller,
    /// Who was called before, in and out.
    pub forwarding: Forwarding,
    /// Further end-to-end headers that cross to this trunk.
    pub headers_pass: Vec<String>,
    /// Form of numbers on the wire.
    pub number_format: NumberFormat,
    /// How extensions are written.
    pub extension: Extension,
    /// Where the called number of calls that arrive stands.
    pub called_from: CalledFrom,
    /// Scheme of numbers in URIs.
    pub uri: UriScheme,
    /// What numbers without plus are local to.
    pub phone_context: Option<String>,
    /// Whether numbers carry `;user=phone`.
    pub user_phone: bool,
    /// Time without RTP and RTCP until the call ends; `None` is off.
    pub media_timeout: Option<Duration>,
    /// How the peer is kept alive and judged by its silence.
    pub rtcp: Rtcp,
    /// What `sips:` in the Request-URI of an arriving call means.
    pub sips: Sips,
    /// User part of our Contact in calls.
    pub contact: ContactUser,
    /// User-Agent of requests towards this trunk; `None` takes ours.
    pub user_agent: Option<String>,
    /// Rules between the two dialogs of a call.
    pub dialog: Dialog,
    /// Header rules.
    pub headers: HeaderPolicy,
}
