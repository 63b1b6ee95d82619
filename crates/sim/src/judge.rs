//! Reads every message that the house sends: grammar, required rows, one final answer, counting
//! CSeq, no double ringing, our media addresses, and nothing of one side on the other.

use crate::dice::mark;
use crate::engine::Engine;
use crate::journal::Journal;
use crate::peer::{Letter, is_inside, side_marker};
use crate::text::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Rows that a message may have only once.
const SINGLE: &[&str] = &[
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Content-Length",
    "Content-Type",
    "Session-Expires",
    "Min-SE",
    "RSeq",
    "RAck",
    "Retry-After",
    "User-Agent",
    "Contact",
];

/// What the judge has seen of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Call-ID of the house's INVITE.
    pub call_id: String,
    /// A provisional response other than 100 reached the house.
    pub progressed: bool,
}

#[derive(Default)]
struct Origin {
    id: String,
    version: u64,
    rest: String,
    /// The last offer was refused: what follows is a change from it, be it the same again (RFC 3264 §8).
    refused: bool,
}

/// The judge.
#[derive(Default)]
pub struct Judge {
    /// What the house did wrong.
    pub faults: Vec<String>,
    /// Final responses to INVITEs: (Call-ID, CSeq, top Via) to status and To tag.
    pub finals: BTreeMap<(String, u32, String), (u16, String)>,
    /// Attempts of each call.
    pub attempts: BTreeMap<usize, Vec<Attempt>>,
    /// 2xx to INVITEs that reached the house, not yet acknowledged: (Call-ID, To tag, CSeq).
    pub owed_acks: BTreeSet<(String, String, u32)>,
    /// Faulty messages reach the house: its 400s may lack what those lacked.
    pub tolerant: bool,
    /// Parties of one call may come to another, and its media with them.
    pub between: bool,
    /// Messages read.
    pub messages: usize,
    /// Calls whose peers were cut off, for longer than a transaction lives perhaps.
    pub forgiven: BTreeSet<String>,
    acked: BTreeSet<(String, String, u32)>,
    sent: BTreeSet<u64>,
    counting: BTreeMap<(String, String), u32>,
    origins: BTreeMap<(String, bool), Origin>,
    secrets: BTreeMap<bool, BTreeSet<String>>,
    sessions: BTreeMap<u64, usize>,
}

impl Judge {
    /// A judge who has seen nothing; `tolerant` of 400s when faulty messages reach the house.
    #[must_use]
    pub fn new(tolerant: bool) -> Judge {
        Judge { tolerant, ..Judge::default() }
    }

    /// A message leaves the house; `call` is the plan's call that it belongs to, when known.
    pub fn leaves(
        &mut self,
        letter: &Letter,
        call: Option<usize>,
        engine: &Engine,
        journal: &Journal,
    ) -> Option<Message> {
        self.messages += 1;
        let message = match Message::read(&letter.bytes) {
            Ok(message) => message,
            Err(fault) => {
                self.faults.push(format!("unreadable: {fault}\n{}", String::from_utf8_lossy(&letter.bytes)));
                return None;
            }
        };
        let fresh = self.sent.insert(mark(&letter.bytes) ^ mark(letter.to.to_string().as_bytes()));
        let bad = self.tolerant && matches!(message.status(), 400..=499);
        if !bad {
            self.rows(&message);
        }
        self.secrecy(letter, &message);
        if message.is_request() {
            self.request(&message, fresh, call, journal);
        } else {
            self.response(&message);
        }
        let told = mark(message.body.as_bytes()) ^ mark(message.call_id().as_bytes());
        let news = fresh && !message.body.is_empty() && self.sent.insert(told);
        if news && message.row("Content-Type") == Some("application/sdp") {
            self.description(letter, &message, call, engine);
        }
        Some(message)
    }

    fn fault(&mut self, what: &str, message: &Message) {
        self.faults.push(format!("{what}: {} of {}", message.first, message.call_id()));
    }

    fn rows(&mut self, message: &Message) {
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            if message.row(name).is_none_or(str::is_empty) {
                self.fault(&format!("no {name}"), message);
            }
        }
        for name in SINGLE {
            if message.all(name).count() > 1 {
                self.fault(&format!("{name} twice"), message);
            }
        }
        if message.row("Content-Type").is_some() == message.body.is_empty() {
            self.fault("Content-Type and body do not fit", message);
        }
        if message.tag("From").is_empty() && !self.tolerant {
            self.fault("no From tag", message);
        }
    }

    fn request(&mut self, message: &Message, fresh: bool, call: Option<usize>, journal: &Journal) {
        let (number, method) = message.cseq();
        if method != message.method() {
            self.fault("CSeq of another method", message);
        }
        if message.row("Max-Forwards").is_none() || message.all("Via").count() != 1 {
            self.fault("no Max-Forwards, or not one Via", message);
        }
        if !message.branch().starts_with("z9hG4bK") {
            self.fault("no RFC 3261 branch", message);
        }
        if matches!(method, "INVITE" | "UPDATE") && message.contact().is_none() {
            self.fault("no Contact", message);
        }
        let first = message.tag("To").is_empty();
        if first && !self.tolerant && !matches!(method, "INVITE" | "OPTIONS" | "CANCEL" | "ACK") {
            self.fault("no To tag", message);
        }
        if method == "ACK" {
            let key = (message.call_id().to_owned(), message.tag("To").to_owned(), number);
            self.owed_acks.remove(&key);
            self.acked.insert(key);
        }
        self.counts(message, fresh, call, journal);
    }

    /// CSeq rises, and no second gateway rings, but beside others that ring on.
    fn counts(&mut self, message: &Message, fresh: bool, call: Option<usize>, journal: &Journal) {
        let (number, method) = message.cseq();
        let first = message.tag("To").is_empty();
        // Faulty copies with an old Call-ID are calls of their own: counting by Call-ID proves nothing then.
        if matches!(method, "ACK" | "CANCEL") || !fresh || self.tolerant {
            return;
        }
        let key = (message.call_id().to_owned(), message.tag("To").to_owned());
        let last = self.counting.get(&key).copied().unwrap_or(0);
        if number <= last {
            self.fault(&format!("CSeq {number} after {last}"), message);
        }
        self.counting.insert(key, number);
        if let (true, "INVITE", Some(call)) = (first, method, call) {
            let attempts = self.attempts.entry(call).or_default();
            let beside = journal.parallel && attempts.iter().any(|a| journal.is_open(&a.call_id));
            let rung = attempts.iter().any(|a| a.progressed) && !beside;
            attempts.push(Attempt { call_id: message.call_id().to_owned(), progressed: false });
            if rung {
                self.fault("a second gateway after one had rung", message);
            }
        }
    }

    fn response(&mut self, message: &Message) {
        let status = message.status();
        if self.tolerant {
            return;
        }
        if status > 100 && message.tag("To").is_empty() {
            self.fault("no To tag", message);
        }
        if (101..300).contains(&status) && message.method() == "INVITE" && message.contact().is_none() {
            self.fault("no Contact", message);
        }
        if status == 202 && message.method() == "REFER" {
            // A transfer begins: somebody else may ring.
            self.attempts.values_mut().flatten().for_each(|a| a.progressed = false);
        }
        if status < 200 || message.method() != "INVITE" {
            return;
        }
        let key = (
            message.call_id().to_owned(),
            message.cseq().0,
            message.row("Via").unwrap_or_default().to_owned(),
        );
        let given = (status, message.tag("To").to_owned());
        let known = self.finals.entry(key).or_insert_with(|| given.clone()).clone();
        if known != given && !self.forgiven.contains(message.call_id()) {
            self.fault(&format!("a second final response after {known:?}"), message);
        }
    }

    /// Nothing of one side may reach the other.
    fn secrecy(&mut self, letter: &Letter, message: &Message) {
        let inside = is_inside(letter.to);
        if self.tolerant && !["10.0.0.", "192.0.2."].iter().any(|n| letter.to.ip().to_string().starts_with(n))
        {
            return; // a faulty Contact sent it to nowhere
        }
        let text = String::from_utf8_lossy(&letter.bytes);
        let foreign = if inside { ["z-out", "192.0.2."] } else { ["z-in", "10.0.0."] };
        for secret in foreign {
            // A faulty copy may bear its sender's address anywhere, also where descriptions pass as they are.
            let passes =
                |l: &str| l.as_bytes().get(1) == Some(&b'=') && !l.starts_with("o=") && !l.starts_with("c=");
            let told = |l: &&str| !self.tolerant || !passes(l);
            if let Some(line) = text.lines().filter(told).find(|l| l.contains(secret)) {
                self.fault(&format!("{secret} leaks to {} in {line:?}", letter.to), message);
            }
        }
        let tag = message.tag(if message.is_request() { "From" } else { "To" });
        if message.method() == "OPTIONS" {
            return;
        }
        for word in [tag, message.call_id()] {
            if word.is_empty() {
                continue;
            }
            if self.secrets.entry(!inside).or_default().contains(word) {
                self.faults.push(format!("{word} is used on both sides"));
            }
            self.secrets.entry(inside).or_default().insert(word.to_owned());
        }
    }

    /// Our addresses and ports, one session a call, and a version that rises only with change.
    fn description(&mut self, letter: &Letter, message: &Message, call: Option<usize>, engine: &Engine) {
        let inside = is_inside(letter.to);
        let ours = if inside { "10.0.0.5" } else { "192.0.2.1" };
        for line in message.body.lines() {
            if let Some(address) = line.strip_prefix("c=IN IP4 ")
                && address != ours
                && address != "0.0.0.0"
            {
                self.fault(&format!("foreign media address {address}"), message);
            }
            let Some(port) = line.strip_prefix("m=").and_then(|l| l.split(' ').nth(1)) else { continue };
            let port: u16 = port.parse().unwrap_or(1);
            if port == 0 {
                continue;
            }
            let right = if inside { port < 30_000 } else { port >= 30_000 };
            match engine.owner(port).filter(|_| right) {
                None => self.fault(&format!("media port {port} is not ours"), message),
                Some(session) => {
                    let owner = call.map(|c| *self.sessions.entry(session).or_insert(c));
                    if owner != call && !self.tolerant && !self.between {
                        self.fault(&format!("media port {port} of another call"), message);
                    }
                }
            }
        }
        if !self.tolerant {
            self.origin(message, inside);
        }
    }

    fn origin(&mut self, message: &Message, inside: bool) {
        let line = message.body.lines().find(|l| l.starts_with("o=")).unwrap_or_default();
        let parts: Vec<&str> = line.split(' ').collect();
        let (Some(id), Some(version)) = (parts.get(1), parts.get(2).and_then(|v| v.parse::<u64>().ok()))
        else {
            return self.fault("an origin that cannot be read", message);
        };
        let rest = message.body.replacen(line, "", 1);
        let known = self.origins.entry((message.call_id().to_owned(), inside)).or_default();
        let trouble = match () {
            () if known.id.is_empty() => None,
            () if known.id != *id => Some(format!("origin {id} after {}", known.id)),
            () if known.refused && version == known.version + 1 => None,
            () if known.rest == rest && known.version != version => {
                Some(format!("version {version} after {} without a change", known.version))
            }
            () if known.rest != rest && version != known.version + 1 => {
                Some(format!("version {version} after {} with a change", known.version))
            }
            () => None,
        };
        *known = Origin { id: (*id).to_owned(), version, rest, refused: false };
        if let Some(trouble) = trouble {
            self.fault(&trouble, message);
        }
    }

    /// A readable message reached the house; `open`: of an attempt that may become the call.
    pub fn arrives(&mut self, message: &Message, call: Option<usize>, open: bool) {
        let status = message.status();
        if status >= 300 && matches!(message.method(), "INVITE" | "UPDATE") {
            let of = |key: &(String, bool)| key.0 == message.call_id();
            for (_, origin) in self.origins.iter_mut().filter(|(key, _)| of(key)) {
                origin.refused = true;
            }
        }
        if message.is_request() || message.method() != "INVITE" {
            return;
        }
        let attempts = call.and_then(|c| self.attempts.get_mut(&c)).into_iter().flatten();
        for attempt in attempts.filter(|a| a.call_id == message.call_id()) {
            attempt.progressed |= open && (101..200).contains(&status);
        }
        if (200..300).contains(&status) {
            let key = (message.call_id().to_owned(), message.tag("To").to_owned(), message.cseq().0);
            if !self.acked.contains(&key) {
                self.owed_acks.insert(key);
            }
        }
    }
}

/// The marker of a letter's receiver, for people.
#[must_use]
pub fn side(letter: &Letter) -> &'static str {
    side_marker(letter.to)
}
