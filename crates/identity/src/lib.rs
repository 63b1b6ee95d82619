//! Who calls, and who was called before: read once from the caller's INVITE into one typed value, and
//! written towards the other side by that trunk's policy.
//!
//! Floor 3. No row that names somebody crosses as bytes: P-Asserted-Identity, P-Preferred-Identity,
//! Remote-Party-ID, Privacy, Diversion, History-Info, P-Charge-Info, P-Called-Party-ID and Referred-By
//! are read here, judged, and written anew, so that no spelling of one gets past the policy; which other headers cross, [`headers`] says, and what we say of ourselves, [`abilities`]. It knows
//! no call and no route: numbers are read and written by a [`Numbering`]. Enter through
//! [`Identity::of`] when a call arrives, [`Telling::tell`] when an attempt is made, and [`cross`] for
//! what passes inside a call.

pub mod abilities;
mod answer;
mod beside;
mod charge;
pub mod contacts;
mod decide;
mod diversion;
mod face;
mod failure;
mod forwarding;
pub mod header_rules;
pub mod headers;
mod history;
mod location;
mod number_uri;
mod party;
mod privacy;
pub mod received;
mod redirected;
pub mod referral;
mod rows;
pub mod said;
mod screen;
mod session;
mod timers;
mod topology;
mod warning;
mod write;

pub use answer::{Crossing, cross};
pub use charge::Payer;
pub use face::Face;
pub use failure::{Failure, Refused};
pub use forwarding::{History, Why};
pub use location::is_inside;
pub use number_uri::{contact_user, number_at, push_uri, push_user};
pub use party::Party;
pub use party::is_nobody;
pub use privacy::Privacy;
pub use screen::Screening;
pub use session::session_of;
pub use timers::session_policy;
pub use warning::{push_reason_id, push_warning};
pub use write::{Telling, Told};

use base::TrunkId;
use config::{Account, CallerSource, PassStrip, Policy};
use party::is_anonymous_host;
use sip_msg::{Msg, Name, NameAddr};

/// How numbers stand on the wire of each trunk; routing knows.
pub trait Numbering {
    /// A number as received from the trunk `on`, normalised; empty when it is none.
    fn read(&self, received: &str, on: TrunkId) -> String;
    /// A normalised number in the form that the trunk `to` wants; empty when its translations hide it.
    fn write(&self, number: &str, to: TrunkId) -> String;
}

/// The trunk that something is told to.
#[derive(Clone, Copy)]
pub struct Towards<'a> {
    /// Which.
    pub trunk: TrunkId,
    /// What is said of it.
    pub policy: &'a Policy,
    /// The host part of URIs.
    pub host: &'a str,
    /// The account that a call to it is placed with.
    pub account: Option<&'a Account>,
    /// User part of Contact, where that is the account's.
    pub contact: Option<&'a str>,
}

impl<'a> Towards<'a> {
    fn scene(&self) -> rows::Scene<'a> {
        let policy = self.policy;
        rows::Scene { host: self.host, user_phone: policy.user_phone, trust: policy.caller.trust }
    }
}

/// All that the caller's side says about who calls.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Whether the arriving trunk is in our trust domain.
    pub trusted: bool,
    /// From.
    pub from: Party,
    /// From names nobody.
    pub from_anonymous: bool,
    /// P-Asserted-Identity, when it is believed.
    pub asserted: Option<Party>,
    /// Remote-Party-ID of the calling party, when it is believed.
    pub remote: Option<Party>,
    /// Remote-Party-ID said that its number was verified.
    pub remote_screened: bool,
    /// P-Preferred-Identity.
    pub preferred: Option<Party>,
    /// What Privacy asks for.
    pub privacy: Privacy,
    /// The caller wants the number kept from the callee.
    pub withheld: bool,
    /// The number that routes and From go by, from the first source of the trunk's policy that names
    /// one, else as From has it.
    pub caller: Box<str>,
    /// Who was called before.
    pub history: History,
    /// Who pays, when it is believed.
    pub payer: Option<Payer>,
    /// P-Called-Party-ID, when it is believed.
    pub called_party: Option<Party>,
    /// Who referred the caller, when it is believed.
    pub referred_by: Option<Party>,
}

impl Identity {
    /// Reads a request of the trunk with this policy.
    ///
    /// An identity that a node outside the trust domain asserts is not believed (RFC 3325 §5); what it
    /// asks of privacy is heeded all the same.
    pub fn of(msg: Msg<'_>, policy: &Policy) -> Identity {
        let trusted = policy.caller.trust;
        let from_addr = msg.from().ok();
        let from = from_addr.as_ref().map(from_party).unwrap_or_default();
        let remote = Remote::of(msg, false);
        let privacy = Privacy::of(msg);
        let nobody = from.is_nobody() || from_addr.is_some_and(|f| is_anonymous_host(f.uri));
        let hides = privacy.id || privacy.user || remote.as_ref().is_some_and(|r| r.private);
        let asserted = Party::first(msg.list(Name::PAssertedIdentity)).filter(|_| trusted);
        let mut identity = Identity {
            trusted,
            from_anonymous: nobody,
            asserted,
            remote_screened: remote.as_ref().is_some_and(|r| r.screened),
            remote: remote.map(|r| r.party).filter(|r| trusted && !r.number.is_empty() && !r.is_nobody()),
            preferred: Party::first(msg.list(Name::PPreferredIdentity)),
            withheld: hides || (nobody && !privacy.none),
            privacy,
            caller: Box::default(),
            history: History::of(msg, &policy.forwarding, privacy),
            payer: if trusted { Payer::of(msg) } else { None },
            called_party: if trusted { Party::first(msg.list(Name::PCalledPartyId)) } else { None },
            referred_by: referrer(msg).filter(|_| trusted && policy.caller.referred_by == PassStrip::Pass),
            from,
        };
        identity.caller = identity.chosen(&policy.caller.read).into();
        identity
    }

    /// The caller's number by the order of sources.
    fn chosen(&self, order: &[CallerSource]) -> &str {
        let of = |source: &CallerSource| match source {
            CallerSource::Pai => self.asserted.as_ref(),
            CallerSource::Rpid => self.remote.as_ref(),
            CallerSource::Ppi => self.preferred.as_ref(),
            CallerSource::From => {
                (!self.from_anonymous && !self.from.number.is_empty()).then_some(&self.from)
            }
        };
        order.iter().find_map(of).map_or(&self.from.number, |party| &party.number)
    }

    /// The identity that the network vouches for.
    pub fn believed(&self) -> Option<&Party> {
        self.asserted.as_ref().or(self.remote.as_ref())
    }
}

/// Who referred the caller (RFC 3892 §3); a token that would prove it stays behind with the body.
fn referrer(msg: Msg<'_>) -> Option<Party> {
    let address = NameAddr::parse(msg.rows(Name::ReferredBy).next()?).ok()?;
    Party::of(&address).filter(|party| !party.is_nobody())
}

/// From, also when it has no user part.
fn from_party(address: &NameAddr<'_>) -> Party {
    Party { number: received::number_of(address.uri), display: party::display_of(address.display) }
}

/// Remote-Party-ID of the party that sends the message (draft-ietf-sip-privacy-04 §5).
struct Remote {
    party: Party,
    /// `privacy=full` or `uri`: the number is not to be shown.
    private: bool,
    /// `screen=yes`: who wrote it has verified the number.
    screened: bool,
}

impl Remote {
    /// `any`: whichever party is meant; else only the calling one.
    fn of(msg: Msg<'_>, any: bool) -> Option<Remote> {
        msg.list(Name::RemotePartyId).find_map(|element| {
            let address = NameAddr::parse(element).ok()?;
            let is = |name, wanted: &[&[u8]]| {
                let value = address.params.get(name).map(sip_msg::unquote);
                value.is_some_and(|v| wanted.iter().any(|w| v.eq_ignore_ascii_case(w)))
            };
            let calls = any || address.params.get("party").is_none() || is("party", &[b"calling"]);
            let private = is("privacy", &[b"full", b"uri", b"full-network", b"uri-network"]);
            let party = Party::of(&address).filter(|_| calls);
            // A wish for privacy is heeded also where nobody is named.
            (calls && (party.is_some() || private)).then(|| Remote {
                party: party.unwrap_or_default(),
                private,
                screened: is("screen", &[b"yes"]),
            })
        })
    }
}
