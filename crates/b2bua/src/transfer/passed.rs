//! REFER handed on to the other peer of a call: its numbers at our own address, the dialogs that it names as
//! that peer knows them; and what that peer says of how it goes, on its way back.

use super::notices::copy_rows;
use super::{Errand, Referral, TransferHow};
use crate::call::Call;
use crate::context::Context;
use crate::output::Outbox;
use crate::relay::Relay;
use crate::switchboard::Switchboard;
use crate::tag::CallRef;
use crate::telling::cross;
use base::{ReasonId, Time};
use config::PassStrip;
use identity::headers::{Kind, push_row};
use media::Side;
use routing::Decision;
use sip_core::ServerTxn;
use sip_msg::refer::{ends, refer_event, renounces, sipfrag};
use sip_msg::{Method, Msg, Name, Replaces};

/// How many REFERs of one call may be on their way or watched: limit `refers_passed`.
const HANDED_MAX: usize = 4;

/// A REFER that the other peer was handed.
pub(super) struct Handed {
    /// The transfer's number.
    number: u16,
    /// Who sent it, under which CSeq.
    from: Side,
    cseq: u32,
    /// Under which CSeq it went on.
    sent: u32,
}

/// What another call's dialog is called towards a peer of this one.
struct Written {
    /// The target's URI, where the peer can reach it by itself.
    target: Option<Box<[u8]>>,
    replaces: Replaces,
}

impl Call {
    /// Hands a REFER on, when the dialog that it may name is looked up.
    pub(super) fn hand_on(&mut self, referral: Referral, msg: Msg<'_>, cx: &mut Context<'_>) {
        let handed = self.transfers.as_deref().map_or(0, |t| t.handed.len());
        if handed >= HANDED_MAX {
            return self.refuse_refer((referral.side, referral.txn), 491, ReasonId::TransferPending, cx);
        }
        let mut rows = Vec::new();
        cross(msg, Kind::Inner, &self.epoch, self.way_from(referral.side), &mut rows);
        if let Some(value) = msg.row_named("Refer-Sub").next() {
            push_row(&mut rows, b"Refer-Sub", value);
        }
        cx.errands.push(Errand::Hand(self.me, Box::new(Referral { rows: rows.into(), ..referral })));
    }

    fn send_refer(&mut self, referral: Referral, named: Option<Written>, cx: &mut Context<'_>) {
        let (from, to) = (referral.side, referral.side.other());
        let trunk = self.trunk_of(to);
        let called = match self.number_referred(&referral, cx) {
            Ok(called) => called,
            Err(why) => return self.refuse_refer((from, referral.txn), why.status(), why, cx),
        };
        let mut value = match named.as_ref().and_then(|named| named.target.as_deref()) {
            Some(target) => [b"<", target, b">"].concat(),
            None => self.number_at(trunk, &called),
        };
        if let Some(named) = &named {
            value.pop();
            value.extend_from_slice(b"?Replaces=");
            named.replaces.write_escaped(&mut value);
            value.push(b'>');
        }
        let mut rows = referral.rows.to_vec();
        push_row(&mut rows, b"Refer-To", &value);
        self.push_referred_by(&referral, &mut rows);
        // A REFER makes a target of who sends it (RFC 3515 §2.2).
        if let Some(leg) = self.leg(to) {
            leg.push_contact(&mut rows, &self.epoch, b"");
        }
        let Ok(client) = self.send_on(to, Method::Refer, &rows, (b"", b""), cx) else {
            return self.answer_inner(referral.txn, 503, b"Retry-After: 1\r\n", cx);
        };
        let sent = self.leg(to).map_or(0, |leg| leg.dialog.local_cseq());
        let number = self.begin_transfer((from, self.trunk_of(from)), TransferHow::Passed, &called, None, cx);
        self.transfers_mut().handed.push(Handed { number, from, cseq: referral.cseq, sent });
        self.push_relay(client, referral.txn, from, Method::Refer, referral.cseq, &rows);
    }

    /// The number in Refer-To, normalised as a call of the transferring party's would have it; a user is held to
    /// what it may call (403), for the other peer knows nothing of its rights.
    fn number_referred(&self, referral: &Referral, cx: &mut Context<'_>) -> Result<String, ReasonId> {
        let on = self.trunk_of(referral.side);
        let table = &self.epoch.snapshot.table;
        let by = table.write_number(self.party(referral.side), on);
        match self.route_for(&self.facts_of(referral.side, &referral.asked.called, &by, cx), cx) {
            Decision::Plan(plan) => Ok(plan.called),
            Decision::Refuse(why)
                if why.status == 403
                    && referral.asked.replaces.is_none()
                    && self.user_of(referral.side).is_some() =>
            {
                Err(why.reason)
            }
            Decision::Refuse(_) => Ok(table.read_number(&referral.asked.called, on)),
        }
    }

    fn push_referred_by(&self, referral: &Referral, rows: &mut Vec<u8>) {
        let to = self.trunk_of(referral.side.other());
        let rules = &self.epoch.policy(to).caller;
        if !rules.trust || rules.referred_by == PassStrip::Strip {
            return;
        }
        if let Some(by) = self.referrer(referral, to) {
            push_row(rows, b"Referred-By", &self.written_at(to, &by.number));
        }
    }

    /// Whether a party's number is kept from the others.
    pub(super) fn hides(&self, side: Side) -> bool {
        side == Side::A && self.withheld
    }

    fn push_relay(
        &mut self,
        client: sip_core::ClientTxn,
        server: ServerTxn,
        from: Side,
        method: Method,
        cseq: u32,
        rows: &[u8],
    ) {
        let (offer, before, attempt) = (Box::default(), Box::default(), self.current);
        self.relays.push(Relay {
            client,
            server,
            from,
            attempt,
            method,
            sent: method,
            cseq,
            offer,
            before,
            rows: rows.into(),
            progress: None,
            withdrawn: false,
        });
    }

    /// A REFER that was handed on is refused: nothing more is to be heard of it.
    pub(crate) fn note_passed(&mut self, relay: &Relay, status: u16, cx: &mut Context<'_>) {
        if relay.sent == Method::Refer && status >= 300 {
            self.forget_handed(relay, status, cx);
        }
    }

    /// Nothing more is to be heard of a REFER that was handed on.
    fn forget_handed(&mut self, relay: &Relay, status: u16, cx: &mut Context<'_>) {
        let Some(transfers) = self.transfers.as_deref_mut() else { return };
        let mine = |one: &Handed| one.from == relay.from && one.cseq == relay.cseq;
        let Some(at) = transfers.handed.iter().position(mine) else { return };
        let number = transfers.handed.remove(at).number;
        self.close_transfer(number, status, cx);
    }

    /// What the 2xx to a REFER that was handed on says besides: our Contact (RFC 3515 §2.2), and whether NOTIFY will
    /// come (RFC 4488 §4); without, nothing more is heard of it.
    pub(crate) fn refer_taken(
        &mut self,
        relay: &Relay,
        msg: Msg<'_>,
        rows: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) {
        if let Some(leg) = self.leg(relay.from) {
            leg.push_contact(rows, &self.epoch, b"");
        }
        let Some(value) = msg.row_named("Refer-Sub").next() else { return };
        push_row(rows, b"Refer-Sub", value);
        if renounces(msg) {
            self.forget_handed(relay, msg.status(), cx);
        }
    }

    /// NOTIFY of a peer that was handed a REFER goes back to who sent that (RFC 3515 §2.4.4); others belong to
    /// no subscription (RFC 6665 §4.1.3).
    pub(crate) fn on_notify(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) {
        let id = refer_event(msg);
        let handed = self.transfers.as_deref().map(|t| t.handed.as_slice()).unwrap_or_default();
        let meant =
            |one: &&Handed| one.from != side && id.is_some_and(|id| id.is_none_or(|id| id == one.sent));
        let Some(&Handed { number, from, cseq: refer, .. }) = handed.iter().find(meant) else {
            return self.answer_inner(txn, 481, b"", cx);
        };
        let over = msg.first(Name::SubscriptionState).is_some_and(ends);
        let (status, body) = sipfrag(msg);
        let mut rows = cx.take_rows();
        let named = id.flatten().is_some();
        let event = if named { format!("refer;id={refer}") } else { "refer".to_owned() };
        push_row(&mut rows, b"Event", event.as_bytes());
        copy_rows(msg, &[Name::SubscriptionState], &mut rows);
        if let Some(leg) = self.leg(from) {
            leg.push_contact(&mut rows, &self.epoch, b"");
        }
        let content = (&b"message/sipfrag;version=2.0"[..], body.as_slice());
        match self.is_left(from, Method::Notify) {
            Some(_) => self.answer_inner(txn, 481, b"", cx),
            None => match self.send_on(from, Method::Notify, &rows, content, cx) {
                Ok(client) => self.push_relay(client, txn, side, Method::Notify, cseq, &rows),
                Err(_) => self.answer_inner(txn, 503, b"Retry-After: 1\r\n", cx),
            },
        }
        cx.give_rows(rows);
        if over {
            self.transfers_mut().handed.retain(|one| one.number != number);
            self.close_transfer(number, status.max(100), cx);
        }
    }
}

impl Switchboard {
    /// Looks up the dialog that a REFER names, and hands the REFER on.
    pub(super) fn hand(&mut self, now: Time, call: CallRef, referral: Referral, out: &mut Outbox) {
        let named = referral.asked.replaces.as_ref().map(|replaces| self.written(call, &referral, replaces));
        self.with_call(now, call, out, |call, cx| call.send_refer(referral, named, cx));
    }

    /// A dialog as the peer that is referred to it has to name it: a party of the same trunk by the dialog that
    /// party knows, so that their own network can join them; any other by ours, under a name that tells nothing
    /// of the peer on its other end. One that is not ours stays as it is.
    fn written(&self, call: CallRef, referral: &Referral, replaces: &Replaces) -> Written {
        let kept = Written { target: None, replaces: replaces.clone() };
        let named = self.dialog_named(replaces).filter(|named| !named.rings && named.call != call);
        let (Some(named), Some(here)) = (named, self.calls.get(call)) else { return kept };
        let Some(other) = self.calls.get(named.call) else { return kept };
        let run = here.epoch.run(here.trunk_of(referral.side.other()));
        match other.leg(named.side.other()).filter(|leg| !leg.gone) {
            Some(leg) if other.epoch.run(leg.trunk) == run => Written {
                target: Some(leg.dialog.remote_target().into()),
                replaces: Replaces {
                    call_id: leg.dialog.call_id().into(),
                    to_tag: leg.dialog.remote_tag().into(),
                    from_tag: leg.dialog.local_tag().into(),
                    early_only: replaces.early_only,
                },
            },
            _ => Written {
                target: None,
                replaces: Replaces {
                    call_id: other.key.to_string().into_bytes().into(),
                    from_tag: b"0"[..].into(),
                    ..replaces.clone()
                },
            },
        }
    }
}
