//! A switchboard under a virtual clock: INVITEs go in as text, what leaves is read as text.
#![allow(dead_code, unreachable_pub, clippy::panic, reason = "a wrong test configuration fails the test")]

use b2bua::{CallRecord, Command, Input, JournalEvent, Outbox, Resolution, Setup, Snapshot, Switchboard};
use base::time::WallClock;
use base::{ListenId, ShardId, Time, Transport, WallTime};
use rehearsal::{Question, Rehearsal, Rehearsed};
use sip_core::Flow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Wall time at the birth of a world: a Tuesday night.
pub const BIRTH: WallTime = WallTime(1_700_000_000_000_000);

/// One message that left.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: SocketAddr,
    pub text: String,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.text.split("\r\n").filter_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        values.next().unwrap_or("")
    }
}

pub struct World {
    pub board: Switchboard,
    pub now: Time,
    pub sent: Vec<Sent>,
    pub records: Vec<CallRecord>,
    pub events: usize,
}

impl World {
    pub fn new(config: &str) -> World {
        let mut out = Outbox::new();
        let setup = Setup {
            shard: ShardId(3),
            seed: (1, 2),
            secret: [1; 32],
            proof: [1; 32],
            clock: WallClock { birth: BIRTH },
        };
        let board = Switchboard::new(setup, snapshot(config), Time::ZERO, &mut out);
        let mut world = World { board, now: Time::ZERO, sent: Vec::new(), records: Vec::new(), events: 0 };
        world.drain(out);
        world
    }

    pub fn ask(&self, question: &Question<'_>) -> Rehearsed {
        Rehearsal::with(self.board.copy(rehearsal::SEED), self.now).ask(question)
    }

    pub fn at(&self) -> WallTime {
        WallClock { birth: BIRTH }.at(self.now)
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Outbox::new();
        self.board.handle(self.now, input, &mut out);
        self.drain(out);
    }

    fn drain(&mut self, mut out: Outbox) {
        while !out.is_empty() {
            let mut next = Outbox::new();
            self.events += out.journal.len();
            for event in out.journal.drain(..) {
                if let JournalEvent::Ended { record } = event {
                    self.records.push((*record).clone());
                }
            }
            for transmit in &out.sip.transmits {
                let text = String::from_utf8(out.sip.message(transmit).to_vec()).expect("text");
                self.sent.push(Sent { to: transmit.flow.remote, text });
            }
            for command in out.media.drain(..) {
                let reply = match command {
                    media::Command::Open { session, streams, .. } => {
                        let mut ports = media::Ports::default();
                        for at in 0..u16::from(streams) {
                            ports.push(media::StreamPorts { a_rtp: 20_040 + at * 2, b_rtp: 30_080 + at * 2 });
                        }
                        media::Reply::Opened { session, ports }
                    }
                    media::Command::Close { session } => {
                        media::Reply::Closed { session, report: Box::default() }
                    }
                    _ => continue,
                };
                self.board.handle(self.now, Input::Media(reply), &mut next);
            }
            out = next;
        }
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    pub fn receive(&mut self, from: &str, text: &str) {
        let listen = ListenId(u16::from(from.starts_with("192")));
        let remote = from.parse().expect("an address");
        let flow = Flow { listen, transport: Transport::Udp, remote, conn: None, trunk: None };
        self.input(Input::Message { flow, verified: &[], bytes: text.as_bytes() });
    }

    pub fn resolved(&mut self, gateway: u32, resolution: Resolution) {
        self.input(Input::Resolved { revision: 1, gateway: base::GatewayId(gateway), resolution });
    }

    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.board.next_deadline().filter(|d| *d <= end) {
            self.now = self.now.max(next);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    pub fn take(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The gateway refuses.
    pub fn refuse(&mut self, invite: &Sent) {
        let mut text = String::from("SIP/2.0 503 Service Unavailable\r\n");
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            text.push_str(&format!("{name}: {}\r\n", invite.header(name)));
        }
        text.push_str(&format!("To: {};tag=tb\r\nContent-Length: 0\r\n\r\n", invite.header("To")));
        self.receive(&invite.to.to_string(), &text);
    }
}

pub fn snapshot(config: &str) -> Arc<Snapshot> {
    let loaded = config::parse(config, "test.toml", config::Format::Toml).unwrap_or_else(|e| panic!("{e}"));
    Arc::new(Snapshot::new(loaded.config, 1))
}
