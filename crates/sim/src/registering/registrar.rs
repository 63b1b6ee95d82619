//! The provider's registrar, in words of its own: two hosts before one store of bindings (RFC 3261 §10.3).
//!
//! It proves no digest (others do): an account whose password is wrong is challenged for ever, one whose
//! password is right is let in with any answer to the nonce that it was given last.

use super::judge::Judge;
use super::plan::Plan;
use crate::dice::Dice;
use crate::text::Message;
use base::Time;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Registrar {
    plan: Plan,
    dice: Dice,
    /// The nonce of each account, and how often it was used.
    nonces: BTreeMap<String, (String, u32)>,
    /// Answers by branch: a repeated request gets the same again (RFC 3261 §17.2.2).
    answered: BTreeMap<String, Message>,
    forgot: usize,
    pub(super) granted: usize,
}

impl Registrar {
    pub(super) fn new(plan: &Plan, dice: Dice) -> Registrar {
        let (nonces, answered) = Default::default();
        Registrar { plan: plan.clone(), dice, nonces, answered, forgot: 0, granted: 0 }
    }

    pub(super) fn answer(&mut self, now: Time, message: &Message, judge: &mut Judge) -> Message {
        self.forget(now, judge);
        let branch = message.branch().to_owned();
        if let Some(before) = self.answered.get(&branch) {
            return before.clone();
        }
        let answer = self.judged(now, message, judge);
        self.answered.insert(branch, answer.clone());
        answer
    }

    /// Loses its memory when its time has come.
    fn forget(&mut self, now: Time, judge: &mut Judge) {
        let second = now.as_millis() / 1_000;
        let due = self.plan.amnesia.iter().filter(|at| **at <= second).count();
        if due > self.forgot {
            self.forgot = due;
            self.nonces.clear();
            judge.forgotten();
        }
    }

    fn judged(&mut self, now: Time, message: &Message, judge: &mut Judge) -> Message {
        if message.method() != "REGISTER" {
            return message.reply(200, "reg");
        }
        let second = now.as_millis() / 1_000;
        let refusing = self.plan.refusing.iter().find(|r| r.from <= second && second < r.until).copied();
        if let Some(refusing) = refusing {
            let mut answer = message.reply(refusing.status, "reg");
            answer
                .rows
                .extend(refusing.retry_after.map(|after| ("Retry-After".to_owned(), after.to_string())));
            return answer;
        }
        let user = user(message);
        if !self.proves(&user, message) {
            return self.challenge(&user, message);
        }
        let wanted: u32 = message.row("Expires").and_then(|v| v.parse().ok()).unwrap_or(3_600);
        let (most, least) = self.plan.granted;
        if wanted > 0 && wanted < least {
            let mut answer = message.reply(423, "reg");
            answer.rows.push(("Min-Expires".to_owned(), least.to_string()));
            return answer;
        }
        let granted = wanted.min(most);
        judge.granted(now, &user, granted);
        self.granted += 1;
        let mut answer = message.reply(200, "reg");
        answer.rows.retain(|(name, _)| name != "Contact");
        let contact = message.contact().unwrap_or_default();
        answer.rows.push(("Contact".to_owned(), format!("<{contact}>;expires={granted}")));
        answer
    }

    fn proves(&mut self, user: &str, message: &Message) -> bool {
        let right = (0..self.plan.accounts.len())
            .any(|index| self.plan.account(index) == user && self.plan.accounts[index]);
        let Some(credentials) = message.row("Authorization").filter(|_| right) else { return false };
        let Some((nonce, uses)) = self.nonces.get_mut(user) else { return false };
        *uses += 1;
        credentials.contains(&format!("nonce=\"{nonce}\"")) && *uses <= self.plan.nonce_uses
    }

    fn challenge(&mut self, user: &str, message: &Message) -> Message {
        let nonce = format!("{:016x}", self.dice.roll());
        let right = (0..self.plan.accounts.len())
            .any(|index| self.plan.account(index) == user && self.plan.accounts[index]);
        let stale = message.row("Authorization").is_some() && right;
        let more = if stale { ", stale=true" } else { "" };
        let value =
            format!("Digest realm=\"tel.example\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{more}");
        self.nonces.insert(user.to_owned(), (nonce, 0));
        let mut answer = message.reply(401, "reg");
        answer.rows.push(("WWW-Authenticate".to_owned(), value));
        answer
    }
}

/// The user of the address of record.
pub(super) fn user(message: &Message) -> String {
    let to = message.row("To").unwrap_or_default();
    let user = to.split_once("sip:").and_then(|(_, rest)| rest.split_once('@'));
    user.map_or_else(String::new, |(user, _)| user.to_owned())
}

/// The longest that a transaction of the house lasts (RFC 3261 §17.1.2.2, timer F).
pub(super) const TIMER_F: Duration = Duration::from_secs(32);
