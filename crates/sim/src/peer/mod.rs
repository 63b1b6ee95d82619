//! The peers: user agents written here, with their own words, as independent judges of the house.
//!
//! An [`Agent`] is one end of one call: the caller, or what one INVITE of the house met at a
//! gateway. It repeats what is not answered, acknowledges what it must, follows its
//! [`Manner`](crate::plan::Manner) and complains when the house breaks a rule. Enter at
//! [`Agent::caller`], [`Agent::callee`], then [`Agent::hear`] and [`Agent::wake`].

mod asking;
mod called;
mod calling;
mod desk;
mod inside;
mod session;

pub use desk::{Desk, Letter, Other};

use crate::dice::Dice;
use crate::plan::Manner;
use crate::text::Message;
use base::Time;
use called::Until;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(32);

/// Something an agent wants to be woken for.
#[derive(Clone, Debug)]
pub enum Alarm {
    /// A request of its own may have to be repeated.
    Resend(String),
    /// A response of its own may have to be repeated.
    Repeat(String, usize),
    /// An act before the answer is due.
    Before(usize),
    /// A step about the INVITE is due.
    Step(usize),
    /// An act inside a call is due: dialog, act.
    After(usize, usize),
    /// A request inside a call is to be answered: branch, method.
    Reply(String, String),
    /// A session is to be refreshed: dialog, generation.
    Refresh(usize, u32),
    /// A session ought to have been refreshed: dialog, generation.
    Expire(usize, u32),
    /// An ACK came without the answer that it owed: the dialog must be over by now.
    Bodiless(usize),
}

/// Where a dialog stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Before the answer.
    Early,
    /// Answered.
    Up,
    /// Over.
    Down,
}

/// One dialog of an agent.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Our tag.
    pub local_tag: String,
    /// The house's tag.
    pub remote_tag: String,
    /// The house's Contact.
    pub target: String,
    /// Where it stands.
    pub state: State,
    cseq: u32,
    rseq: u32,
    remote_cseq: u32,
    /// Kinds of the m-lines, in order.
    lines: Vec<String>,
    direction: String,
    version: u64,
    session: Option<session::Session>,
    generation: u32,
    /// A reliable provisional bore its offer, as the INVITE had none.
    offered_early: bool,
}

/// A request of ours.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) request: Message,
    bytes: Vec<u8>,
    dialog: usize,
    since: Time,
    interval: Duration,
    heard: bool,
    /// Its final status.
    pub(crate) status: Option<u16>,
    act: Option<usize>,
}

/// A response of ours.
#[derive(Clone, Debug)]
struct Reply {
    bytes: Vec<u8>,
    status: u16,
    dialog: usize,
    until: Option<Until>,
    since: Time,
    interval: Duration,
}

/// A request of the house.
#[derive(Clone, Debug)]
struct Server {
    request: Message,
    replies: Vec<Reply>,
}

/// One end of one call.
pub struct Agent {
    /// Which call of the plan.
    pub call: usize,
    /// Whether it placed the call.
    pub is_caller: bool,
    /// Its address.
    pub addr: SocketAddr,
    /// The house's address.
    pub house: SocketAddr,
    /// The Call-ID.
    pub call_id: String,
    /// Its dialogs; a caller has one.
    pub dialogs: Vec<Dialog>,
    /// Who it is.
    pub manner: Manner,
    /// It neither sends nor hears any more.
    pub gone: bool,
    /// The final status that it heard (a caller) or gave (a callee).
    pub final_status: Option<u16>,
    /// Whether its INVITE was cancelled.
    pub cancelled: bool,
    stream: bool,
    local: String,
    remote: String,
    pub(crate) clients: BTreeMap<String, Client>,
    servers: BTreeMap<(String, String), Server>,
    invite: String,
    seen_2xx: u32,
    seen_reliable: BTreeMap<String, u32>,
    cancel_wanted: bool,
    first_rseq: u32,
    barred: bool,
    port: u16,
    count: u64,
    dice: Dice,
}

impl Agent {
    fn blank(
        call: usize,
        is_caller: bool,
        ends: (SocketAddr, SocketAddr),
        manner: Manner,
        dice: Dice,
    ) -> Agent {
        Agent {
            call,
            is_caller,
            addr: ends.0,
            house: ends.1,
            call_id: String::new(),
            dialogs: Vec::new(),
            manner,
            gone: false,
            final_status: None,
            cancelled: false,
            stream: false,
            local: String::new(),
            remote: String::new(),
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            invite: String::new(),
            seen_2xx: 0,
            seen_reliable: BTreeMap::new(),
            cancel_wanted: false,
            first_rseq: 1,
            barred: false,
            port: 0,
            count: 0,
            dice,
        }
    }

    /// A word that every secret of this side of the house bears, so that a leak is seen.
    fn marker(&self) -> &'static str {
        side_marker(self.addr)
    }

    fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        format!(
            "{what}{}{}x{:x}",
            self.marker(),
            self.call,
            self.dice.roll() & 0xffff_ffff | self.count << 32
        )
    }

    /// A message arrived.
    pub fn hear(&mut self, message: &Message, desk: &mut Desk) {
        if self.gone {
            return;
        }
        if message.is_request() {
            self.hear_request(message, desk)
        } else {
            self.hear_response(message, desk)
        }
    }

    /// Time for something that was asked for.
    pub fn wake(&mut self, alarm: Alarm, desk: &mut Desk) {
        if self.gone {
            return;
        }
        match alarm {
            Alarm::Resend(branch) => self.resend(&branch, desk),
            Alarm::Repeat(branch, index) => self.repeat(&branch, index, desk),
            Alarm::Before(index) => self.act_before(index, desk),
            Alarm::Step(index) => self.step(index, desk),
            Alarm::After(dialog, index) => self.act_after(dialog, index, desk),
            Alarm::Reply(branch, method) => self.answer_inside(&(branch, method), desk),
            Alarm::Refresh(dialog, generation) => self.refresh_due(dialog, generation, desk),
            Alarm::Expire(dialog, generation) => self.refresh_missed(dialog, generation, desk),
            Alarm::Bodiless(dialog) if self.dialogs[dialog].state == State::Up => {
                desk.faults.push(format!("an ACK without the answer that it owed, {}", self.call_id));
            }
            Alarm::Bodiless(_) => {}
        }
    }

    fn post(&self, bytes: Vec<u8>, desk: &mut Desk) {
        desk.letters.push(Letter { from: self.addr, to: self.house, stream: self.stream, bytes });
    }

    /// A request inside a dialog (or the first INVITE); its branch.
    fn request(
        &mut self,
        dialog: usize,
        method: &str,
        rows: Vec<(&str, String)>,
        body: &str,
        desk: &mut Desk,
    ) -> String {
        let d = &mut self.dialogs[dialog];
        d.cseq += 1;
        let cseq = d.cseq;
        let mut message = self.message(dialog, method, cseq);
        for (name, value) in rows {
            message = message.with(name, value);
        }
        let message = message.with_sdp(body);
        let branch = message.branch().to_owned();
        let bytes = message.write();
        self.post(bytes.clone(), desk);
        let client = Client {
            request: message,
            bytes,
            dialog,
            since: desk.now,
            interval: T1,
            heard: false,
            status: None,
            act: None,
        };
        self.clients.insert(branch.clone(), client);
        desk.alarms.push((desk.now + T1, Alarm::Resend(branch.clone())));
        branch
    }

    fn message(&mut self, dialog: usize, method: &str, cseq: u32) -> Message {
        let branch = format!("z9hG4bK{}", self.fresh("br"));
        let d = &self.dialogs[dialog];
        let to_tag = if d.remote_tag.is_empty() { String::new() } else { format!(";tag={}", d.remote_tag) };
        let transport = if self.stream { "TCP" } else { "UDP" };
        let contact = format!(
            "<sip:{}u@{}{}>",
            self.marker(),
            self.addr,
            if self.stream { ";transport=tcp" } else { "" }
        );
        let message = Message {
            first: format!("{method} {} SIP/2.0", d.target),
            rows: Vec::new(),
            body: String::new(),
        }
        .with("Via", format!("SIP/2.0/{transport} {};rport;branch={branch}", self.addr))
        .with("Max-Forwards", "70")
        .with("From", format!("{};tag={}", self.local, d.local_tag))
        .with("To", format!("{}{to_tag}", self.remote))
        .with("Call-ID", self.call_id.clone())
        .with("CSeq", format!("{cseq} {method}"));
        if matches!(method, "INVITE" | "UPDATE" | "ACK") { message.with("Contact", contact) } else { message }
    }

    /// What this end can do, as rows of an INVITE, UPDATE or 2xx.
    fn abilities(&self) -> Vec<(&'static str, String)> {
        let mut supported = Vec::new();
        if self.manner.reliable {
            supported.push("100rel");
        }
        if self.manner.timer {
            supported.push("timer");
        }
        let update = if self.manner.update { ", UPDATE" } else { "" };
        let mut rows = vec![("Allow", format!("INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO{update}"))];
        if !supported.is_empty() {
            rows.push(("Supported", supported.join(", ")));
        }
        rows
    }

    fn resend(&mut self, branch: &str, desk: &mut Desk) {
        let stream = self.stream;
        let Some(client) = self.clients.get_mut(branch) else { return };
        let invite = client.request.method() == "INVITE";
        if client.status.is_some() || invite && client.heard {
            return;
        }
        if desk.now >= client.since + PATIENCE {
            client.status = Some(408);
            let (method, dialog) = (client.request.method().to_owned(), client.dialog);
            desk.faults.push(format!("no answer to {} {}", method, client.request.call_id()));
            if method != "CANCEL" {
                self.dialogs[dialog].state = State::Down;
            }
            return;
        }
        client.interval = if invite { client.interval * 2 } else { (client.interval * 2).min(T2) };
        let next = (desk.now + client.interval).min(client.since + PATIENCE);
        desk.alarms.push((next, Alarm::Resend(branch.to_owned())));
        let bytes = client.bytes.clone();
        if !stream {
            self.post(bytes, desk);
        }
    }

    /// Answers a request of the house; repeats the answer where that is ours to do.
    fn reply(
        &mut self,
        key: &(String, String),
        message: &Message,
        dialog: usize,
        until: Option<Until>,
        desk: &mut Desk,
    ) {
        let bytes = message.write();
        self.post(bytes.clone(), desk);
        let Some(server) = self.servers.get_mut(key) else { return };
        let status = message.status();
        server.replies.push(Reply { bytes, status, dialog, until, since: desk.now, interval: T1 });
        if until.is_some() {
            let index = server.replies.len() - 1;
            desk.alarms.push((desk.now + T1, Alarm::Repeat(key.0.clone(), index)));
        }
    }

    fn repeat(&mut self, branch: &str, index: usize, desk: &mut Desk) {
        let stream = self.stream;
        let key = (branch.to_owned(), "INVITE".to_owned());
        let Some(server) = self.servers.get_mut(&key) else { return };
        let final_given = server.replies.iter().any(|r| r.status >= 200);
        let offered = !server.request.body.is_empty();
        let Some(reply) = server.replies.get_mut(index) else { return };
        let Some(until) = reply.until else { return };
        if matches!(until, Until::Prack(_)) && final_given {
            return;
        }
        if desk.now >= reply.since + PATIENCE {
            reply.until = None;
            return self.unacknowledged(until, index, &key, offered, desk);
        }
        reply.interval = match until {
            Until::Prack(_) => reply.interval * 2,
            _ => (reply.interval * 2).min(T2),
        };
        let next = (desk.now + reply.interval).min(reply.since + PATIENCE);
        desk.alarms.push((next, Alarm::Repeat(branch.to_owned(), index)));
        let bytes = reply.bytes.clone();
        if !stream || until != Until::Ack {
            self.post(bytes, desk);
        }
    }

    fn unacknowledged(
        &mut self,
        until: Until,
        index: usize,
        key: &(String, String),
        offered: bool,
        desk: &mut Desk,
    ) {
        let dialog = self.servers[key].replies[index].dialog;
        // RFC 3261 §9.1: whoever cancelled waits for 64*T1 and no longer.
        let obeyed = !self.cancelled || self.manner.on_cancel == crate::plan::OnCancel::Obey;
        match until {
            Until::Ack if !obeyed => {}
            Until::Ack => desk.faults.push(format!("no ACK for a refusal, {}", self.call_id)),
            Until::SuccessAck => {
                if offered && obeyed {
                    desk.faults.push(format!("no ACK for a 2xx, {}", self.call_id));
                }
                self.hang_up(dialog, desk);
            }
            Until::Prack(_) => {
                if obeyed {
                    desk.faults.push(format!("no PRACK, {}", self.call_id));
                }
                let request = self.servers[key].request.clone();
                let tag = self.dialogs[dialog].local_tag.clone();
                self.final_status.get_or_insert(504);
                self.reply(key, &request.reply(504, &tag), dialog, Some(Until::Ack), desk);
            }
        }
    }
}

/// A word that the secrets of a side of the house bear.
#[must_use]
pub fn side_marker(addr: SocketAddr) -> &'static str {
    if is_inside(addr) { "z-in" } else { "z-out" }
}

/// Whether an address is on the inner side of the house.
#[must_use]
pub fn is_inside(addr: SocketAddr) -> bool {
    addr.ip().to_string().starts_with("10.")
}
