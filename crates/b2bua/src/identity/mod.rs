//! Who calls, and who was called before: read once from the caller's INVITE into one typed value, and
//! written towards the other side by that trunk's policy.
//!
//! No row that names somebody crosses as bytes: P-Asserted-Identity, P-Preferred-Identity,
//! Remote-Party-ID, Privacy, Diversion and History-Info are read here, judged, and written anew, so
//! that no spelling of one gets past the policy. Enter through [`Identity::of`] when a call arrives,
//! `Call::tell` when an attempt is made, and [`cross`] for what passes inside a call.

mod answer;
mod decide;
mod diversion;
mod forwarding;
mod history;
mod party;
mod privacy;
mod redirected;
mod rows;
mod screen;
mod write;

pub(crate) use answer::{Way, cross};
pub(crate) use forwarding::{History, Why};
pub(crate) use party::is_nobody;
pub(crate) use screen::Screening;
pub(crate) use write::Told;

use config::{CallerSource, Policy};
use party::{Party, is_anonymous_host};
use privacy::Privacy;
use sip_msg::{Msg, Name, NameAddr};

/// All that the caller's side says about who calls.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    /// Whether the arriving trunk is in our trust domain.
    pub(crate) trusted: bool,
    /// From.
    pub(crate) from: Party,
    /// From names nobody.
    pub(crate) from_anonymous: bool,
    /// P-Asserted-Identity, when it is believed.
    pub(crate) asserted: Option<Party>,
    /// Remote-Party-ID of the calling party, when it is believed.
    pub(crate) remote: Option<Party>,
    /// P-Preferred-Identity.
    pub(crate) preferred: Option<Party>,
    /// What Privacy asks for.
    pub(crate) privacy: Privacy,
    /// The caller wants the number kept from the callee.
    pub(crate) withheld: bool,
    /// The number that routes and From go by, from the first source of the trunk's policy that names
    /// one, else as From has it.
    pub(crate) caller: Box<str>,
    /// Who was called before.
    pub(crate) history: History,
}

impl Identity {
    /// Reads a request of the trunk with this policy.
    ///
    /// An identity that a node outside the trust domain asserts is not believed (RFC 3325 §5); what it
    /// asks of privacy is heeded all the same.
    pub(crate) fn of(msg: Msg<'_>, policy: &Policy) -> Identity {
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
            remote: remote.map(|r| r.party).filter(|r| trusted && !r.number.is_empty() && !r.is_nobody()),
            preferred: Party::first(msg.list(Name::PPreferredIdentity)),
            withheld: hides || (nobody && !privacy.none),
            privacy,
            caller: Box::default(),
            history: History::of(msg, &policy.forwarding, privacy),
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
    pub(crate) fn believed(&self) -> Option<&Party> {
        self.asserted.as_ref().or(self.remote.as_ref())
    }
}

/// From, also when it has no user part.
fn from_party(address: &NameAddr<'_>) -> Party {
    Party { number: crate::received::number_of(address.uri), display: party::display_of(address.display) }
}

/// Remote-Party-ID of the party that sends the message (draft-ietf-sip-privacy-04 §5).
struct Remote {
    party: Party,
    /// `privacy=full` or `uri`: the number is not to be shown.
    private: bool,
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
            (calls && (party.is_some() || private))
                .then(|| Remote { party: party.unwrap_or_default(), private })
        })
    }
}
