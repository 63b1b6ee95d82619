//! Placing a call: INVITE, its answers, ACK.

use super::audio::Line;
use super::leg::{FINAL_WITHIN, Leg, Part, Stage, Talks};
use super::message::{Message, description, tail};
use super::wire::Wire;
use crate::demo::board::Facts;
use crate::demo::script::{Role, Script};
use std::time::Instant;

impl Leg {
    /// Places a scripted call (RFC 3261 §13.2.1).
    pub(super) fn place(script: &Script, line: Line, talks: Talks, wire: &Wire) -> Leg {
        let (me, server, tag) = (wire.me, wire.server, wire.token());
        let call_id = format!("{}@{}", wire.token(), me.ip());
        let local = format!("<sip:{}@{}>;tag={tag}", script.caller, me.ip());
        let remote = format!("<sip:{}@{}>", script.called, server.ip());
        let target = format!("sip:{}@{server}", script.called);
        let text = format!(
            "INVITE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK{};rport\r\nMax-Forwards: 70\r\n\
             From: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:{}@{me}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n\
             User-Agent: scripted {}\r\n{}",
            wire.token(),
            script.caller,
            wire.side.name(),
            tail(&description(line.address, script.law))
        );
        let now = Instant::now();
        let facts = Facts {
            call_id,
            caller: script.caller.clone(),
            called: script.called.clone(),
            invited: Some(now),
            ..Facts::default()
        };
        let mut leg = Leg {
            part: Part::scripted(script, Role::Caller),
            local,
            remote,
            target,
            tag,
            sequence: 1,
            invite: Message(text.clone()),
            stage: Stage::Inviting,
            until: now + FINAL_WITHIN,
            repeat: None,
            last: String::new(),
            line: Some(line),
            audio: None,
            talks,
            facts,
        };
        leg.send_until_answered(text, wire);
        leg
    }

    /// A response to our INVITE.
    pub(super) fn on_invite_response(&mut self, message: &Message, wire: &Wire) {
        if self.stage != Stage::Inviting {
            // A final response again: its ACK was lost (RFC 3261 §13.2.2.4).
            if message.status() >= 200 {
                wire.send(self.part.script, &self.last, wire.server);
            }
            return;
        }
        self.repeat = None;
        match message.status() {
            100 => {}
            101..200 => {
                self.facts.ringing.get_or_insert_with(Instant::now);
            }
            200..300 => self.on_answer(message, wire),
            _ => self.on_refusal(message, wire),
        }
    }

    fn on_answer(&mut self, message: &Message, wire: &Wire) {
        self.facts.decided = Some(Instant::now());
        self.facts.status = message.status();
        self.remote = message.header("To").to_owned();
        if let Some(contact) = message.contact() {
            self.target = contact.to_owned();
        }
        self.last = self.request("ACK", wire);
        wire.send(self.part.script, &self.last, wire.server);
        match message.media() {
            Some((remote, law)) if law == self.part.law => {
                self.facts.media = Some(remote);
                self.speak(remote, wire);
            }
            _ => {
                self.facts.trouble = Some("the answer has no audio in the codec offered".into());
                self.hang_up(wire);
            }
        }
    }

    /// ACK of a refusal goes where the INVITE went, with its branch (RFC 3261 §17.1.1.3).
    fn on_refusal(&mut self, message: &Message, wire: &Wire) {
        self.facts.decided = Some(Instant::now());
        self.facts.status = message.status();
        self.last = format!(
            "ACK {} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {} ACK\r\n{}",
            self.target,
            self.invite.header("Via"),
            self.local,
            message.header("To"),
            self.facts.call_id,
            self.invite.sequence(),
            tail("")
        );
        wire.send(self.part.script, &self.last, wire.server);
        self.end();
    }
}
