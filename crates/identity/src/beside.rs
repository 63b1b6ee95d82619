//! Whom an INVITE names beside the caller, to trusted peers alone: who pays (RFC 8496), who was called
//! (RFC 7315 §4.2) and who referred the caller (RFC 3892).

use crate::charge::Payer;
use crate::headers::push_row;
use crate::party::Party;
use crate::rows::push_party;
use crate::write::Telling;
use crate::{Identity, Numbering};
use config::{CalledParty, Charge, PassStrip};

impl<N: Numbering> Telling<'_, N> {
    /// Appends what the trunk's policy writes.
    pub(crate) fn push_beside(&self, out: &mut Vec<u8>) {
        let policy = &self.to.policy.caller;
        if !policy.trust {
            return;
        }
        let scene = self.to.scene();
        let mut push = |name: &[u8], party: &Party| {
            let mut value = Vec::with_capacity(64);
            push_party(&mut value, party, false, &scene);
            push_row(out, name, &value);
        };
        if let Some(called) = self.called_party(self.who, policy.called_party) {
            push(b"P-Called-Party-ID", &called);
        }
        if let Some(party) = self.who.referred_by.as_ref().filter(|_| policy.referred_by == PassStrip::Pass)
            && let Some(party) = self.restated(party)
        {
            push(b"Referred-By", &party);
        }
        if let Some(payer) = self.payer(self.who, policy.charge) {
            let mut value = Vec::with_capacity(64);
            payer.push(&mut value, &scene);
            push_row(out, b"P-Charge-Info", &value);
        }
    }

    fn payer(&self, who: &Identity, charge: Charge) -> Option<Payer> {
        match charge {
            Charge::Strip => None,
            Charge::Pass => {
                let payer = who.payer.as_ref()?;
                Some(Payer { party: self.restated(&payer.party)?, ..payer.clone() })
            }
            Charge::Pilot => self.screening.pilot.clone().map(Payer::of_number),
            Charge::Replace => {
                let number = self.to.policy.caller.charge_number.as_deref()?;
                let number = self.numbers.write(number, self.to.trunk);
                (!number.is_empty()).then(|| Payer::of_number(number.into()))
            }
        }
    }

    fn called_party(&self, who: &Identity, written: CalledParty) -> Option<Party> {
        match written {
            CalledParty::Strip => None,
            CalledParty::Pass => self.restated(who.called_party.as_ref()?),
            CalledParty::Called => Some(Party { number: self.called.into(), display: Box::default() }),
        }
    }

    /// A party with its number in the form of the trunk; `None` when that hides it.
    fn restated(&self, party: &Party) -> Option<Party> {
        let number = self.numbers.read(&party.number, self.on);
        let number = self.numbers.write(&number, self.to.trunk);
        (!number.is_empty()).then(|| Party { number: number.into(), display: party.display.clone() })
    }
}
