//! A client and a server endpoint joined by a network that loses, repeats and delays messages, under a
//! virtual clock. Whatever the network does: each request of the client has exactly one outcome, the server
//! sees each request once, and nothing remains of it in either table.
#![allow(clippy::unwrap_used, clippy::panic)]

use base::{ListenId, Rng, ShardId, Time, Transport};
use sip_core::{
    ClientTxn, Event, Flow, Incoming, Outbox, Request, Response, ServerTxn, Setup, Timers, Transactions,
};
use sip_msg::{Index, Leniency, Limits, Method, Msg, parse};
use std::collections::BTreeMap;
use std::time::Duration;

const CALLS: u32 = 12;
/// After this the TU cancels an INVITE that is still without a final response.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
const CLIENT: usize = 0;
const SERVER: usize = 1;

struct End {
    txns: Transactions<u32>,
    out: Outbox,
}

/// What the client knows of one request.
#[derive(Default, Debug)]
struct Outcome {
    finals: u32,
    successes: u32,
    failed: bool,
}

/// What the server does later.
#[derive(Debug)]
enum Plan {
    Respond(ServerTxn, u16),
    Reliably(ServerTxn, u16, bool),
}

struct Sim {
    now: Time,
    rng: Rng,
    ends: [End; 2],
    wire: BTreeMap<(Time, u64), (usize, Vec<u8>)>,
    plans: BTreeMap<(Time, u64), Plan>,
    cancels: BTreeMap<(Time, u64), ClientTxn>,
    serial: u64,
    loss: u64,
    transport: Transport,
    outcomes: BTreeMap<u32, Outcome>,
    seen: BTreeMap<String, u32>,
    invites: BTreeMap<String, ServerTxn>,
    next_user: u32,
}

impl Sim {
    fn new(seed: u64, transport: Transport) -> Sim {
        let mut rng = Rng::new((seed, 1));
        let end = |shard: u8, seed: (u64, u64)| End {
            txns: Transactions::new(Setup {
                shard: ShardId(shard),
                seed,
                timers: Timers::default(),
                server_max: 1_000,
                client_max: 1_000,
            }),
            out: Outbox::new(),
        };
        let loss = if transport.is_reliable() { 0 } else { rng.below(60) };
        Sim {
            now: Time::ZERO,
            ends: [end(0, rng.next_pair()), end(1, rng.next_pair())],
            rng,
            wire: BTreeMap::new(),
            plans: BTreeMap::new(),
            cancels: BTreeMap::new(),
            serial: 0,
            loss,
            transport,
            outcomes: BTreeMap::new(),
            seen: BTreeMap::new(),
            invites: BTreeMap::new(),
            next_user: 0,
        }
    }

    fn later(&mut self, millis: u64) -> (Time, u64) {
        self.serial += 1;
        (self.now + Duration::from_millis(self.rng.below(millis.max(1))), self.serial)
    }

    fn flow(&self, to: usize) -> Flow {
        let port = 5060 + to as u16;
        let remote = std::net::SocketAddr::from(([192, 0, 2, 1], port));
        let conn = self.transport.is_reliable().then_some(sip_core::ConnId(to as u32));
        Flow { listen: ListenId(0), transport: self.transport, remote, conn, trunk: None }
    }

    /// Puts what an end wants to send on the wire.
    fn flush(&mut self, from: usize) {
        let transmits = std::mem::take(&mut self.ends[from].out.transmits);
        let bytes = std::mem::take(&mut self.ends[from].out.bytes);
        for transmit in transmits {
            let message = bytes[transmit.range].to_vec();
            if self.transport.is_reliable() {
                self.serial += 1;
                let at = self.now + Duration::from_millis(20);
                self.wire.insert((at, self.serial), (1 - from, message));
                continue;
            }
            let copies = 1 + u32::from(self.rng.below(10) == 0);
            for _ in 0..copies {
                if self.rng.below(100) >= self.loss {
                    let at = self.later(300);
                    self.wire.insert(at, (1 - from, message.clone()));
                }
            }
        }
    }

    fn send(&mut self, method: &str, call: u32, extra: &str) -> Option<ClientTxn> {
        let user = self.next_user;
        self.next_user += 1;
        let rows = format!(
            "Max-Forwards: 70\r\nFrom: <sip:a@a>;tag=a{call}\r\nTo: <sip:b@b>\r\nCall-ID: {call}\r\n\
             CSeq: {} {method}\r\nContact: <sip:a@192.0.2.1>\r\n{extra}",
            if method == "ACK" || method == "INVITE" { 1 } else { 2 + user }
        );
        let request = Request {
            method: method.as_bytes(),
            uri: b"sip:b@b",
            flow: self.flow(SERVER),
            sent_by: b"192.0.2.1:5060",
            rows: rows.as_bytes(),
            content_type: b"",
            body: b"",
            udp_max: 9_000,
            alternative: None,
        };
        let end = &mut self.ends[CLIENT];
        if method == "ACK" {
            end.txns.send_stateless(&request, &mut end.out).unwrap();
            return None;
        }
        self.outcomes.insert(user, Outcome::default());
        Some(end.txns.request(self.now, user, &request, &mut end.out).unwrap())
    }

    fn deliver(&mut self, to: usize, bytes: &[u8]) {
        let mut index = Index::new();
        let msg = parse(bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
        let flow = self.flow(1 - to);
        let end = &mut self.ends[to];
        let incoming = end.txns.receive(self.now, &msg, &flow, &mut end.out);
        if to == SERVER { self.server_tu(msg, incoming) } else { self.client_tu(msg, incoming) }
    }

    fn server_tu(&mut self, msg: Msg<'_>, incoming: Incoming<u32>) {
        let call = String::from_utf8_lossy(msg.call_id().unwrap()).into_owned();
        match incoming {
            Incoming::Request(txn) => {
                let key = format!("{call} {:?}", msg.cseq().unwrap());
                *self.seen.entry(key).or_default() += 1;
                match msg.method() {
                    Method::Invite => self.plan_invite(txn, call),
                    Method::Prack => self.answer_prack(txn, &call, msg),
                    _ => {
                        let at = self.later(3_000);
                        self.plans.insert(at, Plan::Respond(txn, 200));
                    }
                }
            }
            Incoming::Ack => {
                if let Some(&invite) = self.invites.get(&call) {
                    self.ends[SERVER].txns.acked(invite);
                }
            }
            Incoming::Cancel { invite, .. } => {
                if !self.ends[SERVER].txns.is_answered(invite) {
                    self.respond(invite, 487);
                }
            }
            Incoming::Absorbed => {}
            other => panic!("server: {other:?}"),
        }
    }

    fn plan_invite(&mut self, txn: ServerTxn, call: String) {
        self.invites.insert(call, txn);
        if self.rng.below(2) == 0 {
            let at = self.later(1_000);
            self.plans.insert(at, Plan::Respond(txn, 180));
        }
        for _ in 0..self.rng.below(3) {
            let (at, sdp) = (self.later(2_000), self.rng.below(2) == 0);
            self.plans.insert(at, Plan::Reliably(txn, 183, sdp));
        }
        let status = [200, 200, 486][self.rng.below(3) as usize];
        let at = self.later(12_000);
        self.plans.insert(at, Plan::Respond(txn, status));
    }

    fn answer_prack(&mut self, txn: ServerTxn, call: &str, msg: Msg<'_>) {
        let rack = msg.rack().unwrap().unwrap();
        let end = &mut self.ends[SERVER];
        let known = self.invites.get(call).is_some_and(|&i| end.txns.prack(self.now, i, &rack, &mut end.out));
        self.respond(txn, if known { 200 } else { 481 });
    }

    fn respond(&mut self, txn: ServerTxn, status: u16) {
        let end = &mut self.ends[SERVER];
        let response =
            Response { status, to_tag: b"b", rows: b"Contact: <sip:b@b>\r\n", ..Response::default() };
        end.txns.respond(self.now, txn, &response, &mut end.out);
    }

    fn client_tu(&mut self, msg: Msg<'_>, incoming: Incoming<u32>) {
        let Incoming::Response { user, status, .. } = incoming else {
            assert!(matches!(incoming, Incoming::Absorbed), "client: {incoming:?}");
            return;
        };
        let call: u32 = std::str::from_utf8(msg.call_id().unwrap()).unwrap().parse().unwrap();
        if status < 200 {
            if let Ok(Some(rseq)) = msg.rseq() {
                self.send("PRACK", call, &format!("RAck: {rseq} 1 INVITE\r\n"));
            }
            return;
        }
        let outcome = self.outcomes.get_mut(&user).unwrap();
        if status < 300 && msg.method() == Method::Invite {
            outcome.finals += u32::from(outcome.successes == 0);
            outcome.successes += 1;
            self.send("ACK", call, "");
        } else {
            outcome.finals += 1;
        }
    }

    /// The next instant at which anything happens.
    fn next(&self) -> Option<Time> {
        let heads = [self.wire.keys().next(), self.plans.keys().next(), self.cancels.keys().next()];
        let timers = self.ends.iter().filter_map(|e| e.txns.next_deadline());
        heads.into_iter().flatten().map(|k| k.0).chain(timers).min()
    }

    fn turn(&mut self) {
        while let Some(((_, _), (to, bytes))) = pop_due(&mut self.wire, self.now) {
            self.deliver(to, &bytes);
            self.flush(CLIENT);
            self.flush(SERVER);
        }
        while let Some((_, plan)) = pop_due(&mut self.plans, self.now) {
            match plan {
                Plan::Respond(txn, status) => {
                    if !self.ends[SERVER].txns.is_answered(txn) {
                        self.respond(txn, status);
                    }
                }
                Plan::Reliably(txn, status, sdp) => {
                    if self.ends[SERVER].txns.is_answered(txn) {
                        continue;
                    }
                    let response = Response {
                        status,
                        to_tag: b"b",
                        rows: b"Contact: <sip:b@b>\r\n",
                        content_type: b"application/sdp",
                        body: if sdp { b"v=0\r\n" } else { b"" },
                        ..Response::default()
                    };
                    let end = &mut self.ends[SERVER];
                    end.txns.respond_reliably(self.now, txn, &response, &mut end.out).unwrap();
                }
            }
        }
        while let Some((_, txn)) = pop_due(&mut self.cancels, self.now) {
            let end = &mut self.ends[CLIENT];
            end.txns.cancel(self.now, txn, b"Reason: SIP;cause=200\r\n", &mut end.out);
        }
        for which in [CLIENT, SERVER] {
            let mut events = Vec::new();
            let end = &mut self.ends[which];
            end.txns.handle_timeout(self.now, &mut end.out, &mut events);
            for event in events {
                self.event(event);
            }
            self.flush(which);
        }
    }

    fn event(&mut self, event: Event<u32>) {
        match event {
            Event::Timeout { user, .. } | Event::Failed { user, .. } => {
                let outcome = self.outcomes.get_mut(&user).unwrap();
                outcome.finals += 1;
                outcome.failed = true;
            }
            Event::PrackMissing { txn, .. } => self.respond(txn, 504),
            Event::AckMissing { .. } => {}
        }
    }

    fn run(&mut self, seed: u64) {
        for call in 0..CALLS {
            let method = ["INVITE", "INVITE", "OPTIONS", "BYE"][self.rng.below(4) as usize];
            let txn = self.send(method, call, "").unwrap();
            if method == "INVITE" {
                // The TU's answer timeout: rings out when a final response is lost for good.
                self.serial += 1;
                self.cancels.insert((self.now + ANSWER_TIMEOUT, self.serial), txn);
            }
            if method == "INVITE" && self.rng.below(3) == 0 {
                let at = self.later(14_000);
                self.cancels.insert(at, txn);
            }
        }
        self.flush(CLIENT);
        let mut turns = 0;
        while let Some(next) = self.next() {
            self.now = self.now.max(next);
            self.turn();
            turns += 1;
            assert!(turns < 100_000, "seed {seed}: never ends");
        }
        // The last CANCEL leaves within 60 s; what it ends lives 64*T1 twice and T4 at most.
        assert!(self.now <= Time::from_millis(60_000 + 2 * 32_000 + 5_000), "seed {seed}: {:?}", self.now);
        for (user, outcome) in &self.outcomes {
            assert_eq!(outcome.finals, 1, "seed {seed} user {user}: {outcome:?}");
            assert!(self.loss > 0 || !outcome.failed, "seed {seed} user {user}: {outcome:?}");
        }
        assert!(self.seen.values().all(|&n| n == 1), "seed {seed}: {:?}", self.seen);
        for end in &self.ends {
            let counters = end.txns.counters();
            assert_eq!((counters.server_live, counters.client_live), (0, 0), "seed {seed}");
        }
    }
}

fn pop_due<V>(map: &mut BTreeMap<(Time, u64), V>, now: Time) -> Option<((Time, u64), V)> {
    let key = *map.keys().next().filter(|key| key.0 <= now)?;
    map.remove(&key).map(|value| (key, value))
}

#[test]
fn over_udp() {
    for seed in 0..1_500 {
        Sim::new(seed, Transport::Udp).run(seed);
    }
}

#[test]
fn over_tcp() {
    for seed in 0..200 {
        Sim::new(seed, Transport::Tcp).run(seed);
    }
}
