//! Which of several branches the call is turned to: the one that its rooms take for the attempt.

use super::Forks;
use crate::attempt::Attempt;
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::early::Early;
use crate::relay::Relay;
use config::{EarlyDialogs, EarlyMedia};
use media::Side;
use sip_msg::Msg;

impl Call {
    /// Whether an attempt may still become the call. Of several that run side by side it is the one that the
    /// call is about from here on.
    pub(crate) fn turn_to(&mut self, number: u16) -> bool {
        if self.forks.as_ref().is_some_and(|forks| forks.has(number)) {
            self.current = number;
        }
        self.phase == Phase::Setup && self.current == number
    }

    /// Whether a request of a callee's side comes from an attempt that may still become the call.
    pub(crate) fn turn_to_callee(&mut self, msg: Msg<'_>) -> bool {
        if self.forks.is_none() {
            return true;
        }
        let speaks = |a: &&Attempt| a.early.iter().any(|e| e.leg.dialog.matches(&msg));
        let number = self.running().find(speaks).map(|a| a.number);
        number.is_some_and(|number| self.turn_to(number))
    }

    /// Of several branches the caller speaks to the one whose media it hears, else to one that it has
    /// heard of.
    pub(crate) fn turn_to_heard(&mut self) {
        let Some(forks) = self.forks.as_ref() else { return };
        let shown = self.shown.media.as_ref().map(|(number, _)| *number).filter(|n| forks.has(*n));
        let early = || self.running().find(|a| !a.early.is_empty()).map(|a| a.number);
        if let Some(number) = shown.or_else(early) {
            self.current = number;
        }
    }

    /// Whether a request that was passed on concerns the attempt that is or may become the call; turns to it.
    pub(crate) fn is_about(&mut self, relay: &Relay) -> bool {
        self.turn_to(relay.attempt);
        relay.attempt == self.current
    }

    /// Requests on their way from and to branches that are not the call get their answer (RFC 3261 §14.1: 491
    /// tells the caller to ask again).
    pub(crate) fn end_relays_of_others(&mut self, winner: u16, cx: &mut Context<'_>) {
        while let Some(at) = self.relays.iter().position(|relay| relay.attempt != winner) {
            let relay = self.relays.remove(at);
            cx.txns.forget(relay.client);
            let status = if relay.from == Side::A { 491 } else { 481 };
            self.answer_inner(relay.server, status, b"", cx);
        }
    }

    /// The attempts that may still become the call.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Attempt> {
        let forks = self.forks.as_deref();
        let may = move |a: &&Attempt| forks.map_or(a.number == self.current, |forks| forks.has(a.number));
        self.live.iter().map(|a| &**a).filter(may)
    }

    /// Whether the callee's side has several early dialogs, so that no offer can go to one of them alone.
    pub(crate) fn has_several_dialogs(&self) -> bool {
        self.forks.is_some() && self.running().map(|a| a.early.len()).sum::<usize>() > 1
    }

    /// Whoever has refused is not heard on (RFC 3261 §13.2.2.3), nor who is gone or was given up. `fork`: that one alone.
    pub(crate) fn hush_forks(&self, attempt: &Attempt, fork: Option<&[u8]>, cx: &mut Context<'_>) {
        let is_it = |e: &&Early| fork.is_none_or(|fork| e.leg.dialog.remote_tag() == fork);
        let spoke = attempt.early.iter().filter(|e| !e.gone && !e.answer.is_empty() && is_it(e));
        for early in spoke.filter(|_| self.shown.media.is_some()) {
            self.hush(attempt.trunk, (&early.answer, &attempt.sdp.text), cx);
        }
    }

    /// The media of a branch that is over are no longer heard, though its gateway may not know yet. Were they shown, those
    /// of another that has described its own take their place, so that the caller hears it ring on.
    pub(super) fn unshow(&mut self, number: u16, cx: &mut Context<'_>) {
        self.live.iter().filter(|a| a.number == number).for_each(|a| self.hush_forks(a, None, cx));
        if self.shown.media.as_ref().is_some_and(|(shown, _)| *shown == number) {
            self.show_next(cx);
        }
    }

    /// The fork whose media were shown is gone: another one's are, if there is one, else the tone, if there is one.
    pub(crate) fn show_next(&mut self, cx: &mut Context<'_>) {
        self.media.other |= self.shown.media.take().is_some();
        let next = self.running().find_map(|a| {
            let early = a.early.iter().find(|e| self.is_heard(a, e))?;
            let tag: Box<[u8]> = early.leg.dialog.remote_tag().into();
            Some((a.number, a.trunk, tag, early.answer.clone(), a.sdp.text.clone()))
        });
        let Some((number, trunk, tag, answer, ours)) = next else { return self.ring_on() };
        if self.tell_engine(Side::B, trunk, (&answer, &ours), false, cx).is_ok() {
            self.shown.media = Some((number, tag));
            self.tell_others(cx);
        }
    }

    /// Forks beside the one whose media are shown: the engine hears the first of all that speaks.
    pub(crate) fn tell_others(&mut self, cx: &mut Context<'_>) {
        if self.epoch.policy(self.trunk_in).dialog.early_dialogs == EarlyDialogs::One {
            return;
        }
        let shown = self.shown.media.clone();
        let is_shown = |a: &Attempt, e: &Early| {
            shown.as_ref().is_some_and(|(n, tag)| *n == a.number && **tag == *e.leg.dialog.remote_tag())
        };
        let others = self.running().flat_map(|a| a.early.iter().map(move |e| (a, e)));
        let others = others.filter(|(a, e)| self.is_heard(a, e) && !is_shown(a, e));
        let others: Vec<_> = others.map(|(a, e)| (a.trunk, e.answer.clone(), a.sdp.text.clone())).collect();
        for (trunk, answer, ours) in others {
            self.media.beside = true;
            let _ = self.tell_engine(Side::B, trunk, (&answer, &ours), false, cx);
        }
    }

    /// Whether the caller may hear the media that an early dialog has described.
    fn is_heard(&self, attempt: &Attempt, early: &Early) -> bool {
        let rules = [attempt.trunk, self.trunk_in].map(|t| self.epoch.policy(t).dialog.early_media);
        let barred =
            rules.contains(&EarlyMedia::Strip) || (rules.contains(&EarlyMedia::Gate) && !early.authorised);
        !early.answer.is_empty() && !early.gone && !barred
    }
}

impl Forks {
    pub(super) fn has(&self, number: u16) -> bool {
        self.running.contains(&number)
    }

    /// Whether this is the only branch left.
    pub(crate) fn is_last(&self, number: u16) -> bool {
        self.running.as_slice() == [number]
    }
}
