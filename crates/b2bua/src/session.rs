//! Session timers of the legs (RFC 4028): each leg keeps its own, hidden from the other.

use crate::call::{Call, Phase};
use crate::context::{Alarm, Context, Own, User};
use crate::leg::InnerRequest;
use crate::record::ReleasedBy;
use base::ReasonId;
use identity::session_policy;
use media::Side;
use negotiation::parse;
use sip_core::session_timer::{SessionAct, SessionTimer};
use sip_msg::Msg;
use std::time::Duration;

/// After 491 a refresh waits this long (RFC 3261 §14.1 asks for 2.1–4 s from the dialog's owner).
const GLARE_WAIT: Duration = Duration::from_millis(3_000);

/// How often one refresh may move media that are not anchored, from peer to peer: limit `media_moves`.
const MOVES_MAX: u8 = 4;

/// The longest Retry-After that a refresh waits, in seconds; the session may expire before.
const RETRY_AFTER_MAX: u32 = 600;

impl Call {
    /// Starts or restarts a leg's session timer and sets its next alarm.
    pub(crate) fn arm_session(&mut self, side: Side, cx: &mut Context<'_>) {
        if self.phase != Phase::Answered {
            return;
        }
        let Some(session) = self.leg_mut(side).and_then(|leg| leg.session.as_mut()) else { return };
        session.start(cx.now);
        self.set_session_alarm(side, cx);
    }

    /// One alarm stands for each leg: a later deadline is looked up when the earlier one fires.
    fn set_session_alarm(&mut self, side: Side, cx: &mut Context<'_>) {
        let me = self.me;
        let Some(leg) = self.leg_mut(side) else { return };
        let Some(at) = leg.session.as_ref().and_then(SessionTimer::next_deadline) else { return };
        if leg.session_alarm.is_none_or(|standing| at < standing) {
            leg.session_alarm = Some(at);
            cx.wheel.insert(at, Alarm::Session(me, side));
        }
    }

    /// A refresh of the peer's succeeds: what it asked for holds from now on (RFC 4028 §10; a refused
    /// one changes nothing).
    pub(crate) fn adopt_session(&mut self, side: Side, cx: &mut Context<'_>) {
        let Some(leg) = self.leg_mut(side) else { return };
        if let Some(asked) = leg.session_asked.take() {
            leg.session = asked;
            self.arm_session(side, cx);
        }
    }

    /// A session alarm fired: refresh, or end what was not refreshed.
    pub(crate) fn on_session_alarm(&mut self, side: Side, cx: &mut Context<'_>) {
        if self.phase != Phase::Answered {
            return;
        }
        let Some(leg) = self.leg_mut(side) else { return };
        if leg.session_alarm.is_none_or(|standing| standing > cx.now) {
            return; // replaced by an earlier one since
        }
        leg.session_alarm = None;
        let act = leg.session.as_mut().and_then(|session| session.handle_timeout(cx.now));
        self.set_session_alarm(side, cx);
        match act {
            Some(SessionAct::Refresh) => self.refresh_session(side, cx),
            Some(SessionAct::Expired) => self.lose(side, ReasonId::SessionExpired, cx),
            None => {}
        }
    }

    /// Refreshes by UPDATE where the peer knows it, else by re-INVITE with our last description.
    pub(crate) fn refresh_session(&mut self, side: Side, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let me = self.me;
        if self.phase != Phase::Answered {
            return;
        }
        let mut rows = cx.take_rows();
        let open = self.has_open_offer();
        let Some(leg) = self.leg_mut(side) else { return cx.give_rows(rows) };
        if leg.is_negotiating() || open {
            cx.wheel.insert(cx.now + GLARE_WAIT, Alarm::Refresh(me, side));
            return cx.give_rows(rows);
        }
        if let Some(session) = &leg.session {
            session.refresh_rows(&mut rows);
        }
        let sent = if leg.untold.is_none() && !leg.sdp.unsaid && leg.refreshes_by_update(&epoch) {
            let user = User::Own(me, side, Own::RefreshUpdate);
            leg.request(cx, &epoch, InnerRequest::bare(b"UPDATE", &rows), user)
        } else {
            let body: Box<[u8]> = leg.sdp.restate().into();
            let request = InnerRequest {
                method: b"INVITE",
                rows: &rows,
                content_type: if body.is_empty() { b"" } else { b"application/sdp" },
                body: &body,
            };
            let sent = leg.request(cx, &epoch, request, User::Own(me, side, Own::RefreshInvite));
            leg.inviting = sent.is_ok();
            sent
        };
        cx.give_rows(rows);
        match sent {
            Ok(_) => self.pending += 1,
            Err(_) => cx.counters.attempts_refused += 1,
        }
    }

    /// The answer to a refresh (RFC 4028 §10): 2xx restarts the timer; a peer that is gone ends
    /// the call; other refusals leave it to the timer.
    pub(crate) fn on_refreshed(
        &mut self,
        side: Side,
        what: Own,
        msg: Option<Msg<'_>>,
        status: u16,
        cx: &mut Context<'_>,
    ) {
        let epoch = self.epoch.clone();
        let me = self.me;
        let cseq = msg.and_then(|m| m.cseq().ok()).map(|c| c.number);
        let Some(leg) = self.leg_mut(side) else { return };
        if what == Own::RefreshInvite {
            // A repeated 2xx: its ACK was lost (RFC 3261 §13.2.2.4).
            let answered = !leg.inviting || cseq.is_some_and(|c| c != leg.invite_cseq);
            if let (true, 200..=299, Some(cseq)) = (answered, status, cseq) {
                return leg.acknowledge_again(cseq, cx, &epoch);
            }
            leg.inviting = false;
        }
        self.pending = self.pending.saturating_sub(1);
        let Some(leg) = self.leg_mut(side) else { return };
        match (status, msg) {
            (200..=299, Some(msg)) => self.take_refresh(side, what, msg, cx),
            (408 | 481, _) => self.heed_gone(side, status, cx),
            // RFC 4028 §7.4: asked again with the interval that the peer wants.
            (422, Some(msg)) if leg.heeds_422(msg) => {
                self.refresh_session(side, cx);
            }
            (500 | 503, Some(msg)) if msg.retry_after().is_some() => {
                let wait = msg.retry_after().unwrap_or(1).clamp(1, RETRY_AFTER_MAX);
                cx.wheel.insert(cx.now + Duration::from_secs(u64::from(wait)), Alarm::Refresh(me, side));
            }
            (491, _) => cx.wheel.insert(cx.now + GLARE_WAIT, Alarm::Refresh(me, side)),
            // Where the other peer has moved to, this one will not send.
            _ if leg.untold.is_some() => self.release(ReasonId::SdpAnswerBad, ReleasedBy::Us, cx),
            (405 | 501, _) => self.on_refresh_unknown(side, what, cx),
            _ => {}
        }
    }

    /// The peer knows no such refresh: UPDATE is followed by re-INVITE. One that knows neither is alive all the
    /// same, and needs no timer if it keeps none.
    fn on_refresh_unknown(&mut self, side: Side, what: Own, cx: &mut Context<'_>) {
        let Some(leg) = self.leg_mut(side) else { return };
        if what == Own::RefreshUpdate {
            leg.update_refused = true;
            return self.refresh_session(side, cx);
        }
        if leg.session.is_some_and(|timer| !timer.peer_supports()) {
            leg.session = None;
        }
    }

    /// A 2xx to a refresh: the peer's target and timer are as it says, and so are its media, which it may
    /// have moved in the answer to our re-INVITE (RFC 3264 §8).
    fn take_refresh(&mut self, side: Side, what: Own, msg: Msg<'_>, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let Some(leg) = self.leg_mut(side) else { return };
        leg.refresh(msg, &epoch);
        if what == Own::RefreshInvite {
            leg.acknowledge(cx, &epoch);
        }
        let policy = session_policy(epoch.policy(leg.trunk), leg.abilities.update);
        leg.session = SessionTimer::uac(&msg, &policy, true);
        let trunk = leg.trunk;
        self.arm_session(side, cx);
        if self.phase != Phase::Answered || what != Own::RefreshInvite || !msg.is_sdp() {
            return;
        }
        let Some(leg) = self.leg_mut(side) else { return };
        leg.sdp.unsaid = false;
        let (told, before) = (leg.untold.take(), leg.described.clone());
        let ours = leg.sdp.text.clone();
        let taken = self
            .judge(&ours, msg.body())
            .and_then(|()| self.tell_engine(side, trunk, (msg.body(), &ours), true, cx));
        match taken {
            Err(_) => self.release(ReasonId::SdpAnswerBad, ReleasedBy::Us, cx),
            Ok(()) => self.follow_move(side, &before, msg.body(), told.unwrap_or(0), cx),
        }
    }

    /// A peer has answered our refresh with other media than before. Anchored, that is the engine's affair; of
    /// peers that speak to each other directly, the other one is told (RFC 3264 §8).
    fn follow_move(&mut self, side: Side, before: &[u8], now: &[u8], moves: u8, cx: &mut Context<'_>) {
        let same = match (parse(before), parse(now)) {
            (Ok(before), Ok(now)) => sdp::change(&before, &now) == sdp::Change::Nothing,
            _ => true,
        };
        if same || self.media.is_anchored() || moves >= MOVES_MAX {
            return;
        }
        let other = side.other();
        if self.describe_for(other, now, b"", cx).is_ok()
            && let Some(leg) = self.leg_mut(other)
        {
            leg.untold = Some(moves + 1);
            self.refresh_session(other, cx);
        }
    }
}
