//! What a REGISTER asks for: RFC 3261 §10.2.1, RFC 5626 §4.2, RFC 6140 §5.2.

use super::{CONTACT_BYTES_MAX, CONTACTS_READ_MAX, PATH_VALUES_MAX, Refusal, Rules};
use sip_msg::{Msg, Name, NameAddr, Scheme, Uri, unquote};
use std::time::Duration;

/// One Contact of a REGISTER.
#[derive(Clone, Copy, Debug)]
pub struct Contact<'a> {
    /// Its URI.
    pub uri: &'a [u8],
    /// How long it is to stand; zero removes it.
    pub expires: Duration,
    /// Its preference in thousandths.
    pub q: u16,
    /// The instance that registers, with its brackets (RFC 5626 §4.1).
    pub instance: Option<&'a [u8]>,
    /// Which of the instance's flows it is; only beside an instance, and where flows are registered.
    pub reg_id: Option<u32>,
    /// It stands for all numbers of a PBX (RFC 6140).
    pub bulk: bool,
}

/// A whole REGISTER.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Its Contacts; none asks only what stands.
    pub contacts: Vec<Contact<'a>>,
    /// `Contact: *`: all bindings are given up.
    pub all: bool,
    /// Its Call-ID.
    pub call_id: &'a [u8],
    /// Its CSeq.
    pub cseq: u32,
    /// The way back to the contact (RFC 3327).
    pub path: Vec<&'a [u8]>,
    /// Who registers, for people.
    pub agent: &'a [u8],
}

impl<'a> Asked<'a> {
    /// Reads a REGISTER.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn read(msg: Msg<'a>, rules: &Rules) -> Result<Asked<'a>, Refusal> {
        let elements: Vec<&[u8]> = msg.list(Name::Contact).take(CONTACTS_READ_MAX + 1).collect();
        let path: Vec<&[u8]> = msg.list(Name::Path).take(PATH_VALUES_MAX + 1).collect();
        if elements.len() > CONTACTS_READ_MAX || path.len() > PATH_VALUES_MAX {
            return Err(Refusal::Broken);
        }
        let mut asked = Asked {
            contacts: Vec::new(),
            all: elements.contains(&&b"*"[..]),
            call_id: msg.call_id().map_err(|_| Refusal::Broken)?,
            cseq: msg.cseq().map_err(|_| Refusal::Broken)?.number,
            path,
            agent: msg.first(Name::UserAgent).unwrap_or_default(),
        };
        if asked.all {
            // RFC 3261 §10.2.2: only alone, and only with an expiry of 0.
            let alone = elements.len() == 1 && msg.expires() == Some(0);
            return if alone { Ok(asked) } else { Err(Refusal::Broken) };
        }
        let flows = rules.outbound && msg.has_token(Name::Supported, "outbound");
        let bulk = msg.has_token(Name::Require, "gin");
        for element in elements {
            let contact = contact(element, msg.expires(), rules, flows).ok_or(Refusal::Broken)?;
            if contact.bulk != bulk {
                return Err(Refusal::Broken);
            }
            brevity(&contact, rules)?;
            asked.contacts.push(contact);
        }
        asked.judge_flow(msg)?;
        Ok(asked)
    }

    /// Whether it registers a flow.
    #[must_use]
    pub fn has_flow(&self) -> bool {
        self.contacts.iter().any(|contact| contact.reg_id.is_some())
    }

    /// RFC 5626 §6: one flow at a time, and one that ends here or at a hop that keeps it.
    fn judge_flow(&self, msg: Msg<'_>) -> Result<(), Refusal> {
        let flows = self.contacts.iter().filter(|c| c.reg_id.is_some() && !c.expires.is_zero());
        match flows.count() {
            0 => return Ok(()),
            1 => {}
            _ => return Err(Refusal::Broken),
        }
        let direct = msg.list(Name::Via).count() == 1;
        let first = self.path.last().and_then(|value| NameAddr::parse(value).ok());
        let keeps =
            first.and_then(|hop| Uri::parse(hop.uri).ok()).is_some_and(|u| u.params.get("ob").is_some());
        if direct || keeps { Ok(()) } else { Err(Refusal::FirstHop) }
    }
}

/// One Contact; `None` when nobody could be reached by it.
fn contact<'a>(element: &'a [u8], expires: Option<u32>, rules: &Rules, flows: bool) -> Option<Contact<'a>> {
    let address = NameAddr::parse(element).ok()?;
    let uri = Uri::parse(address.uri).ok().filter(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips))?;
    let bulk = uri.params.get("bnc").is_some();
    // RFC 6140 §5.2: numbers take the place of the user.
    if address.uri.len() > CONTACT_BYTES_MAX || (bulk && !uri.user.is_empty()) {
        return None;
    }
    let said = match address.params.get("expires") {
        // RFC 3261 §10.3 step 6: what cannot be read is as if absent.
        Some(text) => number(text).or(expires),
        None => expires,
    };
    let asked = said.map_or(rules.expires, |seconds| Duration::from_secs(u64::from(seconds)));
    let instance = address.params.get("+sip.instance").map(unquote).filter(|i| !i.is_empty());
    let reg_id = address.params.get("reg-id").and_then(number).filter(|id| *id > 0);
    Some(Contact {
        uri: address.uri,
        expires: asked.min(rules.expires_max),
        q: address.params.get("q").map_or(1_000, thousandths),
        instance,
        reg_id: reg_id.filter(|_| flows && instance.is_some()),
        bulk,
    })
}

/// A binding of no time at all is a farewell; any other has to last.
fn brevity(contact: &Contact<'_>, rules: &Rules) -> Result<(), Refusal> {
    if contact.expires.is_zero() || contact.expires >= rules.expires_min {
        return Ok(());
    }
    Err(Refusal::TooBrief(u32::try_from(rules.expires_min.as_secs()).unwrap_or(u32::MAX)))
}

fn number(text: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(text).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
    // A count beyond 32 bits is as long as one can be.
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
}

/// A `qvalue` (RFC 3261 §25.1) in thousandths; what is none counts as the highest.
fn thousandths(text: &[u8]) -> u16 {
    let Some((whole, rest)) = std::str::from_utf8(text).ok().map(|t| t.split_once('.').unwrap_or((t, "")))
    else {
        return 1_000;
    };
    let digits = rest.bytes().all(|b| b.is_ascii_digit()) && rest.len() <= 3;
    match (whole, format!("{rest:0<3}").parse::<u16>()) {
        ("0", Ok(part)) if digits => part,
        _ => 1_000,
    }
}
