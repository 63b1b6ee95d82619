//! The rows of an attempt that tell who calls and who was called before.

use crate::decide::{Numbers, Shown};
use crate::forwarding::{Forwarded, History};
use crate::history::{self, Entry};
use crate::party::Party;
use crate::rows::{self, Scene};
use crate::{Identity, Numbering, Screening, Towards, contact_user, diversion};
use base::{ReasonId, TrunkId};
use config::{FirstIs, ForwardingWrite, PassStrip, Policy, Replaced};

/// What an attempt tells.
pub struct Told {
    /// From without its tag.
    pub from: Vec<u8>,
    /// The rows beside From.
    pub rows: Vec<u8>,
    /// From names nobody: neither may Contact.
    pub anonymous: bool,
    /// The account that Contact names in the caller's place.
    pub contact: Option<Box<[u8]>>,
    /// Headers of the user's own are taken off as well.
    pub hides_user: bool,
}

impl Told {
    /// User part of Contact; `caller` is the caller's number as it is shown.
    #[must_use]
    pub fn contact_user<'a>(&'a self, caller: &'a str) -> &'a [u8] {
        match &self.contact {
            Some(account) => account,
            None if self.anonymous => b"",
            None => contact_user(caller),
        }
    }
}

/// Whom an attempt tells of, and to whom.
pub struct Telling<'a, N> {
    /// What the caller's side said.
    pub who: &'a Identity,
    /// The trunk that the call came from.
    pub on: TrunkId,
    /// The trunk that the attempt goes to.
    pub to: Towards<'a>,
    /// Whose numbers the trunk's peer accepts.
    pub screening: &'a Screening,
    /// How numbers stand on the wire.
    pub numbers: &'a N,
    /// The caller's number, normalised, and as routing wants it shown.
    pub caller: (&'a str, &'a str),
    /// A route shows this number instead of the caller's.
    pub replaced: bool,
    /// The number called now, in the trunk's form.
    pub called: &'a str,
    /// Media flow between the peers, past us.
    pub direct: bool,
}

impl<N: Numbering> Telling<'_, N> {
    /// What the attempt tells of the caller, by the policy of its trunk.
    ///
    /// # Errors
    /// The caller may not be shown to this peer, or asks for privacy that cannot be given.
    pub fn tell(&self) -> Result<Told, ReasonId> {
        let (who, policy) = (self.who, self.to.policy);
        // RFC 3323 §5: what is critical and cannot be given ends the call.
        let exposed = self.direct && !policy.caller.trust;
        if who.privacy.critical && who.privacy.session && exposed {
            return Err(ReasonId::PrivacyUnmet);
        }
        let lines = Lines { numbers: self.numbers, on: self.on, to: self.to.trunk };
        // What a route puts in the caller's place hides who it was (R73).
        let replaced = self.replaced && policy.caller.replaced == Replaced::Everywhere;
        let number = |party: Option<&Party>| match replaced {
            true => Some(self.caller.1.into()),
            false => lines.number(party?, self.caller),
        };
        let numbers = Numbers {
            caller: self.caller.1.into(),
            asserted: number(who.believed()),
            preferred: number(who.preferred.as_ref()),
        };
        let shown = Shown::decide(who, &numbers, &policy.caller, self.screening)?;
        let scene = self.to.scene();
        let from_user = self.to.account.and_then(|account| account.from_user.as_deref());
        let mut told = Told {
            from: rows::from_value(&shown, from_user, policy, &scene),
            contact: self.to.contact.map(|user| user.as_bytes().into()),
            rows: Vec::new(),
            anonymous: shown.from.is_none(),
            hides_user: shown.hides_user,
        };
        rows::push(&mut told.rows, &shown, &policy.caller, &scene);
        let forwarding = Written { history: &who.history, policy, lines: &lines, screening: self.screening };
        forwarding.push(&mut told.rows, self.called, &scene);
        self.push_beside(&mut told.rows);
        Ok(told)
    }
}

/// Numbers of one trunk in the form of another.
struct Lines<'a, N> {
    numbers: &'a N,
    on: TrunkId,
    to: TrunkId,
}

impl<N: Numbering> Lines<'_, N> {
    /// A party's number; where it is the caller's, as routing wants that shown.
    fn number(&self, party: &Party, (caller, shown): (&str, &str)) -> Option<Box<str>> {
        let number = self.numbers.read(&party.number, self.on);
        match &*number {
            "" => None,
            same if same == caller => Some(shown.into()),
            other => Some(self.numbers.write(other, self.to).into()),
        }
    }

    fn restate(&self, party: &mut Party) {
        let number = self.numbers.read(&party.number, self.on);
        party.number = self.numbers.write(&number, self.to).into();
    }
}

/// Who was called before, on its way to a trunk.
struct Written<'a, N> {
    history: &'a History,
    policy: &'a Policy,
    lines: &'a Lines<'a, N>,
    screening: &'a Screening,
}

impl<N: Numbering> Written<'_, N> {
    /// Appends what the policy writes.
    fn push(&self, out: &mut Vec<u8>, called: &str, scene: &Scene<'_>) {
        let write = self.policy.forwarding.write;
        let arrived = write == ForwardingWrite::AsArrived;
        let (has_diversion, has_info) = (!self.history.diversion.is_empty(), !self.history.info.is_empty());
        let diverts = match write {
            ForwardingWrite::AsArrived => has_diversion && self.policy.diversion == PassStrip::Pass,
            other => matches!(other, ForwardingWrite::Diversion | ForwardingWrite::Both),
        };
        let tells = match write {
            ForwardingWrite::AsArrived => has_info && self.policy.history_info == PassStrip::Pass,
            other => matches!(other, ForwardingWrite::HistoryInfo | ForwardingWrite::Both),
        };
        if !diverts && !tells {
            return;
        }
        let chosen = self.history.forwarded();
        if diverts {
            let source = if arrived { &self.history.diversion } else { &chosen };
            diversion::push(out, &self.adapted(source), scene);
        }
        if tells {
            let from_info = self.history.from == Some(config::ForwardingHeader::HistoryInfo);
            let kept = self.policy.forwarding.first_is == FirstIs::Keep && (arrived || from_info);
            let entries = match kept {
                true => self.restated(&self.history.info),
                false if chosen.is_empty() => return,
                false => history::from_forwarded(&self.adapted(&chosen), called),
            };
            history::push(out, &entries, scene);
        }
    }

    /// Forwardings in the trunk's form, the last of them as `first_is` wants it.
    fn adapted(&self, forwarded: &[Forwarded]) -> Vec<Forwarded> {
        let mut forwarded = forwarded.to_vec();
        for one in &mut forwarded {
            self.lines.restate(&mut one.party);
        }
        let pilot = self.screening.pilot.as_ref();
        let owned = || forwarded.iter().rev().find(|f| self.screening.owns(&f.party.number));
        let proof = match self.policy.forwarding.first_is {
            FirstIs::Keep => None,
            FirstIs::Pilot => pilot.cloned(),
            FirstIs::Did => owned().map(|f| f.party.number.clone()).or_else(|| pilot.cloned()),
        };
        if let (Some(number), Some(last)) = (proof, forwarded.last_mut())
            && last.party.number != number
        {
            // The pilot is no secret of the one who forwarded.
            last.private &= pilot != Some(&number);
            last.party = Party { number, display: Box::default() };
        }
        forwarded
    }

    fn restated(&self, entries: &[Entry]) -> Vec<Entry> {
        let mut entries = entries.to_vec();
        for entry in &mut entries {
            self.lines.restate(&mut entry.party);
        }
        entries
    }
}
