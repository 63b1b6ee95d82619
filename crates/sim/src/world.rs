//! The world's one loop: the earliest thing happens next, the house is asked, its outputs leave.

use crate::config_text::{Hunt, Variant};
use crate::dice::{Dice, mark};
use crate::engine::Engine;
use crate::journal::Journal;
use crate::judge::Judge;
use crate::ladder::{first_line, picture};
use crate::mutate::mutate;
use crate::net::Net;
use crate::peer::{Agent, Alarm, Desk, Letter, is_inside};
use crate::plan::{Deed, OnOffer, Plan, Way};
use crate::reference::Reference;
use crate::text::Message;
use b2bua::{Input, Outbox, ResolveRequest, Snapshot, Switchboard};
use base::{ListenId, ShardId, Time, Transport};
use media::Reply;
use sip_core::{ConnId, Flow, SendError, SendToken};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Events after which a world is stuck in a circle.
const EVENTS_MAX: usize = 400_000;
/// How long the house has for everything that is still under way when all calls were ended.
const SETTLE: Duration = Duration::from_secs(300);

enum Event {
    Arrive(Letter),
    Alarm(usize, Alarm),
    Place(usize),
    Deed(Deed),
    Media(Reply),
    SendFailed(SendToken, SendError),
    Resolve(ResolveRequest),
    /// Everything is ended and the configuration made quiet.
    Close,
}

/// A world; see the module text.
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) board: Switchboard,
    pub(crate) now: Time,
    pub(crate) agents: Vec<Agent>,
    pub(crate) engine: Engine,
    pub(crate) judge: Judge,
    pub(crate) journal: Journal,
    pub(crate) reference: Reference,
    pub(crate) net: Net,
    pub(crate) faults: Vec<String>,
    /// A host was cut off, or strange things were sent: peers' complaints prove nothing.
    pub(crate) disturbed: bool,
    /// Faulty copies of messages reach the house.
    pub(crate) garbled: bool,
    /// The first provider's trunk is not in the configuration now.
    pub(crate) removed: bool,
    /// Calls of which something came from what was then a stranger.
    unheard: BTreeSet<usize>,
    by_call_id: BTreeMap<String, usize>,
    met: BTreeMap<usize, usize>,
    queue: BTreeMap<(Time, u64), Event>,
    count: u64,
    pub(crate) revision: u64,
    pub(crate) dice: Dice,
    trace: bool,
    pub(crate) ladder: Vec<String>,
}

impl World {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(plan: Plan, trace: bool) -> World {
        let mut dice = Dice::new(plan.seed ^ 0x5eed);
        let mut out = Outbox::new();
        let setup = crate::registering::setup(ShardId((plan.seed & 0x7f) as u8), &mut dice);
        let first = snapshot(&plan.config, 0, plan.config.options, 1);
        let board = Switchboard::new(setup, first, Time::ZERO, &mut out);
        let mut world = World {
            board,
            now: Time::ZERO,
            agents: Vec::new(),
            engine: Engine::new(dice.fork(), plan.media_fail),
            judge: Judge::new(plan.mutate > 0),
            journal: Journal::new(plan.config.hunt != Hunt::Order),
            reference: Reference::default(),
            net: Net::new(plan.weather, dice.fork()),
            faults: Vec::new(),
            disturbed: false,
            garbled: plan.mutate > 0,
            removed: false,
            unheard: BTreeSet::new(),
            by_call_id: BTreeMap::new(),
            met: BTreeMap::new(),
            queue: BTreeMap::new(),
            count: 0,
            revision: 1,
            dice,
            trace,
            ladder: Vec::new(),
            plan,
        };
        world.judge.between = world.plan.names_dialogs();
        world.populate();
        world.drain(&mut out);
        world
    }

    fn populate(&mut self) {
        for (index, call) in self.plan.calls.clone().into_iter().enumerate() {
            let (from, called, number) = match call.way {
                Way::Out => ("10.0.0.21", format!("+4420700{index:05}"), "+493023125100".to_owned()),
                Way::In => ("192.0.2.7", format!("+493023125{index:03}"), "+442070099999".to_owned()),
            };
            let addr: SocketAddr = SocketAddr::new(host(from), 5060);
            let dice = self.dice.fork();
            let ends = (addr, house_of(addr));
            let agent = Agent::caller(index, ends, call.stream, &called, &number, call.caller, dice);
            self.by_call_id.insert(agent.call_id.clone(), index);
            self.agents.push(agent);
            self.at(Duration::from_millis(call.at), Event::Place(index));
        }
        for (at, deed) in self.plan.deeds.clone() {
            self.at(Duration::from_millis(at), Event::Deed(deed));
        }
        self.at(Duration::from_millis(self.plan.end), Event::Close);
    }

    fn at(&mut self, wait: Duration, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + wait, self.count), event);
    }

    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if self.trace {
            let line = format!("{:>10.3} {}", self.now.0 as f64 / 1e9, text());
            self.ladder.push(line);
        }
    }

    /// Lets everything happen.
    pub fn live(&mut self) {
        let end = Time::ZERO + Duration::from_millis(self.plan.end) + SETTLE;
        for _ in 0..EVENTS_MAX {
            let queued = self.queue.first_key_value().map(|(k, _)| k.0);
            let house = self.board.next_deadline();
            let next = queued.into_iter().chain(house).min();
            let Some(next) = next.filter(|t| *t <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if house.is_some_and(|h| h <= next) {
                self.input(Input::Timeout);
            } else if let Some((_, event)) = self.queue.pop_first() {
                self.happen(event);
            }
        }
        self.faults.push("the world turns in a circle".to_owned());
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(letter) if is_house(letter.to) => self.reach_house(&letter),
            Event::Arrive(letter) => self.reach_peer(&letter),
            Event::Alarm(agent, alarm) => self.turn(agent, |agent, desk| agent.wake(alarm, desk)),
            Event::Place(agent) => self.turn(agent, |agent, desk| agent.place(desk)),
            Event::Media(reply) => self.input(Input::Media(reply)),
            Event::SendFailed(token, error) => self.input(Input::SendFailed { token, error }),
            Event::Resolve(request) => self.resolve(&request),
            Event::Deed(deed) => self.perform(deed),
            Event::Close => self.close(),
        }
    }

    fn turn(&mut self, agent: usize, act: impl FnOnce(&mut Agent, &mut Desk)) {
        let mut desk = Desk { others: self.others(), ..Desk::new(self.now) };
        let Some(found) = self.agents.get_mut(agent) else { return };
        act(found, &mut desk);
        let (call, addr) = (found.call, found.addr);
        for letter in desk.letters {
            self.post(letter);
        }
        for (time, alarm) in desk.alarms {
            self.at(time.since(self.now), Event::Alarm(agent, alarm));
        }
        for fault in desk.faults {
            self.complain(call, addr, &fault);
        }
    }

    /// A peer complains; in a disturbed world that proves nothing.
    fn complain(&mut self, call: usize, addr: SocketAddr, fault: &str) {
        self.note(|| format!("!! {addr} complains: {fault}"));
        let cut = self.net.was_dead(addr.ip(), self.now);
        // Whoever waits for the other side waits as long as that side does.
        let mute = |a: &Agent| {
            a.gone || a.manner.on_offer == OnOffer::Silence || self.net.was_dead(a.addr.ip(), self.now)
        };
        let hopeless =
            fault.starts_with("no answer") && self.agents.iter().any(|a| a.call == call && mute(a));
        // Addresses of the named gateway come and go: whoever left is a stranger, but in a live call.
        let moved = || ["192.0.2.9", "192.0.2.10"].map(host).contains(&addr.ip());
        let unheard = (self.unheard.contains(&call) || moved()) && fault.starts_with("no answer");
        if !cut && !self.garbled && !hopeless && !unheard {
            self.faults.push(format!("call {call}: {addr} complains: {fault}"));
        }
    }

    /// Puts a message on its way.
    pub(crate) fn post(&mut self, letter: Letter) {
        let times = self.net.send(self.now, (letter.from, letter.to), letter.stream, &letter.bytes);
        self.note(|| {
            let fate = match times.len() {
                0 => " (lost)",
                1 => "",
                _ => " (twice)",
            };
            picture(&letter, fate)
        });
        if is_house(letter.to) && self.dice.below(1_000) < self.plan.mutate {
            let bytes = mutate(&letter.bytes, &mut self.dice);
            let wait = self.dice.millis(1, 500);
            self.at(wait, Event::Arrive(Letter { bytes, ..letter.clone() }));
        }
        for time in times {
            self.at(time.since(self.now), Event::Arrive(letter.clone()));
        }
    }

    fn reach_house(&mut self, letter: &Letter) {
        if let Ok(message) = Message::read(&letter.bytes) {
            let agent = self.by_call_id.get(message.call_id()).and_then(|i| self.agents.get(*i));
            let (call, is_caller) = (agent.map(|a| a.call), agent.is_some_and(|a| a.is_caller));
            let open = self.journal.is_open(message.call_id());
            self.judge.arrives(&message, call, open);
            // Who belongs to no trunk now is a stranger: the house says nothing, but in a live call.
            let stranger = self.removed && !is_inside(letter.from) && message.is_request();
            self.unheard.extend(call.filter(|_| stranger));
            let outside = stranger && message.method() == "INVITE" && message.tag("To").is_empty();
            if let Some(call) = call.filter(|_| !outside) {
                let last = self.judge.attempts.get(&call).and_then(|a| a.last());
                if is_caller || open || last.is_some_and(|a| a.call_id == message.call_id()) {
                    self.reference.arrives(self.now, call, is_caller, &message);
                }
            }
        }
        self.note(|| format!("   -> house {}", first_line(&letter.bytes)));
        let conn = letter.stream.then(|| ConnId(mark(letter.from.to_string().as_bytes()) as u32));
        let transport = if letter.stream { Transport::Tcp } else { Transport::Udp };
        let listen = ListenId(u16::from(!is_inside(letter.from)));
        let flow = Flow { listen, transport, remote: letter.from, conn, trunk: None };
        self.input(Input::Message { flow, verified: &[], bytes: &letter.bytes });
    }

    /// Journal, then media, then messages: as the runtime does it.
    pub(super) fn drain(&mut self, out: &mut Outbox) {
        loop {
            for event in out.journal.drain(..) {
                if self.trace {
                    let text = format!("{event:?}");
                    self.note(|| format!("   journal {}", text.chars().take(160).collect::<String>()));
                }
                self.journal.read(event);
            }
            let commands: Vec<media::Command> = out.media.drain(..).collect();
            if commands.is_empty() {
                break;
            }
            for command in commands {
                match self.engine.execute(&command) {
                    Some((reply, true)) => self.board.handle(self.now, Input::Media(reply), out),
                    Some((reply, false)) => {
                        let wait = self.dice.millis(0, 50);
                        self.at(wait, Event::Media(reply));
                    }
                    None => {}
                }
            }
        }
        for request in out.resolve.drain(..) {
            let wait = self.dice.millis(1, 500);
            self.at(wait, Event::Resolve(request));
        }
        let sip = std::mem::take(&mut out.sip);
        for transmit in &sip.transmits {
            let flow = transmit.flow;
            let from = if flow.listen == ListenId(0) { "10.0.0.5" } else { "192.0.2.1" };
            let letter = Letter {
                from: SocketAddr::new(host(from), 5060),
                to: flow.remote,
                stream: flow.transport.is_reliable(),
                bytes: sip.message(transmit).to_vec(),
            };
            self.leave(letter, transmit.token);
        }
    }

    fn leave(&mut self, letter: Letter, token: Option<SendToken>) {
        let call = self.call_of(&letter);
        let message = self.judge.leaves(&letter, call, &self.engine, &self.journal);
        if let (Some(call), Some(message)) = (call, message)
            && message.method() == "BYE"
            && message.status() == 200
        {
            let by = self.by_call_id.get(message.call_id()).and_then(|i| self.agents.get(*i));
            self.reference.hung_up(self.now, call, by.is_some_and(|a| a.is_caller));
        }
        let stranger = ["10.0.0.99", "192.0.2.99"].map(host).contains(&letter.to.ip());
        if stranger && !self.garbled {
            self.faults.push(format!("a stranger is answered: {}", first_line(&letter.bytes)));
        }
        let nobody = !is_peer(letter.to.ip());
        if nobody && !self.garbled && !stranger {
            self.faults.push(format!("sent to nobody at {}: {}", letter.to, first_line(&letter.bytes)));
        }
        if (nobody || self.net.is_dead(letter.to.ip(), self.now))
            && let Some(token) = token
            && (letter.stream || mark(&letter.bytes).is_multiple_of(2))
        {
            let (wait, error) = if letter.stream {
                (Duration::from_secs(5), SendError::Timeout)
            } else {
                (Duration::from_millis(20), SendError::Refused)
            };
            self.at(wait, Event::SendFailed(token, error));
        }
        self.post(letter);
    }

    /// Which call of the plan a message of the house belongs to.
    fn call_of(&self, letter: &Letter) -> Option<usize> {
        let message = Message::read(&letter.bytes).ok()?;
        if let Some(agent) = self.by_call_id.get(message.call_id()) {
            return self.agents.get(*agent).map(|a| a.call);
        }
        called_index(&message).filter(|c| *c < self.plan.calls.len())
    }

    fn reach_peer(&mut self, letter: &Letter) {
        if !is_peer(letter.to.ip()) || self.net.is_dead(letter.to.ip(), self.now) {
            return;
        }
        let Ok(message) = Message::read(&letter.bytes) else { return };
        if let Some(agent) = self.by_call_id.get(message.call_id()).copied() {
            return self.turn(agent, |agent, desk| agent.hear(&message, desk));
        }
        if message.is_request() && message.method() == "INVITE" && message.tag("To").is_empty() {
            return self.meet(letter, &message);
        }
        let status = match message.method() {
            "ACK" => return,
            "OPTIONS" => 200,
            _ => 481,
        };
        if message.is_request() {
            let bytes = message.reply(status, "ztag").write();
            self.post(Letter { from: letter.to, to: letter.from, stream: letter.stream, bytes });
        }
    }

    /// An INVITE of the house meets somebody.
    fn meet(&mut self, letter: &Letter, message: &Message) {
        let Some(call) = called_index(message).filter(|c| *c < self.plan.calls.len()) else { return };
        let turn = self.met.entry(call).or_default();
        let manners = &self.plan.calls[call].callees;
        let Some(manner) = manners.get(*turn).or(manners.last()).cloned() else { return };
        *turn += 1;
        let dice = self.dice.fork();
        let agent = Agent::callee(call, (letter.to, letter.from), letter.stream, message, manner, dice);
        let index = self.agents.len();
        self.by_call_id.insert(agent.call_id.clone(), index);
        self.agents.push(agent);
        self.turn(index, |agent, desk| agent.hear(message, desk));
    }
}

pub(crate) fn snapshot(variant: &Variant, edition: usize, options: u32, revision: u64) -> Arc<Snapshot> {
    let text = variant.text(edition, options);
    match config::parse(&text, "sim.toml", config::Format::Toml) {
        Ok(loaded) => Arc::new(Snapshot::new(loaded.config, revision)),
        #[expect(clippy::panic, reason = "a fault of the simulation itself, not of what it judges")]
        Err(errors) => panic!("the simulation's own configuration: {errors}\n{text}"),
    }
}

fn called_index(message: &Message) -> Option<usize> {
    let user = message.uri().strip_prefix("sip:")?.split('@').next()?;
    let prefixes = ["+4420700", "+4420701", "+493023125"];
    prefixes.iter().find_map(|prefix| user.strip_prefix(prefix))?.parse().ok()
}

pub(crate) fn host(text: &str) -> IpAddr {
    text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]))
}

pub(crate) fn is_house(addr: SocketAddr) -> bool {
    ["10.0.0.5", "192.0.2.1"].map(host).contains(&addr.ip())
}

fn is_peer(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if matches!(v4.octets(), [10, 0, 0, 21 | 22] | [192, 0, 2, 7..=11]))
}

pub(crate) fn house_of(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(host(if is_inside(peer) { "10.0.0.5" } else { "192.0.2.1" }), 5060)
}
