//! What peers do inside a call, and how they take what comes there.

use super::called::lines_of;
use super::{Agent, Alarm, Desk, Server, State, Until};
use crate::plan::{Act, OnOffer};
use crate::text::Message;
use std::fmt::Write as _;
use std::time::Duration;

impl Agent {
    /// The acts of an answered call are due from now on.
    pub(super) fn schedule(&mut self, dialog: usize, desk: &mut Desk) {
        for (index, (at, _)) in self.manner.after.iter().enumerate() {
            desk.alarms.push((desk.now + Duration::from_millis(*at), Alarm::After(dialog, index)));
        }
    }

    pub(super) fn hang_up(&mut self, dialog: usize, desk: &mut Desk) {
        if self.dialogs[dialog].state == State::Down {
            return;
        }
        self.stop_repeats(dialog);
        self.dialogs[dialog].state = State::Down;
        self.request(dialog, "BYE", Vec::new(), "", desk);
    }

    fn stop_repeats(&mut self, dialog: usize) {
        let replies = self.servers.values_mut().flat_map(|s| s.replies.iter_mut());
        for reply in replies.filter(|r| r.dialog == dialog && r.until == Some(Until::SuccessAck)) {
            reply.until = None;
        }
    }

    /// Whether an INVITE in either direction is unfinished in a dialog.
    pub(super) fn is_busy(&self, dialog: usize) -> bool {
        self.has_offered(dialog) || self.awaits_ack(dialog)
    }

    fn has_offered(&self, dialog: usize) -> bool {
        let clients = self.clients.values().filter(|c| c.dialog == dialog && c.status.is_none());
        clients.into_iter().any(|c| matches!(c.request.method(), "INVITE" | "UPDATE"))
    }

    fn awaits_ack(&self, dialog: usize) -> bool {
        let open = |s: &Server| {
            let unanswered = s.request.method() == "INVITE" && s.replies.iter().all(|r| r.status < 200);
            let here = s.request.tag("To") == self.dialogs[dialog].local_tag;
            here && unanswered
                || s.replies.iter().any(|r| r.dialog == dialog && r.until == Some(Until::SuccessAck))
        };
        self.servers.values().any(open)
    }

    pub(super) fn act_after(&mut self, dialog: usize, index: usize, desk: &mut Desk) {
        let Some((_, act)) = self.manner.after.get(index).copied() else { return };
        self.gone |= act == Act::Vanish;
        if self.gone || self.dialogs[dialog].state != State::Up {
            return;
        }
        let busy = self.is_busy(dialog);
        let later = |desk: &mut Desk, ms| {
            desk.alarms.push((desk.now + Duration::from_millis(ms), Alarm::After(dialog, index)));
        };
        let mut rows = self.abilities();
        rows.extend(self.session_rows(dialog));
        let branch = match act {
            Act::Bye => {
                // RFC 3261 §15: a callee may not hang up before its 2xx is acknowledged.
                if !self.is_caller && self.awaits_ack(dialog) {
                    return later(desk, 300);
                }
                return self.hang_up(dialog, desk);
            }
            Act::Refer => return self.refer(dialog, desk),
            Act::Join(call) => return self.join(dialog, call, desk),
            Act::Ask(method) => return self.ask(dialog, method, desk),
            _ if busy => return later(desk, 700),
            Act::Reinvite(direction) | Act::Update(direction) => {
                self.turn(dialog, direction);
                let body = self.describe(dialog);
                let method = if matches!(act, Act::Update(_)) { "UPDATE" } else { "INVITE" };
                self.request(dialog, method, rows, &body, desk)
            }
            Act::Add(kind) => self.add(dialog, kind, rows, desk),
            Act::LateReinvite => self.request(dialog, "INVITE", rows, "", desk),
            Act::BareUpdate => self.request(dialog, "UPDATE", rows, "", desk),
            Act::Cancel | Act::Vanish => return,
        };
        if let Some(client) = self.clients.get_mut(&branch) {
            client.act = Some(index);
        }
    }

    fn turn(&mut self, dialog: usize, direction: &str) {
        let d = &mut self.dialogs[dialog];
        if d.direction != direction {
            direction.clone_into(&mut d.direction);
            d.version += 1;
        }
    }

    /// Our description.
    pub(super) fn describe(&self, dialog: usize) -> String {
        let d = &self.dialogs[dialog];
        let (mark, ip) = (self.marker(), self.addr.ip());
        let mut body =
            format!("v=0\r\no={mark} 77 {} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n", d.version);
        for (index, kind) in d.lines.iter().enumerate() {
            let (kind, port) = match kind.strip_prefix('-') {
                Some(refused) => (refused, 0),
                None => (kind.as_str(), self.port + 2 * index as u16),
            };
            let types = if kind == "audio" { "8 0 101" } else { "96" };
            let _ = write!(body, "m={kind} {port} RTP/AVP {types}\r\n");
            let map = if kind == "audio" { "101 telephone-event/8000" } else { "96 H264/90000" };
            let _ = write!(body, "a=rtpmap:{map}\r\na={}\r\n", d.direction);
        }
        body
    }

    /// Our answer to an offer.
    pub(super) fn answer_to(&mut self, dialog: usize, offer: &str) -> String {
        let has = |d: &str| offer.lines().any(|l| l == format!("a={d}"));
        let direction = match () {
            () if has("sendonly") => "recvonly",
            () if has("recvonly") => "sendonly",
            () if has("inactive") => "inactive",
            () => "sendrecv",
        };
        self.turn(dialog, direction);
        let lines = lines_of(offer);
        if lines != self.dialogs[dialog].lines {
            self.dialogs[dialog].lines = lines;
            self.dialogs[dialog].version += 1;
        }
        self.describe(dialog)
    }

    /// Takes over tags and target from a response that makes a dialog.
    pub(super) fn learn(&mut self, dialog: usize, message: &Message, desk: &mut Desk) {
        let d = &mut self.dialogs[dialog];
        let tag = message.tag("To");
        if d.remote_tag.is_empty() {
            tag.clone_into(&mut d.remote_tag);
        } else if d.remote_tag != tag {
            desk.faults.push(format!("To tag {tag:?} after {:?}", d.remote_tag));
        }
        match message.contact() {
            Some(contact) => contact.clone_into(&mut d.target),
            None if message.status() >= 200 => desk.faults.push("a 2xx without Contact".to_owned()),
            None => {}
        }
    }

    pub(super) fn hear_response(&mut self, message: &Message, desk: &mut Desk) {
        let branch = message.branch().to_owned();
        let key = if message.method() == "CANCEL" { format!("{branch}-cancel") } else { branch.clone() };
        let status = message.status();
        let Some(client) = self.clients.get_mut(&key) else {
            return desk.faults.push(format!("a response to no request: {}", message.first));
        };
        if client.request.call_id() != message.call_id() || client.request.cseq() != message.cseq() {
            desk.faults.push(format!("a response with foreign Call-ID or CSeq: {}", message.first));
        }
        if message.method() == "INVITE" && branch == self.invite && self.is_caller {
            return self.hear_answer(message, desk);
        }
        client.heard = true;
        if status < 200 {
            return;
        }
        let first = client.status.is_none();
        client.status.get_or_insert(status);
        let (dialog, act) = (client.dialog, client.act);
        let request = client.request.clone();
        if request.method() == "INVITE" {
            if status >= 300 {
                self.ack_refusal(&branch, message, desk);
            } else {
                let body = if request.body.is_empty() {
                    self.answer_to(dialog, &message.body)
                } else {
                    String::new()
                };
                let ack = self.message(dialog, "ACK", message.cseq().0).with_sdp(&body);
                self.post(ack.write(), desk);
            }
        }
        if first {
            self.concluded(&request, message, dialog, act, desk);
        }
    }

    /// The first final response to a request of ours inside a call.
    fn concluded(
        &mut self,
        request: &Message,
        message: &Message,
        dialog: usize,
        act: Option<usize>,
        desk: &mut Desk,
    ) {
        let negotiates = matches!(request.method(), "INVITE" | "UPDATE");
        match message.status() {
            200..=299 if negotiates => {
                if message.body.is_empty() && (request.method() == "INVITE" || !request.body.is_empty()) {
                    desk.faults.push(format!("{} without SDP for {}", message.first, request.first));
                }
                if self.dialogs[dialog].state == State::Up {
                    self.learn(dialog, message, desk);
                    self.session_from(dialog, message, false, desk);
                }
            }
            405 if request.method() == "UPDATE" => {
                // The house takes none on this trunk: a refresh goes as re-INVITE from now on.
                self.barred = true;
                let generation = self.dialogs[dialog].generation;
                desk.alarms.push((desk.now, Alarm::Refresh(dialog, generation)));
            }
            491 | 500 if negotiates => {
                let generation = self.dialogs[dialog].generation;
                let again = act.map_or(Alarm::Refresh(dialog, generation), |i| Alarm::After(dialog, i));
                // Only a refresher of ours had a refresh to repeat; `refresh_due` knows.
                let wait = self.dice.millis(0, 4_000);
                desk.alarms.push((desk.now + wait, again));
            }
            500 if request.method() == "PRACK" && self.final_status.is_none() => {
                // A later request of ours overtook it: once more with a higher CSeq.
                let rack = request.row("RAck").unwrap_or_default().to_owned();
                self.request(dialog, "PRACK", vec![("RAck", rack)], &request.body.clone(), desk);
            }
            481 | 408 if self.dialogs[dialog].state == State::Up => {
                // RFC 5057 §5.1: the dialog is gone.
                self.hang_up(dialog, desk);
            }
            _ => {}
        }
    }

    pub(super) fn hear_request(&mut self, message: &Message, desk: &mut Desk) {
        match message.method() {
            "ACK" => return self.hear_ack(message, desk),
            "CANCEL" => return self.hear_cancel(message, desk),
            _ => {}
        }
        let key = (message.branch().to_owned(), message.method().to_owned());
        if let Some(server) = self.servers.get(&key) {
            if let Some(reply) = server.replies.last() {
                self.post(reply.bytes.clone(), desk);
            }
            return;
        }
        if message.tag("To").is_empty() {
            return self.ring(message, desk);
        }
        let (to, from) = (message.tag("To"), message.tag("From"));
        let found = self.dialogs.iter().position(|d| d.local_tag == to && d.remote_tag == from);
        self.servers.insert(key.clone(), Server { request: message.clone(), replies: Vec::new() });
        let Some(dialog) = found else {
            return self.reply(&key, &message.reply(481, ""), 0, None, desk);
        };
        let d = &mut self.dialogs[dialog];
        let number = message.cseq().0;
        if number <= d.remote_cseq {
            return self.reply(&key, &message.reply(500, ""), dialog, None, desk);
        }
        d.remote_cseq = number;
        if matches!(message.method(), "BYE" | "PRACK") {
            return self.answer_inside(&key, desk);
        }
        let wait = Duration::from_millis(self.manner.pause);
        desk.alarms.push((desk.now + wait, Alarm::Reply(key.0, key.1)));
    }

    fn hear_ack(&mut self, message: &Message, desk: &mut Desk) {
        let number = message.cseq().0;
        let tag = message.tag("To").to_owned();
        let branch = message.branch().to_owned();
        let mut late = None;
        for (key, server) in &mut self.servers {
            if key.1 != "INVITE" || server.request.cseq().0 != number {
                continue;
            }
            let first = server.request.tag("To").is_empty();
            for reply in &mut server.replies {
                let ours = self.dialogs.get(reply.dialog).is_some_and(|d| d.local_tag == tag);
                match reply.until {
                    Some(Until::SuccessAck) if ours => {
                        reply.until = None;
                        let early = first && self.dialogs[reply.dialog].offered_early;
                        if server.request.body.is_empty() && !early {
                            late = Some(reply.dialog);
                        }
                    }
                    Some(Until::Ack) if key.0 == branch => reply.until = None,
                    _ => {}
                }
            }
        }
        if let Some(dialog) = late
            && message.body.is_empty()
        {
            // An ACK that only makes way for a BYE may come without; a call that stays up may not.
            let wait = desk.now + Duration::from_secs(5);
            desk.alarms.push((wait, Alarm::Bodiless(dialog)));
        }
    }

    /// The answer to a request of the house inside a call.
    pub(super) fn answer_inside(&mut self, key: &(String, String), desk: &mut Desk) {
        let Some(server) = self.servers.get(key).filter(|s| s.replies.is_empty()) else { return };
        let request = server.request.clone();
        let Some(dialog) = self.dialogs.iter().position(|d| d.local_tag == request.tag("To")) else { return };
        let down = self.dialogs[dialog].state == State::Down;
        match request.method() {
            "BYE" => {
                self.stop_repeats(dialog);
                self.dialogs[dialog].state = State::Down;
                let status = if down && self.dice.percent(50) { 481 } else { 200 };
                self.reply(key, &request.reply(status, ""), dialog, None, desk);
            }
            "PRACK" => self.answer_prack(key, &request, dialog, desk),
            "INVITE" | "UPDATE" if !down => self.answer_offer(key, &request, dialog, desk),
            "INVITE" => self.reply(key, &request.reply(481, ""), dialog, Some(Until::Ack), desk),
            _ if down => self.reply(key, &request.reply(481, ""), dialog, None, desk),
            "REFER" => self.take_refer(key, dialog, desk),
            "INFO" | "OPTIONS" | "MESSAGE" | "NOTIFY" => {
                self.reply(key, &request.reply(200, ""), dialog, None, desk)
            }
            _ => self.reply(key, &request.reply(501, ""), dialog, None, desk),
        }
    }

    fn answer_prack(&mut self, key: &(String, String), request: &Message, dialog: usize, desk: &mut Desk) {
        let rack = request.row("RAck").unwrap_or_default().to_owned();
        let mut status = 481;
        for (_, server) in self.servers.iter_mut().filter(|(k, _)| k.1 == "INVITE") {
            let (cseq, method) = server.request.cseq();
            let tail = format!("{cseq} {method}");
            for reply in &mut server.replies {
                if let Some(Until::Prack(rseq)) = reply.until
                    && rack == format!("{rseq} {tail}")
                {
                    reply.until = None;
                    status = 200;
                    let text = String::from_utf8_lossy(&reply.bytes);
                    let offer = server.request.body.is_empty() && text.contains("\r\nm=");
                    if offer == request.body.is_empty() {
                        desk.faults
                            .push("an offer without its answer in PRACK, or one of no offer".to_owned());
                    }
                }
            }
        }
        if status != 200 && self.final_status.is_none() {
            desk.faults.push(format!("PRACK of nothing: {rack}"));
        }
        self.reply(key, &request.reply(status, ""), dialog, None, desk);
    }

    fn answer_offer(&mut self, key: &(String, String), request: &Message, dialog: usize, desk: &mut Desk) {
        let invite = request.method() == "INVITE";
        let until = invite.then_some(Until::Ack);
        let open = self.servers.values().any(|s| {
            let earlier = s.request.branch() != request.branch();
            let waits = s.replies.iter().any(|r| r.dialog == dialog && r.until == Some(Until::SuccessAck));
            earlier && waits
        });
        if invite && (self.has_offered(dialog) || open)
            || !request.body.is_empty() && (self.has_offered(dialog) || open)
        {
            return self.reply(key, &request.reply(491, ""), dialog, until, desk);
        }
        match self.manner.on_offer {
            OnOffer::Silence => return,
            OnOffer::Refuse(status) if invite || !request.body.is_empty() => {
                return self.reply(key, &request.reply(status, ""), dialog, until, desk);
            }
            _ => {}
        }
        if let Some(contact) = request.contact() {
            contact.clone_into(&mut self.dialogs[dialog].target);
        }
        let body = match (invite, request.body.is_empty()) {
            (true, true) => self.describe(dialog),
            (_, false) => self.answer_to(dialog, &request.body),
            (false, true) => String::new(),
        };
        let mut message = self.dialog_rows(request.reply(200, ""));
        for (name, value) in self.session_answer(dialog, request, desk) {
            message = message.with(name, value);
        }
        let until = invite.then_some(Until::SuccessAck);
        self.reply(key, &message.with_sdp(&body), dialog, until, desk);
    }
}
