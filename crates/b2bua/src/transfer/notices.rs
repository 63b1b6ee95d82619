//! What whoever transferred a call is told: NOTIFY (RFC 3515 §2.4), and BYE when the other party is gone.

use crate::call::Call;
use crate::context::{Context, Own, User};
use crate::ending::bye;
use crate::leg::{InnerRequest, Leg};
use identity::headers::{push_number, push_row};
use media::Side;
use sip_core::{Flow, Notice, ReferSubscription, ServerTxn};
use sip_msg::refer::refer_event;
use sip_msg::{Method, Msg, Name};

/// Who referred, and how far it has been told.
pub(super) struct Subscribed {
    /// The transfer's number.
    number: u16,
    side: Side,
    subscription: ReferSubscription,
    /// The leg, once another one has its place.
    left: Option<Box<Leg>>,
}

impl Call {
    /// Whether a REFER of this side was accepted before, so that notices have to say which one they mean.
    pub(super) fn has_referred(&self, side: Side) -> bool {
        let notices = self.transfers.as_deref().map(|t| t.notices.as_slice()).unwrap_or_default();
        notices.iter().any(|one| one.side == side && one.left.is_none())
    }

    pub(super) fn subscribe(&mut self, number: u16, side: Side, subscription: ReferSubscription) {
        let one = Subscribed { number, side, subscription, left: None };
        self.transfers_mut().notices.push(one);
    }

    /// Tells whoever transferred last how it goes.
    pub(super) fn report_transfer(&mut self, status: u16, cx: &mut Context<'_>) {
        let Some(transfers) = self.transfers.as_deref_mut() else { return };
        let Some(one) = transfers.notices.last_mut() else { return };
        let number = one.number;
        if let Some(notice) = one.subscription.report(status) {
            self.send_notice(number, notice, cx);
        }
    }

    fn send_notice(&mut self, number: u16, notice: Notice, cx: &mut Context<'_>) {
        let Call { transfers: Some(transfers), a, b, epoch, me, .. } = self else { return };
        let Some(one) = transfers.notices.iter_mut().find(|one| one.number == number) else { return };
        let leg = match (&mut one.left, one.side) {
            (Some(leg), _) => &mut **leg,
            (None, Side::A) => a,
            (None, Side::B) => match b {
                Some(leg) => leg,
                None => return,
            },
        };
        let user = User::Own(*me, one.side, Own::Notify(number));
        let mut rows = cx.take_rows();
        push_row(&mut rows, b"Event", one.subscription.event().as_bytes());
        push_row(&mut rows, b"Subscription-State", one.subscription.state(notice, cx.now).as_bytes());
        leg.push_contact(&mut rows, epoch, b"");
        let body = notice.body();
        let request = InnerRequest {
            method: b"NOTIFY",
            rows: &rows,
            content_type: b"message/sipfrag;version=2.0",
            body: body.as_bytes(),
        };
        let sent = leg.request(cx, epoch, request, user);
        cx.give_rows(rows);
        self.pending += u16::from(sent.is_ok());
    }

    /// The answer to a NOTIFY of ours.
    pub(crate) fn on_notified(&mut self, number: u16, status: u16, cx: &mut Context<'_>) {
        self.pending = self.pending.saturating_sub(1);
        let Some(transfers) = self.transfers.as_deref_mut() else { return };
        let Some(one) = transfers.notices.iter_mut().find(|one| one.number == number) else { return };
        match one.subscription.notified(status) {
            Some(notice) => self.send_notice(number, notice, cx),
            None => self.part(number, cx),
        }
    }

    /// A leg whose place is taken: told the outcome, then ended.
    pub(super) fn park(&mut self, number: u16, leg: Leg, cx: &mut Context<'_>) {
        let side = leg.side;
        let transfers = self.transfers_mut();
        transfers.notices.retain(|one| one.number == number || one.side != side || one.left.is_some());
        match transfers.notices.iter_mut().find(|one| one.number == number) {
            Some(one) => one.left = Some(Box::new(leg)),
            None => {
                let subscription = ReferSubscription::new(0, false, false, cx.now);
                transfers.notices.push(Subscribed { number, side, subscription, left: Some(Box::new(leg)) });
            }
        }
        self.report_transfer(200, cx);
        self.part(number, cx);
    }

    /// Ends a leg that nothing more is to be told to.
    fn part(&mut self, number: u16, cx: &mut Context<'_>) {
        let (epoch, me) = (self.epoch.clone(), self.me);
        let Some(transfers) = self.transfers.as_deref_mut() else { return };
        let told =
            |one: &Subscribed| one.number == number && !one.subscription.is_waiting() && one.left.is_some();
        let Some(at) = transfers.notices.iter().position(told) else { return };
        let Some(mut leg) = transfers.notices.remove(at).left.filter(|leg| !leg.gone) else { return };
        self.pending += bye(&mut leg, &epoch, me, b"", cx);
    }

    /// Whether a request belongs to a leg whose place was taken.
    pub(super) fn hears_left(&self, msg: Msg<'_>, flow: &Flow) -> bool {
        let notices = self.transfers.as_deref().map(|t| t.notices.as_slice()).unwrap_or_default();
        let left = notices.iter().filter_map(|one| one.left.as_deref()).any(|leg| leg.hears(&msg, flow));
        left || self.hears_recorder(msg, flow)
    }

    /// A request of a party that has gone: it may hang up, and nothing else.
    pub(crate) fn on_left(&mut self, msg: Msg<'_>, txn: ServerTxn, flow: &Flow, cx: &mut Context<'_>) {
        let notices = self.transfers.as_deref_mut().map(|t| t.notices.as_mut_slice()).unwrap_or_default();
        let left = notices.iter_mut().filter_map(|one| one.left.as_deref_mut());
        let Some(leg) = left.into_iter().find(|leg| leg.hears(&msg, flow)) else {
            return self.on_recorder(cx, |session, sdp, env| session.on_request(msg, txn, sdp, env));
        };
        let hangs_up = msg.method() == Method::Bye;
        leg.gone |= hangs_up;
        self.answer_inner(txn, if hangs_up { 200 } else { 481 }, b"", cx);
    }

    /// SUBSCRIBE inside the dialog renews or ends what a REFER began (RFC 3515 §2.4.4); there is nothing else
    /// to subscribe to (RFC 6665 §4.1.3).
    pub(crate) fn on_subscribe(&mut self, side: Side, msg: Msg<'_>, txn: ServerTxn, cx: &mut Context<'_>) {
        let id = refer_event(msg);
        let goes_on = msg.expires() != Some(0);
        let now = cx.now;
        let mut found = None;
        if let (Some(id), Some(transfers)) = (id, self.transfers.as_deref_mut()) {
            let meant = |one: &&mut Subscribed| one.side == side && one.subscription.is_meant(id);
            found = transfers.notices.iter_mut().find(meant).map(|one| {
                let notice = one.subscription.renew(goes_on, now);
                (one.number, notice, if goes_on { one.subscription.expires(now) } else { 0 })
            });
        }
        let Some((number, notice, expires)) = found else {
            return self.refuse_event(side, msg, txn, cx);
        };
        let epoch = self.epoch.clone();
        let mut rows = cx.take_rows();
        push_number(&mut rows, b"Expires", expires);
        if let Some(leg) = self.leg(side) {
            leg.push_contact(&mut rows, &epoch, b"");
        }
        self.answer_inner(txn, 200, &rows, cx);
        cx.give_rows(rows);
        if let Some(notice) = notice {
            self.send_notice(number, notice, cx);
        }
    }
}

/// The rows of a message that speak of a subscription.
pub(super) fn copy_rows(msg: Msg<'_>, names: &[Name], rows: &mut Vec<u8>) {
    for name in names {
        if let Some(value) = msg.first(*name) {
            push_row(rows, name.as_str().as_bytes(), value);
        }
    }
}
