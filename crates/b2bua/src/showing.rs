//! What a caller is shown before the answer: which provisional responses, as what, and whose media.

use crate::attempt::Offered;
use crate::call::{Call, Phase};
use crate::context::{Alarm, Context};
use crate::early::Early;
use crate::leg::LateAnswer;
use crate::offer::State;
use crate::prack::OfferInProvisional;
use crate::telling::cross;
use base::{ReasonId, WallTime};
use config::{EarlyDialogs, EarlyMedia, HeaderOn, Map180, Prack, RingingTone};
use identity::abilities;
use identity::contact_user;
use identity::header_rules::shape;
use identity::headers::Kind;
use media::{Side, Sound, Yields};
use sip_core::Response;
use sip_msg::Msg;

/// What the caller has been shown so far.
#[derive(Default)]
pub(crate) struct Shown {
    /// First provisional response of a callee's side.
    pub(crate) progress: Option<WallTime>,
    /// A provisional response above 100 left.
    heard: bool,
    /// Whose media: the attempt and the fork's tag.
    pub(crate) media: Option<(u16, Box<[u8]>)>,
    /// Since when.
    pub(crate) media_since: Option<WallTime>,
    /// Our offer in a reliable provisional, until its answer came in PRACK.
    pub(crate) offer: Option<OfferInProvisional>,
    /// With what the caller's INVITE was refused although the callee had answered.
    pub(crate) withdrawn: Option<u16>,
}

impl Call {
    /// Shows the caller what the callee's side reports, as the caller's trunk wants it. `fork`: the tag of
    /// the early dialog that reports; empty when there is none.
    pub(crate) fn show(&mut self, number: u16, fork: &[u8], msg: Msg<'_>, cx: &mut Context<'_>) {
        let Some(attempt) = self.live.iter().find(|a| a.number == number) else { return };
        let trunk = attempt.trunk;
        let offer = self.offer_for_caller(number, fork, cx);
        let body = match &offer {
            Some((body, _)) => body.clone(),
            None => self.early_body(number, fork, msg, cx),
        };
        if offer.is_none() && self.is_stuck(number, fork) {
            return self.drop_attempt(number, ReasonId::SdpBad, cx);
        }
        let ringing = self.epoch.policy(self.trunk_in).dialog.ringing;
        let status = match msg.status() {
            199 => 199,
            status => match ringing.shown_as(status, !body.is_empty(), self.shown.media.is_some()) {
                Some(status) => status,
                None if offer.is_some() => 183, // it has to be answered
                None => return,
            },
        };
        let rings = (status == 180 || msg.status() == 180) && body.is_empty() && offer.is_none();
        let body = if rings { self.ring_here(cx) } else { body };
        self.shown.progress.get_or_insert(cx.wall());
        let epoch = self.epoch.clone();
        let mut rows = cx.take_rows();
        self.provisional_rows(&mut rows);
        cross(msg, Kind::Response, &epoch, self.way_back(trunk), &mut rows);
        let rseq = self.say(status, &rows, &body, cx);
        cx.give_rows(rows);
        if let (Some((_, answers)), Some(rseq)) = (offer, rseq) {
            self.shown.offer = Some(OfferInProvisional { rseq, answers });
        }
    }

    /// Sends the caller a provisional response, reliably where both sides want that (RFC 3262 §3); gives the
    /// RSeq of a reliable one.
    fn say(&mut self, status: u16, rows: &[u8], body: &[u8], cx: &mut Context<'_>) -> Option<u32> {
        self.shown.heard = true;
        let reliable = self.is_heard_reliably();
        let Some(txn) = self.invite.filter(|_| reliable) else {
            self.respond(cx, status, rows, body);
            return None;
        };
        let mut shaped = cx.take_rows();
        shaped.extend_from_slice(rows);
        let rules = &self.epoch.policy(self.trunk_in).headers.rules_out;
        shape(rules, HeaderOn::Response, &mut shaped);
        let response = Response {
            status,
            reason: b"",
            to_tag: self.a.dialog.local_tag(),
            rows: &shaped,
            content_type: if body.is_empty() { b"" } else { b"application/sdp" },
            body,
            record_route: true,
        };
        let sent = cx.txns.respond_reliably(cx.now, txn, &response, &mut cx.out.sip).ok();
        cx.give_rows(shaped);
        cx.counters.attempts_refused += u64::from(sent.is_none());
        sent
    }

    /// Whether our provisional responses to the caller are reliable: it knows them, and its trunk does not
    /// rule them out.
    pub(crate) fn is_heard_reliably(&self) -> bool {
        self.a.abilities.reliable && self.epoch.policy(self.trunk_in).prack != Prack::Off
    }

    /// Whether a caller that made no offer can be shown one before the answer: in a reliable provisional,
    /// where nothing strips descriptions (RFC 3262 §5).
    pub(crate) fn shows_offers(&self, trunk: base::TrunkId) -> bool {
        let strips = |t| self.epoch.policy(t).dialog.early_media == EarlyMedia::Strip;
        self.is_heard_reliably() && !strips(trunk) && !strips(self.trunk_in)
    }

    /// For a caller that made no offer: one made of what a fork has described, while none waits for its
    /// answer and none was answered; and where the answer goes.
    fn offer_for_caller(
        &mut self,
        number: u16,
        fork: &[u8],
        cx: &mut Context<'_>,
    ) -> Option<(Box<[u8]>, LateAnswer)> {
        let attempt = self.live.iter().find(|a| a.number == number)?;
        let early = attempt.early.iter().find(|e| e.leg.dialog.remote_tag() == fork)?;
        let answers = match attempt.offered {
            Offered::Us if !early.answer.is_empty() => LateAnswer::Ours,
            Offered::Nobody if early.unanswered.is_some() => LateAnswer::PassOn,
            _ => return None,
        };
        let (trunk, text, ours) = (attempt.trunk, early.answer.clone(), attempt.sdp.text.clone());
        let silent = self.arrived.as_ref().is_some_and(|a| a.offer.is_empty());
        if !silent || self.shown.offer.is_some() || !self.shows_offers(trunk) {
            return None;
        }
        if answers == LateAnswer::Ours {
            self.tell_engine(Side::B, trunk, (&text, &ours), false, cx).ok()?;
        }
        let mut local = std::mem::take(&mut self.a.sdp);
        let described = self.describe(Side::A, self.trunk_in, &text, b"", &mut local, cx);
        let body = local.text.clone();
        self.a.sdp = local;
        described.ok()?;
        self.shown.media = Some((number, fork.into()));
        self.shown.media_since.get_or_insert(cx.wall());
        Some((body, answers))
    }

    /// Whether a fork waits for an answer that nobody will give: its offer could not be shown.
    fn is_stuck(&self, number: u16, fork: &[u8]) -> bool {
        let attempt = self.live.iter().find(|a| a.number == number);
        let early = attempt.and_then(|a| a.early.iter().find(|e| e.leg.dialog.remote_tag() == fork));
        let silent = self.arrived.as_ref().is_some_and(|a| a.offer.is_empty());
        early.is_some_and(|e| e.unanswered.is_some()) && silent && self.shown.offer.is_none()
    }

    fn provisional_rows(&self, rows: &mut Vec<u8>) {
        self.a.push_contact(rows, &self.epoch, contact_user(&self.called));
        abilities::push_allow(self.epoch.policy(self.trunk_in), rows);
    }

    /// The description to show: the fork's answer, where it may be shown; the engine opens with it.
    fn early_body(&mut self, number: u16, fork: &[u8], msg: Msg<'_>, cx: &mut Context<'_>) -> Box<[u8]> {
        let Some(attempt) = self.live.iter_mut().find(|a| a.number == number) else { return Box::default() };
        let (trunk, offered) = (attempt.trunk, attempt.offered);
        let rules = [trunk, self.trunk_in].map(|t| self.epoch.policy(t).dialog.early_media);
        let early = attempt.early.iter_mut().find(|e| e.leg.dialog.remote_tag() == fork);
        // An unreliable provisional cannot bear an offer (RFC 3262 §5): late offers wait for the 2xx.
        let answered = offered == Offered::Withheld && early.as_ref().is_some_and(|e| e.answered);
        if offered != Offered::Caller && !answered {
            return Box::default();
        }
        let nameless = if msg.is_sdp() { msg.body() } else { b"" };
        let (answer, news): (Box<[u8]>, News) = match early {
            Some(early) => (early.answer.clone(), early.heed_gate(msg)),
            None => (nameless.into(), News { fresh: !nameless.is_empty(), gate: false, turned: false }),
        };
        let open = match () {
            () if rules.contains(&EarlyMedia::Strip) => false,
            () if self.epoch.policy(self.trunk_in).sounds.ringing == RingingTone::Always => false,
            () if rules.contains(&EarlyMedia::Gate) => news.gate,
            () => true,
        };
        let one = self.epoch.policy(self.trunk_in).dialog.early_dialogs == EarlyDialogs::One;
        let others = self.shown.media.as_ref().is_some_and(|(n, tag)| *n != number || **tag != *fork);
        if answer.is_empty() || !open || (one && others) {
            if news.turned && !open && !answer.is_empty() && self.shown.media.is_some() {
                let its = self.live.iter().filter(|a| a.number == number);
                its.for_each(|a| self.hush_forks(a, Some(fork), cx));
            }
            return Box::default();
        }
        if !news.fresh && !news.turned {
            return Box::default();
        }
        self.show_media((number, fork.into()), &answer, offered, cx)
    }

    /// Makes an answer of the callee's fit for the caller, and opens the engine with it.
    fn show_media(
        &mut self,
        by: (u16, Box<[u8]>),
        answer: &[u8],
        offered: Offered,
        cx: &mut Context<'_>,
    ) -> Box<[u8]> {
        let trunk = self.trunk_of(Side::B);
        // Of several forks the first that speaks is heard, whoever has described itself last.
        let beside = self.shown.media.as_ref().is_some_and(|shown| *shown != by);
        let attempt = self.live.iter().find(|a| a.number == by.0);
        let ours = attempt.map(|a| a.sdp.text.clone()).unwrap_or_default();
        let mut local = std::mem::take(&mut self.a.sdp);
        let arrived = self.arrived.take();
        let offer = arrived.as_ref().map_or(&b""[..], |a| &a.offer);
        let settled = self.media.joining.settled;
        let described = offered
            .fitted(answer, offer)
            .and_then(|text| match settled {
                true => Ok(()),
                false => self.describe(Side::A, self.trunk_in, &text, offer, &mut local, cx),
            })
            .inspect(|()| self.media.beside = beside)
            .and_then(|()| self.tell_engine(Side::B, trunk, (answer, &ours), false, cx))
            .and_then(|()| match local.is_secured() {
                true if settled => Ok(()),
                true => self.tell_engine(Side::A, self.trunk_in, (offer, &local.text), false, cx),
                false => Ok(()),
            });
        self.arrived = arrived;
        let body = if described.is_ok() && !settled { local.text.clone() } else { Box::default() };
        self.a.sdp = local;
        if described.is_ok() {
            self.shown.media_since.get_or_insert(cx.wall());
            if !beside {
                self.shown.media = Some(by);
                self.tell_others(cx);
            }
        }
        body
    }

    /// Sets the alarm for a 180 of our own, where the caller's trunk wants one (R58).
    pub(crate) fn await_ringing(&mut self, cx: &mut Context<'_>) {
        if let Some(after) = self.epoch.policy(self.trunk_in).dialog.ringing.after {
            cx.wheel.insert(cx.now + after, Alarm::Ringback(self.me));
        }
    }

    /// No callee has made itself heard: the caller is told that it rings, so that nobody hears silence
    /// while the far end is being found. No attempt has progressed by it: the next gateway may still be
    /// tried, for none has rung.
    pub(crate) fn on_ringback(&mut self, cx: &mut Context<'_>) {
        if self.phase != Phase::Setup || self.shown.heard {
            return;
        }
        let shown_as = self.epoch.policy(self.trunk_in).dialog.ringing.map_180;
        let status = if shown_as == Map180::Progress { 183 } else { 180 };
        let body = self.ring_here(cx);
        self.progress(status, &body, cx);
    }

    /// A provisional response of our own.
    pub(crate) fn progress(&mut self, status: u16, body: &[u8], cx: &mut Context<'_>) {
        let mut rows = cx.take_rows();
        self.provisional_rows(&mut rows);
        let _ = self.say(status, &rows, body, cx);
        cx.give_rows(rows);
    }

    /// The ringing tone of its country, where the caller's trunk wants that and nobody's media are shown (R58, INTEROP 43).
    fn tone(&self) -> Option<(Sound, Yields)> {
        let theirs = self.live.iter().all(|attempt| attempt.offered == Offered::Caller);
        let able = theirs && self.shown.media.is_none() && matches!(self.media.state, State::Open { .. });
        negotiation::ringing(&self.epoch.policy(self.trunk_in).sounds).filter(|_| able)
    }

    /// The tone begins, if there is one; what the caller is told for that.
    fn ring_here(&mut self, cx: &mut Context<'_>) -> Box<[u8]> {
        let Some(tone) = self.tone() else { return Box::default() };
        let body = self.answer_here(cx);
        if self.media.joining.settled && self.media.own.is_none() {
            self.media.own = Some(tone);
            self.media.joining.retold = true;
        }
        body
    }

    /// Nobody's media are shown any more: while somebody rings on the tone is heard (again), by what the caller was told.
    pub(crate) fn ring_on(&mut self) {
        let rings = self.running().any(|a| a.early.iter().any(|e| !e.gone));
        if let Some(tone) = self.tone().filter(|_| rings) {
            self.media.own = Some(tone);
            self.media.joining.play_again(self.media.seat(Side::A));
        }
    }
}

/// What a provisional response says of its fork's media.
struct News {
    /// It bears an answer.
    fresh: bool,
    /// The fork's media are authorised.
    gate: bool,
    /// That has changed with it.
    turned: bool,
}

impl Early {
    /// Takes a P-Early-Media of the callee's side.
    fn heed_gate(&mut self, msg: Msg<'_>) -> News {
        let before = self.authorised;
        self.authorised = abilities::authorises(msg).unwrap_or(before);
        let fresh = msg.is_sdp() && !msg.body().is_empty();
        News { fresh, gate: self.authorised, turned: self.authorised != before }
    }
}
