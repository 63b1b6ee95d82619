//! A switchboard under a virtual clock, with peers played by hand: messages go in as text, what
//! leaves is read as text.
#![allow(clippy::panic, reason = "a wrong test configuration fails the test")]

use b2bua::{CallRecord, Command, Input, JournalEvent, Outbox, Resolution, Setup, Snapshot, Switchboard};
use base::time::WallClock;
use base::{ListenId, ShardId, Time, Transport, WallTime};
use sip_core::{ConnId, Flow};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const PBX: &str = "10.0.0.21:5060";
pub(crate) const GW1: &str = "192.0.2.7:5060";
pub(crate) const GW2: &str = "192.0.2.8:5060";

pub(crate) const CONFIG: &str = r#"
version = 1
country = "DE"
[listen.inside]
address = "10.0.0.5"
sip = ["udp:5060", "tcp:5060"]
rtp = "20000-20099"
[listen.outside]
address = "192.0.2.1"
sip = ["udp:5060", "tcp:5060"]
rtp = "30000-30099"
[trunk.pbx]
kind = "direct"
listen = "inside"
gateways = ["10.0.0.21"]
options_interval = "0s"
[trunk.one]
kind = "itsp"
listen = "outside"
gateways = ["192.0.2.7"]
options_interval = "0s"
[trunk.two]
kind = "itsp"
listen = "outside"
gateways = ["192.0.2.8"]
options_interval = "0s"
[[numbers]]
range = "+493023125000..+493023125999"
deliver = ["pbx"]
[[route]]
name = "world"
match = { called = "+*" }
to = ["one", "two"]
"#;

pub(crate) const OFFER: &str = "v=0\r\no=alice 1 1 IN IP4 10.0.0.21\r\ns=call\r\nc=IN IP4 10.0.0.21\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";
pub(crate) const ANSWER: &str = "v=0\r\no=bob 5 5 IN IP4 192.0.2.70\r\ns=-\r\nc=IN IP4 192.0.2.70\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// One message that left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) to: SocketAddr,
    /// The connection that it asked for.
    pub(crate) conn: Option<ConnId>,
    pub(crate) text: String,
}

impl Sent {
    pub(crate) fn start(&self) -> &str {
        self.text.split("\r\n").next().unwrap_or("")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.text.split("\r\n").filter_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        values.next().unwrap_or("")
    }

    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, b)| b)
    }
}

pub(crate) struct World {
    pub(crate) board: Switchboard,
    pub(crate) now: Time,
    pub(crate) sent: Vec<Sent>,
    /// All that ever left.
    pub(crate) seen: Vec<Sent>,
    pub(crate) records: Vec<CallRecord>,
    pub(crate) events: Vec<JournalEvent>,
    pub(crate) media: Vec<media::Command>,
    pub(crate) notes: Vec<String>,
    /// Connections that were to be closed.
    pub(crate) closed: Vec<ConnId>,
    ports: u16,
    opened: BTreeMap<media::SessionId, media::Ports>,
    /// The engine's answers to `Grow` wait in `late`.
    pub(crate) grows_late: bool,
    pub(crate) late: Vec<media::Reply>,
    /// The engine answers `Open` with a failure.
    pub(crate) media_fails: bool,
    /// No port is free there for the called side.
    pub(crate) no_ports_on: Option<ListenId>,
    pub(crate) uncopied: u64,
}

impl World {
    pub(crate) fn new(config: &str) -> World {
        let loaded =
            config::parse(config, "test.toml", config::Format::Toml).unwrap_or_else(|e| panic!("{e}"));
        let mut out = Outbox::new();
        let setup = Setup {
            shard: ShardId(3),
            secret: [7; 32],
            proof: [0xAB; 32],
            seed: (1, 2),
            clock: WallClock { birth: WallTime(1_700_000_000_000_000) },
        };
        let sounds = crate::sounds::all_of(&loaded.config);
        let snapshot = Arc::new(Snapshot::new(loaded.config, 1).with_sounds(sounds));
        let board = Switchboard::new(setup, snapshot, Time::ZERO, &mut out);
        let mut world = World {
            board,
            now: Time::ZERO,
            sent: Vec::new(),
            seen: Vec::new(),
            records: Vec::new(),
            events: Vec::new(),
            media: Vec::new(),
            notes: Vec::new(),
            closed: Vec::new(),
            ports: 0,
            opened: BTreeMap::new(),
            grows_late: false,
            late: Vec::new(),
            media_fails: false,
            no_ports_on: None,
            uncopied: 0,
        };
        world.drain(out);
        world
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        let mut out = Outbox::new();
        self.board.handle(self.now, input, &mut out);
        self.drain(out);
    }

    pub(crate) fn drain(&mut self, mut out: Outbox) {
        loop {
            self.notes.extend(out.notes.drain(..).map(|note| format!("{}: {}", note.what, note.detail)));
            for event in out.journal.drain(..) {
                if let JournalEvent::Ended { record } = &event {
                    self.records.push((**record).clone());
                }
                self.events.push(event);
            }
            for transmit in &out.sip.transmits {
                let text = String::from_utf8(out.sip.message(transmit).to_vec()).expect("text");
                let sent = Sent { to: transmit.flow.remote, conn: transmit.flow.conn, text };
                self.seen.push(sent.clone());
                self.sent.push(sent);
            }
            self.compare_with_the_record();
            self.closed.append(&mut out.sip.closes);
            out.sip.clear();
            let commands: Vec<media::Command> = out.media.drain(..).collect();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                self.media.push(command.clone());
                if let Some(reply) = self.engine(&command) {
                    self.board.handle(self.now, Input::Media(reply), &mut out);
                }
            }
        }
    }

    /// Who the last INVITE names is what the journal says of its attempt, header by header.
    fn compare_with_the_record(&self) {
        let (Some(invite), Some(JournalEvent::Attempt { facts, .. })) =
            (self.sent.last().filter(|s| s.start().starts_with("INVITE")), self.events.last())
        else {
            return;
        };
        if invite.header("Call-ID") != &*facts.sip_call_id || invite.header("CSeq") != "1 INVITE" {
            return;
        }
        for (name, word) in b2bua::SENT {
            let prefix = format!("{}: ", name.as_str());
            let values: Vec<&str> =
                invite.text.split("\r\n").filter_map(|l| l.strip_prefix(&prefix)).collect();
            let joined = values.join(", ");
            let told = if word == "from" { joined.split(";tag=").next().unwrap_or("") } else { &joined };
            let kept: String = told.chars().take(400).collect();
            assert!(facts.sent.value(name).starts_with(&kept), "{word}: {told}\n{:?}", facts.sent);
            assert!(
                !told.is_empty() || facts.sent.value(name).is_empty(),
                "{word} did not leave: {:?}",
                facts.sent
            );
        }
    }

    fn engine(&mut self, command: &media::Command) -> Option<media::Reply> {
        match command {
            media::Command::Open { session, .. } | media::Command::Copy { session, .. }
                if self.media_fails =>
            {
                crate::recorded::no_ports(*session, media::Side::A)
            }
            media::Command::Open { session, b, .. } if self.no_ports_on == Some(*b) => {
                crate::recorded::no_ports(*session, media::Side::B)
            }
            media::Command::Open { session, streams, .. } => {
                let mut ports = media::Ports::default();
                for _ in 0..*streams {
                    let (a_rtp, b_rtp) = (20_000 + self.ports, 30_000 + self.ports);
                    ports.push(media::StreamPorts { a_rtp, b_rtp });
                    self.ports += 2;
                }
                self.opened.insert(*session, ports);
                Some(media::Reply::Opened { session: *session, ports })
            }
            media::Command::Grow { session, streams, .. } => {
                let grown = self.grow(*session, *streams);
                if !self.grows_late {
                    return Some(grown);
                }
                self.late.push(grown);
                None
            }
            media::Command::Copy { .. } => crate::recorded::ports_to_it(command, &mut self.opened),
            media::Command::Close { session } => Some(self.closed(*session)),
            _ => None,
        }
    }

    fn grow(&mut self, session: media::SessionId, streams: u8) -> media::Reply {
        if self.media_fails {
            let ports = Err(media::OpenError::PortsExhausted(media::Side::A));
            return media::Reply::Grown { session, ports };
        }
        let mut ports = *self.opened.get(&session).expect("an open session");
        for _ in ports.streams().len()..usize::from(streams) {
            ports.push(media::StreamPorts { a_rtp: 20_000 + self.ports, b_rtp: 30_000 + self.ports });
            self.ports += 2;
        }
        self.opened.insert(session, ports);
        media::Reply::Grown { session, ports: Ok(ports) }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    pub(crate) fn media_reply(&mut self, reply: media::Reply) {
        self.input(Input::Media(reply));
    }

    /// A datagram from a peer.
    pub(crate) fn receive(&mut self, from: &str, text: &str) {
        let listen = ListenId(u16::from(from.starts_with("192")));
        self.receive_on(listen, Transport::Udp, from, text);
    }

    /// A message that comes to an interface by a transport.
    pub(crate) fn receive_on(&mut self, listen: ListenId, transport: Transport, from: &str, text: &str) {
        let remote: SocketAddr = from.parse().expect("address");
        let flow = Flow { listen, transport, remote, conn: None, trunk: None };
        self.message(flow, text);
    }

    /// A message on a flow.
    pub(crate) fn message(&mut self, flow: Flow, text: &str) {
        self.input(Input::Message { flow, verified: &[], bytes: text.as_bytes() });
    }

    /// A gateway's name is resolved, or not.
    pub(crate) fn resolved(&mut self, gateway: u32, resolution: Resolution) {
        self.input(Input::Resolved { revision: 1, gateway: base::GatewayId(gateway), resolution });
    }

    /// Lets time pass, firing every deadline on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.board.next_deadline().filter(|d| *d <= end) {
            self.now = self.now.max(next);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    /// Takes all that left since the last look.
    pub(crate) fn take(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// Takes what left, which must be exactly these start lines to these peers.
    pub(crate) fn expect(&mut self, what: &[(&str, &str)]) -> Vec<Sent> {
        let sent = self.take();
        let seen: Vec<(String, String)> =
            sent.iter().map(|s| (s.to.to_string(), s.start().to_string())).collect();
        let fits = seen.len() == what.len()
            && seen
                .iter()
                .zip(what)
                .all(|((to, start), (peer, prefix))| to == peer && start.starts_with(prefix));
        assert!(fits, "left: {seen:#?}\nexpected: {what:#?}");
        sent
    }

    /// Checks that nothing is left behind: every call has one record and every table is empty.
    pub(crate) fn settle(&mut self) {
        self.pass(Duration::from_secs(200));
        assert_eq!(self.board.live_calls(), 0, "no live call");
        let status = self.board.status();
        let count = |name| status.counters.iter().find(|c| c.0 == name).map_or(0, |c| c.1);
        assert_eq!(["server_transactions", "client_transactions"].map(count), [0, 0], "no transaction");
        let accepted = self.events.iter().filter(|e| matches!(e, JournalEvent::Accepted { .. })).count();
        assert_eq!(accepted, self.records.len(), "one record per accepted INVITE");
        for trunk in self.board.trunks(self.now) {
            assert_eq!((trunk.calls_in, trunk.calls_out), (0, 0), "trunk {} is idle", trunk.name);
        }
        assert!(status.links.iter().all(|link| link.calls == 0), "{:?}", status.links);
    }
}

/// The caller's INVITE from the PBX.
pub(crate) fn invite(called: &str, body: &str, rows: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "INVITE sip:{called}@10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.21:5060;rport;branch=z9hG4bKa1\r\nMax-Forwards: 70\r\nFrom: \"Alice\" <sip:+493023125100@10.0.0.21>;tag=fa\r\nTo: <sip:{called}@10.0.0.5>\r\nCall-ID: call-a\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@10.0.0.21:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n{rows}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request of the caller inside its dialog.
pub(crate) fn inside(method: &str, cseq: u32, to: &str, branch: &str, rows: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:10.0.0.5:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.21:5060;rport;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: \"Alice\" <sip:+493023125100@10.0.0.21>;tag=fa\r\nTo: {to}\r\nCall-ID: call-a\r\nCSeq: {cseq} {method}\r\nContact: <sip:alice@10.0.0.21:5060>\r\n{rows}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A gateway's response to a request of ours.
pub(crate) fn response(request: &Sent, status: &str, tag: &str, rows: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let to = request.header("To");
    let to = if tag.is_empty() || to.contains(";tag=") { to.to_string() } else { format!("{to};tag={tag}") };
    let contact = if status.starts_with('1') || status.starts_with('2') {
        format!("Contact: <sip:bob@{}>\r\n", request.to)
    } else {
        String::new()
    };
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n{contact}Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n{rows}{kind}Content-Length: {}\r\n\r\n{body}",
        request.header("Via"),
        request.header("From"),
        request.header("Call-ID"),
        request.header("CSeq"),
        body.len()
    )
}

/// A request of the callee inside its dialog, made from our INVITE to it.
pub(crate) fn from_callee(
    method: &str,
    cseq: u32,
    invite: &Sent,
    tag: &str,
    branch: &str,
    body: &str,
) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:bob@{}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        invite.to,
        invite.header("To"),
        invite.header("From"),
        invite.header("Call-ID"),
        invite.to,
        body.len()
    )
}

/// Brings a call up to its answer; gives our INVITE to the gateway and the 200 to the caller.
pub(crate) fn answered(world: &mut World) -> (Sent, Sent) {
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]);
    let out = sent[0].clone();
    world.receive(GW1, &response(&out, "180 Ringing", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK sip:bob@192.0.2.7:5060"), (PBX, "SIP/2.0 200")]);
    let ok = sent[1].clone();
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    (out, ok)
}
