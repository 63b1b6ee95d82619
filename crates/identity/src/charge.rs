//! P-Charge-Info (RFC 8496): who pays for the call.

use crate::party::Party;
use crate::rows::{Scene, push_party};
use sip_msg::{Msg, Name, NameAddr};

/// Who pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payer {
    /// The number.
    pub(crate) party: Party,
    /// Nature of address and numbering plan, as ISUP has them (RFC 8496 §6).
    pub(crate) noa: Option<u8>,
    pub(crate) npi: Option<u8>,
}

impl Payer {
    /// One of whom nothing but the number is known.
    pub(crate) fn of_number(number: Box<str>) -> Payer {
        Payer { party: Party { number, display: Box::default() }, noa: None, npi: None }
    }

    /// Reads the first row that names somebody.
    pub(crate) fn of(msg: Msg<'_>) -> Option<Payer> {
        msg.rows(Name::PChargeInfo).find_map(|row| {
            let address = NameAddr::parse(row).ok()?;
            let digits = |name| std::str::from_utf8(address.params.get(name)?).ok()?.parse::<u8>().ok();
            let party = Party::of(&address).filter(|party| !party.is_nobody())?;
            Some(Payer { party, noa: digits("noa"), npi: digits("npi") })
        })
    }

    /// Appends the value; the payer's name is nobody's business.
    pub(crate) fn push(&self, out: &mut Vec<u8>, scene: &Scene<'_>) {
        let nameless = Party { number: self.party.number.clone(), display: Box::default() };
        push_party(out, &nameless, false, scene);
        for (name, digits) in [(";noa=", self.noa), (";npi=", self.npi)] {
            if let Some(digits) = digits {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(digits.to_string().as_bytes());
            }
        }
    }
}
