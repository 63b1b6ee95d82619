//! How long one handled message takes, and what a call's transactions keep: a UAS and a UAC, each with
//! INVITE, 180, 200, ACK, BYE, 200, messages parsed beforehand. Run with `--release`.

use base::{ListenId, ShardId, Time, Transport};
use sip_core::{Flow, Incoming, Outbox, Request, Response, Setup, Timers, Transactions};
use sip_msg::{Index, Leniency, Limits, Msg, parse};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts what is allocated.
struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands every call to the system's allocator unchanged and only counts beside it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        CALLS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS_TIMED: u32 = 64_000;
/// Calls per second of virtual time, so that lingering is as at that load.
const RATE: u64 = 2_000;
const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";

struct Bench {
    txns: Transactions<u32>,
    out: Outbox,
    index: Index,
    now: Time,
    /// Time inside the transaction layer, and the messages that it took or made.
    spent: Duration,
    parsing: Duration,
    handled: u64,
    allocations: u64,
    most_live: usize,
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
            spent: Duration::ZERO,
            parsing: Duration::ZERO,
            handled: 0,
            allocations: 0,
            most_live: 0,
        }
    }

    fn timed<T>(&mut self, deed: impl FnOnce(&mut Transactions<u32>, Time, &mut Outbox) -> T) -> T {
        let calls = CALLS.load(Relaxed);
        let start = clock();
        let result = deed(&mut self.txns, self.now, &mut self.out);
        self.spent += start.elapsed();
        self.allocations += CALLS.load(Relaxed) - calls;
        self.handled += 1;
        result
    }

    fn receive(&mut self, text: &[u8]) -> Incoming<u32> {
        let start = clock();
        let mut index = std::mem::take(&mut self.index);
        let msg: Msg<'_> = parse(text, &mut index, &Limits::default(), Leniency::default()).expect("parses");
        self.parsing += start.elapsed();
        let incoming = self.timed(|txns, now, out| txns.receive(now, &msg, &flow(), out));
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
        self.timed(|txns, now, out| txns.respond(now, txn, &response, out));
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
            self.timed(|txns, _, out| txns.send_stateless(&request, out)).expect("fits");
        } else {
            self.timed(|txns, now, out| txns.request(now, call, &request, out)).expect("fits");
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
        self.spent += start.elapsed();
        self.out.clear();
        self.most_live = self.most_live.max(LIVE.load(Relaxed));
    }

    fn report(&self, name: &str, before: usize) {
        let handled = self.handled as f64;
        let counters = self.txns.counters();
        println!(
            "{name}: {:.0} ns per handled message (timers included), {:.2} allocations, parsing {:.0} ns; \
             {} server and {} client transactions linger in {} KiB",
            self.spent.as_nanos() as f64 / handled,
            self.allocations as f64 / handled,
            self.parsing.as_nanos() as f64 / handled,
            counters.server_live,
            counters.client_live,
            (LIVE.load(Relaxed) - before) / 1024,
        );
    }
}

/// The example measures, so it reads the clock; the crate never does.
#[allow(clippy::disallowed_methods)]
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
    let Incoming::Request(invite) = bench.receive(&peer_request("INVITE", call, SDP)) else { return };
    bench.respond(invite, 180, b"");
    bench.respond(invite, 200, SDP);
    bench.receive(&peer_request("ACK", call, b""));
    bench.timed(|txns, _, _| txns.acked(invite));
    bench.handled -= 1;
    let Incoming::Request(bye) = bench.receive(&peer_request("BYE", call, b"")) else { return };
    bench.respond(bye, 200, b"");
    bench.out.clear();
    bench.pass_time();
}

fn uac(bench: &mut Bench, call: u32) {
    let invite = bench.request("INVITE", call, SDP);
    for status in [100, 180, 200] {
        bench.receive(&peer_response(&invite, status));
    }
    bench.request("ACK", call, b"");
    let bye = bench.request("BYE", call, b"");
    bench.receive(&peer_response(&bye, 200));
    bench.out.clear();
    bench.pass_time();
}

fn main() {
    let start = clock();
    for _ in 0..1_000_000 {
        std::hint::black_box(clock());
    }
    println!(
        "one look at the clock: {} ns (two per message are in the figures)",
        start.elapsed().as_millis()
    );
    for (name, call) in [("UAS", uas as fn(&mut Bench, u32)), ("UAC", uac)] {
        let before = LIVE.load(Relaxed);
        let mut bench = Bench::new();
        for n in 0..CALLS_TIMED {
            call(&mut bench, n);
        }
        bench.report(name, before);
        println!("  at {RATE} calls/s the most held was {} KiB", (bench.most_live - before) / 1024);
    }
}
