//! The reference model: what reached the house for each call, and what its record may therefore say.
//!
//! It knows nothing of how the house works; it allows each reason only when its cause was seen.

use crate::text::Message;
use b2bua::{CallKey, CallRecord, ReleasedBy};
use base::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen of one call.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its INVITE reached the house.
    pub invited: bool,
    /// The caller's CANCEL, or its BYE before the answer.
    pub cancelled: Option<Time>,
    /// The caller's BYE.
    pub bye_a: Option<Time>,
    /// The callee's BYE.
    pub bye_b: Option<Time>,
    /// An ACK of the caller's for the INVITE's 2xx.
    pub acked: bool,
    /// A PRACK of the caller's.
    pub pracked: bool,
    /// The caller knows reliable provisionals, so that an answer may wait for its PRACK.
    pub pracks: bool,
    /// Final responses of callees, to anything.
    pub finals: Vec<u16>,
}

/// Everything seen, by call.
#[derive(Default)]
pub struct Reference {
    calls: BTreeMap<usize, Seen>,
    /// An operator ended a call, by hand or all.
    pub operator: bool,
    /// All calls were ended, or no new ones taken.
    pub drained: bool,
    /// The engine reported silence.
    pub silence: bool,
    /// Somebody may have transferred a call, or taken a place.
    pub transfers: bool,
    /// Calls of which a party was to join another call: who had transferred it may hang up before it, and the call goes
    /// on for the transfer.
    pub lent: BTreeSet<CallKey>,
}

impl Reference {
    /// A message reached the house.
    pub fn arrives(&mut self, now: Time, call: usize, from_caller: bool, message: &Message) {
        let seen = self.calls.entry(call).or_default();
        let method = message.method();
        if !message.is_request() {
            if message.status() >= 200 {
                seen.finals.push(message.status());
            }
            return;
        }
        match (method, from_caller) {
            ("INVITE", true) if message.tag("To").is_empty() => {
                seen.invited = true;
                seen.pracks = message.has("Supported", "100rel");
            }
            ("CANCEL", true) => drop(seen.cancelled.get_or_insert(now)),
            ("ACK", true) => seen.acked = true,
            ("PRACK", true) => seen.pracked = true,
            _ => {}
        }
    }

    /// The house answered a BYE with 200: it came from a dialog of the call.
    pub fn hung_up(&mut self, now: Time, call: usize, caller: bool) {
        let seen = self.calls.entry(call).or_default();
        let bye = if caller { &mut seen.bye_a } else { &mut seen.bye_b };
        bye.get_or_insert(now);
    }

    /// What was seen of a call.
    #[must_use]
    pub fn seen(&self, call: usize) -> Seen {
        self.calls.get(&call).cloned().unwrap_or_default()
    }

    /// Whether a record may say what it says. `patient`: peers kept every rule and the network was whole.
    #[must_use]
    pub fn check(&self, call: usize, record: &CallRecord, patient: bool) -> Option<String> {
        let seen = self.seen(call);
        let id = record.reason.id();
        let allowed = match id {
            "P-CANCELLED" => seen.cancelled.is_some() || seen.bye_a.is_some(),
            "P-HANGUP-A" => seen.bye_a.is_some(),
            "P-HANGUP-B" => seen.bye_b.is_some(),
            "O-HANGUP" => self.operator,
            "S-NO-ACK" | "S-NO-PRACK" => !patient,
            "S-SESSION-EXPIRED" | "S-REFRESH" | "S-DIALOG-GONE" => {
                !patient || seen.finals.iter().any(|s| matches!(s, 481 | 408))
            }
            "M-TIMEOUT" => self.silence,
            "P-TRANSFERRED" | "P-TRANSFER-FAILED" | "C-REPLACES" => self.transfers,
            "S-BAD-RESPONSE" | "C-BAD-REQUEST" => false,
            _ if id.starts_with("P-") && id != "P-NO-ANSWER" => seen.finals.iter().any(|s| *s >= 300),
            _ => true,
        };
        if !allowed {
            return Some(format!("the record says {id}, but nothing of that kind was seen: {seen:?}"));
        }
        let by = match id {
            "P-HANGUP-A" | "P-CANCELLED" => Some(ReleasedBy::Caller),
            "P-HANGUP-B" => Some(ReleasedBy::Callee),
            _ => None,
        };
        if by.is_some_and(|by| by != record.released_by) {
            return Some(format!("{id} released by {}", record.released_by.word()));
        }
        if let Some((a, b)) = seen.bye_a.zip(seen.bye_b).filter(|_| !self.lent.contains(&record.key)) {
            let wrong = id == "P-HANGUP-A" && b < a || id == "P-HANGUP-B" && a < b;
            if wrong && record.answer.is_some() {
                return Some(format!("{id}, but the other side was first: {a:?} {b:?}"));
            }
        }
        // A callee's answer that waited for a PRACK which never came is withdrawn from the caller.
        let withdrawn = record.status >= 400 && seen.pracks;
        if record.answer.is_some() != (record.status == 200) && !withdrawn {
            return Some(format!("status {} and answer {:?}", record.status, record.answer));
        }
        let ordered = record.start <= record.end
            && record.progress.is_none_or(|p| p >= record.start && p <= record.end)
            && record.answer.is_none_or(|a| a >= record.start && a <= record.end);
        (!ordered).then(|| "times out of order".to_owned())
    }
}
