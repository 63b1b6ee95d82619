//! Digits between signalling and media: an INFO that becomes sound or events, and what the engine hears that
//! becomes an INFO. Which way digits go is `negotiation`'s to say; their bodies are `sip_core::digit`'s.

use crate::call::Call;
use crate::context::{Context, Own, User};
use crate::leg::InnerRequest;
use media::{Command, Digit, Side};
use negotiation::{InfoFate, info_fate, info_form};
use sip_core::{InfoDigit, ServerTxn};
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
        let next = self.media.lines.get_or_insert_default()[to.index()].push(digit);
        self.send_digit(to, next, cx);
    }

    /// Our INFO has its final answer, or none came.
    pub(crate) fn on_digit_answered(&mut self, to: Side, taken: bool, cx: &mut Context<'_>) {
        let next = self.media.lines.as_mut().and_then(|lines| lines[to.index()].answered(taken));
        self.send_digit(to, next, cx);
    }

    fn send_digit(&mut self, to: Side, digit: Option<InfoDigit>, cx: &mut Context<'_>) {
        let Some(digit) = digit else { return };
        let (epoch, user) = (self.epoch.clone(), User::Own(self.me, to, Own::Digit));
        let (form, mut body) = (info_form(epoch.policy(self.trunk_of(to))), Vec::with_capacity(32));
        digit.write(form, &mut body);
        let content_type = form.content_type();
        let request = InnerRequest { method: b"INFO", rows: b"", content_type, body: &body };
        let leg = self.next_leg_mut(to).filter(|leg| !leg.gone);
        if leg.is_none_or(|leg| leg.request(cx, &epoch, request, user).is_err()) {
            self.on_digit_answered(to, false, cx);
        }
    }
}
