//! Digits between signalling and media: an INFO that becomes sound or events, and what the engine hears that
//! becomes an INFO. Which way digits go is `negotiation`'s to say; their bodies are `sip_core::digit`'s.

use crate::call::Call;
use crate::context::{Context, Own, User};
use crate::leg::InnerRequest;
use media::{Command, Digit, Side};
use negotiation::{InfoFate, info_fate, info_form};
use sip_core::{DigitLine, InfoDigit, ServerTxn};
use sip_msg::Msg;

impl Call {
    /// INFO or MESSAGE: a digit that the other peer is to hear in another way stays here, all else goes on.
    pub(crate) fn on_info(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        let other = side.other();
        let policies = [side, other].map(|side| self.epoch.policy(self.trunk_of(side)));
        let converts = self.media.joining.converts_digits(self.media.seat(side));
        match info_fate(policies, msg, converts) {
            InfoFate::Pass => return self.pass_on(side, msg, txn, cseq, msg.method(), cx),
            InfoFate::Rewrite(digit) => self.tell_digit(other, digit, cx),
            InfoFate::Convert(InfoDigit { event, duration_ms }) => {
                let (toward, digit) = (self.media.seat(other), Digit { event, duration_ms });
                let order = |session| Command::Digit { session, toward, digit };
                cx.out.media.extend(self.media.session().map(order));
            }
        }
        self.answer_inner(txn, 200, b"", cx);
    }

    /// A digit for a peer that wants it in signalling.
    pub(crate) fn tell_digit(&mut self, to: Side, digit: InfoDigit, cx: &mut Context<'_>) {
        self.media.lines.get_or_insert_default();
        self.turn_line(to, |line| line.push(digit), cx);
    }

    /// Our INFO has its final answer, or none came: a peer that knows the dialog no more ends the call.
    pub(crate) fn on_digit_answered(&mut self, to: Side, turn: u16, status: u16, cx: &mut Context<'_>) {
        if self.media.lines.as_ref().is_some_and(|lines| lines[to.index()].turn() == turn) {
            self.heed_gone(to, status, cx);
        }
        self.turn_line(to, |line| line.answered(turn, status < 300), cx);
    }

    /// The leg that digits went to has gone, and those that wait for it with it.
    pub(crate) fn leave_line(&mut self, to: Side, cx: &mut Context<'_>) {
        let leave = |line: &mut DigitLine| {
            line.leave();
            None
        };
        self.turn_line(to, leave, cx);
    }

    /// Something happens to a line of digits: those that it lost are counted, and the next one goes.
    fn turn_line(
        &mut self,
        to: Side,
        act: impl FnOnce(&mut DigitLine) -> Option<InfoDigit>,
        cx: &mut Context<'_>,
    ) {
        let Some(lines) = &mut self.media.lines else { return };
        let line = &mut lines[to.index()];
        let (next, turn) = (act(line), line.turn());
        cx.counters.digits_lost += line.take_lost();
        let Some(digit) = next else { return };
        let (epoch, user) = (self.epoch.clone(), User::Own(self.me, to, Own::Digit(turn)));
        let (form, mut body) = (info_form(epoch.policy(self.trunk_of(to))), Vec::with_capacity(32));
        digit.write(form, &mut body);
        let content_type = form.content_type();
        let request = InnerRequest { method: b"INFO", rows: b"", content_type, body: &body };
        let leg = self.next_leg_mut(to).filter(|leg| !leg.gone);
        if leg.is_none_or(|leg| leg.request(cx, &epoch, request, user).is_err()) {
            self.on_digit_answered(to, turn, 503, cx);
        }
    }
}
