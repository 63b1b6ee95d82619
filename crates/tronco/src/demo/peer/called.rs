//! Taking a call: 180, then 200 or a refusal.

use super::audio::Line;
use super::leg::{FINAL_WITHIN, Leg, Part, REPLY_WITHIN, Stage, Talks};
use super::message::{Message, description, response};
use super::wire::Wire;
use crate::demo::board::Facts;
use std::time::Instant;

impl Leg {
    /// Takes a call; `wants` is where its offer wants audio.
    pub(super) fn take_call(
        invite: &Message,
        wants: std::net::SocketAddr,
        part: Part,
        line: Line,
        talks: Talks,
        wire: &Wire,
    ) -> Leg {
        wire.note(part.script, false, &invite.0);
        let (now, tag) = (Instant::now(), wire.token());
        let facts = Facts {
            call_id: invite.header("Call-ID").to_owned(),
            caller: invite.caller().to_owned(),
            called: invite.called().to_owned(),
            invited: Some(now),
            media: Some(wants),
            leak: part.script.and_then(|_| wire.leak(&invite.0)),
            ..Facts::default()
        };
        let mut leg = Leg {
            stage: Stage::Alerting(now + part.answer_after),
            part,
            local: format!("{};tag={tag}", invite.header("To")),
            remote: invite.header("From").to_owned(),
            target: invite.contact().unwrap_or_default().to_owned(),
            tag,
            sequence: 0,
            invite: invite.clone(),
            until: now + FINAL_WITHIN,
            repeat: None,
            last: String::new(),
            line: Some(line),
            audio: None,
            talks,
            facts,
        };
        if leg.part.busy {
            leg.refuse("486 Busy Here", wire);
        } else {
            leg.facts.ringing = Some(now);
            leg.last = response(&leg.invite, "180 Ringing", &leg.tag, &contact(wire), "");
            wire.send(leg.part.script, &leg.last, wire.server);
        }
        leg
    }

    /// Answers (RFC 3261 §13.3.1.4).
    pub(super) fn pick_up(&mut self, wire: &Wire) {
        let Some(address) = self.line.as_ref().map(|line| line.address) else { return };
        let body = description(address, self.part.law);
        let rows = format!("{}Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n", contact(wire));
        self.last = response(&self.invite, "200 OK", &self.tag, &rows, &body);
        self.facts.decided = Some(Instant::now());
        self.facts.status = 200;
        self.stage = Stage::AwaitingAck(false);
        self.until = Instant::now() + REPLY_WITHIN;
        self.send_until_answered(self.last.clone(), wire);
    }

    fn refuse(&mut self, status: &str, wire: &Wire) {
        self.last = response(&self.invite, status, &self.tag, "", "");
        self.facts.decided = Some(Instant::now());
        self.facts.status = Message(self.last.clone()).status();
        self.stage = Stage::AwaitingAck(true);
        self.until = Instant::now() + REPLY_WITHIN;
        self.send_until_answered(self.last.clone(), wire);
    }

    pub(super) fn on_ack(&mut self, wire: &Wire) {
        match (self.stage, self.facts.media) {
            (Stage::AwaitingAck(true), _) => self.end(),
            (Stage::AwaitingAck(false), Some(remote)) => {
                self.repeat = None;
                self.speak(remote, wire);
            }
            _ => {}
        }
    }

    /// RFC 3261 §9.2.
    pub(super) fn on_cancel(&mut self, cancel: &Message, wire: &Wire) {
        self.answer(cancel, "200 OK", wire);
        if matches!(self.stage, Stage::Alerting(_)) {
            self.refuse("487 Request Terminated", wire);
        }
    }
}

fn contact(wire: &Wire) -> String {
    format!("Contact: <sip:{}>\r\n", wire.me)
}
