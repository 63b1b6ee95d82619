//! What an attempt shows of the caller: the identity, the policy of the trunk it goes to, and nothing
//! else.

use crate::Identity;
use crate::party::{Party, is_nobody};
use crate::privacy::Privacy;
use crate::screen::Screening;
use base::ReasonId;
use config::{Caller, CallerDisplay, CallerWritten, NotOwned, Withheld, WithheldFrom};

/// The call's numbers in the form of the trunk it goes to.
#[derive(Default, Debug)]
pub(crate) struct Numbers {
    /// The caller as routing wants it shown.
    pub caller: Box<str>,
    /// The asserted identity, when there is one.
    pub asserted: Option<Box<str>>,
    /// The preferred identity, when there is one.
    pub preferred: Option<Box<str>>,
}

/// What an attempt shows of the caller.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    /// From; `None` is anonymous.
    pub from: Option<Party>,
    /// P-Asserted-Identity.
    pub pai: Option<Party>,
    /// P-Preferred-Identity.
    pub ppi: Option<Party>,
    /// Remote-Party-ID.
    pub rpid: Option<Party>,
    /// We vouch for the number in Remote-Party-ID.
    pub screened: bool,
    /// The caller withholds the number.
    pub withheld: bool,
    /// Privacy.
    pub privacy: Privacy,
    /// What names the user is taken off here (RFC 3323 §5.3).
    pub hides_user: bool,
}

/// Whom identity headers name.
struct Asserted {
    number: Box<str>,
    /// Somebody vouches for it: the arriving trunk, or our own list.
    vouched: bool,
}

impl Shown {
    /// Decides by the policy of the trunk that the attempt goes to.
    ///
    /// # Errors
    /// The caller's number may not be shown to this peer.
    pub(crate) fn decide(
        who: &Identity,
        numbers: &Numbers,
        to: &Caller,
        screening: &Screening,
    ) -> Result<Shown, ReasonId> {
        let not_owned = to.screen.not_owned;
        let owned = not_owned == NotOwned::Pass || screening.owns(&numbers.caller);
        if !owned && not_owned == NotOwned::Refuse {
            return Err(ReasonId::CallerNotOwned);
        }
        let asserted = asserted(who, numbers, to, screening, owned);
        let tells = !who.withheld || (to.trust && to.withheld == Withheld::Keep);
        let named = |what, number: &str| {
            let somebody = tells && !number.is_empty() && !is_nobody(number) && writes(who, to, what);
            somebody.then(|| Party { number: number.into(), display: asserted_display(who, to) })
        };
        let vouched = if asserted.vouched { Some(&asserted.number) } else { screening.pilot.as_ref() };
        let preferred = numbers.preferred.as_ref().filter(|_| not_owned == NotOwned::Pass);
        let pai = vouched.and_then(|number| named(CallerWritten::Pai, number));
        let ppi = named(CallerWritten::Ppi, preferred.unwrap_or(&asserted.number));
        let rpid = named(CallerWritten::Rpid, &asserted.number);
        let told = pai.is_some() || ppi.is_some() || rpid.is_some();
        Ok(Shown {
            privacy: privacy_towards(who, to, told),
            from: from(who, numbers, to, screening, owned),
            pai,
            ppi,
            rpid,
            // What nobody verified does not become verified on the way (draft-ietf-sip-privacy-04 §5).
            screened: asserted.vouched
                && (not_owned != NotOwned::Pass
                    || who.asserted.is_some()
                    || who.remote.is_none()
                    || who.remote_screened),
            withheld: who.withheld,
            hides_user: !to.trust && (who.withheld || who.privacy.user),
        })
    }
}

/// From; `None` is anonymous.
fn from(who: &Identity, numbers: &Numbers, to: &Caller, screening: &Screening, owned: bool) -> Option<Party> {
    let pilot = screening.pilot.as_deref().unwrap_or_default();
    let replaced = !owned && to.screen.not_owned == NotOwned::Pilot;
    let number = if replaced || !writes(who, to, CallerWritten::From) { pilot } else { &numbers.caller };
    // Translations of the trunk may hide who calls.
    let hidden = number.is_empty() && !who.caller.is_empty();
    (!hidden && !hides_from(who, to)).then(|| Party { number: number.into(), display: from_display(who, to) })
}

/// Whether the policy writes a header; without a list those that arrived are written.
fn writes(who: &Identity, to: &Caller, what: CallerWritten) -> bool {
    match (&to.write, what) {
        (Some(list), _) => list.contains(&what),
        (None, CallerWritten::From) => true,
        (None, CallerWritten::Pai) => who.asserted.is_some(),
        (None, CallerWritten::Rpid) => who.remote.is_some(),
        (None, CallerWritten::Ppi) => who.trusted && who.preferred.is_some(),
    }
}

/// The number that identity headers name.
///
/// A proxy asserts only what it has authenticated or been told by a node that it trusts
/// (RFC 3325 §5): an untrusted trunk's caller is vouched for by our own list of numbers alone.
fn asserted(who: &Identity, numbers: &Numbers, to: &Caller, screening: &Screening, owned: bool) -> Asserted {
    let screens = to.screen.not_owned != NotOwned::Pass;
    let told = numbers.asserted.as_ref();
    // A number of ours that the trunk asserted stands also beside a caller who is not ours.
    let fitting = told.filter(|number| !screens || screening.owns(number));
    match (fitting, owned) {
        (Some(number), true) => Asserted { number: number.clone(), vouched: true },
        (Some(number), false) if to.screen.not_owned == NotOwned::PilotAsserted => {
            Asserted { number: number.clone(), vouched: true }
        }
        (_, false) => Asserted { number: screening.pilot.clone().unwrap_or_default(), vouched: true },
        (None, true) => Asserted { number: numbers.caller.clone(), vouched: who.trusted || screens },
    }
}

/// Whether From is anonymous (RFC 3323 §5.3 for untrusted peers; a trusted one is told to hide it).
fn hides_from(who: &Identity, to: &Caller) -> bool {
    let dropped = to.withheld == Withheld::Drop || to.withheld_from == WithheldFrom::Anonymous;
    who.from_anonymous || (who.withheld && (!to.trust || dropped))
}

/// Privacy towards the peer: passed on inside the trust domain, with `id` where an identity is told in
/// confidence (RFC 3325 §7); at its edge done here and taken off, `none` kept (RFC 3323 §4.3).
fn privacy_towards(who: &Identity, to: &Caller, told: bool) -> Privacy {
    if !to.trust {
        return Privacy { none: who.privacy.none, ..Privacy::default() };
    }
    let mut privacy = who.privacy;
    if who.withheld && told {
        privacy.id = true;
        privacy.none = false;
    }
    privacy
}

fn from_display(who: &Identity, to: &Caller) -> Box<str> {
    let own = &who.from.display;
    display(to, own, who.believed().map_or(own, |party| &party.display))
}

fn asserted_display(who: &Identity, to: &Caller) -> Box<str> {
    // The name in an anonymous From is no name.
    let from = if who.from_anonymous { "" } else { &who.from.display };
    let own = who.believed().map_or(from, |party| &party.display);
    display(to, own, own)
}

fn display(to: &Caller, own: &str, asserted: &str) -> Box<str> {
    match to.display {
        CallerDisplay::Pass => own.into(),
        CallerDisplay::Strip => Box::default(),
        CallerDisplay::Asserted => if asserted.is_empty() { own } else { asserted }.into(),
        CallerDisplay::Replace => to.display_name.as_deref().unwrap_or_default().into(),
    }
}
