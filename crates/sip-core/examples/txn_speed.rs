//! How long one handled message takes, and what a call's transactions keep: a UAS and a UAC, each with
//! INVITE, 180, 200, ACK, BYE, 200, messages parsed beforehand. Run with `--release`; with `UAS` or `UAC` as
//! argument only that side runs, so that the memory figure is its own.

use base::{ListenId, ShardId, Time, Transport};
use sip_core::{Flow, Incoming, Outbox, Request, Response, Setup, Timers, Transactions};
use sip_msg::{Index, Leniency, Limits, Msg, parse};
use std::collections::BTreeMap;
use std::time::Instant;

const CALLS_TIMED: u32 = 64_000;
/// Calls per second of virtual time, so that lingering is as at that load.
const RATE: u64 = 2_000;
const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

struct Bench {
    txns: Transactions<u32>,
    out: Outbox,
    index: Index,
    now: Time,
    /// Nanoseconds inside the transaction layer, by what was handled; beside it, of parsing and of timers.
    samples: BTreeMap<String, Vec<u32>>,
}

fn flow() -> Flow {
    let remote = std::net::SocketAddr::from(([192, 0, 2, 7], 5060));
    Flow { listen: ListenId(0), transport: Transport::Udp, remote, conn: None, trunk: None }
}

impl Bench {
    fn new() -> Bench {
        let setup = Setup {
            shard: ShardId(0),
            seed: (1, 2),
            timers: Timers::default(),
            server_max: 1_000_000,
            client_max: 1_000_000,
        };
        Bench {
            txns: Transactions::new(setup),
            out: Outbox::new(),
            index: Index::new(),
            now: Time::ZERO,
            samples: BTreeMap::new(),
        }
    }

    fn sample(&mut self, what: &str, since: Instant) {
        let nanos = u32::try_from(since.elapsed().as_nanos()).unwrap_or(u32::MAX);
        match self.samples.get_mut(what) {
            Some(samples) => samples.push(nanos),
            None => drop(self.samples.insert(what.to_owned(), vec![nanos])),
        }
    }

    fn timed<T>(
        &mut self,
        what: &str,
        deed: impl FnOnce(&mut Transactions<u32>, Time, &mut Outbox) -> T,
    ) -> T {
        let start = clock();
        let result = deed(&mut self.txns, self.now, &mut self.out);
        self.sample(what, start);
        result
    }

    fn receive(&mut self, what: &str, text: &[u8]) -> Incoming<u32> {
        let start = clock();
        let mut index = std::mem::take(&mut self.index);
        let msg: Msg<'_> = parse(text, &mut index, &Limits::default(), Leniency::default()).expect("parses");
        self.sample("(parsing)", start);
        let incoming = self.timed(what, |txns, now, out| txns.receive(now, &msg, &flow(), out));
        self.index = index;
        incoming
    }

    fn respond(&mut self, txn: sip_core::ServerTxn, status: u16, body: &[u8]) {
        let rows = b"Contact: <sip:198.51.100.1:5060>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE\r\nServer: Tronco\r\n";
        let response = Response {
            status,
            to_tag: b"5f1c9a3b77",
            rows,
            content_type: b"application/sdp",
            body,
            record_route: true,
            ..Response::default()
        };
        self.timed(&format!("{status} out"), |txns, now, out| txns.respond(now, txn, &response, out));
    }

    fn request(&mut self, method: &str, call: u32, body: &[u8]) -> Vec<u8> {
        let rows = format!(
            "Max-Forwards: 70\r\nFrom: <sip:+493023125100@198.51.100.1>;tag=a{call}\r\n\
             To: <sip:+441632960001@peer.example>\r\nCall-ID: {call}-8f2b1c@198.51.100.1\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:198.51.100.1:5060>\r\nUser-Agent: Tronco\r\nSupported: 100rel, timer\r\n"
        );
        let request = Request {
            method: method.as_bytes(),
            uri: b"sip:+441632960001@peer.example",
            flow: flow(),
            sent_by: b"198.51.100.1:5060",
            rows: rows.as_bytes(),
            content_type: b"application/sdp",
            body,
            udp_max: 1_300,
            alternative: None,
        };
        if method == "ACK" {
            self.timed("ACK out", |txns, _, out| txns.send_stateless(&request, out)).expect("fits");
        } else {
            self.timed(&format!("{method} out"), |txns, now, out| txns.request(now, call, &request, out))
                .expect("fits");
        }
        self.sent()
    }

    /// The last message that left; the outbox is empty afterwards.
    fn sent(&mut self) -> Vec<u8> {
        let message = self.out.transmits.last().map(|t| self.out.message(t).to_vec()).unwrap_or_default();
        self.out.clear();
        message
    }

    fn pass_time(&mut self) {
        self.now = Time(self.now.0 + 1_000_000_000 / RATE);
        let mut events = Vec::new();
        let start = clock();
        self.txns.handle_timeout(self.now, &mut self.out, &mut events);
        self.sample("(timers of one call)", start);
        self.out.clear();
    }

    fn report(&mut self, name: &str, before: u64) {
        let counters = self.txns.counters();
        let (servers, clients) = (counters.server_live, counters.client_live);
        let held = resident_kib().saturating_sub(before);
        println!("{name}: {servers} server and {clients} client transactions linger at {RATE} calls/s");
        let samples: usize = self.samples.values().map(|s| s.len() * 4 / 1024).sum();
        println!("  resident memory grew by {} KiB", held.saturating_sub(samples as u64));
        for (what, samples) in &mut self.samples {
            samples.sort_unstable();
            let at = |part: usize| samples.get(samples.len() * part / 100).copied().unwrap_or_default();
            println!("  {what:22} median {:5} ns, 90 % within {:5} ns", at(50), at(90));
        }
    }
}

/// What the kernel says that we hold.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let row = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    row.and_then(|r| r.trim().split(' ').next()).and_then(|n| n.parse().ok()).unwrap_or_default()
}

/// The example measures, so it reads the clock; the crate never does.
#[expect(clippy::disallowed_methods)]
fn clock() -> Instant {
    Instant::now()
}

fn peer_request(method: &str, call: u32, body: &[u8]) -> Vec<u8> {
    let branch = if method == "ACK" { "ack" } else { method };
    let mut text = format!(
        "{method} sip:+493023125100@198.51.100.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5060;rport;branch=z9hG4bK{call:x}{branch}77aa\r\nMax-Forwards: 69\r\n\
         Record-Route: <sip:192.0.2.7;lr>\r\nFrom: \"Somebody\" <sip:+441632960001@peer.example>;tag=p{call}\r\n\
         To: <sip:+493023125100@198.51.100.1>\r\nCall-ID: {call}-c0ffee@192.0.2.7\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:192.0.2.7:5060>\r\nSupported: 100rel, timer\r\nUser-Agent: Peer 1.0\r\n\
         Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    text.extend_from_slice(body);
    text
}

fn peer_response(request: &[u8], status: u16) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let mut answer = format!("SIP/2.0 {status} OK\r\n");
    for line in text.split("\r\n").skip(1).take_while(|l| !l.is_empty()) {
        if ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|n| line.starts_with(n)) {
            answer += line;
            answer += "\r\n";
        } else if line.starts_with("To:") {
            answer += line;
            answer += ";tag=b77\r\n";
        }
    }
    answer += "Contact: <sip:192.0.2.7:5060>\r\nContent-Length: 0\r\n\r\n";
    answer.into_bytes()
}

fn uas(bench: &mut Bench, call: u32) {
    let invite = peer_request("INVITE", call, SDP);
    let Incoming::Request(invite) = bench.receive("INVITE in", &invite) else { return };
    bench.respond(invite, 180, b"");
    bench.respond(invite, 200, SDP);
    bench.receive("ACK in", &peer_request("ACK", call, b""));
    bench.txns.acked(invite);
    let Incoming::Request(bye) = bench.receive("BYE in", &peer_request("BYE", call, b"")) else { return };
    bench.respond(bye, 200, b"");
    bench.out.clear();
    bench.pass_time();
}

fn uac(bench: &mut Bench, call: u32) {
    let invite = bench.request("INVITE", call, SDP);
    for (status, what) in [(100, "100 in"), (180, "180 in"), (200, "200 in")] {
        bench.receive(what, &peer_response(&invite, status));
    }
    bench.request("ACK", call, b"");
    let bye = bench.request("BYE", call, b"");
    bench.receive("200 in (BYE)", &peer_response(&bye, 200));
    bench.out.clear();
    bench.pass_time();
}

fn main() {
    let mut looks: Vec<u128> = (0..10_000).map(|_| clock().elapsed().as_nanos()).collect();
    looks.sort_unstable();
    println!("one look at the clock, in every figure: {} ns", looks.get(5_000).copied().unwrap_or_default());
    let wanted = std::env::args().nth(1);
    for (name, call) in [("UAS", uas as fn(&mut Bench, u32)), ("UAC", uac)] {
        if wanted.as_deref().is_some_and(|w| w != name) {
            continue;
        }
        let before = resident_kib();
        let mut bench = Bench::new();
        for n in 0..CALLS_TIMED {
            call(&mut bench, n);
        }
        bench.report(name, before);
    }
}
