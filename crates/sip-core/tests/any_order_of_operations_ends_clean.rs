//! Messages and commands in any order and state, stale handles and forged texts among them: nothing panics,
//! every reported handle was made, and once the TU has answered what is open, nothing remains after 64*T1
//! (twice, for a CANCEL that waits for its INVITE's end) and T4.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use base::{Rng, Time, Transport};
use common::{End, request, response_to};
use sip_core::{ClientTxn, Incoming, Response, SendError, SendToken, ServerTxn};

const METHODS: [&str; 8] = ["INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "OPTIONS", "STRANGE"];
const STATUSES: [u16; 9] = [100, 180, 183, 199, 200, 299, 302, 487, 603];

struct Walk {
    end: End,
    rng: Rng,
    servers: Vec<ServerTxn>,
    clients: Vec<ClientTxn>,
    requests: Vec<String>,
    tokens: Vec<SendToken>,
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let mut rng = Rng::new((seed, 5));
        let transport = [Transport::Udp, Transport::Tcp][rng.below(2) as usize];
        Walk {
            end: End::sized(transport, 20, 20),
            rng,
            servers: Vec::new(),
            clients: Vec::new(),
            requests: Vec::new(),
            tokens: Vec::new(),
        }
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.rng.below(from.len() as u64) as usize).cloned()
    }

    fn server(&mut self) -> ServerTxn {
        let all = self.servers.clone();
        self.pick(&all).unwrap_or_default()
    }

    fn client(&mut self) -> ClientTxn {
        let all = self.clients.clone();
        self.pick(&all).unwrap_or_default()
    }

    fn step(&mut self) {
        match self.rng.below(12) {
            0..=2 => self.request_in(),
            3 => self.respond(),
            4 => self.respond_reliably(),
            5 => self.prack(),
            6 => {
                let txn = self.server();
                if self.rng.below(8) == 0 { self.end.txns.drop_server(txn) } else { self.end.txns.acked(txn) }
            }
            7 => {
                let method = self.pick(&METHODS).unwrap();
                if let Ok(txn) = self.end.send_sized(method, 0, None) {
                    self.clients.push(txn);
                }
            }
            8 => self.response_in(),
            9 => {
                let txn = self.client();
                self.end.txns.cancel(self.end.now, txn, b"Reason: SIP;cause=200\r\n", &mut self.end.out);
            }
            10 => self.send_failed(),
            _ => {
                let now = self.end.now.as_millis();
                let pause = [1, 300, 5_000, 40_000][self.rng.below(4) as usize];
                self.end.until(now + self.rng.below(pause));
            }
        }
        self.collect();
    }

    fn request_in(&mut self) {
        let method = self.pick(&METHODS).unwrap();
        let cookie = ["z9hG4bK", ""][self.rng.below(2) as usize];
        let branch = format!("{cookie}{}", self.rng.below(6));
        match self.end.receive(&request(method, &branch, "")) {
            Incoming::Request(txn) => self.servers.push(txn),
            Incoming::Cancel { invite, .. } => assert!(self.servers.contains(&invite)),
            Incoming::Malformed(_) | Incoming::Response { .. } => panic!("not from a well-formed request"),
            Incoming::Absorbed | Incoming::Ack | Incoming::Refused => {}
        }
    }

    fn respond(&mut self) {
        let (txn, status) = (self.server(), self.pick(&STATUSES).unwrap());
        self.end.respond(txn, status);
    }

    fn respond_reliably(&mut self) {
        let txn = self.server();
        let body: &[u8] = if self.rng.below(2) == 0 { b"v=0\r\n" } else { b"" };
        let response = Response { status: 183, to_tag: b"t", body, ..Response::default() };
        let _ = self.end.txns.respond_reliably(self.end.now, txn, &response, &mut self.end.out);
    }

    fn prack(&mut self) {
        let txn = self.server();
        let sent = String::from_utf8_lossy(&self.end.out.bytes).into_owned();
        let named = sent.rsplit("RSeq: ").next().and_then(|r| r.split("\r\n").next()?.parse().ok());
        let rseq = named.unwrap_or(1);
        self.end.prack(txn, rseq);
    }

    fn response_in(&mut self) {
        let all = self.requests.clone();
        let Some(request) = self.pick(&all) else { return };
        let status = self.pick(&STATUSES).unwrap();
        let extra = if self.rng.below(2) == 0 { "Require: 100rel\r\nRSeq: 7\r\n" } else { "" };
        let tag = ["a", "b", ""][self.rng.below(3) as usize];
        if let Incoming::Response { txn, .. } = self.end.receive(&response_to(&request, status, tag, extra)) {
            assert!(self.clients.contains(&txn));
        }
    }

    fn send_failed(&mut self) {
        let all = self.tokens.clone();
        let token =
            if self.rng.below(3) == 0 { Some(SendToken(self.rng.next_u64())) } else { self.pick(&all) };
        let Some(token) = token else { return };
        let error = [SendError::Refused, SendError::QueueFull, SendError::Closed][self.rng.below(3) as usize];
        self.end.txns.send_failed(self.end.now, token, error, &mut Vec::new());
    }

    /// Remembers what left, for answers and failures to come; keeps the newest.
    fn collect(&mut self) {
        if self.rng.below(4) != 0 {
            return;
        }
        self.tokens.extend(self.end.out.transmits.iter().filter_map(|t| t.token));
        let sent = self.end.sent();
        self.requests
            .extend(sent.into_iter().filter(|m| !m.starts_with("SIP/2.0") && m.contains("Call-ID: out")));
        let excess = self.requests.len().saturating_sub(30);
        self.requests.drain(..excess);
        let excess = self.tokens.len().saturating_sub(30);
        self.tokens.drain(..excess);
    }

    fn finish(&mut self, seed: u64) {
        for txn in self.servers.clone() {
            if !self.end.txns.is_answered(txn) {
                self.end.respond(txn, 500);
            }
        }
        for txn in self.clients.clone() {
            self.end.txns.cancel(self.end.now, txn, b"", &mut self.end.out);
        }
        let end = self.end.now.as_millis() + 2 * 32_000 + 5_000 + 100;
        self.end.until(end);
        assert_eq!(self.end.live(), (0, 0), "seed {seed}");
        self.end.now = Time::from_millis(end);
    }
}

#[test]
fn a_thousand_walks() {
    for seed in 0..1_000 {
        let mut walk = Walk::new(seed);
        for _ in 0..300 {
            walk.step();
        }
        walk.finish(seed);
    }
}
