//! One endpoint under a virtual clock: messages in, a timed diary of what left and what was reported out.
#![allow(dead_code, unreachable_pub)]

use base::{ListenId, ShardId, Time, Transport};
use sip_core::{
    ClientTxn, ConnId, Event, Flow, Incoming, Outbox, Request, Response, SendToken, ServerTxn, Setup, Timers,
    Transactions,
};
use sip_msg::{Index, Leniency, Limits, parse};
use std::net::SocketAddr;

pub struct End {
    pub txns: Transactions<u32>,
    pub out: Outbox,
    pub index: Index,
    pub now: Time,
    pub flow: Flow,
    pub last_token: Option<SendToken>,
}

pub fn flow(transport: Transport) -> Flow {
    let remote: SocketAddr = "192.0.2.7:5099".parse().unwrap();
    let conn = transport.is_reliable().then_some(ConnId(7));
    Flow { listen: ListenId(0), transport, remote, conn, trunk: None }
}

impl End {
    pub fn new(transport: Transport) -> End {
        End::sized(transport, 100, 100)
    }

    pub fn sized(transport: Transport, server_max: usize, client_max: usize) -> End {
        let setup =
            Setup { shard: ShardId(3), seed: (11, 22), timers: Timers::default(), server_max, client_max };
        End {
            txns: Transactions::new(setup),
            out: Outbox::new(),
            index: Index::new(),
            now: Time::ZERO,
            flow: flow(transport),
            last_token: None,
        }
    }

    pub fn receive(&mut self, text: &str) -> Incoming<u32> {
        let msg =
            parse(text.as_bytes(), &mut self.index, &Limits::default(), Leniency::default()).expect(text);
        self.txns.receive(self.now, &msg, &self.flow, &mut self.out)
    }

    /// A new request: its transaction.
    pub fn request_in(&mut self, text: &str) -> ServerTxn {
        match self.receive(text) {
            Incoming::Request(txn) => txn,
            other => panic!("{other:?}"),
        }
    }

    pub fn respond(&mut self, txn: ServerTxn, status: u16) {
        let response = Response { status, to_tag: b"ours", ..Response::default() };
        self.txns.respond(self.now, txn, &response, &mut self.out);
    }

    pub fn reliably(&mut self, txn: ServerTxn, status: u16, sdp: bool) -> u32 {
        let response = Response {
            status,
            to_tag: b"ours",
            content_type: b"application/sdp",
            body: if sdp { b"v=0\r\n" } else { b"" },
            ..Response::default()
        };
        self.txns.respond_reliably(self.now, txn, &response, &mut self.out).unwrap()
    }

    pub fn prack(&mut self, txn: ServerTxn, rseq: u32) -> bool {
        let text = format!("{rseq} 1 INVITE");
        let rack = sip_msg::RAck::parse(text.as_bytes()).unwrap();
        self.txns.prack(self.now, txn, &rack, &mut self.out)
    }

    pub fn send(&mut self, method: &str) -> ClientTxn {
        self.send_sized(method, 0, None).unwrap()
    }

    pub fn send_sized(
        &mut self,
        method: &str,
        body: usize,
        alternative: Option<(Flow, &[u8])>,
    ) -> Result<ClientTxn, sip_core::RequestError> {
        let rows = format!(
            "Route: <sip:proxy.example;lr>\r\nMax-Forwards: 70\r\nFrom: <sip:a@a.example>;tag=mine\r\n\
             To: <sip:b@b.example>\r\nCall-ID: out\r\nCSeq: 1 {method}\r\nX-Else: 1\r\n"
        );
        let body = vec![b'x'; body];
        let request = Request {
            method: method.as_bytes(),
            uri: b"sip:b@b.example",
            flow: self.flow,
            sent_by: b"198.51.100.1:5060",
            rows: rows.as_bytes(),
            content_type: b"text/plain",
            body: &body,
            udp_max: 1300,
            alternative,
        };
        self.txns.request(self.now, 42, &request, &mut self.out)
    }

    /// What left since the last look, whole.
    pub fn sent(&mut self) -> Vec<String> {
        let texts = self
            .out
            .transmits
            .iter()
            .map(|t| String::from_utf8(self.out.message(t).to_vec()).unwrap())
            .collect();
        self.last_token = self.out.transmits.last().and_then(|t| t.token).or(self.last_token);
        self.out.clear();
        texts
    }

    /// What left since the last look, first words only.
    pub fn sent_short(&mut self) -> Vec<String> {
        self.sent().iter().map(|t| short(t)).collect()
    }

    /// Lets time pass until `millis`: what left and what was reported, with its millisecond.
    pub fn until(&mut self, millis: u64) -> Vec<String> {
        let mut diary = Vec::new();
        let end = Time::from_millis(millis);
        loop {
            let next = self.txns.next_deadline().filter(|next| *next <= end);
            self.now = next.unwrap_or(end);
            let mut events = Vec::new();
            self.txns.handle_timeout(self.now, &mut self.out, &mut events);
            let at = self.now.as_millis();
            diary.extend(self.sent_short().into_iter().map(|m| format!("{at} {m}")));
            diary.extend(events.iter().map(|e| format!("{at} {}", event(e))));
            if next.is_none() {
                return diary;
            }
        }
    }

    pub fn live(&self) -> (usize, usize) {
        (self.txns.counters().server_live, self.txns.counters().client_live)
    }

    /// A response to the last request that left, as a peer would write it.
    pub fn answer_to(&mut self, request: &str, status: u16, extra: &str) -> Incoming<u32> {
        self.receive(&response_to(request, status, "theirs", extra))
    }
}

pub fn event(event: &Event<u32>) -> String {
    match event {
        Event::Timeout { user, .. } => format!("timeout {user}"),
        Event::Failed { user, error, .. } => format!("failed {user} {error:?}"),
        Event::AckMissing { user, .. } => format!("ack missing {user:?}"),
        Event::PrackMissing { user, .. } => format!("prack missing {user:?}"),
    }
}

/// `INVITE` for a request, `180` for a response.
pub fn short(text: &str) -> String {
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default();
    if first == "SIP/2.0" { words.next().unwrap_or_default().to_owned() } else { first.to_owned() }
}

pub fn response_to(request: &str, status: u16, tag: &str, extra: &str) -> String {
    let mut text = format!("SIP/2.0 {status} X\r\n");
    for line in request.split("\r\n").skip(1).take_while(|l| !l.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        match name {
            "Via" | "From" | "Call-ID" | "CSeq" => text += &format!("{line}\r\n"),
            "To" if line.contains(";tag=") || tag.is_empty() => text += &format!("{line}\r\n"),
            "To" => text += &format!("{line};tag={tag}\r\n"),
            _ => {}
        }
    }
    text + extra + "Content-Length: 0\r\n\r\n"
}

/// A peer's request.
pub fn request(method: &str, branch: &str, extra: &str) -> String {
    format!(
        "{method} sip:us@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5066;rport;branch={branch}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:p@p.example>;tag=theirs\r\nTo: <sip:us@198.51.100.1>\r\n\
         Call-ID: in\r\nCSeq: 1 {method}\r\nContact: <sip:p@192.0.2.7:5066>\r\n{extra}\
         Content-Length: 0\r\n\r\n"
    )
}
