//! What may never happen to a registration, whatever the network and the registrars do.

use super::Outcome;
use super::plan::Plan;
use super::registrar::{TIMER_F, user};
use crate::text::Message;
use base::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// After a refusal that asking again does not mend nothing is asked for so long.
const FORBIDDEN: Duration = Duration::from_secs(3_590);
/// The longest wait of the house after a failure, and then a refresh with all its repetitions.
const BACK: Duration = Duration::from_secs(3_600 + 120);
/// A refresh with a challenge and a stale nonce on a bad network.
const REFRESH: Duration = Duration::from_secs(60);

/// What is known of one account.
#[derive(Default)]
struct Known {
    /// The branch under way and since when.
    under_way: Option<(String, Time)>,
    /// Call-ID and last CSeq of this life of the house.
    series: Option<(String, u32)>,
    /// Branches that a machine told to be dead.
    failed: bool,
    /// The registrar's binding: since when, until when.
    binding: Option<(Time, Time)>,
    /// When the house heard a refusal after which it may not ask.
    forbidden: Option<Time>,
    /// The REGISTER under way bears credentials.
    answered: bool,
    /// The one before it was challenged.
    challenged: bool,
}

/// See the module text.
pub struct Judge {
    plan: Plan,
    known: BTreeMap<String, Known>,
    out: Outcome,
}

impl Judge {
    pub(super) fn new(plan: &Plan) -> Judge {
        Judge { plan: plan.clone(), known: BTreeMap::new(), out: Outcome::default() }
    }

    pub(super) fn fault(&mut self, now: Time, what: &str) {
        self.out.faults.push(format!("{:.3}: {what}", now.0 as f64 / 1e9));
    }

    /// A request leaves the house.
    pub(super) fn leaves(&mut self, now: Time, message: &Message) {
        if message.method() != "REGISTER" {
            return self.fault(now, &format!("nobody asked for {}", message.first));
        }
        let (name, branch) = (user(message), message.branch().to_owned());
        let known = self.known.entry(name.clone()).or_default();
        if known.under_way.as_ref().is_some_and(|(under_way, _)| *under_way == branch) {
            return;
        }
        let mut faults = Vec::new();
        if let Some((_, since)) = known.under_way.as_ref().filter(|_| !known.failed)
            && now.since(*since) < TIMER_F
        {
            faults.push("a second REGISTER while one is under way".to_owned());
        }
        if let Some(heard) = known.forbidden.take().filter(|heard| now.since(*heard) < FORBIDDEN) {
            faults.push(format!("asked again {:?} after a refusal", now.since(heard)));
        }
        let (number, _) = message.cseq();
        match &known.series {
            Some((call_id, _)) if call_id != message.call_id() => faults.push("another Call-ID".to_owned()),
            Some((_, last)) if number <= *last => faults.push(format!("CSeq {number} after {last}")),
            _ => {}
        }
        // Nobody has answered the one before: a new round.
        known.challenged &= known.under_way.is_none();
        known.answered = message.row("Authorization").is_some();
        known.series = Some((message.call_id().to_owned(), number));
        (known.under_way, known.failed) = (Some((branch, now)), false);
        self.out.registers += 1;
        for fault in faults {
            self.fault(now, &format!("{name}: {fault}"));
        }
    }

    /// The house is told that a message did not get away.
    pub(super) fn failed(&mut self, bytes: &[u8]) {
        let Ok(message) = Message::read(bytes) else { return };
        self.known.entry(user(&message)).or_default().failed = true;
    }

    /// A response reaches the house.
    pub(super) fn hears(&mut self, now: Time, message: &Message) {
        let known = self.known.entry(user(message)).or_default();
        let mine = known.under_way.as_ref().is_some_and(|(branch, _)| *branch == message.branch());
        if !mine || message.status() < 200 {
            return;
        }
        known.under_way = None;
        let stale = message.row("WWW-Authenticate").is_some_and(|value| value.contains("stale=true"));
        let hopeless = match message.status() {
            401 => known.answered && known.challenged && !stale,
            403 | 404 => true,
            _ => false,
        };
        known.challenged = message.status() == 401 && !hopeless;
        if hopeless {
            known.forbidden = Some(now);
            self.out.forbidden += 1;
        }
    }

    /// The registrar grants a binding; what was there may not have lapsed without need.
    pub(super) fn granted(&mut self, now: Time, name: &str, seconds: u32) {
        self.lapsed(now, name);
        let until = now + Duration::from_secs(u64::from(seconds));
        self.known.entry(name.to_owned()).or_default().binding = Some((now, until));
    }

    fn lapsed(&mut self, now: Time, name: &str) {
        let known = self.known.entry(name.to_owned()).or_default();
        let Some((since, until)) = known.binding.filter(|(_, until)| *until < now) else { return };
        // The house hears of the binding some seconds after it was made, and may wait in a failure before that.
        let from = Time::from_millis(since.as_millis().saturating_sub(REFRESH.as_millis() as u64));
        if !self.plan.disturbed(from, until) {
            self.fault(now, &format!("{name}: the binding lapsed {:?} ago for no reason", now.since(until)));
        }
    }

    /// The registrar has lost its memory.
    pub(super) fn forgotten(&mut self) {
        self.known.values_mut().for_each(|known| known.binding = None);
    }

    /// The house is started anew: it remembers nothing.
    pub(super) fn restarted(&mut self, now: Time) {
        for known in self.known.values_mut() {
            *known = Known { binding: known.binding.filter(|(_, until)| *until > now), ..Known::default() };
        }
    }

    /// All is over: whoever has the right password is registered by now, if all was well for long enough.
    pub(super) fn conclude(mut self, now: Time, granted: usize, ladder: Vec<String>) -> Outcome {
        let calm = Time::from_millis(now.as_millis().saturating_sub(BACK.as_millis() as u64));
        let calm = !self.plan.disturbed(calm, now);
        for (index, right) in self.plan.accounts.clone().into_iter().enumerate() {
            let name = self.plan.account(index);
            let binding = self.known.get(&name).and_then(|known| known.binding);
            let stands = binding.is_some_and(|(_, until)| until >= now);
            if right && calm && !stands {
                self.fault(now, &format!("{name}: not registered although all is well: {binding:?}"));
            }
            if !right && binding.is_some() {
                self.fault(now, &format!("{name}: registered with a wrong password"));
            }
        }
        Outcome { granted, ladder, ..self.out }
    }
}
