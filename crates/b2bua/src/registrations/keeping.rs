//! Flows of registrations, kept open: pings, pongs, and what their end means. RFC 5626 §4.4, §4.5.

use crate::context::{Alarm, Context};
use crate::output::Level;
use crate::switchboard::Switchboard;
use base::Time;
use peers::EnrolmentRef;
use sip_core::keepalive::Act;
use sip_core::{ConnId, Flow};

impl Context<'_> {
    /// Sees to it that the alarm of a flow fires in time.
    pub(super) fn arm_keeping(&mut self, at: EnrolmentRef) {
        let Some((one, alarm_at)) = &mut self.enrolment(at).keeping else { return };
        let due = one.next_deadline();
        if *alarm_at != due {
            *alarm_at = due;
            self.wheel.insert(due, Alarm::Keepalive(at));
        }
    }
}

impl Switchboard {
    /// A flow is to be pinged, or did not answer.
    pub(crate) fn on_keepalive_alarm(&mut self, at: EnrolmentRef, now: Time, out: &mut crate::Outbox) {
        let dice = self.rng.next_u64();
        let mut cx = self.context(now, out);
        let enrolment = cx.enrolment(at);
        let flow = enrolment.reached.filter(|_| enrolment.configured);
        let (Some(flow), Some((one, _))) = (flow, &mut enrolment.keeping) else { return };
        match one.handle_timeout(now, dice) {
            Some(Act::Ping) => cx.out.sip.push_ping(flow),
            Some(Act::Failed) => {
                // RFC 5626 §4.4.1: nobody speaks over it again.
                cx.out.sip.closes.extend(flow.conn);
                let enrolment = cx.enrolment(at);
                enrolment.lose_flow(now, dice);
                let detail = format!("{} at {}", cx.enrolment_name(at), flow.remote);
                cx.note(Level::Warn, "registered connection does not answer", detail);
                cx.counters.flows_lost += 1;
                cx.arm(at);
            }
            None => {}
        }
        cx.arm_keeping(at);
    }

    /// A ping was answered.
    pub(crate) fn on_pong(&mut self, now: Time, conn: ConnId, out: &mut crate::Outbox) {
        let dice = self.rng.next_u64();
        for at in self.enrolment_refs() {
            let mut cx = self.context(now, out);
            let enrolment = cx.enrolment(at);
            let own = enrolment.reached.is_some_and(|flow| flow.conn == Some(conn));
            if let (true, Some((one, _))) = (own, &mut enrolment.keeping) {
                one.ponged(now, dice);
                cx.arm_keeping(at);
            }
        }
    }

    /// A connection has ended: accounts that live by it register anew.
    pub(crate) fn flow_ended(&mut self, now: Time, conn: ConnId, out: &mut crate::Outbox) {
        for at in self.enrolment_refs() {
            let dice = self.rng.next_u64();
            let mut cx = self.context(now, out);
            let enrolment = cx.enrolment(at);
            let own = |flow: &Flow| flow.transport.is_reliable() && flow.conn == Some(conn);
            let Some(flow) = enrolment.reached.filter(own) else { continue };
            enrolment.lose_flow(now, dice);
            if enrolment.order.lives_by_flow() {
                cx.counters.flows_lost += 1;
                let detail = format!("{} at {}", cx.enrolment_name(at), flow.remote);
                cx.note(Level::Warn, "registered connection ended", detail);
                cx.arm(at);
            }
        }
    }
}
