//! Requests inside a call: answered here, or passed on to the other leg and their answer back.

mod absorb;
mod again;
mod answers;
mod early;
mod glare;
mod growing;
mod withdraw;

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::leg::Leg;
use crate::setup::{ACCEPTED, ACCEPTED_ENCODING};
use crate::telling::cross;
use base::{ReasonId, Time};
use identity::headers::{Kind, push_number};
use identity::push_warning;
use identity::session_policy;
use media::Side;
use negotiation::LocalSdp;
use sip_core::session_timer::SessionTimer;
use sip_core::{ClientTxn, ServerTxn};
use sip_msg::{Method, Msg};

pub(crate) use growing::Growing;
pub(crate) use withdraw::SILENT_MAX;

/// How many requests of one call may be on their way to the other leg: limit `relays`.
const RELAYS_MAX: usize = 16;

/// A request that was passed on and has no answer yet.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) client: ClientTxn,
    pub(crate) server: ServerTxn,
    pub(crate) from: Side,
    /// The attempt that the call was turned to.
    pub(crate) attempt: u16,
    /// The method that came.
    pub(crate) method: Method,
    /// The method that went (UPDATE may go on as INVITE).
    pub(crate) sent: Method,
    pub(crate) cseq: u32,
    /// The offer in it; empty when it had none.
    pub(crate) offer: Box<[u8]>,
    /// What we had described to the other side before: it holds again when the offer is refused (RFC
    /// 3261 §14.1).
    pub(crate) before: Box<[u8]>,
    /// The rows of it that crossed.
    pub(crate) rows: Box<[u8]>,
    /// When the other side last said that it is at work (a provisional response other than 100).
    pub(crate) progress: Option<Time>,
    /// Whoever asked has its answer; the other side's comes to nothing.
    pub(crate) withdrawn: bool,
}

impl Relay {
    /// Whether what went on is an INVITE, whose 2xx has to be acknowledged.
    pub(crate) fn is_invite(&self) -> bool {
        self.sent == Method::Invite
    }
}

impl Call {
    pub(crate) fn on_reinvite(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        if self.phase != Phase::Answered {
            let status = if self.phase == Phase::Over { 481 } else { 491 };
            return self.answer_inner(txn, status, b"", cx);
        }
        let (Some(here), Some(there)) = (self.leg(side), self.leg(side.other())) else {
            return self.answer_inner(txn, 481, b"", cx);
        };
        if here.invited {
            // RFC 3261 §14.2: a second INVITE before the first has its final response.
            return self.refuse_glare(txn, 500, cx);
        }
        if let Some(status) = self.refuses_offer(side) {
            return self.refuse_glare(txn, status, cx);
        }
        if here.is_negotiating() || there.is_negotiating() {
            return self.answer_inner(txn, 491, b"", cx);
        }
        if self.grows(side, msg, txn, cseq, cx) || !self.agree_refresh(side, msg, txn, cx) {
            return;
        }
        if !self.absorb(side, msg, txn, cseq, cx) {
            self.pass_on(side, msg, txn, cseq, Method::Invite, cx);
        }
    }

    pub(crate) fn on_update(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        if !self.agree_refresh(side, msg, txn, cx) {
            return;
        }
        let epoch = self.epoch.clone();
        if let Some(leg) = self.leg_mut(side) {
            leg.refresh(msg, &epoch);
        }
        if msg.body().is_empty() {
            // A session refresh (RFC 4028 §10) or target refresh concerns this leg alone.
            self.adopt_session(side, cx);
            let mut rows = cx.take_rows();
            self.refresh_rows(side, &mut rows);
            self.answer_inner(txn, 200, &rows, cx);
            return cx.give_rows(rows);
        }
        if self.phase == Phase::Setup {
            return self.offer_early(side, msg, txn, cseq, cx);
        }
        let Some(there) = self.leg(side.other()).filter(|_| self.phase == Phase::Answered) else {
            return self.answer_inner(txn, 481, b"", cx);
        };
        // RFC 3311 §5.2: an offer is open, here or there, or an answer is still to come in an ACK.
        let offered = |l: &Leg| l.await_ack.is_some_and(|w| w.answers.is_some());
        let here_busy = self.leg(side).is_some_and(|l| l.inviting || l.ack_held || offered(l));
        let busy = (here_busy || there.is_negotiating()).then_some(491);
        if let Some(status) = self.refuses_offer(side).or(busy) {
            return self.refuse_glare(txn, status, cx);
        }
        let method = if there.takes_update(&epoch) { Method::Update } else { Method::Invite };
        if !self.grows(side, msg, txn, cseq, cx) && !self.absorb(side, msg, txn, cseq, cx) {
            self.pass_on(side, msg, txn, cseq, method, cx);
        }
    }

    /// Takes part in the session timer of a refresh (RFC 4028 §9); `false`: answered 422.
    fn agree_refresh(&mut self, side: Side, msg: Msg<'_>, txn: ServerTxn, cx: &mut Context<'_>) -> bool {
        let epoch = self.epoch.clone();
        self.heed_location(side, msg);
        let Some(leg) = self.leg_mut(side) else { return false };
        match SessionTimer::uas(&msg, &session_policy(epoch.policy(leg.trunk), leg.abilities.update)) {
            Ok(timer) => {
                leg.session_asked = Some(timer);
                true
            }
            Err(too_small) => {
                let mut rows = cx.take_rows();
                push_number(&mut rows, b"Min-SE", u64::from(too_small.min_se));
                self.answer_inner(txn, 422, &rows, cx);
                cx.give_rows(rows);
                false
            }
        }
    }

    /// Passes a request on to the other leg, as `sent`.
    pub(crate) fn pass_on(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        sent: Method,
        cx: &mut Context<'_>,
    ) {
        let epoch = self.epoch.clone();
        let other = side.other();
        let full = (self.relays.len() >= RELAYS_MAX).then_some(503);
        let over = (self.phase == Phase::Over || self.next_leg_mut(other).is_none()).then_some(481);
        if let Some(status) = self.is_left(other, sent).or(full).or(over) {
            return self.answer_inner(txn, status, b"", cx);
        }
        let negotiates = matches!(sent, Method::Invite | Method::Update);
        let before = self.sdp_mut(other).map(|sdp| sdp.standing().into()).unwrap_or_default();
        let mut body: Box<[u8]> = msg.body().into();
        let readable = if negotiates { msg.is_sdp() } else { !msg.is_encoded() };
        if !body.is_empty() && !readable {
            let rows = if negotiates { ACCEPTED } else { ACCEPTED_ENCODING };
            return self.answer_inner(txn, 415, rows, cx);
        }
        if negotiates && !body.is_empty() {
            let here = self.media.end(&epoch, (side, self.trunk_of(side)));
            let reachable = negotiation::check_offer(&here, &body);
            match reachable.and_then(|()| self.describe_for(other, &body, b"", cx)) {
                Ok(text) => body = text,
                Err(trouble) => return self.refuse_inner_sdp(txn, side, &trouble, cx),
            }
        }
        let mut rows = cx.take_rows();
        cross(msg, Kind::Inner, &epoch, self.way_from(side), &mut rows);
        let result = self.send_on(other, sent, &rows, (content_type_of(msg, negotiates), &body), cx);
        let crossed = rows.as_slice().into();
        cx.give_rows(rows);
        let Ok(client) = result else { return self.answer_inner(txn, 503, b"Retry-After: 1\r\n", cx) };
        if let Some(here) = self.leg_mut(side).filter(|_| msg.method() == Method::Invite) {
            here.invited = true;
            here.refresh(msg, &epoch);
        }
        let offer = if negotiates { msg.body().into() } else { Box::default() };
        self.relays.push(Relay {
            client,
            server: txn,
            from: side,
            attempt: self.current,
            method: msg.method(),
            sent,
            cseq,
            offer,
            before,
            rows: crossed,
            progress: None,
            withdrawn: false,
        });
    }

    /// What we described to a side: to its leg, or in the attempt that may become it.
    pub(super) fn sdp_mut(&mut self, side: Side) -> Option<&mut LocalSdp> {
        if side == Side::B && self.b.is_none() {
            return self.attempt_mut(self.current).map(|attempt| &mut attempt.sdp);
        }
        self.leg_mut(side).map(|leg| &mut leg.sdp)
    }

    /// Describes a peer's offer or answer for a side, and keeps it there; an offer of nothing new changes nothing.
    pub(crate) fn describe_for(
        &mut self,
        side: Side,
        text: &[u8],
        offer: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Box<[u8]>, negotiation::SdpTrouble> {
        let trunk = self.trunk_of(side);
        let mut local = self.sdp_mut(side).map(std::mem::take).unwrap_or_default();
        let peer = self.leg(side.other()).filter(|_| offer.is_empty());
        let same = peer.is_some_and(|peer| local.refresh(&peer.described, text));
        let described = if same { Ok(()) } else { self.describe(side, trunk, text, offer, &mut local, cx) };
        let made = local.text.clone();
        if let Some(sdp) = self.sdp_mut(side) {
            *sdp = local;
        }
        described.map(|()| made)
    }

    pub(crate) fn refuse_inner_sdp(
        &mut self,
        txn: ServerTxn,
        side: Side,
        trouble: &negotiation::SdpTrouble,
        cx: &mut Context<'_>,
    ) {
        if matches!(trouble.reason, ReasonId::MediaFax | ReasonId::SrtpFax) {
            self.media.codec = negotiation::codec_of_fax(std::mem::take(&mut self.media.codec));
        }
        let mut rows = cx.take_rows();
        if let Some(leg) = self.leg(side) {
            push_warning(&mut rows, self.epoch.face(leg.flow.listen).host(), trouble.warning);
        }
        self.answer_inner(txn, 488, &rows, cx);
        cx.give_rows(rows);
    }
}

/// The Content-Type of a body that goes on.
fn content_type_of<'a>(msg: Msg<'a>, negotiates: bool) -> &'a [u8] {
    if negotiates { b"application/sdp" } else { msg.content_type().unwrap_or_default() }
}
