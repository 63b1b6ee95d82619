//! The table of one address of record.

use super::{Asked, Contact, Refusal, Rules};
use crate::Flow;
use base::Time;
use sip_msg::Uri;
use std::time::Duration;

/// One way to reach an address of record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// Tells it from the others of its address of record, as long as it stands.
    pub place: u16,
    /// The registered URI.
    pub contact: Box<[u8]>,
    /// The instance that registered it.
    pub instance: Option<Box<[u8]>>,
    /// Which of the instance's flows it is.
    pub reg_id: Option<u32>,
    /// Its preference in thousandths.
    pub q: u16,
    /// It stands for all numbers of a PBX (RFC 6140).
    pub bulk: bool,
    /// Until when it stands.
    pub until: Time,
    /// When it was last registered.
    pub refreshed: Time,
    /// Where its REGISTER came from.
    pub flow: Flow,
    /// The way back, as values of Route, the next hop first (RFC 3327 §5.3).
    pub path: Box<[Box<[u8]>]>,
    /// Who registered, for people.
    pub agent: Box<[u8]>,
    /// Of the REGISTER that made or refreshed it.
    pub call_id: Box<[u8]>,
    /// Of the REGISTER that made or refreshed it.
    pub cseq: u32,
}

/// The bindings of one address of record; see the module text.
#[derive(Clone, Debug, Default)]
pub struct Aor {
    bindings: Vec<Binding>,
}

impl Aor {
    /// What stands.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Whether nothing stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// When [`Aor::expire`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.bindings.iter().map(|binding| binding.until).min()
    }

    /// Forgets what has run out; tells whether anything had.
    pub fn expire(&mut self, now: Time) -> bool {
        self.forget(|binding| binding.until <= now)
    }

    /// Forgets bindings; tells whether there were any such.
    pub fn forget(&mut self, gone: impl Fn(&Binding) -> bool) -> bool {
        let before = self.bindings.len();
        self.bindings.retain(|binding| !gone(binding));
        self.bindings.len() != before
    }

    /// Takes back a binding that was kept elsewhere; its place is given anew.
    pub fn restore(&mut self, binding: Binding) {
        let place = free_place(&self.bindings);
        self.bindings.push(Binding { place, ..binding });
    }

    /// Does what a REGISTER asks, all of it or nothing (RFC 3261 §10.3 step 7, 8).
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn register(
        &mut self,
        now: Time,
        asked: &Asked<'_>,
        flow_to: &dyn Fn(&Contact<'_>) -> Flow,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        self.expire(now);
        let newer = |old: &Binding| *old.call_id != *asked.call_id || asked.cseq > old.cseq;
        if asked.all {
            if !self.bindings.iter().all(newer) {
                return Err(Refusal::OutOfOrder);
            }
            self.bindings.clear();
            return Ok(());
        }
        let mut next = self.bindings.clone();
        // What this request makes stands behind what was there; of a contact named twice the last word counts.
        let mut old = next.len();
        for contact in &asked.contacts {
            if let Some(at) = next.iter().position(|known| is_same(known, contact)) {
                let known = next.remove(at);
                if at < old {
                    old -= 1;
                    if !newer(&known) {
                        return Err(Refusal::OutOfOrder);
                    }
                }
            }
            if !contact.expires.is_zero() {
                if next.len() >= rules.contacts_max {
                    old = make_room(&mut next, old, rules)?;
                }
                let place = free_place(&next);
                next.push(binding(place, contact, asked, flow_to(contact), now));
            }
        }
        self.bindings = next;
        Ok(())
    }

    /// Appends the Contact rows of a 2xx: all that stands, with how long it does (RFC 3261 §10.3 step 8).
    pub fn write_contacts(&self, now: Time, out: &mut Vec<u8>) {
        for binding in &self.bindings {
            out.extend_from_slice(b"Contact: <");
            out.extend_from_slice(&binding.contact);
            // Rounded up, so that a whole number of seconds that was asked for is granted as such.
            let left = binding.until.since(now) + Duration::from_millis(999);
            out.extend_from_slice(format!(">;expires={}", left.as_secs()).as_bytes());
            if binding.q < 1_000 {
                out.extend_from_slice(format!(";q=0.{:03}", binding.q).as_bytes());
            }
            if let Some(instance) = &binding.instance {
                out.extend_from_slice(b";+sip.instance=\"");
                out.extend_from_slice(instance);
                out.push(b'"');
            }
            if let Some(id) = binding.reg_id {
                out.extend_from_slice(format!(";reg-id={id}").as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Whether a Contact names a binding: a flow by its instance and number (RFC 5626 §6), all else by its URI
/// (RFC 3261 §10.3 step 7).
fn is_same(old: &Binding, contact: &Contact<'_>) -> bool {
    if contact.reg_id.is_some() || old.reg_id.is_some() {
        return old.reg_id == contact.reg_id && old.instance.as_deref() == contact.instance;
    }
    match (Uri::parse(&old.contact), Uri::parse(contact.uri)) {
        (Ok(a), Ok(b)) => a.equivalent(&b),
        _ => *old.contact == *contact.uri,
    }
}

/// The smallest number that no binding has.
fn free_place(bindings: &[Binding]) -> u16 {
    (0..u16::MAX).find(|place| bindings.iter().all(|b| b.place != *place)).unwrap_or(u16::MAX)
}

/// Gives up the binding among the first `old` that was refreshed longest ago; how many of them are left.
fn make_room(bindings: &mut Vec<Binding>, old: usize, rules: &Rules) -> Result<usize, Refusal> {
    let oldest = bindings.iter().take(old).enumerate().min_by_key(|(_, binding)| binding.refreshed);
    let Some((at, _)) = oldest.filter(|_| rules.replace) else { return Err(Refusal::Full) };
    bindings.remove(at);
    Ok(old - 1)
}

fn binding(place: u16, contact: &Contact<'_>, asked: &Asked<'_>, flow: Flow, now: Time) -> Binding {
    Binding {
        place,
        contact: contact.uri.into(),
        instance: contact.instance.map(Into::into),
        reg_id: contact.reg_id,
        q: contact.q,
        bulk: contact.bulk,
        until: now + contact.expires,
        refreshed: now,
        flow,
        path: asked.path.iter().map(|value| (*value).into()).collect(),
        agent: asked.agent.into(),
        call_id: asked.call_id.into(),
        cseq: asked.cseq,
    }
}
