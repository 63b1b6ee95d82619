//! Worlds of registrations: trunks that register over a bad network with registrars that die, refuse, forget
//! and challenge, from a house that is started anew now and then; nobody calls.
//!
//! [`Plan`] says what happens, [`run`] lets it happen, [`Judge`] knows what may never happen: two REGISTERs of
//! an account under way at once, a binding that lapses while its registrar answers, a refusal that is asked
//! again before an hour is over, an account that never comes back.

mod judge;
mod plan;
mod registrar;

pub use judge::Judge;
pub use plan::{Plan, Refusing};

use crate::dice::{Dice, mark};
use crate::net::Net;
use crate::text::Message;
use b2bua::{Input, Outbox, Setup, Snapshot, Switchboard};
use base::time::WallClock;
use base::{ListenId, ShardId, Time, Transport, WallTime};
use registrar::Registrar;
use sip_core::{Flow, SendError, SendToken};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Events after which a world is stuck in a circle.
const EVENTS_MAX: usize = 200_000;
/// Where the house stands.
const HOUSE: &str = "192.0.2.1:5060";

/// What became of a world.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was wrong; empty when all is well.
    pub faults: Vec<String>,
    /// REGISTERs that left, repetitions left out.
    pub registers: usize,
    /// Bindings that registrars granted.
    pub granted: usize,
    /// Refusals of which the house may not ask again at once.
    pub forbidden: usize,
    /// Everything that was sent, when asked for.
    pub ladder: Vec<String>,
}

enum Event {
    /// A message arrives: from, to.
    Arrive(SocketAddr, SocketAddr, Vec<u8>),
    SendFailed(SendToken),
    /// The house ends and is started anew.
    Restart,
}

struct World {
    plan: Plan,
    board: Switchboard,
    now: Time,
    net: Net,
    registrar: Registrar,
    judge: Judge,
    queue: BTreeMap<(Time, u64), Event>,
    count: u64,
    dice: Dice,
    ladder: Option<Vec<String>>,
}

/// Lives through a plan. With `trace` the ladder is kept.
#[must_use]
pub fn run(plan: Plan, trace: bool) -> Outcome {
    let mut dice = Dice::new(plan.seed ^ 0x7265_6769);
    let mut out = Outbox::new();
    let mut net = Net::new(plan.weather, dice.fork());
    for (host, from, until) in &plan.deaths {
        let at = |second| Time::ZERO + Duration::from_secs(second);
        net.kill(plan.address(*host).ip(), at(*from), at(*until));
    }
    let mut world = World {
        board: house(&plan, Time::ZERO, &mut dice, &mut out),
        now: Time::ZERO,
        net,
        registrar: Registrar::new(&plan, dice.fork()),
        judge: Judge::new(&plan),
        queue: BTreeMap::new(),
        count: 0,
        dice,
        ladder: trace.then(Vec::new),
        plan,
    };
    for second in world.plan.restarts.clone() {
        world.at(Duration::from_secs(second), Event::Restart);
    }
    world.drain(out);
    world.live();
    let World { judge, registrar, ladder, now, .. } = world;
    judge.conclude(now, registrar.granted, ladder.unwrap_or_default())
}

/// What a switchboard of these worlds is born with.
pub(crate) fn setup(shard: ShardId, dice: &mut Dice) -> Setup {
    let clock = WallClock { birth: WallTime(1_700_000_000_000_000) };
    Setup { shard, seed: (dice.roll(), dice.roll()), secret: [7; 32], proof: [7; 32], clock }
}

/// The house with the plan's accounts.
fn house(plan: &Plan, now: Time, dice: &mut Dice, out: &mut Outbox) -> Switchboard {
    let setup = setup(ShardId(1), dice);
    let text = plan.config();
    match config::parse(&text, "sim.toml", config::Format::Toml) {
        Ok(loaded) => Switchboard::new(setup, Arc::new(Snapshot::new(loaded.config, 1)), now, out),
        #[expect(clippy::panic, reason = "a fault of the simulation itself, not of what it judges")]
        Err(errors) => panic!("the simulation's own configuration: {errors}\n{text}"),
    }
}

impl World {
    fn at(&mut self, wait: Duration, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + wait, self.count), event);
    }

    fn live(&mut self) {
        let end = Time::ZERO + Duration::from_secs(self.plan.end);
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
        self.judge.fault(self.now, "the world turns in a circle");
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Restart => {
                self.judge.restarted(self.now);
                let mut out = Outbox::new();
                self.board = house(&self.plan, self.now, &mut self.dice, &mut out);
                self.drain(out);
            }
            Event::SendFailed(token) => self.input(Input::SendFailed { token, error: SendError::Refused }),
            Event::Arrive(from, to, bytes) if to == self.house_addr() => {
                if let Ok(message) = Message::read(&bytes) {
                    self.judge.hears(self.now, &message);
                }
                let listen = ListenId(0);
                let flow = Flow { listen, transport: Transport::Udp, remote: from, conn: None, trunk: None };
                self.input(Input::Message { flow, verified: &[], bytes: &bytes });
            }
            Event::Arrive(from, to, bytes) => {
                let Ok(message) = Message::read(&bytes) else { return };
                if self.net.is_dead(to.ip(), self.now) || !message.is_request() {
                    return;
                }
                let answer = self.registrar.answer(self.now, &message, &mut self.judge);
                self.post(to, from, answer.write());
            }
        }
    }

    fn house_addr(&self) -> SocketAddr {
        HOUSE.parse().unwrap_or(SocketAddr::from(([192, 0, 2, 1], 5060)))
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Outbox::new();
        self.board.handle(self.now, input, &mut out);
        self.drain(out);
    }

    fn drain(&mut self, out: Outbox) {
        for transmit in &out.sip.transmits {
            let bytes = out.sip.message(transmit).to_vec();
            match Message::read(&bytes) {
                Ok(message) if message.is_request() => self.judge.leaves(self.now, &message),
                Ok(_) => {}
                Err(why) => self.judge.fault(self.now, &why),
            }
            let to = transmit.flow.remote;
            // A dead host's machine may say so.
            if let Some(token) = transmit.token
                && self.net.is_dead(to.ip(), self.now)
                && mark(&bytes).is_multiple_of(2)
            {
                self.at(Duration::from_millis(20), Event::SendFailed(token));
                self.judge.failed(&bytes);
            }
            self.post(self.house_addr(), to, bytes);
        }
    }

    fn post(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let times = self.net.send(self.now, (from, to), false, &bytes);
        if let Some(ladder) = &mut self.ladder {
            let first = String::from_utf8_lossy(&bytes);
            let first = first.split("\r\n").next().unwrap_or_default().to_owned();
            ladder.push(format!(
                "{:>10.3} {from} => {to} {first} ({})",
                self.now.0 as f64 / 1e9,
                times.len()
            ));
        }
        for time in times {
            self.at(time.since(self.now), Event::Arrive(from, to, bytes.clone()));
        }
    }
}
