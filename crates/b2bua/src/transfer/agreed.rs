//! What the parties of a transfer answer, and its end: agreed, or failed.

use super::moving::Stage;
use super::{Errand, TransferHow, released_by};
use crate::call::{Call, Phase};
use crate::context::{Context, Own, User};
use crate::leg::InnerRequest;
use base::ReasonId;
use identity::session_policy;
use media::{Command, Side};
use negotiation::SdpTrouble;
use sip_core::session_timer::SessionTimer;
use sip_msg::Msg;

impl Call {
    /// The answer to a re-INVITE that moves a party's media.
    pub(crate) fn on_moved(&mut self, side: Side, msg: Option<Msg<'_>>, status: u16, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let cseq = msg.and_then(|m| m.cseq().ok()).map(|c| c.number);
        let Some(leg) = self.leg_mut(side) else { return };
        let known = !leg.inviting || cseq.is_some_and(|c| c != leg.invite_cseq);
        if let (true, 200..=299, Some(cseq)) = (known, status, cseq) {
            return leg.acknowledge_again(cseq, cx, &epoch);
        }
        leg.inviting = false;
        self.pending = self.pending.saturating_sub(1);
        let again =
            msg.is_some_and(|msg| status == 422 && self.leg_mut(side).is_some_and(|l| l.heeds_422(msg)));
        let mut body: Box<[u8]> = Box::default();
        if let (200..=299, Some(msg)) = (status, msg) {
            self.take_moved(side, msg, cx);
            body = if msg.is_sdp() { msg.body().into() } else { Box::default() };
        }
        let status = if again { 491 } else { status };
        match self.lent().map(|lent| lent.side == side) {
            Some(true) => self.lent_answered(side, status, body, cx),
            _ => self.stays_answered(side, status, &body, cx),
        }
    }

    /// A 2xx: acknowledged, its target and session timer taken.
    fn take_moved(&mut self, side: Side, msg: Msg<'_>, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let Some(leg) = self.leg_mut(side) else { return };
        leg.refresh(msg, &epoch);
        leg.acknowledge(cx, &epoch);
        let policy = session_policy(epoch.policy(leg.trunk), leg.abilities.update);
        leg.session = SessionTimer::uac(&msg, &policy, true);
        self.arm_session(side, cx);
    }

    fn stays_answered(&mut self, side: Side, status: u16, body: &[u8], cx: &mut Context<'_>) {
        let me = self.me;
        let asked = self.moving_mut().is_some_and(|m| m.goes != side && std::mem::take(&mut m.asked));
        match status {
            200..=299 if !asked => self.remind(side, cx),
            200..=299 => match self.agree(side, body, cx) {
                Ok(()) => cx.errands.push(Errand::Join(me)),
                Err(_) => {
                    self.remind(side, cx);
                    self.fail_transfer(488, cx);
                }
            },
            491 => self.ask_later(cx),
            _ => {
                self.fail_transfer(status, cx);
                self.heed_gone(side, status, cx);
            }
        }
    }

    /// Both have agreed: what they have said is what holds.
    fn agree(&mut self, side: Side, body: &[u8], cx: &mut Context<'_>) -> Result<(), SdpTrouble> {
        let epoch = self.epoch.clone();
        let trunk = self.trunk_of(side);
        let trouble = || SdpTrouble { reason: ReasonId::SdpAnswerMissing, warning: (399, "") };
        let moving = self.moving_mut().filter(|_| !body.is_empty()).ok_or_else(trouble)?;
        moving.media.judge(&moving.stays.text, body)?;
        moving.media.set_remotes(side, (&epoch, trunk), (body, &moving.stays.text), true, cx)?;
        if moving.how == TransferHow::Replaced && moving.comes.text.is_empty() {
            let offer = moving.described.clone();
            let goes = ((moving.goes, moving.trunk), trunk);
            moving.media.describe(&epoch, goes, body, &offer, &mut moving.comes, cx)?;
            let comes = (&offer[..], &moving.comes.text[..]);
            moving.media.set_remotes(moving.goes, (&epoch, moving.trunk), comes, true, cx)?;
        }
        moving.stage = Stage::Joining;
        let stays = moving.stays.clone();
        if let Some(leg) = self.leg_mut(side) {
            leg.sdp = stays;
            leg.described = leg.sdp.hear(body, cx.wall());
        }
        self.note_codec(body);
        Ok(())
    }

    /// A party that has moved although nobody is there: it is told again what held before.
    pub(crate) fn remind(&mut self, side: Side, cx: &mut Context<'_>) {
        if self.phase != Phase::Answered {
            return;
        }
        if let Some(leg) = self.leg_mut(side) {
            let text: Box<[u8]> = leg.sdp.restate().into();
            self.send_move_back(side, &text, cx);
        }
    }

    fn send_move_back(&mut self, side: Side, text: &[u8], cx: &mut Context<'_>) {
        let (epoch, user) = (self.epoch.clone(), User::Own(self.me, side, Own::RefreshInvite));
        let Some(leg) = self.leg_mut(side) else { return };
        let request =
            InnerRequest { method: b"INVITE", rows: b"", content_type: b"application/sdp", body: text };
        let sent = leg.request(cx, &epoch, request, user).is_ok();
        leg.inviting |= sent;
        self.pending += u16::from(sent);
    }

    /// The transfer fails. The call goes on as it was; if who transferred has hung up, it ends.
    pub(super) fn fail_transfer(&mut self, status: u16, cx: &mut Context<'_>) {
        let Some(moving) = self.moving_mut().filter(|moving| !moving.is_over()) else { return };
        if let Some(session) = moving.media.session() {
            cx.out.media.push(Command::Close { session });
            cx.sessions.close(session);
        }
        moving.stage = Stage::Over;
        moving.failed = status;
        let placed = moving.how == TransferHow::Blind;
        if let Some((other, _)) = moving.other {
            cx.errands.push(Errand::Release(other, status));
        }
        if !placed {
            self.transfer_over(cx);
        }
    }

    /// A transfer has failed, and nothing of it is left.
    pub(super) fn transfer_over(&mut self, cx: &mut Context<'_>) {
        let Some(moving) = self.transfers.as_deref_mut().and_then(|t| t.moving.take()) else { return };
        let status = if moving.failed == 0 { 480 } else { moving.failed };
        self.close_transfer(self.last_transfer(), status, cx);
        let left = self.leg(moving.goes).is_none_or(|leg| leg.gone);
        // A NOTIFY could overtake the BYE that such a party is sent, which would then be refused.
        if left || self.phase != Phase::Over {
            self.report_transfer(status, cx);
        }
        match self.phase {
            Phase::Answered if left => {
                self.release(ReasonId::TransferFailed, released_by(moving.goes), cx);
            }
            Phase::Answered | Phase::Setup => {}
            Phase::Over => self.try_record(cx),
        }
    }
}
