//! A called peer: what it does about the house's INVITE, and about a CANCEL.

use super::{Agent, Alarm, Desk, Dialog, Server, State};
use crate::dice::Dice;
use crate::plan::{Manner, OnCancel, Step};
use crate::text::Message;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a response is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Until {
    Ack,
    SuccessAck,
    Prack(u32),
}

impl Agent {
    /// What an INVITE of the house meets.
    #[must_use]
    pub fn callee(
        call: usize,
        ends: (SocketAddr, SocketAddr),
        stream: bool,
        invite: &Message,
        manner: Manner,
        dice: Dice,
    ) -> Agent {
        let mut agent = Agent::blank(call, false, ends, manner, dice);
        agent.stream = stream;
        agent.call_id = invite.call_id().to_owned();
        agent.port = 50_000 + (call as u16) * 10;
        agent.local = invite.row("To").unwrap_or_default().to_owned();
        let from = invite.row("From").unwrap_or_default();
        agent.remote = from.split(";tag=").next().unwrap_or_default().to_owned();
        agent.invite = invite.branch().to_owned();
        agent.first_rseq = 1 + (agent.dice.roll() % 1_000) as u32;
        agent
    }

    /// The dialog of a fork, made when it is first heard of.
    fn fork(&mut self, fork: usize) -> usize {
        let request = self.servers[&(self.invite.clone(), "INVITE".to_owned())].request.clone();
        while self.dialogs.len() <= fork {
            let local_tag = self.fresh("tag");
            let lines = lines_of(&request.body);
            self.dialogs.push(Dialog {
                local_tag,
                remote_tag: request.tag("From").to_owned(),
                target: request.contact().unwrap_or_default().to_owned(),
                state: State::Early,
                cseq: 100,
                rseq: self.first_rseq,
                remote_cseq: request.cseq().0,
                lines: if lines.is_empty() { vec!["audio".to_owned()] } else { lines },
                direction: "sendrecv".to_owned(),
                version: 1,
                session: None,
                generation: 0,
                offered_early: false,
            });
        }
        fork
    }

    /// The first INVITE arrived.
    pub(super) fn ring(&mut self, message: &Message, desk: &mut Desk) {
        let key = (message.branch().to_owned(), "INVITE".to_owned());
        self.servers.insert(key, Server { request: message.clone(), replies: Vec::new() });
        if message.contact().is_none() {
            desk.faults.push("INVITE without Contact".to_owned());
        }
        for (index, (at, _)) in self.manner.steps.iter().enumerate() {
            desk.alarms.push((desk.now + Duration::from_millis(*at), Alarm::Step(index)));
        }
    }

    pub(super) fn step(&mut self, index: usize, desk: &mut Desk) {
        let Some((_, step)) = self.manner.steps.get(index).copied() else { return };
        let key = (self.invite.clone(), "INVITE".to_owned());
        let Some(server) = self.servers.get(&key) else { return };
        let waits = server.replies.iter().any(|r| matches!(r.until, Some(Until::Prack(_))));
        let refused = self.final_status.is_some_and(|s| s >= 300);
        if refused {
            return;
        }
        if waits && !matches!(step, Step::Refuse { .. }) {
            // RFC 3262 §3: one reliable provisional at a time, and the answer waits for its PRACK.
            return desk.alarms.push((desk.now + Duration::from_millis(250), Alarm::Step(index)));
        }
        match step {
            Step::Ring { status, fork, sdp, reliable } => {
                self.provisional(&key, status, fork, sdp, reliable, desk)
            }
            Step::Answer { fork } => self.accept(&key, fork, desk),
            Step::Refuse { status, retry_after } => self.refuse(&key, status, retry_after, desk),
        }
    }

    fn provisional(
        &mut self,
        key: &(String, String),
        status: u16,
        fork: usize,
        sdp: bool,
        reliable: bool,
        desk: &mut Desk,
    ) {
        if self.final_status.is_some() {
            return;
        }
        let request = self.servers[key].request.clone();
        if status == 100 {
            return self.reply(key, &request.reply(100, ""), 0, None, desk);
        }
        let dialog = self.fork(fork);
        let tag = self.dialogs[dialog].local_tag.clone();
        let mut message = self.dialog_rows(request.reply(status, &tag));
        let offered = !request.body.is_empty();
        let reliable = reliable && request.has("Supported", "100rel") && self.manner.reliable;
        let mut until = None;
        if reliable {
            // RFC 3262 §3: each fork is a user agent of its own and counts by itself.
            let d = &mut self.dialogs[dialog];
            d.rseq += 1;
            let rseq = d.rseq;
            message = message.with("Require", "100rel").with("RSeq", rseq.to_string());
            until = Some(Until::Prack(rseq));
        }
        let body = match sdp {
            true if offered => self.answer_to(dialog, &request.body),
            true if reliable && status != 199 && !self.dialogs[dialog].offered_early => {
                self.dialogs[dialog].offered_early = true;
                self.describe(dialog)
            }
            _ => String::new(),
        };
        self.reply(key, &message.with_sdp(&body), dialog, until, desk);
    }

    fn accept(&mut self, key: &(String, String), fork: usize, desk: &mut Desk) {
        let dialog = self.fork(fork);
        if self.dialogs[dialog].state != State::Early {
            return;
        }
        let request = self.servers[key].request.clone();
        let tag = self.dialogs[dialog].local_tag.clone();
        let first = self.final_status.is_none();
        self.final_status = Some(200);
        self.dialogs[dialog].state = State::Up;
        let mut message = self.dialog_rows(request.reply(200, &tag));
        for (name, value) in self.session_answer(dialog, &request, desk) {
            message = message.with(name, value);
        }
        let body = if self.dialogs[dialog].offered_early {
            String::new()
        } else if request.body.is_empty() {
            self.describe(dialog)
        } else {
            self.answer_to(dialog, &request.body)
        };
        self.reply(key, &message.with_sdp(&body), dialog, Some(Until::SuccessAck), desk);
        if first {
            self.schedule(dialog, desk);
        }
    }

    fn refuse(&mut self, key: &(String, String), status: u16, retry_after: Option<u32>, desk: &mut Desk) {
        if self.final_status.is_some() {
            return;
        }
        self.final_status = Some(status);
        let dialog = self.fork(0);
        let tag = self.dialogs[dialog].local_tag.clone();
        for d in &mut self.dialogs {
            d.state = State::Down;
        }
        let mut message = self.servers[key].request.reply(status, &tag);
        if let Some(seconds) = retry_after {
            message = message.with("Retry-After", seconds.to_string());
        }
        if self.dice.percent(20) {
            message = message.with("Reason", "Q.850;cause=34;text=\"none\"");
        }
        self.reply(key, &message, dialog, Some(Until::Ack), desk);
    }

    pub(super) fn dialog_rows(&self, mut message: Message) -> Message {
        let transport = if self.stream { ";transport=tcp" } else { "" };
        message = message.with("Contact", format!("<sip:{}u@{}{transport}>", self.marker(), self.addr));
        for (name, value) in self.abilities() {
            message = message.with(name, value);
        }
        message
    }

    pub(super) fn hear_cancel(&mut self, message: &Message, desk: &mut Desk) {
        let key = (message.branch().to_owned(), "INVITE".to_owned());
        let Some(server) = self.servers.get(&key) else {
            return desk.faults.push(format!("CANCEL of nothing, {}", self.call_id));
        };
        if server.request.cseq().0 != message.cseq().0 || server.request.uri() != message.uri() {
            desk.faults.push("CANCEL does not fit its INVITE".to_owned());
        }
        if server.replies.iter().all(|r| r.status == 0) {
            desk.faults.push("CANCEL before any provisional response".to_owned());
        }
        self.post(message.reply(200, "cancelled").write(), desk);
        if self.cancelled || self.final_status.is_some() {
            return;
        }
        self.cancelled = true;
        match self.manner.on_cancel {
            OnCancel::Obey => self.refuse(&key, 487, None, desk),
            OnCancel::Ignore => {}
            OnCancel::Answer => self.accept(&key, 0, desk),
        }
    }
}

/// The kinds of the m-lines of a description, of disabled ones with a `-` before.
pub(super) fn lines_of(body: &str) -> Vec<String> {
    let lines = body.lines().filter_map(|l| l.strip_prefix("m=")?.split_once(' '));
    lines
        .map(|(kind, rest)| if rest.starts_with("0 ") { format!("-{kind}") } else { kind.to_owned() })
        .collect()
}
