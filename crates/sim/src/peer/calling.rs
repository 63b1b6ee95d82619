//! A caller: its INVITE, what it hears of it, its CANCEL.

use super::{Agent, Alarm, Client, Desk, Dialog, State, T1};
use crate::dice::Dice;
use crate::plan::{Act, Faith, Manner};
use crate::text::Message;
use std::net::SocketAddr;
use std::time::Duration;

impl Agent {
    /// A caller that has not yet called.
    #[must_use]
    pub fn caller(
        call: usize,
        ends: (SocketAddr, SocketAddr),
        stream: bool,
        called: &str,
        number: &str,
        manner: Manner,
        dice: Dice,
    ) -> Agent {
        let mut agent = Agent::blank(call, true, ends, manner, dice);
        agent.stream = stream;
        agent.call_id = agent.fresh("cid");
        agent.port = 40_000 + (call as u16) * 10;
        agent.local = format!("\"Caller\" <sip:{number}@{}>", ends.0.ip());
        agent.remote = format!("<sip:{called}@{}>", ends.1.ip());
        let local_tag = agent.fresh("tag");
        agent.dialogs.push(Dialog {
            local_tag,
            remote_tag: String::new(),
            target: format!("sip:{called}@{}", ends.1),
            state: State::Early,
            cseq: 0,
            rseq: 0,
            remote_cseq: 0,
            lines: vec!["audio".to_owned()],
            direction: "sendrecv".to_owned(),
            version: 1,
            session: None,
            generation: 0,
            offered_early: false,
        });
        if agent.dice.percent(10) {
            agent.dialogs[0].lines.push("video".to_owned());
        }
        agent
    }

    /// Calls.
    pub fn place(&mut self, desk: &mut Desk) {
        let mut rows = self.abilities();
        if let Some((seconds, who)) = self.manner.session {
            let who = if who.is_empty() { String::new() } else { format!(";refresher={who}") };
            rows.push(("Session-Expires", format!("{seconds}{who}")));
        }
        if let Some(taken) = self.manner.takes {
            let found = desk.others.iter().find(|o| (o.call, o.caller) == taken);
            if let Some(other) = found {
                rows.push(("Replaces", other.replaces.clone()));
                rows.push(("Require", "replaces".to_owned()));
            }
        }
        let body = if self.manner.late { String::new() } else { self.describe(0) };
        self.invite = self.request(0, "INVITE", rows, &body, desk);
        for (index, (at, _)) in self.manner.before.iter().enumerate() {
            desk.alarms.push((desk.now + Duration::from_millis(*at), Alarm::Before(index)));
        }
    }

    pub(super) fn act_before(&mut self, index: usize, desk: &mut Desk) {
        if self.final_status.is_some() || self.cancelled {
            return;
        }
        let Some((_, act)) = self.manner.before.get(index).copied() else { return };
        match act {
            Act::Cancel => {
                self.cancel_wanted = true;
                self.cancel_if_allowed(desk);
            }
            Act::Vanish => self.gone = true,
            _ if self.dialogs[0].remote_tag.is_empty() => {}
            Act::Bye => {
                // RFC 3261 §15.1.1: a caller may end an early dialog.
                self.cancelled = true;
                self.request(0, "BYE", Vec::new(), "", desk);
            }
            Act::BareUpdate => {
                let rows = self.abilities();
                self.request(0, "UPDATE", rows, "", desk);
            }
            Act::Update(_) if self.answered_early() => {
                let (rows, body) = (self.abilities(), self.describe(0));
                self.request(0, "UPDATE", rows, &body, desk);
            }
            _ => {}
        }
    }

    /// Whether its first offer was answered reliably, so that a second one is allowed (RFC 3311 §5.1).
    fn answered_early(&self) -> bool {
        self.seen_reliable.contains_key("answered")
    }

    fn cancel_if_allowed(&mut self, desk: &mut Desk) {
        let Some(client) = self.clients.get(&self.invite) else { return };
        // RFC 3261 §9.1: not before a provisional response.
        if !self.cancel_wanted || self.cancelled || !client.heard || client.status.is_some() {
            return;
        }
        self.cancelled = true;
        let invite = client.request.clone();
        let mut rows: Vec<(String, String)> = invite
            .rows
            .iter()
            .filter(|(n, _)| ["Via", "Max-Forwards", "From", "To", "Call-ID"].contains(&n.as_str()))
            .cloned()
            .collect();
        rows.push(("CSeq".to_owned(), format!("{} CANCEL", invite.cseq().0)));
        let message =
            Message { first: invite.first.replacen("INVITE", "CANCEL", 1), rows, body: String::new() };
        let bytes = message.write();
        self.post(bytes.clone(), desk);
        let branch = format!("{}-cancel", self.invite);
        let client = Client {
            request: message,
            bytes,
            dialog: 0,
            since: desk.now,
            interval: T1,
            heard: false,
            status: None,
            act: None,
        };
        self.clients.insert(branch.clone(), client);
        desk.alarms.push((desk.now + T1, Alarm::Resend(branch)));
    }

    /// A response to the INVITE that began the call.
    pub(super) fn hear_answer(&mut self, message: &Message, desk: &mut Desk) {
        let status = message.status();
        if let Some(client) = self.clients.get_mut(&self.invite) {
            client.heard = true;
            if status >= 200 {
                client.status.get_or_insert(status);
            }
        }
        if status > 100 && status < 300 {
            self.learn(0, message, desk);
        }
        match status {
            ..=199 => {
                if self.final_status.is_none() {
                    self.hear_provisional(message, desk);
                    self.cancel_if_allowed(desk);
                }
            }
            200..=299 => self.hear_success(message, desk),
            _ => self.hear_refusal(message, desk),
        }
    }

    fn hear_provisional(&mut self, message: &Message, desk: &mut Desk) {
        let Some(rseq) = message.row("RSeq").and_then(|v| v.parse::<u32>().ok()) else { return };
        if !message.has("Require", "100rel") {
            return desk.faults.push("RSeq without Require: 100rel".to_owned());
        }
        if !self.manner.reliable {
            return desk.faults.push("a reliable provisional that was not asked for".to_owned());
        }
        let times = self.seen_reliable.entry(rseq.to_string()).or_default();
        *times += 1;
        let times = *times;
        let due = match self.manner.prack {
            Faith::Always => times == 1,
            Faith::After(n) => times == n + 1,
            Faith::Never => false,
        };
        // Without an offer of its own in the INVITE it is made one here, to be answered in PRACK (RFC 3262 §5).
        let offer = self.manner.late && !message.body.is_empty();
        self.dialogs[0].offered_early |= offer;
        if !message.body.is_empty() && (!offer || due) {
            self.seen_reliable.insert("answered".to_owned(), 1);
        }
        if due {
            let (cseq, method) = message.cseq();
            let body = if offer { self.answer_to(0, &message.body) } else { String::new() };
            self.request(0, "PRACK", vec![("RAck", format!("{rseq} {cseq} {method}"))], &body, desk);
        }
    }

    fn hear_success(&mut self, message: &Message, desk: &mut Desk) {
        let first = self.final_status.is_none();
        if first {
            self.final_status = Some(message.status());
            self.dialogs[0].state = State::Up;
        } else if self.final_status != Some(message.status()) {
            desk.faults.push(format!("2xx after {:?}", self.final_status));
        }
        self.seen_2xx += 1;
        let asked = self.dialogs[0].offered_early;
        if message.body.is_empty() != asked {
            desk.faults.push("a 2xx to INVITE without SDP, or an offer twice".to_owned());
        }
        let due = match self.manner.ack {
            Faith::Always => true,
            Faith::After(n) => self.seen_2xx > n,
            Faith::Never => false,
        };
        if due {
            let body =
                if self.manner.late && !asked { self.answer_to(0, &message.body) } else { String::new() };
            let cseq = message.cseq().0;
            let ack = self.message(0, "ACK", cseq).with_sdp(&body);
            self.post(ack.write(), desk);
        }
        if !first {
            return;
        }
        self.session_from(0, message, true, desk);
        if self.cancelled {
            // The answer crossed our CANCEL, or our BYE of the early dialog.
            return self.hang_up(0, desk);
        }
        self.schedule(0, desk);
    }

    fn hear_refusal(&mut self, message: &Message, desk: &mut Desk) {
        let status = message.status();
        if *self.final_status.get_or_insert(status) != status {
            desk.faults.push(format!("final {status} after {:?}", self.final_status));
        }
        self.dialogs[0].state = State::Down;
        self.ack_refusal(&self.invite.clone(), message, desk);
    }

    /// The ACK of a non-2xx (RFC 3261 §17.1.1.3).
    pub(super) fn ack_refusal(&mut self, branch: &str, message: &Message, desk: &mut Desk) {
        let Some(client) = self.clients.get(branch) else { return };
        let request = client.request.clone();
        let mut rows: Vec<(String, String)> = request
            .rows
            .iter()
            .filter(|(n, _)| ["Via", "Max-Forwards", "From", "Call-ID"].contains(&n.as_str()))
            .cloned()
            .collect();
        rows.push(("To".to_owned(), message.row("To").unwrap_or_default().to_owned()));
        rows.push(("CSeq".to_owned(), format!("{} ACK", request.cseq().0)));
        let ack = Message { first: request.first.replacen("INVITE", "ACK", 1), rows, body: String::new() };
        self.post(ack.write(), desk);
    }
}
